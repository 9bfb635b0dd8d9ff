"""A scenario made ready to be played: its plans traced, its load worked out, a model and a workload per replication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from simsys.distributions import QuantileTable
from simsys.engines.compiler import program
from simsys.engines.model import Model, copy_of, default_key
from simsys.engines.program import Program
from simsys.engines.rows import Luck
from simsys.engines.trace import Tree, steps_of, trace
from simsys.experiment.demand import Demand, Surroundings, demand, surroundings
from simsys.experiment.happenings import cache_outages, outages, planned
from simsys.experiment.identity import identity
from simsys.experiment.layers import Layer, Layers
from simsys.experiment.result import Load
from simsys.experiment.storage import workload
from simsys.expressions import Untraceable
from simsys.measure.lacking import Followers
from simsys.measure.staleness import Following
from simsys.measure.summary import Scope
from simsys.scenario import Scenario
from simsys.stations import Station
from simsys.steps import Hold, Mark
from simsys.strategies import Strategy, label
from simsys.structures.caches import make_cache
from simsys.workload import Workload


@dataclass(frozen=True)
class Setting:
    """One strategy of a scenario."""

    scenario: Scenario
    strategy: Strategy

    @property
    def label(self) -> str:
        """How reports call the strategy: its name, with its knobs where one strategy stands twice."""
        same = [s for s in self.scenario.strategies if label(s, alone=True) == label(self.strategy, alone=True)]
        return label(self.strategy, alone=len(same) == 1)

    def workload(self, replication: int) -> Workload:
        """The requests of a replication: the same for every strategy, but for what its storage says of each."""
        return workload(self.scenario, replication, self.strategy)

    @cached_property
    def first(self) -> Workload:
        return self.workload(0)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The operations of the load and of the events."""
        return self.first.ops

    @cached_property
    def identity(self) -> str:
        """What the plays depend on, as one number."""
        return identity(self.scenario, self.strategy, self._stations, self._cache_names)

    # -- before anything is played ---------------------------------------------------------------------------------

    @cached_property
    def trees(self) -> dict[str, Tree] | str:
        """The traced plan of each operation, or the reason why there is none."""
        try:
            return {op: trace(self._plan(op), self.first.columns) for op in self.ops}
        except Untraceable as reason:
            return str(reason)

    @cached_property
    def program(self) -> Program | str:
        """The plans for the compiled engine, or the reason why it cannot play them."""
        if isinstance(self.trees, str):
            return self.trees
        columns, batches = self.first.columns, list(self.scenario.batches)
        caches = [name for name in self._cache_names for _ in range(self.scenario.caches[name].copies)]
        try:
            return program(self.trees, self._stations, caches, batches, default_key(columns))
        except Untraceable as reason:
            return str(reason)

    def _plan(self, op: str) -> Any:
        plan = self.strategy.plan(op)
        if plan is None:
            raise ValueError(f"strategy '{self.label}' has no plan for the operation '{op}'")
        return plan

    @cached_property
    def demands(self) -> dict[str, Demand]:
        """The mean demand of each operation; empty where the plans cannot be traced."""
        return self._demands(self._around)

    def demands_where(self, hit_ratios: Mapping[str, float]) -> dict[str, Demand]:
        """The mean demand of each operation if these caches hit so often."""
        return self._demands(replace(self._around, hit_ratio={**self.hit_ratios, **hit_ratios}))

    def _demands(self, around: Surroundings) -> dict[str, Demand]:
        if isinstance(self.trees, str):
            return {}
        return {op: demand(tree, *self.first.grid(op), around) for op, tree in self.trees.items()}

    @cached_property
    def _around(self) -> Surroundings:
        around = Surroundings(self.scenario.stations, self.hit_ratios, self.edge_share, graph=self.first.graph)
        limited = () if self.first.clients else tuple(self._stations)
        return surroundings(around, self._demands, self.rate, self.scenario.batches, limited)

    def edge_share(self, followers: float) -> float:
        """The share of follow edges whose author has at least so many followers."""
        population = self.first.people
        return population.edge_share_above(followers) if population is not None else 0.0

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """How each cache is asked; empty where the plans cannot be traced."""
        if isinstance(self.trees, str):
            return {}
        return Layers(self.scenario, self.first, self.trees, self.rate, self.edge_share).all()

    @cached_property
    def hit_ratios(self) -> dict[str, float]:
        """The hit ratio of each cache in the long run, where it is known."""
        return {name: layer.hit_ratio for name, layer in self.layers.items() if layer.hit_ratio is not None}

    def rate(self, op: str) -> float:
        """Requests per second; those of a closed loop as many as its clients send if nobody has to wait."""
        if not self.first.clients:
            return self.first.rate(op)
        shares, time = self.first.shares, self.first.mean_think
        if isinstance(self.trees, dict) and "demands" in self.__dict__:
            time += sum(shares[o] * d.time for o, d in self.demands.items())
        return self.first.clients * shares[op] / time if time > 0 else inf

    @cached_property
    def loads(self) -> tuple[Load, ...]:
        """The analytic utilization of each station by the load (without events)."""
        stations = dict.fromkeys(s for d in self.demands.values() for s in d.stations)
        loads = []
        for name in stations:
            capacity = self.scenario.stations[name].capacity
            work = sum(self.rate(op) * busy for op, d in self.demands.items() if (busy := d.busy(name)))
            loads.append(Load(name, capacity, work / capacity))
        return tuple(loads)

    @cached_property
    def saturated(self) -> tuple[str, ...]:
        """The stations that no queue can serve at this rate."""
        if self.scenario.transient or self.first.clients:
            return ()
        roomy = [load for load in self.loads if self.scenario.stations[load.station].queue is None]
        most = {load.station: self.scenario.stations[load.station].most / load.servers for load in roomy}
        return tuple(load.station for load in roomy if load.utilization >= most[load.station])

    @cached_property
    def edges_pulled(self) -> float | None:
        """The share of follow edges that are served at read time: those whose author's posts are not delivered."""
        if "post" not in self.demands or self.first.people is None:
            return None
        if self.first.graph is not None:
            return self._edges_asked(self.first.graph.edges)
        weights, columns = self.first.grid("post")
        marked = self.demands["post"].marked.get("fresh", np.zeros_like(weights)) > 0
        order = np.argsort(columns["followers"], kind="stable")
        followers = columns["followers"][order].tolist()
        stretches = np.flatnonzero(np.diff(marked[order], prepend=False, append=False)).reshape(-1, 2).tolist()

        def above(author: int) -> float:
            return 1.0 if author == 0 else self.edge_share(followers[author]) if author < len(followers) else 0.0

        return 1.0 - sum(above(first) - above(after) for first, after in stretches)

    def _edges_asked(self, edges: int) -> float | None:
        """The share of so many edges along which readers ask; None where nothing goes along any edge."""
        if "read" not in self.demands or not any(needed.along for needed in self.demands.values()):
            return None
        weights, _ = self.first.grid("read")
        return float(sum((visits / weights).sum() for visits in self.demands["read"].along.values())) / edges

    def event_demand(self, op: str, columns: dict[str, float]) -> Demand | None:
        """What one planned request asks for; with edges, that of nobody knows whom, what any of them does."""
        if isinstance(self.trees, str):
            return None
        if self.first.graph is not None:
            return self.demands[op]
        weights, grid = self.first.grid(op)
        row = {name: np.array([columns.get(name, float((values * weights).sum()))]) for name, values in grid.items()}
        return demand(self.trees[op], np.ones(1), row, self._around)

    # -- to be played ----------------------------------------------------------------------------------------------

    def luck(self, replication: int) -> Luck:
        """The draws of a replication, the same for every strategy; and who is followed."""
        return Luck(self.scenario.run.seed, replication, self.edge_share, self._authors)

    def _authors(self) -> QuantileTable | None:
        return self.first.people.authors_followed if self.first.people is not None else None

    def begin(self, load: Workload) -> float:
        """When the window opens (s)."""
        stop = load.stop
        if stop is None and load.requests is not None:
            stop = load.requests / sum(self.rate(op) for op in load.shares)
        return self.scenario.run.begin(stop, self.scenario.transient)

    def model(self, replication: int, load: Workload) -> Model:
        """All that the engine needs to know for one replication."""
        scenario = self.scenario
        trees = self.trees
        stop = load.stop or 0.0
        held = (
            frozenset(scenario.stations)
            if isinstance(trees, str)
            else frozenset(s.station for tree in trees.values() for s in steps_of(tree) if isinstance(s, Hold))
        )
        used = self._stations
        return Model(
            plans={op: self._plan(op) for op in self.ops},
            stations=used,
            held=held,
            caches=self._caches(replication),
            batches=scenario.batches,
            begin=self.begin(load),
            cut=bool(self.saturated),
            events=tuple(planned(scenario, stop)),
            outages=outages(scenario, used, stop),
            cache_outages=tuple(cache_outages(scenario, self.layers, stop)),
            program=None if isinstance(self.program, str) else self.program,
        )

    @cached_property
    def _stations(self) -> dict[str, Station]:
        """The stations that a plan may visit, all of them if nobody knows."""
        used = self._named("station")
        return {name: spec for name, spec in self.scenario.stations.items() if used is None or name in used}

    @cached_property
    def _cache_names(self) -> list[str]:
        """The caches that a plan may ask, all of them if nobody knows."""
        used = self._named("cache")
        return [name for name in self.scenario.caches if used is None or name in used]

    def _named(self, what: str) -> set[str] | None:
        """What the steps of the plans name; None if the plans cannot be traced."""
        if isinstance(self.trees, str):
            return None
        return {getattr(s, what) for tree in self.trees.values() for s in steps_of(tree) if hasattr(s, what)}

    def _caches(self, replication: int) -> dict[str, Any]:
        luck = self.luck(replication)
        caches: dict[str, Any] = {}
        for name in self._cache_names:
            spec = self.scenario.caches[name]
            layer = self.layers.get(name)
            popularity = self.first.popularity(layer.column) if layer is not None and layer.warm else None
            for copy in (copy_of(name, number) for number in range(spec.copies)):
                caches[copy] = make_cache(spec, luck.stream(f"evict {copy}"))
                if layer is not None and spec.start != "cold" and popularity is not None and 0 < layer.rate < inf:
                    rate = layer.rate / spec.copies
                    caches[copy].warm(popularity, rate, luck.stream(f"warm {copy}"), self.first.mean_size)
        return caches

    def scope(self) -> Scope:
        """What to summarise of a log."""
        load, people = self.first, self.first.people
        following = None
        if people is not None and "post" in self.ops:
            posts = self.rate("post") if self.scenario.has_rate else 0.0  # no post lies between two at the same moment
            seen = posts * people.activity_weighted_mean_followers / people.users
            following = Following(people.users, people.mean_following, seen)
        disturbed = self.scenario.disturbed(load.stop)
        followers = None if load.graph is None else Followers(*load.graph.lists("followers"))
        saturated = bool(self.saturated)
        return Scope(self.ops, following, self.scenario.transient, disturbed, saturated, self._marks(), followers)

    def _marks(self) -> dict[str, frozenset[str]] | None:
        """The names that the plan of each operation may mark, None if nobody knows."""
        if isinstance(self.trees, str):
            return None
        return {op: frozenset(s.name for s in steps_of(t) if isinstance(s, Mark)) for op, t in self.trees.items()}


def settings(scenario: Scenario) -> list[Setting]:
    """One setting per strategy, in the scenario's order, always the same ones."""
    made = scenario.worked_out.setdefault("settings", [])
    if not made:
        made += [Setting(scenario, strategy) for strategy in scenario.strategies]
    return list(made)
