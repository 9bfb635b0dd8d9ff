"""Errors of a scenario: each with its place in the file, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from simsys.units import printable

_WIDTH = 100
_SHOWN = 50
_LONGEST = 1000


def nearest(word: str, words: Iterable[str]) -> str:
    """The right word that `word` is most like; empty if none is like it."""
    close = get_close_matches(word, sorted(words), n=1)
    return close[0] if close else ""


@dataclass(frozen=True, eq=False)
class Source:
    """A text that nodes come from: a file by name, or the option that gave a value."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass(frozen=True)
class Problem:
    """What is wrong at one place: line and column from 1, the path of the value, the nearest right word."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""
    excerpt: str = ""

    @classmethod
    def at(cls, source: Source, line: int, column: int, path: str, message: str, hint: str = "") -> Problem:
        excerpt = source.lines[line - 1] if line <= len(source.lines) else ""
        return cls(source.name, line, column, path, message, hint, excerpt)

    def __str__(self) -> str:
        place = f"{printable(self.file)}:{self.line}:{self.column}"
        told = (printable(part, _LONGEST) for part in (self.path, self.message))
        text = ": ".join(part for part in (place, *told) if part)
        if self.hint:
            text += f"; did you mean '{self.hint}'?"
        return f"{text}\n{self._marked_line()}" if self.excerpt.strip() else text

    def _marked_line(self) -> str:
        cut = max(0, self.column - 1 - _WIDTH // 2)
        line = printable(self.excerpt[cut:].replace("\t", " "), _WIDTH)
        return f"    {line}\n    {' ' * (self.column - 1 - cut)}^"


class ScenarioError(ValueError):
    """A scenario that cannot be played; `problems` are sorted by their place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        places = {(p.file, p.line, p.column, p.path, p.message): p for p in problems}
        self.problems = tuple(problem for _, problem in sorted(places.items()))
        super().__init__(self.problems)

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        more = len(self.problems) - len(shown)
        return "\n".join([*shown, f"… and {more} more"] if more else shown)


class WordError(ValueError):
    """A wrong word, with the nearest right one as the hint; raised by whoever reads a value."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
