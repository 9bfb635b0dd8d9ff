"""The memory of a cache in compiled code: its row, its entries and its hash table, which grow as they fill."""

from __future__ import annotations

from math import fsum
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from simsys.draws import compiled
from simsys.draws.rows import longer, zeros
from simsys.structures.caches import Cache
from simsys.structures.kernel import table
from simsys.structures.kernel.bits import Bits, bits_row
from simsys.structures.kernel.state import CACHE, ENTRY, IN_CACHE, NOBODY, POLICIES, RANDOM, cache_at
from simsys.structures.sketches import Sketch

Array = npt.NDArray[Any]
ROOM = 64


class Store:
    """A cache that lives in `rows`, a table of one row, at `address`."""

    def __init__(self, cache: Cache, rows: Array) -> None:
        self.cache, self.row, self.address = cache, rows[0], rows.ctypes.data
        self.entries = entries_of(cache)
        self.slots = places_of(self.entries["key"])
        self.enlarge()

    def enlarge(self) -> None:
        """Room for twice as many entries."""
        self.entries = longer(self.entries, max(ROOM, len(self.entries)))
        self._hash(self.slots)

    def clear(self) -> None:
        """Empty it; nothing of a warm start comes back."""
        for name, value in (("used", 0), ("keys", 0), ("length", 0), ("bytes", 0.0), ("past", 0)):
            self.row[name] = value
        for name in ("first", "last", "free", "hand"):
            self.row[name] = NOBODY
        self._hash(self.slots[:0])

    def weight(self, now: float) -> float:
        """Bytes of live entries, as `Cache.weight` adds them up."""
        used = self.entries[: self.row["used"]]
        live = fsum(used["size"][(used["state"] == IN_CACHE) & (now < used["expiry"])].tolist())
        past = self.cache.past
        return live + (past.expected(now) * self.cache.past_size if self.row["past"] and past is not None else 0.0)

    def _hash(self, places: Array) -> None:
        """A new hash table, with these places of an older one."""
        row, entries = self.row, self.entries
        self.slots = np.full(1 << (2 * len(entries) - 1).bit_length(), NOBODY)
        row["at_entries"], row["at_slots"] = entries.ctypes.data, self.slots.ctypes.data
        row["room"], row["mask"] = len(entries), len(self.slots) - 1
        enter_all(self.address, places)

    def occupancy(self, now: float) -> float:
        """Live entries, as `Cache.occupancy` counts them."""
        used = self.entries[: self.row["used"]]
        live = int(((used["state"] == IN_CACHE) & (now < used["expiry"])).sum())
        past = self.cache.past
        return live + (past.expected(now) if self.row["past"] and past is not None else 0.0)


@compiled(numba.void(numba.int64, numba.int64[::1]))
def enter_all(address: int, places: Array) -> None:
    """Enter these places, but for those of nobody, into the hash table of the cache at `address`."""
    cache = cache_at(address)
    for place in places:
        if place != NOBODY:
            table.enter(cache, place)


def store_of(cache: Cache | Sketch, rows: Array) -> Store | Bits:
    """Where a cache lives in compiled code, in the first of these rows."""
    return Bits(cache, rows) if isinstance(cache, Sketch) else Store(cache, rows)


def row_of(cache: Cache | Sketch) -> Array:
    """A table of one row: the rules of a cache, and what it holds."""
    if isinstance(cache, Sketch):
        return bits_row(cache)
    rows, count = np.zeros(1, CACHE), len(cache)
    row, past = rows[0], cache.past
    row["by_bytes"], row["policy"], row["renew"] = cache.by_bytes, POLICIES.index(cache.policy), cache.renews
    row["ttl"], row["capacity"], row["bytes"], row["luck"] = cache.ttl, cache.capacity, cache.bytes, cache.stream
    for name in ("jitter", "lease", "grace", "early"):
        row[name] = getattr(cache, name)
    row["down"], row["lookups"], row["hits"] = cache.down, cache.lookups, cache.hits
    row["evictions"] = cache.evictions
    row["length"] = row["used"] = row["keys"] = count
    row["free"] = row["hand"] = NOBODY
    row["first"], row["last"] = 0 if count else NOBODY, count - 1
    if past is not None:
        row["past"], row["past_keys"], row["past_renew"] = 1, past.popularity.keys, past.renew
        row["stream"], row["past_ttl"], row["past_size"] = past.stream, past.ttl, cache.past_size
        row["zipf"], row["top"] = past.popularity.zipf, past.top
    return rows


def entries_of(cache: Cache) -> Array:
    """What a cache holds, first in line first; for the hits and the hand of its policy it must be new."""
    entries = zeros((len(cache),), ENTRY)
    if len(cache):
        entries["key"] = np.fromiter(cache.entries, np.int64)
        entries["fill"], entries["expiry"], entries["size"] = np.array(list(cache.entries.values())).T
        places = np.arange(len(cache))
        entries["link"], entries["before"] = places + 1, places - 1
        entries["link"][-1] = NOBODY
        if POLICIES.index(cache.policy) == RANDOM:
            entries["link"] = entries["before"] = places
    return entries


def places_of(keys: Array) -> Array:
    """What stands in a hash table for entries with these keys."""
    hashed = keys.astype(np.uint64) * table.MIX
    hashed &= np.uint64(~table.NUMBER & (1 << 64) - 1)
    return (hashed | np.arange(len(keys), dtype=np.uint64)).view(np.int64)
