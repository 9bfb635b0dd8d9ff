"""A log-structured merge tree in blocks on a device, with a log, Bloom filters and a block cache in memory.

Between two flushes the runs stay as they are, so all look-ups of such a stretch are made together: run by run, the
newest first, and the blocks that they touch go through the block cache in the order of the requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np
import numpy.typing as npt

from simsys.measure.storage import StorageTotals
from simsys.structures.caches import CacheSpec, make_cache
from simsys.structures.kernel.loops import play
from simsys.structures.kernel.store import row_of, store_of
from simsys.structures.lsm import NOTHING, Lsm
from simsys.structures.storage import CHANGES, DELETE, MODIFY, READ, SCAN, Counts, Data, Whole

Truths = npt.NDArray[np.bool_]
Touched = tuple[Whole, Whole, Whole]
"""(request, run, block) of each block that is looked at; runs by number, the newest first."""
NOBODY = np.empty((3, 0), np.int64)
MOST_RUNS = 1 << 20


class LsmStorage:
    """A tree that holds the data, in blocks of `block` bytes, of which `cached` bytes are in memory. A change writes
    its number, counted from 1 on, and what was there at first is 0; a deleted key has an entry as large as others.

    Counts of a request: from how many runs it has to fetch blocks (`seeks`), and on average how many in a row from each
    (`stretch`); of one that fills the memtable also blocks `flushed`, and what compactions `merged` and `rewritten`.
    """

    COUNTS = ("seeks", "stretch", "flushed", "merged", "rewritten")

    def __init__(self, tree: Lsm, data: Data, block: float, cached: float, log: bool = True) -> None:
        self.tree, self.data, self.log = tree, data, log
        self.per_block = max(1, round(block / data.entry))
        self.cache = _BlockCache(max(0, round(cached / block / data.scale)))
        self._since, self._stay = np.empty(0, np.int64), np.empty(0, np.bool_)
        self._done, self.changes = StorageTotals(), 0
        tree.put(data.keys, np.zeros(len(data.keys), np.int64))
        self._keys = _found(tree)[0] if tree.forgotten else np.sort(data.keys)
        self._written, self._merged = tree.written, tree.merged

    def play(self, kinds: Whole, keys: Whole, lengths: Whole) -> Counts:
        counts = {name: np.zeros(len(keys)) for name in self.COUNTS}
        (writes,) = np.nonzero(np.isin(kinds, CHANGES))
        begin = begun = 0
        while begin < len(keys):
            room = self.tree.room
            whole = len(writes) - begun >= room
            end = int(writes[begun + room - 1]) + 1 if whole else len(keys)
            some, mine = slice(begin, end), writes[begun : begun + room]
            self._look_up(counts, begin, kinds[some], keys[some], lengths[some], mine - begin)
            self._change(counts, end - 1, keys[mine], kinds[mine] != DELETE)
            begin, begun = end, begun + len(mine)
        return counts

    def _change(self, counts: Counts, last: int, keys: Whole, stay: Truths) -> None:
        """Write keys that stay there, or delete them; what a full memtable causes is the last request's."""
        tree, flushed, written, merged = self.tree, self.tree.flushed, self.tree.written, self.tree.merged
        forgotten = tree.forgotten
        tree.put(keys, np.where(stay, np.arange(1, len(keys) + 1) + self.changes, NOTHING))
        self.changes += len(keys)
        self._since, self._stay = np.append(self._since, keys), np.append(self._stay, stay)
        blocks = np.array([tree.flushed - flushed, tree.merged - merged, tree.written - written], np.float64)
        blocks[2] -= blocks[0]
        for name, entries in zip(("flushed", "merged", "rewritten"), blocks, strict=True):
            if entries:
                counts[name][last] = np.ceil(entries / self.per_block)
        if tree.flushed > flushed:
            self._keys = _found(tree)[0] if tree.forgotten > forgotten else self._there()
            self._since, self._stay = self._since[:0], self._stay[:0]
        size = len(keys) * self.data.entry
        self._add(received=size, log=size if self.log else 0.0)

    def _there(self) -> Whole:
        """The keys that are not deleted, by those in the runs and the changes since."""
        keys, last = np.unique(self._since[::-1], return_index=True)
        stay, old = self._stay[::-1][last], self._keys
        known = np.searchsorted(old, keys, "right") > np.searchsorted(old, keys)
        if (known == stay).all():
            return old
        return np.union1d(np.setdiff1d(old, keys[~stay], assume_unique=True), keys[stay])

    # -- look-ups --------------------------------------------------------------------------------------------------

    def _look_up(self, counts: Counts, first: int, kinds: Whole, keys: Whole, lengths: Whole, writes: Whole) -> None:
        """The blocks that reads and scans fetch while the runs stay as they are."""
        (points,), (scans,) = np.nonzero((kinds == READ) | (kinds == MODIFY)), np.nonzero(kinds == SCAN)
        touched = [*self._points(points, keys, writes)] if len(points) else []
        touched += self._scans(scans, keys[scans], lengths[scans]) if len(scans) else []
        who, rank, block = (np.concatenate(each) for each in zip(*touched, strict=True)) if touched else NOBODY
        order = np.lexsort((block, rank, who))
        missed = self.cache.misses(block[order])
        gone = order[missed]
        fetched = np.bincount(who[gone], minlength=len(keys))
        sought = np.bincount(np.unique(who[gone] * MOST_RUNS + rank[gone]) // MOST_RUNS, minlength=len(keys))
        counts["seeks"][first : first + len(keys)] = sought
        counts["stretch"][first : first + len(keys)] = fetched / np.maximum(sought, 1)
        self._add(accesses=len(points) + len(scans), touched=len(block), fetched=int(missed.sum()))

    def _points(self, asked: Whole, keys: Whole, writes: Whole) -> Iterator[Touched]:
        """The blocks that keys are looked for in, run by run."""
        left = asked[~self._young(keys[asked], asked, keys[writes], writes)]
        levels = ((run, self.tree.bits(number)) for number, runs in enumerate(self.tree.levels) for run in runs)
        for rank, (run, bits) in enumerate(levels):
            hopeful = run.may_have(keys[left], bits)
            some = left[hopeful]
            places = np.minimum(np.searchsorted(run.keys, keys[some]), len(run) - 1)
            yield some, np.full(len(some), rank), run.at + places // self.per_block
            there = np.zeros(len(left), np.bool_)
            there[hopeful] = run.keys[places] == keys[some]
            left = left[~there]

    def _young(self, keys: Whole, asked: Whole, put: Whole, when: Whole) -> Truths:
        """Which keys are in the memtable when they are asked for."""
        changed = np.concatenate([self.tree.changed, put])
        since = np.concatenate([np.full(len(self.tree.changed), -1), when])
        if not len(changed):
            return np.zeros(len(keys), np.bool_)
        young, first = np.unique(changed, return_index=True)
        places = np.minimum(np.searchsorted(young, keys), len(young) - 1)
        known: Truths = (young[places] == keys) & (since[first[places]] < asked)
        return known

    def _scans(self, asked: Whole, keys: Whole, lengths: Whole) -> Iterator[Touched]:
        """The blocks that scans go through: in every run from their first key to their last; the first key of each
        block is known, so one that begins beyond the last key is not looked at.
        """
        last = np.searchsorted(self._keys, keys) + np.maximum(lengths, 1) - 1
        until = self._keys[np.minimum(last, len(self._keys) - 1)] if len(self._keys) else keys
        for rank, run in enumerate(self.tree.runs()):
            low = np.searchsorted(run.keys, keys)
            high = np.maximum(np.searchsorted(run.keys, until, side="right") - 1, low)
            beyond = (low % self.per_block == 0) & (run.keys[np.minimum(low, len(run) - 1)] > until)
            inside = (low < len(run)) & ~beyond
            first, final = (np.minimum(each[inside], len(run) - 1) // self.per_block for each in (low, high))
            many = final - first + 1
            steps = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            blocks = run.at + np.repeat(first, many) + steps
            yield np.repeat(asked[inside], many), np.full(len(blocks), rank), blocks

    # -- the books -------------------------------------------------------------------------------------------------

    def _add(self, **more: float) -> None:
        self._done = self._done._replace(**{name: getattr(self._done, name) + value for name, value in more.items()})

    def totals(self) -> StorageTotals:
        """What was done since the data were there; filters are as large as their bits say."""
        tree, entry = self.tree, self.data.entry
        merged, written = tree.merged - self._merged, tree.written - self._written
        filters = sum(tree.bits(n) / 8 * sum(map(len, runs)) for n, runs in enumerate(tree.levels))
        return self._done._replace(
            read=(self._done.fetched * self.per_block + merged) * entry,
            written=written * entry,
            kept=tree.entries * entry,
            live=len(self._there()) * entry,
            memory=filters + (tree.memtable + self.cache.blocks * self.per_block) * entry,
        )

    # -- a crash ---------------------------------------------------------------------------------------------------

    def crash(self, acknowledged: int | None = None) -> dict[int, int]:
        """What is found, a value per key, when memory is lost now. In the log is what was acknowledged: all changes, or
        those up to a number.
        """
        tree, last = copy(self.tree), self.changes if acknowledged is None else acknowledged
        tree.crash(max(0, last - self.changes + len(tree.changed)) if self.log else 0)
        keys, values = _found(tree)
        return dict(zip(keys.tolist(), values.tolist(), strict=True))


def _found(tree: Lsm) -> tuple[Whole, Whole]:
    """The keys that are there, in their order, and their values."""
    keys = np.unique(np.concatenate([tree.changed, *(run.keys for run in tree.runs())]))
    values = tree.get(keys)
    there = values != NOTHING
    return keys[there], values[there]


class _BlockCache:
    """The blocks that were asked for last, so many of them."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        if blocks:
            self._kept = make_cache(CacheSpec(entries=blocks, start="cold"))
            self._store = store_of(self._kept, row_of(self._kept))

    def misses(self, blocks: Whole) -> Truths:
        """Which of these are not there when they are asked for, one after the other."""
        missed, done = np.ones(len(blocks), np.bool_), 0
        if self.blocks:
            missed[:] = False
            ones = np.ones(len(blocks))
            while (done := play(self._store.address, blocks, ones, ones, missed, done)) < len(blocks):
                self._store.enlarge()
        return missed
