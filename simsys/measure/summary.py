"""What one replication comes to: histograms, counts and ledgers of the window, small enough to send and easy to
merge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from simsys.measure.audits import Check
from simsys.measure.fleets import FleetSummary, fleet_summary
from simsys.measure.histogram import Histogram
from simsys.measure.lacking import Followers
from simsys.measure.log import CacheCount, Log, StationLog
from simsys.measure.staleness import Following
from simsys.measure.storage import StorageTotals
from simsys.measure.tail import Tail


@dataclass
class OpSummary:
    """One operation in one replication; counts are of requests that arrived in the window.

    `completed` left in the window; `windows` and `fresh_windows` are histograms by 10-second window of arrival;
    `wait` and `work` seconds in all, `stale` and `unfound` reads in all; `sent`, `lost` and `doubled` deliveries to
    followers who are known; `marked` how much was marked, by name;
    `recovery` in s; `series` the mean latency (s) by moment of arrival since the beginning of the run; `tail` where the
    time went, by latency.
    """

    offered: int
    completed: int
    refused: int
    timed_out: int
    unfinished: int
    latency: Histogram
    fresh: Histogram
    windows: dict[int, Histogram]
    fresh_windows: dict[int, Histogram]
    wait: float
    work: float
    stale: float | None
    sent: int
    lost: int
    doubled: int
    brought: int
    unfound: float
    marked: dict[str, int]
    recovery: float | None
    series: tuple[float, ...]
    tail: Tail


@dataclass
class StationSummary:
    """One station in the window; lists have one entry per shard. `served` visits begun, `inside` at the
    window's ends, `fleet` where servers came and went.
    """

    utilization: list[float]
    throughput: list[float]
    served: int
    wait: float
    queue: float
    longest: int
    inside: tuple[int, int]
    visited: bool
    fleet: FleetSummary | None


@dataclass
class CacheSummary:
    """One cache in the window: counts of look-ups and fills, the `peak` of loads in a second, `ages` and `oldest` in s;
    `occupancy` entries and `bytes` at its end, None where its room is in entries.
    """

    lookups: int
    hits: int
    stale: int
    fills: int
    evictions: int
    loads: int
    peak: int
    waits: int
    ages: float
    oldest: float
    occupancy: float
    bytes: float | None

    def plus(self, other: CacheSummary) -> CacheSummary:
        """Both together."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        sums: dict[str, Any] = {name: None if a is None else a + b for name, (a, b) in pairs.items()}
        return CacheSummary(**sums | {"oldest": max(pairs["oldest"])})


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
    storage: StorageTotals | None = None


@dataclass(frozen=True)
class Scope:
    """What to summarise: the operations, staleness by `following`, and when the run was disturbed (s), if it was.

    Of a run that is `saturated` there is no staleness. `marks` are the names that the plan of each operation may mark;
    None: nobody knows. `followers` are those of each user, where it is known who they are.
    """

    ops: tuple[str, ...]
    following: Following | None
    transient: bool
    disturbed: float | None
    saturated: bool = False
    marks: Mapping[str, frozenset[str]] | None = None
    followers: Followers | None = None


def station_summary(log: StationLog, capacity: float, length: float, samples: Sequence[float]) -> StationSummary:
    """A station with this many servers in a window of so many seconds, and the times of the samples (s)."""
    begin, stop = log.snapshots[0], log.snapshots[1]
    fleet = fleet_summary(log.fleet, begin.time, stop.time, samples)
    servers = capacity / log.shards if fleet is None else fleet.there
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
        fleet=fleet,
    )


def cache_summary(counters: Sequence[CacheCount]) -> CacheSummary:
    """A cache, from its counters at the window's ends."""
    begin, stop = counters[0], counters[1]
    counted = ("lookups", "hits", "stale", "fills", "evictions", "loads", "waits", "ages")
    window = {name: getattr(stop, name) - getattr(begin, name) for name in counted}
    return CacheSummary(
        **window, peak=stop.peak, oldest=stop.oldest, occupancy=stop.occupancy, bytes=stop.bytes
    )  # fmt: skip


def cache_summaries(caches: Mapping[str, Sequence[CacheCount]]) -> dict[str, CacheSummary]:
    """Every cache, with its copies (which are called so and a number) taken together."""
    found: dict[str, CacheSummary] = {}
    for name, counters in caches.items():
        name, mine = name.partition(" ")[0], cache_summary(counters)
        found[name] = mine if name not in found else found[name].plus(mine)
    return found


def samples_summary(log: Log) -> tuple[list[float], dict[str, list[float]]]:
    """The times (s) of the samples, and the number inside each station then."""
    inside = {name: [float(s.inside[i]) for s in log.samples] for i, name in enumerate(log.stations)}
    return [s.time for s in log.samples], inside
