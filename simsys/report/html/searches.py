"""The folder of a search (`tune`, `size`, `doubt`) on a page: what was tried, as charts and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from simsys.experiment.fleets import KINDS
from simsys.experiment.points import quantity
from simsys.report import style
from simsys.report.html.charts import COUNTS, SECONDS, SHARES, Chart, axis, line
from simsys.report.html.folder import Kept, damaged, kept, metrics, text_of
from simsys.report.html.tables import Cell, Line, amount, said, table, whose
from simsys.report.html.text import label
from simsys.report.size import CALLED, question
from simsys.report.style import listed, three, two

NOBODY = "#999999"
Told = dict[str, Any]


class Search(NamedTuple):
    """A folder's answer and resolved scenario as text, whose names stand in it, charts, and tables by their title."""

    folder: Path
    scenario: str
    version: str
    seed: int
    answer: str
    resolved: str
    strategies: tuple[str, ...]
    charts: tuple[Chart, ...]
    tables: tuple[tuple[str, str], ...]


def read(folder: Path) -> Kept | Search:
    """What the folder of a run, a sweep or a search holds; NotResults if that is not what this version writes."""
    if not (folder / "metrics.json").is_file():
        return kept(folder)
    try:
        data = metrics(folder / "metrics.json")
        kind = next((kind for kind in KINDS_OF if isinstance(data, dict) and kind in data), None)
        return kept(folder) if kind is None else _search(folder, data, *KINDS_OF[kind](data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        damaged(folder / "metrics.json", error)


def _search(folder: Path, data: Told, names: Sequence[str], charts: Any, tables: Any) -> Search:
    printed, resolved = text_of(folder / "table.txt"), text_of(folder / "scenario.yaml")
    answer = " ".join(" ".join(part for part in printed.split("\n\n") if "  " not in part).split())
    about = str(data["scenario"]), str(data["version"]), int(data["seed"])
    return Search(folder, *about, answer, resolved, tuple(names), tuple(charts), tuple(tables))


# A dial that was turned


def _tuned(data: Told) -> tuple[list[str], list[Chart], list[tuple[str, str]]]:
    names = [str(each["strategy"]) for each in data["tuned"]]
    subject, metric = str(data["minimise"]).split(" ", 1)
    called = style.name(metric) if subject == "system" else f"{subject} {style.name(metric)}"
    charts = [chart for path in _paths(data) if (chart := _dial(data["tuned"], path, called, metric)).data]
    lines = partial(_trials, metric=metric)
    tables = [
        (name, table([*_paths({"tuned": [each]}), called, "more than the best", "promises"], lines(each, number)))
        for number, (name, each) in enumerate(zip(names, data["tuned"], strict=True))
    ]
    return names, charts, tables


def _paths(data: Told) -> list[str]:
    return list(dict.fromkeys(path for each in data["tuned"] for path in each["range"]))


def _dial(found: Sequence[Told], path: str, called: str, metric: str) -> Chart:
    """The figure over one dial: full where every promise is kept."""
    data = []
    for number, each in enumerate(found):
        known = [t for t in each["tried"] if path in t["point"] and t["value"] is not None]
        tried = sorted(((quantity(t["point"][path]) or 0.0, t) for t in known), key=lambda pair: pair[0])
        values = [t["value"] for _, t in tried]
        ends = [[abs((t[end] if t[end] is not None else t["value"]) - t["value"]) for _, t in tried]
                for end in ("high", "low")]  # fmt: skip
        symbols = ["circle" if t["verdict"] == "kept" else "circle-open" for _, t in tried]
        if tried:
            data.append({
                **line(number, str(each["strategy"]), "linear", 0),
                "mode": "lines+markers" if len(each["range"]) == 1 else "markers",
                "x": [x for x, _ in tried], "y": values, "marker": {"symbol": symbols, "size": 9},
                "error_y": {"type": "data", "array": ends[0], "arrayminus": ends[1], "thickness": 1.2, "width": 3},
                "text": [label(f"{t['point'][path]}: {t['verdict']}") for _, t in tried],
                "hovertemplate": "%{text}, %{y}",
            })  # fmt: skip
    numbers = [x for trace in data for x in trace["x"]]
    wide = {"type": "log"} if numbers and min(numbers) > 0 and max(numbers) >= 20 * min(numbers) else {}
    kind = SHARES if style.is_share(metric) else COUNTS if metric.startswith(("cost", "storage")) else SECONDS
    layout = {"height": 360, "xaxis": axis(label(path, 48), **COUNTS, **wide), "yaxis": axis(label(called), **kind)}
    told = "Full where every promise is surely kept; bars are 95 % intervals."
    return Chart(f"Which {path.rsplit('.', 1)[-1]}?", told, data, layout, ("x", "y"))


def _trials(each: Told, number: int, metric: str) -> Iterator[Line]:
    for tried in each["tried"]:
        values = [Cell(label(str(value)), quantity(value), "n") for value in tried["point"].values()]
        figure = _figure(tried["value"], metric, tried["unit"])
        more = _figure(tried["more_than_best"], metric, tried["unit"])
        rules = {word: ", ".join(map(str, tried[word])) for word in ("missed", "undecided")}
        verdict = "; ".join(f"{word}: {names}" for word, names in rules.items() if names) or str(tried["verdict"])
        best = tried["point"] == each["best"]
        yield Line([*values, figure, more, said(f"{verdict} (the best)" if best else verdict)], number)


def _figure(value: float | None, metric: str, unit: str) -> Cell:
    return Cell("–", None, "n") if value is None else amount(value, metric, unit)


# The smallest fleets


def _sized(data: Told) -> tuple[list[str], list[Chart], list[tuple[str, str]]]:
    names = [str(each["strategy"]) for each in data["sized"]]
    rows = {(r["strategy"], r["subject"], r["metric"]): r["value"] for r in data["rows"]}
    bills = {name: {kind: rows.get((name, "system", f"cost.{kind}")) or 0.0 for kind in KINDS} for name in names}
    traces = [
        {"type": "bar", "orientation": "h", "x": [bills[name][kind] for name in names], "y": list(range(len(names))),
         "width": 0.6, "meta": list(range(len(names))), "name": CALLED[kind], "marker": {"color": style.colour(place)},
         "hovertemplate": f"{CALLED[kind]}: %{{x}} $/month"}
        for place, kind in enumerate(KINDS)
    ]  # fmt: skip
    layout = {
        "barmode": "stack", "height": 150 + 34 * len(names), "showlegend": True,
        "xaxis": axis("$/month", rangemode="tozero", **COUNTS), "yaxis": _rows(names),
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "itemclick": False},
    }  # fmt: skip
    told = "The smallest fleet of each strategy that surely keeps every promise, by what the money is spent on."
    chart = Chart(question(data["budget"]), told, traces, layout)
    heads = ["strategy", "station", "to buy", "left at the peak", "busy", "one less breaks"]
    fleets = table(heads, _fleets(data, rows))
    heads = ["strategy", "in all", *(CALLED[kind] for kind in KINDS), "promises", "bound by", "highest rate as given"]
    return names, [chart], [("Cost per month", table(heads, _costs(data, bills))), ("Servers", fleets)]


def _costs(data: Told, bills: Told) -> Iterator[Line]:
    for number, each in enumerate(data["sized"]):
        name, knee = str(each["strategy"]), each["knee"] or {}
        money = [amount(value, "cost", "$/month") for value in (each["cost"], *bills[name].values())]
        never = f"never: {listed(list(map(str, each['never'])))}" if each["never"] else "missed"
        words = [said("kept" if each["keeps"] else never), said(str(each["binding"] or "–"))]
        yield Line([whose(name, number), *money, *words, _figure(knee.get("rate"), "", "/s")], number)


def _fleets(data: Told, rows: dict[tuple[str, str, str], float | None]) -> Iterator[Line]:
    for number, each in enumerate(data["sized"]):
        for station, count in each["bought"].items():
            busy = rows.get((each["strategy"], station, "utilization"))
            rules = listed(list(map(str, each["one_less_breaks"].get(station, ())))) or "–"
            left = float(each["left"].get(station, count))
            yield Line([whose(str(each["strategy"]), number), said(str(station)), amount(count, "", ""),
                        amount(left, "", ""), _figure(busy, "utilization", ""), said(rules)], number)  # fmt: skip


def _rows(names: Sequence[str]) -> Told:
    """An axis of names from the top down."""
    return {"tickvals": list(range(len(names))), "ticktext": [label(name, 34) for name in names], "automargin": True,
            "range": [len(names) - 0.45, -0.55], "showgrid": False, "zeroline": False, "fixedrange": True}  # fmt: skip


# What a verdict hangs on


def _doubted(data: Told) -> tuple[list[str], list[Chart], list[tuple[str, str]]]:
    doubts = sorted(data["doubts"], key=lambda one: not one["turns"])
    winners = [data["winner"], *(probe["winner"] for one in doubts for probe in one["tried"])]
    names = list(dict.fromkeys(str(winner) for winner in winners if winner))
    lines = [_doubt(one) for one in [*doubts, *filter(None, [data["break_even"]])]]
    heads = ["assumption", "grade", "assumed", "range", "winner changes", "least work changes", "source"]
    return names, list(_tornado(doubts, names, data)), [("Assumptions", table(heads, lines))]


def _tornado(doubts: Sequence[Told], names: Sequence[str], data: Told) -> Iterator[Chart]:
    """Who wins at every factor that was tried, and by how much."""
    tried = [(y, probe) for y, one in enumerate(doubts) for probe in one["tried"] if not probe["problem"]]
    tried += [(y, {"factor": 1.0, "winner": data["winner"], "lead": data["lead"]}) for y in range(len(doubts))]
    if not doubts:
        return
    called = [f"{_short(str(one['path']))} = {one['value']}" for one in doubts]
    height = 130 + 26 * len(doubts)
    for title, told, over, name in (
        ("Who wins when an assumption is off?", "Every factor that was tried, in the colour of who wins there.",
         "factor", "factor of what is assumed"),
        ("By how much does the winner win?", "The cost of the cheapest other strategy that keeps its promises over the"
         " winner's, at every factor that was tried.", "lead", "times as dear"),
    ):  # fmt: skip
        traces = []
        for number, winner in enumerate([*names, None]):
            mine = [(y, p) for y, p in tried if p["winner"] == winner and p[over] is not None and p[over] > 0]
            colour = NOBODY if winner is None else style.colour(number)
            hover = [label(f"{winner or 'nobody'} wins at × {three(p['factor'])}") for _, p in mine]
            traces.append({"type": "scatter", "mode": "markers", "x": [p[over] for _, p in mine], "cliponaxis": False,
                           "y": [y for y, _ in mine], "meta": number, "name": label(winner or "nobody"), "text": hover,
                           "marker": {"color": colour, "size": 10}, "hovertemplate": "%{text}: %{x}"})  # fmt: skip
        x = axis(name, **COUNTS) if over == "lead" else axis(name, type="log", **_factors(tried))
        layout = {"height": height, "xaxis": x, "yaxis": _rows(called)}
        yield Chart(title, told, [trace for trace in traces if trace["x"]], layout)


def _factors(tried: Sequence[tuple[int, Told]]) -> Told:
    """Ticks at one, and at powers of ten and of two and five times them."""
    factors = [probe["factor"] for _, probe in tried if probe["factor"] > 0]
    ticks = [digit * 10.0**power for power in range(-9, 10) for digit in (1, 2, 5)]
    seen = [tick for tick in ticks if min(factors) / 2 <= tick <= 2 * max(factors)]
    return {"tickvals": seen, "ticktext": [f"×{tick:g}" for tick in seen]}


def _doubt(one: Told) -> Line:
    span = f"× {three(one['low'])} to {three(one['high'])}{'' if one['range_stated'] else ' (nobody gave one)'}"
    return Line([said(_short(str(one["path"]))), said(str(one["grade"] or "–")), said(str(one["value"])), said(span),
                 said(_turns(one["turns"])), said(_turns(one["by_work"])),
                 said(str(one["source"] or ""), "long")])  # fmt: skip


def _turns(turns: Sequence[Told]) -> str:
    return listed([f"× {two(turn['factor'])} {turn['winner'] or 'nobody'}" for turn in turns]) or "–"


def _short(path: str) -> str:
    return ".".join(step for step in path.split(".") if step not in ("stations", "ops"))


KINDS_OF = {"tuned": _tuned, "sized": _sized, "doubts": _doubted}
"""What the `metrics.json` of a search has, and how it is read."""
