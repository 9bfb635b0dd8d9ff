"""The choice of a law: a plain quantity, one named law, or a mixture."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import (
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsys.distributions import laws
from simsys.distributions.grammar import (
    Erlang,
    Exponential,
    File,
    Grammar,
    Hyperexponential,
    Lognormal,
    Pareto,
    Quantiles,
    Quantity,
    Uniform,
)
from simsys.distributions.mixtures import mixture
from simsys.distributions.variates import Variate
from simsys.units import Count, Duration, Share, Size

Kind = TypeVar("Kind", bound="Distribution[Any]")


class Law(Grammar[Quantity], Generic[Quantity]):
    """Exactly one of these."""

    constant: Quantity | None = None
    exponential: Exponential[Quantity] | None = None
    lognormal: Lognormal[Quantity] | None = None
    uniform: Uniform[Quantity] | None = None
    erlang: Erlang[Quantity] | None = None
    hyperexponential: Hyperexponential[Quantity] | None = None
    pareto: Pareto[Quantity] | None = None
    quantiles: Quantiles[Quantity] | None = None
    file: File[Quantity] | None = None

    @model_validator(mode="after")
    def _just_one(self) -> Self:
        names = [name for name in type(self).model_fields if name != "share"]
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(names)}; found {' and '.join(given) or 'none'}")
        return self

    @model_serializer(mode="wrap")
    def _without_the_others(self, write: SerializerFunctionWrapHandler) -> Any:
        return _without_none(write(self))

    def variate(self) -> Variate:
        """The law to draw from, in s, B or pieces."""
        if self.constant is not None:
            return Variate(laws.CONSTANT, self.constant)
        chosen = (getattr(self, name) for name in Law.model_fields)
        variate: Variate = next(law for law in chosen if law is not None).variate()
        return variate


class Component(Law[Quantity], Generic[Quantity]):
    """One part of a mixture."""

    share: Share


class Distribution(Law[Quantity], Generic[Quantity]):
    """A plain quantity (a constant), one law, or a mixture whose shares add up to 100%."""

    mixture: tuple[Component[Quantity], ...] | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _plain_is_constant(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Self:
        if isinstance(value, Mapping | Distribution):
            return read(value)  # type: ignore[no-any-return]
        try:
            return _constant(cls, value) if isinstance(value, str) else read({"constant": value})  # type: ignore[no-any-return]
        except ValidationError as error:
            found = error.errors()[0]
            raise ValueError(found["ctx"].get("error", found["msg"])) from None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = math.fsum(part.share for part in self.mixture or ())
        if self.mixture is not None and abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares of a mixture add up to {100.0 * total:.6g}%; expected 100%")
        return self

    @model_serializer(mode="wrap")
    def _plain_if_constant(self, write: SerializerFunctionWrapHandler) -> Any:
        written = _without_none(write(self))
        return written.get("constant", written)

    def variate(self) -> Variate:
        """The law to draw from, in s, B or pieces."""
        if self.mixture is None:
            return super().variate()
        parts = [(part.share, part.variate().quantile_table()) for part in self.mixture]
        return Variate.from_table(mixture(parts))

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        model = handler.resolve_ref_schema(schema)
        named = {**model, "minProperties": 1, "maxProperties": 1}
        options = model["properties"]["constant"]["anyOf"]
        plain = [option for option in options if option != {"type": "null"}]
        model.clear()
        model["anyOf"] = [*plain, named]
        return schema


@lru_cache(maxsize=4096)
def _constant(kind: type[Kind], text: str) -> Kind:
    return kind.model_validate({"constant": text})


def _without_none(written: Any) -> Any:
    if isinstance(written, dict):
        return {key: _without_none(value) for key, value in written.items() if value is not None}
    if isinstance(written, list | tuple):
        return [_without_none(value) for value in written]
    return written


DurationDistribution = Distribution[Duration]
SizeDistribution = Distribution[Size]
CountDistribution = Distribution[Count]
for _kind in (DurationDistribution, SizeDistribution, CountDistribution):
    _kind.model_rebuild()


def parse_distribution(
    value: object, quantity: Literal["duration", "size", "count"] = "duration", folders: Iterable[Path] = ()
) -> "Distribution[Any]":
    """The distribution that is written like this; its files are in these folders (or the current one)."""
    kinds = {"duration": DurationDistribution, "size": SizeDistribution, "count": CountDistribution}
    kind: type[Distribution[Any]] = kinds[quantity]
    return kind.model_validate(value, context={"folders": tuple(folders)})
