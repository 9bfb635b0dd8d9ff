"""The charts of a sweep: panels over one path, a line per strategy, what cannot be told from the best shaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, inf
from typing import Any

from simsys.experiment.curves import Axis, Curve, alike, axis, cheapest, curves, knee, limit, lowest, rows
from simsys.experiment.points import STEP
from simsys.experiment.result import Row
from simsys.experiment.sweep import Sweep
from simsys.report import ladder, style
from simsys.report.canvas import canvas
from simsys.report.charts import drawn
from simsys.report.style import figure, name, short, two
from simsys.report.throughput import throughput
from simsys.scenario.promises import read_promise

MOST = 4
"""Panels; the table has all figures."""
FLAT = 1.02
"""Values that differ by less are drawn as what they are, nearly one line, and not blown up."""
OF_A_THRESHOLD = (("system", "cost"), ("read", "latency_p99_worst"), ("post", "fresh_max"))
USUAL = ("latency_p99", "cost")


def charts(sweep: Sweep) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of the charts, as SVG and as PNG."""
    yield from drawn("sweep", lambda: panels(sweep))
    yield from drawn("throughput", lambda: throughput(sweep))


def panels(sweep: Sweep) -> Any:
    """Cost, waiting and freshness over a follower threshold; over any other path what is promised, and the cost."""
    along = axis(sweep)
    lines = [curve for curve in curves(sweep, along) if len(curve.at) > 1]
    chosen = [which for which in _chosen(sweep) if any(any(rows(sweep, c, *which)) for c in lines)]
    if not lines or not chosen:
        return None
    if along.path == STEP and len(lines) == 1:
        return ladder.chart(sweep, lines[0])
    drawing, axes = canvas(8, 1.1 + 2.0 * len(chosen), len(chosen))
    for panel, (subject, metric) in zip(axes, chosen, strict=True):
        _panel(panel, sweep, along, lines, subject, metric)
        panel.sharex(axes[0])
        panel.tick_params(labelbottom=panel is axes[-1])
    _across(axes, along)
    for panel, (_, metric) in zip(axes, chosen, strict=True):
        _theory(panel, sweep, metric)
    drawing.suptitle(_title(sweep, along), x=0.01, ha="left", fontsize=11, fontweight="bold")
    if len(lines) > 1:
        drawing.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return drawing


def _chosen(sweep: Sweep) -> list[tuple[str, str]]:
    """(subject, metric) of the panels."""
    if sweep.theory:
        return list(OF_A_THRESHOLD)
    promised = [(r.subject, r.metric) for v in sweep.results[0].slo if (r := read_promise(v.rule))]
    usual = [(row.subject, row.metric) for row in sweep.rows if row.metric in USUAL and row.value]
    return list(dict.fromkeys([*promised, *usual]))[:MOST]


def _title(sweep: Sweep, along: Axis) -> str:
    what = "each step" if along.path == STEP else short(along.path, 60)
    return "Where to stop delivering?" if sweep.theory else f"What does {what} change?"


def _panel(panel: Any, sweep: Sweep, along: Axis, lines: Sequence[Curve], subject: str, metric: str) -> None:
    """One figure: lines with their 95 % interval, the promise, and per line its best, what is like it, and the knee."""
    unit = ""
    for number, curve in enumerate(lines):
        found = rows(sweep, curve, subject, metric)
        aside = 0.0 if along.numbers is not None else style.aside(number, len(lines))
        xs = [_x(along, sweep.points[n][along.path]) + aside for n in curve.at]
        known = [(x, row) for x, row in zip(xs, found, strict=True) if row is not None]
        if not known:
            continue
        unit = known[0][1].unit
        colour = style.colour(number)
        _line(panel, along, known, colour, short(curve.name))
        _best(panel, along, xs, found, colour, alone=len(lines) == 1)
        if along.numbers is not None:
            _knee(panel, [x for x, _ in known], [row.value or 0.0 for _, row in known], colour)
        _chosen_point(panel, sweep, curve, xs, found)
    most = limit(sweep.results[0].slo, subject, metric)
    _upright(panel, [row for c in lines for row in rows(sweep, c, subject, metric)], metric, unit)
    low, high = panel.get_ylim()
    if low < most < high:
        panel.axhline(most, color="#D55E00", linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        panel.annotate(
            f"promised {figure(most, metric, unit)}", (1, most), (-2, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=8, color="#D55E00",
        )  # fmt: skip
    panel.set_title(
        f"{subject if subject != 'system' else ''} {name(metric)}".strip(), fontweight="normal", fontsize=10
    )


def _line(panel: Any, along: Axis, known: Sequence[tuple[float, Row]], colour: str, label: str) -> None:
    """The points of a line. Names are no scale: nothing lies between two of them, and their points are not joined."""
    xs, ys = [x for x, _ in known], [row.value or 0.0 for _, row in known]
    lows = [row.low if row.low is not None else y for (_, row), y in zip(known, ys, strict=True)]
    highs = [row.high if row.high is not None else y for (_, row), y in zip(known, ys, strict=True)]
    if along.numbers is None:
        panel.vlines(xs, lows, highs, color=colour, linewidth=1.2)
        panel.plot(xs, ys, color=colour, marker="o", markersize=3.5, linestyle="none", label=label)
        return
    panel.plot(xs, ys, color=colour, marker="o", markersize=3.5, linewidth=1.6, label=label)
    panel.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _best(panel: Any, along: Axis, xs: list[float], found: Sequence[Row | None], colour: str, alone: bool) -> None:
    """The lowest, and the range that cannot be told from it."""
    place = lowest(found)
    if place is None:
        return
    same = alike(found, place)
    if len(same) > 1 and alone:
        panel.axvspan(xs[same[0]], xs[same[-1]], color="#0072B2", alpha=0.10, linewidth=0, zorder=0)
    row = found[place]
    if row is not None:
        panel.plot([xs[place]], [row.value], marker="o", markersize=8, markerfacecolor="none", color=colour, zorder=4)


def _knee(panel: Any, xs: list[float], ys: list[float], colour: str) -> None:
    place = knee(xs, ys) if min(xs) > 0 else None
    if place is not None:
        panel.plot([xs[place]], [ys[place]], marker="^", markersize=8, color=colour, zorder=4)
        panel.annotate("knee", (xs[place], ys[place]), (0, 8), textcoords="offset points", ha="center", fontsize=8)


def _chosen_point(panel: Any, sweep: Sweep, curve: Curve, xs: list[float], found: Sequence[Row | None]) -> None:
    """A star at the cheapest point that keeps every promise."""
    costs = any(cost is not None and cost.value for cost in rows(sweep, curve, "system", "cost"))
    place = cheapest(sweep, curve) if sweep.results[0].slo and costs else None
    row = None if place is None else found[place]
    if place is not None and row is not None:
        panel.plot([xs[place]], [row.value], marker="*", markersize=13, color="black", zorder=5)


def _theory(panel: Any, sweep: Sweep, metric: str) -> None:
    """Where the closed form puts a follower threshold: by work beside the cost, by freshness beside the last."""
    for found in sweep.theory.values():
        at = {"cost": found.by_traffic.by_work(), "fresh_max": found.promise.by_freshness() if found.promise else inf}
        if metric in at and panel.get_xlim()[0] < at[metric] < panel.get_xlim()[1]:
            panel.axvline(at[metric], color="black", linewidth=1, linestyle=(0, (1, 2)), zorder=1)
            panel.annotate(
                f"theory {two(at[metric])}", (at[metric], 1), (3, -10), xycoords=("data", "axes fraction"),
                textcoords="offset points", fontsize=8,
            )  # fmt: skip


def _upright(panel: Any, found: Sequence[Row | None], metric: str, unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    values = [row.value for row in found if row is not None and row.value]
    if values and max(values) > 20 * min(values) > 0:
        panel.set_yscale("log")
        panel.yaxis.set_minor_formatter(NullFormatter())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: str(figure(y, metric, unit)) if y > 0 else "0"))
    panel.margins(y=0.18)
    if values and max(values) < FLAT * min(values):
        panel.set_ylim(0.9 * min(values), 1.1 * max(values))
    if panel.get_yscale() == "linear":
        panel.set_ylim(bottom=max(0.0, panel.get_ylim()[0]))


def _x(along: Axis, given: str) -> float:
    place = along.values.index(given)
    return along.numbers[place] if along.numbers is not None else float(place)


def _across(axes: Sequence[Any], along: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    last = axes[-1]
    last.set_xlabel(
        f"{along.path}\n(★ cheapest that keeps every promise; ○ lowest; shaded: not to be told from it; ▲ knee)",
        fontsize=9,
    )
    if along.numbers is None:
        last.set_xticks(range(len(along.values)), [short(value, 16) for value in along.values])
        return
    if along.log:
        last.set_xscale("log")
        last.xaxis.set_minor_formatter(NullFormatter())
    given = dict(zip(along.numbers, along.values, strict=True))
    if along.values[0].isdigit():
        last.xaxis.set_major_formatter(FuncFormatter(lambda x, _: two(x)))
    else:
        every = ceil(len(given) / 8)
        last.set_xticks(list(given)[::every], [short(value, 12) for value in given.values()][::every])
        last.set_xticks([], minor=True)
