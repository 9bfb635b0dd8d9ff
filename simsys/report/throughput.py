"""The chart of a sweep that moves throughput: how long it takes against how much gets through, a line per strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from simsys.experiment.curves import Axis, Curve, axis, curves, limit, rows
from simsys.experiment.result import Row
from simsys.experiment.sweep import Sweep
from simsys.report import style
from simsys.report.canvas import canvas
from simsys.report.style import figure, short

LEAST = 4
"""Points that a curve needs."""
SPREAD = 1.5
"""By how much throughput differs along it at least."""
TITLE = "How much gets through, and how long does it take?"
MOST = 3
"""Panels: operations."""


class Traced(NamedTuple):
    """A curve as one operation has it: throughput (1/s) and p99 (s) at each point, None where there is no p99; and the
    most that got through where it was saturated.
    """

    number: int
    name: str
    through: tuple[float, ...]
    p99: tuple[Row | None, ...]
    most: float | None


def throughput(sweep: Sweep) -> Any:
    """Latency p99 over throughput; None unless some curve has four points, and throughput half as much again."""
    along = axis(sweep)
    lines = list(enumerate(curves(sweep, along)))
    ops = list(dict.fromkeys(row.subject for row in sweep.rows if row.metric == "latency_p99"))
    found = {op: [traced(sweep, op, number, curve) for number, curve in lines] for op in ops}
    shown = [op for op in ops if any(map(_tells, found[op]))][:MOST]
    if not shown:
        return None
    drawing, panels = canvas(8, 1.1 + 2.9 * len(shown), len(shown))
    for panel, op in zip(panels, shown, strict=True):
        _panel(panel, sweep, along, op, found[op])
    panels[-1].set_xlabel("throughput (dashed: as much as gets through when more is asked for)", fontsize=9)
    drawing.suptitle(TITLE, x=0.01, ha="left", fontsize=11, fontweight="bold")
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return drawing


def traced(sweep: Sweep, op: str, number: int, curve: Curve) -> Traced:
    """What an operation's line is made of."""
    through = [row.value if row is not None and row.value else 0.0 for row in rows(sweep, curve, op, "throughput")]
    saturated = [curve.strategy in sweep.results[n].saturated for n in curve.at]
    p99 = rows(sweep, curve, op, "latency_p99")
    most = max((x for x, full in zip(through, saturated, strict=True) if full), default=None)
    return Traced(number, curve.name, tuple(through), tuple(p99), most)


def _tells(line: Traced) -> bool:
    return len(line.through) >= LEAST and max(line.through) > SPREAD * min(line.through)


def _panel(panel: Any, sweep: Sweep, along: Axis, op: str, lines: Sequence[Traced]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for line in lines:
        colour = style.colour(line.number)
        at = [n for n, row in enumerate(line.p99) if row is not None]
        xs, ys = [line.through[n] for n in at], [line.p99[n].value for n in at]  # type: ignore[union-attr]
        panel.plot(xs, ys, color=colour, marker="o", markersize=3.5, linewidth=1.6, label=short(line.name))
        if line.most is not None:
            panel.axvline(line.most, color=colour, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        if not along.path.startswith("load."):
            for n, x, y in zip(at, xs, ys, strict=True):
                panel.annotate(short(along.values[n], 12), (x, y), (4, 4), textcoords="offset points", fontsize=7)
    most = limit(sweep.results[0].slo, op, "latency_p99")
    found = [row for line in lines for row in line.p99 if row is not None]
    if found and most < 10 * max(row.value or 0.0 for row in found):
        panel.axhline(most, color="#555555", linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    through = [x for line in lines for x in line.through if x > 0]
    if max(through) >= 8 * min(through):
        panel.set_xscale("log")
    panel.set_yscale("log")
    for one, metric, unit in ((panel.xaxis, "throughput", "/s"), (panel.yaxis, "latency_p99", "s")):
        if one.get_scale() == "log":
            one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if wide(one) else (1.0, 2.0, 3.0, 5.0, 7.0)))
            one.set_minor_formatter(NullFormatter())
        one.set_major_formatter(FuncFormatter(lambda v, _, m=metric, u=unit: str(figure(v, m, u)) if v > 0 else "0"))
    panel.set_title(f"{op} latency p99", fontweight="normal", fontsize=10)


def wide(one: Any) -> bool:
    """Whether an axis reaches over more than a factor of ten."""
    low, high = one.get_view_interval()
    return bool(high > 10 * low)
