"""What a run would take, from the demand of its plans, and which engine plays it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simsys.experiment.demand import Demand
from simsys.experiment.engines import COMPILATION, Wanted, engines, kernel_is_ready
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import Limits, cores
from simsys.scenario import Scenario


@dataclass(frozen=True)
class Estimate:
    """What evaluating scenarios would take: requests of the longest play, plays, seconds on so many cores, bytes at
    once, and what one play may take before something must be wrong with it.

    `settings` are those of different plays, `engines` who plays each of them, `lengths` how many seconds it takes, and
    `compiles` whether the kernel must be compiled first.
    """

    requests: float
    plays: int
    seconds: float
    memory: float
    settings: tuple[Setting, ...]
    engines: tuple[str, ...]
    lengths: tuple[float, ...]
    compiles: bool
    limits: Limits


class Costs(NamedTuple):
    """Seconds per play, request, visit, piece of a visit that is spread over shards, and child; bytes for each request,
    client or child that is inside.
    """

    play: float
    request: float
    visit: float
    piece: float
    child: float
    bytes: float


COSTS = {
    "simpy": Costs(0.02, 30e-6, 8e-6, 1.2e-6, 30e-6, 3500.0),
    "compiled": Costs(0.01, 0.5e-6, 0.07e-6, 0.015e-6, 0.3e-6, 700.0),
}
SECONDS_TO_START, BYTES_TO_START = 1.5, 250e6
PATIENCE, LEAST_SECONDS = 100.0, 600.0
"""A play that takes so many times as long as estimated, and at least so many seconds, never ends."""
SLACK, LEAST_BYTES = 8.0, 4e9
"""A play that needs so many times the memory that is estimated, and at least so many bytes, never has enough."""


def estimate(scenarios: Scenario | Sequence[Scenario], jobs: int | None = None, engine: Wanted = "auto") -> Estimate:
    """What evaluating them would take on a machine like the author's, each play once. NotCompiled if the engine cannot
    play a strategy.
    """
    all_ = [scenarios] if isinstance(scenarios, Scenario) else scenarios
    counts: dict[str, int] = {}
    first: dict[str, Setting] = {}
    for scenario in all_:
        for setting in settings(scenario):
            first.setdefault(setting.identity, setting)
            counts[setting.identity] = max(counts.get(setting.identity, 0), scenario.run.replications or 10)
    ready, times_played = list(first.values()), list(counts.values())
    plays = sum(times_played)
    side_by_side = min(jobs or cores(), plays)
    each = {name: [_seconds(setting, costs) for setting in ready] for name, costs in COSTS.items()}
    whole = {
        name: [n * t / side_by_side for n, t in zip(times_played, times, strict=True)] for name, times in each.items()
    }
    chosen = engines(ready, engine, {name: sum(times) for name, times in whole.items()})
    compiles = "compiled" in chosen and not kernel_is_ready()
    inside = max(COSTS[name].bytes * _inside(setting) for name, setting in zip(chosen, ready, strict=True))
    lengths = tuple(each[name][place] for place, name in enumerate(chosen))
    playing = sum(whole[name][place] for place, name in enumerate(chosen))
    return Estimate(
        requests=max(setting.first.expected_requests for setting in ready),
        plays=plays,
        seconds=SECONDS_TO_START + playing + compiles * COMPILATION,
        memory=side_by_side * (BYTES_TO_START + inside),
        settings=tuple(ready),
        engines=chosen,
        lengths=lengths,
        compiles=compiles,
        limits=Limits(max(LEAST_SECONDS, PATIENCE * max(lengths)), max(LEAST_BYTES, SLACK * inside)),
    )


def memory() -> float:
    """The bytes of this machine; infinite where nobody knows."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _seconds(setting: Setting, costs: Costs) -> float:
    """Seconds of one play."""
    seconds = costs.play + setting.first.expected_requests * costs.request + setting.first.clients * costs.child
    for needed, count in _planned(setting):
        visits, children = sum(needed.visits.values()), _children(needed)
        seconds += count * (visits * costs.visit + needed.pieces * costs.piece + children * costs.child)
    return seconds


def _inside(setting: Setting) -> float:
    """How many requests, clients and children may be inside at once: no requests to speak of, unless they pile up."""
    piled_up = setting.scenario.load.at_once is not None or setting.saturated
    inside = setting.first.clients + (setting.first.expected_requests if piled_up else 0.0)
    for needed, count in _planned(setting):
        inside += count * _children(needed)
        inside = max(inside, sum(needed.visits.values()))  # more than a plan has steps are those of its children
    return inside


def _planned(setting: Setting) -> Iterator[tuple[Demand, float]]:
    """(demand, how many requests) of the operations of the load, and of the events."""
    requests, shares = setting.first.expected_requests, setting.first.shares
    yield from ((needed, requests * shares[op]) for op, needed in setting.demands.items() if op in shares)
    for event in setting.scenario.events:
        if event.request is not None:
            needed = setting.event_demand(event.request.op, dict(event.request.columns))
            if needed is not None:
                yield needed, 1.0


def _children(needed: Demand) -> float:
    return sum(n for (_, op), n in needed.visits.items() if op == "hold")
