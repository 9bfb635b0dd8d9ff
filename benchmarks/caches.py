"""Look-ups per CPU second of whole traces through one cache: every policy, Belady's, and all sizes of LRU in one pass.

    python benchmarks/caches.py [--rounds N] [--trace FILE --column KEY] [--write]

Without a file, a million look-ups that are independent, Zipf 0.98 over 143,542 keys: as many, and as skewed, as the
first million of Twitter's cluster 52 (March 2020). A file is CSV with a header, plain, .gz or .xz.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import page

from simsys import draws
from simsys.structures.caches import CacheSpec
from simsys.structures.policies import POLICIES
from simsys.structures.traces import belady, lru_misses, replay
from simsys.workload.popularity import zipf_keys
from simsys.workload.traces import opened

LOOKUPS, KEYS, ZIPF = 1_000_000, 143_542, 0.98
ROOMS = (1_000, 10_000, 100_000)
SIZES = 20


def drawn() -> Any:
    """The keys of the trace that is drawn."""
    return zipf_keys(float(KEYS), ZIPF, draws.stream(1, 0, "keys"), np.arange(LOOKUPS), 0).astype(np.int64)


def read(file: Path, column: str) -> Any:
    """The keys of a file."""
    with opened(file) as text:
        return np.array([int(float(line[column])) for line in csv.DictReader(text)], np.int64)


def cell(play: Callable[[Any], Any], keys: Any, rounds: int) -> str:
    """Million look-ups per CPU second, and the miss ratio where there is one."""
    seconds = []
    for _ in range(rounds + 1):  # the first may compile
        begin = time.process_time()
        missed = play(keys)
        seconds.append(time.process_time() - begin)
    rate = f"{keys.size / median(seconds[1:]) / 1e6:.1f}"
    return rate if isinstance(missed, list) else f"{rate} ({100 * missed.mean():.1f} %)"


def rows(keys: Any, rounds: int) -> list[list[str]]:
    """The rows of the table."""
    found = []
    for policy in POLICIES:
        specs = [CacheSpec.model_validate({"entries": room, "policy": policy, "start": "cold"}) for room in ROOMS]
        found.append([policy, *(cell(partial(replay, spec), keys, rounds) for spec in specs)])
    found.append(["Belady", *(cell(partial(belady, room), keys, rounds) for room in ROOMS)])
    sizes = np.geomspace(100, 1e5, SIZES).astype(int).tolist()
    return [*found, [f"lru, {SIZES} sizes at once", cell(partial(lru_misses, sizes), keys, rounds), "", ""]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Look-ups per second of whole traces.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trace", type=Path, help="a file to play instead of what is drawn")
    parser.add_argument("--column", default="key", help="its column of keys")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    keys = read(given.trace, given.column) if given.trace else drawn()
    header = ("policy", *(f"{room:,} entries" for room in ROOMS))
    text = f"{page.machine()}\n\n{page.table(header, rows(keys, given.rounds))}"
    print(text)
    if given.write:
        page.write("caches", text)


if __name__ == "__main__":
    main()
