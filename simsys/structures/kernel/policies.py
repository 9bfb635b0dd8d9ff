"""Who leaves a cache, in compiled code: the policies of `structures/policies.py`.

The line is a linked list, the first is the oldest; `seen` says that an entry was hit, to the policies that ask. Where
the policy is random, the line is an array of places.
"""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.structures.kernel import state as of
from simsys.structures.kernel.state import CLOCK, LRU, NOBODY, RANDOM, SIEVE


@part
def enter_line(cache: Any, entry: int, first: bool) -> None:
    """Add an entry to the line, at its end or as the first."""
    if cache.policy == RANDOM:
        take_place(cache, entry, cache.length)
    elif first:
        to_front(cache, entry)
    else:
        to_end(cache, entry)


@part
def leave_line(cache: Any, entry: int) -> None:
    """Take an entry out of the line."""
    if cache.policy == RANDOM:
        place, last = of.entry(cache, entry).before, of.entry(cache, cache.length - 1).link
        take_place(cache, last, place)
    else:
        unlink(cache, entry)


@part
def hit(cache: Any, entry: int) -> None:
    if cache.policy == LRU:
        if cache.last != entry:
            unlink(cache, entry)
            to_end(cache, entry)
    elif cache.policy == CLOCK or cache.policy == SIEVE:
        of.entry(cache, entry).seen = 1


@part
def victim(cache: Any) -> int:
    """The entry that has to leave; there is one."""
    if cache.policy <= of.FIFO:
        return cache.first
    return search(cache)


@apart
def search(cache: Any) -> int:
    if cache.policy == RANDOM:
        place = int(draws.uniform(cache.luck, cache.evictions, 0) * cache.length)
        return of.entry(cache, place).link
    entry = cache.first if cache.hand == NOBODY else cache.hand
    while of.entry(cache, entry).seen:
        one = of.entry(cache, entry)
        one.seen = 0
        following = cache.first if one.link == NOBODY else one.link
        if cache.policy == CLOCK and cache.last != entry:
            unlink(cache, entry)
            to_end(cache, entry)
        entry = following
    if cache.policy == SIEVE:
        cache.hand = entry
    return entry


@part
def take_place(cache: Any, entry: int, place: int) -> None:
    of.entry(cache, place).link = entry
    of.entry(cache, entry).before = place


@part
def unlink(cache: Any, entry: int) -> None:
    """Take an entry out of the list; a hand that points to it goes on to the next."""
    one = of.entry(cache, entry)
    if cache.hand == entry:
        cache.hand = one.link
    if one.before == NOBODY:
        cache.first = one.link
    else:
        of.entry(cache, one.before).link = one.link
    if one.link == NOBODY:
        cache.last = one.before
    else:
        of.entry(cache, one.link).before = one.before


@part
def to_end(cache: Any, entry: int) -> None:
    one = of.entry(cache, entry)
    one.before, one.link = cache.last, NOBODY
    if cache.last == NOBODY:
        cache.first = entry
    else:
        of.entry(cache, cache.last).link = entry
    cache.last = entry


@part
def to_front(cache: Any, entry: int) -> None:
    one = of.entry(cache, entry)
    one.before, one.link = NOBODY, cache.first
    if cache.first == NOBODY:
        cache.last = entry
    else:
        of.entry(cache, cache.first).before = entry
    cache.first = entry
