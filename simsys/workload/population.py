"""The grammar of `population:`, and what follows from it: who reads, who writes, who follows how many.

Users are ranked by their followers; rank i of n has the followers at the quantile (i + .5) / n. A
user's number scatters the ranks, so that the first numbers are a fair sample: those below
`online_users` are the readers. All that is known of a user is a function of that number.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr, model_validator

from simsys.distributions import CountDistribution, QuantileTable, Variate, laws
from simsys.distributions.pieces import piece_moments
from simsys.draws import stream
from simsys.units import Share, Spec, Whole, show_count
from simsys.workload.edges import Edges
from simsys.workload.graph import Graph
from simsys.workload.grid import Axis, integral
from simsys.workload.ranks import ByRank, Followers, Ranks, by_edges, ranks
from simsys.workload.scatter import part, scattered, spread

BALANCE = 1.1
"""The mean numbers of followers and of followed may differ by this factor: every edge has two ends."""
TRAITS = ("user", "followers", "following", "posts", "reads")
"""What differs from one user to the next."""

Numeric = npt.NDArray[np.float64]
Columns = dict[str, Numeric]


class Activity(Spec):
    """The posts of an author grow as followers to the power of `exponent`; 0: all post alike."""

    exponent: Annotated[float, Field(ge=0, le=3)]


class Population(Spec):
    """Registered users, the shares of them that are active (have a timeline) and online (read now), and
    who follows whom.

    Of `followers` and `following` both, one or none may be given; the other is then the same for
    everybody. `edges` instead say exactly who the users are, who follows whom, and how often each of them posts and
    reads. Raises ValueError where the largest number of followers is more than all users, or the edges do not balance.
    """

    users: Annotated[Whole, Field(ge=1, le=10**11)] = 0
    edges: Edges | None = None
    active: Annotated[Share, Field(gt=0)] = 1.0
    online: Annotated[Share, Field(gt=0)] | None = None
    followers: Followers | None = None
    following: CountDistribution | None = None
    activity: Activity | None = None
    _ranks: Ranks | None = PrivateAttr(None)
    _following: Variate | None = PrivateAttr(None)
    _graph: Graph | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.edges is not None:
            self._exact(self.edges)
            return self
        if not self.users:
            raise ValueError("'users' is missing: how many there are, or the edges between them")
        if self.online is not None and self.online > self.active:
            raise ValueError("who is online is active too: online must not be above active")
        for side, law in (("followers", self.followers), ("following", self.following)):
            most = _largest(law, self.users)
            if most > self.users:
                there = f"more than the {show_count(self.users)} users there are"
                raise ValueError(f"{side}: the largest number is {show_count(most)}, {there}")
        self._rank()
        return self

    def _exact(self, edges: Edges) -> None:
        """The users are those of the edges, and nothing else may be said of them."""
        graph = edges.graph()
        others = ("followers", "following", "active", "online", "activity")
        given = [name for name in others if name in self.model_fields_set and getattr(self, name) not in (None, 1.0)]
        if given:
            raise ValueError(f"{', '.join(given)}: edges say who follows whom, and their rates who posts and reads")
        if self.users not in (0, graph.users):
            raise ValueError(f"users: there are {graph.users:,} in {edges.path}, not {self.users:,}")
        self.__dict__["users"] = graph.users
        self._graph = graph

    def _rank(self) -> None:
        """Work out who has how many followers and who posts."""
        if self.followers is None and self.following is None:
            if self.activity is not None:
                raise ValueError("activity grows with followers: give followers too")
            return
        following = self.following.variate() if self.following is not None else None
        if self.followers is None:
            assert following is not None
            law = QuantileTable.from_rows([following.mean])
        elif isinstance(self.followers, ByRank):
            law = self.followers.table(self.users)
        else:
            law = self.followers.variate().quantile_table()
        self._following = following or Variate(laws.CONSTANT, law.mean)
        self._ranks = ranks(law, self.users, self._posting())
        means = (self.mean_followers, self.mean_following)
        if not max(means) <= BALANCE * min(means):
            factor = max(means) / min(means) if min(means) > 0 else math.inf
            raise ValueError(
                f"the follow edges do not balance: {means[0]:.4g} followers but {means[1]:.4g} followed "
                f"on average, off by a factor of {factor:.3g}; expected at most {BALANCE:g}"
            )

    def _posting(self) -> float | Numeric:
        exponent = self.activity.exponent if self.activity is not None else 0.0
        followers = self.followers
        if followers is None or isinstance(followers, ByRank):
            return exponent
        if any(part.file is not None and part.file.activity for part in followers.mixture or ()):
            raise ValueError("followers: an activity column goes with one file, not with a mixture")
        rows, activity = followers.file.rows() if followers.file is not None else (np.zeros(0), None)
        if activity is None:
            return exponent
        if self.activity is not None:
            raise ValueError("activity comes from the file's column or from an exponent, not from both")
        _, level, count = np.unique(rows, return_inverse=True, return_counts=True)
        return np.asarray(np.bincount(level, activity) / count)

    # Facts

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a request that tell of its user."""
        if self._graph is not None:
            return ("user", "active", *TRAITS[1:])
        return ("user", "active", *(TRAITS[1:3] if self._ranks is not None else ()))

    @property
    def graph(self) -> Graph | None:
        """Who follows whom, where that is known edge by edge; posts and reads are shares of all."""
        return self._graph

    @property
    def active_share(self) -> float:
        """The share of the users that have a timeline: with edges, all who ever read."""
        return self.active if self._graph is None else float((self._graph.reads > 0).mean())

    @property
    def reached_share(self) -> float:
        """The share of the followers of a post's author that have a timeline."""
        graph = self._graph
        if graph is None:
            return self.active
        reached = float((graph.posts * graph.followers * graph.active).sum())
        return reached / (self.activity_weighted_mean_followers or 1.0)

    @property
    def active_users(self) -> int:
        """How many users have a timeline."""
        return max(1, round(self.users * self.active_share))

    @property
    def online_users(self) -> int:
        """How many users read: numbers 0 to online_users - 1."""
        return max(1, round(self.users * (self.active_share if self.online is None else self.online)))

    @property
    def mean_followers(self) -> float:
        """Followers of a user; 0 where nothing is said of them."""
        if self._graph is not None:
            return self._graph.edges / self._graph.users
        return self._ranks.mean_followers if self._ranks else 0.0

    @property
    def mean_following(self) -> float:
        """How many a user follows; 0 where nothing is said of that."""
        if self._graph is not None:
            return self.mean_followers
        return self._following.mean if self._following else 0.0

    @property
    def activity_weighted_mean_followers(self) -> float:
        """Followers of the author of a post: the deliveries of a post; 0 where nothing is said of them."""
        if self._graph is not None:
            return float((self._graph.posts * self._graph.followers).sum())
        return self._ranks.activity_weighted_mean_followers if self._ranks else 0.0

    @property
    def activity_exponent(self) -> float | None:
        """The power of followers that the posts of an author grow with; None where a file says who posts how much."""
        if self._graph is not None:
            return None
        law = self.followers
        rows = [] if law is None or isinstance(law, ByRank) else [law, *(law.mixture or ())]
        if any(each.file is not None and each.file.activity for each in rows):
            return None
        return self.activity.exponent if self.activity is not None else 0.0

    @property
    def mean_activity(self) -> float:
        """The mean over all users of followers to that power: 1 where all post alike."""
        exponent = self.activity_exponent
        if self._ranks is None or not exponent:
            return 1.0
        pieces = self._ranks.users.pieces
        return float((np.diff(pieces[:, 0], prepend=0.0) * piece_moments(pieces, exponent)).sum())

    def share_above(self, followers: float) -> float:
        """Share of the users with at least so many followers."""
        if self._graph is not None:
            return float((self._graph.followers >= followers).mean())
        return self._ranks.users.share_above(followers) if self._ranks else 0.0

    def edge_share_above(self, followers: float) -> float:
        """Share of the follow edges whose author has at least so many followers."""
        if self._graph is not None:
            return float((self._graph.along["followers"] >= followers).mean())
        return self._ranks.users.edge_share_above(followers) if self._ranks else 0.0

    @property
    def authors_followed(self) -> QuantileTable | None:
        """The rank of the author of a follow edge, 0 at the top, as the whole part of a draw; None without a graph."""
        return by_edges(self._ranks.users, self.users) if self._ranks else None

    def followed_above(self, followers: float) -> tuple[Numeric, Numeric]:
        """The authors with at least so many followers, in groups: the share of all follow edges to them that leads to
        one of a group, and how many there are.
        """
        table = self.authors_followed
        above = self.edge_share_above(followers)
        if table is None or above == 0.0:
            return np.zeros(0), np.zeros(0)
        ends, low, high, _ = table.pieces.T
        share = np.diff(np.minimum(ends, above), prepend=0.0) / above
        each = np.where(low == high, 1.0, high - low)[share > 0.0]
        return share[share > 0.0] / each, each

    # Users of requests

    def traits(self, v: Numeric, author: npt.NDArray[np.bool_], needed: Collection[str] | None = None) -> Columns:
        """The TRAITS of the users that uniform numbers v lead to: authors by activity, readers all alike.
        Only those that are `needed`; None: all.
        """
        names = TRAITS if needed is None else needed
        user = part(v, self.online_users)
        if self._ranks is not None and author.any():
            user[author] = scattered(part(self._ranks.author(v[author]), self.users), spread(self.users)[1], self.users)
        columns: Columns = {}
        if "user" in names:
            columns["user"] = user.astype(np.float64)
        if "followers" in names and self._ranks is not None:
            rank = scattered(user, spread(self.users)[0], self.users)
            columns["followers"] = np.rint(self._ranks.users.quantile((rank + 0.5) / self.users))
        if "following" in names and self._following is not None:
            columns["following"] = np.rint(self._following.draws(stream(0, 0, "population:following"), user, 0))
        return columns

    def grid(self, author: bool, users: Axis, others: Axis) -> Columns:
        """The columns of weighted points that stand for all authors of posts or for all readers."""
        points = users.middles(lambda v: v)
        columns = self.traits(points, np.full(points.size, author)) | {"active": np.full(points.size, self.active)}
        if self._ranks is not None and self._following is not None:
            law = self._ranks.posts if author else self._ranks.users
            columns["followers"] = users.means(lambda v: integral(law, v))
            columns["following"] = others.means_of(self._following)
        return columns


def _largest(law: CountDistribution | ByRank | None, users: float) -> float:
    """The largest value of a law: its bound, or that of the first of so many users where it has none."""
    if law is None:
        return 0.0
    if isinstance(law, ByRank):
        return law.zipf.max
    if law.mixture is None:
        return _bound(law.variate(), users)
    return max(_bound(part.variate(), users * part.share) for part in law.mixture if part.share > 0)


def _bound(law: Variate, users: float) -> float:
    if law.kind in (laws.CONSTANT, laws.UNIFORM, laws.TABLE):
        return float(law.quantile_table().pieces[-1, 2])
    return float(law.quantile(1.0 - 0.5 / max(users, 1.0))[0])
