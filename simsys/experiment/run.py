"""Run a scenario: every strategy meets the same requests, replication by replication, side by side."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

from simsys import __version__
from simsys.engines.play import Play
from simsys.engines.rows import Luck
from simsys.experiment.outcome import result_of
from simsys.experiment.result import Load, Result
from simsys.experiment.rows import merged
from simsys.experiment.setting import Setting, settings
from simsys.measure.histogram import Unmeasurable
from simsys.measure.intervals import section
from simsys.measure.meter import Meter
from simsys.measure.summary import Summary
from simsys.scenario import Scenario

Progress = Callable[[int, int], None]
Plays = dict[tuple[int, int], Summary]


class RunError(Exception):
    """What kept a run from ending, and only shows while it is played."""


def run(scenario: Scenario, jobs: int | None = None, progress: Progress | None = None) -> Result:
    """Play every strategy in every replication and say what came of it.

    The result does not depend on `jobs`, the number of plays side by side (all cores by default). RunError if a worker
    is killed.
    """
    ready = settings(scenario)
    for setting in ready:
        setting.scope(), setting.loads  # worked out once, here, and not in every worker
    plays: Plays = {}
    count, note = scenario.run.replications or 10, ""
    while True:
        todo = [(s, r) for r in range(count) for s in range(len(ready)) if (s, r) not in plays]
        try:
            plays.update(_play_all(ready, todo, jobs or cores(), progress))
        except Unmeasurable as error:
            raise RunError(f"something is too large to be measured: {error}") from None
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
    return result_of(scenario, ready, summaries, __version__, note)


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> float:
    """The bytes of this machine; infinite where nobody knows."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _play_all(ready: list[Setting], todo: list[tuple[int, int]], jobs: int, progress: Progress | None) -> Iterator[Any]:
    plays = _side_by_side(ready, todo, jobs) if min(jobs, len(todo)) > 1 else _in_turn(ready, todo)
    for done, (key, summary) in enumerate(plays, start=1):
        if progress is not None:
            progress(done, len(todo))
        yield key, summary


def _in_turn(ready: list[Setting], todo: list[tuple[int, int]]) -> Iterator[Any]:
    for strategy, replication in todo:
        yield (strategy, replication), play_once(ready[strategy], replication)


_ready: list[Setting] = []


def _begin_work(ready: list[Setting]) -> None:
    """What a worker does first. It dies at once when told to, and with its parent, however that dies; Ctrl-C is the
    parent's business.
    """
    _ready[:] = ready
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _play_numbered(strategy: int, replication: int) -> Summary:
    return play_once(_ready[strategy], replication)


def _side_by_side(ready: list[Setting], todo: list[tuple[int, int]], jobs: int) -> Iterator[Any]:
    """Plays in worker processes, which inherit the settings instead of being sent them where the system can fork."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    try:
        pool = ProcessPoolExecutor(min(jobs, len(todo)), context, _begin_work, (ready,))
        futures = {pool.submit(_play_numbered, *key): key for key in todo}
    except OSError as error:
        raise RunError(f"workers cannot be started ({error.strerror}); --jobs 1 needs none") from None
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        raise RunError("a worker process was killed (out of memory?); try fewer --jobs") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def play_once(setting: Setting, replication: int) -> Summary:
    """One strategy, one replication."""
    load = setting.workload(replication)
    luck = Luck(setting.scenario.run.seed, replication, setting.edge_share)
    model = setting.model(replication, load)
    meter = Meter(setting.scope(), len(model.stations), model.begin, load.stop or None, load.requests)
    with no_collector():
        playing = Play(model, load, luck, lambda batch: meter.take(batch, playing.log.names))
        log = playing.run()
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


def _too_wide(ready: list[Setting], plays: Plays, wanted: Any, count: int) -> str:
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


@dataclass(frozen=True)
class Estimate:
    """What a run would take: requests per play, plays, seconds on so many cores, bytes at once, and the loads."""

    requests: float
    plays: int
    seconds: float
    memory: float
    loads: dict[str, tuple[Load, ...]]
    saturated: dict[str, tuple[str, ...]]


SECONDS_PER_REQUEST, SECONDS_PER_VISIT, SECONDS_PER_PIECE, SECONDS_PER_CHILD = 30e-6, 8e-6, 1.2e-6, 30e-6
BYTES_PER_REQUEST, BYTES_PER_CHILD, BYTES_TO_START = 1500.0, 3000.0, 250e6


def estimate(scenario: Scenario, jobs: int | None = None) -> Estimate:
    """What a run would take on a machine like the author's, from the demand of the plans."""
    ready = settings(scenario)
    plays = len(ready) * (scenario.run.replications or 10)
    requests = ready[0].first.expected_requests
    seconds, memory = 0.0, 0.0
    for setting in ready:
        once, room = _cost(setting, requests)
        seconds += once * (scenario.run.replications or 10)
        memory = max(memory, room)
    side_by_side = min(jobs or cores(), plays)
    return Estimate(
        requests, plays, 1.5 + seconds / side_by_side, side_by_side * (BYTES_TO_START + memory),
        {s.label: s.loads for s in ready}, {s.label: s.saturated for s in ready},
    )  # fmt: skip


def _cost(setting: Setting, requests: float) -> tuple[float, float]:
    """Seconds and bytes of one play."""
    clients = setting.first.clients
    seconds = requests * SECONDS_PER_REQUEST + clients * SECONDS_PER_CHILD
    memory = requests * BYTES_PER_REQUEST + clients * BYTES_PER_CHILD
    planned = [
        (d, requests * setting.first.shares[op]) for op, d in setting.demands.items() if op in setting.first.shares
    ]
    for event in setting.scenario.events:
        if event.request is not None:
            needed = setting.event_demand(event.request.op, dict(event.request.columns))
            planned += [(needed, 1.0)] if needed is not None else []
    for needed, count in planned:
        visits, children = sum(needed.visits.values()), sum(n for (_, op), n in needed.visits.items() if op == "hold")
        seconds += count * (
            visits * SECONDS_PER_VISIT + needed.pieces * SECONDS_PER_PIECE + children * SECONDS_PER_CHILD
        )
        memory += count * children * BYTES_PER_CHILD
        memory = max(memory, visits * BYTES_PER_CHILD)  # more than a plan has steps are those of children, at once
    return seconds, memory
