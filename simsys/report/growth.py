"""How what is kept grows, drawn from an hour after the beginning to ten years."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

from simsys.experiment.result import GROWTH, Result, Values
from simsys.report.canvas import canvas, legend, stroke
from simsys.units import show_size

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
TIMES = {"1 hour": HOUR, "1 day": DAY, "1 week": 7 * DAY, "1 month": 30 * DAY, "1 year": YEAR, "10 years": 10 * YEAR}
MEDIA = {"ram": "in RAM", "ssd": "on SSD", "object": "in the object store"}


def growth(result: Result) -> Any:
    """The bytes that each strategy keeps, by medium, over the time since the beginning; all copies."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    kept = [medium for medium in MEDIA if any(medium in played.growth for played in result.played)]
    if not kept:
        return None
    figure, panels = canvas(8, 0.8 + 2.4 * len(kept), len(kept))
    for panel, medium in zip(panels, kept, strict=True):
        curves = [played.growth.get(medium, ()) for played in result.played]
        for number, curve in enumerate(curves):
            if curve:
                panel.plot(GROWTH, [size or None for size in curve], **stroke(number, beneath(curves, number)))
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlim(HOUR, 10 * YEAR)
        sizes = [size for curve in curves for size in curve if size]
        panel.set_ylim(10 ** floor(log10(min(sizes))), 10 ** ceil(log10(max(sizes) * 1.01)))
        panel.set_xticks(list(TIMES.values()), list(TIMES))
        panel.set_xticks([], minor=True)
        panel.yaxis.set_major_locator(LogLocator(numticks=7))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: show_size(y)))
        panel.set_title(f"kept {MEDIA[medium]}", fontweight="normal", fontsize=10)
        panel.tick_params(labelbottom=panel is panels[-1])
    panels[-1].set_xlabel("time since the first request")
    figure.suptitle("How much is kept, and when?", x=0.01, ha="left", fontsize=11, fontweight="bold")
    legend(figure, result)
    return figure


def beneath(curves: Sequence[Values], number: int) -> list[int]:
    """The places of the curves that lie on this one to a hundredth, which no eye tells apart; its own among them."""
    mine = curves[number]
    return [
        place
        for place, curve in enumerate(curves)
        if len(curve) == len(mine) and all(abs(a - b) <= 0.01 * max(a, b) for a, b in zip(curve, mine, strict=True))
    ]
