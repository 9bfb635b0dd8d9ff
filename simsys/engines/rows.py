"""The row a plan sees while it is played: its columns as plain numbers, and the luck it shares with every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cached_property
from math import floor
from typing import Any

from simsys import draws
from simsys.distributions import QuantileTable
from simsys.distributions.pieces import table_quantile
from simsys.expressions import EDGE


class Luck:
    """The draws of one replication: a number is a function of its name, its request or child, and how often it
    was asked. Who is followed: `edge_share` above a number of followers, and the ranks of `authors` by follow edges.
    """

    def __init__(
        self,
        seed: int,
        replication: int,
        edge_share: Callable[[float], float] | None = None,
        authors: Callable[[], QuantileTable | None] | None = None,
    ) -> None:
        self.seed, self.replication, self._authors = seed, replication, authors
        self._edge_share, self._shares = edge_share, dict[float, float]()
        self._streams: dict[str, int] = {}

    def stream(self, name: str) -> int:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = draws.stream(self.seed, self.replication, name)
        return stream

    @cached_property
    def authors(self) -> QuantileTable:
        """The rank of the author of a follow edge."""
        authors = self._authors() if self._authors is not None else None
        if authors is None:
            raise AttributeError("followed needs a population with followers")
        return authors

    def edge_share(self, threshold: float) -> float:
        """The share of follow edges whose author has at least `threshold` followers."""
        share = self._shares.get(threshold)
        if share is None:
            if self._edge_share is None:
                raise AttributeError("followed_above needs a population with followers")
            share = self._shares[threshold] = self._edge_share(threshold)
        return share


class Row:
    """The columns of one request as floats; `child` gives the row of a batch of it."""

    __slots__ = ("_luck", "_token", "index", "size")
    _columns: tuple[str, ...] = ()
    _graph: Any = None
    _luck: Luck
    _token: int
    index: float
    size: float

    @property
    def by_edge(self) -> bool:
        """Whether it is known who follows whom."""
        return self._graph is not None

    def followers_where(self, rule: Any = None) -> float:
        """How many followers there are along edges for which a rule (on `EDGE`) holds."""
        return float(self._graph.lists("followers", rule).number(self.user))

    def following_where(self, rule: Any = None) -> float:
        """How many are followed along edges for which a rule holds."""
        return float(self._graph.lists("following", rule).number(self.user))

    def follower_where(self, rule: Any = None) -> float:
        """The number of that one of these followers whose place is this row's index."""
        return float(self._graph.lists("followers", rule).one(self.user, self.index))

    def followed_where(self, rule: Any = None) -> float:
        """The number of that one of these followed whose place is this row's index."""
        return float(self._graph.lists("following", rule).one(self.user, self.index))

    def followed_above(self, threshold: float) -> float:
        """How many of the followed have at least `threshold` followers: where it is not known who they are, one draw
        per followed, monotone in the threshold.
        """
        if self.by_edge:
            return self.following_where(EDGE.followers >= threshold)
        following = int(self.following)
        share = self._luck.edge_share(threshold)
        return float(draws.count_below(self._luck.stream("followed"), self._token, following, share))

    def followed(self, threshold: float) -> float:
        """Which of the authors with at least `threshold` followers a child asks for: where it is not known who they
        are, one drawn by the follow edges, as a rank, 0 at the top.
        """
        if self.by_edge:
            return self.followed_where(EDGE.followers >= threshold)
        u = draws.uniform(self._luck.stream("author"), self._token, int(self.index))
        return float(floor(table_quantile(self._luck.authors.prepared, u * self._luck.edge_share(threshold))))

    def child(self, index: int, size: float | None) -> Row:
        row = type(self).__new__(type(self))
        for name in self._columns:
            setattr(row, name, getattr(self, name))
        row._luck, row._token, row.index = self._luck, self._token, float(index)
        if size is not None:
            row.size = size
        return row

    def __getattr__(self, name: str) -> Any:
        near = get_close_matches(name, [*self._columns, "size", "index", "followed", "followed_above"], 1)
        raise AttributeError(f"requests have no column '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))


def row_type(columns: Iterable[str], graph: Any = None) -> type[Row]:
    """The class of rows with these columns, of users of a graph or of nobody knows whom."""
    names = tuple(columns)
    slots = tuple(name for name in names if name not in ("size", "index"))
    return type("Row", (Row,), {"__slots__": slots, "_columns": names, "_graph": graph})
