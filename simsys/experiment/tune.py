"""The cheapest value of a dial that keeps every promise: a grid, then finer around the best, under the same luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import inf

from simsys.experiment.dials import Dial
from simsys.experiment.promises import surely_kept
from simsys.experiment.result import Result, Row, Verdict
from simsys.experiment.standings import SAME
from simsys.measure.intervals import Interval, paired
from simsys.scenario import SloRule

GRID = {1: 9, 2: 5, 3: 4}
"""Values per dial of the first grid, by the number of dials: at most 64 points."""
FINER = 3
"""Values that are put between two neighbours."""
NEAR = 0.02
"""Neighbours this close (as a share of the value, or of the range) are not told apart any further."""

Values = tuple[float, ...]
"""A value per dial."""


@dataclass(frozen=True)
class Trial:
    """What came of one choice of values: the figure to make small, the promises, and how far they are missed at most.

    `excess` is the largest share by which a figure lies beyond its limit: 0.1 is 10 % too much, below 0 is room; None
    where a promise has no figure.
    """

    values: Values
    row: Row | None
    slo: tuple[Verdict, ...]
    saturated: bool
    kept: bool
    excess: float | None

    @property
    def cost(self) -> float:
        """The figure to make small; infinite where there is none."""
        return inf if self.row is None or self.row.value is None else self.row.value


At = Callable[[Sequence[Values]], list[Trial]]
"""Plays one strategy at these values."""


@dataclass(frozen=True)
class Tuned:
    """What became of one strategy: all trials in the order of their values, and the best of those that surely keep
    every promise (None if none does).

    `around` is (dial, low, high): no value around the best from low to high can be told apart from it, the other dials
    at their best; empty where there is no best.
    """

    strategy: str
    dials: tuple[Dial, ...]
    trials: tuple[Trial, ...]
    best: Trial | None
    around: tuple[tuple[Dial, float, float], ...]

    @property
    def nearest(self) -> Trial:
        """The one that comes nearest to keeping every promise."""
        return min(self.trials, key=_rank)

    @property
    def flat(self) -> bool:
        """Whether the figure is the same at every value, as far as people can see."""
        return _flat(self.trials)

    def as_good(self, trial: Trial) -> bool:
        """Whether a trial keeps every promise and cannot be told apart from the best."""
        return self.best is not None and as_good(trial, self.best)


def tune(strategy: str, dials: Sequence[Dial], at: At) -> Tuned:
    """Find the best values of the dials for a strategy."""
    tried: dict[Values, Trial] = {}
    first = [dial.grid(GRID[len(dials)]) for dial in dials]
    asked: list[Values] = list(product(*first))
    trials: tuple[Trial, ...] = ()
    while asked:
        tried |= {trial.values: trial for trial in at(asked)}
        trials = tuple(tried[values] for values in sorted(tried))
        done = _flat(trials) and all(trial.kept for trial in trials)
        asked = [] if done else sorted(set(_finer(dials, tried)) - tried.keys())
    best = min(trials, key=_rank)
    if not best.kept:
        return Tuned(strategy, tuple(dials), trials, None, ())
    around = tuple((dials[n], *_span(n, line, best)) for n, line in enumerate(_lines(tried, best)))
    return Tuned(strategy, tuple(dials), trials, best, around)


def trial(values: Values, result: Result, objective: SloRule, rules: Sequence[SloRule]) -> Trial:
    """What came of the only strategy of a result at these values."""
    (strategy,) = result.strategies
    saturated = strategy in result.saturated
    row = result.row(strategy, objective.subject, objective.metric)
    measured = row is not None and row.value is not None
    kept = measured and not saturated and surely_kept(result.slo, strategy)
    figures = [excess(rule, result.value(strategy, rule.subject, rule.metric)) for rule in rules]
    known = [each for each in figures if each is not None]
    most = max(known, default=0.0) if len(known) == len(figures) else None
    return Trial(values, row, result.slo, saturated, kept, most)


def excess(rule: SloRule, value: float | None) -> float | None:
    """How far a figure lies beyond its limit, as a share of the limit: 0 is on it, below 0 within it."""
    if value is None:
        return None
    beyond = value - rule.value if rule.op == "<" else rule.value - value
    return beyond / rule.value if rule.value else (inf if beyond > 0 else 0.0)


def as_good(one: Trial, best: Trial) -> bool:
    """Whether a trial keeps every promise and is not surely worse than the best by more than people see."""
    if not one.kept or one.row is None or best.row is None:
        return False
    more = less(one.row, best.row)
    return more.low is None or more.low <= SAME * abs(best.cost)


def less(first: Row, second: Row) -> Interval:
    """The first figure less the second, in pairs; figures that are computed, and not measured, have no doubt."""
    count = max(2, len(first.deviations), len(second.deviations))
    return paired(_interval(first, count), _interval(second, count))


def _interval(row: Row, count: int) -> Interval:
    exact = row.value is not None and row.low == row.value == row.high
    return Interval(row.value, row.low, row.high, row.deviations or (0.0,) * count * exact)


def _rank(trial: Trial) -> tuple[bool, bool, float, float, Values]:
    """The best first: keepers by their figure, then whoever comes nearest."""
    if trial.kept:
        return (False, False, 0.0, trial.cost, trial.values)
    missed = sum(verdict.verdict == "missed" for verdict in trial.slo)
    return (True, trial.saturated, missed, inf if trial.excess is None else trial.excess, trial.values)


def _lines(tried: Mapping[Values, Trial], best: Trial) -> Iterator[list[Trial]]:
    """For each dial the trials that differ from the best in that dial only, in their order."""
    for number in range(len(best.values)):
        others = best.values[:number] + best.values[number + 1 :]
        same = [t for t in tried.values() if t.values[:number] + t.values[number + 1 :] == others]
        yield sorted(same, key=lambda t: t.values[number])


def _flat(trials: Sequence[Trial]) -> bool:
    known = [trial.cost for trial in trials if trial.cost < inf]
    return bool(known) and max(known) - min(known) <= SAME * max(map(abs, known))


def _finer(dials: Sequence[Dial], tried: Mapping[Values, Trial]) -> Iterator[Values]:
    """Values between neighbours that are worth a look: beside the best, and at the ends of those that are as good."""
    best = min(tried.values(), key=_rank)
    for number, (dial, line) in enumerate(zip(dials, _lines(tried, best), strict=True)):
        for left, right in pairwise(line):
            low, high = left.values[number], right.values[number]
            good = [best.kept and as_good(each, best) for each in (left, right)]
            beside = best in (left, right)
            if dial.width(low, high) > NEAR and (beside or good[0] != good[1]):
                for value in dial.between(low, high, FINER):
                    yield (*best.values[:number], value, *best.values[number + 1 :])


def _span(number: int, line: Sequence[Trial], best: Trial) -> tuple[float, float]:
    """The ends of the values of a dial that lie next to the best without a gap and are as good."""
    first = last = line.index(best)
    while first > 0 and as_good(line[first - 1], best):
        first -= 1
    while last + 1 < len(line) and as_good(line[last + 1], best):
        last += 1
    return line[first].values[number], line[last].values[number]
