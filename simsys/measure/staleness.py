"""Which reads lack a post that had been accepted before them.

A reader lacks a post if it follows its author and the post is not on its timeline yet, or not in the cached answer
it was given. Who follows whom is not simulated: a reader follows an author of F followers with probability F /
users, more or less as it follows more or fewer authors than the mean; so a read is stale with probability 1 −
exp(−x), where x is the expected number of posts it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys import draws
from simsys.measure.log import DONE, FROM_EVENT, Log, Request

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Following:
    """The facts about the population that staleness rests on.

    `users` registered, `mean` authors followed by a reader, `rate` posts per second that the mean reader should see.
    """

    users: float
    mean: float
    rate: float


@dataclass(frozen=True)
class Deliveries:
    """When the deliveries of one post happened, sorted, and the share of its followers reached by then."""

    accepted: float
    weight: float
    times: Array
    reached: Array

    def missing(self, now: Array) -> Array:
        """The share of the followers who do not have the post at these times."""
        reached: Array = self.reached[np.searchsorted(self.times, now, side="right")]
        return np.asarray(np.where(now < self.accepted, 0.0, 1.0 - reached))


def deliveries(log: Log, following: Following) -> dict[int, Deliveries]:
    """The deliveries of every post that marked some, by request number."""
    marks: dict[int, list[tuple[float, float]]] = {}
    for mark in log.marks:
        if mark.name == "fresh":
            marks.setdefault(mark.request, []).append((mark.time, mark.n))
    return {number: _delivery(log.requests[number], items, following) for number, items in marks.items()}


def _delivery(post: Request, marks: Sequence[tuple[float, float]], following: Following) -> Deliveries:
    accepted = post.end if post.status == DONE else np.inf
    times, n = np.array(marks, dtype=np.float64).T
    times = np.maximum(times, accepted)
    reached = np.concatenate([[0.0], np.cumsum(n) / n.sum()])
    return Deliveries(accepted, post.followers / following.users, times, reached)


def stale_shares(reads: Sequence[Request], log: Log, following: Following) -> tuple[Array, Array]:
    """For each read the probability that it is stale, and that a reader brought by a post does not find it (0
    for others).
    """
    arrival = np.array([r.arrival for r in reads])
    age = np.array([r.age for r in reads])
    sent = deliveries(log, following)
    lacking = following.rate * age + _pending(arrival, sent)
    posts = [r for r in log.requests if r.cause == FROM_EVENT and r.status == DONE and r.followers == r.followers]
    for post in posts:
        seen = (arrival - age < post.end) & (post.end <= arrival) & (age > 0)
        lacking += seen * post.followers / following.users
    own = np.array([r.following for r in reads]) / following.mean if following.mean else np.zeros(len(reads))
    unfound = _unfound(reads, arrival, age, log, sent)
    stale = 1.0 - draws.exps(-lacking * own)
    return 1.0 - (1.0 - stale) * (1.0 - unfound), unfound


def _pending(arrival: Array, sent: dict[int, Deliveries]) -> Array:
    """Expected number of accepted posts of the followed that are still under way at each arrival, for the mean
    reader.
    """
    if not sent:
        return np.zeros_like(arrival)
    times = np.concatenate([np.concatenate([[d.accepted], d.times]) for d in sent.values()])
    change = np.concatenate([d.weight * np.concatenate([[1.0], -np.diff(d.reached)]) for d in sent.values()])
    order = np.argsort(times, kind="stable")
    level = np.concatenate([[0.0], np.cumsum(change[order])])
    pending: Array = level[np.searchsorted(times[order], arrival, side="right")]
    return np.maximum(pending, 0.0)


def _unfound(reads: Sequence[Request], arrival: Array, age: Array, log: Log, sent: dict[int, Deliveries]) -> Array:
    unfound = np.zeros_like(arrival)
    parents = np.array([r.parent for r in reads])
    for number in {r.parent for r in reads if r.parent >= 0}:
        mine = parents == number
        if number in sent:
            unfound[mine] = sent[number].missing(arrival[mine])
        accepted: Any = log.requests[number].end
        unfound[mine & (age > 0) & (arrival - age < accepted)] = 1.0
    return unfound
