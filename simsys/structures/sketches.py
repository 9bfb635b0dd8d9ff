"""Caches that keep bits instead of keys: small, and sometimes wrong. No clock: calls are told the time (s).

A Bloom filter never forgets a key before its time, but takes a new one for an old one now and then; a HyperLogLog only
tells how many distinct keys it was given. The bits of a key are draws of a stream, the same in compiled code.

Sources: Bloom, Space/time trade-offs in hash coding with allowable errors, CACM 1970; Flajolet, Fusy, Gandouet and
Meunier, HyperLogLog, AofA 2007; the estimate is that of Ertl, New cardinality estimation algorithms for HyperLogLog
sketches, 2017, which needs no correction where keys are few.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simsys import draws

REGISTER = 6
"""Bits of a register: a draw has 52 digits, so that a rank is at most 53."""


class Memory(Protocol):
    """The bits of a sketch: whether it knows a key, one more key, how many it was given, and `bytes` of memory.

    `lost` counts keys that were forgotten before their time, for lack of room; `stream` is the key of its draws.
    """

    bytes: float
    lost: int
    stream: int

    def knows(self, key: int, now: float) -> bool: ...
    def add(self, key: int, now: float) -> None: ...
    def count(self, now: float) -> float: ...
    def clear(self) -> None: ...


class Bloom:
    """Two filters of `places` bits each: keys go into the young one. When that has `entries` keys, or its `ttl` (s) is
    over, it is the old one, and what was old is forgotten: a key is known for one ttl at least and for two at most.
    """

    def __init__(self, entries: int, bits: int, hashes: int, ttl: float, stream: int) -> None:
        self.entries, self.places, self.hashes, self.ttl, self.stream = entries, entries * bits, hashes, ttl, stream
        self.bytes, self.lost, self.due = 2 * self.places / 8, 0, ttl
        self.clear()

    def clear(self) -> None:
        self.young, self.old = bytearray(self.places), bytearray(self.places)
        self.in_young = self.in_old = 0

    def knows(self, key: int, now: float) -> bool:
        """Whether all bits of a key are set in one of the two."""
        self._age(now)
        bits = self._bits(key)
        return all(self.young[bit] for bit in bits) or all(self.old[bit] for bit in bits)

    def add(self, key: int, now: float) -> None:
        """Set the bits of a key, unless it is known."""
        if self.knows(key, now):
            return
        if self.in_young == self.entries:
            self.lost += self.in_old
            self._turn()
            self.due = now + self.ttl
        for bit in self._bits(key):
            self.young[bit] = 1
        self.in_young += 1

    def count(self, now: float) -> float:
        """The keys that were added and are not forgotten."""
        return remembered(self.in_young, self.in_old, now - self.due, self.ttl)

    def _bits(self, key: int) -> list[int]:
        return [int(draws.uniform(self.stream, key, i) * self.places) for i in range(self.hashes)]

    def _age(self, now: float) -> None:
        if now < self.due:
            return
        if now < self.due + self.ttl:
            self._turn()
            self.due += self.ttl
        else:
            self.clear()
            self.due = now + self.ttl

    def _turn(self) -> None:
        self.young, self.old = bytearray(self.places), self.young
        self.in_young, self.in_old = 0, self.in_young


class HyperLogLog:
    """As many registers of six bits, a power of two, as `room` bytes have place for; a register keeps the largest rank
    of its keys: the tosses of a coin up to the first head.
    """

    def __init__(self, room: float, stream: int) -> None:
        self.stream, self.lost = stream, 0
        self.registers = registers_in(room)
        self.bytes = self.registers * REGISTER / 8
        self.clear()

    def clear(self) -> None:
        self.ranks = [0] * self.registers

    def knows(self, key: int, now: float) -> bool:
        """It cannot tell."""
        return False

    def add(self, key: int, now: float) -> None:
        """Toss the coins of a key."""
        place, rank = int(draws.uniform(self.stream, key, 0) * self.registers), 1
        left = draws.uniform(self.stream, key, 1)
        while left < 0.5:
            left, rank = left * 2.0, rank + 1
        self.ranks[place] = max(self.ranks[place], rank)

    def count(self, now: float) -> float:
        """Its estimate of the distinct keys."""
        return distinct(np.array(self.ranks))


class Sketch:
    """A cache without entries, with the counters of one with: `lookups`, `hits`, `evictions` (keys lost for lack of
    room). It has no ages, and cannot drop a single key.
    """

    by_bytes, has_long_run = True, False

    def __init__(self, policy: str, memory: Memory) -> None:
        self.policy, self.memory = policy, memory
        self.lookups = self.hits = self.stale = self.fills = 0
        self.lease = self.ages = self.oldest = 0.0
        self.down = False

    @property
    def evictions(self) -> int:
        return self.memory.lost

    def lookup(self, key: int, now: float, loading: bool = False) -> bool:
        """Whether it takes `key` for one that it was given."""
        self.lookups += 1
        if self.down:
            return False
        known = self.memory.knows(key, now)
        self.hits += known
        return known

    def age(self, key: int, now: float) -> float:
        """It does not know: 0."""
        return 0.0

    def fill(self, key: int, now: float, size: float = 1.0) -> None:
        """Give it `key`; nothing if it is down."""
        if not self.down:
            self.memory.add(key, now)

    def drop(self, key: int) -> None:
        """Bits are shared by keys, so none can be taken out."""

    def clear(self) -> None:
        """Empty it."""
        self.memory.clear()

    def occupancy(self, now: float) -> float:
        """How many keys it holds, as far as it can tell."""
        return self.memory.count(now)

    def weight(self, now: float) -> float:
        """Its memory, in bytes."""
        return self.memory.bytes


def remembered(in_young: int, in_old: int, late: float, ttl: float) -> float:
    """The keys of both filters that are not forgotten, so many seconds after the young one should have become old."""
    return float(in_young + in_old if late < 0.0 else in_young if late < ttl else 0)


def registers_in(room: float) -> int:
    """The registers that so many bytes have place for: a power of two."""
    return 1 << (int(room * 8 / REGISTER).bit_length() - 1)


def distinct(ranks: NDArray[np.int64]) -> float:
    """How many distinct keys these registers have seen, with a standard error of 1.04/√registers."""
    registers = float(ranks.size)
    counts = np.bincount(ranks, minlength=2).tolist()
    z = registers * _sigma(counts[0] / registers) + math.fsum(n * 2.0**-rank for rank, n in enumerate(counts) if rank)
    return registers * registers / (2.0 * math.log(2.0) * z)


def _sigma(x: float) -> float:
    """x + Σ x^(2^k) 2^(k−1), for the registers that are empty."""
    if x == 1.0:
        return math.inf
    total, before, weight = x, -1.0, 1.0
    while total != before:
        x, before = x * x, total
        total += x * weight
        weight *= 2.0
    return total
