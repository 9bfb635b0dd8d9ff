"""Users ranked by their followers: how many each has, and who writes the posts.

The law of the posts has the same pieces as that of the users, with other shares (and steeper where
activity grows with followers): a draw by activity leads to a piece, to a value within it, and so to a
rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Discriminator, Field, Tag

from simsys.distributions import CountDistribution, QuantileTable
from simsys.distributions.pieces import piece_below, piece_moments, table_quantiles
from simsys.draws import powers
from simsys.units import Count, Spec
from simsys.workload.grid import integral

FEW = 4096
"""Up to so many users, each is counted by itself."""
GROUPED = 0.01

Array = npt.NDArray[np.float64]


class RankSize(Spec):
    """Zipf's law: the user of rank r, from the top, has max / r^exponent followers."""

    exponent: Annotated[float, Field(gt=0, le=5)]
    max: Annotated[Count, Field(gt=0)]


class ByRank(Spec):
    """Followers by rank instead of by a law; their mean follows from the number of users."""

    zipf: RankSize

    def table(self, users: int) -> QuantileTable:
        """The law: the first ranks one by one, the rest as one power law."""
        exponent, first = self.zipf.exponent, min(users, FEW)
        each = self.zipf.max * powers(np.arange(first, 0, -1.0), -exponent)
        above = 1.0 - np.arange(first, 0, -1.0) / users
        pieces = np.column_stack((np.append(above[1:], 1.0), each, each, np.ones(first)))
        if users > first:
            low, high = self.zipf.max * powers(np.array([users + 0.5, first + 0.5]), -exponent)
            pieces = np.concatenate(([[above[0], low, high, -1.0 / exponent]], pieces))
        return QuantileTable(np.ascontiguousarray(pieces))


def _kind(value: Any) -> str:
    return "rank" if isinstance(value, ByRank) or (isinstance(value, Mapping) and "zipf" in value) else "law"


Followers = Annotated[Annotated[ByRank, Tag("rank")] | Annotated[CountDistribution, Tag("law")], Discriminator(_kind)]


@dataclass(frozen=True, eq=False)
class Ranks:
    """The law of followers over users and, piece by piece, over posts; and their means."""

    users: QuantileTable
    posts: QuantileTable

    @property
    def mean_followers(self) -> float:
        return self.users.mean

    @property
    def activity_weighted_mean_followers(self) -> float:
        return self.posts.mean

    def author(self, v: Array) -> Array:
        """Ranks, as parts of all users, of the authors of posts, from uniform numbers."""
        users, posts = self.users.prepared, self.posts.prepared
        k = np.minimum(np.searchsorted(posts[:, 0], v), len(posts) - 1)
        _, low, high, g, start, *_ = users[k].T
        part = np.clip((v - posts[k, 4]) / (posts[k, 0] - posts[k, 4]), 0.0, 1.0)
        inside = np.where(low < high, piece_below(low, high, g, table_quantiles(posts, v)), part)
        return np.asarray(start + inside * (users[k, 0] - start))


def ranks(law: QuantileTable, users: int, activity: float | Array = 0.0) -> Ranks:
    """Ranks of `users` users; activity is an exponent of followers, or the posts of a user in each
    piece of the law.

    Raises ValueError where nobody would post.
    """
    if isinstance(activity, np.ndarray):
        return _ranks(law, activity, 0.0)
    if users <= FEW:
        law = QuantileTable.from_rows(_one_by_one(law, users))
    return _ranks(law, piece_moments(law.pieces, activity), activity)


def by_edges(law: QuantileTable, users: int) -> QuantileTable:
    """The rank of the author of a follow edge, 0 at the top, as the whole part of a draw: the first ranks one by one,
    the rest in groups a hundredth wide, in which all have as many followers.
    """
    first = min(users, FEW)
    groups = np.geomspace(first, users, ceil(log(users / first) / GROUPED) + 1)[1:]
    ends = np.concatenate((np.arange(first + 1.0), np.unique(np.rint(groups)) if users > first else []))
    below = 1.0 - integral(law, 1.0 - ends / users) / law.mean
    low, high = ends[:-1], np.where(np.diff(ends) == 1.0, ends[:-1], ends[1:])
    pieces = np.column_stack((below[1:], low, high, np.ones_like(low)))
    return QuantileTable(np.ascontiguousarray(pieces[np.diff(below) > 0.0]))


def _one_by_one(law: QuantileTable, users: int) -> Array:
    """The followers of each user: whole numbers whose sum is that of the law."""
    totals = np.rint(users * integral(law, np.arange(users + 1) / users))
    return np.sort(np.diff(totals))


def _ranks(law: QuantileTable, each: Array, exponent: float) -> Ranks:
    low, high, shape = law.pieces[:, 1:].T
    posts = np.cumsum(np.diff(law.pieces[:, 0], prepend=0.0) * each)
    if not posts[-1] > 0.0:
        raise ValueError("nobody posts: the activity of all users adds up to zero")
    tilted = np.column_stack((posts / posts[-1], low, high, np.where(low < high, shape + exponent, shape)))
    return Ranks(law, QuantileTable(np.ascontiguousarray(tilted)))
