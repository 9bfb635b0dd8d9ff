"""One compiled pass over each batch of settled requests adds up whatever can be added up.

All that is kept are whole numbers, which depend neither on the order nor on the batches. A sum of seconds has two
parts, whole seconds and attoseconds (1e-18 s), so that it neither overflows nor loses anything that counts.
"""

from __future__ import annotations

from itertools import accumulate
from math import inf
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import from_dtype, types

from simsys.draws import compiled
from simsys.measure.histogram import BUCKETS, LONGEST_S, PART, PART_BITS, PICOSECONDS

from simsys.measure.histogram import Histogram, Unmeasurable, bucket_of, from_dense  # isort: skip
from simsys.measure.log import DONE, INSIDE, REQUEST, Batch
from simsys.measure.tail import BUCKETS as COARSE_BUCKETS
from simsys.measure.tail import COARSER, Tail

POINTS = 200
"""Points of the series of mean latencies that the warm-up is checked with."""
ATTOSECONDS = 10**18
STATUSES = 4

(
    ALL, WITHIN, COMPLETED, GROWTH, WAIT, WORK, SPENT, BEGUN, PARTS, SHORTEST, LONGEST, SERIES, DENSE, COARSE, TAIL,
) = accumulate((0, STATUSES, STATUSES, 1, 1, 2, 2, 2, 2, 3, 1, 1, 3 * POINTS, BUCKETS, COARSE_BUCKETS))  # fmt: skip
"""Where an operation's numbers stand in its row.

Requests by status, of the whole run and of the window; those that ended in the window; arrivals less departures in
its second half. In seconds: waits of the window's done requests, work of the window's, lives of all that ended, moments
of arrival of all that did not. The histogram of the window's latencies: sum in parts, shortest, longest. The series:
requests and latency per point. The counts of the histogram, and of its tail; the tail's latency and paths per bucket.
"""


class Span(NamedTuple):
    """The window, its middle (s), and the points of the series per second of arrival and per request."""

    begin: float
    stop: float
    middle: float
    per_second: float
    per_request: float


class Tallies:
    """What adds up over the requests of a log, per operation.

    `stop` (s) is when the window closes, `requests` how many arrive at the most; None where that is not known.
    """

    def __init__(self, ops: int, stations: int, begin: float, stop: float | None, requests: int | None) -> None:
        self._rows = np.zeros((ops, TAIL + 2 * COARSE_BUCKETS * (1 + 2 * stations)), dtype=np.int64)
        self._rows[:, SHORTEST] = np.iinfo(np.int64).max
        self._begin, self._middle = float(begin), inf if stop is None else begin + (stop - begin) / 2
        self._length = 0.0 if stop is None else stop - begin
        self._per_second = POINTS / stop if stop else 0.0
        self._per_request = POINTS / requests if requests and not stop else 0.0

    def take(self, batch: Batch) -> None:
        """Add the requests of a batch; Unmeasurable if one took too long."""
        span = Span(self._begin, float(batch.stop), self._middle, self._per_second, self._per_request)
        if not _add_batch(batch.requests, batch.paths, span, self._rows):
            raise Unmeasurable(f"a latency must be at least 0 and below {LONGEST_S:.0f} s (104 days)")

    def within(self, op: int, status: int) -> int:
        """Requests of the window."""
        return int(self._rows[op, WITHIN + status])

    def became(self, status: int) -> int:
        """Requests of the whole run, of all operations."""
        return int(self._rows[:, ALL + status].sum())

    def arrived(self, op: int) -> int:
        """Requests of the whole run."""
        return int(self._rows[op, ALL : ALL + STATUSES].sum())

    def completed(self, op: int) -> int:
        """Requests that were done within the window."""
        return int(self._rows[op, COMPLETED])

    def seconds(self, op: int, what: int) -> float:
        """One of the sums of an operation."""
        return _exact(self._rows[op, what : what + 2]) / ATTOSECONDS

    def lives(self, end: float) -> float:
        """The seconds between arrival and end of all requests; `end` (s) for those that are still inside."""
        spent, begun = (sum(_exact(row[what : what + 2]) for row in self._rows) for what in (SPENT, BEGUN))
        moment = int(end) * ATTOSECONDS + round((end - int(end)) * ATTOSECONDS)
        return (spent + self.became(INSIDE) * moment - begun) / ATTOSECONDS

    def growth(self) -> float:
        """Requests per second by which the number inside grew in the second half of the window; 0 if that had no known
        end.
        """
        return 2.0 / self._length * int(self._rows[:, GROWTH].sum()) if self._length > 0 else 0.0

    def latency(self, op: int) -> Histogram:
        """The latencies (s) of the window's done requests."""
        row = self._rows[op]
        return from_dense(row[DENSE:COARSE], 0, row[PARTS:SHORTEST], row[SHORTEST], row[LONGEST])

    def series(self, op: int) -> tuple[float, ...]:
        """Mean latencies (s) by moment of arrival, at equal steps of the run; () if no request came in one of them."""
        points = self._rows[op, SERIES:DENSE].reshape(POINTS, 3)
        if not points[:, 0].all():
            return ()
        return tuple(_exact(sums) / ATTOSECONDS / count for count, *sums in points.tolist())

    def tail(self, op: int, stations: tuple[str, ...]) -> Tail:
        """Where the window's done requests spent their time, by latency."""
        row = self._rows[op]
        buckets = np.flatnonzero(row[COARSE:TAIL])
        sums = row[TAIL:].reshape(COARSE_BUCKETS, -1, 2)[buckets]
        seconds = sums[..., 0] + sums[..., 1] / ATTOSECONDS
        paths = seconds[:, 1:].reshape(len(buckets), len(stations), 2)
        return Tail(stations, buckets, row[COARSE:TAIL][buckets], seconds[:, 0], paths)


def _exact(parts: Any) -> int:
    """Seconds and attoseconds as attoseconds."""
    return int(parts[0]) * ATTOSECONDS + int(parts[1])


@compiled("void(int64[::1], int64, float64)")
def _add(row: Any, place: int, time: float) -> None:
    whole = np.int64(time)
    rest = row[place + 1] + np.int64((time - whole) * ATTOSECONDS + 0.5)
    carried = np.int64(rest >= ATTOSECONDS)
    row[place] += whole + carried
    row[place + 1] = rest - carried * ATTOSECONDS


@compiled("int64(int64[::1], float64)")
def _add_latency(row: Any, latency: float) -> int:
    """The coarse bucket of the latency."""
    picoseconds = np.int64(np.rint(latency * PICOSECONDS))
    bucket = bucket_of(picoseconds)
    row[DENSE + bucket] += 1
    row[PARTS] += picoseconds & PART
    row[PARTS + 1] += picoseconds >> PART_BITS & PART
    row[PARTS + 2] += picoseconds >> 2 * PART_BITS
    row[SHORTEST] = min(row[SHORTEST], picoseconds)
    row[LONGEST] = max(row[LONGEST], picoseconds)
    coarse = bucket >> COARSER
    row[COARSE + coarse] += 1
    return int(coarse)


_REQUESTS: Any = from_dtype(REQUEST)[::1]
_SPAN: Any = types.NamedUniTuple(types.float64, len(Span._fields), Span)  # type: ignore[no-untyped-call]


@compiled(types.boolean(_REQUESTS, types.float64[:, :, ::1], _SPAN, types.int64[:, ::1]))
def _add_batch(requests: Any, paths: npt.NDArray[np.float64], span: Span, rows: Any) -> bool:
    """False if a latency cannot be measured."""
    width = 1 + 2 * paths.shape[1]
    for i in range(requests.size):
        request = requests[i]
        row, status, arrival, end = rows[request.op], request.status, request.arrival, request.end
        latency = end - arrival
        row[ALL + status] += 1
        row[GROWTH] += span.middle < arrival <= span.stop
        if status == INSIDE:
            _add(row, BEGUN, arrival)
        else:
            _add(row, SPENT, latency)
            row[GROWTH] -= span.middle < end <= span.stop
        if status == DONE:
            row[COMPLETED] += span.begin <= end <= span.stop
            point = int(span.per_second * arrival + span.per_request * request.number)
            place = SERIES + 3 * min(point, POINTS - 1)
            row[place] += 1
            _add(row, place + 1, latency)
        if span.begin <= arrival <= span.stop:
            row[WITHIN + status] += 1
            _add(row, WORK, request.work)
            if status == DONE:
                if not 0.0 <= latency < LONGEST_S:
                    return False
                _add(row, WAIT, request.wait)
                place = TAIL + 2 * width * _add_latency(row, latency)
                _add(row, place, latency)
                for station in range(paths.shape[1]):
                    for part in range(2):
                        if paths[i, station, part] != 0.0:
                            _add(row, place + 4 * station + 2 * part + 2, paths[i, station, part])
    return True
