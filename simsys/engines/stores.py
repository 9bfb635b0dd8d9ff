"""The caches of a play as tables: how they are filled, enlarged, emptied and counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys.engines.kernel.caches import IN_CACHE
from simsys.engines.kernel.entry import enter_all
from simsys.engines.kernel.state import CACHE, ENTRY, NOBODY
from simsys.engines.layout import Array, Layout, filled, longer
from simsys.measure.log import CacheCount
from simsys.structures.caches import Cache

ROOM = 64


class Stores:
    """The caches of a model: a row each, with the addresses of its entries and of its hash table."""

    def __init__(self, layout: Layout, caches: dict[str, Cache]) -> None:
        self.layout, self.caches = layout, caches
        layout.put("caches", filled(CACHE, [row_of(cache) for cache in caches.values()]))
        self.rows = layout.tables["caches"]
        self.entries, self.slots = (
            [entries_of(cache) for cache in caches.values()],
            [np.zeros(0, np.int64) for _ in caches],
        )
        for number in range(len(caches)):
            self.enlarge(number)

    def enlarge(self, number: int) -> None:
        """Room for twice as many entries of a cache."""
        entries = longer(self.entries[number], max(ROOM, len(self.entries[number])))
        self.entries[number] = entries
        self._hash(number)

    def _hash(self, number: int) -> None:
        row, entries = self.rows[number], self.entries[number]
        slots = np.full(1 << (2 * len(entries)).bit_length(), NOBODY)
        self.slots[number] = slots
        row["at_entries"], row["at_slots"] = entries.ctypes.data, slots.ctypes.data
        row["room"], row["mask"] = len(entries), len(slots) - 1
        enter_all(self.layout.address, number)

    def clear(self, number: int) -> None:
        """Empty a cache; nothing of a warm start comes back."""
        row = self.rows[number]
        for name, value in (("used", 0), ("keys", 0), ("length", 0), ("bytes", 0.0), ("past", 0)):
            row[name] = value
        row["first"] = row["last"] = row["free"] = NOBODY
        self._hash(number)

    def count(self, now: float) -> dict[str, CacheCount]:
        """The counters of every cache at `now`."""
        counts = {}
        for name, cache, row, entries in zip(self.caches, self.caches.values(), self.rows, self.entries, strict=True):
            used = entries[: row["used"]]
            live = int(((used["state"] == IN_CACHE) & (now < used["expiry"])).sum())
            past = cache.past.expected(now) if row["past"] and cache.past is not None else 0.0
            counts[name] = CacheCount(int(row["lookups"]), int(row["hits"]), int(row["evictions"]), live + past)
        return counts


def row_of(cache: Cache) -> dict[str, Any]:
    """The row of a cache: its rules, and what it holds."""
    count = len(cache)
    row = {
        "by_bytes": cache.by_bytes,
        "fifo": cache.fifo,
        "renew": cache.renews,
        "down": cache.down,
        "ttl": cache.ttl,
        "capacity": cache.capacity,
        "bytes": cache.bytes,
        "length": count,
        "used": count,
        "keys": count,
        "free": NOBODY,
        "first": 0 if count else NOBODY,
        "last": count - 1,
        "lookups": cache.lookups,
        "hits": cache.hits,
        "evictions": cache.evictions,
    }
    past = cache.past
    if past is not None:
        row |= {
            "past": 1,
            "past_keys": past.popularity.keys,
            "past_renew": past.renew,
            "stream": past.stream,
            "past_ttl": past.ttl,
            "past_size": cache.past_size,
            "zipf": past.popularity.zipf,
            "top": past.top,
        }
    return row


def entries_of(cache: Cache) -> Array:
    """What a cache holds, first in line first."""
    entries = np.zeros(len(cache), ENTRY)
    if len(cache):
        entries["key"] = np.fromiter(cache.entries, np.int64)
        entries["fill"], entries["expiry"], entries["size"] = np.array(list(cache.entries.values())).T
        entries["link"], entries["before"] = np.arange(1, len(cache) + 1), np.arange(-1, len(cache) - 1)
        entries["link"][-1] = NOBODY
    return entries
