"""Counts of durations in buckets that are linear within each power of two, in whole picoseconds.

A bucket is at most 1/1024 of its values wide, so that its midpoint is within 0.05 % of all of them.
All that is kept is an integer: histograms merge in any order, from any number of parts, to the same bits.
Source: the layout of HdrHistogram (G. Tene), with 11 significant bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsys.draws import compiled

Integers = NDArray[np.int64]

PICOSECONDS = 10**12
SUB_BITS = 10
LONGEST_S = 9e6
BUCKETS = 54 << SUB_BITS
"""More than the bucket of the longest duration."""
MOST_AT_ONCE = 2**42
PART_BITS = 21
PART = 2**PART_BITS - 1

PARTS, SHORTEST, LONGEST, COUNTS = 0, 3, 4, 5
"""Where the numbers stand in a row that durations are added to: their sum (ps) in parts of 21 bits, so that times 2**42
observations each stays below 2**63, the lowest first; the smallest and the largest (ps); the counts of the buckets from
some first one on.
"""
ROW = COUNTS + BUCKETS
"""Numbers of a row of all buckets."""


class Unmeasurable(ValueError):
    """A duration or a number of them that does not fit into the integers that count it."""


def _none() -> Integers:
    return np.zeros(0, dtype=np.int64)


@dataclass(eq=False, slots=True)
class Histogram:
    """Durations in seconds, counted; count, sum, smallest and largest are exact to the picosecond.

    Only occupied buckets are stored: 16 bytes each, about 1,024 for every doubling that the values span.
    Where nothing was counted, `mean`, `min`, `max` and `quantile` are None.
    """

    buckets: Integers = field(default_factory=_none)
    counts: Integers = field(default_factory=_none)
    count: int = 0
    total_ps: int = 0
    min_ps: int | None = None
    max_ps: int | None = None

    def add(self, values: ArrayLike, counts: ArrayLike | None = None) -> None:
        """Count each value (seconds, below 104 days) once, or as often as `counts` (whole numbers) says.

        ValueError if one is negative, not finite or too large; 4.4e12 observations in a call are the most.
        """
        seconds = _seconds(values)
        times = _times(counts, len(seconds))
        if not times.all():
            seconds, times = seconds[times > 0], times[times > 0]
        if not len(seconds):
            return
        first, last = (bucket_of(_picoseconds(seconds[place])) for place in (seconds.argmin(), seconds.argmax()))
        (row,) = rows_of(last - first + 1, 1)
        _count_all(row, first, seconds, times)
        self.merge(taken(row, first))

    def merge(self, *others: Histogram) -> None:
        """Count everything that the others counted."""
        parts = [part for part in (self, *others) if part.count]
        if not parts:
            return
        self.buckets, self.counts = _together(parts)
        self.count, self.total_ps = sum(part.count for part in parts), sum(part.total_ps for part in parts)
        self.min_ps = min(part.min_ps for part in parts if part.min_ps is not None)
        self.max_ps = max(part.max_ps for part in parts if part.max_ps is not None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._state() == other._state()

    __hash__ = None  # type: ignore[assignment]

    def _state(self) -> tuple[Any, ...]:
        numbers = (self.count, self.total_ps, self.min_ps, self.max_ps)
        return (self.buckets.tolist(), self.counts.tolist(), *numbers)

    @property
    def mean(self) -> float | None:
        """The mean in seconds, exact but for its last rounding."""
        return self.total_ps / (self.count * PICOSECONDS) if self.count else None

    @property
    def min(self) -> float | None:
        """The smallest value in seconds."""
        return None if self.min_ps is None else self.min_ps / PICOSECONDS

    @property
    def max(self) -> float | None:
        """The largest value in seconds."""
        return None if self.max_ps is None else self.max_ps / PICOSECONDS

    def quantile(self, q: float) -> float | None:
        """The smallest value in seconds that at least a share q of the observations does not exceed.

        It is the midpoint of a bucket (within 0.05 %), never beyond the smallest or largest value, and exact
        where one of these is meant.
        """
        if self.min_ps is None or self.max_ps is None:
            return None
        rank = rank_of(q, self.count)
        if rank == 1:
            return self.min_ps / PICOSECONDS
        if rank == self.count:
            return self.max_ps / PICOSECONDS
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        low, width = map(int, _edges(self.buckets[place]))
        middle = low + width // 2
        return min(max(middle, self.min_ps), self.max_ps) / PICOSECONDS

    def ccdf(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For charts: ascending durations x in seconds, and the share of the observations that exceed each.

        There is a point per occupied bucket, at its upper end; the last is the largest value.
        """
        if self.max_ps is None:
            return np.zeros(0), np.zeros(0)
        low, width = _edges(self.buckets)
        x = np.minimum(low + (width - 1), self.max_ps) / PICOSECONDS
        return x, (self.count - np.cumsum(self.counts)) / self.count


def rank_of(q: float, count: int) -> int:
    """The place, from 1, of the quantile q among `count` sorted values; q is taken as a decimal."""
    share = _decimal(q)
    return max(1, -(-share.numerator * count // share.denominator))


@lru_cache
def _decimal(q: float) -> Fraction:
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies within 0 and 1, not at {q}")
    return Fraction(str(float(q)))


def _seconds(values: ArrayLike) -> NDArray[np.float64]:
    seconds = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if seconds.ndim != 1:
        raise ValueError("durations must be one number or a flat sequence of numbers")
    if len(seconds) and not (seconds.min() >= 0 and seconds.max() < LONGEST_S):
        raise Unmeasurable(f"a duration must be finite, at least 0 and below {LONGEST_S:.0f} s (104 days)")
    return np.ascontiguousarray(seconds)


def _picoseconds(seconds: float) -> int:
    return int(np.rint(seconds * PICOSECONDS))


def _times(counts: ArrayLike | None, length: int) -> Integers:
    if counts is None:
        return np.ones(length, dtype=np.int64)
    given = np.atleast_1d(np.asarray(counts))
    if given.shape != (length,):
        raise ValueError(f"{length} durations need as many counts, not {given.size}")
    if not length:
        return _none()
    fits = given.min() >= 0 and given.max() <= MOST_AT_ONCE
    if not (fits and np.array_equal(given, whole := given.astype(np.int64))):
        raise Unmeasurable(f"a count must be a whole number from 0 to {MOST_AT_ONCE}")
    if given.sum(dtype=np.float64) > MOST_AT_ONCE:
        raise Unmeasurable(f"at most {MOST_AT_ONCE} observations can be counted in one call")
    return whole


@compiled("int64(int64)")
def bucket_of(picoseconds: Any) -> int:
    """The bucket of a duration. The exponent is exact: these numbers were doubles before they were picoseconds."""
    exponent = (np.float64(picoseconds).view(np.int64) >> 52) - 1022
    shift: Any = max(exponent - (SUB_BITS + 1), 0)
    return int((shift << SUB_BITS) + (picoseconds >> shift))


@compiled("void(int64[::1], int64, int64, int64, int64)")
def count(rows: Integers, row: int, bucket: int, picoseconds: Any, times: int) -> None:
    """Add a duration so many times to the row that begins there; `bucket` counts from its first one."""
    rows[row + COUNTS + bucket] += times
    rows[row + PARTS] += (picoseconds & PART) * times
    rows[row + PARTS + 1] += (picoseconds >> PART_BITS & PART) * times
    rows[row + PARTS + 2] += (picoseconds >> 2 * PART_BITS) * times
    rows[row + SHORTEST] = min(rows[row + SHORTEST], picoseconds)
    rows[row + LONGEST] = max(rows[row + LONGEST], picoseconds)


@compiled("void(int64[::1], int64, float64[::1], int64[::1])")
def _count_all(row: Integers, first: int, seconds: NDArray[np.float64], times: Integers) -> None:
    for i in range(seconds.size):
        picoseconds = np.int64(np.rint(seconds[i] * PICOSECONDS))
        count(row, 0, bucket_of(picoseconds) - first, picoseconds, times[i])


def _together(parts: Sequence[Histogram]) -> tuple[Integers, Integers]:
    """The buckets of some histograms in order, each once, with the sums of their counts."""
    if len(parts) == 1:
        return parts[0].buckets, parts[0].counts
    first, last = min(part.buckets[0] for part in parts), max(part.buckets[-1] for part in parts)
    dense = np.zeros(last - first + 1, dtype=np.int64)
    for part in parts:
        dense[part.buckets - first] += part.counts
    occupied = np.flatnonzero(dense > 0)
    return occupied + first, dense[occupied]


def rows_of(buckets: int, *shape: int) -> Integers:
    """Empty rows, of so many buckets each."""
    rows = np.zeros((*shape, COUNTS + buckets), np.int64)
    rows[..., SHORTEST] = np.iinfo(np.int64).max
    return rows


def taken(row: Integers, first: int = 0) -> Histogram:
    """The histogram of a row whose first bucket this is; the row is empty again."""
    *parts, shortest, longest = row[:COUNTS].tolist()
    if shortest > longest:
        return Histogram()
    low, high = (bucket_of(value) - first for value in (shortest, longest))
    counts = row[COUNTS + low : COUNTS + high + 1]
    occupied = np.flatnonzero(counts > 0)
    total = sum(part << PART_BITS * place for place, part in enumerate(parts))
    told = Histogram(occupied + (first + low), counts[occupied], int(counts.sum()), total, shortest, longest)
    counts[:], row[:COUNTS] = 0, 0
    row[SHORTEST] = np.iinfo(np.int64).max
    return told


def _edges(buckets: Any) -> tuple[Any, Any]:
    """The lowest value of each bucket, and how many picoseconds wide it is."""
    shift = np.maximum((buckets >> SUB_BITS) - 1, 0)
    return (buckets - (shift << SUB_BITS)) << shift, np.int64(1) << shift
