"""Measures a play while it goes on: batches of settled requests come in, and one summary comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy.typing as npt

from simsys.measure.audits import audits
from simsys.measure.freshness import Freshness, LastFresh
from simsys.measure.lacking import Deliveries, Lacking, Users
from simsys.measure.log import DONE, INSIDE, REFUSED, TIMED_OUT, Batch, Log
from simsys.measure.marks import Marked, Waiting, never
from simsys.measure.staleness import Staleness
from simsys.measure.summary import OpSummary, Scope, Summary, cache_summaries, samples_summary, station_summary
from simsys.measure.tallies import WAIT, WORK, Tallies
from simsys.measure.windows import WINDOW, Recovery, Windows

Array = npt.NDArray[Any]

FRESH, LOST, SENT = "fresh", "lost", "sent"


class Meter:
    """What is measured of one play: it takes the batches of its log, and keeps nothing that grows with their number.

    `stations` is how many there are, `begin` when the window opens (s), `stop` when it closes and `requests` how many
    arrive at the most; None where that is not known beforehand. `users` tell whose requests they are.
    """

    def __init__(
        self,
        scope: Scope,
        stations: int,
        begin: float,
        stop: float | None = None,
        requests: int | None = None,
        users: Users | None = None,
    ) -> None:
        width = WINDOW if scope.transient else inf
        fresh = [op for op in scope.ops if op != "read" and _may_be_fresh(op, scope)]
        self._scope, self._begin = scope, begin
        self._tallies = Tallies(len(scope.ops), stations, begin, stop, requests, width)
        self._delivered, self._lost, self._sent = Waiting(FRESH), Waiting(LOST), Waiting(SENT)
        self._last_fresh, self._deliveries = LastFresh(), Deliveries()
        self._marked = Marked(scope.ops, scope.marks, FRESH)
        self._fresh = {op: Freshness(op == "post", width) for op in fresh}
        disturbed = scope.disturbed if scope.transient else None
        self._recovery = {
            op: Recovery(disturbed, partial(self._tallies.windows, number))
            for number, op in enumerate(scope.ops)
            if disturbed is not None
        }
        judged = scope.following is not None and not scope.saturated and "read" in scope.ops
        self._staleness: Staleness | Lacking | None = None
        if judged and scope.following is not None:
            self._staleness = Staleness(scope.following)
            if scope.followers is not None and users is not None:
                self._staleness = Lacking(scope.followers, users, scope.ops.index("post"))

    def take(self, batch: Batch, names: Sequence[str]) -> None:
        """Measure a batch; `names` are those of its marks. Unmeasurable if something is too long to be measured."""
        seen = self._tallies.take(batch)
        if not (self._scope.transient or self._fresh or self._marked or self._staleness is not None):
            return
        self._marked.take(batch, names, self._begin)
        marks, lost = self._delivered.settle(batch, names), self._lost.settle(batch, names)
        self._last_fresh.take(batch.requests, marks)
        if self._scope.followers is not None and not self._scope.saturated:
            self._deliveries.take(marks, self._sent.settle(batch, names))
        for op, (row, arrival, latency) in zip(self._scope.ops, seen, strict=True):
            if op in self._recovery:
                self._recovery[op].take(arrival, latency, batch.settled)
            done = latency < inf
            if op in self._fresh:
                self._fresh[op].take(batch.requests, row[done], marks)
            if op == "read" and self._staleness is not None:
                self._staleness.take(batch.requests, row[done], never(marks, lost), batch.settled)

    def summary(self, log: Log, capacity: Mapping[str, float]) -> Summary:
        """The summary, when the play is over; `capacity` is the number of servers of each station, infinite for a
        delay.
        """
        length, times = log.stop - log.begin, [sample.time for sample in log.samples]
        return Summary(
            length=length,
            ops={op: self._operation(number, op, tuple(log.stations)) for number, op in enumerate(self._scope.ops)},
            stations={name: station_summary(s, capacity[name], length, times) for name, s in log.stations.items()},
            caches=cache_summaries(log.caches),
            work={op: self._work(log, number) for number, op in enumerate(self._scope.ops)},
            samples=samples_summary(log),
            checks=audits(log, self._tallies),
            last_fresh=self._last_fresh.seconds,
            backlog_growth=self._tallies.growth(),
        )

    def _work(self, log: Log, op: int) -> dict[str, float]:
        """Seconds of service per request at each station that it worked."""
        arrived = max(1, self._tallies.arrived(op))
        return {s: float(t) / arrived for s, t in zip(log.stations, log.work[op], strict=True) if t > 0.0}

    def _operation(self, number: int, op: str, stations: tuple[str, ...]) -> OpSummary:
        tallies = self._tallies
        done, refused, timed_out, inside = (tallies.within(number, s) for s in (DONE, REFUSED, TIMED_OUT, INSIDE))
        windows = tallies.windows(number)
        fresh = self._fresh[op].told() if op in self._fresh else Windows()
        judged = self._staleness if op == "read" and done else None
        return OpSummary(
            offered=done + refused + timed_out + inside,
            completed=tallies.completed(number),
            refused=refused,
            timed_out=timed_out,
            unfinished=inside,
            latency=windows.whole(),
            fresh=fresh.whole(),
            windows=windows.histograms if self._scope.transient else {},
            fresh_windows=fresh.histograms if self._scope.transient else {},
            wait=tallies.seconds(number, WAIT),
            work=tallies.seconds(number, WORK),
            stale=None if judged is None else judged.stale,
            sent=self._deliveries.sent if op == "post" else 0,
            lost=self._deliveries.lost if op == "post" else 0,
            doubled=self._deliveries.doubled if op == "post" else 0,
            brought=0 if judged is None else judged.brought,
            unfound=0.0 if judged is None else judged.unfound,
            marked=self._marked.counts(number),
            recovery=self._recovery[op].seconds() if op in self._recovery else None,
            series=tallies.series(number),
            tail=tallies.tail(number, stations),
        )


def _may_be_fresh(op: str, scope: Scope) -> bool:
    return op == "post" or scope.marks is None or FRESH in scope.marks[op]


def summarise(log: Log, scope: Scope, capacity: Mapping[str, float]) -> Summary:
    """The summary of a log that was kept."""
    meter = Meter(scope, len(log.stations), log.begin, log.stop)
    for batch in log.batches:
        meter.take(batch, log.names)
    return meter.summary(log, capacity)
