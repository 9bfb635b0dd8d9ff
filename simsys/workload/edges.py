"""Files of a small network: who follows whom, one edge a line, and how often each user posts and reads.

CSV with a header, plain or packed (.gz, .xz). A user is any word, a number or a name, that is printed and not too long.
Whatever cannot be meant is an error that names file, line and column: an edge that stands there twice, a user who
follows itself, rates of nobody.
"""

from __future__ import annotations

import csv
import lzma
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self, TextIO

import numpy as np
from pydantic import PrivateAttr, ValidationInfo, model_validator

from simsys.distributions.files import FileError, find_file
from simsys.units import Spec
from simsys.workload.graph import Array, Graph, Numbers
from simsys.workload.traces import opened

MOST_EDGES = 2_000_000
"""Larger networks are given as distributions."""
LONGEST_NAME, LONGEST_LINE = 64, 4096
LARGEST = 1e30


class Rates(Spec):
    """A file that says how often each user posts and reads, compared with the others."""

    path: str
    user: str = "user"
    posts: str = "posts"
    reads: str = "reads"
    _found: Path = PrivateAttr()

    @model_validator(mode="after")
    def _find(self, info: ValidationInfo) -> Self:
        self._found = find_file(self.path, info.context)
        return self


class Edges(Spec):
    """A file of the edges: who follows (`follower`) whom (`followed`)."""

    path: str
    follower: str = "follower"
    followed: str = "followed"
    rates: Rates | None = None
    _found: Path = PrivateAttr()

    @model_validator(mode="after")
    def _find(self, info: ValidationInfo) -> Self:
        self._found = find_file(self.path, info.context)
        self.graph()
        return self

    def graph(self) -> Graph:
        """The graph; where no rates are given, all read alike and all post alike. Raises FileError."""
        follower, author, users = _read(self._found, _state(self._found), self.follower, self.followed)
        if self.rates is None:
            return Graph(follower, author, np.full(len(users), 1 / len(users)), np.full(len(users), 1 / len(users)))
        columns = (self.rates.user, self.rates.posts, self.rates.reads)
        posts, reads = _read_rates(self.rates._found, _state(self.rates._found), columns, users, self._found.name)
        return Graph(follower, author, posts, reads)


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4)
def _read(path: Path, state: tuple[int, int], follower: str, followed: str) -> tuple[Numbers, Numbers, tuple[str, ...]]:
    """Followers and followed by number, and the users in the order of their numbers."""
    numbers: dict[str, int] = {}
    edges: dict[tuple[int, int], int] = {}
    for line, (who, whom) in _rows(path, (follower, followed)):
        edge = numbers.setdefault(who, len(numbers)), numbers.setdefault(whom, len(numbers))
        if who == whom:
            raise FileError(f"{path.name}, line {line}: {who!r} follows itself; expected two users")
        if edge in edges:
            raise FileError(f"{path.name}, line {line}: {who!r} follows {whom!r} already, since line {edges[edge]}")
        if len(edges) == MOST_EDGES:
            raise FileError(f"{path.name}, line {line}: expected at most {MOST_EDGES:,} edges")
        edges[edge] = line
    if not edges:
        raise FileError(f"{path.name} has no edges below its header")
    pairs = np.array(list(edges), np.int64)
    return pairs[:, 0].copy(), pairs[:, 1].copy(), tuple(numbers)


@lru_cache(maxsize=4)
def _read_rates(
    path: Path, state: tuple[int, int], columns: tuple[str, str, str], users: tuple[str, ...], graph: str
) -> tuple[Array, Array]:
    """How often each user posts and reads, as shares of all."""
    numbers = {name: number for number, name in enumerate(users)}
    lines: dict[str, int] = {}
    rates = np.zeros((2, len(users)))
    for line, (user, *texts) in _rows(path, columns):
        if user not in numbers:
            raise FileError(f"{path.name}, line {line}, column {columns[0]!r}: {user!r} is no user of {graph}")
        if user in lines:
            raise FileError(f"{path.name}, line {line}: {user!r} has its rates already, since line {lines[user]}")
        lines[user] = line
        for kind, text in enumerate(texts):
            rates[kind, numbers[user]] = _rate(text, f"{path.name}, line {line}, column {columns[kind + 1]!r}")
    without = next((name for name in users if name not in lines), None)
    if without is not None:
        raise FileError(f"{path.name} has no rates for {without!r}, who is a user of {graph}")
    for name, each in zip(columns[1:], rates, strict=True):
        if not each.any():
            raise FileError(f"{path.name}: the column {name!r} adds up to zero")
        each /= each.sum()
    return rates[0], rates[1]


def _rate(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= LARGEST:
        raise FileError(f"{where}: expected a rate from 0 to {LARGEST:g}, not {text!r}")
    return value


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, the cells of these columns) below the header."""
    try:
        with opened(path) as text:
            reader = csv.reader(_lines(path, text), strict=True)
            header = next(reader, [])
            for column in columns:
                if header.count(column) != 1:
                    have = ", ".join(header)[:200] or "missing"
                    raise FileError(f"{path.name}, line 1: expected the column {column!r} once; the header is: {have}")
            places = [header.index(column) for column in columns]
            for row in reader:
                if len(row) != len(header):
                    told = f"expected {len(header)} cells, as in the header; found {len(row)}"
                    raise FileError(f"{path.name}, line {reader.line_num}: {told}")
                cells = {column: row[place] for column, place in zip(columns, places, strict=True)}
                yield reader.line_num, [_word(path, reader.line_num, cells, column) for column in columns]
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path.name} cannot be read as CSV: {error}") from None


def _word(path: Path, line: int, cells: Mapping[str, str], column: str) -> str:
    word = cells[column].strip()
    if not word or len(word) > LONGEST_NAME or not word.isprintable():
        told = f"expected a word of 1 to {LONGEST_NAME} characters, not {word[:LONGEST_NAME]!r}"
        raise FileError(f"{path.name}, line {line}, column {column!r}: {told}")
    return word


def _lines(path: Path, text: TextIO) -> Iterator[str]:
    """The lines of a text, none of them too long to be kept."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise FileError(f"{path.name}, line {number}: expected at most {LONGEST_LINE:,} characters")
        yield line
