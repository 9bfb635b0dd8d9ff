"""Where it is known who follows whom: which reads lack a post that had been accepted before them, and what became of
every single delivery.

A read lacks a post exactly if the post was to be delivered to its reader and that has not happened yet, or if the
answer it was given is older than a post of somebody whom its reader follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.measure.log import DONE
from simsys.measure.marks import Marks

Array = npt.NDArray[Any]
Users = Callable[[Array, str], Array]
"""The users of requests, from their indices and their operation."""


class Followers(NamedTuple):
    """The followers of user u are `others[starts[u]:starts[u + 1]]`."""

    starts: Array
    others: Array

    def of(self, users: Array) -> tuple[Array, Array]:
        """The places of the users that have followers, once for each, and the followers."""
        counts = self.starts[users + 1] - self.starts[users]
        place = np.repeat(np.arange(users.size), counts)
        within = np.arange(place.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return place, self.others[self.starts[users[place]] + within]


class Moments:
    """What happened to whom, and when (s)."""

    def __init__(self) -> None:
        self._who, self._when = np.zeros(0, np.int64), np.zeros(0)

    def add(self, who: Array, when: Array) -> None:
        self._who, self._when = np.append(self._who, who), np.append(self._when, when)

    def until(self, who: Array, when: Array) -> Array:
        """How many had happened to each of these by then."""
        count = self._when.size + 1
        order = np.argsort(self._when, kind="stable")
        keys = np.sort(self._who[order] * count + np.arange(order.size))
        rank = np.searchsorted(self._when[order], when, side="right")
        return np.searchsorted(keys, who * count + rank) - np.searchsorted(keys, who * count)

    def keep(self, wanted: Array) -> None:
        """Forget all others."""
        self._who, self._when = self._who[wanted], self._when[wanted]

    def latest(self, before: float) -> Array:
        """Which of them lie after a moment, or are the last before it for whom they happened to."""
        order = np.lexsort((self._when, self._who))
        last = np.append(self._who[order][1:] != self._who[order][:-1], True)[: order.size]
        follows = np.append(self._when[order][1:], np.inf)[: order.size]
        wanted = np.zeros(order.size, np.bool_)
        wanted[order] = last | (follows > before)
        return wanted


class Lacking:
    """The reads that lack a post: each waits until all that arrived before it has settled, is judged, and leaves.

    `post` is the number of the operation of posts.
    """

    def __init__(self, followers: Followers, users: Users, post: int) -> None:
        self._followers, self._users, self._post = followers, users, post
        self._sent, self._reached, self._posted = Moments(), Moments(), Moments()
        self._waiting: list[tuple[Array, Array, Array]] = []
        self.stale, self.unfound, self.brought = 0.0, 0.0, 0

    def take(self, requests: Any, reads: Any, marks: Marks, settled: float) -> None:
        """Settled requests, those rows of them that are reads, and the marks; all that arrived before `settled` (s) are
        known.
        """
        self._take_posts(requests, marks)
        if len(reads):
            users = self._users(requests["index"][reads], "read")
            self._waiting.append((users, requests["arrival"][reads], requests["age"][reads]))
        for users, arrival, age in self._waiting:
            if arrival.max() < settled:
                self.stale += int(self._lacking(users, arrival, age).sum())
        self._waiting = [each for each in self._waiting if not each[1].max() < settled]
        self._forget(min([settled, *(float(arrival.min()) for _, arrival, _ in self._waiting)]))

    def _take_posts(self, requests: Any, marks: Marks) -> None:
        """An accepted post is news for all who follow its author, and lacked by those it is sent to until it comes."""
        rows = np.flatnonzero((requests["op"] == self._post) & (requests["status"] == DONE))
        authors = self._users(requests["index"][rows], "post")
        place, follower = self._followers.of(authors)
        self._posted.add(follower, requests["end"][rows][place])
        row, time, whom = first_deliveries(marks)
        accepted = requests["status"][row] == DONE
        row, time, whom = row[accepted], time[accepted], whom[accepted]
        end = requests["end"][row]
        late = time > end
        self._sent.add(whom[late], end[late])
        self._reached.add(whom[late], time[late])

    def _lacking(self, users: Array, arrival: Array, age: Array) -> Array:
        on_its_way = self._sent.until(users, arrival) > self._reached.until(users, arrival)
        since = self._posted.until(users, arrival) > self._posted.until(users, arrival - age)
        return on_its_way | ((age > 0) & since)

    def _forget(self, until: float) -> None:
        wanted = self._reached._when > until
        self._sent.keep(wanted)
        self._reached.keep(wanted)
        self._posted.keep(self._posted.latest(until))


class Deliveries:
    """Every delivery of a post to a follower: how many were `sent`, of which some were `lost`, and how many came twice
    or more (`doubled`, the first one not counted).
    """

    def __init__(self) -> None:
        self.sent, self.lost, self.doubled = 0, 0, 0

    def take(self, marks: Marks, sent: Marks) -> None:
        """The marks of deliveries, and of how many were sent, by posts that have settled."""
        count = int(np.rint(sent.n).sum())
        told = int((marks.whom >= 0).sum())
        reached = first_deliveries(marks)[0].size
        self.sent += count
        self.doubled += told - reached
        self.lost += count - reached


def first_deliveries(marks: Marks) -> tuple[Array, Array, Array]:
    """Row, time and follower of each delivery, of those that came more than once the first."""
    told = marks.whom >= 0
    row, time, whom = marks.row[told], marks.time[told], marks.whom[told]
    order = np.lexsort((time, whom, row))
    row, time, whom = row[order], time[order], whom[order]
    first = np.ones(row.size, np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (whom[1:] != whom[:-1])
    return row[first], time[first], whom[first]
