"""The memory of a sketch in compiled code: its row, and its bits or registers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.structures.kernel.state import CACHE, ENTRY, NOBODY, POLICIES
from simsys.structures.sketches import Bloom, HyperLogLog, Sketch, distinct, remembered

Array = npt.NDArray[Any]


class Bits:
    """A sketch that lives in `rows`, a table of one row, at `address`; it never needs more room."""

    def __init__(self, sketch: Sketch, rows: Array) -> None:
        self.row, self.address = rows[0], rows.ctypes.data
        self.is_filter = isinstance(sketch.memory, Bloom)
        self.entry = np.zeros(1, ENTRY)
        self.words = np.zeros(2 * self.row["span"] if self.is_filter else self.row["places"], np.int64)
        self.row["at_entries"], self.row["at_slots"] = self.entry.ctypes.data, self.words.ctypes.data

    def enlarge(self) -> None:
        """There is room for everything."""

    def clear(self) -> None:
        """Empty it."""
        self.words[:] = 0
        self.row["in_young"] = self.row["in_old"] = 0

    def occupancy(self, now: float) -> float:
        """The keys it holds, as `Sketch.occupancy` counts them."""
        if not self.is_filter:
            return distinct(self.words)
        row = self.row
        return remembered(int(row["in_young"]), int(row["in_old"]), now - float(row["due"]), float(row["ttl"]))

    def weight(self, now: float) -> float:
        """Its memory, in bytes."""
        return float(self.row["bytes"])


def bits_row(sketch: Sketch) -> Array:
    """A table of one row: the rules of a sketch, which is empty."""
    rows, memory = np.zeros(1, CACHE), sketch.memory
    row = rows[0]
    row["policy"], row["by_bytes"], row["bytes"] = POLICIES.index(sketch.policy), True, sketch.memory.bytes
    row["down"], row["luck"] = sketch.down, memory.stream
    row["free"], row["room"], row["mask"] = NOBODY, 1, 1
    if isinstance(memory, Bloom):
        row["places"], row["span"], row["hashes"] = memory.places, memory.places // 64 + 1, memory.hashes
        row["capacity"], row["ttl"], row["due"] = memory.entries, memory.ttl, memory.due
    if isinstance(memory, HyperLogLog):
        row["places"] = memory.registers
    return rows
