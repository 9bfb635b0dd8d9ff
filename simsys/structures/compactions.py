"""Compactions of a log-structured merge tree: when which runs become one.

Sources: leveling and tiering with full merges, Dayan, Athanassoulis and Idreos, Monkey (SIGMOD 2017); universal, FIFO
and leveled with files, the wiki of RocksDB.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np

from simsys.structures.lsm import Lsm, Run


@dataclass
class Leveling:
    """A run per level; it is full with `ratio` times what the level before may hold, and goes down as a whole."""

    ratio: int

    def receive(self, tree: Lsm, run: Run) -> None:
        number, room = 0, tree.memtable
        while len(run):
            room *= self.ratio
            level = tree.level(number)
            run = tree.write([run, *level], tree.is_bottom(number))
            level.clear()
            if len(run) < room:
                level.extend([run] * (len(run) > 0))
                return
            number += 1


@dataclass
class Tiering:
    """Up to `ratio` − 1 runs per level; with one more, all of them go down as one."""

    ratio: int

    def receive(self, tree: Lsm, run: Run) -> None:
        tree.level(0).insert(0, tree.write([run], bottom=False))
        number = 0
        while len(tree.level(number)) == self.ratio:
            run = tree.write(tree.level(number), tree.is_bottom(number))
            tree.level(number).clear()
            number += 1
            if len(run):
                tree.level(number).insert(0, run)


@dataclass
class Universal:
    """One level; from `trigger` runs on, the first rule that holds says which of them become one.

    All, if they are `amplification` % of the oldest or more; from the newest on, or if that will not do from the one
    after it on, and so on: those of which the next is never above all of them before it by more than `size_ratio` %, if
    there are `width` or more; the newest, as many as there are beyond the trigger, if as many.
    """

    trigger: int = 4
    size_ratio: int = 1
    amplification: int = 200
    width: int = 2

    def receive(self, tree: Lsm, run: Run) -> None:
        runs = tree.level(0)
        runs.insert(0, tree.write([run], bottom=False))
        some = self.pick([len(one) for one in runs])
        if some:
            merged = tree.write([runs[i] for i in some], bottom=some.stop == len(runs))
            runs[some.start : some.stop] = [merged] * (len(merged) > 0)

    def pick(self, sizes: list[int]) -> range:
        """Which of these runs become one, if any."""
        if len(sizes) < self.trigger:
            return range(0)
        if 100 * sum(sizes[:-1]) >= self.amplification * sizes[-1]:
            return range(len(sizes))
        for first in range(len(sizes)):
            end = first + 1
            while end < len(sizes) and 100 * sizes[end] <= (100 + self.size_ratio) * sum(sizes[first:end]):
                end += 1
            if end - first >= self.width:
                return range(first, end)
        beyond = len(sizes) - self.trigger
        return range(beyond) if beyond >= self.width else range(0)


@dataclass
class Fifo:
    """One level with `room` entries; what is beyond it is forgotten, the oldest run first. For data that ages."""

    room: int

    def receive(self, tree: Lsm, run: Run) -> None:
        runs = tree.level(0)
        runs.insert(0, tree.write([run], bottom=False))
        while tree.entries > self.room and len(runs) > 1:
            tree.forgotten += len(runs.pop())


@dataclass
class Leveled:
    """Runs in level 0; with `trigger` of them all go to level 1. From there on a level is a run in files of `file`
    entries, with room for `first` · `ratio`^(level − 1); what is beyond it goes down file by file, one after the other
    in the order of keys.
    """

    first: int
    file: int
    ratio: int = 10
    trigger: int = 4
    at: dict[int, int] = field(default_factory=dict)
    """The last key of each level that went down."""

    def receive(self, tree: Lsm, run: Run) -> None:
        level = tree.level(0)
        level.insert(0, tree.write([run], bottom=False))
        if len(level) < self.trigger:
            return
        self._down(tree, level, 1)
        level.clear()
        number, room = 1, self.first
        while number < len(tree.levels):
            files = tree.level(number)
            while sum(map(len, files)) > room:
                place = bisect_right(files, self.at.get(number, -(1 << 63)), key=lambda one: int(one.keys[0]))
                moved = files.pop(place % len(files))
                self.at[number] = int(moved.keys[0])
                self._down(tree, [moved], number + 1)
            number, room = number + 1, room * self.ratio

    def _down(self, tree: Lsm, runs: list[Run], number: int) -> None:
        """Merge runs with the files of a level that they overlap; a file that overlaps none is moved, not written."""
        files = tree.level(number)
        low, high = min(run.keys[0] for run in runs), max(run.keys[-1] for run in runs)
        begin = bisect_left(files, low, key=lambda one: one.keys[-1])
        end = bisect_right(files, high, key=lambda one: one.keys[0])
        if begin == end and len(runs) == 1:
            files.insert(begin, runs[0])
            return
        run = tree.write([*runs, *_joined(files[begin:end])], tree.is_bottom(number))
        files[begin:end] = [
            Run(run.keys[i : i + self.file], run.values[i : i + self.file], run.at + i)
            for i in range(0, len(run), self.file)
        ]


def _joined(files: list[Run]) -> list[Run]:
    """Files that follow each other as one run; none of none."""
    if not files:
        return []
    keys, values = (np.concatenate([getattr(one, what) for one in files]) for what in ("keys", "values"))
    return [Run(keys, values, files[0].at)]
