"""Eight charts of a run as SVG and PNG, the same bytes whenever they are drawn again.

matplotlib is imported when the first is drawn. Free text is printed as it is: no mathematics is read into it.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from io import BytesIO
from typing import Any

from simsys.experiment.result import Played, Result
from simsys.experiment.workers import Failed, WorkerError, side_by_side
from simsys.report import style
from simsys.report.canvas import alike, canvas, durations, legend, stroke, symlog
from simsys.report.growth import growth
from simsys.report.overheads import overheads
from simsys.report.shards import shards
from simsys.report.tail import ELSEWHERE, WAITING, Place, called, divided, ops, places
from simsys.units import show_duration

BUSIEST = 3
"""Stations whose backlog is drawn."""
_LEGEND = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False, "fontsize": 9}


def charts(result: Result, jobs: int = 1) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of every chart for which the run has figures, each as SVG and as PNG.

    They are drawn by so many processes side by side; WorkerError if one cannot be drawn.
    """
    get_ready()
    made = dict(side_by_side(partial(_drawn, result), list(_CHARTS), jobs))
    for name in _CHARTS:
        one = made[name]
        if isinstance(one, Failed):
            raise WorkerError(f"the chart '{name}' cannot be drawn: {one.reason}")
        yield from one


@cache
def get_ready() -> None:
    """Load all that drawing takes, once for all processes: the libraries, and the fonts with an empty chart."""
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    drawn("nothing", lambda: canvas(1, 1)[0])


def _drawn(result: Result, name: str) -> list[tuple[str, bytes]]:
    return drawn(name, lambda: _CHARTS[name](result))


def drawn(name: str, chart: Callable[[], Any]) -> list[tuple[str, bytes]]:
    """(file name, content) of one chart, as SVG and as PNG; empty where it has nothing to show."""
    from matplotlib import rc_context

    with warnings.catch_warnings(), rc_context(_settings()):  # type: ignore[arg-type]
        warnings.simplefilter("ignore")
        figure = chart()
        return [] if figure is None else [(f"{name}.{kind}", content) for kind, content in _printed(figure)]


def _settings() -> dict[str, Any]:
    from matplotlib import rcParamsDefault

    return {
        **{key: value for key, value in rcParamsDefault.items() if not key.startswith(("backend", "webagg"))},
        "svg.hashsalt": "simsys", "svg.fonttype": "path", "text.parse_math": False,
        "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.grid": True,
        "axes.titley": 1.0,  # where it is anyway: nothing above a panel would move it, and looking for that takes time
        "grid.color": "#dddddd", "grid.linewidth": 0.6, "legend.fontsize": 9,
    }  # fmt: skip


def _printed(figure: Any) -> Iterator[tuple[str, bytes]]:
    """A figure as SVG and as PNG, laid out once for both."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    svg, png = BytesIO(), BytesIO()
    FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None, "Creator": "simsys"})  # type: ignore[no-untyped-call]
    figure.set_dpi(130)
    quick = {"compress_level": 1}  # an eighth larger, and written in two thirds of the time
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None}, pil_kwargs=quick)  # type: ignore[no-untyped-call]
    yield from (("svg", svg.getvalue()), ("png", png.getvalue()))


def latency(result: Result) -> Any:
    """Per operation, the share of requests that take longer, on logarithmic axes, with the p99 marked."""
    from matplotlib.ticker import FuncFormatter

    drawn = {op for played in result.played for op, curve in played.ccdf.items() if _positive(*curve)[0]}
    seen = [op for op in style.subjects(result, "latency_mean") if op in drawn]
    if not seen:
        return None
    figure, panels = canvas(8, 0.6 + 3.2 * len(seen), len(seen))
    for panel, op in zip(panels, seen, strict=True):
        lowest = 0.01
        curves = [_positive(*played.ccdf.get(op, ((), ()))) for played in result.played]
        for number, (played, (x, p)) in enumerate(zip(result.played, curves, strict=True)):
            if not x:
                continue
            lowest = min(lowest, p[-1])
            look = stroke(number, alike(curves, number))
            panel.step(x, p, where="post", **look)
            p99 = result.value(played.strategy, op, "latency_p99")
            if p99:
                panel.plot(
                    [p99],
                    [0.01],
                    marker="o",
                    markersize=6,
                    color=look["color"],
                    markeredgecolor="white",
                    zorder=5,
                )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_ylim(lowest / 1.5, 1.3)
        panel.axhline(0.01, color="#888888", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        beside = {"xycoords": ("axes fraction", "data"), "xytext": (4, 0), "textcoords": "offset points"}
        panel.annotate("p99", (1, 0.01), **beside, va="center", fontsize=9, color="#555555")
        panel.set_title(f"How long does {style.a(style.short(op))} take?")
        panel.set_ylabel("share that takes longer")
        panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
        panel.set_yticks([], minor=True)
        durations(panel, f"time from arrival to the answer of {style.a(op)}")
    legend(figure, result)
    return figure


def _positive(x: Sequence[float], p: Sequence[float]) -> tuple[list[float], list[float]]:
    """The points that a logarithmic axis can show."""
    kept = [(a, b) for a, b in zip(x, p, strict=True) if a > 0 and b > 0]
    return [a for a, _ in kept], [b for _, b in kept]


def who_pays(result: Result) -> Any:
    """Seconds of service per second that each operation causes, per strategy, side by side in one bar."""
    from matplotlib.ticker import FuncFormatter

    ops = style.subjects(result, "latency_mean")
    work = {p.strategy: [per_second(result, p, op) for op in ops] for p in result.played}
    if not work or not any(map(any, work.values())):
        return None
    figure, (panel,) = canvas(8, 1.3 + 0.55 * len(work))
    longest = max(map(sum, work.values()))
    shades = [1.0, 0.45, 0.25, 0.12]
    for number, (_, seconds) in enumerate(work.items()):
        left = 0.0
        for shade, value in zip(shades * len(ops), seconds, strict=False):
            panel.barh(number, value, left=left, height=0.62, color=(style.colour(number), shade),
                       edgecolor=style.colour(number), linewidth=0.8)  # fmt: skip
            left += value
        parts = " + ".join(f"{op} {_seconds(value)}" for op, value in zip(ops, seconds, strict=True))
        panel.annotate(parts, (left, number), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
    panel.set_yticks(range(len(work)), [style.short(strategy) for strategy in work])
    panel.invert_yaxis()
    panel.set_xlim(0, longest * 1.45)
    panel.grid(axis="y", visible=False)
    shaded = ", ".join(f"{op} {shade}" for op, shade in zip(ops, ("full", "pale", "paler", "palest"), strict=False))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: show_duration(x) if 0 < x < 1 else f"{x:g} s"))
    between = "\n" if len(ops) > 3 else " "
    panel.set_xlabel(f"time of service per second, over all servers{between}({shaded})")
    panel.set_title(f"Who pays when: {' or '.join(ops)}?")
    return figure


def _seconds(value: float) -> str:
    """Seconds, and less; never minutes, as this is also a number of busy servers."""
    return show_duration(value) if value < 1 else f"{style.three(value)} s"


def per_second(result: Result, played: Played, op: str) -> float:
    """Seconds of service per second that an operation causes."""
    return sum(played.work.get(op, {}).values()) * (result.value(played.strategy, op, "throughput") or 0.0)


def utilization(result: Result) -> Any:
    """How busy each station is under each strategy: dots from 0 to 100 %, with the 95 % interval."""
    stations = style.stations(result)
    names = [p.strategy for p in result.played]
    if not stations or not names:
        return None
    figure, (panel,) = canvas(8, 1.2 + 0.5 * len(stations))
    rows = {(r.strategy, r.subject): r for r in result.rows if r.metric == "utilization" and r.value is not None}
    for number, strategy in enumerate(names):
        offset = (number - (len(names) - 1) / 2) * 0.62 / len(names)
        found = [(i + offset, rows[strategy, s]) for i, s in enumerate(stations) if (strategy, s) in rows]
        ys, values = [y for y, _ in found], [100 * (row.value or 0.0) for _, row in found]
        lows, highs = ([100 * (getattr(row, end) or row.value or 0.0) for _, row in found] for end in ("low", "high"))
        panel.hlines(ys, lows, highs, color=style.colour(number), linewidth=1.2)
        look = {"color": style.colour(number), "marker": style.marker(number), "label": style.short(strategy)}
        panel.scatter(values, ys, s=34, zorder=3, clip_on=False, **look)
    panel.set_xlim(0, 100)
    panel.set_yticks(range(len(stations)), [style.short(station) for station in stations])
    panel.set_ylim(len(stations) - 0.5, -0.5)
    panel.set_xticks(range(0, 101, 20), [f"{x}%" for x in range(0, 101, 20)])
    panel.set_xlabel("share of the servers' time that is busy (bar: 95 % interval)")
    panel.set_title("Which station is busy?")
    panel.legend(**_LEGEND)
    return figure


def backlog(result: Result) -> Any:
    """The number inside the stations that fill up most, over time."""
    peaks = fullest(result)
    if not peaks:
        return None
    figure, panels = canvas(8, 0.7 + 2.2 * len(peaks), len(peaks))
    scaled: set[str] = set()
    for panel, station in zip(panels, peaks, strict=True):
        curves = [played.samples[1].get(station, ()) for played in result.played]
        for number, played in enumerate(result.played):
            if any(curves[number]):
                panel.plot(played.samples[0], curves[number], **stroke(number, alike(curves, number)))
            if station in played.servers:
                there = {"color": style.colour(number), "linewidth": 1, "linestyle": ":", "drawstyle": "steps-post"}
                panel.plot(played.samples[0], played.servers[station], **there)
                scaled.add(station)
        symlog(panel, peaks[station])
        panel.set_ylabel("inside")
        dotted = "; dotted: its servers" if station in scaled else ""
        panel.set_title(f"{station}: waiting and in service{dotted}", fontweight="normal", fontsize=10)
        panel.set_xlim(0, max((p.samples[0][-1] for p in result.played if p.samples[0]), default=1.0))
        panel.sharex(panels[0])
        panel.tick_params(labelbottom=panel is panels[-1])
    panels[-1].set_xlabel("time since the start of the run, s")
    figure.suptitle("Where does work pile up, and when?", x=0.01, ha="left", fontsize=11, fontweight="bold")
    legend(figure, result)
    return figure


def fullest(result: Result) -> dict[str, float]:
    """The stations that fill up most, and the most that are inside."""
    peaks: dict[str, float] = {}
    for played in result.played:
        for station, inside in played.samples[1].items():
            peaks[station] = max(peaks.get(station, 0.0), max(inside, default=0.0))
    most = sorted((s for s in peaks if peaks[s] > 0), key=lambda s: (-peaks[s], s))[:BUSIEST]
    return {station: peaks[station] for station in most}


def tail(result: Result) -> Any:
    """Where the slowest 1 % of each operation spent their time, place by place, and thinner where all requests did."""
    told, delays = ops(result), style.delays(result)
    if not told:
        return None
    figure, panels = canvas(8, 1.0 + sum(0.9 + 0.62 * len(_with(result, op)) for op in told), len(told))
    bars: dict[Place, Any] = {}
    for panel, op in zip(panels, told, strict=True):
        mine = _with(result, op)
        named = places([p.tail[op] for p in mine], delays)
        for number, played in enumerate(mine):
            for anatomy, y, height in ((played.tail[op], number - 0.12, 0.46), (played.whole[op], number + 0.25, 0.16)):
                left = 0.0
                for place, seconds in divided(anatomy, named, delays).items():
                    share = 100 * seconds / anatomy.latency
                    bar = panel.barh(y, share, left=left, height=height, **_shade(bars, place))
                    left += share
                    bars.setdefault(place, bar)
                took = {"text": str(style.figure(anatomy.latency, "", "s")), "fontsize": 9 if height > 0.3 else 7}
                panel.annotate(**took, xy=(100, y), xytext=(5, 0), textcoords="offset points", va="center")
        panel.set_yticks(range(len(mine)), [style.short(played.strategy) for played in mine])
        panel.invert_yaxis()
        panel.set_xlim(0, 100)
        panel.set_xticks(range(0, 101, 20), [f"{x}%" for x in range(0, 101, 20)])
        panel.grid(axis="y", visible=False)
        panel.set_title(f"Where do the slowest 1 % of {style.short(op, 20)} requests spend their time?")
    panels[-1].set_xlabel("share of the time to the answer (thick: the slowest 1 %; thin: all)")
    shown = sorted(bars, key=lambda place: place[0] == ELSEWHERE)
    names = [called((doing, style.short(station, 20))) for doing, station in shown]
    figure.legend([bars[place] for place in shown], names, loc="outside lower left", ncols=3, frameon=False)
    return figure


def _with(result: Result, op: str) -> list[Played]:
    return [p for p in result.played if op in p.tail and p.tail[op].latency]


def _shade(seen: dict[Place, Any], place: Place) -> dict[str, Any]:
    """A colour per station, full for waiting and pale for being served; what has no name is grey."""
    doing, station = place
    if doing == ELSEWHERE:
        return {"color": "#cccccc"}
    stations = list(dict.fromkeys([name for _, name in seen if name] + [station]))
    return {"color": (style.colour(stations.index(station)), 1.0 if doing == WAITING else 0.45)}


_CHARTS: dict[str, Callable[[Result], Any]] = {
    "latency": latency, "backlog": backlog, "tail": tail, "shards": shards, "utilization": utilization,
    "who-pays": who_pays, "growth": growth, "overheads": overheads,
}  # fmt: skip
"""Those that take long first, so that all processes are done at about the same time."""
NAMES = tuple(f"{name}.{kind}" for name in _CHARTS for kind in ("svg", "png"))
