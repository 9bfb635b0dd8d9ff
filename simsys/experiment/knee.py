"""The knee: the highest rate at which a fleet as given still surely keeps its promises, by bisection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import NamedTuple

from simsys.experiment import fleets
from simsys.experiment.result import Result, Verdict
from simsys.experiment.setting import settings
from simsys.experiment.size import is_money
from simsys.scenario import Scenario

CLOSE = 1.02
"""Rates whose ratio is smaller are not told apart."""
MOST, LEAST = 1024.0, 1 / 1024
"""How many times the rate of the scenario is tried at most, and at least."""


class Knee(NamedTuple):
    """The highest rate (/s) that was surely carried, the lowest that was not, and what broke there: promises, or
    nothing but a station that was asked for more than it can do. None where no rate is carried.
    """

    rate: float | None
    beyond: float | None
    broken: tuple[str, ...]


def knee(
    scenario: Scenario, strategy: int, judge: Callable[[Sequence[Scenario]], Sequence[Result]], but: Sequence[Verdict]
) -> Knee | None:
    """The knee of a strategy on the fleet as given, without promises about money and those that no fleet keeps. None if
    the load is no rate.
    """
    given = scenario.load.rate
    if given is None:
        return None
    vain = {verdict.rule for verdict in but}
    rules = tuple(rule for rule in scenario.slo if rule.text not in vain and not is_money(rule))
    kept = scenario.model_copy(update={"slo": rules})
    (setting,) = settings(fleets.alone(kept, strategy, {}))
    busiest = max((load.utilization for load in setting.loads), default=0.0)

    def broken(times: float) -> tuple[str, ...] | None:
        """What breaks at so many times the rate; None if nothing does."""
        (result,) = judge([fleets.alone(kept, strategy, {}, times)])
        missed = tuple(v.rule for v in result.slo if v.verdict != "kept")
        return missed if missed or result.saturated else None

    low, high, why = 0.0, inf, tuple[str, ...]()
    times = 0.5 / busiest if busiest else 1.0
    while LEAST <= times <= MOST * max(1.0, 1 / (busiest or 1.0)) and not (low > 0 and high / low < CLOSE):
        found = broken(times)
        if found is None:
            low = times
        else:
            high, why = times, found
        times = 2 * low if high == inf else high / 2 if low == 0 else sqrt(low * high)
    return Knee(given * low if low else None, given * high if high < inf else None, why)
