"""Durations by window of arrival, and how soon after a disturbance they are again as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.measure.histogram import BUCKETS, Histogram, rows_of, taken

Array = npt.NDArray[Any]

WINDOW = 10.0
"""Seconds of arrivals over which the worst percentile is taken."""
RECENT = 16
"""Windows that are counted in rows, a power of two: those that most requests are inside of."""
ENOUGH = 1000
"""Requests before a disturbance, without which nobody knows what is in order."""


class Windows:
    """A histogram per window of arrivals of this width (s); with an infinite width just one."""

    def __init__(self, width: float = inf) -> None:
        self._width = width
        self.histograms: dict[int, Histogram] = {}

    def add(self, arrival: Array, durations: Array, counts: Array | None = None) -> None:
        """Count each duration (s) of something that arrived then (s) once, or as often as `counts` says."""
        if not len(arrival):
            return
        first, last = (int(moment / self._width) for moment in (arrival.min(), arrival.max()))
        if first == last:
            self._window(first).add(durations, counts)
            return
        number = np.floor(arrival / self._width).astype(np.int64)
        for k in np.flatnonzero(np.bincount(number)).tolist():
            chosen = np.flatnonzero(number == k)
            self._window(k).add(durations[chosen], None if counts is None else counts[chosen])

    def _window(self, number: int) -> Histogram:
        return self.histograms.setdefault(number, Histogram())

    def put(self, number: int, histogram: Histogram) -> None:
        """Count everything that was counted of a window."""
        if histogram.count:
            self._window(number).merge(histogram)

    def merge(self, other: Windows) -> None:
        """Count everything that `other` counted."""
        for k, histogram in other.histograms.items():
            self._window(k).merge(histogram)

    def whole(self) -> Histogram:
        """All windows as one."""
        pooled = Histogram()
        pooled.merge(*self.histograms.values())
        return pooled


class Recent:
    """The windows of each operation: the last few as rows, that a compiled pass adds to, and those before put away.

    `rows` has shape (windows, operations, ...): that of window k is at k modulo their number, from the `oldest` on.
    """

    def __init__(self, ops: int, width: float) -> None:
        self._width = width
        self._past = [Windows(width) for _ in range(ops)]
        self.rows = rows_of(BUCKETS, RECENT if width < inf else 1, ops)
        self.oldest = 0

    def reach(self, latest: float) -> None:
        """Let there be a row for who arrives then (s)."""
        oldest = max(self.oldest, int(latest / self._width) + 1 - len(self.rows))
        self._put_away(min(oldest, self.oldest + len(self.rows)))
        self.oldest = oldest

    def add_late(self, by_op: Sequence[tuple[Array, Array]]) -> None:
        """Count whose window has no row any more, of arrivals and latencies, infinite for those that were not done."""
        for windows, (arrival, latency) in zip(self._past, by_op, strict=True):
            if len(arrival) and arrival.min() / self._width < self.oldest:
                late = (arrival / self._width < self.oldest) & (latency < inf)
                windows.add(arrival[late], latency[late])

    def _put_away(self, until: int) -> None:
        for number in range(self.oldest, until):
            for windows, row in zip(self._past, self.rows[number % len(self.rows)], strict=True):
                windows.put(number, taken(row))

    def windows(self, op: int) -> Windows:
        """All windows of an operation."""
        self._put_away(self.oldest + len(self.rows))
        return self._past[op]


class Recovery:
    """How long latencies were out of order after a disturbance.

    Those that arrive after it are held until all that came before have settled; from then on, they are only counted.
    `windows` are asked for once, for the latencies of those that came before.
    """

    def __init__(self, disturbed: float, windows: Callable[[], Windows]) -> None:
        self._disturbed, self._windows = disturbed, windows
        self._number = int(disturbed / WINDOW)
        self._near = Histogram()
        """Of those that came before, in the same window."""
        self._held: list[tuple[Array, Array]] = []
        self._counts = np.zeros((0, 2), dtype=np.int64)

    def take(self, arrival: Array, latency: Array, settled: float) -> None:
        """Requests that arrived then (s), with their latencies (s), infinite for those that were not served; all that
        arrived before `settled` (s) are known.
        """
        if arrival.max(initial=0.0) / WINDOW >= self._number:
            before = arrival < self._disturbed
            self._near.add(latency[before & (arrival / WINDOW >= self._number) & (latency < inf)])
            after = np.flatnonzero(~before)
            self._held.append(((arrival[after] - self._disturbed).astype(np.int64), latency[after]))
        if settled >= self._disturbed:
            for second, held in self._held:
                self._count(second, held > self._limit)
            self._held.clear()

    @cached_property
    def _before(self) -> Histogram:
        """The latencies of those that came before; asked when all are known."""
        pooled = Histogram()
        pooled.merge(self._near, *(each for k, each in self._windows().histograms.items() if k < self._number))
        return pooled

    @cached_property
    def _limit(self) -> float:
        """What takes longer (s) is out of order."""
        return 2.0 * (self._before.quantile(0.99) or 0.0)

    def _count(self, second: Array, slow: Array) -> None:
        more = int(second.max(initial=-1)) + 1 - len(self._counts)
        if more > 0:
            self._counts = np.concatenate([self._counts, np.zeros((more, 2), dtype=np.int64)])
        self._counts[:, 0] += np.bincount(second, minlength=len(self._counts))
        self._counts[:, 1] += np.bincount(second[slow], minlength=len(self._counts))

    def seconds(self) -> float | None:
        """Seconds from the disturbance to the end of the last second of arrivals that was still out of order.

        Out of order: more than one request in a hundred, and more than one, was not served or took over twice the p99
        from before; and so it was in the ten seconds up to then, as a few that meet a short line by chance are no sign
        of what was. None if fewer than 1,000 requests came before.
        """
        if self._before.count < ENOUGH:
            return None
        bad = np.flatnonzero(_out_of_order(self._counts) & _out_of_order(_trailing(self._counts, int(WINDOW))))
        return float(bad[-1] + 1) if len(bad) else 0.0


def _out_of_order(counts: Array) -> Array:
    total, slow = counts.T
    return np.asarray((slow > 0.01 * total) & (slow > 1))


def _trailing(counts: Array, length: int) -> Array:
    """The sums over so many rows up to each row."""
    sums = np.cumsum(counts, axis=0)
    sums[length:] -= sums[:-length].copy()
    return sums
