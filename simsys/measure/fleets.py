"""Servers that came and went: how many there were on average, how many were paid, and how many at each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simsys.measure.log import Fleet


@dataclass
class FleetSummary:
    """The servers of one station: means in the window of those `there` and `paid`, the `most` there at once, and those
    `at` each sample.
    """

    there: float
    paid: float
    most: int
    at: list[float]


def fleet_summary(fleet: Sequence[Fleet], begin: float, stop: float, samples: Sequence[float]) -> FleetSummary | None:
    """A fleet in the window from `begin` to `stop` (s); None where it never changes."""
    if not fleet:
        return None
    until = [*(after.time for after in fleet[1:]), max(stop, fleet[-1].time)]
    spans = [max(0.0, min(end, stop) - max(one.time, begin)) for one, end in zip(fleet, until, strict=True)]
    seconds = sum(spans)
    if seconds <= 0.0:
        spans, seconds = [0.0] * (len(fleet) - 1) + [1.0], 1.0
    return FleetSummary(
        there=sum(one.there * span for one, span in zip(fleet, spans, strict=True)) / seconds,
        paid=sum(one.paid * span for one, span in zip(fleet, spans, strict=True)) / seconds,
        most=max(one.there for one, span in zip(fleet, spans, strict=True) if span > 0.0),
        at=list(_at(fleet, samples)),
    )


def _at(fleet: Sequence[Fleet], samples: Sequence[float]) -> list[float]:
    """The servers there at each time."""
    found, place = [], 0
    for time in samples:
        while place + 1 < len(fleet) and fleet[place + 1].time <= time:
            place += 1
        found.append(float(fleet[place].there))
    return found
