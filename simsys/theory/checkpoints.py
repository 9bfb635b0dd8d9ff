"""Closed forms for checkpoints: how long a job takes that is interrupted, and how often it should write itself down.

Sources: J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, FGCS 2006;
J. W. Young, A first order approximation to the optimum checkpoint interval, CACM 1974. All times in s. ValueError for
a time that is not positive (negative, of a checkpoint or a restart).
"""

from __future__ import annotations

from math import expm1, sqrt

from simsys.theory.solve import within


def interrupted(work: float, every: float, cost: float, mtbf: float, restart: float) -> float:
    """The mean time of a job of so much `work`, with a checkpoint of `cost` after `every` so much of it, if one fails
    after `mtbf` on average, without memory, and is back after `restart`, during which nothing fails.
    """
    within(min(work, every, mtbf) > 0 and min(cost, restart) >= 0, "times must be positive")
    return work / every * (mtbf + restart) * expm1((every + cost) / mtbf)


def best_interval(cost: float, mtbf: float) -> float:
    """Young's: the work between two checkpoints at which they cost what failures undo."""
    within(min(cost, mtbf) > 0, "times must be positive")
    return sqrt(2.0 * cost * mtbf)
