"""The columns of requests, in tables that are kept for as long as a request in flight reads them."""

from __future__ import annotations

import numpy as np

from simsys.engines.layout import Layout
from simsys.engines.rooms import Array

FEW = 8
"""Tables that are kept without a question."""
NAMES = ("given", "later_given", "asked_given")
"""Those that requests to come are taken from."""


class Given:
    """Tables of columns, a row per request, by address."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.tables, self.room = layout, dict[int, Array](), FEW

    def put(self, name: str, table: Array) -> None:
        """A new table of this name; who has come with an older one still reads that."""
        self.layout.put(name, table)
        self.tables[int(self.layout.g[f"at_{name}"])] = self.layout.tables[name]
        if len(self.tables) > self.room:
            self._forget()

    def columns(self, requests: Array, number: int) -> Array:
        """The values of one column of requests in flight."""
        values = np.zeros(len(requests))
        for (address, table), read in zip(sorted(self.tables.items()), self._readers(requests["columns"]), strict=True):
            values[read] = table[(requests["columns"][read] - address) // (8 * table.shape[1]), number]
        return values

    def _readers(self, columns: Array) -> list[Array]:
        """Who reads each table, in order of their addresses; `columns` are those of the rows that are read."""
        home = np.searchsorted(np.array(sorted(self.tables), np.int64), columns, side="right") - 1
        return [np.flatnonzero(home == place) for place in range(len(self.tables))]

    def _forget(self) -> None:
        """Let go of the tables that nobody reads any more."""
        requests = self.layout.tables["requests"]
        readers = self._readers(requests["columns"][requests["open"] > 0])
        now = [int(self.layout.g[f"at_{name}"]) for name in NAMES]
        self.tables = {
            address: table
            for (address, table), read in zip(sorted(self.tables.items()), readers, strict=True)
            if len(read) or address in now
        }
        self.room = max(FEW, 2 * len(self.tables))
