"""Quantities as pydantic fields: read from text, written as text, with a JSON schema for editors."""

import re
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

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


def _schema(units: Units, example: str, *others: dict[str, Any], repeat: str = "") -> WithJsonSchema:
    names = "|".join(re.escape(name).replace("/", r"\s*/\s*") for name in units)
    text = {"type": "string", "pattern": rf"^\s*({NUMBER}\s*({names})\s*){repeat}$", "examples": [example]}
    return WithJsonSchema({"anyOf": [text, *others]} if others else text)


def _short_count(count: float) -> str | int | float:
    """`5k`, but 8 as the number 8."""
    text = write_count(count)
    return text if text[-1] in PIECES else int(text) if text.isdigit() else float(text)


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(le=LARGEST),
    PlainSerializer(write_duration, return_type=str),
    _schema(SECONDS, "250us", repeat="+"),
]
Size = Annotated[
    float,
    BeforeValidator(parse_size),
    Field(le=LARGEST),
    PlainSerializer(write_size, return_type=str),
    _schema(BYTES, "64MiB"),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    Field(le=LARGEST),
    PlainSerializer(write_rate, return_type=str),
    _schema(PER_SECOND, "20k/s"),
]
Count = Annotated[
    float,
    BeforeValidator(parse_count),
    Field(le=LARGEST),
    PlainSerializer(_short_count, return_type=str | int | float),
    _schema(PIECES, "5k", {"type": "number", "minimum": 0}),
]
Whole = Annotated[
    int,
    BeforeValidator(parse_whole),
    Field(le=MOST),
    _schema(PIECES, "5k", {"type": "integer", "minimum": 0}),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    PlainSerializer(write_share, return_type=str),
    _schema(PERCENT, "99.5%", {"enum": [0, 1, "0", "1"]}),
]
Money = Annotated[
    float,
    BeforeValidator(parse_money),
    Field(le=LARGEST),
    PlainSerializer(write_money, return_type=str),
    _schema(DOLLARS_PER_MONTH, "40k$/month"),
]
