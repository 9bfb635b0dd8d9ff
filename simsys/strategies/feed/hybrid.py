"""Fan-out on write below a follower threshold, on read above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simsys.expressions import EDGE
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.feed.pull import Pull
from simsys.strategies.feed.push import Push


class Hybrid(Strategy):
    """Deliver the posts of ordinary authors as `push` does, and gather those of celebrities as `pull` does.

    Wins where few authors hold many of the follow edges and still post little; a reader pays for every celebrity it
    follows, at every read. Which of the followed are celebrities is drawn anew for every threshold, from the share of
    follow edges (not users) above it, unless it is known who they are.

    Demand per post: as `push` below `celebrity` followers, one insert from there on. Per read: as `push`, and as many
    author lists as the reader follows celebrities. Source: Krikorian, Timelines at Scale, QCon 2012.
    """

    celebrity: float = 10_000  # followers at which an author is no longer fanned out
    push: Push = Push()  # how ordinary posts are delivered
    pull: Pull = Pull(source="lists")  # how those of celebrities are gathered

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
        if r.by_edge:
            return self.pull.along(r, EDGE.followers >= self.celebrity)
        return self.pull.authors(celebrities)

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from self.push.keeps(world)
        celebrities = world.authors_above(self.celebrity)
        yield Keep("author lists", "ram", celebrities * self.pull.recent, "author_entry", grows=world.rate("post"))
