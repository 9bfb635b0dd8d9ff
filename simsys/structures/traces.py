"""Caches under a trace: an array of keys, each looked up, and filled at once on a miss.

`replay` plays one cache of any policy; `lru_misses` tells many sizes of LRU in one pass, and `belady` the least misses
that a policy could have which knows the future. Keys are integers, shape (n,); sizes bytes, shape (n,), and an entry
keeps the size of its fill.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simsys.structures.caches import CacheSpec, make_cache
from simsys.structures.kernel.loops import distances, farthest, play
from simsys.structures.kernel.state import NOBODY
from simsys.structures.kernel.store import row_of, store_of

Keys = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Missed = npt.NDArray[np.bool_]


def replay(
    spec: CacheSpec, keys: Keys, sizes: Floats | None = None, times: Floats | None = None, stream: int = 0
) -> Missed:
    """Which look-ups miss, shape (n,), in a cache that is empty at first.

    `sizes` are needed where the room is in bytes, `times` (s, rising) where there is a ttl; ValueError without them.
    """
    if (spec.bytes is not None and sizes is None) or (spec.ttl is not None and times is None):
        raise ValueError("a cache by bytes needs the sizes of a trace, and one with a ttl its times")
    keys = np.ascontiguousarray(keys, np.int64)
    weights = np.ones(keys.size) if sizes is None else np.ascontiguousarray(sizes, np.float64)
    moments = np.zeros(keys.size) if times is None else np.ascontiguousarray(times, np.float64)
    cache, missed, done = make_cache(spec, stream), np.zeros(keys.size, np.bool_), 0
    store = store_of(cache, row_of(cache))
    while (done := play(store.address, keys, weights, moments, missed, done)) < keys.size:
        store.enlarge()
    return missed


def lru_misses(entries: Sequence[int], keys: Keys) -> list[int]:
    """The misses of LRU caches with room for so many entries, all in one pass.

    Source: Mattson, Gecsei, Slutz and Traiger, Evaluation techniques for storage hierarchies, IBM Systems J. 1970.
    """
    behind = np.sort(distances(_neighbours(keys)[0]))
    return [int(keys.size - np.searchsorted(behind, room)) for room in entries]


def belady(capacity: float, keys: Keys, sizes: Floats | None = None) -> Missed:
    """Which look-ups miss where the one asked for again last of all leaves; the room in bytes if there are sizes, else
    in entries.

    No policy that keeps every key it misses has fewer misses if all are of one size; with sizes it is a mark, no bound.
    Source: Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems J. 1966.
    """
    before, after = _neighbours(keys)
    weights = np.ones(keys.size) if sizes is None else np.array(sizes, np.float64)
    missed = np.zeros(keys.size, np.bool_)
    if keys.size:
        farthest(before, after, weights, float(capacity), missed)
    return missed


def _neighbours(keys: Keys) -> tuple[Keys, Keys]:
    """The last look-up of the same key before each, or NOBODY, and the next after it, or n + its own number."""
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    before, after = np.full(keys.size, NOBODY), np.arange(keys.size, 2 * keys.size)
    before[order[1:][same]] = order[:-1][same]
    after[order[:-1][same]] = order[1:][same]
    return before, after
