"""Closed forms for feeds: which follow edges to push and which to pull, and where a follower threshold belongs.

A push and a pull cost seconds of work (or dollars, if both do); rates are per second (or per day, if all are).
ValueError outside the range where a formula holds.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsys.theory.solve import root, within

Floats = NDArray[np.float64]
Bound = Literal["work", "sharing", "freshness"]

ROUNDING = 1e-12
"""Rates that differ by less are equal."""
LARGEST = 700.0
"""e to more than this is no number any more."""


class Edges(NamedTuple):
    """The follow edges of a network, one element each: how often the author posts, how often the follower reads,
    and how many followers the author has.
    """

    posts: Floats
    reads: Floats
    followers: Floats

    def least_work(self, push: float, pull: float) -> float:
        """Work if each edge is pushed or pulled, whichever costs less: no other choice costs less in all.

        Source: Silberstein et al., Feeding Frenzy, SIGMOD 2010.
        """
        return float(np.minimum(self.posts * push, self.reads * pull).sum())

    def work(self, push: float, pull: float, threshold: float) -> float:
        """Work if the edges of authors below `threshold` followers are pushed, and all others pulled."""
        pushed = self.followers < threshold
        return float(np.where(pushed, self.posts * push, self.reads * pull).sum())


class Feed(NamedTuple):
    """Readers who all read alike, and authors who post `scale` · followers^`exponent` times.

    `push` delivers a post to one follower, `pull` asks for the newest posts of one author; `reads` are those of one
    reader. Where processes keep the lists of authors for a while, an author's list is pulled at most `pulls` times
    (processes / time kept), and `merge` is what a kept list costs a read.
    """

    push: float
    pull: float
    reads: float
    scale: float
    exponent: float = 0.0
    pulls: float = math.inf
    merge: float = 0.0

    def pushed(self, followers: float) -> float:
        """Work of an author with so many followers if posts are delivered."""
        return followers * self.scale * math.pow(followers, self.exponent) * self.push

    def pulled(self, followers: float) -> float:
        """Work of an author with so many followers if they ask."""
        asked = followers * self.reads
        return min(asked, self.pulls) * self.pull + (asked * self.merge if self.pulls < math.inf else 0.0)

    def by_work(self) -> float:
        """Followers up to which a push costs less than the pulls it saves, each reader asking for itself.

        The number of followers of an edge's author cancels: only the rates count. Where all authors post alike no
        threshold lies in between: 0 if all should be pulled, infinite if all should be pushed or it makes no odds.
        """
        return self._up_to(self.reads * (self.pull + (self.merge if self.pulls < math.inf else 0.0)))

    def by_sharing(self) -> float:
        """Followers up to which a push costs less than pulls that many readers share; infinite where none do."""
        if self.pulls == math.inf or self._up_to(self.reads * self.merge) == math.inf:
            return math.inf

        def above_merging(followers: float) -> float:
            return self.pushed(followers) - followers * self.reads * self.merge

        return root(above_merging, self.pulls * self.pull, 1.0)

    def _up_to(self, work: float) -> float:
        """Followers up to which the pushes to one of them cost no more than this."""
        within(self.push > 0 and self.scale > 0 and self.exponent >= 0, "authors must post, and a push cost something")
        affordable = work / (self.scale * self.push)
        if self.exponent == 0 or affordable == 0:
            return math.inf if affordable >= 1 - ROUNDING else 0.0
        logarithm = math.log(affordable) / self.exponent
        return math.exp(logarithm) if logarithm < LARGEST else math.inf


class Promise(NamedTuple):
    """The last follower has a post within `limit`, from `servers` that take `push` s each and give `busy` to reads."""

    limit: float
    servers: float
    push: float
    busy: float

    def by_freshness(self) -> float:
        """The most followers that a post reaches in time."""
        within(self.push > 0, "a push costs something")
        return max(0.0, self.limit * (self.servers - self.busy) / self.push)


class Threshold(NamedTuple):
    """The followers up to which authors should be pushed, and what binds: it is the least of three bounds."""

    followers: float
    binds: Bound


def threshold(feed: Feed, promise: Promise | None = None) -> Threshold:
    """The best follower threshold: by work, by what readers share, or by a promise of freshness."""
    bounds: dict[Bound, float] = {
        "freshness": math.inf if promise is None else promise.by_freshness(),
        "work": feed.by_work(),
        "sharing": feed.by_sharing(),
    }
    binds = min(bounds, key=lambda bound: bounds[bound])
    return Threshold(bounds[binds], binds if bounds[binds] < math.inf else "work")


def read_twice(feed: Feed, promise: Promise | None = None) -> Threshold:
    """The best threshold if everybody read twice as much: up by work, the same by sharing, down by freshness."""
    busier = None if promise is None else promise._replace(busy=2 * promise.busy)
    return threshold(feed._replace(reads=2 * feed.reads), busier)


def break_even(write: tuple[float, float], read: tuple[float, float]) -> float:
    """Reads per write at which two designs cost the same, from what a write and a read cost in each.

    Infinite where the one that costs more to write costs no less to read.
    """
    dearer, cheaper = write[0] - write[1], read[1] - read[0]
    if dearer * cheaper <= 0:
        return 0.0 if dearer == 0 else math.inf
    return dearer / cheaper
