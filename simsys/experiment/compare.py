"""Two results side by side: ratio and difference of every figure, in pairs of replications where both have the same."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot, inf
from typing import Literal, NamedTuple

from simsys.experiment.result import Result, Row
from simsys.experiment.rows import rounded
from simsys.experiment.standings import SAME
from simsys.measure.intervals import Interval, paired

MORE_IS_BETTER = {"throughput", "throughput_max", "hit_ratio"}
Verdict = Literal["less", "more", "same", "cannot tell"]


class Compared(NamedTuple):
    """A figure of two strategies: `ratio` is the second over the first, `value` the second less the first with its 95 %
    interval, `paired` whether that is over pairs of replications.

    "same": the whole interval is within what people see as the same; "cannot tell": it reaches to both sides.
    """

    subject: str
    metric: str
    first: float
    second: float
    unit: str
    ratio: float | None
    value: float
    low: float | None
    high: float | None
    paired: bool
    verdict: Verdict

    @property
    def factor(self) -> float:
        """How good the second is, as a factor of the first: the smaller, the better."""
        ratio = self.ratio if self.ratio is not None else inf if self.second > 0 else 1.0
        return ratio if self.metric not in MORE_IS_BETTER else 1 / ratio if ratio else inf


def compare(one: tuple[Result, str], other: tuple[Result, str]) -> list[Compared]:
    """The figures that strategies of two results (the same or not) both have, where the second is best first.

    They are paired where both were played with the same seed, as often.
    """
    (first, name), (second, its) = one, other
    alike = first.seed == second.seed and first.replications == second.replications
    found = {(row.subject, row.metric): row for row in first.rows if row.strategy == name}
    pairs = [
        compared(found[row.subject, row.metric], row, alike)
        for row in second.rows
        if row.strategy == its and (row.subject, row.metric) in found
    ]
    return sorted((pair for pair in pairs if pair is not None), key=lambda pair: pair.factor)


def compared(first: Row, second: Row, alike: bool) -> Compared | None:
    """None where one of them has no figure."""
    if first.value is None or second.value is None:
        return None
    together = alike and (_exact(first) or bool(first.deviations)) and (_exact(second) or bool(second.deviations))
    value, low, high = _paired(first, second) if together else _apart(first, second)
    ratio = None if first.value == 0 else rounded(second.value / first.value)
    return Compared(
        first.subject, first.metric, first.value, second.value, first.unit, ratio,
        rounded(value) or 0.0, rounded(low), rounded(high), together, _verdict(first.value, low, high),
    )  # fmt: skip


def _exact(row: Row) -> bool:
    """Whether it is computed, and not measured."""
    return row.low == row.value == row.high


def _paired(first: Row, second: Row) -> tuple[float, float | None, float | None]:
    count = max(2, len(first.deviations), len(second.deviations))
    sides = [Interval(r.value, r.low, r.high, r.deviations or (0.0,) * count) for r in (second, first)]
    value, low, high, _ = paired(*sides)
    return value or 0.0, low, high


def _apart(first: Row, second: Row) -> tuple[float, float | None, float | None]:
    """As if they had nothing in common: the half intervals add up as the legs of a right angle do."""
    value = (second.value or 0.0) - (first.value or 0.0)
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return value, None, None
    half = hypot((first.high - first.low) / 2, (second.high - second.low) / 2)
    return value, value - half, value + half


def _verdict(first: float, low: float | None, high: float | None) -> Verdict:
    if low is None or high is None:
        return "cannot tell"
    if max(abs(low), abs(high)) <= SAME * abs(first):
        return "same"
    return "less" if high < 0 else "more" if low > 0 else "cannot tell"


def partners(first: Result, second: Result) -> Iterator[tuple[str, str]]:
    """Whom to compare: strategies of the same name, or the only ones there are."""
    names, others = first.strategies, second.strategies
    common = [name for name in names if name in others]
    if not common and len(names) == len(others) == 1:
        yield names[0], others[0]
    yield from ((name, name) for name in common)
