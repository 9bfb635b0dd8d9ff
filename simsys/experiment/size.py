"""The smallest fleet of a strategy that surely keeps every promise, found by playing; and what binds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import NamedTuple

from simsys.experiment import fleets
from simsys.experiment.fleets import Fleet
from simsys.experiment.promises import verdicts
from simsys.experiment.result import Load, Result, Row, Verdict
from simsys.experiment.setting import settings
from simsys.money import Term
from simsys.scenario import Scenario, SloRule
from simsys.scenario.sizing import Sizing
from simsys.stations import MOST_SERVERS

BARELY = 0.02
"""If doubling every station twice makes the promises' figures better by no larger share than this, no fleet will."""
HALVINGS = 6
"""How often the way from a fleet that may be too small to a plentiful one is halved."""

Judge = Callable[[Sequence[Scenario]], Sequence[Result]]


class Seen(NamedTuple):
    """What came of a fleet at the peak: the promises that are not surely kept, the stations above the ceiling, and by
    how much all of that is beyond its limits (0: nothing; infinite: there is no figure).
    """

    fleet: Fleet
    result: Result
    broken: tuple[Verdict, ...]
    busy: tuple[str, ...]
    excess: float

    @property
    def kept(self) -> bool:
        return not self.broken and not self.busy and not self.result.saturated


@dataclass(frozen=True)
class Sized:
    """The smallest fleet of a strategy. `fleet` is what must be left at the peak, `bought` what that asks for, both in
    units of the stations; `result` is the play at the peak with the cost of what is bought, under the mean load.

    `holds[station]` are the promises that are no longer surely kept with one unit less, empty where its load alone
    asks for as many. `never` are promises that no fleet keeps, which it was not sized for. `binding` is the station
    whose loss would do the most harm.
    """

    strategy: str
    fleet: Fleet
    bought: Fleet
    result: Result
    terms: tuple[Term, ...]
    holds: Mapping[str, tuple[str, ...]]
    never: tuple[Verdict, ...]
    binding: str

    @property
    def cost(self) -> float:
        return self.value("system", "cost") or 0.0

    @property
    def keeps(self) -> bool:
        """Whether it surely keeps every promise."""
        return not self.result.saturated and all(v.verdict == "kept" for v in self.result.slo)

    def value(self, subject: str, metric: str) -> float | None:
        return self.result.value(self.result.strategies[0], subject, metric)


def size(scenario: Scenario, strategy: int, judge: Judge) -> Sized:
    """Size one strategy of a scenario, by its place."""
    return _Search(scenario, strategy, scenario.size or Sizing(), judge).sized()


def is_money(rule: SloRule) -> bool:
    """Whether a promise is about the bill: no server that is added helps to keep it."""
    return rule.metric.startswith("cost")


@dataclass
class _Search:
    """Plays fleets of one strategy at the peak; `rules` are the promises that a fleet can help to keep."""

    scenario: Scenario
    strategy: int
    sizing: Sizing
    judge: Judge
    rules: tuple[SloRule, ...] = ()

    def sized(self) -> Sized:
        self.rules = tuple(rule for rule in self.scenario.slo if not is_money(rule))
        low = fleets.least(self.scenario, self.strategy, self.sizing)
        (first,) = self.see([low])
        never: tuple[Verdict, ...] = ()
        if not first.kept:
            plenty, never = self._plenty(low, first)
            if plenty.kept:
                few = self._apart(low, plenty)
                plenty = self._lean(self._enough(few, plenty), low, few)
            first = plenty
        return self._told(first, low, never)

    def see(self, asked: Sequence[Fleet]) -> list[Seen]:
        """Play fleets."""
        scenarios = [fleets.alone(self.scenario, self.strategy, fleet, self.sizing.peak) for fleet in asked]
        results = self.judge(scenarios) if scenarios else ()
        return [self._seen(*each) for each in zip(asked, scenarios, results, strict=True)]

    def _seen(self, fleet: Fleet, scenario: Scenario, result: Result) -> Seen:
        (setting,) = settings(scenario)
        texts = {rule.text for rule in self.rules}
        broken = tuple(v for v in result.slo if v.verdict != "kept" and v.rule in texts)
        busy = tuple(fleets.too_busy(setting, result, fleet, self.sizing.max_utilization))
        (name,) = result.strategies
        beyond = [_beyond(rule, result.row(name, rule.subject, rule.metric)) for rule in self.rules]
        return Seen(fleet, result, broken, busy, sum(beyond) + len(busy))

    def _plenty(self, low: Fleet, first: Seen) -> tuple[Seen, tuple[Verdict, ...]]:
        """A fleet that is large enough, every station by the same factor over the least; and the promises that no fleet
        keeps, which count no more.
        """
        before, now, vain = first, first, 0
        while not now.kept and vain < 2 and sum(now.fleet.values()) < MOST_SERVERS / 4:
            (now,) = self.see([{name: 2 * units for name, units in now.fleet.items()}])
            better = now.excess < before.excess * (1 - BARELY) if before.excess < inf else now.excess < inf
            vain = 0 if better or (now.result.saturated and now.excess == inf) else vain + 1
            before = now
        never = now.broken
        self.rules = tuple(rule for rule in self.rules if rule.text not in {v.rule for v in never})
        return now._replace(broken=(), excess=0.0), never

    def _apart(self, low: Fleet, plenty: Seen) -> dict[str, int]:
        """For each station the fewest units that do while all others have plenty: no fleet has fewer."""
        ends = {name: (units - 1, plenty.fleet[name]) for name, units in low.items()}
        while open_ := {name: (a + b) // 2 for name, (a, b) in ends.items() if b - a > 1}:
            for name, seen in zip(open_, self.see([{**plenty.fleet, n: u} for n, u in open_.items()]), strict=True):
                few, many = ends[name]
                ends[name] = (few, open_[name]) if seen.kept else (open_[name], many)
        return {name: many for name, (_, many) in ends.items()}

    def _enough(self, few: dict[str, int], plenty: Seen) -> Seen:
        """A fleet that does, on the way from one that may not to plenty: the first one by bisection."""
        (now,) = self.see([few])
        if now.kept:
            return now
        best, low, high = plenty, 0.0, 1.0
        for _ in range(HALVINGS):
            share = (low + high) / 2
            fleet = {name: n + ceil(share * (plenty.fleet[name] - n)) for name, n in few.items()}
            if fleet == best.fleet:
                break
            (now,) = self.see([fleet])
            low, high, best = (low, share, now) if now.kept else (share, high, best)
        return best

    def _lean(self, now: Seen, low: Fleet, few: Fleet) -> Seen:
        """Take away what can go, from the station where most money may be saved first; then unit by unit, the dearest
        first, until none can go.
        """
        for name in sorted(low, key=lambda n: self._dollars({n: now.fleet[n] - few[n]}), reverse=True):
            least, units = few[name] - 1, now.fleet[name]
            while units - least > 1:
                middle = (least + units) // 2
                (seen,) = self.see([{**now.fleet, name: middle}])
                least, units, now = (least, middle, seen) if seen.kept else (middle, units, now)
        while True:
            fewer = [{**now.fleet, name: n - 1} for name, n in now.fleet.items() if n > low[name]]
            kept = [each for each in self.see(fewer) if each.kept]
            if not kept:
                return now
            now = min(kept, key=lambda seen: self._dollars(seen.fleet))

    def _dollars(self, fleet: Fleet) -> float:
        return fleets.dollars(self.scenario, self.strategy, fleet)

    def _told(self, best: Seen, low: Fleet, never: tuple[Verdict, ...]) -> Sized:
        names = [name for name, units in best.fleet.items() if units > low[name]]
        less = self.see([{**best.fleet, name: best.fleet[name] - 1} for name in names])
        holds = {name: tuple(v.rule for v in seen.broken) for name, seen in zip(names, less, strict=True)}
        harm = {name: seen.excess for name, seen in zip(names, less, strict=True)}
        at_low = {load.station: load.utilization for load in _loads(best) if load.station in best.fleet}
        binding = max(harm or at_low, key=(harm or at_low).__getitem__, default="")
        bought = {name: self.sizing.bought(units) for name, units in best.fleet.items()}
        rows, terms = fleets.billed(self.scenario, self.strategy, bought, best.result)
        result = _with(best.result, rows, self.scenario.slo)
        name = settings(self.scenario)[self.strategy].label
        told = {station: holds.get(station, ()) for station in best.fleet}
        return Sized(name, best.fleet, bought, result, tuple(terms), told, never, binding)


def _loads(seen: Seen) -> Sequence[Load]:
    return seen.result.played[0].loads


def _beyond(rule: SloRule, row: Row | None) -> float:
    """How far the doubtful end of a figure is beyond its limit, as a share of it; infinite without a figure."""
    if row is None or row.value is None:
        return inf
    end = row.high if rule.op == "<" else row.low
    value = row.value if end is None else end
    beyond = value - rule.value if rule.op == "<" else rule.value - value
    return max(0.0, beyond / rule.value if rule.value else (inf if beyond >= 0 else 0.0))


def _with(result: Result, rows: Sequence[Row], slo: Sequence[SloRule]) -> Result:
    """The result with these rows instead of its own of the same names, and the promises judged by them."""
    new = {(row.subject, row.metric) for row in rows}
    every = (*(row for row in result.rows if (row.subject, row.metric) not in new), *rows)
    judged = verdicts(slo, every, result.strategies, result.saturated)
    return replace(result, rows=every, slo=tuple(judged))
