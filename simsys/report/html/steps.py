"""The steps of a sweep on a page: what each gained and what it cost, as a bar from the step it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10
from typing import Any

from simsys.experiment.curves import limit
from simsys.experiment.points import STEP, key
from simsys.experiment.result import Result, Row
from simsys.report import style
from simsys.report.html.charts import HEIGHT, LINE, Chart, interval, measured, names
from simsys.report.html.text import label
from simsys.report.ladder import COLOURS, called, gained, rung
from simsys.scenario.sweep import Step, below

WIDE = 20
"""Where the greatest figure is as many times the least, the axis goes by equal factors."""
TOLD = "A bar is the way from the step it stands on: green less, orange more, grey not to be told."


def chart(result: Result, rows: Sequence[Row], title: str, steps: Sequence[Step]) -> Chart:
    """One figure at every step, from top to bottom; side by side the strategies, and the points of other paths."""
    all_names = [step.name for step in steps]
    lower = {step.name: all_names[n] if (n := below(steps, k)) is not None else None for k, step in enumerate(steps)}
    shown = [name for name in all_names if any(row.point[STEP] == name for row in rows)]
    places = {name: place for place, name in enumerate(shown)}
    curves: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        rest = key({path: value for path, value in row.point.items() if path != STEP})
        if row.value is not None:
            curves.setdefault((row.strategy, rest), {})[row.point[STEP]] = row
    data, width = [], 0.8 / len(curves)
    for n, ((strategy, _), at) in enumerate(curves.items()):
        ys = [places[step] + (n - (len(curves) - 1) / 2) * width for step in at]
        before = [at.get(under) if (under := lower[step]) is not None else None for step in at]
        data += _climbed(result.strategies.index(strategy), list(at.values()), before, ys, 0.55 * width)
    most = limit(result.slo, rows[0].subject, rows[0].metric)
    labels = [called(*one) for one in zip(shown, [None, *shown[:-1]], map(lower.get, shown), strict=True)]
    layout = {
        "height": HEIGHT + LINE * len(shown) * max(1, len(curves) // 2), "barmode": "overlay",
        "xaxis": measured(rows[0], **_across([row for at in curves.values() for row in at.values()])),
        "yaxis": names(labels, 32),
        "shapes": [_promise(most)] if isfinite(most) else [],
    }  # fmt: skip
    told = f"{TOLD} Lines are 95 % intervals{', dashed is what is promised' * isfinite(most)}."
    return Chart(title, told, data, layout)


def _climbed(
    number: int, rows: Sequence[Row], before: Sequence[Row | None], ys: Sequence[float], width: float
) -> list[dict[str, Any]]:
    """The bars of one strategy, where each ends, and in words what has changed."""
    changes = [rung(row, under).change for row, under in zip(rows, before, strict=True)]
    bars = [(y, change) for y, change in zip(ys, changes, strict=True) if change is not None]
    mine = {"meta": number, "name": label(rows[0].strategy)}
    told = [f"{style.text(row)}{f'  {gained(change)}' if change else ''}"
            for row, change in zip(rows, changes, strict=True)]  # fmt: skip
    ends = [max(row.high or 0.0, row.value or 0.0, change.first if change else 0.0)
            for row, change in zip(rows, changes, strict=True)]  # fmt: skip
    return [
        {"type": "bar", "orientation": "h", "y": [y for y, _ in bars], "base": [change.first for _, change in bars],
         "x": [change.second - change.first for _, change in bars], "width": width, "hoverinfo": "skip", "opacity": 0.5,
         "marker": {"color": [COLOURS[change.verdict] for _, change in bars]}, **mine},
        {"type": "scatter", "mode": "markers", "x": [row.value for row in rows], "y": ys, "error_x": interval(rows),
         "marker": {"color": style.colour(number), "size": 9}, "text": told, "hovertemplate": "%{text}", **mine},
        {"type": "scatter", "mode": "text", "x": ends, "y": ys, "text": [f"  {text}" for text in told],
         "textposition": "middle right", "textfont": {"size": 11}, "cliponaxis": False, "hoverinfo": "skip", **mine},
    ]  # fmt: skip


def _across(rows: Sequence[Row]) -> dict[str, Any]:
    """The axis from nothing on, or by equal factors, with room for words beyond the last."""
    values = [value for row in rows if (value := row.value)]
    most = max(row.high or row.value or 0.0 for row in rows)
    if max(values) > WIDE * min(values) > 0:
        return {"type": "log", "range": [log10(min(values) / 2), log10(most * (most / min(values)) ** 0.5)]}
    return {"range": [0, 1.7 * most]}


def _promise(most: float) -> dict[str, Any]:
    return {"type": "line", "yref": "paper", "x0": most, "x1": most, "y0": 0, "y1": 1,
            "line": {"width": 1.5, "dash": "dash", "color": "#888888"}}  # fmt: skip
