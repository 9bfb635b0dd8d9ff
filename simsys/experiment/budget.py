"""The question turned round: how tight a promise of latency does a budget buy?"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import NamedTuple

from simsys.experiment.size import Sized
from simsys.scenario import Scenario, SloRule
from simsys.units import show_duration

CLOSE = 1.05
"""Limits whose ratio is smaller are not told apart."""
WIDEST = 1024.0
"""How many times looser or tighter than promised the limit is made at most."""
_TIMES = ("latency", "fresh", "wait", "recovery")


class Bought(NamedTuple):
    """The tightest limit (s) of the promise that the money buys, and the fleet; None if no limit makes it cheap enough.

    `sized` is then the fleet of the loosest limit that was tried.
    """

    limit: float | None
    sized: Sized


def promise(scenario: Scenario) -> SloRule | None:
    """The first promise of a time that must stay below something: the one that the money is spent on."""
    return next((r for r in scenario.slo if r.op == "<" and r.metric.startswith(_TIMES)), None)


def bought(scenario: Scenario, rule: SloRule, budget: float, size: Callable[[Scenario], Sized]) -> Bought:
    """The tightest limit of the promise at which the smallest fleet surely keeps it, and costs no more than the budget
    ($/month), by bisection; all other promises stay as they are.
    """

    def at(limit: float) -> tuple[bool, Sized]:
        told = f"{rule.subject} {rule.metric.removeprefix('latency_')} < {show_duration(limit)}"
        changed = tuple(r._replace(value=limit, text=told) if r is rule else r for r in scenario.slo)
        sized = size(scenario.model_copy(update={"slo": changed}))
        return sized.cost <= budget and told not in {v.rule for v in sized.never}, sized

    tight, loose, best, limit = 0.0, inf, None, rule.value
    while rule.value / WIDEST <= limit <= rule.value * WIDEST and loose > CLOSE * tight:
        limit = float(f"{limit:.3g}")
        enough, sized = at(limit)
        if enough:
            loose, best = limit, sized
        else:
            tight = limit
        limit = 2 * tight if loose == inf else loose / 2 if tight == 0.0 else sqrt(tight * loose)
    return Bought(loose, best) if best is not None else Bought(None, sized)
