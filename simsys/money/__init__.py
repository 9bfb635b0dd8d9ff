"""Bytes and money: what is kept and run, times dated prices, as formulas in the open."""

from simsys.money.bill import KIND, MEDIA, PAID_IN, Kind, Machines, Medium, Store, Term, Traffic, bill, total
from simsys.money.prices import FIGURES, SECONDS_PER_MONTH, Figure, Prices

__all__ = [
    "FIGURES", "KIND", "MEDIA", "PAID_IN", "SECONDS_PER_MONTH", "Figure", "Kind", "Machines", "Medium", "Prices",
    "Store", "Term", "Traffic", "bill", "total",
]  # fmt: skip
