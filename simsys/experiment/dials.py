"""Dials: values of a scenario that are turned between two ends, on the scale that suits them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simsys.experiment.quantities import NUMBER, QUANTITIES, Quantity
from simsys.scenario.paths import parse_path, show_path
from simsys.units import UnitError

DECADE = 10.0
"""A range whose end is so many times its begin is walked by factors, not by steps."""
_ZEROS = re.compile(r"(\.\d*?)0+(?!\d)")


@dataclass(frozen=True)
class Dial:
    """A value between `low` and `high`, in the unit used inside; `whole` where it has no fractions."""

    path: str
    low: float
    high: float
    whole: bool
    quantity: Quantity

    @property
    def by_factors(self) -> bool:
        """Whether the range spans decades."""
        return self.low > 0 and self.high >= DECADE * self.low

    def grid(self, points: int) -> list[float]:
        """So many values from the low end to the high one, or all there are if they are fewer."""
        return [self.low, *self.between(self.low, self.high, points - 2), self.high]

    def between(self, low: float, high: float, count: int) -> list[float]:
        """So many values strictly between two, or as many as there are: three digits, whole where the dial is."""
        shares = [n / (count + 1) for n in range(1, count + 1)]
        if self.by_factors:
            values = [float(f"{low * (high / low) ** share:.3g}") for share in shares]
        else:
            values = [float(f"{low + (high - low) * share:.12g}") for share in shares]
        if self.whole:
            values = [float(round(value)) for value in values]
            if high - low - 1 <= count:
                values = [low + n for n in range(1, int(high - low))]
        return sorted({value for value in values if low < value < high})

    def width(self, low: float, high: float) -> float:
        """How far two values are apart: as a share of the lower one, or of the range."""
        return high / low - 1 if self.by_factors else (high - low) / (self.high - self.low)

    def text(self, value: float) -> str:
        """The value as `--set` takes it; as people would write it, where that is the same value."""
        read, show, write = self.quantity
        plain = re.sub(r"\.(?!\d)", "", _ZEROS.sub(r"\1", show(value))).replace(",", "")
        try:
            return plain if read(plain) == value else write(value)
        except UnitError:
            return write(value)


def read_dial(text: str) -> Dial:
    """The dial of `PATH=LOW..HIGH`; ValueError if it is none."""
    path, equals, span = text.partition("=")
    first, dots, last = (part.strip() for part in span.partition(".."))
    if not (equals and dots and first and last):
        raise ValueError("expected PATH=LOW..HIGH, as in stations.database.servers=4..64")
    steps = parse_path(path.strip())
    for quantity in QUANTITIES:
        try:
            low, high = quantity.read(first), quantity.read(last)
        except UnitError:
            continue
        if not low < high:
            raise ValueError(f"the range must rise, and {first} is not below {last}")
        whole = quantity is NUMBER and low == int(low) and high == int(high) and "." not in first + last
        return Dial(show_path(steps), low, high, whole, quantity)
    raise ValueError(f"'{first}' and '{last}' are not two quantities of one kind, as in 10..10M or 5k/s..20k/s")
