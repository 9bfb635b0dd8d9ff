"""Whole traces in compiled code: through a cache, through the best there could be, and through all sizes of LRU."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from simsys.draws import compiled
from simsys.structures.kernel import table
from simsys.structures.kernel.state import NOBODY, cache_at

NEVER = 1 << 62


@compiled("int64(int64, int64[::1], float64[::1], float64[::1], boolean[::1], int64)")
def play(address: int, keys: Any, sizes: Any, times: Any, missed: Any, first: int) -> int:
    """Look up the keys from number `first` on and fill at once on a miss, until there is no room; where that was."""
    cache = cache_at(address)
    for i in range(first, keys.size):
        if table.is_short(cache):
            return i
        if table.lookup(cache, keys[i], times[i], False) == NOBODY:
            missed[i] = True
            table.fill(cache, keys[i], times[i], sizes[i])
    return int(keys.size)


@compiled("void(int64[::1], int64[::1], float64[::1], float64, boolean[::1])")
def farthest(before: Any, after: Any, sizes: Any, capacity: float, missed: Any) -> None:
    """Evict what is asked for again last of all. An entry is known by its last look-up, `kept` while it is in; who is
    never asked for again stands in `after` with a number of its own, from the number of look-ups on.
    """
    count, occupied = before.size, 0.0
    kept = np.zeros(count, np.bool_)
    line = [-after[0]]
    line.pop()
    for i in range(count):
        last = before[i]
        if last != NOBODY and kept[last]:
            kept[last] = False
            sizes[i] = sizes[last]
        else:
            missed[i] = True
            if sizes[i] > capacity:
                continue
            while occupied + sizes[i] > capacity:
                due = -heapq.heappop(line)
                victim = before[due] if due < count else due - count
                if kept[victim]:
                    kept[victim] = False
                    occupied -= sizes[victim]
            occupied += sizes[i]
        kept[i] = True
        heapq.heappush(line, -after[i])


@compiled("int64[::1](int64[::1])")
def distances(before: Any) -> Any:
    """How many other keys were asked for since a key's last look-up; NEVER if there was none.

    A Fenwick tree counts the look-ups that are the last of their key so far.
    """
    count = before.size
    tree, out = np.zeros(count + 1, np.int64), np.full(count, NEVER)
    distinct = 0
    for i in range(count):
        last = before[i]
        if last == NOBODY:
            distinct += 1
        else:
            older, at = 0, last + 1
            while at > 0:
                older += tree[at]
                at &= at - 1
            out[i] = distinct - older
            at = last + 1
            while at <= count:
                tree[at] -= 1
                at += at & -at
        at = i + 1
        while at <= count:
            tree[at] += 1
            at += at & -at
    return out
