"""What a strategy asks of the stations, from its traced plans and the law of the requests, before anything is played.

Every plan is walked once over a weighted grid of rows, as arrays; an outcome that the row does not decide weighs its
branches with its probability. Nothing queues here: the result is work, not time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.engines.trace import Do, End, If, Tree, asks
from simsys.expressions import Expression, evaluate
from simsys.stations import Batch, Station
from simsys.steps import All, Chance, Each, Fill, Hold, Join, Key, Lookup, Mark, Start, Visit, Within
from simsys.workload.graph import Graph

Array = npt.NDArray[np.float64]
Totals = defaultdict[Any, float]

ALIKE = 20
"""Children whose index matters are told apart; beyond so many, those within a twentieth are taken as one."""


def _totals() -> Totals:
    return defaultdict(float)


@dataclass
class Demand:
    """What one operation asks for, on average per request.

    `visits` and `units` by (station, service), `seconds` of service and `held` seconds of holding by station,
    `lookups` and `fills` by cache, `joins` by batch, `marks` by name; `asked` and `marked`, look-ups and marks per row
    of the grid; `along`, visits per row that go to the other end of an edge, by (station, service); `time` (s) from
    arrival to answer if nobody had to wait, `pieces` the shards visited.
    """

    visits: Totals = field(default_factory=_totals)
    units: Totals = field(default_factory=_totals)
    seconds: Totals = field(default_factory=_totals)
    held: Totals = field(default_factory=_totals)
    lookups: Totals = field(default_factory=_totals)
    fills: Totals = field(default_factory=_totals)
    joins: Totals = field(default_factory=_totals)
    asked: dict[str, Any] = field(default_factory=dict)
    marks: Totals = field(default_factory=_totals)
    marked: dict[str, Array] = field(default_factory=dict)
    along: dict[tuple[str, str], Any] = field(default_factory=dict)
    time: float = 0.0
    pieces: float = 0.0

    @property
    def stations(self) -> list[str]:
        """The stations that are visited or held, in order of their first visit."""
        return list(dict.fromkeys([*(station for station, _ in self.visits), *self.held]))

    def came(self, station: str) -> float:
        """How often the station is visited or held."""
        return sum(count for (name, _), count in self.visits.items() if name == station)

    def busy(self, station: str) -> float:
        """Seconds for which a server of the station is occupied: by holders where it is held, else by visits."""
        return self.held[station] + self.seconds[station]


@dataclass(frozen=True)
class Surroundings:
    """What a walk needs to know: the stations, the hit ratio of each cache (one, or one per row), the share of follow
    edges above x followers, the members of each batch, of which one plays its plan, the share of visits that the rate
    limit of a station lets in, and the graph, where there is one.
    """

    stations: Mapping[str, Station]
    hit_ratio: Mapping[str, Any]
    edge_share: Callable[[float], float]
    members: Mapping[str, float] = field(default_factory=dict)
    let_in: Mapping[str, float] = field(default_factory=dict)
    graph: Graph | None = None


def demand(tree: Tree, weights: Array, columns: Mapping[str, Array], around: Surroundings) -> Demand:
    """The mean demand of a plan over rows with these weights (that sum to 1)."""
    walk = _Walk(around)
    total = Demand()
    total.time = float(walk.tree(tree, weights, dict(columns), {}, total).sum())
    return total


def surroundings(
    around: Surroundings,
    demands: Callable[[Surroundings], Mapping[str, Demand]],
    rate: Callable[[str], float],
    batches: Mapping[str, Batch],
    limited: Iterable[str],
) -> Surroundings:
    """With the share that the rate limits of these stations let in, and the mean number of members that a batch has:
    its first one, and who comes while that one lingers. `rate` is that of an operation (1/s).
    """

    def per_second(counts: Callable[[Demand], Mapping[str, float]]) -> Totals:
        found = _totals()
        for op, needed in demands(around).items():
            for name, count in counts(needed).items():
                found[name] += rate(op) * count
        return found

    come = per_second(lambda needed: {name: needed.came(name) for name in needed.stations})
    specs = [(name, around.stations[name]) for name in limited]
    most = {name: spec.rate_limit.rate * spec.shards for name, spec in specs if spec.rate_limit}
    around = replace(around, let_in={name: most[name] / come[name] for name in most if come[name] > most[name]})
    joins = per_second(lambda needed: needed.joins)
    members = {name: min(batches[name].size, 1.0 + rate * batches[name].linger) for name, rate in joins.items()}
    return replace(around, members=members)


@dataclass(frozen=True)
class _Walk:
    around: Surroundings

    def tree(self, tree: Tree, weights: Array, columns: dict[str, Array], odds: dict[int, Any], total: Demand) -> Array:
        """Book the demand of a tree; the weighted seconds that its foreground takes, per row."""
        if isinstance(tree, End) or not weights.any():
            return np.zeros_like(weights)
        if isinstance(tree, If):
            share, known = self._share(tree.condition, columns, odds)
            return self.tree(tree.yes, weights * share, {**columns, **known}, odds, total) + self.tree(
                tree.no, weights * (1.0 - share), columns, odds, total
            )
        share = self._let_in(tree.step)
        time = self._step(tree, weights * share, columns, total)
        odds = {**odds, tree.number: self._odds(tree.step)}
        goes_on = 1.0 if getattr(tree.step, "ask", True) else share
        return time + self.tree(tree.then, weights * goes_on, columns, odds, total)

    def _let_in(self, step: Any) -> float:
        return self.around.let_in.get(step.station, 1.0) if isinstance(step, Visit | Hold) else 1.0

    def _share(
        self, condition: Expression, columns: dict[str, Array], odds: dict[int, Any]
    ) -> tuple[Any, dict[str, Array]]:
        """The share of requests for which a condition holds, and what is known of them if it does."""
        if condition.kind == "outcome":
            return odds[condition.args[0]], {}
        left, right = condition.args
        if condition.kind == ">" and _asks_for_any(left, right):
            none = (1.0 - self.around.edge_share(left.args[0])) ** columns["following"]
            mean = self._value(left, columns)
            return 1.0 - none, {_followed_above(left.args[0]): mean / np.where(none < 1.0, 1.0 - none, 1.0)}
        return np.asarray(self._value(condition, columns), dtype=np.float64), {}

    def _odds(self, step: Any) -> Any:
        if isinstance(step, Lookup):
            return self.around.hit_ratio.get(step.cache, 0.5)
        return step.p if isinstance(step, Chance) else self._let_in(step)

    def _value(self, value: Any, columns: dict[str, Array]) -> Any:
        def above(followers: float) -> Array:
            known = columns.get(_followed_above(followers))
            return columns["following"] * self.around.edge_share(followers) if known is None else known

        def edges(side: Any, rule: Any) -> Array:
            assert self.around.graph is not None
            return self.around.graph.lists(side, rule).counts(columns["user"].astype(np.int64))

        return evaluate(value, columns, above, edges)

    def _step(self, node: Do, weights: Array, columns: dict[str, Array], total: Demand) -> Array:
        step = node.step
        if isinstance(step, Visit):
            return self._visit(step, weights, columns, total)
        if isinstance(step, Hold):
            time = self.tree(node.plans[0], weights, columns, {}, total)
            total.held[step.station] += float(time.sum())
            total.visits[(step.station, "hold")] += float(weights.sum())
            return time
        if isinstance(step, Each | Start):
            return self._children(node, step, weights, columns, total)
        if isinstance(step, All):
            index = {**columns, "index": np.zeros_like(weights)}
            times = [self.tree(plan, weights, index, {}, total) for plan in node.plans]
            return np.maximum.reduce(times) if times else np.zeros_like(weights)
        if isinstance(step, Within):
            return self.tree(node.plans[0], weights, {**columns, "index": np.zeros_like(weights)}, {}, total)
        if isinstance(step, Join):
            total.joins[step.batch] += float(weights.sum())
            members = self.around.members.get(step.batch, 1.0)
            row = {**columns, "index": np.zeros_like(weights), "size": np.full_like(weights, members)}
            return members * self.tree(node.plans[0], weights / members, row, {}, total)
        if isinstance(step, Lookup):
            total.lookups[step.cache] += float(weights.sum())
            total.asked[step.cache] = total.asked.get(step.cache, 0.0) + weights
        elif isinstance(step, Fill):
            total.fills[step.cache] += float(weights.sum())
        elif isinstance(step, Mark):
            marked = weights * self._value(step.n, columns)
            total.marks[step.name] += float(marked.sum())
            total.marked[step.name] = total.marked.get(step.name, 0.0) + marked
        return np.zeros_like(weights)

    def _visit(self, step: Visit, weights: Array, columns: dict[str, Array], total: Demand) -> Array:
        station = self.around.stations[step.station]
        n = np.broadcast_to(np.asarray(self._value(step.n, columns), dtype=np.float64), weights.shape)
        weights = np.where(n > 0, weights, 0.0)
        over = station.shards if step.key is Key.SPREAD else min(step.over, station.shards)
        pieces = np.minimum(over, np.ceil(n)) if over > 1 else np.ones_like(n)
        (fixed, _), (item, _) = station.ops[step.op].parts
        total.visits[(step.station, step.op)] += float(weights.sum())
        total.units[(step.station, step.op)] += float((weights * n).sum())
        if getattr(step.key, "kind", "") == "edge":
            one = (step.station, step.op)
            total.along[one] = total.along.get(one, 0.0) + weights
        total.pieces += float((weights * pieces).sum())
        if station.servers != "unlimited":
            total.seconds[step.station] += float((weights * (fixed * pieces + item * n)).sum())
        return np.asarray(weights * (fixed + item * n / np.maximum(pieces, 1.0)))

    def _children(
        self, node: Do, step: Each | Start, weights: Array, columns: dict[str, Array], total: Demand
    ) -> Array:
        n = np.broadcast_to(np.asarray(self._value(step.n, columns), dtype=np.float64), weights.shape)
        batch = np.broadcast_to(np.asarray(self._value(step.batch, columns), dtype=np.float64), weights.shape)
        drawn = _is_drawn(step.n) & (batch == 1.0)  # its mean stands for whole numbers
        count = np.where(n > 0, np.where(drawn, n, np.ceil(n / np.where(batch > 0, batch, 1.0))), 0.0)
        full, rest = np.maximum(count - 1.0, 0.0), np.where(count > 0, n - batch * (count - 1.0), 0.0)
        (plan,) = node.plans
        whole, longest = np.zeros_like(weights), np.zeros_like(weights)
        for first, wide in _alike(float(full.max()), asks(plan, "index")):
            some = np.clip(full - first, 0.0, wide)
            row = {**columns, "index": first + np.floor(np.maximum(some - 1.0, 0.0) / 2), "size": batch}
            time = self.tree(plan, weights * some, row, {}, total)
            whole, longest = whole + time, np.maximum(longest, time / np.maximum(some, 1.0))
        row = {**columns, "index": full, "size": rest}
        last = self.tree(plan, weights * np.minimum(count, 1.0), row, {}, total)
        if isinstance(step, Start):
            return np.zeros_like(weights)
        width = np.maximum(count, 1.0) if step.width is None else step.width
        before = np.maximum(np.ceil(count / width) - 1.0, 0.0)
        alone = count - before * width == 1.0
        mean = whole / np.maximum(full, 1.0)
        return np.asarray(before * mean + np.where(alone, last, np.maximum(longest, last)))


def _alike(most: float, by_index: bool) -> Iterator[tuple[float, float]]:
    """(first, number) of children that are taken as one, up to `most` of them."""
    first = 0.0
    while first < most:
        wide = max(1.0, first // ALIKE) if by_index else most
        yield first, wide
        first += wide


def _is_drawn(value: Any) -> bool:
    """Whether a value is how many followed authors are above a threshold."""
    return getattr(value, "kind", "") == "above"


def _asks_for_any(left: Any, right: Any) -> bool:
    """Whether `left > right` asks if any followed author is above a threshold."""
    return _is_drawn(left) and isinstance(right, int | float) and right == 0


def _followed_above(followers: float) -> str:
    """The column of how many followed authors have at least so many followers."""
    return f"followed above {followers!r}"
