"""What a search for the best value of a dial says: the answer, every value that was tried, the files."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator, Sequence
from io import StringIO
from math import prod
from typing import Any

from simsys import __version__
from simsys.experiment.dials import Dial
from simsys.experiment.tune import GRID, Trial, Tuned, excess, less
from simsys.report import files, style
from simsys.report.charts import drawn
from simsys.report.style import figure, half_width, listed, text
from simsys.report.tune_chart import chart
from simsys.scenario import Scenario, SloRule
from simsys.scenario.paths import parse_path
from simsys.units import show_share

WIDTH = 80


def grid(dials: Sequence[Dial]) -> int:
    """How many values are tried first."""
    return prod(len(dial.grid(GRID[len(dials)])) for dial in dials)


def page(scenario: Scenario, found: Sequence[Tuned], objective: SloRule) -> str:
    """The answer, then a table per strategy, at most 80 columns wide."""
    paragraphs = [textwrap.fill(answer(scenario, tuned, objective), WIDTH) for tuned in found]
    paragraphs += ["\n".join(_table(tuned, objective)) for tuned in found]
    return "\n\n".join(paragraphs) + "\n"


def answer(scenario: Scenario, tuned: Tuned, objective: SloRule) -> str:
    """Which value is the best, from where to where none is surely worse; or what every value misses."""
    ranges = listed([f"{_short(dial)} from {dial.text(dial.low)} to {dial.text(dial.high)}" for dial in tuned.dials])
    if tuned.best is None:
        return f"{tuned.strategy}: {_nothing(scenario, tuned, ranges)}"
    promises = f" that surely keeps {'every promise' if scenario.slo else 'no promise, as none is made'}"
    called, money = _called(objective), text_of(tuned.best)
    if tuned.flat:
        keep = "" if all(trial.kept for trial in tuned.trials) else f"; {_spans(tuned)} keeps every promise"
        return f"{tuned.strategy}: {ranges} makes no difference to {called}, {money}{keep}."
    best = f"{tuned.strategy}: the best of {ranges}{promises if scenario.slo else ''} is {at(tuned.dials, tuned.best)}"
    return " ".join([f"{best}, with {called} {money}.", *_how_sure(tuned)])


def _how_sure(tuned: Tuned) -> Iterator[str]:
    assert tuned.best is not None
    if any(low < high for _, low, high in tuned.around):
        yield f"No value from {_spans(tuned)} can be told apart from it."
    else:
        yield "Every other value that was tried is surely worse, or does not surely keep every promise."
    ends = [
        f"{_short(dial)} {dial.text(value)}"
        for dial, low, high in tuned.around
        for value, end in ((low, dial.low), (high, dial.high))
        if value == end
    ]
    if ends:
        yield f"{listed(ends)} is the end of what was asked for; what lies beyond was not tried."


def _spans(tuned: Tuned) -> str:
    return listed(
        [
            _short(dial) + " " + (f"{dial.text(low)} to {dial.text(high)}" if low < high else dial.text(low))
            for dial, low, high in tuned.around
        ]
    )


def _nothing(scenario: Scenario, tuned: Tuned, ranges: str) -> str:
    """What is missed everywhere, and where it is missed by the least."""
    nearest = tuned.nearest
    if nearest.saturated:
        return f"no value of {ranges} keeps every promise: it is saturated at all of them."
    parts = []
    for rule in scenario.slo:
        own = [v for v in nearest.slo if v.rule == rule.text and v.verdict != "kept"]
        if not own:
            continue
        everywhere = all(v.verdict != "kept" for t in tuned.trials for v in t.slo if v.rule == rule.text)
        over = excess(rule, own[0].value)
        by = "without a figure" if over is None else f"{show_share(abs(over))} {'beyond' if over > 0 else 'within'}"
        told = "missed" if own[0].verdict == "missed" else "not surely kept"
        parts.append(f"{rule.text} is {told}{' everywhere' if everywhere else ''}, there {by} its limit")
    where = at(tuned.dials, nearest)
    return f"no value of {ranges} surely keeps every promise. The nearest is {where}: {'; '.join(parts)}."


def at(dials: Sequence[Dial], trial: Trial) -> str:
    """The values of a trial, by the last word of each path."""
    return listed([f"{_short(d)} {d.text(value)}" for d, value in zip(dials, trial.values, strict=True)])


def text_of(trial: Trial) -> str:
    return text(trial.row) if trial.row is not None else "–"


def _short(dial: Dial) -> str:
    return parse_path(dial.path)[-1]


def _called(objective: SloRule) -> str:
    subject = "" if objective.subject == "system" else f"{objective.subject} "
    return subject + ("cost" if objective.metric == "cost" else style.name(objective.metric))


def _table(tuned: Tuned, objective: SloRule) -> Iterator[str]:
    """A line per value that was tried."""
    head = [tuned.strategy, *map(_short, tuned.dials), _called(objective), "promises"]
    lines = [[_mark(tuned, trial), *_values(tuned, trial), _cell(trial), _promises(trial)] for trial in tuned.trials]
    widths = [max(map(len, column)) for column in zip(*[head, *lines], strict=True)]
    for line in (head, *lines):
        cells = [f"{line[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(line[1:-1], widths[1:-1], strict=True))]
        start = "  ".join(cells)
        room = max(20, WIDTH - len(start) - 2)
        first, *rest = textwrap.wrap(line[-1], room) or [""]
        yield f"{start}  {first}".rstrip()
        yield from (f"{' ' * len(start)}    {more}" for more in rest)


def _mark(tuned: Tuned, trial: Trial) -> str:
    return "  best" if trial is tuned.best else "  as good" if tuned.as_good(trial) else ""


def _values(tuned: Tuned, trial: Trial) -> list[str]:
    return [dial.text(value) for dial, value in zip(tuned.dials, trial.values, strict=True)]


def _cell(trial: Trial) -> str:
    if trial.row is None or trial.row.value is None:
        return "saturated" if trial.saturated else "–"
    half = half_width(trial.row)
    return f"{figure(trial.row.value, trial.row.metric, trial.row.unit)}{half and f' ±{half}'}"


def _promises(trial: Trial) -> str:
    if trial.kept or all(v.verdict == "kept" for v in trial.slo):
        return "kept" if trial.slo else "–"
    words = ("missed", "undecided")
    by = {word: ", ".join(v.rule for v in trial.slo if v.verdict == word) for word in words}
    return "; ".join(f"{word}: {rules}" for word, rules in by.items() if rules)


def told(scenario: Scenario, found: Sequence[Tuned], objective: SloRule) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "scenario": scenario.name, "version": __version__, "seed": scenario.run.seed,
        "minimise": f"{objective.subject} {objective.metric}",
        "tuned": [
            {
                "strategy": tuned.strategy,
                "range": {d.path: [d.text(d.low), d.text(d.high)] for d in tuned.dials},
                "best": None if tuned.best is None else _point(tuned, tuned.best),
                "value": None if tuned.best is None or tuned.best.row is None else tuned.best.row.value,
                "as_good": {d.path: [d.text(low), d.text(high)] for d, low, high in tuned.around},
                "flat": tuned.flat,
                "tried": [dict(zip(_COLUMNS[1:], line[1:], strict=True)) for line in _lines(tuned)],
            }
            for tuned in found
        ],
    }  # fmt: skip


_COLUMNS = (
    "strategy", "point", "value", "low", "high", "unit", "verdict", "missed", "undecided", "more_than_best",
    "more_low", "more_high",
)  # fmt: skip


def _point(tuned: Tuned, trial: Trial) -> dict[str, str]:
    return {dial.path: dial.text(value) for dial, value in zip(tuned.dials, trial.values, strict=True)}


def _lines(tuned: Tuned) -> Iterator[list[Any]]:
    for trial in tuned.trials:
        row = trial.row
        figures = [None, None, None, ""] if row is None else [row.value, row.low, row.high, row.unit]
        more: list[Any] = [None, None, None]
        if row is not None and tuned.best is not None and tuned.best.row is not None:
            more = list(less(row, tuned.best.row)[:3])
        rules = [[v.rule for v in trial.slo if v.verdict == word] for word in ("missed", "undecided")]
        verdict = "saturated" if trial.saturated else "kept" if trial.kept else "missed" if rules[0] else "undecided"
        yield [tuned.strategy, _point(tuned, trial), *figures, verdict, *rules, *map(_rounded, more)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")


def contents(
    scenario: Scenario, found: Sequence[Tuned], objective: SloRule, resolved: str, page: str
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file but the manifest."""
    yield "scenario.yaml", resolved.encode()
    yield "tune.csv", _csv(found).encode()
    yield "metrics.json", files.to_json(told(scenario, found, objective)).encode()
    yield "table.txt", page.encode()
    yield from drawn("tune", lambda: chart(found, _called(objective)))


def _csv(found: Sequence[Tuned]) -> str:
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for line in (line for tuned in found for line in _lines(tuned)):
        plain = ["; ".join(each) if isinstance(each, list) else each for each in line]
        plain[1] = " ".join(f"{path}={value}" for path, value in line[1].items())
        writer.writerow([files.cell(each) for each in plain])
    return file.getvalue()
