"""The figure that is made small over the dial that is turned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from simsys.experiment.dials import Dial
from simsys.experiment.result import Row
from simsys.experiment.tune import Trial, Tuned
from simsys.report import style
from simsys.report.canvas import canvas
from simsys.scenario.paths import parse_path


def chart(found: Sequence[Tuned], called: str) -> Any:
    """Per strategy the figure at every value, full where all promises are kept; shaded: as good as the best.

    None with several dials, where a line would not be one.
    """
    known = [tuned for tuned in found if len(tuned.dials) == 1 and _measured(tuned)]
    if not known:
        return None
    figure, panels = canvas(9, 0.4 + 3.1 * len(known), len(known))
    for number, (panel, tuned) in enumerate(zip(panels, known, strict=True)):
        _trials(panel, tuned, style.colour(number))
        _best(panel, tuned)
        _axes(panel, tuned, called)
    return figure


def _measured(tuned: Tuned) -> list[tuple[Trial, Row]]:
    return [(trial, trial.row) for trial in tuned.trials if trial.row is not None and trial.row.value is not None]


def _trials(panel: Any, tuned: Tuned, colour: str) -> None:
    seen = _measured(tuned)
    x, y = [trial.values[0] for trial, _ in seen], [row.value for _, row in seen]
    panel.plot(x, y, color=colour, linewidth=1.0, alpha=0.5)
    sure = [(trial.values[0], row.low, row.high) for trial, row in seen if row.low is not None]
    panel.vlines(*zip(*sure, strict=True) if sure else ((), (), ()), color=colour, linewidth=1.2)
    for kept, face in ((True, colour), (False, "white")):
        own = [(trial.values[0], row.value) for trial, row in seen if trial.kept == kept]
        label = "keeps every promise" if kept else "does not surely\nkeep every promise"
        if own:
            panel.scatter(*zip(*own, strict=True), s=30, zorder=3, facecolor=face, edgecolor=colour, label=label)


def _best(panel: Any, tuned: Tuned) -> None:
    if tuned.best is None or tuned.best.row is None:
        return
    ((_, low, high),) = tuned.around
    if low < high:
        panel.axvspan(low, high, color="#dddddd", zorder=0, label="cannot be told apart\nfrom the best")
    ring = {"s": 130, "zorder": 4, "facecolor": "none", "edgecolor": "black", "label": "the best"}
    panel.scatter(tuned.best.values[0], tuned.best.row.value, **ring)


def _axes(panel: Any, tuned: Tuned, called: str) -> None:
    from matplotlib.ticker import FuncFormatter

    (dial,) = tuned.dials
    if dial.by_factors:
        panel.set_xscale("log")
        panel.set_xticks([], minor=True)
    row = _measured(tuned)[0][1]
    panel.xaxis.set_major_formatter(FuncFormatter(partial(_value, dial)))
    panel.yaxis.set_major_formatter(FuncFormatter(partial(_figure, row)))
    top = max(row.high or row.value or 0.0 for _, row in _measured(tuned))
    panel.set_ylim(0, 1.12 * top or 1.0)
    panel.set_title(f"{style.short(tuned.strategy)}: which {parse_path(dial.path)[-1]}?")
    panel.set_xlabel(dial.path)
    panel.set_ylabel(called)
    panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)


def _value(dial: Dial, value: float, _: int) -> str:
    rounded = float(f"{value:.3g}")
    return dial.text(rounded) if value >= 0 and (not dial.whole or rounded == int(rounded)) else ""


def _figure(row: Row, value: float, _: int) -> str:
    return str(style.figure(value, row.metric, row.unit)) if value >= 0 else ""
