"""A results folder, read again: the result, and what was printed of it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from simsys import __version__
from simsys.experiment.points import Point, key, shown
from simsys.experiment.result import Audit, Failure, Result, Row, Verdict
from simsys.report import pairs, played
from simsys.report.files import NotResults
from simsys.scenario.promises import read_promise


class Kept(NamedTuple):
    """A folder's result, its answer, the resolved scenario as text, and each verdict with its point.

    A sweep has `points`, and rows at each of them, but nothing of what the strategies did beyond the rows; a run has no
    points, and its verdicts are at none.
    """

    folder: Path
    result: Result
    answer: str
    scenario: str
    points: tuple[Point, ...]
    verdicts: tuple[tuple[Point, Verdict], ...]


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


class _Points(NamedTuple):
    """What the `metrics.json` of a sweep holds besides, and where each of its verdicts belongs."""

    points: tuple[dict[str, str], ...]
    failed: tuple[Failure, ...]
    at: tuple[dict[str, str], ...]


def kept(folder: Path) -> Kept:
    """What the folder holds; NotResults if that is not what this version of simsys writes."""
    if not folder.is_dir():
        raise NotResults(f"{folder}: {'a file, not a' if folder.exists() else 'there is no such'} folder of results")
    told, points = _metrics(folder / "metrics.json")
    if points is not None:
        return _swept(folder, told, points)
    try:
        beyond = played.from_json(read(folder / "played.json"))
    except ValueError as error:
        damaged(folder / "played.json", error)
    engine = ""  # the figures are the same, whoever played
    result = Result(engine=engine, replications=beyond.replications, played=beyond.strategies, **told._asdict())
    result = _off(folder, result)
    printed, scenario = (text_of(folder / name) for name in ("table.txt", "scenario.yaml"))
    answer = " ".join(printed.partition("\n\n")[0].split())
    return Kept(folder, result, answer, scenario, (), tuple(({}, verdict) for verdict in told.slo))


def _swept(folder: Path, told: _Metrics, points: _Points) -> Kept:
    """What the folder of a sweep holds; its answer is what was printed before the first table."""
    result = _off(folder, Result(engine="", replications=0, failed=points.failed, **told._asdict()))
    printed, scenario = (text_of(folder / name) for name in ("table.txt", "scenario.yaml"))
    sentences = takewhile(lambda paragraph: "  " not in paragraph, printed.split("\n\n"))
    answer = " ".join(" ".join(sentences).split()) or f"Nothing to choose between {len(points.points)} points."
    return Kept(folder, result, answer, scenario, points.points, tuple(zip(points.at, told.slo, strict=True)))


def _off(folder: Path, result: Result) -> Result:
    """With how far each replication was from each figure, where that was kept."""
    file = folder / pairs.NAME
    if not file.exists():
        return result
    told = text_of(file)
    try:
        deviations = pairs.from_csv(told)
    except ValueError as error:
        damaged(file, error)
    rows = [row._replace(deviations=deviations.get(pairs.key(row), ())) for row in result.rows]
    often = result.replications or max((len(row.deviations) for row in rows), default=0)
    return replace(result, rows=tuple(rows), replications=often)


def metrics(file: Path) -> Any:
    """What is written in a `metrics.json` of this version of simsys."""
    data = json.loads(read(file), parse_constant=_no_number)
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, str) and version != __version__:
        raise NotResults(f"{file} is of simsys {version:.40}, and this is {__version__}: run the scenario again")
    return data


def _metrics(file: Path) -> tuple[_Metrics, _Points | None]:
    from pydantic import TypeAdapter

    try:
        data = metrics(file)
        version = data.get("version") if isinstance(data, dict) else None
        points = TypeAdapter(_Points).validate_python(_unplaced(data)) if version and "points" in data else None
        told = TypeAdapter(_Metrics).validate_python(data)
        for verdict in told.slo:
            read_promise(verdict.rule)
        if points is not None:
            _check(points, told)
        return told, points
    except NotResults:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        damaged(file, error)


def _check(points: _Points, told: _Metrics) -> None:
    """Every figure and every verdict is at a point of the sweep."""
    known = {key(shown(point)) for point in points.points}
    at = [*map(shown, points.at), *(row.point for row in told.rows)]
    stray = next((place for place in map(key, at) if place not in known), None)
    if stray is not None or not known:
        raise ValueError(f"{stray} is no point of the sweep" if known else "it has no points")


def _unplaced(data: dict[str, Any]) -> dict[str, Any]:
    """Take from the metrics of a sweep what those of a run do not have, and what says where a thing belongs."""
    del data["differences"]
    data["saturated"] = list(dict.fromkeys(each["strategy"] for each in data["saturated"]))
    places = {name: [each.pop("point") for each in data[name]] for name in ("audits", "slo", "failed")}
    return {"points": data.pop("points"), "failed": data.pop("failed"), "at": places["slo"]}


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def text_of(file: Path) -> str:
    try:
        return read(file).decode()
    except UnicodeDecodeError as error:
        damaged(file, error)


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotResults(f"{file.parent} is not a folder of results: it has no {file.name}") from None
    except OSError as error:
        raise NotResults(f"{file} cannot be read: {error.strerror}") from None


def damaged(file: Path, error: Exception) -> NoReturn:
    raise NotResults(f"{file} is damaged: {_first(error)}") from None


def _first(error: Any) -> str:
    """The first thing that is wrong, with its place."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
