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
from simsys.measure.histogram import LONGEST_S, PICOSECONDS, ROW, Unmeasurable, bucket_of, count
from simsys.measure.log import DONE, INSIDE, REQUEST, Batch
from simsys.measure.tail import BUCKETS, COARSER, Tail
from simsys.measure.windows import Recent, Windows

Array = npt.NDArray[Any]

POINTS = 200
"""Points of the series of mean latencies that the warm-up is checked with."""
ATTOSECONDS = 10**18
STATUSES = 4

ALL, WITHIN, COMPLETED, GROWTH, WAIT, WORK, SPENT, BEGUN, SERIES, TAIL = accumulate(
    (0, STATUSES, STATUSES, 1, 1, 2, 2, 2, 2, 3 * POINTS)
)
"""Where an operation's numbers stand in its row.

Requests by status, of the whole run and of the window; those that ended in the window; arrivals less departures in
its second half. In seconds: waits of the window's done requests, work of the window's, lives of all that ended and were
not done, moments of arrival of all that did not end. The series: requests done and their latency per point. The tail:
requests, latency and paths per bucket of the latencies of the window's done requests.
"""


class Span(NamedTuple):
    """The window that is measured, its middle (s), the points of the series per second of arrival and per request, the
    width (s) of the windows of arrival, and the oldest that has a row.
    """

    begin: float
    stop: float
    middle: float
    per_second: float
    per_request: float
    width: float
    oldest: float


class Seen(NamedTuple):
    """What the window saw of the requests of a batch, operation by operation: their rows in it, their arrivals (s), and
    their latencies (s), infinite for those that were not done.
    """

    row: Array
    arrival: Array
    latency: Array


class Tallies:
    """What adds up over the requests of a log, per operation.

    `stop` (s) is when the window closes, `requests` how many arrive at the most; None where that is not known. `width`
    is that of the windows of arrival (s).
    """

    def __init__(
        self, ops: int, stations: int, begin: float, stop: float | None, requests: int | None, width: float = inf
    ) -> None:
        self._rows = np.zeros((ops, TAIL + BUCKETS * (3 + 4 * stations)), dtype=np.int64)
        self._recent, self._width = Recent(ops, width), width
        self._begin, self._middle = float(begin), inf if stop is None else begin + (stop - begin) / 2
        self._length = 0.0 if stop is None else stop - begin
        self._per_second = POINTS / stop if stop else 0.0
        self._per_request = POINTS / requests if requests and not stop else 0.0

    def take(self, batch: Batch) -> list[Seen]:
        """Add the requests of a batch; what was seen of each operation. Unmeasurable if one took too long."""
        requests, recent = batch.requests, self._recent
        recent.reach(requests["arrival"].max(initial=0.0))
        points = self._per_second, self._per_request
        span = Span(self._begin, float(batch.stop), self._middle, *points, self._width, float(recent.oldest))
        shape = len(self._rows), len(requests)
        seen = Seen(np.empty(shape, np.int64), np.empty(shape), np.empty(shape))
        many = np.zeros(len(self._rows), np.int64)
        if not add_batch(requests, batch.paths, span, self._rows.ravel(), recent.rows.ravel(), many, seen):
            raise Unmeasurable(f"a latency must be at least 0 and below {LONGEST_S:.0f} s (104 days)")
        by_op = [Seen(*(column[op, :count] for column in seen)) for op, count in enumerate(many.tolist())]
        recent.add_late([(each.arrival, each.latency) for each in by_op])
        return by_op

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
        spent += sum(_exact(sums) for op in range(len(self._rows)) for _, *sums in self._points(op))
        moment = int(end) * ATTOSECONDS + round((end - int(end)) * ATTOSECONDS)
        return (spent + self.became(INSIDE) * moment - begun) / ATTOSECONDS

    def growth(self) -> float:
        """Requests per second by which the number inside grew in the second half of the window; 0 if that had no known
        end.
        """
        return 2.0 / self._length * int(self._rows[:, GROWTH].sum()) if self._length > 0 else 0.0

    def windows(self, op: int) -> Windows:
        """The latencies (s) of the window's done requests, by window of arrival."""
        return self._recent.windows(op)

    def series(self, op: int) -> tuple[float, ...]:
        """Mean latencies (s) by moment of arrival, at equal steps of the run; () if no request came in one of them."""
        points = self._points(op)
        if not all(count for count, *_ in points):
            return ()
        return tuple(_exact(sums) / ATTOSECONDS / count for count, *sums in points)

    def _points(self, op: int) -> list[list[int]]:
        points: list[list[int]] = self._rows[op, SERIES:TAIL].reshape(POINTS, 3).tolist()
        return points

    def tail(self, op: int, stations: tuple[str, ...]) -> Tail:
        """Where the window's done requests spent their time, by latency."""
        tail = self._rows[op, TAIL:].reshape(BUCKETS, -1)
        buckets = np.flatnonzero(tail[:, 0])
        seconds = tail[buckets, 1::2] + tail[buckets, 2::2] / ATTOSECONDS
        paths = seconds[:, 1:].reshape(len(buckets), len(stations), 2)
        return Tail(stations, buckets, tail[buckets, 0], seconds[:, 0], paths)


def _exact(parts: Any) -> int:
    """Seconds and attoseconds as attoseconds."""
    return int(parts[0]) * ATTOSECONDS + int(parts[1])


@compiled("void(int64[::1], int64, float64)")
def _add(rows: Any, place: int, time: float) -> None:
    whole = np.int64(time)
    rest = rows[place + 1] + np.int64((time - whole) * ATTOSECONDS + 0.5)
    carried = np.int64(rest >= ATTOSECONDS)
    rows[place] += whole + carried
    rows[place + 1] = rest - carried * ATTOSECONDS


_REQUESTS: Any = from_dtype(REQUEST)[::1]
_SPAN: Any = types.NamedUniTuple(types.float64, len(Span._fields), Span)  # type: ignore[no-untyped-call]
_SEEN: Any = types.NamedTuple((types.int64[:, ::1], types.float64[:, ::1], types.float64[:, ::1]), Seen)  # type: ignore[no-untyped-call]
_PATHS, _NUMBERS = types.float64[:, :, ::1], types.int64[::1]


@compiled(types.boolean(_REQUESTS, _PATHS, _SPAN, _NUMBERS, _NUMBERS, _NUMBERS, _SEEN))
def add_batch(requests: Any, paths: Array, span: Span, rows: Array, recent: Array, many: Array, seen: Seen) -> bool:
    """Writes what is seen, and how much of each operation. False if a latency cannot be measured."""
    ops, stations = many.size, paths.shape[1]
    windows, length = recent.size // (ops * ROW), rows.size // ops
    for i in range(requests.size):
        request = requests[i]
        op, status, arrival, end = request.op, request.status, request.arrival, request.end
        row, latency = op * length, end - arrival
        rows[row + ALL + status] += 1
        rows[row + GROWTH] += span.middle < arrival <= span.stop
        if status == INSIDE:
            _add(rows, row + BEGUN, arrival)
        else:
            rows[row + GROWTH] -= span.middle < end <= span.stop
            if status == DONE:
                rows[row + COMPLETED] += span.begin <= end <= span.stop
                point = int(span.per_second * arrival + span.per_request * request.number)
                place = row + SERIES + 3 * min(point, POINTS - 1)
                rows[place] += 1
                _add(rows, place + 1, latency)
            else:
                _add(rows, row + SPENT, latency)
        if span.begin <= arrival <= span.stop:
            k = many[op]
            many[op] = k + 1
            seen.row[op, k], seen.arrival[op, k] = i, arrival
            seen.latency[op, k] = latency if status == DONE else inf
            rows[row + WITHIN + status] += 1
            _add(rows, row + WORK, request.work)
            if status == DONE:
                if not 0.0 <= latency < LONGEST_S:
                    return False
                _add(rows, row + WAIT, request.wait)
                number = np.int64(arrival / span.width)
                picoseconds = np.int64(np.rint(latency * PICOSECONDS))
                bucket = bucket_of(picoseconds)
                if number >= span.oldest:
                    count(recent, ((number & (windows - 1)) * ops + op) * ROW, bucket, picoseconds, 1)
                place = row + TAIL + (bucket >> COARSER) * (3 + 4 * stations)
                rows[place] += 1
                _add(rows, place + 1, latency)
                for station in range(stations):
                    waited, served = paths[i, station, 0], paths[i, station, 1]
                    if waited + served != 0.0:
                        _add(rows, place + 4 * station + 3, waited)
                        _add(rows, place + 4 * station + 5, served)
    return True
