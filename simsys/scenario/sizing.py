"""What a fleet is sized for: `size:`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simsys.units import Count, Share, Spec, Whole


class Sizing(Spec):
    """At `peak` times the load, with `survive` of the `zones` lost, no station may be busier than `max_utilization`.

    What is left out does not apply.
    """

    peak: Annotated[Count, Field(ge=1)] = 1.0
    max_utilization: Annotated[Share, Field(gt=0)] = 1.0
    zones: Annotated[Whole, Field(ge=1)] = 1
    survive: Annotated[Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _some_zone_is_left(self) -> Self:
        if self.survive >= self.zones:
            zones = f"{self.zones} zone{'s' if self.zones > 1 else ''}"
            raise ValueError(f"of {zones} some must be left: survive is below zones, as in {{zones: 3, survive: 1}}")
        return self

    def left(self, bought: int) -> int:
        """Servers that are left of so many, spread evenly over the zones, when the fullest zones are lost."""
        return bought - self.survive * (bought // self.zones) - min(self.survive, bought % self.zones)

    def bought(self, needed: int) -> int:
        """The fewest servers of which so many are left."""
        bought = needed * self.zones // (self.zones - self.survive)
        while self.left(bought) < needed:
            bought += 1
        return bought
