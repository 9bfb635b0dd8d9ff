"""Which assumption changes the winner, and at which factor: each is moved through its range, then bisected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

from simsys.experiment.assumptions import Assumption, weak
from simsys.experiment.result import Result
from simsys.experiment.standings import lead, winner
from simsys.experiment.work import Changed, Turn, by_ratio, by_service, least
from simsys.scenario import Scenario, ScenarioError

Judge = Callable[[Sequence[Scenario]], Sequence[Result]]
"""Plays scenarios; what changes only the bill is not played again."""

PRECISION = 1.01
"""A factor is found when it lies between two that are closer than this."""
RATIOS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0)
"""The factors of the ratio of reads to writes that are tried."""


class Probe(NamedTuple):
    """The assumption at one factor: who wins, how far the present winner leads, or why it cannot be played.

    `lead` is what the cheapest other keeper costs over what the present winner costs; 0: it misses a promise.
    """

    factor: float
    winner: str
    lead: float
    problem: str = ""


@dataclass(frozen=True)
class Doubt:
    """What became of one assumption: at the ends of its range, where the winner changes within it, and where the
    least work (server time, in closed form, whatever the promises) would change hands.
    """

    assumption: Assumption
    probes: tuple[Probe, ...]
    turns: tuple[Turn, ...]
    by_work: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Doubts:
    """A verdict and the assumptions that it hangs on; `ratio` is the break-even of reads to writes (A20), None where
    nobody reads and posts.
    """

    result: Result
    winner: str
    least_work: str
    doubts: tuple[Doubt, ...]
    ratio: Doubt | None

    @property
    def lead(self) -> float:
        """What the cheapest other keeper costs over what the winner costs, as things are."""
        return lead(self.result, self.winner)

    @property
    def open(self) -> list[Doubt]:
        """The assumptions that change the winner within their range."""
        return [doubt for doubt in self.doubts if doubt.turns]


def doubt(scenario: Scenario, changed: Changed, judge: Judge, given: Sequence[Assumption] = ()) -> Doubts:
    """Move every default of grade C or D that the scenario uses, and what else is given, one at a time."""
    chosen = {one.path for one in given}
    dials = [*given, *(one for one in weak(scenario) if one.path not in chosen)]
    mix = reads_per_write(scenario)
    (now,) = judge([scenario])
    trial = _Trial(changed, judge, winner(now))
    tried = [(one, (one.low, one.high)) for one in dials] + ([(mix, RATIOS)] if mix is not None else [])
    found = trial.doubts(tried)
    works = [replace(one, by_work=by_service(scenario, changed, one.assumption)) for one in found[: len(dials)]]
    ratio = replace(found[-1], by_work=by_ratio(scenario)) if mix is not None else None
    return Doubts(now, trial.winner, least(scenario), tuple(works), ratio)


def reads_per_write(scenario: Scenario) -> Assumption | None:
    """The dial of the mix; None where the load is anything but reads and posts at a ratio."""
    shares = scenario.load.shares
    if set(shares) != {"read", "post"} or not all(shares.values()):
        return None
    ratio = shares["read"] / shares["post"]
    return Assumption("load.read_write_ratio", f"{ratio:.6g}:1", min(RATIOS), max(RATIOS), stated=False)


@dataclass(frozen=True)
class _Trial:
    """Plays the scenario with one assumption moved."""

    changed: Changed
    judge: Judge
    winner: str

    def doubts(self, tried: Sequence[tuple[Assumption, Sequence[float]]]) -> list[Doubt]:
        asked = [(one, factor) for one, factors in tried for factor in sorted(factors) if factor != 1]
        probes = self._probed(asked)
        by_dial = [tuple(p for (a, _), p in zip(asked, probes, strict=True) if a is one) for one, _ in tried]
        sides = [(one, *side) for (one, _), seen in zip(tried, by_dial, strict=True) for side in self._sides(seen)]
        turns = self._turns(sides)
        return [
            Doubt(one, seen, tuple(t for (a, *_), t in zip(sides, turns, strict=True) if a is one))
            for (one, _), seen in zip(tried, by_dial, strict=True)
        ]

    def _probed(self, asked: Sequence[tuple[Assumption, float]]) -> list[Probe]:
        scenarios: list[Scenario | str] = []
        for one, factor in asked:
            try:
                scenarios.append(self.changed([one.change(factor)]))
            except ScenarioError as error:
                scenarios.append("; ".join(f"{each.path}: {each.message}" for each in error.problems))
        results = iter(self.judge([each for each in scenarios if isinstance(each, Scenario)]))
        return [
            Probe(factor, self.winner, 1.0, each) if isinstance(each, str) else self._seen(factor, next(results))
            for (_, factor), each in zip(asked, scenarios, strict=True)
        ]

    def _seen(self, factor: float, result: Result) -> Probe:
        return Probe(factor, winner(result), lead(result, self.winner))

    def _sides(self, probes: Sequence[Probe]) -> list[tuple[float, Probe]]:
        """On either side of now the nearest probe with another winner, and the last factor before it without."""
        sides = []
        for side in ([p for p in reversed(probes) if p.factor < 1], [p for p in probes if p.factor > 1]):
            near = 1.0
            for probe in side:
                if probe.winner != self.winner:
                    sides.append((near, probe))
                    break
                near = probe.factor
        return sides

    def _turns(self, sides: Sequence[tuple[Assumption, float, Probe]]) -> list[Turn]:
        """Where the winner changes, all sides bisected at once."""
        near = [side[1] for side in sides]
        far = [side[2] for side in sides]
        while True:
            wide = [i for i, (one, *_) in enumerate(sides) if _apart(one, near[i], far[i].factor)]
            if not wide:
                return [Turn(_between(n, f.factor), f.winner) for n, f in zip(near, far, strict=True)]
            tried = self._probed([(sides[i][0], _between(near[i], far[i].factor)) for i in wide])
            for i, probe in zip(wide, tried, strict=True):
                if probe.winner == self.winner:
                    near[i] = probe.factor
                else:
                    far[i] = probe


def _between(near: float, far: float) -> float:
    return sqrt(near * far) if min(near, far) > 0 else (near + far) / 2


def _apart(one: Assumption, near: float, far: float) -> bool:
    """Whether two factors are further apart than the precision, and are not written alike."""
    middle = one.at(_between(near, far))
    low, high = sorted((near, far))
    return high > low * PRECISION and high > PRECISION - 1 and middle not in (one.at(near), one.at(far))
