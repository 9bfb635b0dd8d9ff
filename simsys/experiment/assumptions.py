"""What an answer rests on without knowing: defaults of grade C and D that a scenario uses, each as a dial."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from simsys.experiment import accounts
from simsys.experiment.setting import Setting, settings
from simsys.money import KIND, PAID_IN
from simsys.scenario import Figure, Scenario, figures, write_scenario
from simsys.scenario.guard import read_tree
from simsys.scenario.paths import PathError, find, parse_path, show_path
from simsys.scenario.uses import uses
from simsys.strategies import Keep, World
from simsys.units import (
    parse_count,
    parse_duration,
    parse_money,
    parse_price,
    parse_rate,
    parse_share,
    parse_size,
)

WEAK = ("C", "D")
UNKNOWN_RANGE = (0.5, 2.0)
"""Factors for a default of which nobody gave a range."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Assumption(NamedTuple):
    """A value as it is written at a path, and the factors between which it may be moved.

    `grade` is empty where somebody asked for it; `stated` tells whether somebody gave the range.
    """

    path: str
    value: Any
    low: float
    high: float
    source: str = ""
    grade: str = ""
    stated: bool = True

    def at(self, factor: float) -> Any:
        """The value times a factor, as it would be written: four digits, whole numbers stay whole."""
        return self.value if factor == 1 else _scaled(self.value, factor)

    def change(self, factor: float) -> str:
        """What `--set` needs to make it so."""
        value = self.at(factor)
        if isinstance(value, str):
            return f"{self.path}={value}"
        return f"{self.path}={json.dumps(value)}"


def weak(scenario: Scenario) -> list[Assumption]:
    """The defaults of grade C and D that a figure of the scenario rests on."""
    ready = settings(scenario)
    used = _Used(ready)
    return [_dial(figure) for figure in figures(scenario) if figure.grade in WEAK and used.needs(figure)]


def asked(scenario: Scenario, texts: Iterable[str]) -> list[Assumption]:
    """The dials of `path=low..high`; ValueError where one leads nowhere, or has no number to move."""
    tree, _ = read_tree(write_scenario(scenario), scenario.name)
    dials = []
    for text in texts:
        path, equals, span = text.partition("=")
        low, dots, high = span.partition("..")
        if not (equals and dots and low.strip() and high.strip()):
            raise ValueError(f"expected path=low..high, as in prices.ram='2 $/GB/month..8 $/GB/month', not '{text}'")
        try:
            value = find(tree, parse_path(path.strip())).plain()
        except PathError as error:
            hint = f"; did you mean '{error.hint}'?" if error.hint else ""
            raise ValueError(f"{path.strip()}: {error}{hint}") from None
        try:
            dials.append(Assumption(path.strip(), value, *_factors(value, (low.strip(), high.strip()))))
        except ValueError as error:
            raise ValueError(f"{path.strip()}: {error}") from None
    return dials


def _dial(figure: Figure) -> Assumption:
    span, value = figure.range, figure.value
    if isinstance(span, dict):
        ((part, span),) = span.items()
        value = value[part]
    low, high = UNKNOWN_RANGE if span is None else _factors(value, span)
    return Assumption(
        show_path(figure.path), figure.value, low, high, figure.source, figure.grade, stated=span is not None
    )


def _factors(value: Any, span: tuple[Any, Any]) -> tuple[float, float]:
    """The ends of a range as factors of the value; the range of a distribution is that of its mean."""
    middle = _mean(value)
    read = _reader(middle, *span)
    if read is None:
        raise ValueError(f"expected numbers with the same unit, found {middle}, {span[0]} and {span[1]}")
    now, low, high = (read(each) for each in (middle, *span))
    if now <= 0 or not low < high:
        raise ValueError(f"expected a value above zero and a rising range, found {middle}, {span[0]} to {span[1]}")
    return low / now, high / now


def _mean(value: Any) -> Any:
    """The number that stands for a value; ValueError where several do."""
    while isinstance(value, dict):
        if {"fixed", "per_item"} <= value.keys():
            raise ValueError("it has a fixed part and one per item: name one of them")
        value = value["mean"] if "mean" in value else next(iter(value.values()))
    return value


def _ratio(text: object) -> float:
    reads, _, writes = str(text).partition(":")
    return parse_count(reads) / parse_count(writes)


def _price(text: str) -> float:
    return parse_price(text)[0]


_READERS: tuple[Callable[[Any], float], ...] = (
    parse_duration, parse_size, parse_rate, parse_share, parse_money, _price, _ratio, parse_count,
)  # fmt: skip


def _scaled(value: Any, factor: float, like: Callable[[Any], float] | None = None) -> Any:
    """Every quantity in it of one kind (that of the mean) times a factor; in a mapping a bare number is a shape."""
    if isinstance(value, dict):
        like = like or _reader(_mean(value.get("per_item", value)))
        return {k: each if isinstance(each, int | float) else _scaled(each, factor, like) for k, each in value.items()}
    if isinstance(value, list | tuple):
        return [_scaled(each, factor, like) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(1, round(value * factor)) if value else 0
    if isinstance(value, float):
        return float(_digits(value * factor))
    if like is not None and not _reads(like, value):
        return value
    return _NUMBER.sub(lambda found: _digits(float(found[0]) * factor), value, count=1)


def _reader(*values: Any) -> Callable[[Any], float] | None:
    """What reads all these values, if anything does."""
    return next((read for read in _READERS if all(_reads(read, value) for value in values)), None)


def _reads(read: Callable[[Any], float], value: Any) -> bool:
    try:
        read(value)
    except (ValueError, TypeError):
        return False
    return True


def _digits(number: float) -> str:
    return format(Decimal(f"{number:.4g}"), "f")


class _Used:
    """What the strategies of a scenario visit, keep and pay for."""

    def __init__(self, ready: list[Setting]) -> None:
        self.visited = {use for setting in ready for op in setting.ops for use in _uses(setting, op)}
        self.all = any(isinstance(setting.trees, str) for setting in ready)
        self.kept = [keep for setting in ready for keep in _kept(setting)]
        self.kinds = {"cpu", "network", *(KIND[keep.medium] for keep in self.kept)}

    def needs(self, figure: Figure) -> bool:
        """Whether a figure of the scenario changes with this one."""
        room, name, *rest = figure.path
        if room == "stations":
            return self.all or ("station", name, rest[1]) in self.visited
        if room == "caches":
            return self.all or ("cache", name, "") in self.visited
        if room == "prices":
            return any(kind in self.kinds for kind in PAID_IN.get(name, ()))
        if room == "sizes":
            return any(keep.item == name for keep in self.kept)
        return any(_counts(keep, {"posts": "posts", "hot": "hot_posts"}[name]) for keep in self.kept)


def _kept(setting: Setting) -> Iterator[Keep]:
    """What a strategy keeps, but for stores of nothing."""
    there = {each.store.name for each in accounts.stores(setting, dict.fromkeys(setting.scenario.caches, 1.0))}
    return (keep for keep in setting.strategy.keeps(World()) if keep.name in there)


def _uses(setting: Setting, op: str) -> Iterator[tuple[str, str, str]]:
    found = uses(setting.strategy, op, setting.first.columns)
    if not isinstance(found, str):
        yield from (tuple(use) for use in found)  # type: ignore[misc]


def _counts(keep: Keep, column: str) -> bool:
    """Whether the number of items kept depends on a column of the world."""
    return column in re.findall(r"\w+", str(keep.items))
