"""The requests of a load as a storage meets them: keys by rank become keys in order, operations what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.draws import uniforms
from simsys.measure.storage import StorageTotals
from simsys.structures.storage import ACCESS, INSERT, Counts, Storage, Whole

ORDER = 2
"""The key of the draws that scatter keys."""
PLACES = 2.0**52
Truths = npt.NDArray[np.bool_]


def scattered(numbers: Whole) -> Whole:
    """A place in the order of keys for each number, as if by a hash: the popular ones are no neighbours."""
    places: Whole = (uniforms(ORDER, np.ascontiguousarray(numbers), 0) * PLACES).astype(np.int64)
    return places


class Ranks(NamedTuple):
    """Keys by rank of popularity, so many at first; scattered, or in the order in which they are `inserted`. `latest`:
    the rank counts from the newest one.

    Of a storage that is scaled down so many neighbours in rank share a key: where popularity is smooth, as many changes
    meet a key twice in a memtable, and look-ups a block twice in a cache.
    """

    there: int
    scale: int
    latest: bool = False
    inserted: bool = False

    def places(self, numbers: Whole) -> Whole:
        """The keys of these numbers, which are given as keys are inserted."""
        return numbers if self.inserted else scattered(numbers)

    def keys(self, ranks: Whole, new: Truths) -> Whole:
        """The key of each request, in their order; those that are `new` insert the next one that is not there."""
        before = self.there + np.cumsum(new) - new
        numbers = np.where(new, before, before - 1 - ranks // self.scale if self.latest else ranks // self.scale)
        return self.places(np.maximum(numbers, 0))

    def after(self, new: Truths) -> Ranks:
        """When these have been inserted."""
        return self._replace(there=self.there + int(new.sum()))


class AsTheyAre(NamedTuple):
    """Keys of a trace, in their own order; of a storage that is scaled down so many neighbours are one."""

    scale: int

    def keys(self, keys: Whole, new: Truths) -> Whole:
        return keys // self.scale

    def after(self, new: Truths) -> AsTheyAre:
        return self


class Accesses:
    """What requests cost that meet a storage in their order. `ops` are the names of their operations, `order` says
    which keys they mean; from `begin` (s) on it is counted what is done.
    """

    def __init__(self, storage: Storage, ops: Sequence[str], order: Ranks | AsTheyAre, begin: float) -> None:
        self.storage, self.order, self.begin = storage, order, begin
        self._kinds = np.array([ACCESS[op] for op in ops], np.int64)
        self._before: StorageTotals | None = None

    NEEDED = frozenset({"key", "page"})

    def begin_anew(self) -> None:
        """Forget what has been counted."""
        self._before = None

    def play(self, arrival: npt.NDArray[np.float64], op: Whole, columns: Counts) -> Counts:
        """The counts of the next requests, of whose columns key and page (the length of a scan) are used."""
        kinds, lengths = self._kinds[op], columns["page"].astype(np.int64)
        keys = self.order.keys(columns["key"].astype(np.int64), kinds == INSERT)
        self.order = self.order.after(kinds == INSERT)
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

    @property
    def totals(self) -> StorageTotals:
        """What was done from `begin` on."""
        now = self.storage.totals()
        return now.since(self._before or now)
