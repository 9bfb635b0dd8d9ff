"""A B-tree in pages on a device, with a buffer pool, a log, and pages that are written where they belong.

Every change is in the log first. Changed pages are written when the pool needs their room, and at checkpoints, so that
the log since the oldest of them stays short; after a crash what is in the log is done again where it is missing.

Sources: Mohan et al., ARIES, ACM TODS 1992 (the log, fuzzy checkpoints); Graefe, Modern B-tree techniques, 2011.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simsys.draws.rows import NOBODY
from simsys.measure.storage import StorageTotals
from simsys.structures.btree import Btree
from simsys.structures.kernel import pool as of
from simsys.structures.kernel.pages import HEIGHT, ROOT
from simsys.structures.storage import DELETE, MODIFY, READ, SCAN, Counts, Whole
from simsys.structures.storage.recovery import Recovered, recover


class Rules(NamedTuple):
    """Pages of `page` bytes, of which `pool` are in memory; entries of `entry` bytes, links to pages of `link` bytes.

    Changed pages are all written when there are `limit` bytes of log since they were the last time; a `fuzzy`
    checkpoint writes one whenever it has been changed so long ago. Each is written `copies` times (2: a double write).
    A record of the log has `record` bytes besides its entry (PostgreSQL 24); without a `log` nothing survives that is
    in memory only. Of the last leaf the share `fill` stays where a greater key splits it.
    """

    page: int
    pool: int
    entry: int
    limit: int
    link: int = 64
    fuzzy: bool = False
    copies: int = 1
    record: int = 24
    log: bool = True
    fill: float = 0.5


DOES = np.full(DELETE + 1, of.WRITE)
"""To the pages, each kind of request."""
DOES[[READ, SCAN, DELETE]] = of.LOOK, of.SCAN, of.ERASE


class BtreeStorage:
    """A tree that holds these keys; a change writes its number, counted from 1 on, and what was there at first is 0. A
    deleted key stays in its page as a ghost.

    Counts of a request: pages `missed`, which are read one after the other; pages `evicted`, which are written before
    there is room for them, and `flushed` by a checkpoint that it begins.
    """

    COUNTS = ("missed", "evicted", "flushed")

    def __init__(self, keys: Whole, rules: Rules) -> None:
        leaf, inner = max(2, rules.page // rules.entry), max(2, rules.page // rules.link)
        self.rules, self.tree = rules, Btree(leaf, inner, rules.fill)
        self._counts = np.zeros(5, np.int64)
        self._accesses = self._touched = self._fetched = 0
        self._rules = np.array([rules.pool, rules.limit, rules.fuzzy, rules.log, rules.entry, rules.link, rules.record])
        self._state = np.zeros(10, np.int64)
        self._log = np.empty((0, of.FIELDS), np.int64)
        self.tree.put(keys, np.zeros(len(keys), np.int64))
        self._frames, self._image = np.full((5, 1), NOBODY), np.empty((0, 0), np.int64)
        self._frames[:4, 0] = 0
        self._enlarge()
        for page in range(self.tree.pages):
            self._image[page] = np.concatenate([
                [self.tree._counts[page], self.tree._after[page], 0], self.tree._keys[page], self.tree._links[page]
            ])  # fmt: skip
        self._state[[of.ROOT, of.HEIGHT]] = self.tree._place[[ROOT, HEIGHT]]
        self._run(np.zeros(len(keys), np.int64), keys[::-1], np.zeros(len(keys), np.int64))

    # -- requests --------------------------------------------------------------------------------------------------

    def play(self, kinds: Whole, keys: Whole, lengths: Whole) -> Counts:
        counts = self._run(DOES[kinds], keys, lengths)
        looks = np.isin(kinds, (READ, SCAN, MODIFY))
        self._counts += counts.sum(axis=0)
        self._accesses += int(looks.sum())
        self._touched += int(counts[looks, of.TOUCHED].sum())
        self._fetched += int(counts[looks, of.MISSED].sum())
        told = counts[:, [of.MISSED, of.EVICTED, of.FLUSHED]].astype(float)
        return dict(zip(self.COUNTS, np.ascontiguousarray(told.T), strict=True))

    def _run(self, kinds: Whole, keys: Whole, lengths: Whole) -> Whole:
        tree, counts, done = self.tree, np.zeros((len(kinds), 5), np.int64), 0
        kinds, keys, lengths = (np.ascontiguousarray(each, np.int64) for each in (kinds, keys, lengths))
        while done < len(kinds):
            done = of.play(
                *tree._pages, self._frames, self._image, self._log, self._rules, self._state,
                tree.leaf, tree.inner, tree.stays, kinds, keys, lengths, done, counts,
            )  # fmt: skip
            if done < len(kinds):
                self._enlarge()
        return counts

    def _enlarge(self) -> None:
        """Room for more pages, and for more records, of which those that are no longer needed go."""
        tree, state = self.tree, self._state
        while tree.pages + tree.height + 1 > len(tree._counts):
            tree._enlarge()
        room, width = tree._keys.shape
        if room > len(self._image):
            image = np.zeros((room, of.BEFORE + 2 * width + 1), np.int64)
            image[:, 2] = NOBODY
            image[: len(self._image)] = self._image.reshape(-1, image.shape[1])
            more = np.full((5, room + 1 - self._frames.shape[1]), NOBODY)
            self._image, self._frames = image, np.ascontiguousarray(np.hstack([self._frames, more]))
        used = self._log[state[of.BEGIN] : state[of.USED]]
        self._log = np.empty((2 * len(used) + 4 * (tree.height + 2) * (width + 3), of.FIELDS), np.int64)
        self._log[: len(used)] = used
        state[of.BEGIN], state[of.USED] = 0, len(used)

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def dirty(self) -> int:
        """Pages that are changed and not written yet."""
        return int((self._frames[of.SOONER, 1:] != NOBODY).sum())

    @property
    def checkpoints(self) -> int:
        """Checkpoints that wrote all changed pages."""
        return int(self._state[of.CHECKPOINTS])

    def totals(self) -> StorageTotals:
        """What was done since the data were there."""
        rules = self.rules
        written = self._counts[of.EVICTED] + self._counts[of.FLUSHED]
        return StorageTotals(
            accesses=self._accesses, touched=self._touched, fetched=self._fetched,
            received=float(self._state[of.CHANGES] * rules.entry), log=float(self._counts[of.LOGGED]),
            read=float(self._counts[of.MISSED] * rules.page), written=float(written * rules.page * rules.copies),
            kept=float(self.tree.pages * rules.page), live=float((len(self.tree) - self.tree.ghosts) * rules.entry),
            memory=float(self._state[of.HELD] * rules.page),
        )  # fmt: skip

    # -- a crash ---------------------------------------------------------------------------------------------------

    def crash(self, acknowledged: int | None = None) -> Recovered:
        """What is found when memory is lost now. In the log is at least what was acknowledged (all changes; or those up
        to a number), and what a page that was written needs.
        """
        state = self._state
        last = state[of.CHANGES] if acknowledged is None else acknowledged
        log = self._log[state[of.BEGIN] : state[of.USED]]
        log = log[(log[:, 5] <= last) | (log[:, 4] <= state[of.FORCED])]
        return recover(self._image, log, int(state[of.ROOT]), int(state[of.HEIGHT]))
