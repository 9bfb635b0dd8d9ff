"""The requests of one replication, and what a storage engine says of each."""

from __future__ import annotations

import numpy as np

from simsys.scenario import Scenario
from simsys.strategies import HasStorage, Strategy
from simsys.structures.storage import Data
from simsys.structures.storage.accesses import Accesses, AsTheyAre, Ranks
from simsys.workload import Workload

REHEARSAL = 1 << 40
"""A replication is played once with the luck of this later one before, so that memory and runs are as they are after
such requests.
"""


def workload(scenario: Scenario, replication: int, strategy: Strategy | None = None, keeps: bool = False) -> Workload:
    """The requests of one replication of a scenario; with the counts of a strategy's storage. See `Workload.keeps`."""
    run = scenario.run
    load = Workload(
        scenario.load, scenario.population, run.seed, replication, duration=run.duration, requests=run.requests,
        folder=scenario.folder, events=tuple(e.request.op for e in scenario.events if e.request is not None),
        counts=strategy.counts if strategy is not None else (),
        counted=(lambda: accesses(scenario, strategy, load)) if isinstance(strategy, HasStorage) else None,
        keeps=keeps,
    )  # fmt: skip
    return load


def accesses(scenario: Scenario, strategy: HasStorage, load: Workload) -> Accesses:
    """A storage engine with its data. If its keys have a law, it has met requests like these before; those of a trace
    are all there, and come once.
    """
    scale, keys = scenario.run.scale or 1, scenario.load.keys
    begin = scenario.run.begin(load.stop, scenario.transient)
    if keys is None:
        data = Data(np.unique(load.traced_keys // scale), load.mean_size, scale)
        return Accesses(strategy.storage(data), load.ops, AsTheyAre(scale), begin)
    there = max(1, keys.count // scale)
    order = Ranks(there, scale, keys.latest, keys.order == "inserted")
    data = Data(order.places(np.arange(there)), load.mean_size, scale)
    met = Accesses(strategy.storage(data), load.ops, order, begin)
    for chunk in workload(scenario, load.replication + REHEARSAL).chunks(needed=met.NEEDED):
        met.play(chunk.arrival, chunk.op, chunk.columns)
    met.begin_anew()
    return met
