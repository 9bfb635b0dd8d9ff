"""The paper that charts are drawn on: panels, axes of time, legends, and the stroke of a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Any

from simsys.experiment.result import Result
from simsys.report import style
from simsys.units import show_count, show_duration


def canvas(width: float, height: float, rows: int = 1) -> tuple[Any, Sequence[Any]]:
    """A figure of its own (nothing global) and a column of axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, 1, squeeze=False)[:, 0])


def side_by_side(width: float, height: float, shares: Sequence[int]) -> tuple[Any, Sequence[Any]]:
    """A figure of its own and a row of axes that share the vertical one, their widths in these shares."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, len(shares), sharey=True, width_ratios=list(shares)))


def durations(panel: Any, label: str) -> None:
    """A logarithmic time axis with ticks like 1 ms and 10 ms; 2 ms and 5 ms below two decades."""
    low, high = panel.get_xlim()
    if high / low < 4:
        low, high = (low * high) ** 0.5 / 2, (low * high) ** 0.5 * 2
        panel.set_xlim(low, high)
    digits = (1, 2, 3, 5) if high / low < 10 else (1, 2, 5) if high / low < 100 else (1,)
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    times = [time for decade in decades for digit in digits if low <= (time := float(f"{digit}e{decade}")) <= high]
    panel.set_xticks(times, [show_duration(time) for time in times])
    panel.set_xticks([], minor=True)
    panel.tick_params(axis="x", labelsize=9, pad=5)
    panel.set_xlabel(label)


def symlog(panel: Any, peak: float) -> None:
    """A logarithmic axis that reaches zero, where a linear one would hide all but the peak."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    if peak > 100:
        panel.set_yscale("symlog", linthresh=1.0, linscale=0.6)
        panel.yaxis.set_minor_locator(NullLocator())
    panel.set_ylim(0, peak * (1.6 if peak > 100 else 1.15))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: show_count(y)))


def legend(figure: Any, result: Result) -> None:
    """All strategies beside the panels, also those that no line of a panel shows."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=style.short(p.strategy), **stroke(i)) for i, p in enumerate(result.played)]
    figure.legend(handles=handles, loc="outside right upper", frameon=False)


def stroke(number: int, alike: Sequence[int] = ()) -> dict[str, Any]:
    """A line in the strategy's colour; curves that are `alike` share their way in turns, so that all show."""
    among = list(alike)
    turns = (-6.0 * among.index(number), (6.0, 6.0 * (len(among) - 1))) if len(among) > 1 else style.dash(number)
    return {"color": style.colour(number), "linestyle": turns, "linewidth": 1.8}


def alike(curves: Sequence[Any], number: int) -> list[int]:
    """The places of the curves that are the same as this one."""
    return [i for i, curve in enumerate(curves) if curve == curves[number]]
