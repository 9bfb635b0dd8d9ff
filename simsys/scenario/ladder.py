"""The steps of a sweep: named settings, each on top of those of another step, so that dials are turned one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, field_validator

from simsys.scenario.errors import WordError, nearest
from simsys.units import Name, Spec

STEPS = "steps"
"""Where a sweep has its steps, instead of a path with values."""
ZIP = "zip"
"""Where a sweep says that its paths go in step, instead of all combinations."""


class Step(Spec):
    """Settings by path, as for `--set`, on top of those of the step it comes `after`: the one above, if left out."""

    name: Name
    set: dict[str, Any] = Field(default_factory=dict)
    after: Name | None = None


class Ladder(Spec):
    """Steps in their order; the first has nothing below."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @field_validator("steps")
    @classmethod
    def _each_stands_on_one_above(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        names = [step.name for step in steps]
        for number, step in enumerate(steps):
            if step.name in names[:number]:
                raise ValueError(f"there are two steps '{step.name}'")
            if step.after is not None and step.after not in names[:number]:
                raise WordError(f"above '{step.name}' there is no step '{step.after}'", nearest(step.after, names))
        return steps


def below(steps: Sequence[Step], number: int) -> int | None:
    """The number of the step that this one stands on; None for the first."""
    after = steps[number].after
    if after is None:
        return number - 1 if number else None
    return [step.name for step in steps].index(after)


def climbed(steps: Sequence[Step], name: str) -> list[int]:
    """The numbers of the steps whose settings make this one, from the first on."""
    number: int | None = [step.name for step in steps].index(name)
    found: list[int] = []
    while number is not None:
        found.insert(0, number)
        number = below(steps, number)
    return found
