"""Run a scenario: every strategy meets the same requests, replication by replication, side by side."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from simsys import __version__
from simsys.engines.play import play
from simsys.engines.rows import Luck
from simsys.experiment.engines import Wanted, compile_kernel, summed_up
from simsys.experiment.estimate import estimate
from simsys.experiment.outcome import result_of
from simsys.experiment.result import Result
from simsys.experiment.rows import merged
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import WorkerError, cores, side_by_side
from simsys.measure.histogram import Unmeasurable
from simsys.measure.intervals import section
from simsys.measure.meter import Meter
from simsys.measure.summary import Summary
from simsys.scenario import Scenario

Progress = Callable[[int, int], None]
Key = tuple[int, int]
"""(strategy, replication)"""


class RunError(Exception):
    """What kept a run from ending, and only shows while it is played."""


def run(
    scenario: Scenario, jobs: int | None = None, progress: Progress | None = None, engine: Wanted = "auto"
) -> Result:
    """Play every strategy in every replication and say what came of it.

    The figures depend neither on `jobs`, the number of plays side by side (all cores by default), nor on the engine.
    RunError if a worker is killed, NotCompiled if the engine that is asked for cannot play a strategy.
    """
    ready = settings(scenario)
    engines = estimate(scenario, jobs, engine).engines
    if "compiled" in engines:
        compile_kernel()
    for setting in ready:
        setting.scope(), setting.loads  # worked out once, here, and not in every worker
    plays: dict[Key, Summary] = {}
    count, note = scenario.run.replications or 10, ""
    while True:
        todo = [(s, r) for r in range(count) for s in range(len(ready)) if (s, r) not in plays]
        try:
            plays.update(_play_all(ready, engines, todo, jobs or cores(), progress))
        except Unmeasurable as error:
            raise RunError(f"something is too large to be measured: {error}") from None
        except WorkerError as error:
            raise RunError(str(error)) from None
        wanted = scenario.run.precision
        if wanted is None:
            break
        missed = _too_wide(ready, plays, wanted, count)
        if not missed:
            break
        if count >= scenario.run.most_replications:
            note = f"the precision asked for was not reached after {count} replications: {missed}"
            break
        count += 5
    summaries = [[plays[s, r] for r in range(count)] for s in range(len(ready))]
    played_by = summed_up([setting.label for setting in ready], engines)
    return result_of(scenario, ready, summaries, __version__, played_by, note)


def _play_all(
    ready: list[Setting], engines: Sequence[str], todo: list[Key], jobs: int, progress: Progress | None
) -> Iterator[tuple[Key, Summary]]:
    plays = side_by_side(partial(_play_numbered, ready, engines), todo, jobs)
    for done, (key, summary) in enumerate(plays, start=1):
        if progress is not None:
            progress(done, len(todo))
        yield key, summary


def _play_numbered(ready: list[Setting], engines: Sequence[str], key: Key) -> Summary:
    strategy, replication = key
    return play_once(ready[strategy], replication, engines[strategy])


def play_once(setting: Setting, replication: int, engine: str = "simpy") -> Summary:
    """One strategy, one replication, by the engine "simpy" or "compiled"."""
    load = setting.workload(replication)
    luck = Luck(setting.scenario.run.seed, replication, setting.edge_share)
    model = setting.model(replication, load)
    meter = Meter(setting.scope(), len(model.stations), model.begin, load.stop or None, load.requests)
    with no_collector():
        log = play(model, load, luck, meter.take, engine)
    capacity = {name: spec.capacity for name, spec in setting.scenario.stations.items()}
    return meter.summary(log, capacity)


@contextmanager
def no_collector() -> Iterator[None]:
    """Without the collector of cycles: a play makes none that matter, and looking for them takes a third of the
    time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _too_wide(ready: list[Setting], plays: dict[Key, Summary], wanted: Any, count: int) -> str:
    """The first figure whose interval is wider than the precision asked for; empty if none is."""
    if count < 2:
        return "one replication has no interval"
    for number, setting in enumerate(ready):
        for op in setting.ops:
            histograms = [plays[number, r].ops[op].latency for r in range(count)]
            for metric, target in wanted.items():
                q = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}[metric]
                relative = section(merged(histograms).quantile(q), [h.quantile(q) for h in histograms]).relative
                if relative is not None and relative > target:
                    return f"{setting.label} {op} {metric} ± {100 * relative:.1f} %"
    return ""
