"""A sweep: one scenario at many points, all under the same requests and the same luck, and what changes from one to the
next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

from simsys.experiment.points import Point, beneath, shown
from simsys.experiment.result import Result, Row
from simsys.experiment.rows import rounded
from simsys.experiment.threshold import Theory, theory
from simsys.measure.intervals import Interval, paired
from simsys.scenario import Scenario

COMPARED = {
    "latency_mean", "latency_p50", "latency_p99", "latency_p999", "latency_p99_worst", "fresh_p50", "fresh_p99",
    "fresh_p99_worst", "stale_ratio", "work",
}  # fmt: skip
"""The metrics of operations whose differences are told."""


class Difference(NamedTuple):
    """One figure less another, in pairs of replications: of two strategies at a point, or of a strategy at two points.

    `low` and `high` are the 95 % interval of the difference. It is not widened for the number of differences told.
    """

    subject: str
    metric: str
    strategy: str
    point: dict[str, Any]
    less_strategy: str
    less_point: dict[str, Any]
    value: float | None
    low: float | None
    high: float | None
    unit: str

    @property
    def sign(self) -> int:
        """1 surely more, -1 surely less, 0 cannot be told."""
        if self.low is None or self.high is None:
            return 0
        return (self.low > 0) - (self.high < 0)


Place = tuple[str, str, str, str]
"""(strategy, point, subject, metric)"""


def place(row: Row | Difference) -> Place:
    """Where a figure stands in the table of a sweep."""
    return row.strategy, json.dumps(row.point, sort_keys=True), row.subject, row.metric


@dataclass(frozen=True)
class Sweep:
    """The results at all points, their rows with the point, and the differences between them; the number of the point
    `beneath` each, which it is compared to; and for a strategy with a follower threshold that was moved, what theory
    says of it.
    """

    points: tuple[Point, ...]
    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    beneath: tuple[int | None, ...]
    theory: dict[str, Theory] = field(default_factory=dict)

    @property
    def rows(self) -> Iterator[Row]:
        """The tidy rows of all points."""
        return (row for result in self.results for row in result.rows)

    @cached_property
    def signs(self) -> dict[Place, int]:
        """Which figures are surely more (1) or less (-1) than those of the same strategy at the point beneath."""
        return {place(each): each.sign for each in self.differences if each.strategy == each.less_strategy}

    @property
    def strategies(self) -> list[str]:
        """The strategies, in their order."""
        return list(dict.fromkeys(played.strategy for result in self.results for played in result.played))


def sweep_of(points: Sequence[Point], scenarios: Sequence[Scenario], results: Sequence[Result]) -> Sweep:
    """The sweep of the results at these points, where the scenario is so changed."""
    placed = [
        replace(result, rows=tuple(row._replace(point=shown(point)) for row in result.rows))
        for point, result in zip(points, results, strict=True)
    ]
    lower = beneath(points, scenarios[0].sweep.steps)
    whole = Sweep(tuple(points), tuple(placed), tuple(_differences(placed, lower)), tuple(lower))
    knob = len(points[0]) == 1 and next(iter(points[0])).startswith("strategies.")
    found = {name: theory(scenarios, name) for name in whole.strategies} if knob else {}
    return replace(whole, theory={name: told for name, told in found.items() if told is not None})


def difference(first: Row, second: Row) -> Difference:
    """The first row less the second, paired."""
    of = [Interval(row.value, row.low, row.high, row.deviations) for row in (first, second)]
    value, low, high, _ = paired(*of) if len(of[0].deviations) == len(of[1].deviations) else Interval(None, None, None)
    return Difference(
        first.subject, first.metric, first.strategy, first.point, second.strategy, second.point,
        rounded(value), rounded(low), rounded(high), first.unit,
    )  # fmt: skip


def _differences(results: Sequence[Result], beneath: Sequence[int | None]) -> Iterator[Difference]:
    at = [{(row.strategy, row.subject, row.metric): row for row in r.rows if row.metric in COMPARED} for r in results]
    for result, here, lower in zip(results, at, beneath, strict=True):
        for key, row in here.items():
            if lower is not None and key in at[lower]:
                yield difference(row, at[lower][key])
        for one, other in combinations([played.strategy for played in result.played], 2):
            for (strategy, subject, metric), row in here.items():
                if strategy == one and (other, subject, metric) in here:
                    yield difference(here[other, subject, metric], row)
