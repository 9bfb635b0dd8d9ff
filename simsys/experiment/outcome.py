"""From the summaries of all plays to the result that is reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simsys.experiment import accounts
from simsys.experiment.accounts import DAY, Kept
from simsys.experiment.along import edge_rows
from simsys.experiment.notes import notes
from simsys.experiment.promises import verdicts
from simsys.experiment.result import GROWTH, Audit, Failure, Napkin, Played, Result, Row
from simsys.experiment.rows import constant, merged, rows
from simsys.experiment.setting import Setting
from simsys.measure.anatomy import Anatomy
from simsys.measure.summary import Summary
from simsys.measure.tail import pooled
from simsys.money import MEDIA, total
from simsys.scenario import Scenario

AGES = {"day": DAY, "month": 30 * DAY, "year": 365 * DAY}
"""After how long the bytes that are kept are told (s)."""


def result_of(
    scenario: Scenario,
    ready: Sequence[Setting],
    summaries: Sequence[Sequence[Summary]],
    version: str,
    engine: str,
    note: str,
    failed: Sequence[Failure] = (),
) -> Result:
    """The result of a run; `summaries[strategy][replication]`, of all strategies but those that failed."""
    saturated = [s.label for s, plays in zip(ready, summaries, strict=True) if s.saturated or piles_up(s, plays)]
    all_rows: list[Row] = []
    played = []
    for setting, plays in zip(ready, summaries, strict=True):
        mine, one = _strategy(setting, plays, setting.label in saturated)
        all_rows += mine
        played.append(one)
    names = [s.label for s in ready]
    return Result(
        scenario=scenario.name,
        version=version,
        engine=engine,
        seed=scenario.run.seed,
        replications=max((len(plays) for plays in summaries), default=0),
        notes=tuple([note] * bool(note) + [str(each) for each in failed] + list(notes(ready, summaries))),
        saturated=tuple(saturated),
        audits=tuple(_audits(ready, summaries)),
        slo=tuple(verdicts(scenario.slo, all_rows, names, saturated)),
        rows=tuple(all_rows),
        played=tuple(played),
        failed=tuple(failed),
    )


def piles_up(setting: Setting, plays: Sequence[Summary]) -> bool:
    """Whether over one request in a hundred piled up: without an analytic load, or before a shard that never rested.

    The analytic load is the mean over all shards; that one of them gets more than it can serve shows only when played.
    """
    if setting.scenario.transient or setting.first.clients:
        return False
    growth = sum(s.backlog_growth for s in plays)
    offered = sum(op.offered / s.length for s in plays for op in s.ops.values() if s.length > 0)
    if growth <= 0.01 * offered:
        return False
    return not setting.demands or all(any(max(s.utilization) > 0.999 for s in p.stations.values()) for p in plays)


def _strategy(setting: Setting, plays: Sequence[Summary], saturated: bool) -> tuple[list[Row], Played]:
    name = setting.label
    mine = rows(name, plays, saturated)
    visited = {s for play in plays for s, station in play.stations.items() if station.visited}
    cached = {c: sum(p.caches[c].occupancy for p in plays) / len(plays) for c in plays[0].caches}
    mine += accounts.worn(setting, mine)
    kept = accounts.stores(setting, cached, [p.storage for p in plays if p.storage is not None])
    terms = accounts.terms(setting, [each.store for each in kept], visited, _paid(plays))
    mine += list(_money(name, kept, terms))
    mine += list(edge_rows(setting, plays))
    tails = {op: pooled([play.ops[op].tail for play in plays]) for op in setting.ops} if not saturated else {}
    if setting.edges_pulled is not None:
        mine.append(
            constant(name, "edges_pulled", setting.edges_pulled, "", "share of follow edges served at read time")
        )
    return mine, Played(
        strategy=name,
        loads=setting.loads,
        time={op: d.time for op, d in setting.demands.items()},
        ccdf={op: _ccdf([p.ops[op].latency for p in plays]) for op in setting.ops} if not saturated else {},
        work=_mean_work(plays),
        samples=_samples(plays),
        bill=tuple(terms),
        stores=tuple((k.store.name, k.store.medium, f"{k.formula}: {k.store.formula}", k.store.bytes) for k in kept),
        growth=_growth(kept),
        napkin=_napkin(setting, plays),
        traceable=bool(setting.demands),
        tail=_known({op: tail.slowest() for op, tail in tails.items()}),
        whole=_known({op: tail.whole() for op, tail in tails.items()}),
        shards=_shards(plays),
        servers=_servers(plays),
    )


def _growth(kept: Sequence[Kept]) -> dict[str, tuple[float, ...]]:
    """Bytes at each time of `GROWTH`, by medium; empty where nothing grows."""
    if all(each.grows is None for each in kept):
        return {}
    at = {m: [sum(k.bytes_at(age) for k in kept if k.store.medium == m) for age in GROWTH] for m in MEDIA}
    return {medium: tuple(values) for medium, values in at.items() if any(values)}


def _money(name: str, kept: Sequence[Kept], terms: Sequence[Any]) -> Iterator[Row]:
    stores = [each.store for each in kept]
    yield constant(name, "storage_bytes", sum(store.bytes for store in stores), "B")
    for medium in MEDIA:
        yield constant(name, f"storage_bytes.{medium}", sum(s.bytes for s in stores if s.medium == medium), "B")
    if any(each.grows is not None for each in kept):
        for age, seconds in AGES.items():
            yield constant(name, f"storage_bytes_{age}", sum(each.bytes_at(seconds) for each in kept), "B")
    yield constant(name, "cost", total(terms), "$/month", "of the fleet as given")
    for kind in ("ram", "cpu", "disk", "network"):
        yield constant(name, f"cost.{kind}", total(terms, kind), "$/month")


def _audits(ready: Sequence[Setting], summaries: Sequence[Sequence[Summary]]) -> Iterator[Audit]:
    """One line per identity and strategy: the replication that came off worst."""
    for setting, plays in zip(ready, summaries, strict=True):
        names = list(dict.fromkeys(check.name for play in plays for check in play.checks))
        for name in names:
            checks = [check for play in plays for check in play.checks if check.name == name]
            worst = max(checks, key=lambda check: abs(check.left - check.right))
            yield Audit(name, setting.label, all(c.ok for c in checks), f"{worst.left:.9g} = {worst.right:.9g}")


def _ccdf(histograms: Sequence[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    x, share = merged(histograms).ccdf()
    return tuple(x.tolist()), tuple(share.tolist())


def _known(anatomies: dict[str, Anatomy | None]) -> dict[str, Anatomy]:
    """Those of operations that had enough requests."""
    return {op: anatomy for op, anatomy in anatomies.items() if anatomy is not None}


def _mean_work(plays: Sequence[Summary]) -> dict[str, dict[str, float]]:
    work: dict[str, dict[str, float]] = {}
    for play in plays:
        for op, by_station in play.work.items():
            for station, seconds in by_station.items():
                mine = work.setdefault(op, {})
                mine[station] = mine.get(station, 0.0) + seconds / len(plays)
    return work


def _shards(plays: Sequence[Summary]) -> dict[str, tuple[float, ...]]:
    """How busy each shard of a station is, mean over the replications: the hash of a key is the same in all."""
    shards = {}
    for name, station in plays[0].stations.items():
        if len(station.utilization) > 1 and any(play.stations[name].visited for play in plays):
            mean = np.mean([play.stations[name].utilization for play in plays], axis=0)
            shards[name] = tuple(sorted(mean.tolist(), reverse=True))
    return shards


def _paid(plays: Sequence[Summary]) -> dict[str, float]:
    """The mean number of servers that were paid, where they come and go."""
    fleets = {name: [play.stations[name].fleet for play in plays] for name in plays[0].stations}
    return {name: sum(f.paid for f in each if f) / len(each) for name, each in fleets.items() if each[0]}


def _servers(plays: Sequence[Summary]) -> dict[str, tuple[float, ...]]:
    """The mean number of servers at the samples, where they come and go."""
    count = min(len(play.samples[0]) for play in plays)
    fleets = {name: [play.stations[name].fleet for play in plays] for name in plays[0].stations}
    at = {name: [f.at[:count] for f in each if f] for name, each in fleets.items()}
    return {name: tuple(np.mean(each, axis=0).tolist()) for name, each in at.items() if each}


def _samples(plays: Sequence[Summary]) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """The mean number inside each station at the samples that all replications have: the same shares of each run."""
    count = min(len(play.samples[0]) for play in plays)

    def mean(series: list[list[float]]) -> tuple[float, ...]:
        return tuple(np.mean([one[:count] for one in series], axis=0).tolist())

    inside = {name: mean([play.samples[1][name] for play in plays]) for name in plays[0].samples[1]}
    return mean([play.samples[0] for play in plays]), inside


def _napkin(setting: Setting, plays: Sequence[Summary]) -> Napkin | None:
    """The planned request that asks most of a station, on the back of a napkin and as simulated."""
    largest = None
    requests = [event.request for event in setting.scenario.events if event.request is not None]
    for number, request in enumerate(requests):
        needed = setting.event_demand(request.op, request.columns)
        if needed is None:
            return None
        for station in needed.stations:
            servers = setting.scenario.stations[station].capacity
            seconds = needed.busy(station) / servers
            if seconds > (largest.seconds if largest else 0.0):
                others = next((load.utilization for load in setting.loads if load.station == station), 0.0)
                last = [v for play in plays for index, v in play.last_fresh.items() if index % (1 << 40) == number]
                simulated = sum(last) / len(last) if last else None
                largest = Napkin(request.op, station, servers, needed.busy(station), seconds, simulated, others)
    return largest
