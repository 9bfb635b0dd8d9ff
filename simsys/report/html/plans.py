"""What the resolved scenario of a folder tells: its question, the plans as trees, and where its defaults come from."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from simsys.experiment.setting import Setting, settings
from simsys.report import style
from simsys.report.explain import called, rests_on
from simsys.report.html.tables import Line, said, table
from simsys.report.html.text import name, text
from simsys.report.outline import Item, outline
from simsys.scenario import Scenario, ScenarioError, figures, load_scenario
from simsys.strategies.flow import Flow

GRADES = {
    "A": "measured, or a primary source with a date",
    "B": "the operator of a real system says so",
    "C": "second hand",
    "D": "judgement",
}


def scenario_of(file: Path) -> Scenario | str:
    """The scenario, or why it cannot be read: a strategy of its own is elsewhere, a table has not come along."""
    try:
        return load_scenario(str(file))
    except ScenarioError as error:
        return error.problems[0].message


def plans(scenario: Scenario) -> Iterator[str]:
    """The plans of each strategy, to be folded out."""
    for number, setting in enumerate(settings(scenario)):
        head = f'<summary><i class="dot s{number % len(style.COLOURS)}"></i>{name(setting.label)}</summary>'
        yield f"<details>{head}\n{_summary(setting)}{''.join(_trees(setting))}</details>\n"


def _summary(setting: Setting) -> str:
    if isinstance(setting.strategy, Flow):
        return ""
    summary, _, _ = (inspect.getdoc(type(setting.strategy)) or "").partition("\n\n")
    return f"<p>{text(' '.join(summary.replace('`', '').split()))}</p>\n"


def _trees(setting: Setting) -> Iterator[str]:
    if isinstance(setting.trees, str):
        yield f"<p>Its plans cannot be traced: {text(setting.trees)}.</p>\n"
        return
    for op, tree in setting.trees.items():
        yield f'<div class="tree"><strong>{name(op)}</strong>{_branches(outline(tree))}</div>\n'


def _branches(items: Sequence[Item]) -> str:
    return f"<ul>{''.join(map(_branch, items))}</ul>" if items else ""


def _branch(item: Item) -> str:
    parts = "".join(f"<li><em>{text(how)}</em>{_branches(inner)}</li>" for how, inner in item.parts)
    return f"<li>{text(item.label)}{f'<ul>{parts}</ul>' if parts else ''}</li>"


def sources(scenario: Scenario, subjects: AbstractSet[str], kinds: AbstractSet[str]) -> str:
    """The defaults of these stations, caches and kinds of cost, to be folded out: value, range, grade and source."""
    used = [figure for figure in figures(scenario) if rests_on(figure, subjects, kinds)]
    lines = [
        Line([said(called(figure)), said(_written(figure.value)), said(_written(figure.range)),
              said(figure.grade), said(figure.source, "long")])
        for figure in used
    ]  # fmt: skip
    if not used:
        return ""
    counts = Counter(figure.grade for figure in used)
    told = "; ".join(f"{counts[grade]} of grade {grade}, {what}" for grade, what in GRADES.items() if counts[grade])
    listed = table(["default", "value", "range", "grade", "source"], lines)
    return f"<p>{text(told)}.</p>\n<details><summary>All of them</summary>\n{listed}</details>\n"


def _written(value: object) -> str:
    """A value as a scenario would write it, without the quotes and brackets of Python."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_written(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(map(_written, value)) if len(value) == 2 else ", ".join(map(_written, value))
    return "" if value is None else str(value)
