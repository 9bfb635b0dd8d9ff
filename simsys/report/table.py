"""The table of a run: strategies side by side, metrics as lines, within 80 columns of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from simsys.experiment.result import Result, Row
from simsys.measure.storage import STORAGE
from simsys.report import style
from simsys.report.shards import uneven
from simsys.report.style import figure, half_width

WIDTH, ABREAST = 80, 4
LABEL, COLUMN = 20, 15
LATENCIES = ("latency_mean", "latency_p50", "latency_p90", "latency_p99", "latency_p999", "latency_max")
FRESH = ("fresh_p50", "fresh_p99", "fresh_max")
WORST = ("latency_p99_worst", "fresh_p99_worst", "recovery")
OF_OPERATIONS = (
    "throughput",
    *LATENCIES,
    *FRESH,
    *WORST,
    "stale_ratio",
    "not_found_ratio",
    "deliveries_lost",
    "deliveries_doubled",
    "refused",
    "timed_out",
    "work",
)
OF_STATIONS = ("utilization", "utilization_max", "queue_mean", "queue_max", "wait_mean")
OF_CACHES = (("occupancy", "keys held, or estimated"), ("bytes", "bytes held"))
"""Of caches that are known by their bytes."""
OF_STORAGE = (
    "touched", "read_amplification", "write_amplification", "space_amplification", "memory", "bytes_read",
    "bytes_written", "life_used", "slowed", "stalled",
)  # fmt: skip
OF_LOADS = ("loads_per_fill", "loads_peak", "waited", "stale", "age_max")
"""Of caches where somebody waited for the load of another, or was given what had expired."""
BYTES = ("storage_bytes.ram", "storage_bytes.ssd", "storage_bytes.object")
AFTER = ("storage_bytes_day", "storage_bytes_month", "storage_bytes_year")
OF_SYSTEM = (*AFTER, *BYTES, "edges_pulled", "edge_work", "edge_work_least", "backlog_growth", "cost")
SILENT = {"deliveries_lost", "deliveries_doubled", "refused", "timed_out", *BYTES, *OF_STATIONS[2:]}
"""Metrics whose lines are left out where they are zero for everybody."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BOLD, _COLOURS = "1", {"kept": "32", "missed": "31", "undecided": "33"}


class Cell(NamedTuple):
    number: str
    unit: str = ""
    beside: str = ""


class Line(NamedTuple):
    label: str
    cells: list[Cell]


class Section(NamedTuple):
    title: str
    lines: list[Line]


def table(result: Result, colour: bool = False) -> str:
    """The figures of a run as text: a block per four strategies, their promises, and footnotes."""
    notes: dict[str, int] = {}
    names = result.strategies
    parts = [_paint("\n".join(_wrap(message, "")), "31", colour) for message in _alarms(result)]
    parts.append("\n".join(_wrap(_heading(result), "")))
    for first in range(0, len(names), ABREAST):
        abreast = names[first : first + ABREAST]
        sections = [*_sections(result, abreast, notes), *_promises(result, abreast)]
        parts.append(block(abreast, sections, colour))
    feet = [(f"{_mark(number)} ", note) for note, number in notes.items()]
    feet += [("* ", note) for note in result.notes]
    if feet:
        parts.append("\n".join(line for mark, note in feet for line in _wrap(note, mark)))
    return "\n\n".join(parts) + "\n"


def _heading(result: Result) -> str:
    times = "1 replication" if result.replications == 1 else f"{result.replications} replications"
    half = ", ± half the 95 % interval" if result.replications > 1 else ", no intervals"
    return f"{result.scenario}: seed {result.seed}, {times}{half}"


def _alarms(result: Result) -> Iterator[str]:
    for audit in result.audits:
        if not audit.ok:
            broken = f"{audit.strategy} breaks the law '{audit.name}': {audit.detail}"
            yield f"DO NOT TRUST THIS RUN. A defect of simsys: {broken}"


def _sections(result: Result, names: list[str], notes: dict[str, int]) -> Iterator[Section]:
    lines = _Lines(result, names, notes)
    for op in style.subjects(result, "latency_mean"):
        metrics = (*OF_OPERATIONS, *style.marked(result))
        yield Section(op, [line for metric in metrics for line in lines.of(op, metric, _name(metric, op))])
    stations = style.stations(result)
    for metric in OF_STATIONS:
        among = uneven(result) if metric == "utilization_max" else stations
        of_all = [line for station in among for line in lines.of(station, metric, station)]
        some = " (where anybody waited)" if metric in SILENT else ""
        yield Section(f"stations: {style.name(metric)}{some}", of_all)
    caches = style.subjects(result, "hit_ratio")
    yield Section("caches: hit ratio", [line for cache in caches for line in lines.of(cache, "hit_ratio", cache)])
    if style.subjects(result, "waited") or style.subjects(result, "stale"):
        for metric in OF_LOADS:
            of_all = [line for cache in caches for line in lines.of(cache, metric, cache)]
            yield Section(f"caches: {style.name(metric)}", of_all)
    weighed = style.subjects(result, "bytes")
    for metric, title in OF_CACHES:
        yield Section(f"caches: {title}", [line for cache in weighed for line in lines.of(cache, metric, cache)])
    engine = [line for metric in OF_STORAGE for line in lines.of(STORAGE, metric, style.name(metric))]
    yield Section("storage engine", engine)
    yield Section(
        "system: bytes kept, cost per month",
        [line for metric in OF_SYSTEM for line in lines.of("system", metric, style.name(metric))],
    )


def _name(metric: str, op: str) -> str:
    return f"work per {op}" if metric == "work" else style.name(metric)


class _Lines:
    """Makes the line of a metric, and numbers the notes as they come."""

    def __init__(self, result: Result, names: list[str], notes: dict[str, int]) -> None:
        self.rows = {(r.strategy, r.subject, r.metric): r for r in result.rows}
        self.names, self.notes = names, notes

    def of(self, subject: str, metric: str, label: str) -> Iterator[Line]:
        """One line; none where nobody has the metric, or where it is zero and may be left out."""
        rows = [self.rows.get((name, subject, metric)) for name in self.names]
        if all(row is None or (row.value is None and not row.note) for row in rows):
            return
        if metric not in SILENT or any(row and row.value for row in rows):
            yield Line(label, [self.cell(row) for row in rows])

    def cell(self, row: Row | None) -> Cell:
        if row is not None and row.value is not None:
            number, unit = figure(row.value, row.metric, row.unit)
            half = half_width(row)
            return Cell(number, unit.removesuffix("/month"), half and f"±{half}")
        return Cell("–", _mark(self.notes.setdefault(row.note, len(self.notes) + 1)) if row and row.note else "")


def _promises(result: Result, names: list[str]) -> Iterator[Section]:
    verdicts = {(v.rule, v.strategy): v.verdict for v in result.slo}
    rules = list(dict.fromkeys(v.rule for v in result.slo))
    yield Section("promises", [Line(rule, [Cell(verdicts.get((rule, n), "–")) for n in names]) for rule in rules])


def block(names: list[str], sections: list[Section], colour: bool = False) -> str:
    """Strategies side by side above the lines of the sections; without sections that have no lines."""
    sections = [section for section in sections if section.lines]
    longest = max((len(line.label) + 2 for section in sections for line in section.lines), default=LABEL)
    label = min(max(longest, LABEL), WIDTH - COLUMN * len(names))
    heads = [textwrap.wrap(name, COLUMN - 1) for name in names]
    height = max(map(len, heads))
    heads = [[*[""] * (height - len(head)), *head] for head in heads]
    lines = [" " * label + "".join(f" {head[i]:<{COLUMN - 1}}" for head in heads).rstrip() for i in range(height)]
    for section in sections:
        lines += ["", _paint(section.title, _BOLD, colour), *_lines_of(section, label, colour)]
    return "\n".join(_paint(line, _BOLD, colour) if i < height else line for i, line in enumerate(lines))


def _lines_of(section: Section, label: int, colour: bool) -> Iterator[str]:
    cells = [cell for line in section.lines for cell in line.cells if cell.number not in _COLOURS]
    number = max((len(cell.number) for cell in cells), default=0)
    unit = max((len(cell.unit) for cell in cells), default=0)
    for line in section.lines:
        head, *rest = textwrap.wrap(line.label, label - 3, subsequent_indent="  ") or [""]
        row = "".join(_cell(cell, number, unit, colour) for cell in line.cells).rstrip()
        yield f"{'  ' + head:<{label}}{row}"
        yield from (f"  {more}" for more in rest)


def _cell(cell: Cell, number: int, unit: int, colour: bool) -> str:
    """A cell as wide as its column; what stands beside the figure where it fits."""
    if cell.number in _COLOURS:
        return f" {_paint(cell.number, _COLOURS[cell.number], colour)}{' ' * (COLUMN - 1 - len(cell.number))}"
    text = f" {cell.number:>{number}}{cell.unit:<{unit}}"
    both = f"{text} {cell.beside}".rstrip()
    return f"{both if len(both) <= COLUMN else text:<{COLUMN}}"


def _mark(number: int) -> str:
    return str(number).translate(_RAISED)


def _wrap(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark)) or [mark]


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text.strip() else text
