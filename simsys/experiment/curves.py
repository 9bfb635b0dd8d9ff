"""A sweep read along one path: the best point, what cannot be told from it, the knee, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log
from typing import Any, NamedTuple

from simsys.experiment.points import quantity
from simsys.experiment.promises import surely_kept
from simsys.experiment.result import Row, Verdict
from simsys.experiment.standings import SAME
from simsys.experiment.sweep import Sweep, difference
from simsys.scenario.promises import read_promise


class Axis(NamedTuple):
    """The path that is read along, its values in order: as given, and in the unit used inside (None for names)."""

    path: str
    values: tuple[str, ...]
    numbers: tuple[float, ...] | None

    @property
    def log(self) -> bool:
        """Whether equal factors lie between its values, rather than equal steps."""
        numbers = self.numbers or ()
        return len(numbers) > 2 and min(numbers) > 0 and max(numbers) >= 8 * min(numbers)


class Curve(NamedTuple):
    """One strategy along the axis, the other paths held: the numbers of its points, in the order of the axis."""

    name: str
    strategy: str
    at: tuple[int, ...]


def axis(sweep: Sweep) -> Axis:
    """The path with the most values."""
    paths = {path: list(dict.fromkeys(point[path] for point in sweep.points)) for path in sweep.points[0]}
    path = max(paths, key=lambda path: len(paths[path]))
    numbers = [quantity(value) for value in paths[path]]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return Axis(path, tuple(paths[path]), None)
    order = sorted(range(len(known)), key=lambda n: known[n])
    return Axis(path, tuple(paths[path][n] for n in order), tuple(known[n] for n in order))


def curves(sweep: Sweep, along: Axis) -> list[Curve]:
    """Every strategy where it was played, for all values of the other paths; once where those change nothing."""
    rest = list(dict.fromkeys(tuple((p, v) for p, v in point.items() if p != along.path) for point in sweep.points))
    found: list[Curve] = []
    for strategy in sweep.strategies:
        seen: dict[tuple[Any, ...], Curve] = {}
        for others in rest:
            at = [n for n, point in enumerate(sweep.points) if all(point[p] == v for p, v in others)]
            at = [n for n in at if strategy in sweep.results[n].strategies]
            at.sort(key=lambda n: along.values.index(sweep.points[n][along.path]))
            told = ", ".join(f"{path.rsplit('.', 1)[-1]} {value}" for path, value in others)
            if at:
                figures = tuple(row[2:8] for n in at for row in sweep.results[n].rows if row.strategy == strategy)
                seen.setdefault(figures, Curve(", ".join(filter(None, [strategy, told])), strategy, tuple(at)))
        found += [curve._replace(name=strategy) for curve in seen.values()] if len(seen) == 1 else seen.values()
    return found


def rows(sweep: Sweep, curve: Curve, subject: str, metric: str) -> list[Row | None]:
    """A figure along a curve; None where it is null."""
    found = [sweep.results[n].row(curve.strategy, subject, metric) for n in curve.at]
    return [row if row is not None and row.value is not None else None for row in found]


def cheapest(sweep: Sweep, curve: Curve) -> int | None:
    """The place on a curve of the cheapest point at which every promise is surely kept; None if there is none."""
    kept = [k for k, n in enumerate(curve.at) if surely_kept(sweep.results[n].slo, curve.strategy)]
    return _least(rows(sweep, curve, "system", "cost"), kept)


def lowest(figures: Sequence[Row | None]) -> int | None:
    """The place of the lowest figure."""
    return _least(figures, range(len(figures)))


def _least(figures: Sequence[Row | None], among: Sequence[int]) -> int | None:
    values = {k: row.value for k in among if (row := figures[k]) is not None and row.value is not None}
    return min(values, key=lambda k: values[k]) if values else None


def alike(figures: Sequence[Row | None], best: int) -> list[int]:
    """The places around the best that cannot be told from it: in pairs of replications, or as they print alike."""
    found = [best]
    for step in (-1, 1):
        k = best + step
        while 0 <= k < len(figures) and _same(figures[k], figures[best]):
            found.append(k)
            k += step
    return sorted(found)


def _same(one: Row | None, best: Row | None) -> bool:
    if one is None or best is None or one.value is None or best.value is None:
        return False
    if abs(one.value - best.value) <= SAME * abs(best.value):
        return True
    apart = difference(one, best)
    return apart.low is not None and apart.high is not None and apart.low <= 0 <= apart.high


def knee(xs: Sequence[float], ys: Sequence[float]) -> int | None:
    """Where a rising curve turns up most: the point farthest below the line from its lowest to its last.

    On logarithmic axes; None where nothing more than doubles, or it rises evenly. Source: Satopää et al., Finding a
    "kneedle" in a haystack, 2011.
    """
    first = min(range(len(ys)), key=lambda k: ys[k], default=0)
    if len(ys) - first < 3 or min(xs[first], ys[first]) <= 0 or ys[-1] < 2 * ys[first]:
        return None
    across, up = log(xs[-1] / xs[first]), log(ys[-1] / ys[first])
    below = {k: log(xs[k] / xs[first]) / across - log(ys[k] / ys[first]) / up for k in range(first, len(ys))}
    best = max(below, key=lambda k: below[k])
    return best if below[best] > 0.1 else None


def in_the_way(sweep: Sweep, curve: Curve) -> tuple[str, ...]:
    """The promises that are not kept at the point that would cost least: they, not the cost, decide."""
    costs = rows(sweep, curve, "system", "cost")
    free, best = lowest(costs), cheapest(sweep, curve)
    if free is None or best is None or _least(costs, (best, free)) == best:
        return ()
    return tuple(
        v.rule for v in sweep.results[curve.at[free]].slo if v.strategy == curve.strategy and v.verdict != "kept"
    )


def limit(promised: Iterable[Verdict], subject: str, metric: str) -> float:
    """The least that is promised of a figure, infinite if nothing is."""
    rules = [read_promise(verdict.rule) for verdict in promised]
    return min((r.value for r in rules if (r.subject, r.metric, r.op) == (subject, metric, "<")), default=inf)
