"""Who wins a run: of those that surely keep every promise, the cheapest."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from simsys.experiment.result import Result

SAME = 0.005
"""Figures closer than this share of each other are the same to people: they print alike."""


class Standing(NamedTuple):
    """How many promises a strategy surely keeps, how many it misses, and what it costs ($/month)."""

    strategy: str
    kept: int
    missed: int
    cost: float | None
    saturated: bool


def standings(result: Result) -> list[Standing]:
    """The strategies, the best first: not saturated, most kept, fewest missed, least cost, first."""
    standings = []
    for name in result.strategies:
        own = [v.verdict for v in result.slo if v.strategy == name]
        cost = result.value(name, "system", "cost")
        standings.append(Standing(name, own.count("kept"), own.count("missed"), cost, name in result.saturated))
    return sorted(standings, key=lambda s: (s.saturated, -s.kept, s.missed, s.cost is None, s.cost or 0.0))


def keepers(result: Result) -> list[Standing]:
    """Those that surely keep every promise, the cheapest first; where none is made, all that are not saturated."""
    promises = len({v.rule for v in result.slo})
    return [s for s in standings(result) if s.kept == promises and not s.saturated]


def winner(result: Result) -> str:
    """The cheapest that surely keeps every promise; empty if nobody does."""
    return next((s.strategy for s in keepers(result)), "")


def lead(result: Result, strategy: str) -> float:
    """What the cheapest other keeper costs, over the cost of this one: below 1 it no longer wins.

    0 if this one misses a promise, infinite if it keeps them alone.
    """
    costs = {s.strategy: s.cost for s in keepers(result)}
    own = costs.pop(strategy, None)
    if not own:
        return 0.0
    return min((cost / own for cost in costs.values() if cost is not None), default=inf)
