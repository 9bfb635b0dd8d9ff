"""A B-tree over real keys: pages that are split in two where they are full, leaves in a line.

No clock: it counts pages that are read and written, and says nothing of seconds or bytes. Keys and values are integers,
arrays of shape (n,); a key that is deleted has the value NOTHING and stays where it is, as a ghost.

Sources: Bayer and McCreight, Organization and maintenance of large ordered indexes, Acta Informatica 1972; ghosts and
leaves in a line, Graefe, Modern B-tree techniques, 2011.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simsys.structures.kernel import pages as of
from simsys.structures.kernel.runs import NOTHING as NOTHING

Whole = npt.NDArray[np.int64]
FIRST_ROOM = 64


class Btree:
    """A tree of pages with room for `leaf` entries, or for `inner` keys between one child more.

    When a leaf is split, half of it stays; where it is the last and gets a key beyond all others, the share `stays`
    (PostgreSQL 0.9, InnoDB 15/16). Counters: `received` changes, `read` and `written` pages; a change writes the leaf,
    and a split the page, the new one and the one above them.
    """

    def __init__(self, leaf: int, inner: int | None = None, stays: float = 0.5) -> None:
        inner = leaf if inner is None else inner
        if leaf < 2 or inner < 2 or not 0.0 < stays <= 1.0:
            raise ValueError("a page needs room for two, and what stays is a share above nothing")
        self.leaf, self.inner, self.stays, self.received = leaf, inner, stays, 0
        width = max(leaf, inner) + 1
        self._keys, self._links = np.empty((FIRST_ROOM, width), np.int64), np.empty((FIRST_ROOM, width + 1), np.int64)
        self._counts, self._after = np.zeros(FIRST_ROOM, np.int64), np.full(FIRST_ROOM, NOTHING)
        self._place = np.zeros(7, np.int64)
        self._place[[of.HEIGHT, of.USED, of.LEAVES]], self._after[0] = 1, of.LAST

    def put(self, keys: Whole, values: Whole) -> None:
        """Write values, NOTHING for a key that is deleted."""
        keys, values, done = np.ascontiguousarray(keys, np.int64), np.ascontiguousarray(values, np.int64), 0
        ways, turns = np.empty((2, of.AHEAD, of.DEEPEST), np.int64)
        while done < len(keys):
            done = of.put(*self._pages, self.leaf, self.inner, self.stays, keys, values, done, ways, turns)
            if done < len(keys):
                self._enlarge()
        self.received += len(keys)

    def get(self, keys: Whole) -> Whole:
        """The values of keys, NOTHING for those that are not there."""
        found: Whole = of.get(*self._pages, np.ascontiguousarray(keys, np.int64))
        return found

    def scan(self, first: int, most: int) -> tuple[Whole, Whole]:
        """Up to `most` keys from `first` on in order, ghosts among them, and their values."""
        found: tuple[Whole, Whole] = of.scan(*self._pages, first, most)
        return found

    @property
    def _pages(self) -> tuple[Whole, Whole, Whole, Whole, Whole]:
        return self._keys, self._links, self._counts, self._after, self._place

    def _enlarge(self) -> None:
        """Room for twice as many pages."""
        self._keys, self._links = (np.concatenate([rows, np.empty_like(rows)]) for rows in (self._keys, self._links))
        self._after = np.concatenate([self._after, np.full_like(self._after, NOTHING)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])

    # -- what there is ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._place[of.LENGTH])

    @property
    def ghosts(self) -> int:
        """Entries of keys that are deleted."""
        (leaves,) = np.nonzero(self._after[: self.pages] != NOTHING)
        inside = np.arange(self._links.shape[1]) < self._counts[leaves, None]
        return int((inside & (self._links[leaves] == NOTHING)).sum())

    @property
    def height(self) -> int:
        """Pages from the root to a leaf."""
        return int(self._place[of.HEIGHT])

    @property
    def pages(self) -> int:
        """Pages, inner ones and leaves."""
        return int(self._place[of.USED])

    @property
    def leaves(self) -> int:
        """Leaves."""
        return int(self._place[of.LEAVES])

    @property
    def fill(self) -> float:
        """The share of the leaves' room that is taken."""
        return len(self) / (self.leaves * self.leaf)

    @property
    def read(self) -> int:
        """Pages read so far, all of the way to a leaf."""
        return int(self._place[of.READ])

    @property
    def written(self) -> int:
        """Pages written so far, each change by itself."""
        return int(self._place[of.WRITTEN])
