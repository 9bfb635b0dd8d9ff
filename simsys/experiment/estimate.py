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
    """Seconds per request, per visit, per piece of a visit that is spread over shards, and per child."""

    request: float
    visit: float
    piece: float
    child: float


COSTS = {"simpy": Costs(30e-6, 8e-6, 1.2e-6, 30e-6), "compiled": Costs(0.7e-6, 0.1e-6, 0.02e-6, 0.4e-6)}
SECONDS_TO_START = 1.5
BYTES_PER_REQUEST, BYTES_PER_CHILD, BYTES_TO_START = 1500.0, 3000.0, 250e6


def estimate(scenario: Scenario, jobs: int | None = None, engine: Wanted = "auto") -> Estimate:
    """What a run would take on a machine like the author's. NotCompiled if the engine cannot play it."""
    ready = settings(scenario)
    replications = scenario.run.replications or 10
    plays = len(ready) * replications
    side_by_side = min(jobs or cores(), plays)
    times = {name: [replications / side_by_side * _seconds(s, costs) for s in ready] for name, costs in COSTS.items()}
    chosen = engines(ready, engine, {name: sum(each) for name, each in times.items()})
    compiles = "compiled" in chosen and not kernel_is_ready()
    seconds = SECONDS_TO_START + sum(times[name][place] for place, name in enumerate(chosen)) + compiles * COMPILATION
    return Estimate(
        ready[0].first.expected_requests, plays, seconds, side_by_side * (BYTES_TO_START + max(map(_memory, ready))),
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
    seconds = setting.first.expected_requests * costs.request + setting.first.clients * costs.child
    for needed, count in _planned(setting):
        visits, children = sum(needed.visits.values()), _children(needed)
        seconds += count * (visits * costs.visit + needed.pieces * costs.piece + children * costs.child)
    return seconds


def _memory(setting: Setting) -> float:
    """Bytes of one play."""
    room = setting.first.expected_requests * BYTES_PER_REQUEST + setting.first.clients * BYTES_PER_CHILD
    for needed, count in _planned(setting):
        room += count * _children(needed) * BYTES_PER_CHILD
        at_once = sum(needed.visits.values())  # more than a plan has steps are those of children, at once
        room = max(room, at_once * BYTES_PER_CHILD)
    return room


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
