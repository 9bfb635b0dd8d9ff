"""Caches by entries or bytes, with or without a ttl, under a policy. No clock: calls are told the time (s).

Rules (those of libCacheSim's test suite): on a miss an object larger than the cache is not kept; else the policy's
victims are evicted while occupied + size > capacity; then the object enters. A hit iff now < fill time + ttl; an
expired entry leaves at the look-up. A fill of an entry that is still live changes nothing (memcached's `add`), so that
the ttl counts from the first of several refills; who wants to replace an entry drops it first.
"""

from __future__ import annotations

import math
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from simsys.structures.policies import POLICIES, Policy
from simsys.structures.sketches import Bloom, HyperLogLog, Sketch
from simsys.structures.warm import Law, LongRun, Popularity, binds, content
from simsys.units import Duration, Size, Spec, Whole

SKETCHES = ("bloom", "hyperloglog")
BITS = 10
"""Of a key in a bloom filter: a false positive in a hundred, which is what most libraries take if nothing is said."""


class CacheSpec(Spec):
    """A cache in a scenario: `{entries: 1M, ttl: 300s, policy: lru, start: warm}`, or `bytes` instead."""

    entries: Whole | None = Field(default=None, ge=1, description="room, in entries")
    bytes: Size | None = Field(default=None, gt=0, description="room, in bytes")
    ttl: Duration | None = Field(default=None, gt=0, description="time to live from the fill; none: for ever")
    policy: Literal["lru", "fifo", "clock", "sieve", "random", "bloom", "hyperloglog"] = Field(
        default="lru", description="who has to leave; or which sketch stands for the entries"
    )
    bits: Whole | None = Field(default=None, ge=1, le=64, description="bits per entry of a bloom filter; none: 10")
    hashes: Whole | None = Field(default=None, ge=1, le=64, description="bits that a key sets; none: the best number")
    renew: bool = Field(default=False, description="a hit starts the ttl again")
    on_expiry: Literal["none", "single_flight"] = Field(
        default="none", description="none: whoever misses loads; single_flight: one loads, the others wait for it"
    )
    lease: Duration | None = Field(default=None, gt=0, description="how long they wait for one; none: 10 s")
    copies: Whole = Field(default=1, ge=1, le=10_000, description="so many of it, each with this room: one per process")
    start: Literal["warm", "cold"] | None = Field(default=None, description="as in the long run, or empty")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.entries is None) == (self.bytes is None):
            raise ValueError("a cache needs its room: either entries or bytes")
        if self.renew and self.ttl is None:
            raise ValueError("renew needs a ttl that hits can start again")
        if self.lease is not None and self.on_expiry == "none":
            raise ValueError("a lease needs on_expiry: single_flight")
        if self.policy in SKETCHES:
            self._sketch()
        elif self.bits is not None or self.hashes is not None:
            raise ValueError("bits and hashes are those of a bloom filter: say policy: bloom")
        if self.start != "cold" and not has_long_run(self):
            raise ValueError(f"what such a {self.policy} cache holds in the long run is not known: say start: cold")
        return self


    def _sketch(self) -> None:
        """ValueError for what a sketch cannot do."""
        if self.renew or self.on_expiry != "none":
            raise ValueError(f"a {self.policy} has no entries: nothing to renew, and nothing to load")
        if self.policy == "bloom" and self.entries is None:
            raise ValueError("a bloom filter needs its room in entries; bits says how much memory each takes")
        if self.policy == "hyperloglog" and (self.bytes is None or self.bytes < 1):
            raise ValueError("a hyperloglog needs its room in bytes")
        if self.policy == "hyperloglog" and not self.ttl is self.bits is self.hashes is None:
            raise ValueError("a hyperloglog forgets nothing and has but registers: no ttl, bits or hashes")


LEASE = 10.0
"""Seconds, as at Facebook: Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), 3.2.1."""


def has_long_run(spec: CacheSpec) -> bool:
    """Whether there is a closed form for what such a cache holds in the long run.

    Without a ttl the place of a random victim is refilled as that of the first in line would be, on average.
    """
    return {"lru": True, "fifo": not spec.renew, "random": spec.ttl is None}.get(spec.policy, False)


Entry: TypeAlias = tuple[float, float, float]
"""Fill time, expiry (s), size (B)."""


class Cache:
    """What is kept, and what became of the look-ups; `stream` is the key of the draws of a random policy.

    Counters: `lookups`, `hits`, `evictions` (for lack of room), `expirations` (found expired); and what engines add:
    `loads` (look-ups that were told to load) and `waits` (that waited for the load of another). `len(cache)` and
    `bytes` are what it holds, expired entries that nobody asked for included; `occupancy(now)` counts the live ones.
    """

    def __init__(self, spec: CacheSpec, stream: int = 0) -> None:
        self.lookups = self.hits = self.evictions = self.expirations = self.loads = self.waits = 0
        self.bytes = 0.0
        self.by_bytes = spec.bytes is not None
        capacity = spec.bytes if spec.bytes is not None else spec.entries
        assert capacity is not None
        self.capacity = float(capacity)
        self.ttl = math.inf if spec.ttl is None else float(spec.ttl)
        self.policy, self.stream = spec.policy, stream
        self.line: Policy = POLICIES[spec.policy](stream)
        self.renews, self.has_long_run = spec.renew, has_long_run(spec)
        self.lease = 0.0 if spec.on_expiry == "none" else LEASE if spec.lease is None else float(spec.lease)
        self._down = False
        self.entries: dict[int, Entry] = {}
        self.past: LongRun | None = None
        self.past_size = 1.0

    def __len__(self) -> int:
        return len(self.entries)

    def lookup(self, key: int, now: float) -> bool:
        """Whether `key` is there and live. An expired entry leaves."""
        self.lookups += 1
        entry = self.entries.get(key)
        if entry is None:
            if self.past is None or not self._recall(key, now):
                return False
            entry = self.entries[key]
        if now >= entry[1]:
            self._remove(key)
            self.expirations += 1
            return False
        if self.renews:
            self.entries[key] = (entry[0], now + self.ttl, entry[2])
        self.line.hit(key)
        self.hits += 1
        return True

    def age(self, key: int, now: float) -> float:
        """Seconds since the fill of an entry that was just hit."""
        return now - self.entries[key][0]

    def fill(self, key: int, now: float, size: float = 1.0) -> None:
        """Put `key` in, `size` bytes; nothing if it is live already, too large, or the cache is down."""
        if self._down:
            return
        entry = self.entries.get(key)
        if entry is None:
            if self.past is not None and self._recall(key, now):
                return
        elif now < entry[1]:
            return
        else:
            self._remove(key)
        if self.by_bytes:
            if size > self.capacity:
                return
            while self.entries and self.bytes + size > self.capacity:
                self._evict()
        else:
            while len(self.entries) + 1 > self.capacity:
                self._evict()
        self._enter(key, (now, now + self.ttl, size))

    def drop(self, key: int) -> None:
        """Invalidate `key`."""
        if key in self.entries:
            self._remove(key)
        elif self.past is not None:
            self.past.forget(key)

    def clear(self) -> None:
        """Empty it."""
        self.entries.clear()
        self.line = POLICIES[self.policy](self.stream)
        self.past = None
        self.bytes = 0.0

    @property
    def down(self) -> bool:
        """A cache that is down misses and drops fills; it returns empty."""
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        if down:
            self.clear()
        self._down = down

    def occupancy(self, now: float) -> float:
        """Live entries: those it holds, plus the mean number of a warm start's that were never asked for."""
        live = sum(now < expiry for _, expiry, _ in self.entries.values())
        return live + (0.0 if self.past is None else self.past.expected(now))

    def weight(self, now: float) -> float:
        """Bytes of the entries that `occupancy` counts."""
        live = math.fsum(size for _, expiry, size in self.entries.values() if now < expiry)
        return live + (0.0 if self.past is None else self.past.expected(now) * self.past_size)

    def warm(self, popularity: tuple[int, float], rate: float, stream: int, size: float = 1.0) -> None:
        """Fill it as in the long run under Poisson look-ups, `rate` per second over (keys, zipf exponent).

        Keys are 0 … keys - 1, the most popular first; every entry has `size` bytes. Where the capacity
        binds, the content is made at once, in time and transient memory in proportion to the keys; else key
        by key, when asked for. ValueError without keys, or for a negative rate or size.
        """
        known = Popularity(*popularity)
        if known.keys < 1 or not rate >= 0.0 or not size > 0.0:
            raise ValueError("a warm start needs at least one key, the rate of look-ups, and the size of an entry")
        if not self.has_long_run:
            raise ValueError("the long run of this cache is not known; start it cold")
        self.clear()
        law = Law(self.capacity / (size if self.by_bytes else 1.0), self.ttl, self.policy, self.renews)
        if rate == 0.0 or law.capacity < 1.0:
            return
        if not binds(law, known, rate):
            self.past, self.past_size = LongRun(law, known, rate, stream), size
            return
        numbers, fills, expiries = content(law, known, rate, stream)
        for key, fill, expiry in zip(numbers.tolist(), fills.tolist(), expiries.tolist(), strict=True):
            self._enter(key, (fill, expiry, size))

    def _recall(self, key: int, now: float) -> bool:
        """Bring in the entry that `key` had at time 0, if it is still live."""
        assert self.past is not None
        if now >= self.past.ttl:
            self.past = None
            return False
        past = self.past.entry(key)
        if past is None or now >= past[1]:
            return False
        self._enter(key, (*past, self.past_size), first=True)
        return True

    def _enter(self, key: int, entry: Entry, first: bool = False) -> None:
        self.entries[key] = entry
        self.line.enter(key, first)
        self.bytes += entry[2]

    def _evict(self) -> None:
        self._remove(self.line.victim(self.evictions))
        self.evictions += 1

    def _remove(self, key: int) -> None:
        self.bytes -= self.entries.pop(key)[2]
        self.line.leave(key)
        if self.past is not None:
            self.past.forget(key)


def make_cache(spec: CacheSpec, stream: int = 0) -> Cache | Sketch:
    """An empty cache."""
    if spec.policy == "hyperloglog":
        assert spec.bytes is not None
        return Sketch(spec.policy, HyperLogLog(spec.bytes, stream))
    if spec.policy == "bloom":
        assert spec.entries is not None
        bits = spec.bits or BITS
        hashes = spec.hashes or max(1, round(bits * math.log(2)))
        return Sketch(spec.policy, Bloom(spec.entries, bits, hashes, spec.ttl or math.inf, stream))
    return Cache(spec, stream)
