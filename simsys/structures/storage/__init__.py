"""Storage engines that are played: a request asks for a key, and is told what that costs, in counts.

A storage is a structure with memory before a device. It has no clock: requests meet it in the order in which they
arrive, and each gets counts (blocks to read, blocks that it causes to be written) as columns, from which a plan makes
visits. So its contents are those of the order of arrival, however long a visit takes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from simsys.measure.storage import StorageTotals

Whole = npt.NDArray[np.int64]
Counts = dict[str, npt.NDArray[np.float64]]

READ, UPDATE, INSERT, SCAN, MODIFY, DELETE = range(6)
"""What a request does: MODIFY reads a key and then writes it, INSERT writes one that is not there yet."""
CHANGES = (UPDATE, INSERT, MODIFY, DELETE)
ACCESS = {
    "read": READ, "post": UPDATE, "update": UPDATE, "insert": INSERT, "scan": SCAN, "modify": MODIFY, "delete": DELETE,
}  # fmt: skip
"""By name of the operation."""


class Data(NamedTuple):
    """What there is at first: so many `keys`, each with an entry of so many bytes, a `scale`-th of the real ones."""

    keys: Whole
    entry: float
    scale: int = 1

    def entries(self, room: float) -> int:
        """How many entries a room of so many real bytes has here; one at least."""
        return max(1, round(room / self.entry / self.scale))


class Storage(Protocol):
    """A storage engine that holds its data."""

    def play(self, kinds: Whole, keys: Whole, lengths: Whole) -> Counts:
        """What consecutive requests cost: columns by name, shape (n,), the same however they are cut into pieces.

        `kinds` are those above, `lengths` how many entries a scan asks for.
        """
        ...

    def totals(self) -> StorageTotals:
        """What it has done so far."""
        ...
