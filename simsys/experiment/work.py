"""Who does the least work, and where another would: in closed form, whatever the promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from simsys.experiment.assumptions import Assumption
from simsys.experiment.setting import Setting, settings
from simsys.scenario import Scenario, ScenarioError
from simsys.theory import break_even

Changed = Callable[[Sequence[str]], Scenario]
"""The scenario with some more of `path=value`; ScenarioError where it cannot be."""


class Turn(NamedTuple):
    """The factor of an assumption beyond which another wins; no name: nobody does."""

    factor: float
    winner: str


def work(setting: Setting) -> float:
    """Seconds of service that a strategy asks of all stations per request; infinite if its plans cannot be traced."""
    if not setting.demands:
        return inf
    return sum(share * sum(setting.demands[op].seconds.values()) for op, share in setting.first.shares.items())


def least(scenario: Scenario) -> str:
    """The strategy that does the least work."""
    return min(settings(scenario), key=work).label


def by_service(scenario: Scenario, changed: Changed, assumption: Assumption) -> tuple[Turn, ...]:
    """The factors of a service time, below now and above, from which another does the least work.

    Work is a straight line in every service time. Empty where the assumption is no service time.
    """
    if not assumption.path.startswith("stations.") or assumption.path.endswith(".bytes"):
        return ()
    now = {setting.label: work(setting) for setting in settings(scenario)}
    try:
        then = {setting.label: work(setting) for setting in settings(changed([assumption.change(2.0)]))}
    except ScenarioError:
        return ()
    best = min(now, key=lambda name: now[name])
    crossings = []
    for name, own in now.items():
        steeper = (then[best] - now[best]) - (then[name] - own)
        if own < inf and steeper != 0:
            crossings.append(Turn(1 + (own - now[best]) / steeper, name))
    return _nearest(crossings)


def by_ratio(scenario: Scenario) -> tuple[Turn, ...]:
    """The factors of the ratio of reads to posts from which another does the least work."""
    ready = settings(scenario)
    if not all(setting.demands for setting in ready):
        return ()
    each = {s.label: {op: sum(d.seconds.values()) for op, d in s.demands.items()} for s in ready}
    best, now = each[least(scenario)], ready[0].first.shares["read"] / ready[0].first.shares["post"]
    crossings = [
        Turn(break_even((other["post"], best["post"]), (other["read"], best["read"])) / now, name)
        for name, other in each.items()
    ]
    return _nearest(crossings)


def _nearest(crossings: Sequence[Turn]) -> tuple[Turn, ...]:
    """The nearest crossing below now and the nearest above."""
    below = sorted(turn for turn in crossings if 0 < turn.factor < 1)
    above = sorted(turn for turn in crossings if 1 < turn.factor < inf)
    return (*below[-1:], *above[:1])
