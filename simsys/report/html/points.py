"""A sweep on a page: a chart of every figure that matters over the points, and over steps what each has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from simsys.experiment.points import STEP, Point, key, quantity, shown
from simsys.experiment.result import Result, Row
from simsys.report import style
from simsys.report.html import steps as climb
from simsys.report.html.charts import Chart, axis, interval, line, measured
from simsys.report.html.text import label
from simsys.report.sweep import named
from simsys.scenario.promises import read_promise
from simsys.scenario.sweep import Step

USUAL = ("latency_p99", "latency_p99_worst", "fresh_p99", "stale_ratio", "cost")
LABELS = 8
"""Values of a path that are written below an axis, at most."""


def charts(result: Result, points: Sequence[Point], steps: Sequence[Step]) -> Iterator[Chart]:
    """What is promised and what is usually asked, over the path that has most values; `steps` where they are known."""
    rules = [read_promise(rule) for rule in dict.fromkeys(verdict.rule for verdict in result.slo)]
    metrics = dict.fromkeys([*(rule.metric for rule in rules), *USUAL])
    values = {path: list(dict.fromkeys(str(point[path]) for point in points)) for path in points[0]}
    path = max(values, key=lambda path: len(values[path]))
    for metric in metrics:
        for subject in style.subjects(result, metric):
            rows = [row for row in result.rows if (row.subject, row.metric) == (subject, metric)]
            if not any(row.value for row in rows):
                continue
            title = style.name(metric) if subject == "system" else f"{subject}: {style.name(metric)}"
            title = title[:1].upper() + title[1:]
            if path == STEP and set(values[path]) <= {step.name for step in steps}:
                yield climb.chart(result, rows, title, steps)
            else:
                yield _over(result, rows, title, path, values[path])


def _over(result: Result, rows: Sequence[Row], title: str, path: str, values: Sequence[str]) -> Chart:
    """One figure over the values of a path; a line for every strategy and every point of the other paths."""
    numbers = [number for value in values if (number := quantity(value)) is not None]
    ordered = len(numbers) == len(values)
    places = dict(zip([key(shown({path: value})) for value in values], numbers if ordered else count(), strict=False))
    curves: dict[tuple[str, str], list[tuple[float, Row]]] = {}
    for row in rows:
        rest = key({other: value for other, value in row.point.items() if other != path})
        if row.value is not None:
            curves.setdefault((row.strategy, rest), []).append((places[key({path: row.point[path]})], row))
    data: list[dict[str, Any]] = []
    for place, ((strategy, _), at) in enumerate(curves.items()):
        at.sort(key=lambda pair: pair[0])
        curve = _curve(result.strategies.index(strategy), at, data)
        if not ordered:  # names are no scale: nothing lies between two of them
            aside = style.aside(place, len(curves))
            curve |= {"mode": "markers", "x": [x + aside for x in curve["x"]]}
        data.append(curve)
    every = -(-len(values) // LABELS)
    x = {"tickvals": list(places.values())[::every], "ticktext": [label(value) for value in values[::every]]}
    wide = {"type": "log"} if ordered and min(numbers) > 0 and max(numbers) >= 20 * min(numbers) else {}
    layout = {
        "height": 340, "xaxis": axis(label(path, 48), **x, **wide), "yaxis": measured(rows[0], rangemode="tozero"),
    }  # fmt: skip
    return Chart(title, f"Over {path}; bars are 95 % intervals.", data, layout, ("x", "y") if ordered else ("y",))


def _curve(number: int, at: Sequence[tuple[float, Row]], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    places, rows = [x for x, _ in at], [row for _, row in at]
    values = [row.value or 0.0 for row in rows]
    before = sum((other["x"], other["y"]) == (places, values) for other in others)
    return {
        **line(number, rows[0].strategy, "linear", before), "mode": "lines+markers", "x": places, "y": values,
        "error_y": {**interval(rows), "width": 3},
        "text": [label(named({path: str(value) for path, value in row.point.items()})) for row in rows],
        "hovertemplate": "%{text}: %{y}",
    }  # fmt: skip
