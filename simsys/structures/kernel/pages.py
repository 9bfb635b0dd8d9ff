"""A B-tree in compiled code: pages as rows of arrays, each with room for one entry more than it may hold.

`keys` are those of the entries of a leaf, or the least keys behind all links of an inner page but the first; `links`
are values of a leaf, or children. `place` has the numbers below.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys.draws import compiled
from simsys.draws.rows import prefetch
from simsys.structures.kernel.runs import NOTHING

DEEPEST, AHEAD, FEW, LINE = 64, 8, 64, 64
"""Levels at most; keys whose leaves are sought at once; keys that are counted at once; bytes of a line of memory."""
ROOT, HEIGHT, USED, LEAVES, LENGTH, READ, WRITTEN = range(7)
"""The root; levels of pages; pages, leaves and entries that there are; pages read and written so far."""
LAST = -1
"""The leaf after the last one. After an inner page there is NOTHING."""
PAGES = "int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1]"


@compiled("int64(int64[::1], int64, int64)", inline=True)
def below(keys: Any, count: int, key: int) -> int:
    """How many of the first `count` keys are below a key: by halves, and the last few one after the other."""
    low = 0
    while count > FEW:
        half = (count + 1) >> 1
        low += half * (keys[np.uint64(low + half - 1)] < key)
        count -= half
    more = 0
    for i in range(low, low + count):
        more += keys[np.uint64(i)] < key
    return low + more


@compiled(f"int64({PAGES}, int64, int64[::1], int64[::1])", inline=True)
def descend(keys: Any, links: Any, counts: Any, after: Any, place: Any, key: int, pages: Any, slots: Any) -> int:
    """Find the leaf of a key: `pages` from the root to it, and the link that leads on from each."""
    page, depth = place[ROOT], place[HEIGHT] - 1
    for i in range(depth):
        slot = below(keys[page], counts[page], key + 1)
        pages[i], slots[i] = page, slot
        page = links[page, slot]
    pages[depth] = page
    return int(page)


@compiled("void(int64[:, ::1], int64[:, ::1], int64)", inline=True)
def approach(keys: Any, links: Any, page: int) -> None:
    """Bring a page near, before it is needed."""
    entries, others = np.int64(keys[page].ctypes.data), np.int64(links[page].ctypes.data)
    for i in range(0, 8 * keys.shape[1], LINE):
        prefetch(entries, i)
        prefetch(others, i)


@compiled(f"int64({PAGES}, int64, int64, float64, int64[::1], int64[::1], int64, int64[:, ::1], int64[:, ::1])")
def put(
    keys: Any, links: Any, counts: Any, after: Any, place: Any,
    leaf: int, inner: int, stays: float, new: Any, values: Any, first: int, ways: Any, turns: Any,
) -> int:  # fmt: skip
    """Write entries from number `first` on, until there might be too few pages for the next; where that was.

    Leaves are far from the processor, so those of `AHEAD` keys are sought together, with room for their `ways` and the
    `turns` on them; a split ends what was found.
    """
    begin = end = first
    for n in range(first, new.size):
        if place[USED] + place[HEIGHT] + 1 > counts.size:
            return n
        if n == end:
            begin, end = n, min(n + AHEAD, new.size)
            for i in range(end - begin):
                page = descend(keys, links, counts, after, place, new[begin + i], ways[i], turns[i])
                approach(keys, links, page)
        pages, slots = ways[n - begin], turns[n - begin]
        depth, room = place[HEIGHT] - 1, leaf
        page = pages[depth]
        at = below(keys[page], counts[page], new[n])
        place[READ] += depth + 1
        place[WRITTEN] += 1
        if at < counts[page] and keys[page, at] == new[n]:
            links[page, at] = values[n]
            continue
        insert(keys[page], links[page], counts[page], at, new[n], values[n])
        counts[page] += 1
        place[LENGTH] += 1
        while counts[page] > room:
            end = n + 1
            is_leaf = depth == place[HEIGHT] - 1
            kept = counts[page] >> 1
            if is_leaf and after[page] < 0 and at == counts[page] - 1:
                kept = min(max(int(stays * room), 1), room)
            right = place[USED]
            place[USED] += 1
            place[WRITTEN] += 2
            middle = split(keys, links, counts, page, right, kept, is_leaf)
            if is_leaf:
                place[LEAVES] += 1
                after[right], after[page] = after[page], right
            if depth == 0:
                root = place[USED]
                place[USED] += 1
                place[HEIGHT] += 1
                keys[root, 0], links[root, 0], links[root, 1], counts[root] = middle, page, right, 1
                place[ROOT], after[root] = root, NOTHING
                break
            depth -= 1
            page, room = pages[depth], inner
            insert(keys[page], links[page, 1:], counts[page], slots[depth], middle, right)
            counts[page] += 1
    return int(new.size)


@compiled("void(int64[::1], int64[::1], int64, int64, int64, int64)", inline=True)
def insert(keys: Any, links: Any, count: int, at: int, key: int, link: int) -> None:
    """Move what stands from a place on, and put a key and a link there."""
    for i in range(count, at, -1):
        keys[np.uint64(i)] = keys[np.uint64(i - 1)]
    for i in range(count, at, -1):
        links[np.uint64(i)] = links[np.uint64(i - 1)]
    keys[at], links[at] = key, link


@compiled("int64(int64[:, ::1], int64[:, ::1], int64[::1], int64, int64, int64, boolean)")
def split(keys: Any, links: Any, counts: Any, page: int, right: int, kept: int, is_leaf: bool) -> int:
    """Move all but the first `kept` entries to a new page; the least key behind it, which an inner page gives up."""
    begin = kept if is_leaf else kept + 1
    moved = counts[page] - begin
    for i in range(moved):
        keys[right, i], links[right, i] = keys[page, begin + i], links[page, begin + i]
    if not is_leaf:
        links[right, moved] = links[page, counts[page]]
    middle = keys[page, kept]
    counts[page], counts[right] = kept, moved
    return int(middle)


@compiled(f"int64[::1]({PAGES}, int64[::1])")
def get(keys: Any, links: Any, counts: Any, after: Any, place: Any, wanted: Any) -> Any:
    """The values of keys, NOTHING for those that are not there."""
    pages, slots = np.empty(DEEPEST, np.int64), np.empty(DEEPEST, np.int64)
    out = np.full(wanted.size, NOTHING)
    for n in range(wanted.size):
        page = descend(keys, links, counts, after, place, wanted[n], pages, slots)
        place[READ] += place[HEIGHT]
        at = below(keys[page], counts[page], wanted[n])
        if at < counts[page] and keys[page, at] == wanted[n]:
            out[n] = links[page, at]
    return out


@compiled(f"UniTuple(int64[::1], 2)({PAGES}, int64, int64)")
def scan(keys: Any, links: Any, counts: Any, after: Any, place: Any, first: int, most: int) -> Any:
    """Up to `most` keys from `first` on in order, and their values."""
    pages, slots = np.empty(DEEPEST, np.int64), np.empty(DEEPEST, np.int64)
    most = min(most, place[LENGTH])
    found, values = np.empty(most, np.int64), np.empty(most, np.int64)
    page, n = descend(keys, links, counts, after, place, first, pages, slots), 0
    place[READ] += place[HEIGHT]
    at = below(keys[page], counts[page], first)
    while n < most:
        if at == counts[page]:
            page, at = after[page], 0
            if page < 0:
                break
            place[READ] += 1
            continue
        found[n], values[n] = keys[page, at], links[page, at]
        at, n = at + 1, n + 1
    return found[:n], values[:n]
