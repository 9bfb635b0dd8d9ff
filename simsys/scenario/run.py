"""How a scenario is run, and what happens on the way: `run:` and `events:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from simsys.distributions import DurationDistribution
from simsys.scenario.errors import WordError, nearest
from simsys.units import (
    Count,
    Duration,
    Name,
    Share,
    Size,
    Spec,
    Whole,
    parse_duration,
    parse_share,
    write_duration,
    write_share,
)  # fmt: skip


class Moment(NamedTuple):
    """A moment of a run: seconds from its begin, or a share of its length."""

    value: float
    is_share: bool

    def seconds(self, stop: float) -> float:
        """The moment in a run whose arrivals stop at `stop` (s)."""
        return self.value * stop if self.is_share else self.value


def _read_moment(value: object) -> Moment:
    if isinstance(value, str) and value.rstrip().endswith("%"):
        return Moment(parse_share(value), True)
    return Moment(parse_duration(value), False)


def _read_warmup(value: object) -> Moment | Literal["auto"]:
    if value == "auto":
        return "auto"
    if isinstance(value, str) and value.isalpha():
        raise WordError("expected auto, or a share or duration of the run like 10% or 5s", nearest(value, ["auto"]))
    return _read_moment(value)


def _write(moment: Moment | str) -> str:
    if isinstance(moment, str):
        return moment
    return write_share(moment.value) if moment.is_share else write_duration(moment.value)


_TEXT = WithJsonSchema({"type": "string", "examples": ["50%", "30s"]})
At = Annotated[Moment, PlainValidator(_read_moment), PlainSerializer(_write, return_type=str), _TEXT]
Warmup = Annotated[
    Moment | Literal["auto"],
    PlainValidator(_read_warmup),
    PlainSerializer(_write, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["auto", "10%", "5s"]}),
]


class Run(Spec):
    """How long, how often, and with which luck.

    `duration` (s) or `requests` ends the arrivals; a load with an end of its own needs neither. There are
    `replications`, or as many (at most `most_replications`) as the interval of a percentile needs:
    `precision: {p99: 5%}`. Storage engines are played with one in `scale` of their keys, and rooms as much smaller.
    """

    duration: Annotated[Duration, Field(gt=0)] | None = None
    requests: Annotated[Whole, Field(ge=1)] | None = None
    warmup: Warmup = "auto"
    replications: Annotated[int, Field(ge=1, le=10_000)] | None = None
    precision: dict[Literal["p50", "p90", "p99", "p999"], Annotated[Share, Field(gt=0)]] | None = None
    most_replications: Annotated[int, Field(ge=2, le=10_000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 1
    scale: Annotated[Whole, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.duration is not None and self.requests is not None:
            raise ValueError("give duration or requests, not both")
        if (self.replications is None) == (self.precision is None):
            found = "none" if self.precision is None else "both"
            raise ValueError(f"exactly one of replications, precision; found {found}")
        if self.precision is not None and not self.precision:
            raise ValueError("precision names a percentile, as in {p99: 5%}")
        return self

    def begin(self, stop: float | None, transient: bool) -> float:
        """When the measured window opens (s), in a run whose arrivals stop at `stop`, if that is known."""
        if self.warmup == "auto":
            return 0.0 if transient or stop is None else 0.1 * stop
        return self.warmup.seconds(stop or 0.0)


class Request(Spec):
    """A planned request: its operation, and the columns that are not left to chance."""

    op: Name
    user: Count | None = None
    key: Count | None = None
    size: Size | None = None
    page: Count | None = None
    followers: Count | None = None
    following: Count | None = None

    @property
    def columns(self) -> dict[str, float]:
        """The given columns."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "op"}
        return {name: value for name, value in given.items() if value is not None}


class Brings(Spec):
    """Requests of `op` that a planned request brings: a share of its followers, each after a delay.

    The delay begins when the planned request is answered, or (`notify: delivered`) with its last delivery.
    """

    op: Name
    share: Annotated[Share, Field(gt=0)]
    after: DurationDistribution
    notify: Literal["posted", "delivered"] = "posted"


class Slow(Spec):
    """A station that takes `by` times as long."""

    station: Name
    by: Annotated[Count, Field(gt=1)]


Kind = Literal["request", "down", "stall", "slow", "empty"]
_KINDS: tuple[Kind, ...] = ("request", "down", "stall", "slow", "empty")


class Event(Spec):
    """What happens at a moment: a planned request, or something is down, stalls, is slow or is emptied; of a cache
    all its `copies`, or so many of them, the last ones; of a station all its shards, or this `shard`, from 0 on.
    What is down comes `back` cold, that is, empty, or warm: with what it held, as from a disk.
    """

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False, serialize_by_alias=True)

    at: At
    request: Request | None = None
    brings: Brings | None = None
    down: Name | None = None
    stall: Name | None = None
    slow: Slow | None = None
    empty: Name | None = None
    copies: Annotated[int, Field(ge=1)] | None = None
    shard: Annotated[int, Field(ge=0)] | None = None
    back: Literal["cold", "warm"] | None = None
    lasts: Annotated[Duration, Field(gt=0)] = Field(default=0.0, alias="for", validate_default=False)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        kinds = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"an event has exactly one of {', '.join(_KINDS)}; found {' and '.join(kinds) or 'none'}")
        long = self.kind in ("down", "stall", "slow")
        if long and not self.lasts:
            raise ValueError(f"'for' is missing: how long {self.kind} lasts")
        if self.lasts and not long:
            raise ValueError(f"'for' goes with down, stall and slow, not with {self.kind}")
        if self.shard is not None and not long:
            raise ValueError(f"'shard' goes with down, stall and slow, not with {self.kind}")
        if self.back is not None and self.down is None:
            raise ValueError(f"'back' goes with down, not with {self.kind}")
        if self.brings is not None and (self.request is None or self.request.followers is None):
            raise ValueError("'brings' needs a request that gives its followers")
        return self

    @property
    def kind(self) -> Kind:
        """What happens."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @property
    def station(self) -> str:
        """The station or cache it happens to; empty for a request."""
        what: Any = getattr(self, self.kind)
        return "" if self.kind == "request" else what.station if self.kind == "slow" else what

    @property
    def slow_by(self) -> float:
        """How many times as long everything takes."""
        return self.slow.by if self.slow is not None else 1.0

    def time(self, stop: float) -> float:
        """When it happens (s), in a run whose arrivals stop at `stop`."""
        return self.at.seconds(stop)
