"""What an engine writes down while it plays: requests, marks, and the ledgers of stations and caches.

Times are seconds since the run began. A ledger counts from the beginning; what a window saw is the difference of two
`Snapshot`s, so that nothing is clipped while playing. Requests leave the log in batches as soon as they have
settled, that is, when their plan and all that it started is over: a log does not grow with the length of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import nan
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

DONE, REFUSED, TIMED_OUT, INSIDE = range(4)
FROM_LOAD, FROM_EVENT, BROUGHT = range(3)

REQUEST = np.dtype(
    [(name, np.int64) for name in ("number", "index", "op", "cause", "parent")]
    + [("arrival", np.float64), ("status", np.int64)]
    + [(name, np.float64) for name in ("end", "work", "wait", "age", "followers", "active", "following")]
)
"""One request: where it came from and when it arrived (s), which are known first; how it ended, and the seconds of
service it caused.

`op` is its place in `Log.ops`, `wait` the time (s) that its own plan stood in line, `age` (s) that of the oldest cached
answer it was given, `parent` the number of the request that brought it, or -1; a column it does not have is NaN.
"""
TRAITS = ("followers", "active", "following")
MARK = np.dtype(
    [("name", np.int64), ("request", np.int64), ("time", np.float64), ("n", np.float64), ("whom", np.int64)]
)
"""`n` items marked at `time` (s); `name` is a place in `Log.names`, `request` the number of the request, `whom` the
user it concerns, or NOBODY.
"""
NOBODY = -1
BATCH = 16384
"""Settled requests, or marks, in a batch: whichever is reached first."""

Array: TypeAlias = "npt.NDArray[Any]"


class Batch(NamedTuple):
    """Settled requests in the order of settling, and all marks since the batch before.

    `paths` are the seconds of waiting and of service on the way to each answer, shape (requests, stations, 2). All
    requests that arrived before `settled` (s) have settled; `stop` (s) is when the window closes, infinite while
    nobody knows. Who takes a batch keeps copies only: the arrays are written over when it returns.
    """

    requests: Array
    paths: Array
    marks: Array
    settled: float
    stop: float


Take = Callable[[Batch, Sequence[str]], None]


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


class Fleet(NamedTuple):
    """From a `time` on (s) so many servers are there, and so many are paid: those that were ordered, too."""

    time: float
    there: int
    paid: int


@dataclass(slots=True)
class StationLog:
    """The ledger of one station; lists have one entry per shard.

    `busy` and `wait` are seconds, booked when they are known (a plain station knows them at arrival), `longest` the
    most that stood in line, for longer than a moment, since the last snapshot; `area` is the integral of the number
    inside, kept event by event, and `sojourns` the sum of the times spent there, kept visit by visit: Little's law
    says they are equal. `fleet` are its servers over time, empty where they do not change.
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
    fleet: list[Fleet] = field(default_factory=list)

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


class CacheCount(NamedTuple):
    """A cache's counters at one moment; `peak` (loads in a second) and `oldest` (s) since the moment before, `bytes` of
    its live entries, or None where its room is in entries.
    """

    lookups: int
    hits: int
    stale: int
    fills: int
    evictions: int
    loads: int
    peak: int
    waits: int
    ages: float
    oldest: float
    occupancy: float
    bytes: float | None


@dataclass(slots=True)
class Request:
    """A request while it is played; the fields of `REQUEST`, and `open`: how many plans of it are still running.

    `path` are the seconds that it waited and was served at each station on the way to its answer.
    """

    number: int
    index: int
    op: str
    arrival: float
    cause: int
    parent: int = -1
    end: float = 0.0
    status: int = INSIDE
    work: float = 0.0
    wait: float = 0.0
    age: float = 0.0
    followers: float = nan
    active: float = nan
    following: float = nan
    open: int = 0
    path: list[float] = field(default_factory=list)


class Marked(NamedTuple):
    """One mark of a log that was kept."""

    name: str
    request: int
    time: float
    n: float
    whom: int


@dataclass
class Log:
    """All that one play of one strategy left behind.

    `begin` and `stop` (s) bound the window; `end` is when the last event happened. `work` are the seconds of service
    per operation that caused them and station, shape (ops, stations). Batches go to `take`, with the names of marks so
    far, or are kept.
    """

    ops: tuple[str, ...]
    stations: dict[str, StationLog]
    begin: float
    take: Take | None = None
    names: list[str] = field(default_factory=list)
    stop: float = 0.0
    end: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    caches: dict[str, list[CacheCount]] = field(default_factory=dict)
    work: Array = field(init=False)
    arrived: int = 0
    area: float = 0.0
    inside: int = 0
    since: float = 0.0
    batches: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = np.zeros((len(self.ops), len(self.stations)))

    def give(self, batch: Batch) -> None:
        """Hand on a batch."""
        if self.take is None:
            self.batches.append(batch)
        else:
            self.take(batch, self.names)

    @cached_property
    def requests(self) -> list[Request]:
        """The requests of a log that was kept, by number; ask when the play is over."""
        names, kept = REQUEST.names or (), []
        for batch in self.batches:
            for record, path in zip(batch.requests.tolist(), batch.paths, strict=True):
                fields = dict(zip(names, record, strict=True))
                kept.append(Request(**{**fields, "op": self.ops[fields["op"]]}, path=path.ravel().tolist()))
        return sorted(kept, key=lambda request: request.number)

    @property
    def marks(self) -> list[Marked]:
        """The marks of a log that was kept."""
        return [Marked(self.names[name], *rest) for batch in self.batches for name, *rest in batch.marks.tolist()]
