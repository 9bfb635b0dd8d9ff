"""What is worth knowing about a run and is not a fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simsys.experiment.setting import Setting
from simsys.measure.runlength import mser5, run_length_needed
from simsys.measure.summary import Summary
from simsys.units import show_count

TWITTER_2012 = 75.0
"""Deliveries per post: 30 billion a day from 400 million posts (Krikorian, Timelines at Scale, QCon 2012)."""


def notes(ready: Sequence[Setting], summaries: Sequence[Sequence[Summary]]) -> Iterator[str]:
    """The notes of a run, the general ones first."""
    if not ready:
        return
    scenario, load = ready[0].scenario, ready[0].first
    if load.clients:
        yield "closed loop: who waits does not ask, so latencies look better than open arrivals would see them"
    if load.people is not None and "post" in ready[0].ops:
        yield from _deliveries(load.people)
    if scenario.run.replications == 1:
        yield "one replication: no intervals, so every promise is undecided"
    for setting, replications in zip(ready, summaries, strict=True):
        if isinstance(setting.trees, str):
            slow = "so there is no analytic load, and SimPy plays it, which is slower"
            yield f"{setting.label}: its plan cannot be traced ({setting.trees}), {slow}"
        elif isinstance(setting.program, str):
            yield f"{setting.label}: SimPy plays it, which is slower: {setting.program}"
        if not scenario.transient and not setting.saturated:
            yield from _too_short(setting, replications)
            yield from _warm_up(setting, replications)
        yield from _never_recovered(setting, replications)
        yield from _not_served(setting, replications)
        unfinished = sum(op.unfinished for s in replications for op in s.ops.values())
        if unfinished and not setting.saturated:
            yield f"{setting.label}: {unfinished:,} requests never ended"


def _never_recovered(setting: Setting, summaries: Sequence[Summary]) -> Iterator[str]:
    """Operations that were still out of order when the arrivals stopped: they may have stayed so for ever."""
    disturbed = setting.scope().disturbed or 0.0
    for op in setting.ops:
        told = [(s.ops[op].recovery, s.length - disturbed) for s in summaries]
        late = sum(recovery is not None and recovery > left - 1.0 for recovery, left in told)
        if late:
            where = "" if late == len(summaries) else f" in {late} of {len(summaries)} replications"
            yield f"{setting.label}: {op} had not recovered when the arrivals stopped{where}"


def _not_served(setting: Setting, summaries: Sequence[Summary]) -> Iterator[str]:
    """Operations of which more than one in a hundred was lost: their latencies tell only of the others."""
    for op in setting.ops:
        plays = [s.ops[op] for s in summaries]
        offered, lost = sum(p.offered for p in plays), sum(p.refused + p.timed_out for p in plays)
        if lost > 0.01 * offered:
            share = f"{100 * lost / offered:.3g}%"
            yield f"{setting.label}: {share} of {op} requests were not served; latencies are those of the others"


def _deliveries(people: Any) -> Iterator[str]:
    mean = people.activity_weighted_mean_followers
    if mean > 10 * TWITTER_2012:
        yield f"{show_count(mean)} deliveries per post; Twitter reported {TWITTER_2012:g} in 2012"


def _too_short(setting: Setting, summaries: Sequence[Summary]) -> Iterator[str]:
    busiest = max(setting.loads, key=lambda load: load.utilization if load.servers < np.inf else 0.0, default=None)
    if busiest is None or not 0 < busiest.utilization < 1:
        return
    needed = run_length_needed(busiest.utilization)
    played = min(sum(op.offered for op in s.ops.values()) for s in summaries)
    if played < needed:
        asks = f"{needed:,.0f} requests" if needed < 1e9 else "more requests than anybody plays"
        yield (
            f"{setting.label}: short for a p99: {busiest.station} is {busiest.utilization:.0%} busy and asks for "
            f"{asks} per replication, not {played:,}"
        )


def _warm_up(setting: Setting, summaries: Sequence[Summary]) -> Iterator[str]:
    if setting.scenario.run.warmup != "auto" or len(summaries) < 2:
        return
    for op in setting.ops:
        series = [s.ops[op].series for s in summaries]
        if all(series):
            cut = mser5(np.mean(np.array(series), axis=0))
            length = len(series[0])
            if cut is None or cut > 0.1 * length:
                share = "most" if cut is None else f"{cut / length:.0%}"
                yield f"{setting.label}: {op} was still warming up: MSER-5 would drop {share} of the run, not 10 %"
