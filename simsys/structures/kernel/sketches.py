"""Sketches in compiled code: the bits of `structures/sketches.py`, in the words that are a hash table elsewhere.

A Bloom filter has `span` words for each of its two halves, of which number `young` takes keys; a HyperLogLog a word for
each register.
"""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.structures.kernel import state as of
from simsys.structures.kernel.state import HYPERLOGLOG


@part
def turn(cache: Any) -> None:
    """The young half is the old one, and the old one is young and empty."""
    cache.young = 1 - cache.young
    cache.in_old, cache.in_young = cache.in_young, 0
    for i in range(cache.young * cache.span, (1 + cache.young) * cache.span):
        of.slots(cache, i).v = 0


@apart
def knows(cache: Any, key: int, now: float) -> bool:
    """Whether all bits of a key are set in one of the halves."""
    if cache.policy == HYPERLOGLOG:
        return False
    if now >= cache.due:
        lasts = now < cache.due + cache.ttl
        turn(cache)
        if lasts:
            cache.due += cache.ttl
        else:
            turn(cache)
            cache.in_old = 0
            cache.due = now + cache.ttl
    for half in range(2):
        found = 0
        while found < cache.hashes:
            bit = int(draws.uniform(cache.luck, key, found) * cache.places)
            if (of.slots(cache, half * cache.span + (bit >> 6)).v >> (bit & 63)) & 1 == 0:
                break
            found += 1
        if found == cache.hashes:
            return True
    return False


@apart
def add(cache: Any, key: int, now: float) -> None:
    """Give it one more key."""
    if cache.policy == HYPERLOGLOG:
        place, rank = int(draws.uniform(cache.luck, key, 0) * cache.places), 1
        left = draws.uniform(cache.luck, key, 1)
        while left < 0.5:
            left, rank = left * 2.0, rank + 1
        register = of.slots(cache, place)
        register.v = max(register.v, rank)
        return
    if knows(cache, key, now):
        return
    if cache.in_young == cache.capacity:
        cache.evictions += cache.in_old
        turn(cache)
        cache.due = now + cache.ttl
    for i in range(cache.hashes):
        bit = int(draws.uniform(cache.luck, key, i) * cache.places)
        of.slots(cache, cache.young * cache.span + (bit >> 6)).v |= 1 << (bit & 63)
    cache.in_young += 1
