"""Fan-out on write along the edges where that costs less than asking, on read along the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from simsys.expressions import EDGE
from simsys.steps import Mark
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.feed.pull import Pull
from simsys.strategies.feed.push import Push


class PerEdge(Strategy):
    """Deliver a post to a follower who reads often enough for it, and let the others ask for it when they read.

    Along an edge whose author posts p times and whose follower reads r times, deliveries cost p pushes and asking costs
    r pulls; the lesser of the two is the least that any placement of the edges can do. Wins where readers differ: one
    author's posts go to those who read all day, and not to those who come once a month. It needs a population with
    edges: where all readers are alike, the rule is a threshold, and `hybrid` has it.

    Demand per post: as `push` to the followers who read more than p / worth times, one insert. Per read: as `push`, and
    as many author lists as the reader follows authors who post at least r · worth times.
    Source: Silberstein et al., Feeding Frenzy, SIGMOD 2010.
    """

    worth: Annotated[float, Field(gt=0)] = 0.67  # pushes that a pull is worth: 3.5 us against 5.2 us
    push: Push = Push()  # how posts are delivered
    pull: Pull = Pull(source="lists")  # how the others are gathered

    def post(self, r: Any) -> Iterator[Any]:
        yield from self.pull.post(r)
        yield from self.push.along(r, EDGE.posts < self.worth * EDGE.reads)
        yield Mark("fresh", n=r.followers_where(self.pulled))

    @property
    def pulled(self) -> Any:
        """Of which edges the readers ask."""
        return EDGE.posts >= self.worth * EDGE.reads

    def read(self, r: Any) -> Iterator[Any]:
        yield from self.push.timeline(r)
        pulled = self.pulled
        if r.following_where(pulled) > 0:
            yield from self.pull.along(r, pulled)
        yield from self.push.posts(r)

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from self.push.keeps(world)
        yield Keep("author lists", "ram", world.users * self.pull.recent, "author_entry", grows=world.rate("post"))
