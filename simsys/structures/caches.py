"""Caches by entries or bytes, with or without a ttl, under a policy. No clock: calls are told the time (s).

Rules (those of libCacheSim's test suite): on a miss an object larger than the cache is not kept; else the policy's
victims are evicted while occupied + size > capacity; then the object enters. A hit iff now < fill time + ttl; an
expired entry leaves at the look-up, or later, if it may be given for a while. A fill of an entry that is still live
changes nothing (memcached's `add`), so that the ttl counts from the first of several refills; who wants to replace an
entry drops it first, or was told to load it early.
"""

from __future__ import annotations

import math
from itertools import repeat
from typing import Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from simsys import draws
from simsys.structures.policies import POLICIES, Policy
from simsys.structures.sketches import Bloom, HyperLogLog, Sketch
from simsys.structures.warm import Law, LongRun, Popularity, binds, content
from simsys.units import Duration, Share, Size, Spec, Whole

LEASE = 10.0
"""Seconds, as at Facebook: Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), 3.2.1."""

ASKED_BY = {"lease": ("single_flight", "stale"), "grace": ("stale",), "recompute": ("early",), "beta": ("early",)}
"""The ways to deal with an expiry that ask for a number, by the number's name."""

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
    jitter: Share = Field(default=0.0, ge=0, lt=1, description="every ttl is so much shorter or longer, at the most")
    on_expiry: Literal["none", "single_flight", "stale", "early"] = Field(
        default="none",
        description="none: whoever misses loads; single_flight: one loads, the others wait for it; stale: or are given "
        "what has expired; early: some load before it expires",
    )
    lease: Duration = Field(default=LEASE, gt=0, description="single_flight, stale: how long one may load alone")
    grace: Duration | None = Field(default=None, gt=0, description="stale: how long it is given; none: for ever")
    recompute: Duration | None = Field(default=None, gt=0, description="early: how long a load takes")
    beta: float = Field(default=1.0, gt=0, le=1000, description="early: the larger, the earlier")
    copies: Whole = Field(default=1, ge=1, le=10_000, description="so many of it, each with this room: one per process")
    start: Literal["warm", "cold"] | None = Field(default=None, description="as in the long run, or empty")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.entries is None) == (self.bytes is None):
            raise ValueError("a cache needs its room: either entries or bytes")
        if self.renew and self.ttl is None:
            raise ValueError("renew needs a ttl that hits can start again")
        if self.ttl is None and (self.jitter or self.on_expiry in ("stale", "early")):
            raise ValueError("without a ttl nothing expires: no jitter, and neither stale nor early")
        if self.on_expiry == "early" and self.recompute is None:
            raise ValueError("who loads early has to know how long that takes: give recompute")
        if self.policy in SKETCHES:
            self._sketch()
        elif self.bits is not None or self.hashes is not None:
            raise ValueError("bits and hashes are those of a bloom filter: say policy: bloom")
        if self.start != "cold" and not has_long_run(self):
            raise ValueError(f"what such a {self.policy} cache holds in the long run is not known: say start: cold")
        return self

    def _sketch(self) -> None:
        """ValueError for what a sketch cannot do."""
        if self.renew or self.jitter or self.on_expiry != "none":
            raise ValueError(f"a {self.policy} has no entries: nothing to renew, and nothing to load")
        if self.policy == "bloom" and self.entries is None:
            raise ValueError("a bloom filter needs its room in entries; bits says how much memory each takes")
        if self.policy == "hyperloglog" and (self.bytes is None or self.bytes < 1):
            raise ValueError("a hyperloglog needs its room in bytes")
        if self.policy == "hyperloglog" and not self.ttl is self.bits is self.hashes is None:
            raise ValueError("a hyperloglog forgets nothing and has but registers: no ttl, bits or hashes")


def has_long_run(spec: CacheSpec) -> bool:
    """Whether there is a closed form for what such a cache holds in the long run, if loads take no time.

    Without a ttl the place of a random victim is refilled as that of the first in line would be, on average.
    """
    if spec.jitter or spec.on_expiry == "early":
        return False
    return {"lru": True, "fifo": not spec.renew, "random": spec.ttl is None}.get(spec.policy, False)


Entry: TypeAlias = tuple[float, float, float]
"""Fill time, expiry (s), size (B)."""


class Cache:
    """What is kept, and what became of the look-ups; `stream` is the key of all its draws. While it is `down`, it
    misses, and hears of neither fills nor drops; what it holds meanwhile is there afterwards, if it was not cleared.

    Counters: `lookups`, `hits`, `stale` of them (given after the ttl), `ages` (s) of what was given and the `oldest`,
    `fills` (that came in), `evictions` (for lack of room), `expirations` (found expired). `len(cache)` and `bytes` are
    what it holds, expired entries included; `occupancy(now)` counts the live ones.
    """

    def __init__(self, spec: CacheSpec, stream: int = 0) -> None:
        self.lookups = self.hits = self.stale = self.fills = self.evictions = self.expirations = 0
        self.drawn = 0
        self.bytes = self.ages = self.oldest = 0.0
        self.by_bytes = spec.bytes is not None
        capacity = spec.bytes if spec.bytes is not None else spec.entries
        assert capacity is not None
        self.capacity = float(capacity)
        self.ttl, self.jitter = math.inf if spec.ttl is None else float(spec.ttl), float(spec.jitter)
        self.policy, self.stream = spec.policy, stream
        self.line: Policy = POLICIES[spec.policy](stream)
        self.renews, self.has_long_run = spec.renew, has_long_run(spec)
        kind, grace = spec.on_expiry, math.inf if spec.grace is None else float(spec.grace)
        self.lease = float(spec.lease) if kind in ("single_flight", "stale") else 0.0
        self.grace = grace if kind == "stale" else 0.0
        self.early = spec.beta * float(spec.recompute or 0.0) if kind == "early" else 0.0
        self.down = False
        self.entries: dict[int, Entry] = {}
        self.due: set[int] = set()
        self.past: LongRun | None = None
        self.past_size = 1.0

    def __len__(self) -> int:
        return len(self.entries)

    def lookup(self, key: int, now: float, loading: bool = False) -> bool:
        """Whether `key` is there and live, or has expired and is given nevertheless, as another is `loading` it."""
        self.lookups += 1
        if self.down:
            return False
        entry = self.entries.get(key)
        if entry is None:
            if self.past is None or not self._recall(key, now):
                return False
            entry = self.entries[key]
        if now >= entry[1]:
            over = now >= entry[1] + self.grace
            if over or not loading:
                self.expirations += 1
                if over:
                    self._remove(key)
                return False
            self.stale += 1
        elif self.early and self._comes_early(entry[1], now):
            self.due.add(key)
            return False
        elif self.renews:
            self.entries[key] = (entry[0], now + self._lives(), entry[2])
        self.line.hit(key)
        self.hits += 1
        self.ages += now - entry[0]
        self.oldest = max(self.oldest, now - entry[0])
        return True

    def age(self, key: int, now: float) -> float:
        """Seconds since the fill of an entry that was just hit."""
        return now - self.entries[key][0]

    def fill(self, key: int, now: float, size: float = 1.0) -> None:
        """Put `key` in, `size` bytes; nothing if it is live already, too large, or the cache is down."""
        if self.down:
            return
        entry = self.entries.get(key)
        if entry is None:
            if self.past is not None and self._recall(key, now):
                return
        elif now < entry[1] and key not in self.due:
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
        self.fills += 1
        self._enter(key, (now, now + self._lives(), size))

    def drop(self, key: int) -> None:
        """Invalidate `key`; nothing if the cache is down."""
        if not self.down and key in self.entries:
            self._remove(key)
        elif not self.down and self.past is not None:
            self.past.forget(key)

    def clear(self) -> None:
        """Empty it."""
        self.entries.clear()
        self.due.clear()
        self.line = POLICIES[self.policy](self.stream)
        self.past = None
        self.bytes = 0.0

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
        keys = numbers.tolist()
        self.entries = dict(zip(keys, zip(fills.tolist(), expiries.tolist(), repeat(size)), strict=True))
        for key in keys:
            self.line.enter(key, False)
        self.bytes = float(np.full(len(keys), size).cumsum()[-1])  # rounded as one after the other

    def _comes_early(self, expiry: float, now: float) -> bool:
        """Whether one loads before the expiry: XFetch, by Vattani, Chierichetti and Lowenstein, Optimal probabilistic
        cache stampede prevention (VLDB 2015).
        """
        return bool(now - self.early * draws.log(draws.uniform(self.stream, self.lookups, 2)) >= expiry)

    def _lives(self) -> float:
        """The ttl (s) from this fill or hit on."""
        if not self.jitter:
            return self.ttl
        self.drawn += 1
        return float(self.ttl * (1.0 + self.jitter * (2.0 * draws.uniform(self.stream, self.drawn, 1) - 1.0)))

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
        self.due.discard(key)
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
