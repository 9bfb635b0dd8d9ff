"""Random worlds: from one number a model and its load, small, and crowded with events at the same instants."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from random_plans import Writer, plans_of

from simsys import draws
from simsys.distributions import QuantileTable, Variate, laws
from simsys.engines.model import Brings, CacheOutage, Event, Model, copy_of
from simsys.engines.outages import Outage
from simsys.engines.play import play
from simsys.engines.rows import Luck
from simsys.engines.trace import steps_of, trace
from simsys.experiment.jobs import no_collector
from simsys.measure.log import Log
from simsys.stations import Batch, Station
from simsys.steps import Hold
from simsys.structures.caches import CacheSpec, has_long_run, make_cache
from simsys.workload import Load, Population, Workload
from simsys.workload.columns import Chunk, Rows
from simsys.workload.graph import Graph

MOST_REQUESTS = 40
LAWS: list[Any] = [
    {"exponential": {"mean": "0.3s"}},
    {"exponential": {"mean": "0.1s"}},
    {"lognormal": {"mean": "0.2s", "p99": "1s"}},
    {"uniform": {"low": "0s", "high": "0.5s"}},
    {"erlang": {"mean": "0.3s", "k": 3}},
    {"hyperexponential": {"mean": "0.2s", "cv": 2}},
    {"pareto": {"mean": "0.2s", "tail": 1.5, "max": "2s"}},
]

AUTHORS = QuantileTable(np.array([[0.3, 0, 0, 1], [0.5, 1, 1, 1], [1.0, 2, 9, 1]], np.float64))
"""The rank of who is followed: a third follow one author, a fifth the next, and few each of the others."""


@dataclass(frozen=True)
class Requests:
    """A load of requests at given times, or of clients: operation and columns are functions of a request's number.

    `values` are what a column may be, the first `common` operations those of the load; a chunk has at most `piece`
    requests.
    """

    seed: int
    ops: tuple[str, ...]
    common: int
    values: dict[str, tuple[float, ...]]
    times: tuple[float, ...]
    stop: float | None
    clients: int = 0
    requests: int | None = None
    think_law: Variate | None = None
    piece: int = 65536
    graph: Graph | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.values)

    @property
    def think_stream(self) -> int:
        return draws.stream(self.seed, 0, "think")

    def chunks(self, size: int = 65536, needed: frozenset[str] | None = None) -> Iterator[Chunk]:
        for first in range(0, len(self.times), min(size, self.piece)):
            arrival = np.array(self.times[first : first + min(size, self.piece)])
            yield Chunk(first, arrival, *self.rows(np.arange(first, first + arrival.size), None, needed))

    def rows(self, indices: Any, op: int | None = None, needed: frozenset[str] | None = None) -> Rows:
        indices = np.array(indices, np.int64)
        ops = self._any("op", indices, np.arange(self.common)) if op is None else np.full(indices.size, op)
        names = [name for name in self.values if needed is None or name in needed]
        return Rows(ops, {name: self._any(name, indices, np.array(self.values[name])) for name in names})

    def _any(self, name: str, indices: Any, values: Any) -> Any:
        return values[(draws.uniforms(draws.stream(self.seed, 0, name), indices, 0) * len(values)).astype(int)]

    def think(self, client: int, k: int) -> float:
        return self.think_law.draw(self.think_stream, client, k) if self.think_law else 0.0


@dataclass(frozen=True)
class World:
    """A model and its load. Stations, caches and batches are as a scenario writes them; `warm` says under which
    popularity and rate a cache was filled, `queued` which stations queue though nobody holds them.
    """

    seed: int
    source: str
    stations: dict[str, Any]
    caches: dict[str, Any]
    batches: dict[str, Any]
    load: Any
    warm: dict[str, tuple[tuple[int, float], float]]
    queued: tuple[str, ...] = ()
    begin: float = 0.0
    cut: bool = False
    events: tuple[Event, ...] = ()
    outages: tuple[tuple[str, Outage], ...] = ()
    cache_outages: tuple[CacheOutage, ...] = ()

    @cached_property
    def plans(self) -> dict[str, Any]:
        """The plan of each operation."""
        plans = plans_of(self.source)
        return {op: plans[op] for op in self.load.ops}

    @cached_property
    def held(self) -> frozenset[str]:
        """The stations that some plan holds."""
        trees = [trace(plan, self.load.columns) for plan in self.plans.values()]
        return frozenset(step.station for tree in trees for step in steps_of(tree) if isinstance(step, Hold))

    def model(self) -> Model:
        """Everything new, nothing played yet."""
        outages: dict[str, list[Outage]] = {}
        for name, outage in self.outages:
            outages.setdefault(name, []).append(outage)
        caches = {}
        for name, given in self.caches.items():
            spec = CacheSpec.model_validate(given)
            for copy in (copy_of(name, number) for number in range(spec.copies)):
                caches[copy] = make_cache(spec, draws.stream(self.seed, 0, f"evict {copy}"))
                if name in self.warm:
                    caches[copy].warm(*self.warm[name], draws.stream(self.seed, 0, f"warm {copy}"))
        return Model(
            self.plans, {name: Station.model_validate(spec) for name, spec in self.stations.items()},
            self.held | set(self.queued), caches,
            {name: Batch.model_validate(spec) for name, spec in self.batches.items()},
            self.begin, self.cut, self.events, outages, self.cache_outages,
        )  # fmt: skip

    def play(self, engine: str) -> Log:
        """The log of the world."""
        luck = Luck(self.seed, 0, lambda followers: 3.0 / (3.0 + followers), lambda: AUTHORS)
        with no_collector():
            return play(self.model(), self.load, luck, engine=engine)

    def __str__(self) -> str:
        facts = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name not in ("source", "load"))
        lines = [f"{name}: {value}" for name, value in facts if value not in ({}, (), False)]
        load = self.load
        if isinstance(load, Workload):
            load = load.load.model_dump(mode="json", exclude_unset=True), load.columns, load.duration, load.requests
        return "\n".join([*lines, f"load: {load}", self.source])


class Maker:
    """Makes a world; times are multiples of a tick, so that many things happen at once.

    What was added later has generators of its own, so that all else in a world stayed as it was.
    """

    def __init__(self, seed: int) -> None:
        self.rng, self.seed = random.Random(seed), seed
        self.expiry, self.sketches = random.Random(f"{seed} expiry"), random.Random(f"{seed} bits")
        self.limits = random.Random(f"{seed} limits")
        self.parts = random.Random(f"{seed} parts")
        self.edges = random.Random(f"{seed} edges")
        self.tick = self.rng.choice([0.25, 0.1])

    def ticks(self, low: int, high: int) -> float:
        return self.rng.randint(low, high) * self.tick

    def world(self) -> World:
        rng = self.rng
        load = self._load()
        span = load.stop or 3.0
        stations = {f"s{i}": self._station() for i in range(rng.randint(1, 4))}
        ops = {name: list(spec["ops"]) for name, spec in stations.items()}
        served = [name for name, spec in stations.items() if spec["servers"] != "unlimited"]
        caches = {f"c{i}": self._cache() for i in range(rng.choice([0, 1, 1, 1, 2]))}
        batches = {f"b{i}": self._batch() for i in range(rng.choice([0, 1, 1, 2]))}
        source = Writer(rng, load.columns, ops, served, list(caches), list(batches), self.ticks).write(load.ops)
        return World(
            self.seed, source, stations, caches, batches, load,
            warm={name: self._warmth() for name, spec in caches.items() if spec["start"] == "warm"},
            queued=tuple(name for name in served if rng.random() < 0.1),
            begin=rng.choice([0.0, 0.0, self.ticks(1, 4), span / 3]),
            cut=bool(load.stop) and rng.random() < 0.2,
            events=tuple(self._event(load, span) for _ in range(rng.choice([0, 0, 0, 1, 2]))),
            outages=tuple(
                self._of_a_shard(o, stations[name]["shards"])
                for name in served if rng.random() < 0.3 for o in self._outages(name, span)
            ),
            cache_outages=tuple(self._cache_outage(name, span) for name in caches if rng.random() < 0.3),
        )  # fmt: skip

    # -- the load --------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        rng = self.rng
        if rng.random() < 0.15:
            return self._workload()
        values: dict[str, tuple[float, ...]] = {"size": (1.0, 1.0, 2.0, 3.0), "page": (0.0, 1.0, 2.0, 3.0)}
        if rng.random() < 0.5:
            values["key"] = tuple(float(k) for k in range(rng.randint(1, 8)))
        if rng.random() < 0.5:
            users = tuple(float(k) for k in range(rng.randint(1, 8)))
            values = {"user": users, "followers": (0.0, 1.0, 4.0, 9.0), "following": (1.0, 2.0, 5.0)} | values
            values["active"] = (0.5,)
        ops = ("get", "put", "scan")[: rng.choice([1, 2, 2, 3])]
        common = max(1, len(ops) - rng.choice([0, 0, 1]))
        graph = self._graph() if "user" in values and self.edges.random() < 0.4 else None
        if graph is not None:
            values |= {"posts": (0.0, 1.0, 3.0), "reads": (0.0, 2.0)}
        if rng.random() < 0.25:
            return self._clients(ops, common, values, graph)
        last = rng.randint(0, 30)
        times = sorted(self.ticks(0, last) for _ in range(rng.randint(1, MOST_REQUESTS)))
        stop = rng.choice([times[-1], times[-1] + self.ticks(1, 4), max(self.tick, times[-1] - self.tick)])
        piece = rng.choice([65536, 1, 3, 7])
        return Requests(self.seed, ops, common, values, tuple(times), stop or self.tick, piece=piece, graph=graph)

    def _graph(self) -> Graph:
        """Who follows whom among nine users, of whom some follow nobody."""
        rng = self.edges
        pairs = rng.sample([(a, b) for a in range(8) for b in range(8) if a != b], rng.randint(1, 14))
        follower, author = np.array(pairs, np.int64).T.copy()
        rates = [np.array([rng.choice([0.0, 1.0, 1.0, 3.0]) for _ in range(9)]) for _ in range(2)]
        return Graph(follower, author, *rates)

    def _clients(
        self, ops: tuple[str, ...], common: int, values: dict[str, tuple[float, ...]], graph: Graph | None
    ) -> Requests:
        rng = self.rng
        requests = rng.choice([None, rng.randint(1, 30)])
        stop = self.ticks(4, 20) if requests is None or rng.random() < 0.5 else None
        think = Variate(*rng.choice([(laws.CONSTANT, self.ticks(1, 4)), (laws.EXPONENTIAL, 4 * self.tick)]))
        law = None if requests is not None and rng.random() < 0.3 else think
        return Requests(self.seed, ops, common, values, (), stop, rng.randint(1, 5), requests, law, graph=graph)

    def _workload(self) -> Workload:
        """A load as scenarios have them."""
        rng = self.rng
        kind = rng.choice(["rate", "stages", "at_once", "clients"])
        given: dict[str, Any] = {"mix": rng.choice([{"read": "100%"}, {"read": "70%", "post": "30%"}])}
        given |= {"page": {"uniform": {"low": 0, "high": 3}}, "size": "2B"}
        given |= {
            "rate": {"rate": "10/s", "arrivals": rng.choice(["poisson", "regular"])},
            "stages": {"stages": [{"for": "1s", "rate": "4/s"}, {"for": "0.5s", "rate": "20/s"}]},
            "at_once": {"at_once": rng.randint(1, 20)},
            "clients": {"clients": 3, "think": {"exponential": {"mean": "0.5s"}}},
        }[kind]
        people = rng.choice([None, population()])
        if people is None or rng.random() < 0.5:
            given["keys"] = {"count": 20, "popularity": {"zipf": 0.99}}
        requests = rng.choice([None, rng.randint(5, 30)])
        duration = None if kind in ("at_once", "stages") or requests is not None else self.ticks(4, 10)
        load = Load.model_validate(given)
        return Workload(load, people, self.seed, 0, duration=duration, requests=requests, events=("read",))

    def _event(self, load: Any, span: float) -> Event:
        rng = self.rng
        columns = {"page": 3.0, "followers": float(rng.randint(0, 20)), "following": 8.0}
        columns = {name: value for name, value in columns.items() if name in load.columns}
        brings = None
        if rng.random() < 0.6:
            after = Variate(*rng.choice([(laws.CONSTANT, self.ticks(0, 3)), (laws.EXPONENTIAL, 2 * self.tick)]))
            brings = Brings(rng.choice(load.ops), rng.randint(0, 6), after, rng.random() < 0.5)
        at = rng.choice([self.ticks(0, 12), span / 2])
        return Event(at, load.ops[-1], rng.choice([{}, columns]), brings)

    # -- stations, caches, batches -----------------------------------------------------------------------------------

    def _seconds(self) -> Any:
        return self.rng.choice([f"{self.ticks(0, 4):.12g}s"] * 12 + LAWS)

    def _service(self) -> Any:
        rng = self.rng
        return rng.choice([self._seconds(), self._seconds(), {"fixed": self._seconds(), "per_item": self._seconds()}])

    def _station(self) -> dict[str, Any]:
        rng = self.rng
        ops = {name: self._service() for name in ("get", "put")[: rng.randint(1, 2)]}
        if rng.random() < 0.15:
            return {"servers": "unlimited", "ops": ops}
        spec = {"servers": rng.choice([1, 1, 2, 3]), "shards": rng.choice([1, 1, 2, 3, 4]), "ops": ops}
        if spec["shards"] > 1 and rng.random() < 0.4:
            spec["choices"] = rng.randint(2, spec["shards"])
        return spec | ({"queue": rng.randint(0, 2)} if rng.random() < 0.35 else {}) | self._limit() | self._scale(spec)

    def _scale(self, spec: dict[str, Any]) -> dict[str, Any]:
        rng = self.limits
        if spec["shards"] > 1 or rng.random() < 0.6:
            return {}
        every, delay = (f"{rng.randint(low, 4) * self.tick:.12g}s" for low in (1, 0))
        more = spec["servers"] + rng.randint(1, 3)
        return {"autoscale": {"to": more, "at": rng.choice(["40%", "70%", "100%"]), "every": every, "delay": delay}}

    def _limit(self) -> dict[str, Any]:
        rng = self.limits
        if rng.random() < 0.85:
            return {}
        return {"rate_limit": {"rate": f"{1 / (rng.randint(1, 4) * self.tick):.12g}/s", "burst": rng.randint(1, 3)}}

    def _outages(self, name: str, span: float) -> list[tuple[str, Outage]]:
        """Stalls and slow-downs one after the other, some back to back; down at any time."""
        rng, now, made = self.rng, self.ticks(0, 6), []
        for _ in range(rng.randint(1, 3)):
            if rng.random() < 0.4:
                begin = self.ticks(0, 12)
                made.append((name, Outage(begin, begin + self.ticks(1, 4), down=True)))
                continue
            speed = rng.choice([0.0, 0.0, 0.5, 0.3])
            end = now + self.ticks(1, 5 if speed == 0.0 else 20)
            made.append((name, Outage(now, end, speed)))
            now = end + self.ticks(0, 2)
        return made

    def _of_a_shard(self, outage: tuple[str, Outage], shards: int) -> tuple[str, Outage]:
        if shards == 1 or self.parts.random() < 0.6:
            return outage
        return outage[0], replace(outage[1], shard=self.parts.randrange(shards))

    def _cache(self) -> dict[str, Any]:
        rng = self.rng
        room = rng.choice([{"entries": rng.randint(1, 4)}, {"bytes": f"{rng.randint(2, 8)}B"}, {"entries": 1000}])
        policy = rng.choice(["lru", "lru", "fifo", "clock", "sieve", "sieve", "random"])
        spec = {**room, "policy": policy, "start": "cold"}
        if rng.random() < 0.3:
            spec |= {"copies": rng.randint(2, 4)}
        if rng.random() < 0.6:
            spec |= {"ttl": f"{self.ticks(1, 6):.12g}s", "renew": rng.random() < 0.4}
        spec |= self._on_expiry("ttl" in spec)
        if rng.random() < 0.85 and has_long_run(CacheSpec.model_validate(spec)):
            spec["start"] = "warm"
        return self._sketch() if self.sketches.random() < 0.15 else spec

    def _sketch(self) -> dict[str, Any]:
        rng = self.sketches
        if rng.random() < 0.3:
            return {"bytes": f"{rng.choice([3, 24])}B", "policy": "hyperloglog", "start": "cold"}
        ttl = {"ttl": f"{rng.randint(1, 6) * self.tick:.12g}s"} if rng.random() < 0.6 else {}
        room = {"entries": rng.randint(1, 4), "bits": rng.choice([2, 4, 10]), "policy": "bloom", "start": "cold"}
        return room | ttl | rng.choice([{}, {"hashes": 2}])

    def _on_expiry(self, expires: bool) -> dict[str, Any]:
        """What becomes of expiries, or of misses, where nothing expires."""
        rng = self.expiry
        one, other = (f"{rng.randint(1, 8) * self.tick:.12g}s" for _ in range(2))
        kind = rng.choice(["none", "single_flight", "stale", "early"] if expires else ["none", "single_flight"])
        jitter = {"jitter": rng.choice(["10%", "90%"])} if expires and rng.random() < 0.3 else {}
        more: dict[str, Any] = {
            "none": {},
            "single_flight": {"lease": one},
            "stale": {"lease": one} | rng.choice([{}, {"grace": other}]),
            "early": {"recompute": one, "beta": rng.choice([0.5, 1.0, 3.0])},
        }[kind]
        return {"on_expiry": kind} | more | jitter

    def _warmth(self) -> tuple[tuple[int, float], float]:
        return (self.rng.randint(1, 10), self.rng.choice([0.0, 0.99])), self.rng.choice([0.0, 1.0, 10.0, 10.0])

    def _cache_outage(self, name: str, span: float) -> CacheOutage:
        begin = self.rng.choice([self.ticks(0, 8), span / 2])
        outage = CacheOutage(name, begin, begin + self.ticks(0, 6), self.rng.random() < 0.3)
        if self.parts.random() < 0.6:
            return outage
        begin = self.parts.randint(1, 8) * self.tick
        return CacheOutage(name, begin, begin + self.parts.randint(2, 12) * self.tick, keeps=True)

    def _batch(self) -> dict[str, Any]:
        return {"size": self.rng.randint(1, 4), "linger": f"{self.ticks(0, 4):.12g}s"}


@cache
def population() -> Population:
    law = {"lognormal": {"mean": 4, "p99": 20}}
    return Population.model_validate(
        {"users": 50, "active": "60%", "online": "20%", "followers": law, "following": law}
    )


def make(seed: int) -> World:
    """The world of this number."""
    return Maker(seed).world()
