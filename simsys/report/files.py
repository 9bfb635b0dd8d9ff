"""The files of a results folder, written all or not at all: a folder beside it is filled and takes its name.

All files but `manifest.json` are the same bytes when the same scenario is run again.
"""

from __future__ import annotations

import csv
import fcntl
import json
import math
import os
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

from simsys.experiment.result import Result, Row
from simsys.report import charts, pairs, played

PAGE = "report.html"
NAMES = {
    "scenario.yaml", "rows.csv", "differences.csv", "metrics.json", "played.json", "table.txt", "plays.sqlite",
    "manifest.json", PAGE, pairs.NAME,
    *charts.NAMES,
    "doubt.csv", "doubt.svg", "doubt.png", "sweep.svg", "sweep.png", "throughput.svg", "throughput.png",
    "tune.csv", "tune.svg", "tune.png", "size.svg", "size.png",
}  # fmt: skip
"""What a results folder may hold; anything else is somebody's and is not overwritten."""


_FIGURES = ("value", "low", "high")
_COLUMNS = ("strategy", "point", "subject", "metric", *_FIGURES, "unit", "note")


class InUse(Exception):
    """Another process writes to this results folder."""


class NotResults(ValueError):
    """The folder cannot be taken for results: it is a file, or something else is kept in it."""


def metrics(result: Result) -> dict[str, Any]:
    """A result without what only charts and sentences need, whoever played it; never NaN."""
    return {
        "scenario": result.scenario, "version": result.version, "seed": result.seed,
        "notes": list(result.notes), "saturated": list(result.saturated),
        "audits": [audit._asdict() for audit in result.audits],
        "slo": [{**verdict._asdict(), "value": _finite(verdict.value)} for verdict in result.slo],
        "rows": [told_row(row) for row in result.rows],
    }  # fmt: skip


def told(result: Result) -> dict[str, Any]:
    """The object that `--json` prints: the metrics, and who played."""
    head = {"scenario": result.scenario, "version": result.version, "engine": result.engine}
    return head | metrics(result)


def to_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(rows: Iterable[Row]) -> str:
    """The tidy rows; empty where a figure is null, and no text that a spreadsheet takes for a formula."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in map(told_row, rows):
        writer.writerow([cell(value) for value in {**row, "point": json.dumps(row["point"], sort_keys=True)}.values()])
    return file.getvalue()


def told_row(row: Row) -> dict[str, Any]:
    """A row as results show it."""
    told = {name: getattr(row, name) for name in _COLUMNS}
    return told | {name: _finite(told[name]) for name in _FIGURES}


def cell(value: Any) -> Any:
    """A value as a CSV file shows it."""
    if isinstance(value, str):
        value = value.replace("\r", " ")
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t")) else value
    return "" if value is None else repr(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def contents(
    result: Result, resolved: str, printed: str, drawn: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file of a run but the manifest; `resolved` is the scenario, `printed` the table, and
    `drawn` the charts, which are waited for last.
    """
    yield "scenario.yaml", resolved.encode()
    yield "rows.csv", to_csv(result.rows).encode()
    yield pairs.NAME, pairs.to_csv(result.rows).encode()
    yield "metrics.json", to_json(metrics(result)).encode()
    yield "played.json", played.to_json(result).encode()
    yield "table.txt", printed.encode()
    yield from drawn


def manifest(command: Sequence[str], started: datetime, engine: str, files: Mapping[str, bytes]) -> bytes:
    """How the run came about: the only file that holds times, the engine, the machine and versions."""
    libraries = ("matplotlib", "numba", "numpy", "pandas", "pydantic", "pyyaml", "simpy", "simsys", "typer")
    told = {
        "command": list(command),
        "started": started.isoformat(timespec="seconds"),
        "engine": engine,
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in libraries},
        "sha256": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    return to_json(told).encode()


@contextmanager
def reserved(folder: Path) -> Iterator[Path]:
    """The results folder, kept from other processes, and repaired where one was killed.

    Raises `InUse` if another process has it, `NotResults` if it holds anything else, OSError if it cannot be.
    """
    folder = Path(os.path.realpath(folder))
    if not folder.name:
        raise NotResults("the root folder is not for results; give them their own folder with --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}.lock")
    handle = _lock(lock)
    try:
        _repair(folder)
        _check(folder)
        yield folder
    finally:
        lock.unlink(missing_ok=True)
        _release(handle)


_held: list[int] = []
"""Locks of this process. A forked worker closes its copies, so that none outlives a killed process."""


def _lock(path: Path) -> int:
    """An exclusive lock on the file of that name: its last holder may have removed it before it was ours."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        _held.append(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _release(handle)
            raise InUse(f"another run writes to {path.parent / path.name[1:-5]}") from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        _release(handle)


def _release(handle: int) -> None:
    _held.remove(handle)
    os.close(handle)


def _forget() -> None:
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_forget)


def _repair(folder: Path) -> None:
    """Tidy up after a process that was killed: a folder half written is dropped, one set aside comes back."""
    aside = _aside(folder)
    if aside.exists() and not folder.exists():
        aside.rename(folder)
    for left in (aside, _unfinished(folder)):
        shutil.rmtree(left, ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")


def _check(folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise NotResults(f"{folder} is a file; results need a folder")
    foreign = sorted(set(os.listdir(folder)) - NAMES) if folder.exists() else []
    if foreign:
        raise NotResults(f"{folder} holds {foreign[0]!r}, not of a run; give results their own folder with --out")


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Fill a folder beside and let it take the name of `folder`, which must be `reserved`."""
    new, aside = _unfinished(folder), _aside(folder)
    try:
        new.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        folder.rename(aside)
    new.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def add(folder: Path, name: str, content: bytes) -> None:
    """Put one more file into `folder`, which must be `reserved`: whole, or not at all."""
    new = _unfinished(folder)
    try:
        new.mkdir()
        (new / name).write_bytes(content)
        (new / name).replace(folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
