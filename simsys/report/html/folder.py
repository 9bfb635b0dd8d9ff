"""A results folder, read again: the result, and what was printed of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from simsys import __version__
from simsys.experiment.result import Audit, Result, Row, Verdict
from simsys.report import played
from simsys.report.files import NotResults
from simsys.scenario.promises import read_promise


class Kept(NamedTuple):
    """A folder's result, the first paragraph that was printed, and the resolved scenario as text."""

    folder: Path
    result: Result
    answer: str
    scenario: str


class _Metrics(NamedTuple):
    """What `metrics.json` holds."""

    scenario: str
    version: str
    seed: int
    notes: tuple[str, ...]
    saturated: tuple[str, ...]
    audits: tuple[Audit, ...]
    slo: tuple[Verdict, ...]
    rows: tuple[Row, ...]


def kept(folder: Path) -> Kept:
    """What the folder holds; NotResults if that is not what this version of simsys writes."""
    if not folder.is_dir():
        raise NotResults(f"{folder}: {'a file, not' if folder.exists() else 'there is no such'} folder of results")
    told = _metrics(folder / "metrics.json")
    try:
        beyond = played.from_json(_read(folder / "played.json"))
    except ValueError as error:
        _damaged(folder / "played.json", error)
    engine = ""  # the figures are the same, whoever played
    result = Result(engine=engine, replications=beyond.replications, played=beyond.strategies, **told._asdict())
    printed, scenario = (_text(folder / name) for name in ("table.txt", "scenario.yaml"))
    return Kept(folder, result, " ".join(printed.partition("\n\n")[0].split()), scenario)


def _metrics(file: Path) -> _Metrics:
    from pydantic import TypeAdapter

    try:
        data = json.loads(_read(file), parse_constant=_no_number)
        version = data.get("version") if isinstance(data, dict) else None
        if isinstance(version, str) and version != __version__:
            raise NotResults(f"{file} is of simsys {version:.40}, and this is {__version__}: run the scenario again")
        if isinstance(data, dict) and "points" in data:
            raise NotResults(f"{file.parent} is of a sweep, and pages are made of runs alone")
        told = TypeAdapter(_Metrics).validate_python(data)
        for verdict in told.slo:
            read_promise(verdict.rule)
        return told
    except NotResults:
        raise
    except (ValueError, RecursionError) as error:
        _damaged(file, error)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _text(file: Path) -> str:
    try:
        return _read(file).decode()
    except UnicodeDecodeError as error:
        _damaged(file, error)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotResults(f"{file.parent} is not a folder of results: it has no {file.name}") from None
    except OSError as error:
        raise NotResults(f"{file} cannot be read: {error.strerror}") from None


def _damaged(file: Path, error: Exception) -> NoReturn:
    raise NotResults(f"{file} is damaged: {_first(error)}") from None


def _first(error: Any) -> str:
    """The first thing that is wrong, with its place."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
