"""What an engine writes down while it plays: requests, marks, and the ledgers of stations and caches.

Times are seconds since the run began. A ledger counts from the beginning; what a window saw is the difference of two
`Snapshot`s, so that nothing is clipped while playing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DONE, REFUSED, TIMED_OUT, INSIDE = range(4)
FROM_LOAD, FROM_EVENT, BROUGHT = range(3)


class Booked(NamedTuple):
    """Seconds of service and of waiting that a shard's ledger has, but that lie after a moment; and how many
    stand in line.
    """

    busy: float
    wait: float
    standing: int


State = Callable[[float], list[Booked]]


class Snapshot(NamedTuple):
    """A station at one moment: per shard, what it has served so far, and how many stood in line at the most."""

    time: float
    visits: tuple[int, ...]
    busy: tuple[float, ...]
    wait: tuple[float, ...]
    wait_begun: tuple[float, ...]
    longest: tuple[int, ...]
    inside: int


@dataclass(slots=True)
class StationLog:
    """The ledger of one station; lists have one entry per shard.

    `busy` and `wait` are seconds, booked when they are known (a plain station knows them at arrival), `longest` the
    most that stood in line, for longer than a moment, since the last snapshot; `area` is the integral of the number
    inside, kept event by event, and `sojourns` the sum of the times spent there, kept visit by visit: Little's law
    says they are equal.
    """

    shards: int
    visits: list[int] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    wait: list[float] = field(default_factory=list)
    longest: list[int] = field(default_factory=list)
    refused: int = 0
    inside: int = 0
    area: float = 0.0
    sojourns: float = 0.0
    held: float = 0.0
    since: float = 0.0
    snapshots: list[Snapshot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.visits, self.longest = [0] * self.shards, [0] * self.shards
        self.busy, self.wait = [0.0] * self.shards, [0.0] * self.shards

    def enter(self, now: float) -> None:
        self.area += self.inside * (now - self.since)
        self.since = now
        self.inside += 1

    def leave(self, now: float, sojourn: float) -> None:
        self.area += self.inside * (now - self.since)
        self.since = now
        self.inside -= 1
        self.sojourns += sojourn

    def refuse(self, now: float, sojourn: float = 0.0) -> None:
        self.leave(now, sojourn)
        self.refused += 1

    def snap(self, now: float, state: State) -> None:
        """Write down where the ledger stands at `now`; `state` says what is booked but lies after it."""
        booked = state(now)
        self.snapshots.append(
            Snapshot(
                now,
                tuple(self.visits),
                tuple(busy - later.busy for busy, later in zip(self.busy, booked, strict=True)),
                tuple(wait - later.wait for wait, later in zip(self.wait, booked, strict=True)),
                tuple(self.wait),
                tuple(max(n, later.standing) for n, later in zip(self.longest, booked, strict=True)),
                self.inside,
            )
        )
        self.longest = [later.standing for later in booked]


class Sample(NamedTuple):
    """The number inside each station at one moment."""

    time: float
    inside: tuple[int, ...]


class Marked(NamedTuple):
    """`n` items marked `name` at `time`, of request number `request` in the log."""

    name: str
    request: int
    time: float
    n: float


class CacheCount(NamedTuple):
    """A cache's counters at one moment."""

    lookups: int
    hits: int
    evictions: int
    occupancy: float


@dataclass(slots=True)
class Request:
    """One request: where it came from, when it arrived (s), how it ended, and the seconds of service it caused.

    `wait` is the time (s) its own plan stood in line, `age` (s) that of the oldest cached answer it was given,
    `open` how many plans of it are still running, `parent` the number of the request that brought it, or -1.
    """

    number: int
    index: int
    op: str
    arrival: float
    cause: int
    row: Any
    end: float = 0.0
    status: int = INSIDE
    work: float = 0.0
    wait: float = 0.0
    age: float = 0.0
    open: int = 0
    parent: int = -1


@dataclass(slots=True)
class Log:
    """All that one play of one strategy left behind.

    `begin` and `stop` (s) bound the window; `end` is when the last event happened. `work[op][station]` are seconds of
    service, charged to the operation that caused them.
    """

    stations: dict[str, StationLog]
    begin: float
    stop: float = 0.0
    end: float = 0.0
    requests: list[Request] = field(default_factory=list)
    marks: list[Marked] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    caches: dict[str, list[CacheCount]] = field(default_factory=dict)
    work: dict[str, dict[str, float]] = field(default_factory=dict)
    arrived: int = 0
    area: float = 0.0
    inside: int = 0
    since: float = 0.0

    def arrive(self, request: Request, now: float) -> None:
        self._tick(now, +1)
        self.arrived += 1
        self.requests.append(request)

    def depart(self, request: Request, now: float, status: int) -> None:
        self._tick(now, -1)
        request.end, request.status = now, status

    def _tick(self, now: float, change: int) -> None:
        self.area += self.inside * (now - self.since)
        self.since = now
        self.inside += change

    def charge(self, request: Request, station: str, seconds: float) -> None:
        request.work += seconds
        by_station = self.work.setdefault(request.op, {})
        by_station[station] = by_station.get(station, 0.0) + seconds
