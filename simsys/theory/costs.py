"""Closed forms for money: how long a page is worth its memory, and when it pays to own what one could rent.

Sources: J. Gray, F. Putzolu, The 5 minute rule, SIGMOD 1987; R. Appuswamy, G. Graefe, R. Borovica-Gajic, A. Ailamaki,
The five-minute rule 30 years later, CACM 2019. ValueError for quantities that are not positive.
"""

from __future__ import annotations

from simsys.theory.solve import within


def break_even_interval(pages_per_mb: float, iops: float, drive: float, memory: float) -> float:
    """Seconds between two reads of a page at which keeping it in memory costs what reading it again does.

    `drive` is the price of a drive that reads `iops` pages a second, `memory` that of a megabyte of memory, in one
    currency. A page that is read more often belongs into memory.
    """
    within(min(pages_per_mb, iops, drive, memory) > 0, "pages, reads and prices must be positive")
    return pages_per_mb / iops * drive / memory


def break_even_utilization(on_demand: float, provisioned: float) -> float:
    """The share of its capacity that a provisioned unit must be used at for it to cost what paying per use does.

    `on_demand` is the price of one operation, `provisioned` that of the unit for as long as it could do one operation.
    """
    within(on_demand > 0 and provisioned >= 0, "an operation must cost something, and a unit not less than nothing")
    return provisioned / on_demand
