"""The requests of a load as a storage meets them: keys by rank become keys in order, operations what they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simsys.draws import uniforms
from simsys.measure.storage import StorageTotals
from simsys.structures.storage import ACCESS, INSERT, Counts, Storage, Whole

ORDER = 2
"""The key of the draws that scatter keys."""
PLACES = 2.0**52


def scattered(numbers: Whole) -> Whole:
    """A place in the order of keys for each number, as if by a hash: the popular ones are no neighbours."""
    places: Whole = (uniforms(ORDER, np.ascontiguousarray(numbers), 0) * PLACES).astype(np.int64)
    return places


class Accesses:
    """What requests cost that meet a storage in their order. `ops` are the names of their operations, `there` how many
    keys there are at first; from `begin` (s) on it is counted what is done.

    Of a storage that is scaled down so many neighbours in rank share a key: where popularity is smooth, as many changes
    meet a key twice in a memtable, and look-ups a block twice in a cache.
    """

    def __init__(self, storage: Storage, ops: Sequence[str], there: int, scale: int, begin: float) -> None:
        self.storage, self.there, self.scale, self.begin = storage, there, scale, begin
        self._kinds = np.array([ACCESS[op] for op in ops], np.int64)
        self._before: StorageTotals | None = None

    NEEDED = frozenset({"key", "page"})

    def begin_anew(self) -> None:
        """Forget what has been counted."""
        self._before = None

    def play(self, arrival: npt.NDArray[np.float64], op: Whole, columns: Counts) -> Counts:
        """The counts of the next requests, of whose columns key and page (the length of a scan) are used."""
        kinds, lengths = self._kinds[op], columns["page"].astype(np.int64)
        keys = scattered(self._numbers(kinds, columns["key"].astype(np.int64) // self.scale))
        parts = []
        for some in self._parts(arrival):
            if self._before is None and arrival[some][0] >= self.begin:
                self._before = self.storage.totals()
            parts.append(self.storage.play(kinds[some], keys[some], lengths[some]))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _parts(self, arrival: npt.NDArray[np.float64]) -> list[slice]:
        """The requests before counting begins, and those from then on."""
        cut = int(np.searchsorted(arrival, self.begin))
        return [some for some in (slice(0, cut), slice(cut, len(arrival))) if arrival[some].size]

    def _numbers(self, kinds: Whole, numbers: Whole) -> Whole:
        """Which key each request means: an insert the next one that was not there."""
        new = kinds == INSERT
        numbers = np.where(new, self.there + np.cumsum(new) - 1, numbers)
        self.there += int(new.sum())
        return numbers

    @property
    def totals(self) -> StorageTotals:
        """What was done from `begin` on."""
        now = self.storage.totals()
        return now.since(self._before or now)
