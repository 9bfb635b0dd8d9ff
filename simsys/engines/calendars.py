"""Planned outages as tables: a row each, and of every shard the rows that are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.engines.kernel.state import OUTAGE
from simsys.engines.outages import Calendar, Outage
from simsys.stations import Station

Planned = tuple[float, float, float, int, int]
Span = tuple[int, int, int]
"""The rows of a shard: stalls and slow-downs from the first number on, downs from the second up to the third."""


class Calendars(NamedTuple):
    """The rows; the span of every shard, station by station; and the (begin, row) of whatever turns lines out."""

    rows: npt.NDArray[Any]
    spans: list[Span]
    downs: list[tuple[float, int]]


def calendars(stations: Mapping[str, Station], outages: Mapping[str, Sequence[Outage]]) -> Calendars:
    """The outages of these stations. Shards that share all of theirs share rows, too."""
    rows: list[Planned] = []
    spans: list[Span] = []
    downs: list[tuple[float, int]] = []
    for name, station in stations.items():
        first, told = len(spans), outages.get(name, ())
        named = {o.shard for o in told}
        made: dict[int | None, Span] = {}
        for shard in range(station.shards):
            own = shard if shard in named else None
            if own not in made:
                calendar, begin = Calendar(told, shard), len(rows)
                rows += _planned([*calendar.outages, *calendar.downs], first, station.shards)
                made[own] = (begin, begin + len(calendar.outages), len(rows))
            spans.append(made[own])
        lines = sorted((o for o in told if o.down), key=lambda o: o.begin)
        downs += [(o.begin, row) for row, o in enumerate(lines, start=len(rows))]
        rows += _planned(lines, first, station.shards)
    return Calendars(np.array(rows, OUTAGE), spans, downs)


def _planned(outages: Sequence[Outage], first: int, shards: int) -> list[Planned]:
    """Rows of outages of a station that has so many shards from the first one on."""
    return [(o.begin, o.end, o.speed, *((first, shards) if o.shard is None else (first + o.shard, 1))) for o in outages]
