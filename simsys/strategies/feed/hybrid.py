"""Fan-out on write below a follower threshold, on read above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simsys.expressions import EDGE
from simsys.steps import Each, Fill, Lookup, Visit
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.feed.pull import Pull
from simsys.strategies.feed.push import Push


class Hybrid(Strategy):
    """Deliver the posts of ordinary authors as `push` does, and gather those of celebrities as `pull` does.

    Wins where few authors hold many of the follow edges and still post little; a reader pays for every celebrity it
    follows, at every read. Which of the followed are celebrities is drawn anew for every threshold, from the share of
    follow edges (not users) above it, unless it is known who they are. With `kept` each process of the API keeps the
    lists of celebrities for a while, in the scenario's cache `lists`, for all its readers; which process a reader meets
    is chance. Such a read counts as stale as if all of it were as old as its oldest list.

    Demand per post: as `push` below `celebrity` followers, one insert from there on. Per read: as `push`, and as many
    author lists as the reader follows celebrities (`kept`: as many looks at the list that a process has, or may have to
    ask for). Source: Krikorian, Timelines at Scale, QCon 2012.
    """

    celebrity: float = 10_000  # followers at which an author is no longer fanned out
    push: Push = Push()  # how ordinary posts are delivered
    pull: Pull = Pull(source="lists")  # how those of celebrities are gathered
    kept: bool = False  # the lists of celebrities are kept by the API's processes, in the cache `lists`

    def post(self, r: Any) -> Iterator[Any]:
        yield from self.pull.post(r)
        if r.followers < self.celebrity:
            yield from self.push.fan_out(r)

    def read(self, r: Any) -> Iterator[Any]:
        yield from self.push.timeline(r)
        celebrities = r.followed_above(self.celebrity)
        if celebrities > 0:
            yield from self.pulls(r, celebrities)
        yield from self.push.posts(r)

    def pulls(self, r: Any, celebrities: Any) -> Iterator[Any]:
        """Ask for the newest posts of the celebrities that a reader follows, all at once."""
        if self.kept:
            yield Each(self.look, n=celebrities)
        elif r.by_edge:
            yield from self.pull.along(r, EDGE.followers >= self.celebrity)
        else:
            yield from self.pull.authors(celebrities)

    def look(self, b: Any) -> Iterator[Any]:
        """Look at the list of one of them that a process has, if it has one."""
        author = b.followed(self.celebrity)
        if not (yield Lookup("lists", author)):
            yield Visit("network", "same_zone")
            yield Visit("authors", "recent", key=author)
            yield Fill("lists", author)

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from self.push.keeps(world)
        celebrities = world.authors_above(self.celebrity)
        yield Keep("author lists", "ram", celebrities * self.pull.recent, "author_entry", grows=world.rate("post"))
        if self.kept:
            yield Keep("kept lists", "ram", world.cached("lists") * self.pull.recent, "author_entry", copies=1)
