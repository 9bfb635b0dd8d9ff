"""Stations: servers, shards, room to wait, and how long each operation takes. No clock here."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from simsys.distributions import DurationDistribution
from simsys.units import Count, Duration, Name, Rate, Share, Size, Spec

MOST_SERVERS = 10_000_000
A_TOKEN = 1.0 - 1e-9
"""What lacks no more than rounding is a whole token."""


def _plain_is_per_item(value: Any) -> Any:
    plain = not isinstance(value, dict) or not value.keys() & {"fixed", "per_item", "bytes", "replicated"}
    return {"per_item": value} if plain and not isinstance(value, Service) else value


class Service(Spec):
    """How long one visit of n units occupies a server: fixed + per_item · n, and the bytes (B) a unit sends over
    the network.

    One plain duration or distribution is per item. The draw is one per visit. `replicated`: the bytes also go to every
    further copy of what the station keeps, as those of a write do.
    """

    fixed: DurationDistribution | None = None
    per_item: DurationDistribution | None = None
    bytes: Size = 0.0
    replicated: bool = False

    @property
    def parts(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(mean, variance) in s and s² of the fixed and of the per-item part."""
        return _moments(self.fixed), _moments(self.per_item)

    def mean(self, n: float) -> float:
        """Mean seconds of a visit of `n` units."""
        (fixed, _), (item, _) = self.parts
        return fixed + item * n


def _moments(distribution: Any) -> tuple[float, float]:
    if distribution is None:
        return 0.0, 0.0
    variate = distribution.variate()
    return variate.mean, variate.variance


ServiceOf = Annotated[Service, BeforeValidator(_plain_is_per_item)]


class RateLimit(Spec):
    """A bucket of tokens per shard: who is let in takes one, who finds none is refused. `rate` of them (1/s) come as
    long as it is not full, of `burst`, as it is at the beginning.
    """

    rate: Annotated[Rate, Field(gt=0)]
    burst: Annotated[Count, Field(ge=1)]


class Autoscale(Spec):
    """Servers that follow the load, from the station's `servers` up `to` so many.

    `every` so often (s) it is seen how many were inside on average, served or in line; there should be so many servers
    that these were a share `at` of them. Those that are missing come after a `delay` (s) and are paid from now on;
    those too many go at once, each when it has done what it is at.
    """

    to: Annotated[int, Field(ge=1, le=1_000_000)]
    at: Annotated[Share, Field(gt=0)]
    every: Annotated[Duration, Field(gt=0)]
    delay: Duration

    def wanted(self, inside: float, least: int) -> int:
        """Servers for so many inside."""
        return max(least, min(self.to, ceil(inside / self.at)))


class Station(Spec):
    """`shards` shards (by hash of the key) of `servers` servers each; `servers: unlimited` is a delay.

    `queue` is the number of waiting places per shard, unlimited where it is left out; `choices` how many shards are
    drawn for a visit to any of them, which goes to the one with the fewest inside; `rate_limit` lets only so many in;
    `autoscale` lets servers come and go; `vcpu` are the vCPUs billed per server.
    """

    servers: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["unlimited"] = 1
    shards: Annotated[int, Field(ge=1, le=100_000)] = 1
    queue: Annotated[int, Field(ge=0)] | None = None
    choices: Annotated[int, Field(ge=2, le=100)] | None = None
    rate_limit: RateLimit | None = None
    autoscale: Autoscale | None = None
    vcpu: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0
    ops: dict[Name, ServiceOf] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _delays_have_no_line(self) -> Station:
        if self.servers == "unlimited" and (self.shards != 1 or self.queue is not None or self.rate_limit is not None):
            raise ValueError("a station with unlimited servers is a delay: no shards, no queue and no rate_limit")
        return self

    @model_validator(mode="after")
    def _scales_as_one(self) -> Station:
        if self.autoscale is not None:
            if self.servers == "unlimited" or self.shards != 1:
                raise ValueError("servers come and go at a station with one shard and a number of servers")
            if self.autoscale.to <= self.servers:
                raise ValueError(f"autoscale goes up from {self.servers} servers; found to: {self.autoscale.to}")
        return self

    @model_validator(mode="after")
    def _choices_differ(self) -> Station:
        if self.choices is not None and self.choices > self.shards:
            raise ValueError(f"choices are among shards: at most {self.shards} here; found {self.choices}")
        return self

    @model_validator(mode="after")
    def _can_be_counted(self) -> Station:
        if self.capacity > MOST_SERVERS and self.servers != "unlimited":
            raise ValueError(f"at most {MOST_SERVERS:,} servers in all shards together; found {self.capacity:,.0f}")
        return self

    @property
    def queues(self) -> bool:
        """Whether the end of a visit cannot be known at its arrival: there may be no room or no token, a shard may be
        chosen by who is inside, or servers may come and go.
        """
        return any(each is not None for each in (self.queue, self.choices, self.rate_limit, self.autoscale))

    @property
    def most(self) -> float:
        """Servers in all shards when as many have come as may."""
        return self.capacity if self.autoscale is None else float(self.autoscale.to)

    @property
    def capacity(self) -> float:
        """Servers in all shards; infinite for a delay."""
        return float("inf") if self.servers == "unlimited" else float(self.servers * self.shards)


class Batch(Spec):
    """Group commit: `Join` waits until `size` members are there, or the first has waited for `linger` (s)."""

    size: Annotated[int, Field(ge=1)]
    linger: Duration
