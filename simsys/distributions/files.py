"""Columns of numbers from CSV files (plain, .gz or .xz) with one header line."""

import csv
import gzip
import lzma
import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from simsys.draws.arithmetic import Array

OPENERS: dict[str, Callable[..., IO[str]]] = {".gz": gzip.open, ".xz": lzma.open}


class FileError(ValueError):
    """A file that is not there, or does not hold what was expected."""


def find_file(path: str, context: Mapping[str, Any] | None) -> Path:
    """The file in the first of the `folders` of a validation's context (or the current one) that has it."""
    folders: Iterable[Path] = (context or {}).get("folders") or (Path(),)
    tried = [Path(folder) / path for folder in folders]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise FileError(f"no such file: {', '.join(map(str, tried))}")


def read_columns(path: Path, names: tuple[str | None, ...]) -> tuple[Array, ...]:
    """The columns of these names, finite numbers not below zero; None is the only column not named."""
    try:
        return _read(path, path.stat().st_mtime_ns, names)
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path.name} cannot be read: {error}") from None


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, names: tuple[str | None, ...]) -> tuple[Array, ...]:
    with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8", newline="") as lines:
        columns = _columns(lines, names, path.name)
    for column in columns:
        column.flags.writeable = False
    return columns


def _columns(lines: IO[str], names: tuple[str | None, ...], file: str) -> tuple[Array, ...]:
    reader = csv.reader(lines)
    header = next(reader, [])
    places = [_place(header, name, names, file) for name in names]
    rows: list[list[float]] = [[] for _ in names]
    for row in reader:
        for column, place in zip(rows, places, strict=True):
            text = row[place] if place < len(row) else ""
            column.append(_number(text))
            if not 0.0 <= column[-1] < math.inf:
                where = f"{file}, line {reader.line_num}, column {header[place]!r}"
                raise FileError(f"{where}: expected a number that is not negative, not {text[:40]!r}")
    if not rows[0]:
        raise FileError(f"{file} has no rows below its header")
    return tuple(np.array(column) for column in rows)


def _place(header: list[str], name: str | None, names: tuple[str | None, ...], file: str) -> int:
    choice = [name] if name is not None else [other for other in header if other not in names]
    if len(choice) != 1 or header.count(choice[0]) != 1:
        wanted = f"the column {name!r}" if name is not None else "just one more column"
        raise FileError(f"{file}: expected {wanted}; its columns are {', '.join(header) or 'missing'}")
    return header.index(choice[0])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
