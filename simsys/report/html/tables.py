"""Tables of a page, to be sorted by a click: a line per strategy, its colour before it, figures below each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from simsys.experiment.points import Point, key, shown
from simsys.experiment.result import Result, Row, Verdict
from simsys.measure.storage import STORAGE
from simsys.report import style
from simsys.report.html.text import name, text
from simsys.report.style import figure, half_width
from simsys.report.table import AFTER, BYTES, FRESH, LATENCIES, OF_STATIONS, OF_STORAGE, SILENT
from simsys.report.words import rule_of

GROUPS = (
    ("latency", (*LATENCIES, "latency_p99_worst", "recovery")),
    ("from the write until it can be seen", (*FRESH, "fresh_p99_worst")),
    ("flow, losses and work",
     ("throughput", "stale_ratio", "not_found_ratio", "deliveries_lost", "deliveries_doubled", "refused", "timed_out",
      "work")),
)  # fmt: skip
OF_CACHES = (
    "hit_ratio", "stale", "waited", "age_mean", "age_max", "loads", "loads_peak", "loads_per_fill", "occupancy",
    "bytes", "evictions",
)  # fmt: skip
OF_SYSTEM = ("cost", "cost.cpu", "cost.ram", "cost.disk", "cost.network", *BYTES,
             *AFTER, "edges_pulled", "edge_work", "edge_work_least", "backlog_growth")  # fmt: skip
_NAMES = {
    **{metric: style.name(metric).removeprefix("latency ") for metric in LATENCIES},
    "latency_p99_worst": "p99, worst 10 s",
    "cost": "in all", "cost.cpu": "CPU", "cost.ram": "RAM", "cost.disk": "disk", "cost.network": "network",
}  # fmt: skip
"""What a caption has said already is left out."""


class Cell(NamedTuple):
    """What is shown, as HTML, what it is sorted by, and its kind: `n` for figures, `long` for sentences."""

    shown: str
    key: float | str | None
    kind: str = ""


class Line(NamedTuple):
    """The cells of a line, the first a heading, and the place of its strategy, if it is of one."""

    cells: Sequence[Cell]
    strategy: int | None = None


class Notes:
    """The notes under the tables, numbered as they come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, note: str) -> str:
        number = self.numbers.setdefault(note, len(self.numbers) + 1)
        return f'<sup><a href="#note-{number}">{number}</a></sup>'


def table(head: Sequence[str], lines: Iterable[Line], caption: str = "") -> str:
    """A table; `head` and `caption` are plain text."""
    lines = list(lines)
    if not lines:
        return ""
    kinds = [cell.kind for cell in lines[0].cells]
    tops = "".join(f'<th scope="col"{_kind(kind)}><button type="button">{text(title)}</button></th>'
                   for title, kind in zip(head, kinds, strict=True))  # fmt: skip
    body = "\n".join(map(_line, lines))
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{title}<thead><tr>{tops}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n'


def _line(line: Line) -> str:
    whose = "" if line.strategy is None else f' data-strategy="{line.strategy}"'
    cells = [f"<{tag}{_key(cell.key)}{_kind(cell.kind)}>{cell.shown}</{tag[:2]}>"
             for cell, tag in zip(line.cells, ['th scope="row"', *["td"] * len(line.cells)], strict=False)]  # fmt: skip
    return f"<tr{whose}>{''.join(cells)}</tr>"


def _key(key: float | str | None) -> str:
    return "" if key is None else f' data-key="{text(key, 200) if isinstance(key, str) else repr(key)}"'


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def said(words: str, kind: str = "") -> Cell:
    """A cell of plain text; `long` for a sentence."""
    return Cell(text(words), words, kind)


def whose(strategy: str, number: int) -> Cell:
    """The strategy of a line, with its colour."""
    return Cell(f'<i class="dot s{number % len(style.COLOURS)}"></i>{name(strategy)}', strategy)


def amount(value: float, metric: str, unit: str) -> Cell:
    """A figure without an interval."""
    number, unit = figure(value, metric, unit)
    return Cell(_aligned(number, unit.removesuffix("/month"), None), value, "n")


def measured(row: Row | None, notes: Notes, halves: bool) -> Cell:
    """A figure with half its interval, or a dash with the reason; `halves` where others in the column have one."""
    if row is None or row.value is None:
        return Cell(_aligned("–", "", None) + (notes.mark(row.note) if row and row.note else ""), None, "n")
    number, unit = figure(row.value, row.metric, row.unit)
    return Cell(_aligned(number, unit.removesuffix("/month"), half_width(row) if halves else None), row.value, "n")


def _aligned(number: str, unit: str, half: str | None) -> str:
    beside = "" if half is None else f"<small>{f'±{half}' if half else ''}</small>"
    return f"<b>{number}</b><i>{text(unit.strip())}</i>{beside}"


def promises(result: Result, verdicts: Sequence[tuple[Point, Verdict]]) -> str:
    """Every strategy's promises, at every point of a sweep: the verdict and the figure, and what it costs."""
    rules = list(dict.fromkeys(verdict.rule for _, verdict in verdicts))
    paths = list(dict.fromkeys(path for point, _ in verdicts for path in point))
    costs = {(r.strategy, key(r.point)): r for r in result.rows if (r.subject, r.metric) == ("system", "cost")}
    judged: dict[tuple[str, str], dict[str, Verdict]] = {}
    points = {key(shown(point)): point for point, _ in verdicts}
    for point, verdict in verdicts:
        judged.setdefault((verdict.strategy, key(shown(point))), {})[verdict.rule] = verdict
    places, lines = {strategy: number for number, strategy in enumerate(result.strategies)}, []
    for (strategy, at), mine in judged.items():
        cells = [whose(strategy, places.get(strategy, 0)), *(_coordinate(points[at].get(path, "")) for path in paths)]
        cells += [_judged(result, mine.get(rule)) for rule in rules]
        cost = costs.get((strategy, at))
        cells.append(amount(cost.value, "cost", cost.unit) if cost and cost.value is not None else Cell("–", None, "n"))
        lines.append(Line(cells, places.get(strategy)))
    return table(["strategy", *paths, *rules, "cost per month"], lines)


def _judged(result: Result, verdict: Verdict | None) -> Cell:
    if verdict is None:
        return Cell("–", None)
    row = rule_of(result, verdict)[1]
    told = "–" if row is None else style.text(row._replace(value=verdict.value))
    word = text(verdict.verdict)
    return Cell(f'<span class="{word}">{word}</span> <em>{text(told)}</em>', verdict.value)


def operation(result: Result, op: str, notes: Notes) -> str:
    """The figures of an operation in three tables."""
    groups = (*GROUPS, ("marked by the plan", tuple(style.marked(result))))
    return "".join(_measured(result, [op], metrics, notes, caption) for caption, metrics in groups)


def stations(result: Result, notes: Notes) -> str:
    return _measured(result, style.stations(result), OF_STATIONS, notes, "", "station")


def caches(result: Result, notes: Notes) -> str:
    return _measured(result, style.subjects(result, "hit_ratio"), OF_CACHES, notes, "", "cache")


def storage(result: Result, notes: Notes) -> str:
    return _measured(result, [STORAGE], OF_STORAGE, notes, "")


def system(result: Result, notes: Notes) -> str:
    return _measured(result, ["system"], OF_SYSTEM, notes, "")


def _measured(
    result: Result, subjects: Sequence[str], metrics: Sequence[str], notes: Notes, caption: str, kind: str = ""
) -> str:
    """A line per subject, point of a sweep and strategy, a column per metric that anybody has."""
    found: dict[tuple[str, tuple[str, ...], str], dict[str, Row]] = {}
    paths = list(dict.fromkeys(path for row in result.rows for path in row.point))
    for row in result.rows:
        if row.subject in subjects and row.metric in metrics:
            point = tuple(str(row.point.get(path, "")) for path in paths)
            found.setdefault((row.subject, point, row.strategy), {})[row.metric] = row
    columns = [metric for metric in metrics if _told(metric, [rows.get(metric) for rows in found.values()])]
    if not columns:
        return ""
    halves = [any(half_width(rows[m]) for rows in found.values() if m in rows) for m in columns]
    places = {strategy: number for number, strategy in enumerate(result.strategies)}
    order = sorted(found, key=lambda key: (subjects.index(key[0]), key[1], places[key[2]])) if not paths else found
    lines = []
    for subject, point, strategy in order:
        rows = found[subject, point, strategy]
        cells = [whose(strategy, places[strategy]), *([Cell(name(subject), subject)] if kind else [])]
        cells += [_coordinate(value) for value in point]
        cells += [measured(rows.get(m), notes, half) for m, half in zip(columns, halves, strict=True)]
        lines.append(Line(cells, places[strategy]))
    titles = [_NAMES.get(metric, style.name(metric)) for metric in columns]
    return table(["strategy", *([kind] if kind else []), *paths, *titles], lines, caption)


def _told(metric: str, rows: Sequence[Row | None]) -> bool:
    if metric in SILENT or metric in OF_SYSTEM:
        return any(row and row.value for row in rows)
    return any(row and (row.value is not None or row.note) for row in rows)


def _coordinate(value: str) -> Cell:
    try:
        return Cell(text(value), float(value))
    except ValueError:
        return Cell(name(value), value)
