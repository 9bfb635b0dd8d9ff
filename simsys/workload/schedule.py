"""When the requests of one replication arrive, and when that ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from simsys.workload.arrivals import Phase, Times, burst_phases, burst_rates, through_phases, unit_arrivals
from simsys.workload.load import Bursty, Load
from simsys.workload.traces import TraceChunk, TraceFacts, read_trace

CHUNK = 65536
KEPT = 1 << 20
"""Arrival times (8 bytes each) that are kept of those that had to be drawn to know when the last one comes."""


@dataclass(frozen=True)
class Schedule:
    """A load that `duration` (s) and `requests` cut, whichever is first; times in seconds.

    Raises ValueError where it would never end.
    """

    load: Load
    trace: TraceFacts | None
    folder: Path
    seed: int
    replication: int
    duration: float | None
    requests: int | None

    def __post_init__(self) -> None:
        if self.duration is None and self.requests is None and self.load.kind in ("rate", "clients"):
            raise ValueError(f"a load by {self.load.kind} never ends: give a duration or a number of requests")
        if self.duration is not None and not 0 < self.duration < math.inf:
            raise ValueError("the duration must be above zero")
        if self.trace is not None and self.trace.last == 0:
            raise ValueError("all requests of the trace come at the same time: a trace needs two times at least")
        if self.requests is not None and self.requests < 1:
            raise ValueError("the number of requests must be above zero")

    def arrivals(self, size: int) -> Iterator[tuple[Times, TraceChunk | None]]:
        """Arrival times in order, at most `size` at a time, with the lines that they come from, if from
        a trace.
        """
        kept = self.__dict__.get("_kept")
        if kept is not None:
            for times in kept:
                yield from ((times[i : i + size], None) for i in range(0, times.size, size))
            return
        left = self.requests
        for times, lines in self._endless(size):
            inside = times[:left]
            if self.duration is not None:
                inside = inside[: np.searchsorted(inside, self.duration)]
            if inside.size:
                yield inside, lines
            left = None if left is None else left - inside.size
            if inside.size < times.size or left == 0:
                return

    def _endless(self, size: int) -> Iterator[tuple[Times, TraceChunk | None]]:
        if self.load.trace is not None:
            yield from ((lines.arrival, lines) for lines in read_trace(self.load.trace, self.folder, size))
        elif self.load.at_once is not None:
            for first in range(0, self.load.at_once, size):
                yield np.zeros(min(size, self.load.at_once - first)), None
        else:
            units = unit_arrivals(self.load.arrivals == "regular", self.seed, self.replication, size)
            yield from ((times, None) for times in through_phases(units, self._phases()))

    def _phases(self) -> Iterator[Phase]:
        if isinstance(self.load.arrivals, Bursty) and self.load.rate is not None:
            bursty = self.load.arrivals.bursty
            bursts = burst_rates(self.load.rate, bursty.cv, bursty.burst)
            return burst_phases(bursts, self.seed, self.replication)
        return iter(self._steady)

    @property
    def _steady(self) -> list[Phase]:
        """The phases up to `duration`, bursts averaged out; none without a rate."""
        left = math.inf if self.duration is None else self.duration
        if self.load.rate is not None:
            return [Phase(left, self.load.rate)]
        phases = []
        for stage in self.load.stages or ():
            phases.append(Phase(min(stage.length, left), stage.rate))
            left -= phases[-1].length
        return phases

    @cached_property
    def stop(self) -> float | None:
        """When arrivals stop: at `duration`, at the last of `requests`, or at the load's own end,
        whichever is first.

        What comes all at once stops at `duration`, if there is one, so that there is a time to look at.
        None for a closed loop that is bounded by its number of requests only.
        """
        if self.load.clients is not None or (self.load.at_once is not None and self.duration is not None):
            return self.duration
        ends = [0.0 if self.load.at_once is not None else sum(phase.length for phase in self._steady)]
        if self.trace is not None:
            ends = [self.trace.last, math.inf if self.duration is None else self.duration]
        if self.requests is None:
            return min(ends)
        count, last = self._count()
        return last if count == self.requests else min(ends)

    def _count(self) -> tuple[int, float]:
        """How many requests arrive, and when the last of them."""
        count, last = 0, 0.0
        kept: list[Times] = []
        for times, _ in self.arrivals(CHUNK):
            count, last = count + times.size, float(times[-1])
            if count <= KEPT:
                kept.append(times)
        if count <= KEPT and self.trace is None:
            self.__dict__["_kept"] = kept
        return count, last

    @cached_property
    def expected_requests(self) -> float:
        """How many requests there will be on average; infinite for a closed loop without a number of
        requests.
        """
        most = math.inf if self.requests is None else float(self.requests)
        if self.load.clients is not None:
            return most
        if self.load.at_once is not None:
            return min(most, float(self.load.at_once))
        if self.trace is not None:
            return float(self._count()[0])
        return min(most, sum(phase.length * phase.rate for phase in self._steady))

    @property
    def mean_rate(self) -> float:
        """Requests per second until arrivals stop; infinite if all come at once, NaN for a closed loop."""
        if self.load.clients is not None:
            return math.nan
        if self.load.rate is not None:
            return self.load.rate
        if self.trace is not None:
            return self.trace.requests / self.trace.last if self.trace.last > 0 else math.inf
        length = sum(phase.length for phase in self._steady)
        return sum(phase.length * phase.rate for phase in self._steady) / length if length else math.inf
