"""What a sweep prints and writes: a table of every strategy over the points, the tidy rows, the differences."""

from __future__ import annotations

import csv
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from simsys.experiment.curves import axis, curves
from simsys.experiment.points import STEP, Point
from simsys.experiment.result import Result, Row
from simsys.experiment.sweep import Difference, Place, Sweep, place
from simsys.report import files, ladder, pairs
from simsys.report.style import NAMES, figure
from simsys.report.sweep_charts import charts
from simsys.report.sweep_words import sentences
from simsys.units import show_count

WIDTH = 80
_SHOWN = ("latency_p99", "latency_p99_worst", "fresh_p99", "cost")
COST = ("system", "cost")
EVERYWHERE = "at every point"
CELL = 16
_SIGNS = {1: " ▲", -1: " ▼", 0: ""}
_LEGEND = "▲ ▼ surely more or less than at the point above (95 %, paired replications)."
_ON_STEPS = (
    "▲ ▼ surely more or less than at the step it stands on, the one above or that\nbehind the arrow (95 %, paired"
    " replications); (in brackets): cannot be told."
)


def metrics(sweep: Sweep) -> dict[str, Any]:
    """A sweep as one JSON object, whoever played it."""
    first = sweep.results[0]
    points = [dict(point) for point in sweep.points]
    at = list(zip(points, sweep.results, strict=True))
    return {
        "scenario": first.scenario, "version": first.version, "seed": first.seed, "notes": list(notes(sweep)),
        "points": points,
        "saturated": [{"strategy": name, "point": point} for point, r in at for name in r.saturated],
        "audits": [{**audit._asdict(), "point": point} for point, r in at for audit in r.audits],
        "slo": [{**verdict._asdict(), "point": point} for point, r in at for verdict in r.slo],
        "failed": [{**failure._asdict(), "point": point} for point, r in at for failure in r.failed],
        "rows": [files.told_row(row) for row in sweep.rows],
        "differences": [each._asdict() for each in sweep.differences],
    }  # fmt: skip


def notes(sweep: Sweep) -> Iterator[str]:
    """What all points have to say, then what only some have, with the first of them."""
    counts: dict[str, list[int]] = {}
    for n, result in enumerate(sweep.results):
        for note in result.notes:
            counts.setdefault(note, []).append(n)
    for note, at in sorted(counts.items(), key=lambda item: len(item[1]) < len(sweep.points)):
        if len(at) == len(sweep.points):
            yield note
        else:
            more = f" and {len(at) - 1} more" if len(at) > 1 else ""
            yield f"at {named(sweep.points[at[0]])}{more}: {note}"


def contents(sweep: Sweep, resolved: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file but the manifest; `resolved` is the scenario."""
    yield "scenario.yaml", resolved.encode()
    yield "rows.csv", files.to_csv(sweep.rows).encode()
    yield "differences.csv", to_csv(sweep.differences).encode()
    yield pairs.NAME, pairs.to_csv(sweep.rows).encode()
    yield "metrics.json", files.to_json(metrics(sweep)).encode()
    yield "table.txt", page(sweep).encode()
    yield from charts(sweep)


def to_csv(differences: Sequence[Difference]) -> str:
    """The differences as a table."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Difference._fields)
    for each in differences:
        told = each._asdict()
        told |= {name: json.dumps(told[name], sort_keys=True) for name in ("point", "less_point")}
        writer.writerow([files.cell(value) for value in told.values()])
    return file.getvalue()


def page(sweep: Sweep) -> str:
    """The text of a sweep, at most 80 columns wide: the best point, and a table per strategy over the points."""
    paragraphs = [textwrap.fill(each, WIDTH) for each in sentences(sweep)]
    paragraphs += ["\n".join(_table(sweep, strategy)) for strategy in sweep.strategies]
    along = axis(sweep)
    if along.path == STEP:
        paragraphs += ["\n".join(ladder.table(sweep, curve)) for curve in curves(sweep, along)]
    paragraphs += [
        *([_ON_STEPS if along.path == STEP else _LEGEND] if any(sweep.signs.values()) else []),
        *(textwrap.fill(note, WIDTH) for note in notes(sweep)),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _table(sweep: Sweep, strategy: str) -> Iterator[str]:
    labels = [strategy, EVERYWHERE, *(named(point) for point, _ in _at(sweep, strategy))]
    wide = min(max(map(len, labels)), WIDTH - CELL)
    columns = _columns(sweep, strategy, (WIDTH - wide) // CELL)
    lines = [(named(point), _cells(sweep, result, strategy, columns)) for point, result in _at(sweep, strategy)]
    if len(lines) > 1 and all(cells == lines[0][1] for _, cells in lines):
        lines = [(EVERYWHERE, lines[0][1])]
    heads = [(subject if subject != "system" else "", _short(metric)) for subject, metric in columns]
    for label, names in zip([strategy, ""], zip(*heads, strict=True), strict=True):
        yield f"{label:<{wide}}{''.join(f'{name:>{CELL - 2}}  ' for name in names)}".rstrip()
    for label, cells in lines:
        yield f"{label[:wide]:<{wide}}{''.join(cells)}".rstrip()


def _at(sweep: Sweep, strategy: str) -> list[tuple[Point, Result]]:
    """The points at which the strategy was played, and the results there."""
    at = zip(sweep.points, sweep.results, strict=True)
    return [(point, result) for point, result in at if any(played.strategy == strategy for played in result.played)]


def _cells(sweep: Sweep, result: Result, strategy: str, columns: Sequence[tuple[str, str]]) -> list[str]:
    rows = {(row.subject, row.metric): row for row in result.rows if row.strategy == strategy}
    return [_cell(result, strategy, rows.get(column), sweep.signs) for column in columns]


def _columns(sweep: Sweep, strategy: str, most: int) -> list[tuple[str, str]]:
    """(subject, metric) of what is shown: the promises' first, then the usual ones; the cost has the last place."""
    promised = dict.fromkeys(
        (row.subject, row.metric)
        for result in sweep.results
        for verdict in result.slo
        for row in result.rows
        if verdict.rule.startswith(f"{row.subject} {row.metric.removeprefix('latency_')} ")
        or verdict.rule.startswith(f"{row.subject} {row.metric} ")
    )
    known = dict.fromkeys((row.subject, row.metric) for row in sweep.rows if row.strategy == strategy)
    usual = [key for key in known if key[1] in _SHOWN]
    seen = {
        (row.subject, row.metric)
        for result in sweep.results
        for row in result.rows
        if row.strategy == strategy
        and (row.value is not None or (strategy in result.saturated and row.metric == "latency_p99"))
    }
    shown = [key for key in dict.fromkeys([*promised, *usual]) if key in seen] or list(known)[:1]
    cost = [key for key in shown if key == COST]
    return [*[key for key in shown if key != COST][: most - len(cost)], *cost]


def _cell(result: Result, strategy: str, row: Row | None, signs: Mapping[Place, int]) -> str:
    if row is None or row.value is None:
        return f"{'saturated' if strategy in result.saturated else '–':>{CELL - 2}}  "
    sign = signs.get(place(row), 0)
    return f"{figure(row.value, row.metric, row.unit)!s:>{CELL - 2}}{_SIGNS[sign]:<2}"


def _short(metric: str) -> str:
    return NAMES.get(metric, metric).replace("latency ", "").replace(" of the fleet as given", "")


def named(point: Point) -> str:
    """A point in a few words: the last word of each path and its value; of a step only its name."""
    told = {path: show_count(float(value)) if value.isdigit() else value for path, value in point.items()}
    return ", ".join(value if path == STEP else f"{path.rsplit('.', 1)[-1]} {value}" for path, value in told.items())
