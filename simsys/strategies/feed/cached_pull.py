"""A cache in front of the query: cache-aside with a time to live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simsys.steps import Fill, Lookup, Visit
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.feed.pull import Pull


class CachedPull(Strategy):
    """Keep each reader's gathered feed in a cache; on a miss, gather it and fill.

    Wins where the same reader comes back within the time to live; pays with stale feeds, and with the whole query on
    every miss. Size, time to live, policy and start of the cache `feed` are the scenario's `caches`.

    Demand per read at hit ratio h: one get; 1 − h times what `pull` asks, and one set. Per post: one insert.
    Source: cache-aside as in Nishtala et al., Scaling Memcache at Facebook, NSDI 2013.
    """

    pull: Pull = Pull()  # how a miss gathers

    def post(self, r: Any) -> Iterator[Any]:
        yield from self.pull.post(r)

    def read(self, r: Any) -> Any:
        yield Visit("api", "read")
        yield Visit("network", "same_zone")
        yield Visit("cache", "get")
        if not (yield Lookup("feed", r.user)):
            yield from self.pull.gather(r)
            yield Fill("feed", r.user)
            yield Visit("cache", "set")

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from self.pull.keeps(world)
        yield Keep("cached feeds", "ram", world.cached("feed"), "feed_page", copies=1)
