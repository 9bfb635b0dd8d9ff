"""What one replication comes to: histograms, counts and ledgers of the window, small enough to send and easy to
merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.measure.audits import Check, audits
from simsys.measure.histogram import Histogram
from simsys.measure.log import BROUGHT, DONE, INSIDE, REFUSED, TIMED_OUT, Log, Request, StationLog
from simsys.measure.staleness import Following, stale_shares

WINDOW = 10.0
"""Seconds of arrivals over which the worst percentile is taken."""
BATCHES = 200
"""Points of the series of mean latencies that the warm-up is checked with."""


@dataclass
class OpSummary:
    """One operation in one replication; counts are of requests that arrived in the window.

    `completed` left in the window; `windows` and `fresh_windows` are histograms by 10-second window of arrival;
    `series` the mean latency of consecutive batches since the beginning of the run; `slow` per second of arrival
    the requests and those slower than twice the p99 before the disturbance.
    """

    offered: int = 0
    completed: int = 0
    refused: int = 0
    timed_out: int = 0
    unfinished: int = 0
    latency: Histogram = field(default_factory=Histogram)
    fresh: Histogram = field(default_factory=Histogram)
    windows: dict[int, Histogram] = field(default_factory=dict)
    fresh_windows: dict[int, Histogram] = field(default_factory=dict)
    wait: float = 0.0
    work: float = 0.0
    stale: float | None = None
    brought: int = 0
    unfound: float = 0.0
    recovery: float | None = None
    series: tuple[float, ...] = ()


@dataclass
class StationSummary:
    """One station in the window; lists have one entry per shard. `served` visits begun, `inside` at the
    window's ends.
    """

    utilization: list[float]
    throughput: list[float]
    served: int
    wait: float
    queue: float
    longest: int
    inside: tuple[int, int]
    visited: bool


@dataclass
class CacheSummary:
    """One cache in the window; `occupancy` entries at its end."""

    lookups: int
    hits: int
    evictions: int
    occupancy: float


@dataclass
class Summary:
    """One replication of one strategy."""

    length: float
    ops: dict[str, OpSummary]
    stations: dict[str, StationSummary]
    caches: dict[str, CacheSummary]
    work: dict[str, dict[str, float]]
    samples: tuple[list[float], dict[str, list[float]]]
    checks: list[Check]
    last_fresh: dict[int, float]
    backlog_growth: float


@dataclass(frozen=True)
class Scope:
    """What to summarise: the operations, their freshness and staleness, and when the run was disturbed (s), if
    it was.
    """

    ops: tuple[str, ...]
    following: Following | None
    transient: bool
    disturbed: float | None


def summarise(log: Log, scope: Scope, capacity: dict[str, float]) -> Summary:
    """The summary of a log; `capacity` is the number of servers of each station, infinite for a delay."""
    window = [r for r in log.requests if log.begin <= r.arrival <= log.stop]
    length = log.stop - log.begin
    ops = {op: _operation(op, [r for r in window if r.op == op], log, scope) for op in scope.ops}
    counts = {op: max(1, sum(r.op == op for r in log.requests)) for op in scope.ops}
    return Summary(
        length=length,
        ops=ops,
        stations={name: _station(s, capacity[name], length) for name, s in log.stations.items()},
        caches={name: _cache(counters) for name, counters in log.caches.items()},
        work={
            op: {s: float(t) / counts[op] for s, t in zip(log.stations, by, strict=True) if t > 0.0}
            for op, by in zip(log.ops, log.work, strict=True)
        },
        samples=([s.time for s in log.samples], _columns(log)),
        checks=audits(log),
        last_fresh=_last_fresh(log),
        backlog_growth=_growth(log, length),
    )


def _operation(op: str, requests: list[Request], log: Log, scope: Scope) -> OpSummary:
    done = [r for r in requests if r.status == DONE]
    out = OpSummary(
        offered=len(requests),
        completed=sum(r.op == op and r.status == DONE and log.begin <= r.end <= log.stop for r in log.requests),
        refused=sum(r.status == REFUSED for r in requests),
        timed_out=sum(r.status == TIMED_OUT for r in requests),
        unfinished=sum(r.status == INSIDE for r in requests),
        work=sum(r.work for r in requests),
        series=_series([r for r in log.requests if r.op == op and r.status == DONE]),
    )
    latency = np.array([r.end - r.arrival for r in done])
    out.latency.add(latency)
    out.wait = sum(r.wait for r in done)
    if scope.transient:
        out.windows = _by_window([r.arrival for r in done], latency, np.ones(len(done), dtype=np.int64))
        out.recovery = _recovery(done, latency, scope.disturbed)
    _freshness(out, op, done, log, scope)
    if op == "read" and scope.following is not None and done:
        stale, unfound = stale_shares(done, log, scope.following)
        out.stale, out.unfound = float(stale.sum()), float(unfound.sum())
        out.brought = sum(r.cause == BROUGHT for r in done)
    return out


def _freshness(out: OpSummary, op: str, done: Sequence[Request], log: Log, scope: Scope) -> None:
    """One count per delivery; a request that marks nothing is visible to its followers when it ends."""
    mine = {r.number: r for r in done}
    marks = [m for m in log.marks if m.name == "fresh" and m.request in mine]
    if op == "read" or not (marks or op == "post"):
        return
    marked = {m.request for m in marks}
    plain = [r for r in done if r.number not in marked]
    arrival = [mine[m.request].arrival for m in marks] + [r.arrival for r in plain]
    delay = np.array([m.time - mine[m.request].arrival for m in marks] + [r.end - r.arrival for r in plain])
    count = np.rint([m.n for m in marks] + [_audience(r) for r in plain]).astype(np.int64)
    out.fresh.add(delay, count)
    if scope.transient:
        out.fresh_windows = _by_window(arrival, delay, count)


def _audience(request: Request) -> float:
    return request.followers * request.active if request.followers == request.followers else 1.0


def _by_window(
    arrival: Sequence[float], values: npt.NDArray[np.float64], count: npt.NDArray[np.int64]
) -> dict[int, Histogram]:
    windows: dict[int, Histogram] = {}
    number = np.floor(np.array(arrival) / WINDOW).astype(np.int64)
    for k in np.unique(number).tolist():
        windows[k] = Histogram()
        windows[k].add(values[number == k], count[number == k])
    return windows


def _recovery(done: Sequence[Request], latency: npt.NDArray[np.float64], disturbed: float | None) -> float | None:
    """Seconds from the disturbance to the end of the last second of arrivals that was still out of order.

    Out of order: more than one request in a hundred, and more than one, took over twice the p99 from before. Null if
    fewer than 1,000 requests came before.
    """
    if disturbed is None:
        return None
    arrival = np.array([r.arrival for r in done])
    before = latency[arrival < disturbed]
    if len(before) < 1000:
        return None
    slow = latency > 2.0 * np.sort(before)[int(np.ceil(0.99 * len(before))) - 1]
    second = np.floor(arrival - disturbed).astype(np.int64)
    after = second >= 0
    total = np.bincount(second[after])
    late = np.bincount(second[after], weights=slow[after])
    bad = np.flatnonzero((late > 0.01 * total) & (late > 1))
    return float(bad[-1] + 1) if len(bad) else 0.0


def _series(done: Sequence[Request]) -> tuple[float, ...]:
    """Mean latencies of consecutive batches, in order of arrival."""
    latency = np.array([r.end - r.arrival for r in sorted(done, key=lambda r: r.arrival)])
    if len(latency) < BATCHES:
        return ()
    return tuple(float(part.mean()) for part in np.array_split(latency, BATCHES))


def _station(log: StationLog, capacity: float, length: float) -> StationSummary:
    begin, stop = log.snapshots[0], log.snapshots[1]
    servers = capacity / log.shards
    seconds = length or 1.0
    served = sum(stop.visits) - sum(begin.visits)
    return StationSummary(
        utilization=[(b - a) / (servers * seconds) for a, b in zip(begin.busy, stop.busy, strict=True)],
        throughput=[(b - a) / seconds for a, b in zip(begin.visits, stop.visits, strict=True)],
        served=served,
        wait=sum(stop.wait_begun) - sum(begin.wait_begun),
        queue=(sum(stop.wait) - sum(begin.wait)) / seconds,
        longest=max(stop.longest),
        inside=(begin.inside, stop.inside),
        visited=sum(log.snapshots[-1].visits) > 0,
    )


def _cache(counters: list[Any]) -> CacheSummary:
    begin, stop = counters[0], counters[1]
    return CacheSummary(
        stop.lookups - begin.lookups, stop.hits - begin.hits, stop.evictions - begin.evictions, stop.occupancy
    )


def _columns(log: Log) -> dict[str, list[float]]:
    return {name: [float(s.inside[i]) for s in log.samples] for i, name in enumerate(log.stations)}


def _last_fresh(log: Log) -> dict[int, float]:
    """When the last delivery of each event's post came, in seconds since the post; by the event's index."""
    last: dict[int, float] = {}
    for mark in log.marks:
        request = log.requests[mark.request]
        if mark.name == "fresh" and request.cause == 1:
            last[request.index] = max(last.get(request.index, 0.0), mark.time - request.arrival)
    return last


def _growth(log: Log, length: float) -> float:
    """Requests per second by which the number inside grew in the second half of the window."""
    inside = [(r.arrival, 1) for r in log.requests] + [(r.end, -1) for r in log.requests if r.status != INSIDE]
    if length <= 0:
        return 0.0
    middle = log.begin + length / 2
    return 2.0 / length * sum(change for time, change in inside if middle < time <= log.stop)
