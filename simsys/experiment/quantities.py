"""Kinds of quantities that a value of a scenario may be, for whoever does not know which one it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simsys.units import (
    parse_count,
    parse_duration,
    parse_money,
    parse_rate,
    parse_share,
    parse_size,
    show_count,
    show_duration,
    show_money,
    show_rate,
    show_share,
    show_size,
    write_duration,
    write_money,
    write_rate,
    write_share,
    write_size,
)


class Quantity(NamedTuple):
    """A kind of quantity: how it is read, how it is shown in three digits, and how it is written to the last."""

    read: Callable[[object], float]
    show: Callable[[float], str]
    write: Callable[[float], str]


def _write_number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


NUMBER = Quantity(parse_count, show_count, _write_number)
QUANTITIES = (
    NUMBER, Quantity(parse_duration, show_duration, write_duration), Quantity(parse_rate, show_rate, write_rate),
    Quantity(parse_size, show_size, write_size), Quantity(parse_share, show_share, write_share),
    Quantity(parse_money, show_money, write_money),
)  # fmt: skip
