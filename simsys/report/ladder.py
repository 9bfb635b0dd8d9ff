"""The steps of a sweep, one on top of the other: what each gained, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from simsys.experiment.compare import Compared, compared
from simsys.experiment.curves import Curve, limit, rows
from simsys.experiment.points import STEP
from simsys.experiment.result import Row
from simsys.experiment.sweep import Sweep
from simsys.report import style
from simsys.report.canvas import side_by_side
from simsys.report.compare import difference
from simsys.report.style import figure, name, short
from simsys.scenario.promises import read_promise

MOST = 3
"""Figures beside each other in the chart; the table has the first of them, and the cost."""
COST = ("system", "cost")
COLOURS = {"less": "#009E73", "more": "#D55E00", "same": "#888888", "cannot tell": "#888888"}
PROMISED = "#000000"


class Rung(NamedTuple):
    """A figure at a step, and how it differs from that at the step it stands on."""

    row: Row | None
    change: Compared | None


def figures(sweep: Sweep) -> list[tuple[str, str]]:
    """(subject, metric) of what steps are judged by: what is promised and differs among them, and the cost."""
    promised = [(rule.subject, rule.metric) for v in sweep.results[0].slo if (rule := read_promise(v.rule))]
    usual = [(row.subject, row.metric) for row in sweep.rows if row.metric == "latency_p99"]
    chosen = [which for which in dict.fromkeys([*promised, *usual]) if which != COST and _differs(sweep, which)]
    return [*chosen[: MOST - 1], COST]


def _differs(sweep: Sweep, which: tuple[str, str]) -> bool:
    return len({row.value for row in sweep.rows if (row.subject, row.metric) == which}) > 1


def rungs(sweep: Sweep, curve: Curve, which: tuple[str, str]) -> list[Rung]:
    """A figure at every step of a curve."""
    found = dict(zip(curve.at, rows(sweep, curve, *which), strict=True))
    return [rung(row, None if (lower := sweep.beneath[n]) is None else found.get(lower)) for n, row in found.items()]


def rung(row: Row | None, before: Row | None) -> Rung:
    """A figure, and that of the step it stands on."""
    return Rung(row, compared(before, row, alike=True) if row is not None and before is not None else None)


def table(sweep: Sweep, curve: Curve) -> Iterator[str]:
    """A line per step: the first figure that they are judged by and the cost, each with what has changed."""
    chosen = figures(sweep)
    shown = [chosen[0], COST] if len(chosen) > 1 else [COST]
    columns = [rungs(sweep, curve, which) for which in shown]
    labels = _labels(sweep, curve)
    wide = min(22, max(map(len, [curve.name, *labels])))
    heads = [((subject if subject != "system" else "", ""), (_head(metric), "change")) for subject, metric in shown]
    for label, cells in zip([curve.name, ""], zip(*heads, strict=True), strict=True):
        yield f"{short(label, wide):<{wide}}{''.join(f'{cell:>12}{change:>17}' for cell, change in cells)}".rstrip()
    for label, *cells in zip(labels, *columns, strict=True):
        yield f"{short(label, wide):<{wide}}{''.join(map(_cell, cells))}".rstrip()


def _head(metric: str) -> str:
    return "cost" if metric == "cost" else name(metric).replace("latency ", "")


def _labels(sweep: Sweep, curve: Curve) -> list[str]:
    names = [sweep.points[n][STEP] for n in curve.at]
    lower = [sweep.points[n][STEP] if n is not None else None for n in map(sweep.beneath.__getitem__, curve.at)]
    return [called(*one) for one in zip(names, [None, *names[:-1]], lower, strict=True)]


def called(step: str, above: str | None, lower: str | None) -> str:
    """The name of a step, and of that it stands on, where that is not the one above."""
    return step if lower in (None, above) else f"{step} ← {lower}"


def _cell(rung: Rung) -> str:
    row, change = rung
    return f"{'–' if row is None else style.text(row):>12}{'' if change is None else gained(change):>17}"


def gained(change: Compared) -> str:
    """What a step has changed, in brackets where that cannot be told."""
    told = difference(change)
    return f"({told})" if change.value and change.verdict == "cannot tell" else told


def chart(sweep: Sweep, curve: Curve) -> Any:
    """Steps from top to bottom, a panel per figure: where each ends, and the way there from the one it stands on."""
    chosen = figures(sweep)
    labels = _labels(sweep, curve)
    drawing, panels = side_by_side(9.5, 1.5 + 0.42 * len(labels), [1] * len(chosen))
    for panel, which in zip(panels, chosen, strict=True):
        _climb(panel, sweep, curve, which)
    panels[0].set_yticks(range(len(labels)), [short(label, 26) for label in labels])
    panels[0].set_ylim(len(labels) - 0.4, -0.6)
    drawing.supxlabel("● with its 95 % interval; bar: the way from the step it stands on, green less, orange more, grey"
                      " not to be told; dashed: promised", fontsize=8)  # fmt: skip
    drawing.suptitle("What does each step gain, and what does it cost?", x=0.01, ha="left", fontsize=11,
                     fontweight="bold")  # fmt: skip
    return drawing


def _climb(panel: Any, sweep: Sweep, curve: Curve, which: tuple[str, str]) -> None:
    subject, metric = which
    found = rungs(sweep, curve, which)
    known = [(y, rung.row, rung.change) for y, rung in enumerate(found) if rung.row is not None]
    for y, row, change in known:
        value = row.value or 0.0
        if change is not None:
            panel.plot([change.first, value], [y, y], color=COLOURS[change.verdict], linewidth=7,
                       solid_capstyle="butt", alpha=0.45)  # fmt: skip
        panel.plot([value], [y], marker="o", markersize=5, color="black", zorder=3)
        if row.low is not None and row.high is not None:
            panel.hlines(y, row.low, row.high, color="black", linewidth=1)
        panel.annotate(style.text(row), (1, y), (4, 0), xycoords=("axes fraction", "data"), va="center", fontsize=8,
                       textcoords="offset points")  # fmt: skip
    _across(panel, [row for _, row, _ in known], metric, limit(sweep.results[0].slo, subject, metric))
    panel.set_title(f"{subject if subject != 'system' else ''} {_head(metric)}".strip(), fontweight="normal",
                    fontsize=10)  # fmt: skip
    panel.grid(axis="y", visible=False)


def _across(panel: Any, found: Sequence[Row], metric: str, most: float) -> None:
    """The axis from nothing on, or by equal factors, with what is promised."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    values = [row.value for row in found if row.value]
    if values and max(values) > 20 * min(values) > 0:
        panel.set_xscale("log")
        panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        panel.set_xlim(left=0)
    if values and most < 3 * max(values):
        panel.axvline(most, color=PROMISED, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    unit = found[0].unit if found else ""
    panel.locator_params(axis="x", nbins=4) if panel.get_xscale() == "linear" else None
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: str(figure(x, metric, unit)) if x > 0 else "0"))
    panel.tick_params(axis="x", labelsize=8)
