"""Caches over arrays: the same rules as `structures/caches.py`, with a hash table by open addressing."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.draws.rows import prefetch
from simsys.structures.kernel import sketches
from simsys.structures.kernel import state as of
from simsys.structures.kernel.policies import enter_line, hit, leave_line, victim
from simsys.structures.kernel.state import BLOOM, FORGOTTEN, FREE, IN_CACHE, NOBODY
from simsys.structures.warm import past_entry

MIX = np.uint64(0x9E3779B97F4A7C15)
NUMBER = (1 << 32) - 1
"""The bits of a place in the table that tell an entry; those above are of its key's hash: few others are looked at, and
the search for a key begins where they say. So a table twice as long has the same order.
"""


@part
def mixed(key: int) -> int:
    """The hash of a key."""
    return int(np.int64(np.uint64(key) * MIX))


@part
def home(cache: Any, mixed: int) -> int:
    """Where in the table the search for a key with this hash, or for what stands there for it, begins."""
    return int(((mixed >> 32 & NUMBER) * (cache.mask + 1)) >> 32)


@part
def bring_near(cache: Any, key: int, soon: bool) -> None:
    """Bring near where the search for a key will begin, or if that is soon, the entry that stands there, if any."""
    place = of.slots(cache, home(cache, mixed(key)))
    if soon:
        prefetch(of.entry(cache, place.v & cache.mask), 0)
    else:
        prefetch(place, 0)


@part
def find(cache: Any, key: int) -> int:
    """The entry of a key, or NOBODY."""
    wanted = mixed(key)
    at = home(cache, wanted)
    while True:
        place = of.slots(cache, at).v
        if place == NOBODY:
            return NOBODY
        if (place ^ wanted) & ~NUMBER == 0 and of.entry(cache, place & NUMBER).key == key:
            return place & NUMBER
        at = (at + 1) & cache.mask


@part
def in_cache(cache: Any, key: int) -> int:
    """The entry of a key that is in the cache, or NOBODY."""
    entry = find(cache, key)
    return entry if entry != NOBODY and of.entry(cache, entry).state == IN_CACHE else NOBODY


@part
def put(cache: Any, key: int, fill: float, expiry: float, size: float, first: bool) -> None:
    """Add an entry to the line."""
    entry = find(cache, key)
    if entry == NOBODY:
        entry = new_entry(cache, key)
    one = of.entry(cache, entry)
    one.state, one.seen, one.due, one.fill, one.expiry, one.size = IN_CACHE, 0, 0, fill, expiry, size
    enter_line(cache, entry, first)
    cache.length += 1
    cache.bytes += size


@part
def new_entry(cache: Any, key: int) -> int:
    """A free entry, entered into the table under its key."""
    entry = cache.free
    if entry == NOBODY:
        entry = cache.used
        cache.used += 1
    else:
        cache.free = of.entry(cache, entry).before
    of.entry(cache, entry).key = key
    enter(cache, (mixed(key) & ~NUMBER) | entry)
    cache.keys += 1
    return entry


@part
def enter(cache: Any, place: int) -> None:
    """Enter an entry and its key's hash into the table, where there is nobody from its home on."""
    at = home(cache, place)
    while of.slots(cache, at).v != NOBODY:
        at = (at + 1) & cache.mask
    of.slots(cache, at).v = place


@part
def remove(cache: Any, entry: int) -> None:
    """Take an entry out; a warm start must not bring it back."""
    one = of.entry(cache, entry)
    leave_line(cache, entry)
    cache.bytes -= one.size
    cache.length -= 1
    if cache.past:
        one.state = FORGOTTEN
    else:
        delete(cache, entry)


@part
def delete(cache: Any, entry: int) -> None:
    """Strike an entry from the table and close the gap: those behind move up if their search passes it."""
    place = (mixed(of.entry(cache, entry).key) & ~NUMBER) | entry
    at = home(cache, place)
    while of.slots(cache, at).v != place:
        at = (at + 1) & cache.mask
    gap = at
    while True:
        at = (at + 1) & cache.mask
        other = of.slots(cache, at).v
        if other == NOBODY:
            break
        begin = home(cache, other)
        if ((at - begin) & cache.mask) >= ((at - gap) & cache.mask):
            of.slots(cache, gap).v = other
            gap = at
    of.slots(cache, gap).v = NOBODY
    gone = of.entry(cache, entry)
    gone.state, gone.before = FREE, cache.free
    cache.free = entry
    cache.keys -= 1


@apart
def recall(cache: Any, key: int, now: float) -> bool:
    """Bring in the entry that a key had at time 0, if it is still live."""
    if now >= cache.past_ttl:
        cache.past = 0
        return False
    if not 0 <= key < cache.past_keys or find(cache, key) != NOBODY:
        return False
    there, fill, expiry = past_entry(
        key, cache.zipf, cache.top, cache.past_ttl, cache.past_renew != 0, cache.stream
    )  # fmt: skip
    if not there or now >= expiry:
        return False
    put(cache, key, fill, expiry, cache.past_size, True)
    return True


@apart
def comes_early(cache: Any, expiry: float, now: float) -> bool:
    """Whether one loads before the expiry (XFetch)."""
    return now - cache.early * draws.log(draws.uniform(cache.luck, cache.lookups, 2)) >= expiry


@apart
def lives(cache: Any) -> float:
    """The ttl (s) from this fill or hit on."""
    if cache.jitter == 0.0:
        return cache.ttl
    cache.drawn += 1
    return cache.ttl * (1.0 + cache.jitter * (2.0 * draws.uniform(cache.luck, cache.drawn, 1) - 1.0))


@part
def sketched(cache: Any, key: int, now: float) -> int:
    """What a sketch answers to a look-up: the entry that stands for all keys, just filled, or NOBODY."""
    if not sketches.knows(cache, key, now):
        return NOBODY
    cache.hits += 1
    of.entry(cache, 0).fill = now
    return 0


@part
def load(cache: Any, now: float) -> None:
    """A look-up is told to load."""
    cache.loads += 1
    if int(now) != cache.second:
        cache.second, cache.burst = int(now), 0
    cache.burst += 1
    cache.peak = max(cache.peak, cache.burst)


@part
def lookup(cache: Any, key: int, now: float, loading: bool) -> int:
    """The entry of a key that is live, or has expired and is given as another is loading it; or NOBODY."""
    cache.lookups += 1
    if cache.down:
        return NOBODY
    if cache.policy >= BLOOM:
        return sketched(cache, key, now)
    entry = in_cache(cache, key)
    if entry == NOBODY:
        if not cache.past or not recall(cache, key, now):
            return NOBODY
        entry = find(cache, key)
    one = of.entry(cache, entry)
    if now >= one.expiry:
        over = now >= one.expiry + cache.grace
        if over:
            remove(cache, entry)
        if over or not loading:
            return NOBODY
        cache.stale += 1
    elif cache.early > 0.0 and comes_early(cache, one.expiry, now):
        one.due = 1
        return NOBODY
    elif cache.renew:
        one.expiry = now + lives(cache)
    hit(cache, entry)
    cache.hits += 1
    cache.ages += now - one.fill
    cache.oldest = max(cache.oldest, now - one.fill)
    return entry


@part
def fill(cache: Any, key: int, now: float, size: float) -> None:
    """Put a key in; nothing if it is live already, too large, or the cache is down."""
    if cache.down:
        return
    if cache.policy >= BLOOM:
        sketches.add(cache, key, now)
        return
    entry = in_cache(cache, key)
    if entry == NOBODY:
        if cache.past and recall(cache, key, now):
            return
    elif now < of.entry(cache, entry).expiry and not of.entry(cache, entry).due:
        return
    else:
        remove(cache, entry)
    if cache.by_bytes:
        if size > cache.capacity:
            return
        while cache.length > 0 and cache.bytes + size > cache.capacity:
            evict(cache)
    else:
        while cache.length + 1 > cache.capacity:
            evict(cache)
    cache.fills += 1
    put(cache, key, now, now + lives(cache), size, False)


@part
def evict(cache: Any) -> None:
    remove(cache, victim(cache))
    cache.evictions += 1
    if cache.first != NOBODY:
        following = of.entry(cache, cache.first)
        bring_near(cache, following.key, False)
        prefetch(of.entry(cache, following.link), 0)


@part
def drop(cache: Any, key: int) -> None:
    """Invalidate a key; a sketch cannot, nor a cache that is down."""
    if cache.policy >= BLOOM or cache.down:
        return
    entry = find(cache, key)
    if entry == NOBODY:
        if cache.past:
            entry = new_entry(cache, key)
            of.entry(cache, entry).state = FORGOTTEN
    elif of.entry(cache, entry).state == IN_CACHE:
        remove(cache, entry)


@part
def is_short(cache: Any) -> bool:
    """Whether one more entry might find no room."""
    return (cache.free == NOBODY and cache.used >= cache.room) or 2 * cache.keys > cache.mask
