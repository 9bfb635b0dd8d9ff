"""Which reads lack a post that had been accepted before them.

A reader lacks a post if it follows its author and the post is not on its timeline yet, or not in the cached answer
it was given. Who follows whom is not simulated: a reader follows an author of F followers with probability F /
users, more or less as it follows more or fewer authors than the mean; so a read is stale with probability 1 −
exp(−x), where x is the expected number of posts it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from simsys import draws
from simsys.measure.columns import columns_of
from simsys.measure.log import DONE, FROM_EVENT
from simsys.measure.marks import Marks

Array = npt.NDArray[np.float64]

UNIT = 2.0**60
"""Shares are added up as whole numbers of 2**-60, so that a sum depends on nothing but them."""


@dataclass(frozen=True)
class Following:
    """The facts about the population that staleness rests on.

    `users` registered, `mean` authors followed by a reader, `rate` posts per second that the mean reader should see.
    """

    users: float
    mean: float
    rate: float


class Reads(NamedTuple):
    """Reads: when they arrived (s), how old their cached answer was (s), how many authors the reader follows, and the
    number of the request that brought it, or -1.
    """

    arrival: Array
    age: Array
    following: Array
    parent: npt.NDArray[np.int64]


class Post(NamedTuple):
    """A post of an event: when it was over (s), the share of all users who follow its author (0 if it was not
    accepted), and when its deliveries happened (s; never, if lost), with the share of its followers reached by then.
    """

    end: float
    weight: float
    times: Array
    reached: Array

    def missing(self, now: Array) -> Array:
        """The share of the followers who do not have the post at these times; none do where nothing is delivered."""
        reached = self.reached[np.searchsorted(self.times, now, side="right")]
        return np.asarray(np.where(now < self.end, 0.0, 1.0 - reached))


class Posts:
    """The posts that a read may lack: those under way, and those that came after its cached answer was made."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self._times, self._changes, self._levels = np.zeros(0), np.zeros(0), np.zeros(1)
        self._of_events: dict[int, Post] = {}

    def take(self, requests: Any, marks: Marks) -> None:
        """Settled requests and their marks: an accepted post is lacked by all who follow its author, then by fewer, and
        for ever by those for whom it is lost.
        """
        for row in np.flatnonzero(requests["cause"] == FROM_EVENT).tolist():
            self._of_events[int(requests["number"][row])] = self._post(requests, marks, row)
        accepted = requests["status"][marks.row] == DONE
        row, time, n, _ = (column[accepted] for column in marks)
        if not n.any():
            return
        posts, first, count = np.unique(row, return_index=True, return_counts=True)
        end, weight = requests["end"][posts], np.nan_to_num(requests["followers"][posts]) / self._following.users
        items = np.add.reduceat(n, first)
        share = np.divide(weight, items, out=np.zeros_like(weight), where=items > 0)
        times = np.insert(np.maximum(time, np.repeat(end, count)), first, end)
        changes = np.insert(-np.repeat(share, count) * n, first, share * items)
        some_day = times < np.inf
        self._times = np.append(self._times, times[some_day])
        self._changes = np.append(self._changes, changes[some_day])
        order = np.argsort(self._times, kind="stable")
        self._times, self._changes = self._times[order], self._changes[order]
        self._levels = np.cumsum(np.append(self._levels[0], self._changes))

    def _post(self, requests: Any, marks: Marks, row: int) -> Post:
        mine, accepted, end = marks.row == row, requests["status"][row] == DONE, float(requests["end"][row])
        weight = float(np.nan_to_num(requests["followers"][row])) / self._following.users if accepted else 0.0
        n = np.cumsum(marks.n[mine])
        if not accepted or not n.any():
            return Post(end, weight, np.zeros(0), np.ones(1))
        return Post(end, weight, np.maximum(marks.time[mine], end), np.append(0.0, n / n[-1]))

    def forget(self, until: float) -> None:
        """No read that arrived before `until` (s) will be asked about any more."""
        past = int(np.searchsorted(self._times, until))
        self._times, self._changes, self._levels = self._times[past:], self._changes[past:], self._levels[past:]

    def shares(self, reads: Reads) -> tuple[Array, Array]:
        """For each read the probability that it is stale, and that a reader brought by a post does not find it (0
        for others).
        """
        ends, weights = (np.array([post[field] for post in self._of_events.values()]) for field in range(2))
        unfound, facts = self._unfound(reads), self._following
        stale = np.empty_like(unfound)
        _stale(stale, *reads[:3], unfound, self._times, self._levels, ends, weights, facts.mean, facts.rate)
        return stale, unfound

    def _unfound(self, reads: Reads) -> Array:
        unfound = np.zeros_like(reads.arrival)
        brought = reads.parent >= 0
        for number in np.unique(reads.parent[brought]).tolist():
            mine, post = reads.parent == number, self._of_events[number]
            unfound[mine] = post.missing(reads.arrival[mine])
            unfound[mine & (reads.age > 0) & (reads.arrival - reads.age < post.end)] = 1.0
        return unfound


class Staleness:
    """The reads that lack a post: each waits until all that arrived before it has settled, is judged, and leaves."""

    def __init__(self, following: Following) -> None:
        self._posts = Posts(following)
        self._waiting: list[tuple[float, float, Reads]] = []
        self._stale, self._unfound, self.brought = 0, 0, 0

    def take(self, requests: Any, reads: Any, marks: Marks, settled: float) -> None:
        """Settled requests, those rows of them that are reads, and the marks; all that arrived before `settled` (s) are
        known.
        """
        self._posts.take(requests, marks)
        if len(reads):
            one = Reads(*columns_of(requests, reads, Reads._fields))
            self.brought += int((one.parent >= 0).sum())
            self._waiting.append((float(one.arrival.min()), float(one.arrival.max()), one))
        for _, latest, ready in self._waiting:
            if latest < settled:
                stale, unfound = self._posts.shares(ready)
                self._stale, self._unfound = self._stale + _units(stale), self._unfound + _units(unfound)
        self._waiting = [each for each in self._waiting if not each[1] < settled]
        self._posts.forget(min([settled, *(earliest for earliest, *_ in self._waiting)]))

    @property
    def stale(self) -> float:
        """How many of the reads lack a post: the sum of the probabilities."""
        return self._stale / UNIT

    @property
    def unfound(self) -> float:
        """How many of the readers that a post brought do not find it: the sum of the probabilities."""
        return self._unfound / UNIT


_ARRAY: Any = types.float64[::1]


@draws.compiled(types.void(*[_ARRAY] * 9, types.float64, types.float64))
def _stale(
    out: Array,
    arrival: Array,
    age: Array,
    following: Array,
    unfound: Array,
    times: Array,
    levels: Array,
    ends: Array,
    weights: Array,
    mean: float,
    rate: float,
) -> None:
    """Writes the probability that each read is stale; `levels` are the expected numbers of posts under way before the
    first of the `times` (s) and from each of them on.
    """
    for i in range(arrival.size):
        low, high = 0, times.size
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if times[middle] <= arrival[i] else (low, middle)
        lacking = rate * age[i] + max(levels[low], 0.0)
        for k in range(ends.size):
            if arrival[i] - age[i] < ends[k] <= arrival[i] and age[i] > 0.0:
                lacking += weights[k]
        own = following[i] / mean if mean else 0.0
        lacks = 1.0 - draws.exp(-lacking * own) if lacking else 0.0
        out[i] = 1.0 - (1.0 - lacks) * (1.0 - unfound[i])


def _units(shares: Array) -> int:
    """A sum of shares from 0 to 1 in units of 2**-60: the halves of each are added apart, so that none overflows."""
    if not shares.any():
        return 0
    whole = np.rint(shares * UNIT).astype(np.int64)
    return (int((whole >> 30).sum()) << 30) + int((whole & (2**30 - 1)).sum())
