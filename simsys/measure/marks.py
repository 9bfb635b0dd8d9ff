"""Marks wait, as arrays, until the request that made them has settled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled
from simsys.measure.log import Batch

Array = npt.NDArray[Any]


class Marks(NamedTuple):
    """The marks of settled requests: `n` items at `time` (s) by the request in this row of the batch.

    They are in order of rows, and of times for each row.
    """

    row: Array
    time: Array
    n: Array


class Waiting:
    """The marks of requests that have not settled yet."""

    def __init__(self) -> None:
        self._parts: list[tuple[Array, ...]] = []

    def settle(self, batch: Batch, name: int) -> Marks:
        """The marks of this name (a place in `Log.names`) of all requests of the batch."""
        new = np.flatnonzero(batch.marks["name"] == name)
        self._parts.append(tuple(batch.marks[field][new] for field in ("request", "time", "n")))
        if not len(batch.requests):
            return Marks(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        request, time, n = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        row = np.full(len(request), -1, dtype=np.int64)
        if len(request):
            order = np.argsort(batch.requests["number"], kind="stable")
            _find(batch.requests["number"][order], order, request, row)
        left = np.flatnonzero(row < 0)
        self._parts = [(request[left], time[left], n[left])]
        settled = np.argsort(row, kind="stable")[len(left) :]
        return Marks(row[settled], time[settled], n[settled])


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1])")
def _find(numbers: Array, rows: Array, wanted: Array, row: Array) -> None:
    """The row of each wanted number, which stay -1 where there is none; many that are wanted one after another are the
    same.
    """
    for i in range(wanted.size):
        if i > 0 and wanted[i] == wanted[i - 1]:
            row[i] = row[i - 1]
            continue
        low, high = 0, numbers.size
        while low < high:
            middle = (low + high) // 2
            if numbers[middle] < wanted[i]:
                low = middle + 1
            else:
                high = middle
        if low < numbers.size and numbers[low] == wanted[i]:
            row[i] = rows[low]
