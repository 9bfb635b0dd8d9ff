"""Quantities as pydantic fields: read from text, written as text, with a JSON schema for editors."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from simsys.units.reading import (
    NUMBER,
    parse_count,
    parse_duration,
    parse_money,
    parse_rate,
    parse_share,
    parse_size,
    parse_whole,
)
from simsys.units.tables import BYTES, DOLLARS_PER_MONTH, PER_SECOND, PERCENT, PIECES, SECONDS, Units
from simsys.units.writing import (
    write_count,
    write_duration,
    write_money,
    write_rate,
    write_share,
    write_size,
)


class Spec(BaseModel):
    """The base of every noun of the scenario grammar: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""What stations, operations, strategies and caches are called by."""

LARGEST = 1e30
"""No quantity is larger, so that no product of a few of them overflows."""
MOST = 10**15
"""No whole number is larger: as a float it is exact."""


@dataclass(frozen=True, eq=False)
class Notation:
    """How a number is read from what a person wrote, its JSON schema, how large it may be, and how it is written."""

    read: Callable[[Any], float]
    schema: JsonSchemaValue
    most: float = LARGEST
    write: Callable[[float], str | int | float] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        as_text = self.write and core_schema.plain_serializer_function_ser_schema(self.write)
        return core_schema.no_info_before_validator_function(self._limited, handler(source), serialization=as_text)

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self.schema)

    def _limited(self, value: Any) -> float:
        number = self.read(value)
        if number > self.most:
            raise PydanticKnownError("less_than_equal", {"le": self.most})
        return number


def _schema(units: Units, example: str, *others: dict[str, Any], repeat: str = "") -> JsonSchemaValue:
    names = "|".join(re.escape(name).replace("/", r"\s*/\s*") for name in units)
    text = {"type": "string", "pattern": rf"^\s*({NUMBER}\s*({names})\s*){repeat}$", "examples": [example]}
    return {"anyOf": [text, *others]} if others else text


def _short_count(count: float) -> str | int | float:
    """`5k`, but 8 as the number 8."""
    text = write_count(count)
    return text if text[-1] in PIECES else int(text) if text.isdigit() else float(text)


_NUMBER = {"type": "number", "minimum": 0}

Duration = Annotated[float, Notation(parse_duration, _schema(SECONDS, "250us", repeat="+"), write=write_duration)]
Size = Annotated[float, Notation(parse_size, _schema(BYTES, "64MiB"), write=write_size)]
Rate = Annotated[float, Notation(parse_rate, _schema(PER_SECOND, "20k/s"), write=write_rate)]
Count = Annotated[float, Notation(parse_count, _schema(PIECES, "5k", _NUMBER), write=_short_count)]
Whole = Annotated[int, Notation(parse_whole, _schema(PIECES, "5k", _NUMBER | {"type": "integer"}), MOST)]
Share = Annotated[float, Notation(parse_share, _schema(PERCENT, "99.5%", {"enum": [0, 1, "0", "1"]}), inf, write_share)]
Money = Annotated[float, Notation(parse_money, _schema(DOLLARS_PER_MONTH, "40k$/month"), write=write_money)]
