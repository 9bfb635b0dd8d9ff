"""The charts of a page, as plotly reads them: data and layout, and which axes may be made logarithmic.

Every trace, or every bar of a trace, says in `meta` whose it is, so that a strategy can be switched off everywhere.
Colours are those of the SVG charts; what is around them (ink, paper, lines) is the page's. Names go through `label`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from math import log10
from typing import Any, NamedTuple

from simsys.experiment.result import GROWTH, MOST_SHARDS, Played, Result, Row
from simsys.report import style
from simsys.report.charts import fullest, per_second
from simsys.report.growth import MEDIA, TIMES, beneath
from simsys.report.html.text import label
from simsys.report.shards import uneven
from simsys.report.tail import ELSEWHERE, WAITING, Place, called, divided, ops, places

SECONDS = {"tickformat": "~s", "ticksuffix": "s", "hoverformat": ".3s"}
SHARES = {"tickformat": ".3~p", "hoverformat": ".3~p"}
COUNTS = {"tickformat": "~s", "hoverformat": ".3~s"}
MOST = 0.995
"""The picture begins where this share takes longer; what lies before it is a zoom away."""
_DASHES = ("solid", "dash", "dot", "dashdot")
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
_SHADES = (1.0, 0.45, 0.25, 0.12)
HEIGHT, LINE = 120, 34


class Chart(NamedTuple):
    """A question and its picture; `switches` are the axes that the reader may turn from linear to logarithmic."""

    title: str
    caption: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    switches: tuple[str, ...] = ()


def charts(result: Result) -> Iterator[Chart]:
    """Those for which there are figures."""
    for op in style.subjects(result, "latency_mean"):
        if any(p.ccdf.get(op, ((),))[0] for p in result.played):
            yield latency(result, op)
    if any(per_second(result, p, op) for p in result.played for op in style.subjects(result, "latency_mean")):
        yield who_pays(result)
    if style.stations(result) and result.played:
        yield utilization(result)
    for station in uneven(result):
        yield shards(result, station)
    for station in fullest(result):
        yield backlog(result, station)
    for op in ops(result):
        yield tail(result, op)
    for medium in MEDIA:
        if any(medium in played.growth for played in result.played):
            yield growth(result, medium)


def latency(result: Result, op: str) -> Chart:
    """The share of requests that take longer, with the p99 marked."""
    data: list[dict[str, Any]] = []
    curves = [played.ccdf.get(op, ((), ())) for played in result.played]
    for number, (played, (x, p)) in enumerate(zip(result.played, curves, strict=True)):
        data.append({"x": x, "y": p, **line(number, played.strategy, "hv", curves[:number].count(curves[number])),
                     "hovertemplate": "%{y} take longer than %{x}"})  # fmt: skip
        p99 = result.value(played.strategy, op, "latency_p99")
        if p99:
            mark = {"size": 9, "color": style.colour(number), "line": {"width": 1.5, "color": "#ffffff"}}
            data.append({"x": [p99], "y": [0.01], "mode": "markers", "type": "scatter", "marker": mark,
                         "meta": number, "name": label(played.strategy), "hovertemplate": "p99: %{x}"})  # fmt: skip
    one = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.01, "y1": 0.01, "layer": "below",
           "line": {"width": 1, "dash": "dot", "color": "#888888"},
           "label": {"text": "p99", "textposition": "end", "font": {"size": 11, "color": "#888888"}}}  # fmt: skip
    drawn = [curve for curve in curves if curve[0]]
    first = min(next((a for a, b in zip(*curve, strict=True) if b <= MOST), curve[0][-1]) for curve in drawn)
    last = max(x[-1] for x, _ in drawn)
    layout = {
        "xaxis": axis("time to the answer", type="log", range=[log10(first / 1.1), log10(last * 1.1)], **SECONDS),
        "yaxis": axis("share that takes longer", type="log", **SHARES),
        "shapes": [one], "height": 380,
    }  # fmt: skip
    told = f"From the arrival of {style.a(op)} to its answer. Further left is quicker; a dot is the 99th percentile."
    return Chart(f"How long does {style.a(op)} take?", told, data, layout, ("x", "y"))


def who_pays(result: Result) -> Chart:
    """Seconds of service per second that each operation causes, in one bar per strategy."""
    among, places = style.subjects(result, "latency_mean"), range(len(result.played))
    colours = [style.colour(number) for number in places]
    data = []
    for op, shade in zip(among, _SHADES * len(among), strict=False):
        look = {"color": [_pale(colour, shade) for colour in colours], "line": {"width": 1, "color": colours}}
        data.append({"type": "bar", "orientation": "h", "x": [per_second(result, p, op) for p in result.played],
                     "y": list(places), "width": 0.6, "marker": look, "meta": list(places), "name": label(op),
                     "hovertemplate": "%{x} per second"})  # fmt: skip
    shaded = ", ".join(f"{op} {shade}" for op, shade in zip(among, ("full", "pale", "paler", "palest"), strict=False))
    layout = {
        "barmode": "stack", "height": HEIGHT + LINE * len(result.played),
        "xaxis": axis("time of service per second", rangemode="tozero", **SECONDS),
        "yaxis": names([played.strategy for played in result.played]),
    }  # fmt: skip
    told = f"What each operation asks for over all servers of all stations, in the background too ({shaded})."
    return Chart(f"Who pays when: {' or '.join(among)}?", told, data, layout)


def utilization(result: Result) -> Chart:
    """How busy each station is: dots from 0 to 100 %, with the 95 % interval."""
    data, stations = [], style.stations(result)
    for number, played in enumerate(result.played):
        offset = (number - (len(result.played) - 1) / 2) * 0.62 / len(result.played)
        rows = [(i + offset, row) for i, s in enumerate(stations)
                if (row := result.row(played.strategy, s, "utilization")) and row.value is not None]  # fmt: skip
        values = [row.value or 0.0 for _, row in rows]
        data.append({
            "type": "scatter", "mode": "markers", "x": values, "y": [y for y, _ in rows], "meta": number,
            "name": label(played.strategy), "text": [label(row.subject) for _, row in rows], "cliponaxis": False,
            "marker": {"color": style.colour(number), "symbol": _SYMBOLS[number % len(_SYMBOLS)], "size": 9},
            "error_x": interval([row for _, row in rows]),
            "hovertemplate": "%{text}: %{x} busy",
        })  # fmt: skip
    layout = {
        "height": HEIGHT + LINE * len(stations),
        "xaxis": axis("share of the time", range=[0, 1], **SHARES),
        "yaxis": names(stations),
    }
    told = "The share of the servers' time that is busy, with its 95 % interval. Near 100 % everybody waits."
    return Chart("Which station is busy?", told, data, layout)


def shards(result: Result, station: str) -> Chart:
    """How busy each shard of a station is, the busiest first, side by side for the strategies."""
    data = []
    for number, played in enumerate(result.played):
        busy = played.shards.get(station, ())[:MOST_SHARDS]
        data.append({"type": "bar", "x": list(range(1, len(busy) + 1)), "y": busy, "meta": number,
                     "name": label(played.strategy), "marker": {"color": style.colour(number)},
                     "hovertemplate": "number %{x}: %{y} busy"})  # fmt: skip
    layout = {
        "barmode": "group", "height": 300,
        "xaxis": axis("shards, from the busiest on", showgrid=False, zeroline=False, tickformat="d"),
        "yaxis": axis("share of the time", range=[0, 1], **SHARES),
    }  # fmt: skip
    told = "The share of their servers' time that is busy. Where one stands out, a key is hot."
    return Chart(f"Which shard of {station} is busy?", told, [one for one in data if one["y"]], layout)


def backlog(result: Result, station: str) -> Chart:
    """The number inside a station over time."""
    curves = [played.samples[1].get(station, ()) for played in result.played]
    data = [
        {"x": played.samples[0], "y": curves[number], "hovertemplate": "%{y} inside at %{x}",
         **line(number, played.strategy, "linear", curves[:number].count(curves[number]))}
        for number, played in enumerate(result.played)
        if any(curves[number])
    ]  # fmt: skip
    layout = {
        "height": 300,
        "xaxis": axis("time since the start of the run", **SECONDS),
        "yaxis": axis("inside", rangemode="tozero", **COUNTS),
    }
    told = "Requests and their parts that wait or are served, at samples over the run, mean over the replications."
    return Chart(f"How much piles up at {station}, and when?", told, data, layout, ("y",))


def tail(result: Result, op: str) -> Chart:
    """Where the slowest 1 % of an operation spent their time, and thinner where all requests did."""
    mine = [(number, p) for number, p in enumerate(result.played) if op in p.tail and p.tail[op].latency]
    delays = style.delays(result)
    named = places([p.tail[op] for _, p in mine], delays)
    colours = dict(zip(dict.fromkeys(station for _, station in named), map(style.colour, count()), strict=False))
    data = [_bars(mine, op, place, named, delays) | {"marker": _shade(place, colours)}
            for place in [*named, (ELSEWHERE, "")]]  # fmt: skip
    layout = {
        "barmode": "stack", "height": HEIGHT + 50 + int(1.5 * LINE) * len(mine),
        "xaxis": axis("share of the time to the answer", range=[0, 1], **SHARES),
        "yaxis": names([played.strategy for _, played in mine]),
        "showlegend": True, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left",
                                       "itemclick": False, "itemdoubleclick": False, "traceorder": "normal"},
    }  # fmt: skip
    told = "Thick: the slowest 1 %; thin: all. A colour per station: full for waiting, pale for being served."
    return Chart(f"Where do the slowest 1 % of {op} requests spend their time?", told, data, layout)


def growth(result: Result, medium: str) -> Chart:
    """The bytes kept in one medium over the time since the beginning."""
    curves = [played.growth.get(medium, ()) for played in result.played]
    data = [
        {"x": GROWTH, "y": [size or None for size in curves[number]], "hovertemplate": "%{y}",
         **line(number, played.strategy, "linear", sum(place < number for place in beneath(curves, number)))}
        for number, played in enumerate(result.played)
        if curves[number]
    ]  # fmt: skip
    layout = {
        "height": 300,
        "xaxis": axis("time since the first request", type="log", tickvals=list(TIMES.values()), ticktext=list(TIMES)),
        "yaxis": axis("kept", type="log", ticksuffix="B", **COUNTS),
    }
    told = "All copies, as the load goes on: posts until they leave, lists until they are full."
    return Chart(f"How much is kept {MEDIA[medium]}, and when?", told, data, layout, ("y",))


def _bars(
    mine: Sequence[tuple[int, Played]], op: str, place: Place, named: Sequence[Place], delays: set[str]
) -> dict[str, Any]:
    """What one place has of the bars of all strategies: thick of the slowest, thin of all."""
    x, y, width, meta, text = [], [], [], [], []
    for row, (number, played) in enumerate(mine):
        for whose, anatomy, offset, thick in (("its slowest 1 %", played.tail[op], -0.12, 0.46),
                                              ("all", played.whole[op], 0.25, 0.16)):  # fmt: skip
            seconds = divided(anatomy, named, delays)[place]
            took = f"{style.figure(seconds, '', 's')} of {style.figure(anatomy.latency, '', 's')}"
            x.append(seconds / anatomy.latency if anatomy.latency else 0.0)
            y.append(row + offset)
            width.append(thick)
            meta.append(number)
            text.append(f"{label(played.strategy)}, {whose}: {took}")
    return {"type": "bar", "orientation": "h", "x": x, "y": y, "width": width, "meta": meta, "text": text,
            "textposition": "none", "name": label(called(place)), "hovertemplate": "%{text}, %{x}"}  # fmt: skip


def _shade(place: Place, colours: dict[str, str]) -> dict[str, Any]:
    doing, station = place
    if doing == ELSEWHERE:
        return {"color": "#bbbbbb"}
    return {"color": _pale(colours[station], 1.0 if doing == WAITING else 0.45)}


def _pale(colour: str, shade: float) -> str:
    return colour if shade == 1.0 else f"{colour}{round(255 * shade):02X}"


def line(number: int, strategy: str, shape: str, before: int) -> dict[str, Any]:
    """A line in the strategy's colour; dashed where it lies on so many earlier ones, so that all show."""
    dash = f"6px,{6 * before}px" if before else _DASHES[number // len(style.COLOURS) % len(_DASHES)]
    return {"type": "scatter", "mode": "lines", "meta": number, "name": label(strategy),
            "line": {"color": style.colour(number), "width": 2, "dash": dash, "shape": shape}}  # fmt: skip


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis that makes room for its labels."""
    return {"title": {"text": title}, "automargin": True, **more}


def measured(row: Row, **more: Any) -> dict[str, Any]:
    """An axis for a figure, in its unit."""
    kind = SECONDS if row.unit == "s" else SHARES if style.is_share(row.metric) else COUNTS
    return axis(label(row.unit) if kind is COUNTS else "", **more, **kind)


def interval(rows: Sequence[Row]) -> dict[str, Any]:
    """The 95 % intervals of figures, as bars that reach as far."""
    above, below = ([abs((getattr(row, end) or row.value or 0.0) - (row.value or 0.0)) for row in rows]
                    for end in ("high", "low"))  # fmt: skip
    return {"type": "data", "array": above, "arrayminus": below, "thickness": 1.2, "width": 0}


def names(names: Sequence[str], most: int = 20) -> dict[str, Any]:
    """An axis of names from the top down; numbered, so that no name is read as a number or a date."""
    return {"tickvals": list(range(len(names))), "ticktext": [label(name, most) for name in names], "automargin": True,
            "range": [len(names) - 0.45, -0.55], "showgrid": False, "zeroline": False, "fixedrange": True}  # fmt: skip
