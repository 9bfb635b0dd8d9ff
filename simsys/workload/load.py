"""The grammar of `load:`: how many requests arrive and when, of which operations, for which keys and
how large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from simsys.distributions import CountDistribution, DurationDistribution, SizeDistribution, parse_distribution
from simsys.units import Duration, Name, Rate, Share, Spec, Whole, parse_count
from simsys.workload.arrivals import burst_rates
from simsys.workload.popularity import Keys
from simsys.workload.traces import Trace

Positive = Annotated[Whole, Field(ge=1)]
KINDS = ("rate", "stages", "trace", "at_once", "clients")


class Preset(NamedTuple):
    """A workload of YCSB."""

    mix: Mapping[str, str]
    popularity: Mapping[str, float]
    page: Mapping[str, Any] | None = None


ZIPF, LATEST = {"zipf": 0.99}, {"latest": 0.99}
YCSB = {
    "A": Preset({"read": "50%", "update": "50%"}, ZIPF),
    "B": Preset({"read": "95%", "update": "5%"}, ZIPF),
    "C": Preset({"read": "100%"}, ZIPF),
    "D": Preset({"read": "95%", "insert": "5%"}, LATEST),
    "E": Preset({"scan": "95%", "insert": "5%"}, ZIPF, {"uniform": {"low": 1, "high": 100}}),
    "F": Preset({"read": "50%", "modify": "50%"}, ZIPF),
}
"""Source: Cooper, Silberstein, Tam, Ramakrishnan and Sears, Benchmarking cloud serving systems with YCSB, SoCC 2010."""


def _positive(value: float) -> float:
    if value == 0:
        raise ValueError("must be above zero")
    return value


def _ratio(text: str) -> str:
    reads, colon, writes = text.partition(":")
    if not colon or parse_count(reads) + parse_count(writes) == 0:
        raise ValueError(f"a ratio of reads to writes such as 1000:1 is needed, not {text!r}")
    return text


def _adds_up(mix: Mapping[str, float]) -> Mapping[str, float]:
    total = math.fsum(mix.values())
    if abs(total - 1.0) > 1e-9:
        raise ValueError(f"the shares must add up to 100 %; they add up to {100 * total:.6g} %")
    return mix


class Stage(Spec):
    """Some time at a constant rate; 0/s is a pause."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False, serialize_by_alias=True)

    length: Annotated[Duration, AfterValidator(_positive)] = Field(alias="for")
    rate: Rate


class Burstiness(Spec):
    """`cv`: coefficient of variation of the time between two arrivals; `burst`: mean length of a burst.

    Bursts take a tenth of the time; the rates in bursts and between them follow (`arrivals.burst_rates`).
    """

    cv: float = Field(ge=1, le=1000)
    burst: Annotated[Duration, AfterValidator(_positive)]


class Bursty(Spec):
    """Arrivals in bursts: a Poisson process whose rate switches between two values at random times."""

    bursty: Burstiness


class Load(Spec):
    """Exactly one of rate, stages, trace, at_once or clients; and what is asked: mix or
    read_write_ratio.
    """

    rate: Annotated[Rate, AfterValidator(_positive)] | None = None
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] | None = None
    trace: Trace | None = None
    at_once: Positive | None = None
    clients: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None
    think: DurationDistribution | None = None
    arrivals: Literal["poisson", "regular"] | Bursty = "poisson"
    ycsb: Literal["A", "B", "C", "D", "E", "F"] | None = Field(default=None, exclude=True)
    mix: Annotated[Mapping[Name, Share], AfterValidator(_adds_up)] | None = None
    read_write_ratio: Annotated[str, AfterValidator(_ratio)] | None = None
    keys: Keys | None = None
    page: CountDistribution = Field(default_factory=lambda: parse_distribution("50", "count"))
    size: SizeDistribution = Field(default_factory=lambda: parse_distribution("300B", "size"))

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """What a workload of YCSB says, where nothing else is said: its mix, popularity of keys and length of scans."""
        preset = YCSB.get(data["ycsb"]) if isinstance(data, dict) and isinstance(data.get("ycsb"), str) else None
        if preset is None:
            return data
        if isinstance(data.get("keys"), dict):
            data = data | {"keys": {"popularity": preset.popularity} | data["keys"]}
        return {"mix": preset.mix} | ({"page": preset.page} if preset.page else {}) | data

    @property
    def kind(self) -> str:
        """Which of the alternatives this load is."""
        return self._given(KINDS)[0]

    def _given(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]

    @property
    def shares(self) -> dict[str, float]:
        """The share of each operation; empty if a trace names them."""
        if self.read_write_ratio is not None:
            reads, _, writes = self.read_write_ratio.partition(":")
            total = parse_count(reads) + parse_count(writes)
            return {"read": parse_count(reads) / total, "post": parse_count(writes) / total}
        return dict(self.mix or {})

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        kinds = self._given(KINDS)
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none"
            raise ValueError(f"give exactly one of {', '.join(KINDS)}; found {found}")
        mixes = self._given(("mix", "read_write_ratio"))
        in_trace = self.trace is not None and self.trace.op is not None
        if in_trace and mixes:
            raise ValueError(f"the trace's `op` column names the operations: leave out {mixes[0]}")
        if not in_trace and len(mixes) != 1:
            found = " and ".join(mixes) or "none"
            raise ValueError(f"give exactly one of mix, read_write_ratio; found {found}")
        return self

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        kind = self.kind
        if self.think is not None and kind != "clients":
            raise ValueError(f"think is the pause of clients: it does not go with {kind}")
        if self.arrivals != "poisson" and kind not in ("rate", "stages"):
            raise ValueError(f"arrivals says how a rate is spread over time: it does not go with {kind}")
        if self.keys is not None and self.trace is not None and self.trace.key is not None:
            raise ValueError("keys come from the trace or from `keys`, not from both")
        if self.stages is not None and not any(stage.rate > 0 for stage in self.stages):
            raise ValueError("at least one stage needs a rate above zero")
        if isinstance(self.arrivals, Bursty):
            if self.rate is None:
                raise ValueError("stages arrive poisson or regular: bursty goes with rate")
            burst_rates(self.rate, self.arrivals.bursty.cv, self.arrivals.bursty.burst)
        return self
