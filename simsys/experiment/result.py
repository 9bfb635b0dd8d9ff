"""What a run says: the tidy rows, the audits, the promises, and what the charts and sentences are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from simsys.measure.anatomy import Anatomy

Values = tuple[float, ...]

GROWTH = tuple(3600.0 * 10 ** (k / 12) for k in range(61))
"""When the bytes kept are drawn: from an hour after the beginning on, twelve times per factor of ten (s)."""
MOST_SHARDS = 64
"""Shards of a station that are told one by one, the busiest of them."""
UNEVEN = 0.1
"""They are where one is busy for so much more of its time than they are on average."""


class Row(NamedTuple):
    """One figure of one strategy, with the 95 % interval over replications; None is null.

    `point` is what a sweep changed, by path. `deviations` is how far each replication is from the value, for paired
    differences; empty where there is nothing to pair.
    """

    strategy: str
    point: dict[str, Any]
    subject: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    note: str
    deviations: tuple[float, ...] = ()


class Audit(NamedTuple):
    """An identity that must hold in every run, whatever the scenario."""

    name: str
    strategy: str
    ok: bool
    detail: str


class Verdict(NamedTuple):
    """What became of a promise: kept, missed, or undecided."""

    rule: str
    strategy: str
    verdict: Literal["kept", "missed", "undecided"]
    value: float | None


class Failure(NamedTuple):
    """A play that failed, and why; its strategy has no rows."""

    strategy: str
    replication: int
    reason: str

    def __str__(self) -> str:
        return f"{self.strategy}: replication {self.replication} failed: {self.reason}"


class Load(NamedTuple):
    """A station before anything is played: servers, and the mean share of them that the demand keeps busy."""

    station: str
    servers: float
    utilization: float


class Napkin(NamedTuple):
    """How long an event's work keeps a station busy if nothing else ran: work / servers, the largest over all stations.

    `simulated` is when its last item was marked fresh, `others` the share of that station that other work takes.
    """

    op: str
    station: str
    servers: float
    work: float
    seconds: float
    simulated: float | None
    others: float


@dataclass(frozen=True)
class Played:
    """One strategy of a run, beyond its rows.

    `loads` is the analytic load, `time[op]` the seconds from arrival to answer if nobody had to wait, `ccdf[op]`
    (latency s, share of requests that take longer), `work[op][station]` seconds of service per operation, `samples`
    (times s, {station: number inside, mean over replications}), `bill` (kind, formula, $/month) per term, `stores`
    (name, medium, formula, bytes), `growth[medium]` the bytes kept at each time of `GROWTH`, `tail[op]` where
    the slowest 1 % of the requests spent their time, and `whole[op]` all of them; `shards[station]`, where there are
    several, the share of its time that each is busy, the busiest first; `servers[station]`, where they come and go, at
    the times of the samples.
    """

    strategy: str
    loads: tuple[Load, ...]
    time: dict[str, float]
    ccdf: dict[str, tuple[Values, Values]]
    work: dict[str, dict[str, float]]
    samples: tuple[Values, dict[str, Values]]
    bill: tuple[Any, ...]
    stores: tuple[Any, ...]
    napkin: Napkin | None
    growth: dict[str, Values] = field(default_factory=dict)
    traceable: bool = True
    tail: dict[str, Anatomy] = field(default_factory=dict)
    whole: dict[str, Anatomy] = field(default_factory=dict)
    shards: dict[str, Values] = field(default_factory=dict)
    servers: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A run of one scenario."""

    scenario: str
    version: str
    engine: str
    seed: int
    replications: int
    notes: tuple[str, ...]
    saturated: tuple[str, ...]
    audits: tuple[Audit, ...]
    slo: tuple[Verdict, ...]
    rows: tuple[Row, ...]
    played: tuple[Played, ...] = field(default=())
    failed: tuple[Failure, ...] = field(default=())

    @property
    def strategies(self) -> list[str]:
        """The strategies in the order of the scenario."""
        return list(dict.fromkeys([*(p.strategy for p in self.played), *(r.strategy for r in self.rows)]))

    def value(self, strategy: str, subject: str, metric: str) -> float | None:
        """The figure of a strategy; None where it is null or not there."""
        row = self.row(strategy, subject, metric)
        return row.value if row else None

    def row(self, strategy: str, subject: str, metric: str) -> Row | None:
        return next((r for r in self.rows if (r.strategy, r.subject, r.metric) == (strategy, subject, metric)), None)
