"""Tiny worlds for tests: requests at given times with given columns, and a player for plans written in the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from simsys.engines.model import Model
from simsys.engines.play import play
from simsys.engines.rows import Luck
from simsys.engines.trace import steps_of, trace
from simsys.experiment.setting import Setting
from simsys.expressions import Untraceable
from simsys.measure.audits import Check, audits
from simsys.measure.log import Log
from simsys.measure.tallies import Tallies
from simsys.stations import Batch, Station
from simsys.steps import Hold
from simsys.workload import Workload


class Arrivals:
    """Requests of the operation `op` at the given times; every column is a list with one value per request."""

    clients = 0
    requests: int | None = None
    graph = None

    def __init__(
        self, times: Sequence[float], op: str = "get", stop: float | None = None, **columns: Sequence[float]
    ) -> None:
        self.times = np.array(times, dtype=np.float64)
        self.ops: tuple[str, ...] = (op,)
        self.given = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
        self.columns = tuple(columns)
        self.stop = stop if stop is not None else float(self.times.max(initial=0.0)) + 1.0

    def chunks(self) -> Iterator[Any]:
        op = np.zeros(len(self.times), dtype=np.int64)
        yield SimpleNamespace(first=0, arrival=self.times, op=op, columns=self.given)

    def rows(self, indices: Any, op: int | None = None) -> Any:
        one = {name: values[np.zeros(len(indices), dtype=int)] for name, values in self.given.items()}
        return SimpleNamespace(op=np.zeros(len(indices), dtype=np.int64), columns=one)


class Clients(Arrivals):
    """A closed loop: clients that think for a constant time, or as `think` says."""

    def __init__(self, clients: int, pause: float, stop: float) -> None:
        super().__init__([], stop=stop)
        self.clients, self.pause = clients, pause

    def think(self, client: int, k: int) -> float:
        return self.pause


def station(servers: int | str = 1, **ops: Any) -> Station:
    """A station from plain words: station(2, get="1ms"); `shards`, `queue` and `choices` are not operations."""
    given = {name: ops.pop(name) for name in ("shards", "queue", "choices") if name in ops}
    return Station.model_validate({"servers": servers, "ops": ops, **given})


def run_plan(
    plan: Any,
    stations: Mapping[str, Station],
    arrivals: Arrivals | Workload,
    *,
    begin: float = 0.0,
    caches: Mapping[str, Any] | None = None,
    batches: Mapping[str, Batch] | None = None,
    plain: bool = True,
    seed: int = 1,
    **more: Any,
) -> Log:
    """The log of one plan under these arrivals; plain=False makes every station queue at a SimPy resource."""
    held = frozenset(stations)
    if plain:
        try:
            tree = trace(plan, arrivals.columns)
            held = frozenset(step.station for step in steps_of(tree) if isinstance(step, Hold))
        except Untraceable:
            pass
    model = Model(
        plans=dict.fromkeys(arrivals.ops, plan), stations=stations, held=held, caches=caches or {},
        batches=batches or {}, begin=begin, **more,
    )  # fmt: skip
    return play(model, arrivals, Luck(seed, 0, lambda x: 0.5))


def logged(setting: Setting, engine: str = "compiled", replication: int = 0) -> Log:
    """The log of a strategy of a scenario, one replication, by either engine: they write the same one."""
    load = setting.workload(replication)
    return play(setting.model(replication, load), load, setting.luck(replication), engine=engine)


def checks(log: Log) -> list[Check]:
    """The audits of a log that was kept."""
    tallies = Tallies(len(log.ops), len(log.stations), log.begin, log.stop, None)
    for batch in log.batches:
        tallies.take(batch)
    return audits(log, tallies)


def ends(log: Log) -> list[float]:
    """When each request ended, to the microsecond, in order of arrival."""
    return [round(r.end, 6) for r in log.requests]
