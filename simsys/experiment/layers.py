"""How the caches of a strategy are asked, and how often they hit in the long run, before anything is played.

A cache beneath another sees what that one misses, key by key: the more often a key is asked for, the less is left. That
it comes at random times is assumed: too much is foreseen for a cache that keeps its keys for little longer than the one
above it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.engines.caching import beneath, placed, told
from simsys.engines.trace import Tree, steps_of
from simsys.experiment.demand import Demand, Surroundings, demand
from simsys.scenario import Scenario
from simsys.steps import Lookup
from simsys.structures.caches import CacheSpec, has_long_run
from simsys.structures.traces import replay
from simsys.theory import caches as theory
from simsys.workload import Workload
from simsys.workload.grid import Grid

Array = npt.NDArray[np.float64]

ONE = "one"
"""Instead of a column: everybody asks for the same key."""
SAMPLE = 100_000
"""Requests that tell a hit ratio where no formula does."""


class Layer(NamedTuple):
    """A cache: the column it is asked by, look-ups per second, its hit ratio in the long run (None: unknown), and
    whether it may be filled as in the long run before the first request.
    """

    column: str
    rate: float
    hit_ratio: float | None
    warm: bool


@dataclass
class Layers:
    """Works out one cache after the other, in the order in which plans ask them; `rate` is an operation's (1/s)."""

    scenario: Scenario
    load: Workload
    trees: Mapping[str, Tree]
    rate: Callable[[str], float]
    edge_share: Callable[[float], float]
    ratios: dict[str, float] = field(default_factory=dict)
    by_key: dict[tuple[str, str], Array] = field(default_factory=dict)
    """Hit ratios of (column, cache) by group of the column's values."""

    def all(self) -> dict[str, Layer]:
        """All caches that are asked."""
        noted = set().union(*(told(tree) | placed(tree) for tree in self.trees.values()))
        under = set().union(*map(beneath, self.trees.values()))
        asked_for = {s.cache: s.key for tree in self.trees.values() for s in steps_of(tree) if isinstance(s, Lookup)}
        grids = {op: self.load.grid(op) for op in self.trees}
        found = {}
        for name, key in asked_for.items():
            column, keys = self._column(key), self._keys(key)
            asked = {o: d.lookups[name] for o, d in self._demands(grids, self.ratios).items() if name in d.lookups}
            if not asked:
                continue
            rate = sum(self.rate(op) * n for op, n in asked.items())
            ratio = None if name in noted else self._ratio(name, column, keys, rate, name in under)
            if ratio is not None:
                self.ratios[name] = ratio
            found[name] = Layer(column, rate, ratio, name not in noted | under)
        return found

    def _column(self, key: Any) -> str:
        if key is None:
            return "user" if "user" in self.load.columns else "key"
        if isinstance(key, int | float):
            return ONE
        return str(key.args[0]) if getattr(key, "kind", "") == "column" else ""

    def _demands(self, grids: Mapping[str, Grid], ratios: Mapping[str, Any]) -> dict[str, Demand]:
        around = Surroundings(self.scenario.stations, ratios, self.edge_share, graph=self.load.graph)
        return {op: demand(tree, *grids[op], around) for op, tree in self.trees.items()}

    def _keys(self, key: Any) -> theory.Popularity | None:
        """How often each key is asked for, where a law says so."""
        if getattr(key, "kind", "") == "followed" and self.load.people is not None:
            return theory.Popularity(*self.load.people.followed_above(key.args[0]))
        column = self._column(key)
        law = (1, 0.0) if column == ONE else self.load.popularity(column)
        return None if law is None else theory.zipf(*law)

    def _ratio(
        self, name: str, column: str, keys: theory.Popularity | None, rate: float, under: bool
    ) -> float | None:
        """By Che's approximation; where there is none, that of the first requests, played through the cache alone."""
        spec = self.scenario.caches[name]
        if keys is not None and has_long_run(spec) and 0 < rate < inf:
            left = self._left(name, column, keys) if under else keys
            hits = theory.hits(left, rate / spec.copies, self._entries(spec), spec.ttl, spec.renew, spec.policy)
            self.by_key[column, name] = hits
            return float((left.keys * left.share * hits).sum())
        known = column in self.load.columns and rate > 0
        return self._of_the_first(spec, column, rate / spec.copies) if known else None

    def _entries(self, spec: CacheSpec) -> float:
        return spec.entries if spec.entries is not None else (spec.bytes or 0.0) / self.load.mean_size

    def _left(self, name: str, column: str, keys: theory.Popularity) -> theory.Popularity:
        """How often each key is asked for beneath the caches that were worked out before."""
        weights, middles = keys.share * keys.keys, np.cumsum(keys.keys) - (keys.keys + 1) / 2
        grids = {}
        for op in self.trees:
            points, columns = self.load.grid(op)
            same = {n: np.full(weights.size, float((points * values).sum())) for n, values in columns.items()}
            grids[op] = Grid(weights, {**same, column: middles})
        ratios = self.ratios | {cache: hits for (by, cache), hits in self.by_key.items() if by == column}
        asked = sum(self.rate(op) * needed.asked.get(name, 0.0) for op, needed in self._demands(grids, ratios).items())
        return theory.Popularity(asked / (np.sum(asked) * keys.keys), keys.keys)

    def _of_the_first(self, spec: CacheSpec, column: str, rate: float) -> float:
        indices = np.arange(max(1, int(min(SAMPLE, self.load.expected_requests))))
        columns = self.load.rows(indices, needed=frozenset({column, "size"})).columns
        keys = columns[column].astype(np.int64)
        return 1.0 - float(replay(spec, keys, columns["size"], indices / rate).mean())
