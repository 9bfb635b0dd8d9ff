"""Requests as columns, and what a storage engine, which meets them one after the other, adds to these."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from simsys.measure.storage import StorageTotals
from simsys.workload.arrivals import Times

Indices = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[np.float64]]


class Rows(NamedTuple):
    """Requests without a time: number of the operation (its place in `Workload.ops`), columns."""

    op: Indices
    columns: Columns


class Chunk(NamedTuple):
    """Consecutive requests: index of the first, arrival times (s), number of the operation, columns; and what else was
    drawn for them, by what it depends on, if that is kept.
    """

    first: int
    arrival: Times
    op: Indices
    columns: Columns
    besides: dict[object, npt.NDArray[np.float64]] | None = None


class Counted(Protocol):
    """Meets the requests in the order in which they arrive, and says what each costs, in counts; for that it needs
    some of their columns. `totals` are what came of all of them.
    """

    NEEDED: frozenset[str]

    def play(self, arrival: Times, op: Indices, columns: Columns) -> Columns: ...

    @property
    def totals(self) -> StorageTotals: ...
