"""The page: the answer first, then what it rests on. The same folder gives the same bytes."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import resources, util
from pathlib import Path

from simsys.experiment.fleets import KINDS
from simsys.experiment.result import Result
from simsys.experiment.setting import settings
from simsys.report import style
from simsys.report.html.charts import Chart, charts
from simsys.report.html.folder import Kept
from simsys.report.html.plans import plans, scenario_of, sources
from simsys.report.html.points import charts as over_points
from simsys.report.html.searches import Search
from simsys.report.html.tables import (
    Cell,
    Line,
    Notes,
    amount,
    caches,
    operation,
    promises,
    said,
    stations,
    storage,
    system,
    table,
    whose,
)
from simsys.report.html.text import lines, name, text
from simsys.report.reasons import reasons
from simsys.report.tail import ops, sentence
from simsys.scenario import Scenario


class NoPlotly(ImportError):
    """The library of the charts is not installed."""


def page(kept: Kept | Search) -> str:
    """The whole page as HTML; NoPlotly if plotly is not there."""
    scenario = scenario_of(kept.folder / "scenario.yaml")
    if isinstance(kept, Search):
        return _document(kept.scenario, "".join(_of_a_search(kept, scenario)), kept.charts)
    steps = () if isinstance(scenario, str) else scenario.sweep.steps
    shown = list(over_points(kept.result, kept.points, steps) if kept.points else charts(kept.result))
    return _document(kept.result.scenario, "".join(_body(kept, scenario, shown)), shown)


def _document(title: str, body: str, shown: Sequence[Chart]) -> str:
    scripts, sheet = [_plotly(), _asset("page.js")], _asset("page.css") + _colours()
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, sheet)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{name(title)} – simsys</title>
<style>{sheet}</style>
</head>
<body>
{body}{_known(scripts[0])}
<script type="application/json" id="drawn">{_data(shown)}</script>
{"".join(f"<script>{script}</script>{chr(10)}" for script in scripts)}</body>
</html>
"""


def _policy(scripts: Sequence[str], sheet: str) -> str:
    """What a browser may do with the page.

    Nothing is allowed that is not named: no request of any kind, no frame, no form, no `eval`, no image. Scripts and
    styles are inline and known by their hashes, so that none which came in with a name would be run. Plotly makes one
    empty `<style>` and fills it by rules, which no policy forbids: hence the hash of nothing, and no 'unsafe-inline'.
    A policy in a `<meta>` cannot forbid that the page is framed; from a file it does not matter.
    """
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)),
        "style-src": f"{_hash(sheet)} {_hash('')}",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {allowed}" for rule, allowed in rules.items())


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _plotly() -> str:
    """The library as the package of that name ships it, about 5 MB."""
    found = util.find_spec("plotly")
    if found is None or found.origin is None:
        raise NoPlotly("the charts of the page need plotly: pip install 'simsys[html]'")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _known(plotly: str) -> str:
    """Places that plotly takes for the style sheets of its maps, which it would try to add, and may not."""
    ids = dict.fromkeys(re.findall(r'getElementById\("([0-9a-f]{64})"\)', plotly))
    return "".join(f'<template id="{sheet}"></template>' for sheet in ids)


def _asset(file: str) -> str:
    return (resources.files(__package__) / file).read_text(encoding="utf-8")


def _colours() -> str:
    """A class per colour of a strategy; black turns into the colour of the text, which is seen in the dark too."""
    last = len(style.COLOURS) - 1
    return "".join(f".s{i}{{--c:{'var(--ink)' if i == last else colour}}}\n" for i, colour in enumerate(style.COLOURS))


def _data(shown: Sequence[Chart]) -> str:
    """What the script draws; it holds no `<`, so nothing in it ends or begins an element."""
    told = [{"data": chart.data, "layout": chart.layout} for chart in shown]
    return json.dumps(told, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _body(kept: Kept, scenario: Scenario | str, shown: Sequence[Chart]) -> Iterator[str]:
    result, notes = kept.result, Notes()
    yield f"<header>\n{''.join(_answer(kept, scenario))}</header>\n<main>\n"
    yield _section("promises", "Promises", promises(result, kept.verdicts) or "<p>None is made (slo).</p>\n")
    yield _section("why", "Why", "".join(_why(result)))
    yield _section("charts", "Charts", "".join(_charts(result.strategies, shown)))
    yield _section("figures", "Figures", "".join(_figures(result, notes)))
    yield _section("bill", "The bill, per month", "".join(_bill(result, notes)))
    subjects, kinds = {row.subject for row in result.rows}, {kind for p in result.played for kind, _, _ in p.bill}
    yield from _resolved(scenario, kept.scenario, subjects, kinds)
    yield _section("audits", "Audits and notes", "".join(_audits(result, notes)))
    yield f"</main>\n<footer>simsys {text(result.version)} · {name(result.scenario)} · seed {result.seed}</footer>\n"


def _of_a_search(search: Search, scenario: Scenario | str) -> Iterator[str]:
    """What was tried: the answer, charts, tables."""
    first, *rest = re.split(r"(?<=\.) ", search.answer, maxsplit=1)
    yield f"<header>\n<h1>{text(first)}</h1>\n{''.join(f'<p>{text(more)}</p>' for more in rest)}\n"
    question = "" if isinstance(scenario, str) else f"{text(scenario.question)} "
    yield f'<p class="quiet"><b>{name(search.scenario)}</b>: {question}Seed {search.seed}.</p>\n</header>\n<main>\n'
    yield _section("charts", "Charts", "".join(_charts(search.strategies, search.charts)))
    tables = "".join(f"<h3>{name(title)}</h3>\n{content}" for title, content in search.tables if content)
    yield _section("figures", "What was tried", tables)
    visited = set() if isinstance(scenario, str) else {load.station for s in settings(scenario) for load in s.loads}
    yield from _resolved(scenario, search.resolved, visited, set(KINDS))
    yield f"</main>\n<footer>simsys {text(search.version)} · {name(search.scenario)} · seed {search.seed}</footer>\n"


def _resolved(scenario: Scenario | str, resolved: str, subjects: set[str], kinds: set[str]) -> Iterator[str]:
    """The plans, the sources of these subjects and kinds of cost, and the scenario as it was played."""
    if isinstance(scenario, str):
        yield _section("plans", "Plans and sources", f"<p>scenario.yaml cannot be read here: {text(scenario)}.</p>")
    else:
        yield _section("plans", "Plans", "".join(plans(scenario)))
        yield _section("sources", "Sources of the defaults", sources(scenario, subjects, kinds))
    folded = _folded("scenario.yaml", f"<pre>{lines(resolved)}</pre>\n")
    yield _section("scenario", "The scenario, defaults included", folded)


def _section(anchor: str, title: str, content: str) -> str:
    return f'<section id="{anchor}">\n<h2>{title}</h2>\n{content}</section>\n' if content else ""


def _answer(kept: Kept, scenario: Scenario | str) -> Iterator[str]:
    """The first sentence large, the rest of the answer below it, then the question and what was played."""
    result = kept.result
    first, *rest = re.split(r"(?<=\.) ", kept.answer, maxsplit=1)
    for audit in result.audits:
        if not audit.ok:
            broken = f"{audit.strategy} breaks the law '{audit.name}': {audit.detail}"
            yield f'<p class="alarm">Do not trust this run. A defect of simsys: {text(broken)}</p>\n'
    failed = list(map(str, result.failed))
    yield f'<p class="alarm">{len(failed)} plays failed: {text(failed[0])}</p>\n' if failed else ""
    yield f"<h1>{text(first)}</h1>\n"
    yield from (f"<p>{text(sentences)}</p>\n" for sentences in rest)
    question = "" if isinstance(scenario, str) else f"{text(scenario.question)} "
    times = {0: "", 1: "1 replication, "}.get(result.replications, f"{result.replications} replications, ")
    half = "no intervals" if result.replications == 1 else "± is half the 95 % interval"
    yield f'<p class="quiet"><b>{name(result.scenario)}</b>: {question}Seed {result.seed}, {times}{half}.</p>\n'


def _why(result: Result) -> Iterator[str]:
    told = [reasons(result), *(sentence(result, op) for op in ops(result))] if result.played else []
    yield from (f"<p>{text(paragraph)}</p>\n" for paragraph in told if paragraph)


def _charts(strategies: Sequence[str], shown: Sequence[Chart]) -> Iterator[str]:
    if not shown:
        return
    yield "<noscript><p>The charts need JavaScript; those beside this page (SVG) show the same.</p></noscript>\n"
    yield '<div class="chips" role="group" aria-label="Strategies to show">\n'
    for number, strategy in enumerate(strategies):
        look = f'class="chip s{number % len(style.COLOURS)}" data-strategy="{number}" aria-pressed="true"'
        yield f'<button type="button" {look}>{name(strategy)}</button>\n'
    yield "</div>\n"
    for number, chart in enumerate(shown):
        head = f'<figcaption><h3>{text(chart.title)}</h3><p class="quiet">{text(chart.caption)}</p></figcaption>'
        buttons = "".join(_switch(number, axis, chart) for axis in chart.switches)
        above = f'<div class="switches">{buttons}</div>' if buttons else ""
        yield f'<figure>{head}{above}<div class="plot" id="plot-{number}" data-chart="{number}"></div></figure>\n'


def _switch(number: int, axis: str, chart: Chart) -> str:
    on = str(chart.layout[f"{axis}axis"].get("type") == "log").lower()
    look = f'class="switch" data-chart="{number}" data-axis="{axis}" aria-pressed="{on}"'
    return f'<button type="button" {look}>log {axis}</button>'


def _figures(result: Result, notes: Notes) -> Iterator[str]:
    parts = [(op, operation(result, op, notes)) for op in style.subjects(result, "latency_mean")]
    parts += [("stations", stations(result, notes)), ("caches", caches(result, notes)),
              ("storage engine", storage(result, notes))]  # fmt: skip
    yield from (f"<h3>{name(title)}</h3>\n{tables}" for title, tables in parts if tables)


def _bill(result: Result, notes: Notes) -> Iterator[str]:
    """The cost of each kind, then every term of it and every store, with its formula."""
    yield system(result, notes)
    terms, kept = [], []
    for number, played in enumerate(result.played):
        mine = whose(played.strategy, number)
        terms += [Line([mine, said(kind), amount(dollars, "cost", "$/month"), said(formula, "long")], number)
                  for kind, formula, dollars in played.bill]  # fmt: skip
        kept += [Line([mine, said(store), said(medium), amount(size, "", "B"), said(formula, "long")], number)
                 for store, medium, formula, size in played.stores]  # fmt: skip
    yield _folded("Every term of it", table(["strategy", "for", "per month", "formula"], terms))
    yield _folded("What is kept", table(["strategy", "what", "on", "size", "formula"], kept))


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{text(title)}</summary>\n{content}</details>\n" if content else ""


def _audits(result: Result, notes: Notes) -> Iterator[str]:
    if result.notes:
        yield f"<ul>{''.join(f'<li>{text(note)}</li>' for note in result.notes)}</ul>\n"
    numbered = "".join(f'<li id="note-{number}">{text(note)}</li>\n' for note, number in notes.numbers.items())
    yield f'<ol class="quiet">\n{numbered}</ol>\n' if numbered else ""
    places = {strategy: number for number, strategy in enumerate(result.strategies)}
    held = sum(audit.ok for audit in result.audits)
    audits = [
        Line([whose(a.strategy, places.get(a.strategy, 0)), said(a.name),
              Cell(f'<span class="{"kept" if a.ok else "missed"}">{"holds" if a.ok else "broken"}</span>', str(a.ok)),
              said(a.detail)], places.get(a.strategy))
        for a in result.audits
    ]  # fmt: skip
    yield _folded(f"{held} of {len(audits)} laws hold", table(["strategy", "law", "", "both sides"], audits))
