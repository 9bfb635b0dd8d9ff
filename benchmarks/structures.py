"""Inserts per CPU second of storage structures alone, without an engine: keys at random and in order.

    python benchmarks/structures.py [--rounds N] [--keys N] [--write]

A key and a value are 8 bytes each; a page of a B-tree has room for 128 of both, the memtable of an LSM tree for 4,096
changes; the ratio of its levels is 10.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import page

from simsys.structures.btree import Btree
from simsys.structures.compactions import Fifo, Leveled, Leveling, Tiering, Universal
from simsys.structures.lsm import Lsm

KEYS, MEMTABLE, PAGE = 2_000_000, 4096, 128


def trees() -> dict[str, Callable[[], Any]]:
    """What makes a new structure, by name."""
    kinds = {
        "leveling": lambda: Leveling(10), "tiering": lambda: Tiering(10), "universal": lambda: Universal(8),
        "FIFO": lambda: Fifo(100 * MEMTABLE), "leveled, in files": lambda: Leveled(4 * MEMTABLE, MEMTABLE),
    }  # fmt: skip
    made = {f"LSM tree, {name}": lambda kind=kind: Lsm(MEMTABLE, kind()) for name, kind in kinds.items()}
    return {"B-tree": lambda: Btree(PAGE)} | made


def taken(make: Callable[[], Any], keys: Any) -> tuple[float, float]:
    """CPU seconds of all inserts; entries, or pages of a B-tree, written per insert."""
    tree, begin = make(), time.process_time()
    tree.put(keys, keys)
    return time.process_time() - begin, tree.written / tree.received


def rows(count: int, rounds: int) -> list[list[str]]:
    """The rows of the table: all structures in turn, so many times, and of each the median."""
    orders = np.random.default_rng(1).permutation(count), np.arange(count)
    made = trees()
    for make in made.values():  # may compile
        taken(make, orders[0][:MEMTABLE])
    played = [{name: [taken(make, keys) for keys in orders] for name, make in made.items()} for _ in range(rounds)]
    return [
        [name, *(cell for each in zip(*(some[name] for some in played), strict=True) for cell in cells(each, count))]
        for name in made
    ]


def cells(found: Sequence[tuple[float, float]], count: int) -> list[str]:
    """Million inserts per CPU second, and what was written per insert."""
    seconds, written = zip(*found, strict=True)
    return [f"{count / median(seconds) / 1e6:.1f}", f"{written[0]:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Inserts per second of storage structures.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    header = ("structure", "at random, M/s", "writes", "in order, M/s", "writes")
    text = f"{page.machine()}\n\n{page.table(header, rows(given.keys, given.rounds))}"
    print(text)
    if given.write:
        page.write("structures", text)


if __name__ == "__main__":
    main()
