"""The values and conditions of a flow: a number, a column, or a product of both; a comparison of a column with a
number.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, TypeVar

from simsys.units import parse_count

Wrong = tuple[tuple[Any, ...], str, str | None, tuple[str, ...]]
T = TypeVar("T")

MOST = 10**12
"""What a plan may ask for at once."""
COLUMNS = (
    "user", "key", "size", "page", "followers", "following", "active", "index",
    "posts", "reads", "follower", "followed",
)  # fmt: skip
OTHER_END = {"follower": "follower_where", "followed": "followed_where"}
"""Who is at the other end of an edge, by the method of a row that tells it."""
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


class FlowError(ValueError):
    """All that is wrong with a flow: `problems` are (path, message, wrong word or None, right words)."""

    def __init__(self, problems: list[Wrong]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message, *_ in problems))
        self.problems = problems


class Reader:
    """Collects what is wrong, so that everything is said at once."""

    def __init__(self) -> None:
        self.problems: list[Wrong] = []

    def wrong(self, path: tuple[Any, ...], message: str, word: str | None = None, right: tuple[str, ...] = ()) -> None:
        self.problems.append((path, message, word, right))

    def read(self, path: tuple[Any, ...], parse: Callable[[Any], T], value: Any, otherwise: T) -> T:
        try:
            return parse(value)
        except ColumnError as error:
            self.wrong(path, str(error), error.word, COLUMNS)
        except ValueError as error:
            self.wrong(path, str(error))
        return otherwise

    def raise_all(self) -> None:
        if self.problems:
            raise FlowError(self.problems)


class ColumnError(ValueError):
    """A word that is no column."""

    def __init__(self, word: str) -> None:
        super().__init__("no such column")
        self.word = word


def parse_value(value: Any) -> Callable[[Any], Any]:
    """A function from the row to a number: of `3`, `10k`, `following`, `2 * following`."""
    factor, column = 1.0, None
    for part in str(value).split("*") if isinstance(value, str) else [value]:
        word = part.strip() if isinstance(part, str) else part
        if isinstance(word, str) and re.fullmatch(r"[a-z_]+", word):
            if word not in COLUMNS:
                raise ColumnError(word)
            if column is not None:
                raise ValueError("a value has one column at the most: a number, a column, or a product of both")
            column = word
        else:
            factor *= parse_count(word)
    if factor > MOST:
        raise ValueError(f"at most {MOST:,} are counted")
    if column is None:
        return lambda row: factor
    name, one = column, OTHER_END.get(column)
    if one is not None:
        return lambda row: factor * getattr(row, one)() if factor != 1.0 else getattr(row, one)()
    return (lambda row: getattr(row, name)) if factor == 1.0 else (lambda row: factor * getattr(row, name))


def condition(text: Any) -> Callable[[Any], Any]:
    """A function from the row to a truth: of `followers < 10k`."""
    match = re.fullmatch(r"\s*([a-z_]+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a column compared with a number, as in followers < 10k")
    left, right, compare = parse_value(match[1]), parse_count(match[3]), _COMPARE[match[2]]
    return lambda row: compare(left(row), right)
