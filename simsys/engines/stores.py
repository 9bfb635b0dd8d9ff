"""The caches of a play as tables: how they are enlarged, emptied and counted."""

from __future__ import annotations

import numpy as np

from simsys.engines.layout import Layout
from simsys.measure.log import CacheCount
from simsys.structures.caches import Cache
from simsys.structures.kernel.state import CACHE
from simsys.structures.kernel.store import row_of, store_of
from simsys.structures.sketches import Sketch


class Stores:
    """The caches of a model: a row each, with the addresses of its entries and of its hash table."""

    def __init__(self, layout: Layout, caches: dict[str, Cache | Sketch]) -> None:
        layout.put("caches", np.concatenate([np.zeros(0, CACHE), *map(row_of, caches.values())]))
        self.rows = layout.tables["caches"]
        self.stores = [store_of(cache, self.rows[number:]) for number, cache in enumerate(caches.values())]
        self.names = list(caches)

    def enlarge(self, number: int) -> None:
        """Room for twice as many entries of a cache."""
        self.stores[number].enlarge()

    def clear(self, number: int) -> None:
        """Empty a cache; nothing of a warm start comes back."""
        self.stores[number].clear()

    def count(self, now: float) -> dict[str, CacheCount]:
        """The counters of every cache at `now`; the peak and the oldest begin anew."""
        counts = {}
        for name, row, store in zip(self.names, self.rows, self.stores, strict=True):
            weight = store.weight(now) if row["by_bytes"] else None
            counted = (row[what].item() for what in CacheCount._fields[:-2])
            counts[name] = CacheCount._make([*counted, store.occupancy(now), weight])
        for name in ("peak", "burst", "oldest"):
            self.rows[name] = 0
        return counts
