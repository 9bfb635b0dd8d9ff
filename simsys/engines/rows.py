"""The row a plan sees while it is played: its columns as plain numbers, and the luck it shares with every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from simsys import draws


class Luck:
    """The draws of one replication: a number is a function of its name, its request or child, and how often it
    was asked.
    """

    def __init__(self, seed: int, replication: int, edge_share: Callable[[float], float] | None = None) -> None:
        self.seed, self.replication = seed, replication
        self._edge_share, self._shares = edge_share, dict[float, float]()
        self._streams: dict[str, int] = {}

    def stream(self, name: str) -> int:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = draws.stream(self.seed, self.replication, name)
        return stream

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
    _luck: Luck
    _token: int
    index: float
    size: float

    def followed_above(self, threshold: float) -> float:
        """How many of the followed have at least `threshold` followers: one draw per followed, monotone in
        the threshold.
        """
        following = int(self.following)
        share = self._luck.edge_share(threshold)
        return float(draws.count_below(self._luck.stream("followed"), self._token, following, share))

    def child(self, index: int, size: float | None) -> Row:
        row = type(self).__new__(type(self))
        for name in self._columns:
            setattr(row, name, getattr(self, name))
        row._luck, row._token, row.index = self._luck, self._token, float(index)
        if size is not None:
            row.size = size
        return row

    def __getattr__(self, name: str) -> Any:
        near = get_close_matches(name, [*self._columns, "size", "index", "followed_above"], 1)
        raise AttributeError(f"requests have no column '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))


def row_type(columns: Iterable[str]) -> type[Row]:
    """The class of rows with these columns."""
    names = tuple(columns)
    slots = tuple(name for name in names if name not in ("size", "index"))
    return type("Row", (Row,), {"__slots__": slots, "_columns": names})
