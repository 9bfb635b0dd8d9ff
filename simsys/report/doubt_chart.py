"""The tornado of a verdict: what each assumption does to the winner's lead, and who wins over its range."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, inf, isfinite, log10
from typing import Any

from simsys.experiment.doubt import Doubt, Doubts
from simsys.report import style
from simsys.report.canvas import side_by_side
from simsys.report.doubt import called, shown
from simsys.report.style import short, two

MOST = 24
"""Assumptions that are drawn; the table has them all."""
NOBODY = "#bbbbbb"


def tornado(doubts: Doubts) -> Any:
    """Left the cost of the cheapest other keeper over the winner's at both ends, right who wins at which factor."""
    drawn = sorted(doubts.doubts, key=lambda one: (not one.turns, -_swing(one, doubts.lead)))[:MOST]
    if not drawn or not doubts.winner:
        return None
    figure, (left, right) = side_by_side(11, 1.5 + 0.36 * len(drawn), (2, 3))
    _leads(left, drawn, doubts.lead)
    _factors(right, drawn, doubts)
    names = [f"{short(called(o.assumption), 34)} = {short(shown(o.assumption.value), 14)}" for o in drawn]
    left.set_yticks(range(len(drawn)), names, fontsize=9)
    left.set_ylim(len(drawn) - 0.5, -0.5)
    left.set_title(f"{short(doubts.winner)} wins. By how much?")
    right.set_title("Who wins when an assumption is off?")
    return figure


def _swing(one: Doubt, now: float) -> float:
    """How far the lead moves, as a factor; infinite where it is lost to a promise."""
    ends = [now, *(p.lead for p in one.probes if not p.problem)]
    return inf if min(ends) == 0 else max(ends) / min(ends) if isfinite(max(ends)) else inf * (max(ends) > min(ends))


def _leads(panel: Any, drawn: list[Doubt], now: float) -> None:
    """Bars from the lead now to the lead at either end; an end that is off the axis is an arrow with a word."""
    known = [lead for one in drawn for lead in (now, *(p.lead for p in one.probes)) if 0 < lead < inf]
    low, high = min([*known, 1.0]) / 1.15, max([*known, 1.0]) * 1.15
    middle = min(max(now, low), high)
    for y, one in enumerate(drawn):
        for probe in one.probes:
            if probe.problem:
                continue
            end = min(max(probe.lead, low), high)
            up = probe.factor > 1
            panel.barh(y, end - middle, left=middle, height=0.62, color="#555555" if up else "#bbbbbb", zorder=2)
            if not 0 < probe.lead < inf:
                word = "misses a promise" if probe.lead == 0 else "alone"
                panel.annotate(
                    word, (end, y), (3 if probe.lead == 0 else -3, 0), textcoords="offset points", fontsize=8,
                    ha="left" if probe.lead == 0 else "right", va="center", zorder=4,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
                )  # fmt: skip
    panel.set_xscale("log")
    panel.set_xlim(low, high)
    panel.axvline(1.0, color="#D55E00", linewidth=1.4, zorder=3)
    panel.axvline(middle, color="black", linewidth=0.8, zorder=3)
    _factor_ticks(panel, low, high)
    panel.set_xlabel("cost of the next best, over the winner's\n(pale: low end, dark: high end; left of red it loses)")
    panel.grid(axis="y", visible=False)


def _factors(panel: Any, drawn: list[Doubt], doubts: Doubts) -> None:
    """The range of each assumption in the colours of those who win there, with the factors where that changes."""
    from matplotlib.lines import Line2D

    names = doubts.result.strategies
    seen: dict[str, Any] = {}
    for y, one in enumerate(drawn):
        for begin, end, who in _stretches(one, doubts.winner):
            colour = style.colour(names.index(who)) if who else NOBODY
            panel.plot([begin, end], [y, y], color=colour, linewidth=9, solid_capstyle="butt", zorder=2)
            seen[who] = Line2D([], [], color=colour, linewidth=9, label=short(who or "nobody keeps every promise"))
        for turn in one.turns:
            panel.annotate(
                f"×{two(turn.factor)}", (turn.factor, y), (0, 8), textcoords="offset points", ha="center",
                fontsize=8, zorder=4,
            )  # fmt: skip
    panel.set_xscale("log")
    ends = [factor for one in drawn for factor in (one.assumption.low, one.assumption.high) if factor > 0]
    low, high = min([*ends, 0.8]) / 1.2, max([*ends, 1.25]) * 1.2
    panel.set_xlim(low, high)
    _factor_ticks(panel, low, high)
    panel.axvline(1.0, color="black", linewidth=0.8, zorder=3)
    panel.tick_params(labelleft=False)
    panel.grid(axis="y", visible=False)
    panel.set_xlabel("factor of what is assumed, over the range that somebody gave")
    panel.legend(handles=list(seen.values()), loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _factor_ticks(panel: Any, low: float, high: float) -> None:
    """Ticks at ×1 and around it, fewer the wider the axis is."""
    span = log10(high / low)
    digits = (1, 1.2, 1.5, 2, 3, 5, 8) if span < 1 else (1, 2, 5) if span < 2 else (1, 3) if span < 3 else (1,)
    ticks = [float(f"{d}e{k}") for k in range(floor(log10(low)), ceil(log10(high)) + 1) for d in digits]
    shown = [tick for tick in ticks if low <= tick <= high]
    panel.set_xticks(shown, [f"×{two(tick)}" for tick in shown], fontsize=9)
    panel.set_xticks([], minor=True)


def _stretches(one: Doubt, winner: str) -> Iterator[tuple[float, float, str]]:
    """(from, to, who wins) over the range, as far as it was tried."""
    below = next((t for t in one.turns if t.factor < 1), None)
    above = next((t for t in one.turns if t.factor >= 1), None)
    low, high = max(one.assumption.low, 1e-6), one.assumption.high
    if below:
        yield low, below.factor, below.winner
    yield below.factor if below else min(low, 1.0), above.factor if above else max(high, 1.0), winner
    if above:
        yield above.factor, high, above.winner
