"""What a sweep tries: values by path; and steps, named settings on top of each other, to turn dials one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from simsys.scenario.errors import WordError, nearest
from simsys.units import Name, Spec

STEPS = "steps"
"""Where a sweep has its steps, instead of a path with values."""


class Grid(Spec):
    """Values of a sweep: `points` of them from the first to the last, evenly or (`log`) by equal factors."""

    log: tuple[Any, Any] | None = None
    linear: tuple[Any, Any] | None = None
    points: Annotated[int, Field(ge=2, le=10_000)]

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if (self.log is None) == (self.linear is None):
            raise ValueError("give log or linear, as in {log: [100, 10M], points: 25}")
        return self


Values = Grid | tuple[Any, ...]


class Step(Spec):
    """Settings by path, as for `--set`, on top of those of the step it comes `after`: the one above, if left out."""

    name: Name
    set: dict[str, Any] = Field(default_factory=dict)
    after: Name | None = None


class Sweep(Spec):
    """Values by path; steps in their order, the first with nothing below; and whether the paths go in step (`zip`)."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Values]

    steps: Annotated[tuple[Step, ...], Field(min_length=1)] = ()
    zip: bool = Field(default=False, json_schema_extra={"const": True})

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

    @field_validator("zip", mode="before")
    @classmethod
    def _true_or_nothing(cls, given: Any) -> bool:
        if given is not True:
            raise ValueError("expected true, or nothing")
        return True

    @property
    def paths(self) -> dict[str, Values]:
        """The values of each path."""
        return self.__pydantic_extra__

    def __bool__(self) -> bool:
        """Whether it tries anything."""
        return bool(self.steps or self.paths)

    @model_serializer(mode="wrap")
    def _as_given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The steps first, `zip` last, and neither where there is none."""
        told: dict[str, Any] = write(self)
        steps, zipped = told.pop("steps"), told.pop("zip")
        return ({"steps": steps} if steps else {}) | told | ({"zip": True} if zipped else {})


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
