"""Bytes and money: what is kept and run, times dated prices, as formulas in the open."""

from simsys.money.bill import MEDIA, Kind, Machines, Medium, Store, Term, Traffic, bill, total
from simsys.money.prices import FIGURES, SECONDS_PER_MONTH, Figure, Prices

__all__ = [
    "FIGURES", "MEDIA", "SECONDS_PER_MONTH", "Figure", "Kind", "Machines", "Medium", "Prices", "Store", "Term",
    "Traffic", "bill", "total",
]  # fmt: skip
