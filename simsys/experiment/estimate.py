"""What a run would take, from the demand of its plans, and which engine plays it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simsys.experiment.demand import Demand
from simsys.experiment.engines import COMPILATION, Wanted, engines, kernel_is_ready
from simsys.experiment.result import Load
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import cores
from simsys.scenario import Scenario


@dataclass(frozen=True)
class Estimate:
    """What a run would take: requests per play, plays, seconds on so many cores, bytes at once, and the loads.

    `engines` is who plays each strategy, `compiles` whether the kernel must be compiled first.
    """

    requests: float
    plays: int
    seconds: float
    memory: float
    loads: dict[str, tuple[Load, ...]]
    saturated: dict[str, tuple[str, ...]]
    engines: tuple[str, ...]
    compiles: bool


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


def estimate(scenario: Scenario, jobs: int | None = None, engine: Wanted = "auto") -> Estimate:
    """What a run would take on a machine like the author's. NotCompiled if the engine cannot play it."""
    ready = settings(scenario)
    replications = scenario.run.replications or 10
    plays = len(ready) * replications
    side_by_side = min(jobs or cores(), plays)
    times = {name: [replications / side_by_side * _seconds(s, costs) for s in ready] for name, costs in COSTS.items()}
    chosen = engines(ready, engine, {name: sum(each) for name, each in times.items()})
    compiles = "compiled" in chosen and not kernel_is_ready()
    inside = max(COSTS[name].bytes * _inside(setting) for name, setting in zip(chosen, ready, strict=True))
    seconds = SECONDS_TO_START + sum(times[name][place] for place, name in enumerate(chosen)) + compiles * COMPILATION
    return Estimate(
        ready[0].first.expected_requests, plays, seconds, side_by_side * (BYTES_TO_START + inside),
        {s.label: s.loads for s in ready}, {s.label: s.saturated for s in ready}, chosen, compiles,
    )  # fmt: skip


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
