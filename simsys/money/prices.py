"""Prices in US dollars per byte, vCPU and month: `prices.yaml`, dated and sourced; a scenario overrides.

A month has 730 hours.
"""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import Field

from simsys.units import Count, Notation, Share, Spec, UnitError, Whole, parse_price, write_price

SECONDS_PER_MONTH = 730 * 3600.0


class Figure(NamedTuple):
    """A default as it is written, with its units: value, range, where it comes from, when, how sure it is.

    Grades: A measured or a primary source, B the operator of a real system, C second hand, D judgement.
    """

    value: Any
    range: tuple[Any, Any]
    source: str
    date: str
    grade: Literal["A", "B", "C", "D"]


def figures() -> dict[str, Figure]:
    """The default of each price by name."""
    text = (resources.files(__package__) / "prices.yaml").read_text(encoding="utf-8")
    return {
        name: Figure(f["value"], tuple(f["range"]), f["source"], str(f["date"]), f["grade"])
        for name, f in yaml.load(text, yaml.CSafeLoader).items()
    }


FIGURES = figures()


def _price(per: str, example: str) -> Notation:
    def read(text: object) -> float:
        value, found = parse_price(text)
        if found != per:
            raise UnitError(f"{text!r}: expected a price like {example}")
        return value

    schema = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[kMB]?\s*\$\s*/", "examples": [example]}
    return Notation(read, schema, write=lambda price: write_price(price, per))


PerByteMonth = Annotated[float, _price("B/month", "4 $/GB/month")]
PerMonth = Annotated[float, _price("month", "12.5 $/month")]
PerByte = Annotated[float, _price("B", "0.02 $/GB")]


def _default(name: str, meaning: str, **limits: Any) -> Any:
    return Field(default=FIGURES[name].value, validate_default=True, description=meaning, **limits)


class Prices(Spec):
    """What a month costs, and how full a fleet may be. One logical GB in RAM costs ram × copies / usable."""

    ram: PerByteMonth = _default("ram", "memory, raw")
    ssd: PerByteMonth = _default("ssd", "disk")
    object: PerByteMonth = _default("object", "object store")
    vcpu: PerMonth = _default("vcpu", "one virtual processor")
    cross_zone: PerByte = _default("cross_zone", "a byte from one zone to another")
    usable: Share = _default("usable", "share of raw memory that holds data", gt=0)
    copies: Whole = _default("copies", "copies of what is kept", ge=1)
    zones: Whole = _default("zones", "zones, one of which may fail", ge=2)
    peak_to_mean: Count = _default("peak_to_mean", "peak load over mean load", ge=1)
    max_utilization: Share = _default("max_utilization", "of a server, at the peak", gt=0)

    @property
    def provision(self) -> float:
        """The fleet to buy over the one that the mean load keeps busy: for the peak, with one zone lost."""
        return self.peak_to_mean / self.max_utilization * self.zones / (self.zones - 1)

    def crossings(self, copies: int = 1) -> float:
        """How often a byte changes zone: clients balanced over the zones, and each further copy once."""
        return (self.zones - 1) / self.zones + copies - 1
