"""A station at work: which shard a visit goes to and how long it takes there, and the servers that serve it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from simsys import draws
from simsys.engines.clock import Clock
from simsys.engines.outages import Outage
from simsys.engines.rows import Luck
from simsys.engines.servers import Delay, Plain, Queued
from simsys.measure.log import StationLog
from simsys.stations import Service, Station
from simsys.steps import Key, Visit


class Draws:
    """How often a request or child has drawn from each name, so that every draw is a new one."""

    __slots__ = ("counts", "token")

    def __init__(self, token: int) -> None:
        self.token, self.counts = token, dict[str, int]()

    def next(self, name: str) -> int:
        count = self.counts.get(name, 0)
        self.counts[name] = count + 1
        return count


@dataclass(slots=True)
class Timing:
    """One part of a service time: a constant, or a variate with the name of its luck."""

    constant: float
    variate: Any
    name: str
    stream: int

    def seconds(self, luck: Draws) -> float:
        if self.variate is None:
            return self.constant
        return float(self.variate.draw(self.stream, luck.token, luck.next(self.name)))


def _timing(distribution: Any, name: str, luck: Luck) -> Timing:
    if distribution is None:
        return Timing(0.0, None, name, 0)
    variate = distribution.variate()
    if variate.variance == 0:
        return Timing(variate.mean, None, name, 0)
    return Timing(0.0, variate, name, luck.stream(name))


class Facility:
    """A station in a run; `place`: of its seconds of waiting in a path, those of service are next to it."""

    def __init__(
        self, name: str, place: int, spec: Station, held: bool, outages: Sequence[Outage], clock: Clock, luck: Luck
    ) -> None:
        self.name, self.place, self.shards, self.choices = name, place, spec.shards, spec.choices or 1
        self.log = StationLog(spec.shards)
        self.ops = {op: self._timings(f"{name}.{op}", service, luck) for op, service in spec.ops.items()}
        self.spread_stream, self.any_stream = luck.stream(f"{name} spread"), luck.stream(f"{name} any")
        self.servers: Delay | Plain | Queued
        self.occupies = spec.servers != "unlimited"
        if spec.servers == "unlimited":
            self.servers = Delay(clock, self.log)
        elif held or spec.queues or outages:
            self.servers = Queued(clock, self.log, spec, outages)
        else:
            self.servers = Plain(clock, self.log, spec.shards, spec.servers)

    @staticmethod
    def _timings(name: str, service: Service, luck: Luck) -> tuple[Timing, Timing]:
        return _timing(service.fixed, f"{name}.fixed", luck), _timing(service.per_item, name, luck)

    def pieces(self, step: Visit, key: Any, luck: Draws) -> list[tuple[int, float]]:
        """The (shard, seconds) that the units of a visit come to."""
        fixed, per_item = self.ops[step.op]
        base = fixed.seconds(luck)
        item = per_item.seconds(luck)
        over = self.shards if key is Key.SPREAD else 1 if key is Key.ANY else min(step.over, self.shards)
        if over == 1:
            return [(self.shard(key, luck, step.of), base + item * step.n)]
        count = min(over, ceil(step.n))
        seconds = base + item * (step.n / count)
        if key is not Key.SPREAD:
            first = draws.shard_of(float(key), self.shards)
        else:
            first = self._any(self.spread_stream, "spread", self.shards, luck) if count < self.shards else 0
        return [((first + i) % self.shards, seconds) for i in range(count)]

    def shard(self, key: Any, luck: Draws, of: int = 1) -> int:
        """The shard of a key: by its hash, or where one of several will do the emptiest of those drawn."""
        if self.shards == 1:
            return 0
        if key is Key.ANY or key is Key.SPREAD:
            return self._emptiest(0, self.shards, luck)
        home = draws.shard_of(float(key), self.shards)
        return home if of == 1 else self._emptiest(home, min(of, self.shards), luck)

    def _emptiest(self, home: int, among: int, luck: Draws) -> int:
        """Of so many shards, `home` the first of them, different ones are drawn: that with the fewest inside."""
        first, step = self._any(self.any_stream, "any", among, luck), 0
        drawn = [(home + first) % self.shards]
        others = min(self.choices, among) - 1
        for i in range(others):
            step += 1 + self._any(self.any_stream, "any", among - others + i - step, luck)
            drawn.append((home + (first + step) % among) % self.shards)
        return min(drawn, key=self.servers.inside) if isinstance(self.servers, Queued) else drawn[0]

    def _any(self, stream: int, name: str, among: int, luck: Draws) -> int:
        """A number below `among`."""
        return int(draws.uniform(stream, luck.token, luck.next(f"{self.name} {name}")) * among)
