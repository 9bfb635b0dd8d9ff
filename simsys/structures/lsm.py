"""A log-structured merge tree over real keys: a memtable, sorted runs, and a compaction that says which become one.

A tree too large to be played is scaled: with a hundredth of the keys, of the memtable and of whatever else is a number
of entries it has the same levels, writes as often, and searches as many runs.

No clock: it counts entries that are written and runs that are searched, and says nothing of seconds or bytes. Keys and
values are integers, arrays of shape (n,); later ones are newer.

Source: O'Neil, Cheng, Gawlick and O'Neil, The log-structured merge-tree, Acta Informatica 1996.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simsys.structures.kernel.runs import NOTHING as NOTHING
from simsys.structures.kernel.runs import filter_of, merge, passes

Whole = npt.NDArray[np.int64]
STREAM = 1
"""The key of the draws that are the hash functions of filters."""
MEMORY = -1
"""Where a run is that is not written."""


class Run:
    """Keys in order, each once, with their values; and its filter, which is made when it is first asked for.

    `at` is the number of its first entry among all that the tree has written, or MEMORY.
    """

    def __init__(self, keys: Whole, values: Whole, at: int = MEMORY) -> None:
        self.keys, self.values, self.at = keys, values, at
        self._filter: tuple[npt.NDArray[np.bool_], int] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def may_have(self, keys: Whole, bits: float) -> npt.NDArray[np.bool_]:
        """Which keys lie between its first and its last one and pass its Bloom filter, which once made stays as it is:
        of so many bits per key.
        """
        found: npt.NDArray[np.bool_] = (keys >= self.keys[0]) & (keys <= self.keys[-1])
        if self._filter is None and bits > 0:
            hashes = max(1, round(bits * math.log(2)))
            self._filter = filter_of(self.keys, max(1, math.ceil(bits * len(self))), hashes, STREAM), hashes
        if self._filter is not None:
            found[found] = passes(self._filter[0], keys[found], self._filter[1], STREAM)
        return found


class Compaction(Protocol):
    """Puts a run that comes out of the memtable into the levels of a tree, and merges what has to be merged."""

    def receive(self, tree: Lsm, run: Run) -> None: ...


class Lsm:
    """A tree with room for `memtable` changes in its memtable, and filters with `bits` per key, by level (0: none).

    `levels` hold runs, the newest level and the newest run first. Counters, in entries: `received` changes, `flushed`
    from the memtable, `written` to runs, `merged` from runs into others, `forgotten` with runs that a compaction
    dropped; `looked_up` keys and `searched` runs.
    """

    def __init__(self, memtable: int, compaction: Compaction, bits: Callable[[int], float] | None = None) -> None:
        self.memtable, self.compaction = memtable, compaction
        self.bits = bits or (lambda level: 0.0)
        self.levels: list[list[Run]] = []
        self.received = self.flushed = self.written = self.merged = self.forgotten = self.looked_up = self.searched = 0
        self._keys, self._values = np.empty(memtable, np.int64), np.empty(memtable, np.int64)
        self._used = 0

    # -- changes ---------------------------------------------------------------------------------------------------

    def put(self, keys: Whole, values: Whole) -> None:
        """Write values, NOTHING for a key that is deleted; the memtable is flushed whenever it is full."""
        done = 0
        while done < len(keys):
            some = slice(done, done + self.memtable - self._used)
            count = len(keys[some])
            self._keys[self._used : self._used + count] = keys[some]
            self._values[self._used : self._used + count] = values[some]
            self._used += count
            done += count
            if self._used == self.memtable:
                self.flush()
        self.received += len(keys)

    def flush(self) -> None:
        """Let the memtable be a run."""
        if self._used:
            run = self._young()
            self._used = 0
            self.flushed += len(run)
            self.compaction.receive(self, run)

    def crash(self, logged: int = 0) -> None:
        """Lose what is in the memtable but its oldest changes, as many as the log has; runs are on the device."""
        self.received -= self._used - min(logged, self._used)
        self._used = min(logged, self._used)

    def _young(self) -> Run:
        """What is in the memtable, of each key the last value."""
        order = np.argsort(self._keys[: self._used], kind="stable")
        keys = self._keys[order]
        last = np.append(keys[1:] != keys[:-1], True)
        return Run(keys[last], self._values[order[last]])

    # -- for compactions -------------------------------------------------------------------------------------------

    def level(self, number: int) -> list[Run]:
        """A level; those that were not there are empty."""
        while len(self.levels) <= number:
            self.levels.append([])
        return self.levels[number]

    def is_bottom(self, number: int) -> bool:
        """Whether nothing is older than the runs of a level."""
        return not any(self.levels[number + 1 :])

    def write(self, runs: Sequence[Run], bottom: bool) -> Run:
        """Write runs, the newest first, as one; without deleted keys at the `bottom`."""
        line = [(run.keys, run.values) for run in runs]
        while len(line) > 1:
            line = [
                merge(*line[i], *line[i + 1], bottom and len(line) == 2) if i + 1 < len(line) else line[i]
                for i in range(0, len(line), 2)
            ]
        keys, values = line[0]
        if bottom and len(runs) == 1:
            keys, values = keys[values != NOTHING], values[values != NOTHING]
        self.merged += sum(len(run) for run in runs if run.at != MEMORY)
        self.written += len(keys)
        return Run(keys, values, self.written - len(keys))

    # -- look-ups and what there is --------------------------------------------------------------------------------

    def get(self, keys: Whole) -> Whole:
        """The values of keys, NOTHING for those that are not there."""
        found, left = np.full(len(keys), NOTHING), np.arange(len(keys))
        self.looked_up += len(keys)
        if self._used:
            left = _take(self._young(), keys, left, np.ones(len(keys), np.bool_), found)
        for number, runs in enumerate(self.levels):
            for run in runs:
                asked = run.may_have(keys[left], self.bits(number))
                self.searched += int(asked.sum())
                left = _take(run, keys, left, asked, found)
        return found

    def runs(self) -> Iterator[Run]:
        """All runs, the newest first."""
        for level in self.levels:
            yield from level

    @property
    def room(self) -> int:
        """How many changes the memtable can still take."""
        return self.memtable - self._used

    @property
    def changed(self) -> Whole:
        """The keys of the changes in the memtable, the oldest first."""
        return self._keys[: self._used]

    @property
    def entries(self) -> int:
        """Entries of all runs, of keys that are overwritten or deleted as well."""
        return sum(map(len, self.runs()))

    @property
    def write_amplification(self) -> float:
        """Entries written per entry that came out of the memtable, or would have, had no key come twice."""
        return self.written / (self.received - self._used) if self.received > self._used else 0.0


def _take(run: Run, keys: Whole, left: Whole, asked: npt.NDArray[np.bool_], found: Whole) -> Whole:
    """Search a run for those left that are asked for, write down what is found; who is left then."""
    wanted = keys[left[asked]]
    places = np.minimum(np.searchsorted(run.keys, wanted), len(run) - 1)
    there = run.keys[places] == wanted
    rows = left[asked][there]
    found[rows] = run.values[places[there]]
    gone = np.zeros(len(left), np.bool_)
    gone[np.flatnonzero(asked)[there]] = True
    return left[~gone]
