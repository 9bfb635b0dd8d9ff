"""Closed forms for storage engines: what trees write, how full pages are, how many runs are searched in vain.

ValueError outside the range where a formula holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from simsys.theory.solve import root, within

PER_BIT = math.log(2) ** 2
"""A filter with the best number of hash functions is wrong with probability e^(−bits · ln² 2)."""


def leveling_writes(ratio: int, levels: int) -> float:
    """Writes per entry of a tree with a run per level that goes down as a whole, after ratio^levels − 1 flushes of
    distinct keys, when all levels are as full as they get: (ratio + 1) / 2 per level in the long run.
    """
    _tree(ratio, levels)
    full, last = ratio * (ratio + 1) // 2, ratio * (ratio - 1) // 2
    written = sum(ratio**j * (full * (ratio ** (levels - j - 1) - 1) + last) for j in range(levels))
    return float(written / (ratio**levels - 1))


def tiering_writes(ratio: int, levels: int) -> float:
    """Writes per entry where `ratio` runs of a level go down as one, after ratio^levels − 1 flushes of distinct keys:
    one per level in the long run.
    """
    _tree(ratio, levels)
    return float((ratio - 1) * sum(ratio**j * (j + 1) for j in range(levels)) / (ratio**levels - 1))


def leveled_writes(levels: int, ratio: int = 10) -> int:
    """The most that an entry is written where levels 1 … `levels` are runs in files and level 0 is as large as level 1:
    to level 0, with level 1, and with up to `ratio` times as much at every level from there on.

    Source: RocksDB tuning guide.
    """
    _tree(ratio, levels)
    return 1 + 2 + ratio * (levels - 1)


def leveled_space(first: float, levels: int, live: float, ratio: int = 10) -> float:
    """Bytes of full levels, level 0 as large as level 1, per byte that is live.

    Source: RocksDB tuning guide.
    """
    _tree(ratio, levels)
    return float(first + sum(first * ratio**j for j in range(levels))) / live


BTREE_FILL = math.log(2)
"""The share of the leaves of a B-tree that is taken after many inserts at random.

Source: Yao, On random 2–3 trees, Acta Informatica 1978.
"""


def page_writes(page: float, row: float, copies: int = 1) -> float:
    """Bytes written per byte changed where every change of a row writes its page, `copies` times (2: double write)."""
    within(page >= row > 0 and copies >= 1, "a page holds at least a row, and is written at least once")
    return copies * page / row


def uniform_searches(runs: int, bits: float) -> float:
    """Runs searched in vain by a look-up of what is not there, all filters with so many bits per key."""
    within(runs >= 0 and bits >= 0, "filters need runs ≥ 0 and bits ≥ 0")
    return runs * math.exp(-bits * PER_BIT)


def optimal_filters(sizes: Sequence[float], bits: float) -> list[float]:
    """The probabilities that the filters of runs of these sizes are wrong, with `bits` per key on average, for which
    the fewest runs are searched in vain: in proportion to the sizes, and 1 where a filter is not worth its bits.

    Source: Dayan, Athanassoulis and Idreos, Monkey: Optimal navigable key-value store, SIGMOD 2017.
    """
    within(len(sizes) > 0 and min(sizes) > 0 and bits >= 0, "filters need runs with keys, and bits ≥ 0")
    whole = sum(sizes)

    def spent(strength: float) -> float:
        wrong = (min(1.0, size / whole * math.exp(-strength)) for size in sizes)
        return sum(-size * math.log(p) for size, p in zip(sizes, wrong, strict=True)) / PER_BIT / whole

    least = math.log(min(sizes) / whole)
    strength = least + root(lambda more: spent(least + more), bits, 1.0)
    return [min(1.0, size / whole * math.exp(-strength)) for size in sizes]


def _tree(ratio: int, levels: int) -> None:
    within(ratio >= 2 and levels >= 1, "a tree needs a ratio ≥ 2 and a level")
