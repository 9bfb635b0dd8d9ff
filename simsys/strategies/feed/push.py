"""Fan-out on write: a post is delivered to a list that every follower keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from simsys.expressions import EDGE
from simsys.steps import SPREAD, Each, Hold, Mark, Plan, Start, Visit
from simsys.strategies import AtLeastOne, Keep, Strategy, World
from simsys.strategies.feed.pull import Pull


class Push(Strategy):
    """Put a post on the timeline of every follower when it is written; a read is one list.

    Wins where reads are many; pays once per follower, in the background, and keeps a list per active user in memory.
    A worker is held until the shards have replied to its batch. Batches are spread over all shards; where it is known
    who follows whom, every follower is a batch, at its own shard, and at most a `page` of them are under way. A batch
    that meets an outage, of the workers or of a shard, is `lost`, and its followers are counted: nobody tries again.

    Demand per post with F followers, a share a of them active: one insert, F·a/batch holds of a worker, F·a pushes
    (`inactive: try` adds F·(1 − a) attempts that find no timeline, `push` makes it F pushes). Per read: one range of a
    page, and one page of posts. Reading who follows is not charged. Source: Krikorian, Timelines at Scale, QCon 2012.
    """

    batch: AtLeastOne = 500  # followers per pipeline
    page: AtLeastOne | None = None  # followers per page, begun when the one before is written; none: no barrier
    lane: float | None = None  # followers from which a post is delivered by `celebrity_workers`, a lane of its own
    inactive: Literal["skip", "try", "push"] = "skip"  # followers without a timeline: known, found out, or given one
    length: AtLeastOne = 800  # entries kept per timeline
    hydrate: bool = True  # fetch the posts of the page by their ids

    def post(self, r: Any) -> Iterator[Any]:
        yield from Pull().post(r)
        yield from self.fan_out(r)

    def fan_out(self, r: Any) -> Iterator[Any]:
        if r.by_edge:
            yield from self.along(r, None if self.inactive == "push" else EDGE.reads > 0)
            if self.inactive == "try":
                yield from self.along(r, EDGE.reads == 0, absent=True)
            return
        followers = r.followers * r.active if self.inactive == "skip" else r.followers
        if self.page is None:
            yield Start(self.deliver, n=followers, batch=self.batch)
        else:
            yield Start(self.pages, n=followers, batch=followers)

    def along(self, r: Any, rule: Any, absent: bool = False) -> Iterator[Any]:
        """Deliver along the edges for which a rule holds, each by itself, at its follower's shard."""

        def in_pages(b: Any) -> Iterator[Any]:
            yield Each(deliver_one, n=b.followers_where(rule), width=self.page)

        def deliver_one(b: Any) -> Iterator[Any]:
            lost = (0, None) if absent else (1, b.follower_where(rule))
            yield from self.by_worker(b, write_one, *lost)

        def write_one(b: Any) -> Iterator[Any]:
            yield Visit("network", "same_zone")
            if absent:
                yield Visit("timelines", "push_absent", key=b.follower_where(rule))
            else:
                yield Visit("timelines", "push", key=b.follower_where(rule))
                yield Mark("fresh", whom=b.follower_where(rule))

        if not absent:
            yield Mark("sent", n=r.followers_where(rule))
        if self.page is None:
            yield Start(deliver_one, n=r.followers_where(rule))
        else:
            yield Start(in_pages)

    def pages(self, b: Any) -> Iterator[Any]:
        yield Each(self.turn, n=b.size, batch=self.page, width=1)

    def turn(self, b: Any) -> Iterator[Any]:
        yield Each(self.deliver, n=b.size, batch=self.batch)

    def deliver(self, b: Any) -> Iterator[Any]:
        yield from self.by_worker(b, self.write, self.reached(b))

    def by_worker(self, b: Any, write: Plan, followers: Any, whom: Any = None) -> Iterator[Any]:
        """Hold a worker while it writes; what an outage keeps from so many followers (from `whom`) is lost."""
        if not (yield Hold(self.workers(b), write, ask=True)):
            yield Mark("lost", n=followers, whom=whom)
            yield Mark("fresh", n=0)

    def workers(self, b: Any) -> str:
        """Who delivers a post: those of its lane."""
        return "celebrity_workers" if self.lane is not None and b.followers >= self.lane else "workers"

    def reached(self, b: Any) -> Any:
        """How many followers of a batch have a timeline."""
        return b.size * b.active if self.inactive == "try" else b.size

    def write(self, b: Any) -> Iterator[Any]:
        reached = self.reached(b)
        yield Visit("network", "same_zone")
        yield Visit("timelines", "push", n=reached, key=SPREAD)
        if self.inactive == "try":
            yield Visit("timelines", "push_absent", n=b.size - reached, key=SPREAD)
        yield Mark("fresh", n=reached)

    def read(self, r: Any) -> Iterator[Any]:
        yield from self.timeline(r)
        yield from self.posts(r)

    def timeline(self, r: Any) -> Iterator[Any]:
        """Ask for the newest page of the reader's list of ids."""
        yield Visit("api", "read")
        yield Visit("network", "same_zone")
        yield Visit("timelines", "range", n=r.page, key=r.user)

    def posts(self, r: Any) -> Iterator[Any]:
        if self.hydrate:
            yield from Pull().hydrate(r)

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from Pull().rows(world)
        everybody = self.inactive == "push"
        owners = world.users if everybody else world.active_users
        grows = world.deliveries if everybody else world.deliveries * world.active
        yield Keep("timelines", "ram", owners * self.length, "timeline_entry", grows=grows)
        if self.hydrate:
            yield from Pull().objects(world)
