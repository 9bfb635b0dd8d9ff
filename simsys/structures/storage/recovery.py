"""After a crash: pages as they are on the device, and the log is done again where a page is older.

Source: Mohan et al., ARIES, ACM TODS 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsys.draws.rows import NOBODY
from simsys.structures.kernel import pool as of
from simsys.structures.kernel.runs import NOTHING

Whole = npt.NDArray[np.int64]
LEAST = NOTHING
"""No key is less."""


@dataclass
class Recovered:
    """What is there again, a value per key, page by page; how many `records` of the log were read, and how many were
    `redone`, as their page was older."""

    entries: dict[int, int]
    records: int
    redone: int


@dataclass
class _Page:
    """Links, each by the least key behind it, or values by key; and the length of the log when it was written."""

    length: int
    links: dict[int, int]


def recover(image: Whole, log: Whole, root: int, height: int) -> Recovered:
    """What the pages on a device and a log come to; the root and the height are those of the device."""
    pages = {number: _from(row) for number, row in enumerate(image) if row[2] != NOBODY}
    redone = 0
    for kind, number, key, link, end, _ in log.tolist():
        if kind == of.TOP:
            root, height = number, key
            continue
        page = pages.setdefault(number, _Page(-1, {}))
        if page.length < end:
            _redo(page, kind, key, link)
            redone += 1
    return Recovered(_entries(pages, root, height), len(log), redone)


def _from(row: Whole) -> _Page:
    """A page as it is on the device."""
    width = (len(row) - of.BEFORE - 1) // 2
    count, after, length = row[: of.BEFORE].tolist()
    keys = row[of.BEFORE : of.BEFORE + count].tolist()
    if after == NOTHING:
        keys.insert(0, LEAST)
    return _Page(length, dict(zip(keys, row[of.BEFORE + width :].tolist(), strict=False)))


def _redo(page: _Page, kind: int, key: int, link: int) -> None:
    if kind == of.NEW:
        page.links = {} if key else {LEAST: link}
    elif kind == of.CUT:
        page.links = {one: link for one, link in page.links.items() if one < key}
    else:
        page.links[key] = link


def _entries(pages: dict[int, _Page], number: int, height: int) -> dict[int, int]:
    """What is in a page and below it, but ghosts; one that was never written has nothing."""
    if number not in pages:
        return {}
    links = dict(sorted(pages[number].links.items()))
    if height == 1:
        return {key: value for key, value in links.items() if value != NOTHING}
    return {key: value for below in links.values() for key, value in _entries(pages, below, height - 1).items()}
