"""Jobs: one strategy of one scenario in one replication, known by what it depends on, so that none is done twice."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from simsys.engines.play import play
from simsys.experiment.engines import compile_kernel
from simsys.experiment.identity import load_identity
from simsys.experiment.setting import Setting
from simsys.experiment.storage import workload
from simsys.experiment.workers import Failed, Limits, side_by_side
from simsys.measure.encoding import encode
from simsys.measure.meter import Meter
from simsys.measure.summary import Summary
from simsys.workload import Workload

LARGE = (1 << 25) - (1 << 16)
"""Bytes of the largest block that glibc adapts itself to."""


class Job(NamedTuple):
    """One play. `engine` is who plays it; it is no part of the key, as the summary is the same."""

    setting: Setting
    replication: int
    engine: str

    @property
    def key(self) -> str:
        """What the summary depends on, as one word."""
        return f"{self.setting.identity}-{self.replication}"


Players = Callable[[Sequence[Job]], Iterator[tuple[Job, bytes | Failed]]]
"""Who plays jobs, wherever they do: each job with its encoded summary (`measure/encoding.py`), in any order."""


def local(workers: int, limits: Limits) -> Players:
    """So many processes of this machine."""
    return partial(_local, workers, limits)


def _local(workers: int, limits: Limits, jobs: Sequence[Job]) -> Iterator[tuple[Job, bytes | Failed]]:
    if any(job.engine == "compiled" for job in jobs):
        compile_kernel()  # here, once, and not in every worker
    return side_by_side(play_job, jobs, workers, limits, lambda job: job.replication)


def play_job(job: Job) -> bytes:
    """The encoded summary of a job. Unmeasurable if a duration or a number in it is too large."""
    return encode(play_once(job.setting, job.replication, job.engine, _shared_load(job.setting, job.replication)))


_last: dict[tuple[str, int], Workload] = {}
"""The load that this process played last, as the next strategy meets the same requests."""


def _shared_load(setting: Setting, replication: int) -> Workload | None:
    """The load of a strategy, unless its storage has a part in it."""
    if setting.strategy.counts:
        return None
    key = load_identity(setting.scenario), replication
    if key not in _last:
        _last.clear()
        _last[key] = workload(setting.scenario, replication, keeps=True)
    return _last[key]


def play_once(setting: Setting, replication: int, engine: str = "simpy", load: Workload | None = None) -> Summary:
    """One strategy, one replication, by the engine "simpy" or "compiled"; of a load that is there already, if any."""
    load = load or setting.workload(replication)
    luck, model = setting.luck(replication), setting.model(replication, load)
    meter = Meter(setting.scope(), len(model.stations), model.begin, load.stop or None, load.requests, load.users)
    keep_pages()
    with no_collector():
        log = play(model, load, luck, meter.take, engine)
    capacity = {name: spec.capacity for name, spec in setting.scenario.stations.items()}
    summary = meter.summary(log, capacity)
    return summary if load.counted is None else replace(summary, storage=load.counted.totals)


def keep_pages() -> None:
    """Let a large block be taken and let go of: from then on malloc keeps what a play gives back, instead of asking the
    system for new pages with every chunk (glibc adapts its thresholds so).
    """
    np.empty(LARGE, np.uint8)


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
