"""Marks wait, as arrays, until the request that made them has settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled
from simsys.measure.log import Batch

Array = npt.NDArray[Any]


class Marks(NamedTuple):
    """The marks of settled requests: `n` items at `time` (s) by the request in this row of the batch, `whom` they
    concern, or NOBODY.

    They are in order of rows, and of times for each row.
    """

    row: Array
    time: Array
    n: Array
    whom: Array


SPREAD = 2_654_435_769
"""Times a number, the last bits of neighbours lie far apart: who is not there is soon seen not to be."""

NONE = Marks(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))


class Waiting:
    """The marks of one name, of requests that have not settled yet."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[Marks] = []
        """What came with one batch, and still waits; its rows are the numbers of the requests."""

    def settle(self, batch: Batch, names: Sequence[str]) -> Marks:
        """The marks of all requests of the batch; `names` are those of its marks so far."""
        named = batch.marks["name"] == (names.index(self._name) if self._name in names else -1)
        if named.any():
            new = batch.marks if named.all() else batch.marks[named]
            self._parts.append(Marks(*(new[field].copy() for field in ("request", "time", "n", "whom"))))
        if not (self._parts and len(batch.requests)):
            return NONE
        numbers = batch.requests["number"].copy()
        table, waiting, settled = _table(numbers), [], []
        for part in self._parts:
            row = np.empty_like(part.row)
            found = _find(table, numbers, part.row, row)
            if found:
                settled.append(some(part._replace(row=row), row >= 0))
            if found < len(row):
                waiting.append(some(part, row < 0))
        self._parts = waiting
        return _sorted(Marks(*map(np.concatenate, zip(*settled, strict=True)))) if settled else NONE


class Marked:
    """How much the requests that arrived in the window have marked, by operation and name; not of the name `but`.

    `may` are the names that each operation may mark; None: any that comes.
    """

    def __init__(self, ops: Sequence[str], may: Mapping[str, frozenset[str]] | None, but: str) -> None:
        self._but, self._known = but, may is not None
        self._counts: list[dict[str, int]] = [
            dict.fromkeys(sorted(may[op] - {but}), 0) if may is not None else {} for op in ops
        ]
        self._waiting = {name: Waiting(name) for counts in self._counts for name in counts}

    def __bool__(self) -> bool:
        return bool(self._waiting) or not self._known

    def take(self, batch: Batch, names: Sequence[str], begin: float) -> None:
        """A batch, the names of its marks, and when the window opens (s)."""
        if not self._known:
            self._waiting |= {name: Waiting(name) for name in names if name != self._but and name not in self._waiting}
        for name, waiting in self._waiting.items():
            marks = waiting.settle(batch, names)
            arrival = batch.requests["arrival"][marks.row]
            row, _, n, _ = some(marks, (arrival >= begin) & (arrival <= batch.stop))
            ops = batch.requests["op"][row]
            for op in np.unique(ops).tolist():
                counts = self._counts[op]
                counts[name] = counts.get(name, 0) + int(np.rint(n[ops == op]).sum())

    def counts(self, op: int) -> dict[str, int]:
        """What the requests of an operation (its place) have marked, by name."""
        return dict(sorted(self._counts[op].items()))


def some(marks: Marks, wanted: Array) -> Marks:
    """Those that are wanted, true or false for each."""
    return marks if wanted.all() else Marks(*(column[wanted] for column in marks))


def never(marks: Marks, lost: Marks) -> Marks:
    """The marks, and those that are lost: they come at the end of time."""
    if not len(lost.row):
        return marks
    late = lost._replace(time=np.full_like(lost.time, np.inf))
    return _sorted(Marks(*(np.concatenate(both) for both in zip(marks, late, strict=True))))


def _sorted(marks: Marks) -> Marks:
    if (marks.row[1:] >= marks.row[:-1]).all():
        return marks
    order = np.argsort(marks.row, kind="stable")
    return Marks(*(column[order] for column in marks))


def _table(numbers: Array) -> Array:
    """The rows of numbers, each at the place that its bits say or at the next that is free; -1 where none is."""
    table = np.full(1 << (2 * len(numbers) - 1).bit_length(), -1, np.int64)
    _place(table, numbers)
    return table


@compiled("void(int64[::1], int64[::1])")
def _place(table: Array, numbers: Array) -> None:
    for row in range(numbers.size):
        place = (numbers[row] * SPREAD) & (table.size - 1)
        while table[place] >= 0:
            place = (place + 1) & (table.size - 1)
        table[place] = row


@compiled("int64(int64[::1], int64[::1], int64[::1], int64[::1])")
def _find(table: Array, numbers: Array, wanted: Array, row: Array) -> int:
    """How many are found: writes the row of each wanted number, -1 where there is none. Many that are wanted one after
    another are the same.
    """
    found, last = 0, 0
    for i in range(wanted.size):
        if i == 0 or wanted[i] != wanted[i - 1]:
            place = (wanted[i] * SPREAD) & (table.size - 1)
            while table[place] >= 0 and numbers[table[place]] != wanted[i]:
                place = (place + 1) & (table.size - 1)
            last = table[place]
        row[i] = last
        found += last >= 0
    return found
