"""A B-tree behind a buffer pool and a log, in compiled code: what each request reads and writes.

Pages that are in memory stand in a line, who was used last at its end; those that are changed in another, who was
changed first at its beginning. Both are rings of frames, linked by the rows of `frames`; frame n + 1 is that of page n,
and 0 is where both begin. `image` is what is on the device, a row per page: keys in it, the next leaf, the length of
the log when it was written, keys, links. `log` has the records since the oldest change that is not on the device.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simsys.draws import compiled
from simsys.draws.parts import apart, part
from simsys.draws.rows import NOBODY
from simsys.structures.kernel import pages as of
from simsys.structures.kernel.runs import NOTHING

OLDER, NEWER, SOONER, LATER, SINCE = range(5)
"""Rows of `frames`: neighbours in the line of use; in that of changes; the length of the log at the first of them."""
LOOK, WRITE, SCAN, ERASE = range(4)
TOUCHED, MISSED, EVICTED, FLUSHED, LOGGED = range(5)
"""Counts of a request: pages; pages read; pages written to make room, and by checkpoints; bytes of the log."""
POOL, LIMIT, FUZZY, KEPT, ENTRY, LINK, RECORD = range(7)
"""Rules: pages in memory; bytes of log per checkpoint, or since the oldest change where that is FUZZY; whether there is
a log; bytes of an entry, of a link, and of what else is in a record."""
HELD, CHANGES, END, AT, CHECKPOINTS, BEGIN, USED, ROOT, HEIGHT, FORCED = range(10)
"""Pages in memory; changes; length of the log (bytes), and at the last checkpoint; checkpoints; records in use; on the
device the root and the height, and the length of the log that must be there, as a page that is there is of then."""
PUT, NEW, CUT, TOP = range(4)
"""Records: (kind, page, key, link, end, change): an entry, or a link and the least key behind it; a new page, whether
it is a leaf, and its first link; from which key on all is gone; the root and the height."""
FIELDS, BEFORE = 6, 3


class Store(NamedTuple):
    """All that a request may change."""

    keys: Any
    links: Any
    counts: Any
    after: Any
    place: Any
    frames: Any
    image: Any
    log: Any
    rules: Any
    state: Any


@part
def leave(frames: Any, line: int, frame: int) -> None:
    """Leave a line."""
    before, behind = frames[line, frame], frames[line + 1, frame]
    frames[line + 1, before], frames[line, behind], frames[line, frame] = behind, before, NOBODY


@part
def join(frames: Any, line: int, frame: int) -> None:
    """Be the last of a line."""
    last = frames[line, 0]
    frames[line + 1, last], frames[line, 0] = frame, frame
    frames[line, frame], frames[line + 1, frame] = last, 0


@apart
def save(store: Store, frame: int) -> None:
    """Write a changed page to where it belongs; its log must be there first."""
    leave(store.frames, SOONER, frame)
    page, row = frame - 1, store.image[frame - 1]
    count, begin = store.counts[page], BEFORE + store.keys.shape[1]
    row[0], row[1], row[2] = count, store.after[page], store.state[END]
    for i in range(count):
        row[BEFORE + i] = store.keys[page, i]
    for i in range(count + 1):
        row[begin + i] = store.links[page, i]
    store.state[FORCED] = store.state[END]
    if page == store.place[of.ROOT]:
        store.state[ROOT], store.state[HEIGHT] = page, store.place[of.HEIGHT]


@apart
def use(store: Store, page: int, is_new: bool, told: Any) -> None:
    """Have a page in memory, if need be in the place of the one that was used longest ago."""
    frames, state, frame = store.frames, store.state, page + 1
    if frames[OLDER, frame] != NOBODY:
        leave(frames, OLDER, frame)
    else:
        told[MISSED] += not is_new
        state[HELD] += 1
        if state[HELD] > store.rules[POOL]:
            victim = frames[NEWER, 0]
            leave(frames, OLDER, victim)
            state[HELD] -= 1
            if frames[SOONER, victim] != NOBODY:
                save(store, victim)
                told[EVICTED] += 1
    join(frames, OLDER, frame)


@apart
def soil(store: Store, page: int, is_new: bool, since: int, told: Any) -> None:
    """Let a page be changed in memory since the log had some length."""
    use(store, page, is_new, told)
    if store.frames[SOONER, page + 1] == NOBODY:
        store.frames[SINCE, page + 1] = since
        join(store.frames, SOONER, page + 1)


@apart
def record(store: Store, kind: int, page: int, key: int, link: int, size: int) -> None:
    """Append to the log."""
    state = store.state
    state[END] += size
    if store.rules[KEPT]:
        row = store.log[state[USED]]
        row[0], row[1], row[2], row[3], row[4], row[5] = kind, page, key, link, state[END], state[CHANGES]
        state[USED] += 1


@apart
def record_page(store: Store, page: int, is_leaf: bool) -> None:
    """Append a new page and all that is in it."""
    size = store.rules[RECORD] + (store.rules[ENTRY] if is_leaf else store.rules[LINK])
    record(store, NEW, page, is_leaf, store.links[page, 0], store.rules[RECORD])
    for i in range(store.counts[page]):
        record(store, PUT, page, store.keys[page, i], store.links[page, i + (not is_leaf)], size)


@apart
def checkpoint(store: Store, told: Any) -> None:
    """Write changed pages where the log is too long: all, or those that were changed first; the log begins later."""
    frames, state, limit = store.frames, store.state, store.rules[LIMIT]
    if store.rules[FUZZY]:
        while frames[LATER, 0] and state[END] - frames[SINCE, frames[LATER, 0]] > limit:
            save(store, frames[LATER, 0])
            told[FLUSHED] += 1
    elif state[END] - state[AT] > limit:
        while frames[LATER, 0]:
            save(store, frames[LATER, 0])
            told[FLUSHED] += 1
        state[AT] = state[END]
        state[CHECKPOINTS] += 1
    oldest = frames[SINCE, frames[LATER, 0]] if frames[LATER, 0] else state[END]
    while state[BEGIN] < state[USED] and store.log[state[BEGIN], 4] <= oldest:
        state[BEGIN] += 1


@part
def alive(values: Any) -> int:
    """How many of these entries are no ghosts."""
    count = 0
    for value in values:
        count += value != NOTHING
    return count


ARRAYS = f"{of.PAGES}, int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1], int64[::1]"


@compiled(f"int64({ARRAYS}, int64, int64, float64, int64[::1], int64[::1], int64[::1], int64, int64[:, ::1])")
def play(
    keys: Any, links: Any, counts: Any, after: Any, place: Any,
    frames: Any, image: Any, log: Any, rules: Any, state: Any,
    leaf: int, inner: int, stays: float, kinds: Any, wanted: Any, lengths: Any, first: int, out: Any,
) -> int:  # fmt: skip
    """Play requests from number `first` on, until there might be no room for the next; where that was.

    A change writes its number, one that deletes its key leaves a ghost.
    """
    store = Store(keys, links, counts, after, place, frames, image, log, rules, state)
    way, slots, value = np.empty(of.DEEPEST, np.int64), np.empty(of.DEEPEST, np.int64), np.empty(1, np.int64)
    ways, turns = np.empty((of.AHEAD, of.DEEPEST), np.int64), np.empty((of.AHEAD, of.DEEPEST), np.int64)
    for n in range(first, kinds.size):
        deep = place[of.HEIGHT]
        if place[of.USED] + deep + 1 > counts.size or state[USED] + (deep + 1) * (keys.shape[1] + 3) > log.shape[0]:
            return n
        told, begin = out[n], state[END]
        page = of.descend(keys, links, counts, after, place, wanted[n], way, slots)
        for i in range(deep):
            use(store, way[i], False, told)
        told[TOUCHED] = deep
        if kinds[n] == SCAN:
            at = of.below(keys[page], counts[page], wanted[n])
            left = lengths[n] - alive(links[page, at : counts[page]])
            while left > 0 and after[page] >= 0:
                page = after[page]
                use(store, page, False, told)
                told[TOUCHED] += 1
                left -= alive(links[page, : counts[page]])
        elif kinds[n] != LOOK:
            state[CHANGES] += 1
            value[0] = NOTHING if kinds[n] == ERASE else state[CHANGES]
            used, written = place[of.USED], place[of.WRITTEN]
            of.put(keys, links, counts, after, place, leaf, inner, stays, wanted[n : n + 1], value, 0, ways, turns)
            splits = (place[of.WRITTEN] - written) >> 1
            record(store, PUT, page, wanted[n], value[0], rules[RECORD] + rules[ENTRY])
            for i in range(splits):
                page = way[deep - 1 - i]
                middle = keys[page, counts[page]]  # it stands there still
                record_page(store, used + i, i == 0)
                record(store, CUT, page, middle, 0, rules[RECORD])
                if i < deep - 1:
                    record(store, PUT, way[deep - 2 - i], middle, used + i, rules[RECORD] + rules[LINK])
            if place[of.HEIGHT] > deep:
                record_page(store, place[of.ROOT], False)
                record(store, TOP, place[of.ROOT], place[of.HEIGHT], 0, rules[RECORD])
            for i in range(max(deep - 1 - splits, 0), deep):
                soil(store, way[i], False, begin, told)
            for new in range(used, place[of.USED]):
                soil(store, new, True, begin, told)
            checkpoint(store, told)
        told[LOGGED] = state[END] - begin if rules[KEPT] else 0
    return int(kinds.size)
