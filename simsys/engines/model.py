"""What an engine is given: everything that is known before the first request arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simsys.engines.outages import Outage
from simsys.engines.program import Program
from simsys.stations import Batch, Station
from simsys.steps import Plan

EVENTS = 1 << 40
"""Requests of `events` are numbered from here on, the readers they bring from twice, three times … this number."""
SAMPLES = 200
SHORTEST = 1e-3
"""Seconds between the first samples where nobody knows how long the run will last."""


def next_sample(now: float, stop: float | None) -> float:
    """When to look at the stations after `now` (s); after the stop, or where none is known, ever more rarely."""
    if stop is None:
        return now + max(SHORTEST, now / SAMPLES)
    step = stop / SAMPLES
    return now + (step if now < stop else max(step, 0.05 * (now - stop)))


def default_key(columns: tuple[str, ...]) -> str | None:
    """The column that a visit without a key goes by."""
    return next((name for name in ("user", "key") if name in columns), None)


@dataclass(frozen=True)
class Brings:
    """Readers that a request brings: `count` requests of `op`, each `after` a delay (s) from the post, or from
    its last delivery.
    """

    op: str
    count: int
    after: Any
    delivered: bool = False


@dataclass(frozen=True)
class Event:
    """A planned request of `op` at `at` (s) whose columns are as drawn, but for those given."""

    at: float
    op: str
    columns: Mapping[str, float] = field(default_factory=dict)
    brings: Brings | None = None


@dataclass(frozen=True)
class CacheOutage:
    """From `begin` to `end` (s) a cache is down: it misses, and drops fills; `keeps`: what it held is there afterwards.
    `empty`: it is only emptied, at `begin`.
    """

    cache: str
    begin: float
    end: float
    empty: bool = False
    keeps: bool = False


def copy_of(cache: str, number: int) -> str:
    """How a copy of a cache is called in a model; the first as the cache is."""
    return f"{cache} {number}" if number else cache


def original(name: str) -> str:
    """The cache that a name in a model is a copy of."""
    return name.partition(" ")[0]


@dataclass(frozen=True)
class Model:
    """One strategy with its surroundings, for one replication.

    `held` are the stations that some plan holds, `caches` the cache structures, new and warmed up as they should be,
    copies of one after each other; `begin` (s) is when the window opens; `cut`: stop with the arrivals instead of
    draining. `program`: the plans for the compiled engine, if they have been traced already.
    """

    plans: Mapping[str, Plan]
    stations: Mapping[str, Station]
    held: frozenset[str]
    caches: Mapping[str, Any]
    batches: Mapping[str, Batch]
    begin: float
    cut: bool = False
    events: tuple[Event, ...] = ()
    outages: Mapping[str, list[Outage]] = field(default_factory=dict)
    cache_outages: tuple[CacheOutage, ...] = ()
    program: Program | None = None
