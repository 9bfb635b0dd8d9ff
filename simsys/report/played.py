"""What a run says beyond its rows, as one small file, so that a page can be made of a folder of results alone.

Curves are kept as finely as the eye sees them, figures with nine digits.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from math import isinf, log
from typing import Any, NamedTuple

from simsys.experiment.result import Played, Result, Values
from simsys.report.charts import fullest
from simsys.report.shards import uneven

FINE = 1 / 240
"""A point of a curve is kept when it lies this share of an axis away from the last one that was."""
_LEAST = 12
"""Decimals: no second, byte or dollar is divided further, and what is left of a sum that cancels is zero."""


class Beyond(NamedTuple):
    """The replications behind every figure, and each strategy beyond its rows."""

    replications: int
    strategies: tuple[Played, ...]


def to_json(result: Result) -> str:
    """A result beyond its rows, a line per strategy; a delay, which has no end of servers, has `"Infinity"`."""
    seen = {*fullest(result)}, {*uneven(result)}
    thin = [_plain(_thinned(one, *seen)) for one in result.played]
    lines = [json.dumps(one, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for one in thin]
    strategies = ",\n".join(lines)
    return f'{{"replications": {result.replications}, "strategies": [\n{strategies}\n]}}\n'


def from_json(text: bytes) -> Beyond:
    """Read it again; ValueError if it is damaged."""
    from pydantic import TypeAdapter

    return TypeAdapter(Beyond).validate_json(text)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        told = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {name: inner for name, inner in told.items() if inner or name not in ("shards", "servers")}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return "Infinity" if isinf(value) else round(float(f"{value:.9g}"), _LEAST)
    return value


def _thinned(played: Played, seen: Collection[str], uneven: Collection[str]) -> Played:
    """Curves as the charts show them, samples and shards of the stations that they show."""
    times, inside = played.samples
    shown = {station: _short(numbers) for station, numbers in inside.items() if station in seen and any(numbers)}
    samples = (_short(times), shown)
    ccdf = {op: _thin(*curve) for op, curve in played.ccdf.items()}
    shards = {station: _short(busy) for station, busy in played.shards.items() if station in uneven}
    servers = {station: _short(there) for station, there in played.servers.items() if station in shown}
    return replace(played, ccdf=ccdf, samples=samples, shards=shards, servers=servers)


def _short(values: Values) -> Values:
    return tuple(float(f"{value:.4g}") for value in values)


def _thin(x: Values, p: Values) -> tuple[Values, Values]:
    """The points that can be told apart on two logarithmic axes, the first and the last among them."""
    kept = _apart([(a, b) for a, b in zip(x, p, strict=True) if a > 0 and b > 0])
    return _short(tuple(a for a, _ in kept)), _short(tuple(b for _, b in kept))


def _apart(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    spans = [FINE * log(max(side) / min(side)) for side in zip(*points, strict=True)]
    kept = points[:1]
    for x, p in points[1:-1]:
        last_x, last_p = kept[-1]
        if abs(log(x / last_x)) >= spans[0] or abs(log(p / last_p)) >= spans[1]:
            kept.append((x, p))
    return kept + points[1:][-1:]
