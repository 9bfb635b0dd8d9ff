"""What plans ask of caches in the reference engine: which copy answers, who loads, and who waits for a load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Any

from simpy import Event

from simsys import draws
from simsys.engines.agents import Agent
from simsys.engines.clock import Clock
from simsys.engines.leases import Leases, Loads
from simsys.engines.model import copy_of, original
from simsys.engines.rows import Luck, Row
from simsys.measure.log import CacheCount
from simsys.steps import Drop, Fill, Lookup


class Lookups:
    """The caches of a play by name; `key` says which key a step of an agent means."""

    def __init__(
        self, caches: Mapping[str, Any], clock: Clock, luck: Luck, key: Callable[[Any, Agent], Any]
    ) -> None:
        self.caches, self.clock, self.luck, self.key = caches, clock, luck, key
        self.leases = Leases(clock)
        self.loads = {name: Loads() for name in caches}
        self.copies = Counter(map(original, caches))

    def ask(self, step: Lookup, agent: Agent) -> Generator[Event, Any, bool]:
        name, key, now = self._copy(step, agent), int(self.key(step.key, agent)), self.clock.now
        cache, lease = self.caches[name], (name, key)
        loading = lease in self.leases.lines
        if cache.lookup(key, now, loading):
            agent.request.age = max(agent.request.age, cache.age(key, now))
            return True
        if loading:
            self.loads[name].waits += 1
            if (yield self.leases.wait(lease, agent.number)):
                return True
        elif cache.lease:
            self.leases.take(lease, cache.lease, agent.number)
        self.loads[step.cache].load(self.clock.now)
        return False

    def fill(self, step: Fill, agent: Agent) -> bool:
        cache, key = self._copy(step, agent), int(self.key(step.key, agent))
        self.caches[cache].fill(key, self.clock.now, self._size(agent.row))
        self.leases.end((cache, key))
        return True

    def drop(self, step: Drop, agent: Agent) -> bool:
        self.caches[self._copy(step, agent)].drop(int(self.key(step.key, agent)))
        return True

    def _copy(self, step: Lookup | Fill | Drop, agent: Agent) -> str:
        """The cache; of several copies, that of the process which plays the agent's plan, or the one that is named."""
        name, copies = step.cache, self.copies[step.cache]
        if copies > 1 and step.at is None:
            u = draws.uniform(self.luck.stream(f"copy of {name}"), agent.luck.token, 0)
            return copy_of(name, int(u * copies))
        return name if copies == 1 else copy_of(name, int(step.at) % copies)

    @staticmethod
    def _size(row: Row) -> float:
        return float(row.size) if "size" in row._columns else 1.0

    def count(self, now: float) -> dict[str, CacheCount]:
        """The counters of every cache at `now`; the peak and the oldest begin anew."""
        counts = {}
        for name, cache in self.caches.items():
            told, weight = self.loads[name], cache.weight(now) if cache.by_bytes else None
            counts[name] = CacheCount(
                cache.lookups, cache.hits, cache.stale, cache.fills, cache.evictions, told.loads, told.peak, told.waits,
                cache.ages, cache.oldest, cache.occupancy(now), weight,
            )  # fmt: skip
            cache.oldest = told.peak = told.burst = 0
        return counts
