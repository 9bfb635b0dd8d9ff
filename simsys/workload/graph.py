"""Who follows whom, edge by edge: read from a list of edges, and asked for by author or by reader.

Users are numbers from 0, in the order in which the file names them. What is known of an edge are how often its author
posts (`posts`), how often its follower reads (`reads`), the number of the author's followers (`followers`), and of
those whom the follower follows (`following`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.expressions import evaluate
from simsys.workload.grid import Grid

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Side = Literal["followers", "following"]
"""The followers of an author, or those whom a reader follows."""


class Lists(NamedTuple):
    """For each user some others: those of user u are `others[starts[u]:starts[u + 1]]`."""

    starts: Numbers
    others: Numbers

    def counts(self, users: Numbers) -> Array:
        """How many others each of these users has."""
        return (self.starts[users + 1] - self.starts[users]).astype(np.float64)

    def number(self, user: float) -> float:
        """How many others a user has."""
        return float(self.starts[int(user) + 1] - self.starts[int(user)])

    def one(self, user: float, index: float) -> float:
        """The other at a place in a user's list, which begins again after its end; -1 where it is empty."""
        first, count = int(self.starts[int(user)]), int(self.number(user))
        return float(self.others[first + int(index) % count]) if count else -1.0


@dataclass(frozen=True, eq=False)
class Graph:
    """The edges, each (`follower`, `author`), and how often each user posts and reads."""

    follower: Numbers
    author: Numbers
    posts: Array
    reads: Array
    _lists: dict[Any, Lists] = field(default_factory=dict, repr=False)

    @property
    def users(self) -> int:
        """How many there are."""
        return self.posts.size

    @property
    def edges(self) -> int:
        """How many there are."""
        return self.author.size

    @cached_property
    def followers(self) -> Array:
        """By user: how many follow."""
        return np.bincount(self.author, minlength=self.users).astype(np.float64)

    @cached_property
    def following(self) -> Array:
        """By user: how many are followed."""
        return np.bincount(self.follower, minlength=self.users).astype(np.float64)

    @cached_property
    def active(self) -> Array:
        """By author: the share of the followers who ever read; 1 where there are none."""
        ever = np.bincount(self.author, self.reads[self.follower] > 0, self.users)
        return np.where(self.followers > 0, ever / np.maximum(self.followers, 1.0), 1.0)

    @cached_property
    def along(self) -> Mapping[str, Array]:
        """What is known of each edge."""
        return {
            "posts": self.posts[self.author],
            "reads": self.reads[self.follower],
            "followers": self.followers[self.author],
            "following": self.following[self.follower],
        }

    def lists(self, side: Side, rule: Any = None) -> Lists:
        """The followers of each author, or those whom each reader follows, along the edges for which a rule holds."""
        name = (side, None if rule is None else rule.key())
        if name not in self._lists:
            self._lists[name] = self._made(side, rule)
        return self._lists[name]

    def _made(self, side: Side, rule: Any) -> Lists:
        holds = np.ones(self.edges, np.bool_) if rule is None else np.asarray(evaluate(rule, self.along), np.bool_)
        of, others = (self.author, self.follower) if side == "followers" else (self.follower, self.author)
        of, others = of[holds], others[holds]
        starts = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=self.users))))
        return Lists(starts.astype(np.int64), others[np.lexsort((others, of))])

    def drawn(self, v: Array, author: npt.NDArray[np.bool_]) -> Numbers:
        """The users that uniform numbers lead to: authors by how often they post, readers by how often they read."""
        user = np.empty(v.size, np.int64)
        for chosen, rates in ((author, self.posts), (~author, self.reads)):
            if chosen.any():
                ends = np.cumsum(rates)
                last = int(np.flatnonzero(rates)[-1])
                user[chosen] = np.minimum(np.searchsorted(ends, v[chosen] * ends[-1], side="right"), last)
        return user

    def traits(self, user: Numbers, names: Collection[str] | None = None) -> dict[str, Array]:
        """The columns of these users; only those that are named."""
        traits = {
            "user": user, "active": self.active, "followers": self.followers, "following": self.following,
            "posts": self.posts, "reads": self.reads,
        }  # fmt: skip
        wanted = traits.keys() if names is None else traits.keys() & set(names)
        return {name: np.asarray(user if name == "user" else traits[name][user], np.float64) for name in wanted}

    def grid(self, author: bool, same: Mapping[str, float]) -> Grid:
        """A point for each user, as heavy as it posts or reads, with columns that are the `same` for all."""
        weights = self.posts if author else self.reads
        (user,) = np.nonzero(weights)
        columns = self.traits(user) | {name: np.full(user.size, value) for name, value in same.items()}
        return Grid(weights[user] / weights[user].sum(), columns)

    def at(self, posts: float, reads: float) -> Graph:
        """The same graph where so many posts and reads come in all, shared as they are here."""
        return Graph(self.follower, self.author, _shared(self.posts, posts), _shared(self.reads, reads))


def _shared(weights: Array, total: float) -> Array:
    return weights * (total / weights.sum()) if weights.any() else weights
