"""What every closed form needs: a guarded range, and the root of a rising function."""

from __future__ import annotations

from collections.abc import Callable


def within(condition: bool, message: str) -> None:
    """ValueError with the message, unless the condition holds."""
    if not condition:
        raise ValueError(message)


def root(rising: Callable[[float], float], target: float, start: float) -> float:
    """Where a rising function reaches the target, by bisection from 0; `start` is any positive guess."""
    low, high = 0.0, start
    while rising(high) < target:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return high
