"""Trace files: one request per line of a CSV file with a header, plain or packed (.gz, .xz).

The time column's name ends in its unit (`t_us`, `time_s`; _s, _ms, _us, _ns); one that begins with `dt`
holds the gap since the line before instead; a file without times has a line `every` so often. Times count
from the first request. Other columns may give the operation, the key, the size in bytes, and further
numbers for the plans. A file is read once from end to end before anything is played, so that a gap, a NaN
or a time that falls is an error that names file, line and column; then it is read again in chunks, so that
memory does not grow with its length.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, NamedTuple, Self, TextIO

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, model_validator

from simsys.units import Duration, Spec

PIECE = 512
"""Lines that are taken apart at once: so few that Python does not look for cycles among their cells."""
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_TAKEN = ("child", "followed_above", "index")
"""What a row has already."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LARGEST_KEY = 2.0**53


class TraceError(ValueError):
    """A trace file that cannot be played: where (line and column, where they are known) and why."""

    def __init__(self, file: str | Path, line: int | None, column: str | None, message: str) -> None:
        self.file, self.line, self.column = str(file), line, column
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: column {column}: {message}" if column else f"{where}: {message}")


def _with_unit(name: str) -> str:
    if name.rpartition("_")[2] not in UNITS or "_" not in name:
        raise ValueError(f"a time column ends in its unit, _s, _ms, _us or _ns; {name!r} does not")
    return name


def _for_plans(name: str) -> str:
    if not _COLUMN.fullmatch(name) or name in _TAKEN:
        raise ValueError(f"plans see a column by its name: a letter, then letters, digits and _; not {name!r}")
    return name


class Trace(Spec):
    """A trace file and what its columns mean.

    `ops` names the operations that the values of the `op` column stand for (`{R: read, W: post}`);
    without it the values are the names. `columns` are further numbers that plans may use.
    """

    file: str
    time: Annotated[str, AfterValidator(_with_unit)] | None = None
    every: Annotated[Duration, Field(gt=0)] | None = None
    op: str | None = None
    ops: Mapping[str, str] | None = None
    key: str | None = None
    size: str | None = None
    columns: tuple[Annotated[str, AfterValidator(_for_plans)], ...] = ()

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if (self.time is None) == (self.every is None):
            raise ValueError("a trace needs its times: either a time column, or every, the time from line to line")
        return self

    @property
    def numbers(self) -> dict[str, str]:
        """The request's columns that come from the trace: name → the trace's column."""
        given = {"key": self.key, "size": self.size} | {name: name for name in self.columns}
        return {name: column for name, column in given.items() if column is not None}


@dataclass(frozen=True)
class TraceFacts:
    """What one reading of a trace found: lines, the time of the last (s), how many of each operation."""

    requests: int
    last: float
    ops: Mapping[str, int]


class TraceChunk(NamedTuple):
    """Some consecutive lines: times (s), names of the operations (empty without an `op` column),
    columns.
    """

    arrival: npt.NDArray[np.float64]
    op: Sequence[str]
    columns: dict[str, npt.NDArray[np.float64]]


def read_trace(trace: Trace, folder: Path, size: int = 65536) -> Iterator[TraceChunk]:
    """The trace in chunks of `size` lines; a relative file name starts at `folder`. Raises TraceError."""
    path = folder / trace.file
    try:
        if path.exists() and not path.is_file():
            raise TraceError(path, None, None, "this is not a file")
        with opened(path) as text:
            piece = math.gcd(size, PIECE)
            pieces = _pieces(trace, path, text, piece)
            while several := list(islice(pieces, size // piece)):
                yield _joined(several)
    except FileNotFoundError:
        raise TraceError(path, None, None, "no such file") from None
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(path, None, None, f"cannot be read as CSV: {error}") from None


def scan_trace(trace: Trace, folder: Path) -> TraceFacts:
    """Check every line of the trace and count (remembered until the file changes). Raises TraceError."""
    return _scan(*_as_it_is(trace, folder))


def whole_trace(trace: Trace, folder: Path) -> TraceChunk:
    """All lines of the trace (remembered until the file changes). Raises TraceError."""
    return _whole(*_as_it_is(trace, folder))


def _as_it_is(trace: Trace, folder: Path) -> tuple[str, Path, int, int]:
    """What the lines depend on: the trace, its folder, when its file was changed, and its bytes."""
    path = folder / trace.file
    try:
        state = path.stat()
    except OSError as error:
        raise TraceError(path, None, None, error.strerror or "cannot be read") from None
    return trace.model_dump_json(), folder, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=16)
def _scan(trace_json: str, folder: Path, modified: int, size: int) -> TraceFacts:
    trace = Trace.model_validate_json(trace_json)
    requests, last, ops = 0, 0.0, Counter[str](dict.fromkeys((trace.ops or {}).values(), 0))
    for chunk in read_trace(trace, folder):
        requests += len(chunk.arrival)
        last = float(chunk.arrival[-1])
        ops.update(chunk.op)
    if requests == 0:
        raise TraceError(folder / trace.file, None, None, "a header and at least one line are needed")
    return TraceFacts(requests, last, ops if trace.ops else dict(sorted(ops.items())))


@lru_cache(maxsize=2)
def _whole(trace_json: str, folder: Path, modified: int, size: int) -> TraceChunk:
    return _joined(list(read_trace(Trace.model_validate_json(trace_json), folder)))


def _joined(chunks: Sequence[TraceChunk]) -> TraceChunk:
    """Consecutive chunks as one."""
    times, ops, columns = zip(*chunks, strict=True)
    joined = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    return TraceChunk(np.concatenate(times), tuple(chain.from_iterable(ops)), joined)


def opened(path: Path) -> TextIO:
    """The text of a CSV file, plain or packed (.gz, .xz)."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _pieces(trace: Trace, path: Path, text: TextIO, size: int) -> Iterator[TraceChunk]:
    reader = csv.reader(text)
    header = next(reader, [])
    clock = _Clock(trace)
    while rows := [(reader.line_num, row) for row in islice(reader, size)]:
        cells = _Cells(path, header, rows)
        times = clock.times(cells)
        columns = {name: cells.numbers(column) for name, column in trace.numbers.items()}
        for name in columns.keys() & {"key", "size"}:
            cells.refuse(trace.numbers[name], columns[name] < 0, f"a {name} must not be negative")
        if trace.key:
            whole = (columns["key"] == np.floor(columns["key"])) & (columns["key"] < _LARGEST_KEY)
            cells.refuse(trace.key, ~whole, "a key is a whole number below 2^53")
        op = cells.names(trace.op, trace.ops) if trace.op else ()
        yield TraceChunk(times, op, columns)


class _Clock:
    """The times (s) of consecutive lines, from the first one on."""

    def __init__(self, trace: Trace) -> None:
        self.column, self.every, self.lines = trace.time or "", trace.every, 0
        self.gaps = self.column.startswith("dt")
        self.first: float | None = None
        self.before = 0.0 if self.gaps else -math.inf

    def times(self, cells: _Cells) -> npt.NDArray[np.float64]:
        if self.every is not None:
            begin, self.lines = self.lines, self.lines + len(cells.lines)
            return np.arange(begin, self.lines, dtype=np.float64) * self.every
        times = cells.numbers(self.column)
        if self.gaps:
            cells.refuse(self.column, times < 0, "a gap between two times must not be negative")
            times = np.cumsum(np.concatenate(([self.before], times)))[1:]
        cells.refuse(self.column, np.diff(times, prepend=self.before) < 0, "times must not fall from line to line")
        self.first = float(times[0]) if self.first is None else self.first
        self.before = float(times[-1])
        return (times - self.first) / UNITS[self.column.rpartition("_")[2]]


class _Cells:
    """Consecutive rows of a file, read by column; what cannot be read is an error with its line and
    column.
    """

    def __init__(self, path: Path, header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        self.path, self.header = path, header
        self.lines = [line for line, _ in rows]
        for line, row in rows:
            if len(row) != len(header):
                raise TraceError(path, line, None, f"{len(row)} cells, but the header has {len(header)}")
        self.columns = list(zip(*(row for _, row in rows), strict=True))

    def _texts(self, column: str) -> Sequence[str]:
        if self.header.count(column) != 1:
            have = ", ".join(self.header)
            raise TraceError(self.path, 1, column, f"must stand in the header once; the header is: {have}")
        return self.columns[self.header.index(column)]

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        texts = self._texts(column)
        try:
            values = np.array([float(text) for text in texts])
        except ValueError:
            values = np.array([_number(text) for text in texts])
        self.refuse(column, ~np.isfinite(values), "a number is needed")
        return values

    def names(self, column: str, names: Mapping[str, str] | None) -> Sequence[str]:
        texts = self._texts(column)
        wrong = {text for text in set(texts) if not (text in names if names else _NAME.fullmatch(text))}
        known = f"one of {', '.join(names)}" if names else "a name of lower-case letters (or give `ops`)"
        self.refuse(column, np.array([text in wrong for text in texts]), f"{known} is needed")
        return [names[text] for text in texts] if names else texts

    def refuse(self, column: str, wrong: npt.NDArray[np.bool_], message: str) -> None:
        """An error at the first line where `wrong` is true."""
        if wrong.any():
            place = int(np.argmax(wrong))
            text = self._texts(column)[place]
            found = f"found {text[:40]!r}" if text else "the cell is empty"
            raise TraceError(self.path, self.lines[place], column, f"{message}, {found}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
