"""A B-tree behind a buffer pool, naively: lines are dicts, and what has changed is seen by a look at all pages."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from copy import deepcopy
from typing import Any

import numpy as np

from simsys.structures.btree import NOTHING
from simsys.structures.kernel import pages, pool
from simsys.structures.storage import DELETE, INSERT, MODIFY, SCAN, UPDATE
from simsys.structures.storage.btree import BtreeStorage

WRITES = (UPDATE, INSERT, MODIFY, DELETE)


class Twin:
    """The same, a request and a page at a time: the tree tells only its pages, and the engine how long its log is."""

    def __init__(self, storage: BtreeStorage) -> None:
        self.storage, self.tree, self.rules = storage, deepcopy(storage.tree), storage.rules
        line, page = [], 0
        while (page := int(storage._frames[pool.NEWER, page])) != 0:
            line.append(page - 1)
        self.memory, self.since, self.end, self.begin = OrderedDict.fromkeys(line), dict[int, int](), 0, 0

    def ask(self, kind: int, key: int, length: int) -> list[float]:
        """Pages missed, evicted and flushed."""
        self.told = [0.0, 0.0, 0.0]
        before = self.pages()
        way = self.way(key)
        for page in way:
            self.use(page)
        if kind == SCAN:
            asked = length - sum(each >= key and value != NOTHING for each, value in zip(*before[way[-1]], strict=True))
            page = way[-1]
            while asked > 0 and self.tree._after[page] != pages.LAST:
                page = int(self.tree._after[page])
                self.use(page)
                asked -= sum(value != NOTHING for value in before[page][1])
        if kind in WRITES:
            value = NOTHING if kind == DELETE else self.storage._state[pool.CHANGES]
            self.tree.put(np.array([key]), np.array([value]))
            now = self.pages()
            soiled = (page for page in way if now[page] != before[page] or page == way[-1])
            for page in [*soiled, *range(len(before), len(now))]:
                self.use(page, new=page >= len(before))
                self.since.setdefault(page, self.end)
            self.end = int(self.storage._state[pool.END])
            self.checkpoint()
        return self.told

    def pages(self) -> list[Any]:
        tree, counts = self.tree, self.tree._counts.tolist()
        return [
            (tree._keys[n, : counts[n]].tolist(), tree._links[n, : counts[n] + (tree._after[n] == NOTHING)].tolist())
            for n in range(tree.pages)
        ]

    def way(self, key: int) -> list[int]:
        way = [int(self.tree._place[pages.ROOT])]
        while len(way) < self.tree.height:
            keys, links = self.pages()[way[-1]]
            way.append(links[bisect_right(keys, key)])
        return way

    def use(self, page: int, new: bool = False) -> None:
        if page in self.memory:
            self.memory.move_to_end(page)
            return
        self.told[0] += not new
        if len(self.memory) == self.rules.pool:
            victim, _ = self.memory.popitem(last=False)
            self.told[1] += self.since.pop(victim, None) is not None
        self.memory[page] = None

    def checkpoint(self) -> None:
        limit = self.rules.limit
        due = [page for page, since in self.since.items() if self.end - since > limit]
        if not self.rules.fuzzy:
            due = list(self.since) if self.end - self.begin > limit else []
            self.begin = self.end if self.end - self.begin > limit else self.begin
        for page in due:
            del self.since[page]
        self.told[2] += len(due)
