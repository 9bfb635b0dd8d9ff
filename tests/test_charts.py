"""The charts: the same bytes again, honest axes, one colour per strategy, and text that is only text."""

import math
from dataclasses import replace
from typing import Any

import hand_made
import matplotlib
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex

from simsys.experiment.result import Row
from simsys.report import charts, shards, style
from simsys.report.overheads import overheads, overheads_of

CHARTS = ("latency", "who-pays", "utilization", "backlog", "tail", "shards", "growth")
ALL = {f"{name}.{kind}" for name in CHARTS for kind in ("svg", "png")}


@pytest.fixture(scope="module")
def drawn() -> dict[str, bytes]:
    return dict(charts.charts(hand_made.result()))


OF_ENGINES = {"overheads.svg", "overheads.png"}


def test_seven_charts_as_svg_and_png(drawn: dict[str, bytes]) -> None:
    assert set(drawn) == ALL == set(charts.NAMES) - OF_ENGINES
    assert all(content.startswith(b"\x89PNG") for name, content in drawn.items() if name.endswith("png"))
    assert all(b"<svg" in content for name, content in drawn.items() if name.endswith("svg"))


def test_drawn_again_they_are_the_same_bytes(drawn: dict[str, bytes]) -> None:
    with rc_context({"svg.hashsalt": "other", "font.size": 30, "lines.linewidth": 9}):
        assert dict(charts.charts(hand_made.result())) == drawn


def test_they_name_no_time_and_no_software(drawn: dict[str, bytes]) -> None:
    for name, content in drawn.items():
        assert matplotlib.__version__.encode() not in content and b"<dc:date>" not in content, name
        assert name.endswith("svg") or b"Software" not in content
        assert name.endswith("png") or b"<text" not in content, "letters are paths: the same on every machine"


def test_dollars_are_no_mathematics() -> None:
    """A mutant that reads mathematics into names cannot draw this one at all."""
    name = r"hybrid($\frac{x, a_b^2$ & <b>)"
    played = tuple(replace(p, strategy=name) if p.strategy == "hybrid" else p for p in hand_made.result().played)
    rows = tuple(r._replace(strategy=name) if r.strategy == "hybrid" else r for r in hand_made.rows())
    assert len(dict(charts.charts(hand_made.result(played=played, rows=rows)))) == 14


def test_what_has_no_figures_has_no_chart() -> None:
    assert dict(charts.charts(hand_made.result(rows=(), played=()))) == {}
    none = {"samples": ((), {}), "ccdf": {}, "tail": {}, "shards": {}, "growth": {}}
    calm = tuple(replace(p, **none) for p in hand_made.result().played)
    assert {n.partition(".")[0] for n, _ in charts.charts(hand_made.result(played=calm))} == {"who-pays", "utilization"}


def axes(draw: Any, **changes: Any) -> list[Any]:
    with rc_context(charts._settings()):
        return list(draw(hand_made.result(**changes)).axes)


def test_latency_is_drawn_on_logarithmic_axes_with_the_p99() -> None:
    for panel, op in zip(axes(charts.latency), ("read", "post"), strict=True):
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
        assert op in panel.get_title(loc="left") and "answer" in panel.get_xlabel() and "share" in panel.get_ylabel()
        curves = [one for one in panel.lines if len(one.get_xdata()) > 2]
        assert [to_hex(one.get_color()).upper() for one in curves] == list(style.COLOURS[:4])
        marks = [(one.get_xdata()[0], one.get_ydata()[0]) for one in panel.lines if len(one.get_xdata()) == 1]
        assert marks == [(hand_made.MEAN[op, "latency_p99", "s"][i], 0.01) for i in range(4)]


def test_what_always_takes_the_same_time_has_no_curve() -> None:
    """Nothing takes longer, and a logarithmic axis has no place for nothing: there would be an empty panel."""
    played = tuple(replace(p, ccdf={**p.ccdf, "post": ((0.002,), (0.0,))}) for p in hand_made.result().played)
    assert len(axes(charts.latency, played=played)) == len(axes(charts.latency)) - 1


def test_curves_that_coincide_take_turns() -> None:
    """All strategies post alike: the four dashed lines together leave no gap and cover each other nowhere."""
    panel = axes(charts.latency)[1]
    dashes = [one._unscaled_dash_pattern for one in panel.lines if len(one.get_xdata()) > 2]
    assert sorted(offset % 24 for offset, _ in dashes) == [0, 6, 12, 18]
    assert all(pattern == (6, 18) for _, pattern in dashes)
    assert all(one.get_linestyle() == "-" for one in axes(charts.latency)[0].lines if len(one.get_xdata()) > 2)


def test_bars_are_the_work_per_second_of_each_operation() -> None:
    (panel,) = axes(charts.who_pays)
    bars = sorted((bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width()) for bar in panel.patches)
    read, post = hand_made.result().played[2].work["read"], hand_made.result().played[2].work["post"]
    at_push = [bar[1:] for bar in bars if math.isclose(bar[0], 2, abs_tol=0.1)]
    assert at_push[0] == (0, pytest.approx(1650 * sum(read.values())))
    assert at_push[1] == (pytest.approx(at_push[0][1]), pytest.approx(1.65 * sum(post.values())))
    assert panel.get_xlim()[0] == 0


def test_utilization_stands_between_0_and_100_percent() -> None:
    (panel,) = axes(charts.utilization)
    assert panel.get_xlim() == (0, 100)
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["api", "database", "timelines", "celebrity_workers"]
    found = {(s, labels[round(y)]): x for s, dots in zip(hand_made.STRATEGIES, panel.collections[1::2], strict=True)
             for x, y in dots.get_offsets()}  # fmt: skip
    assert found["pull", "database"] == pytest.approx(99.51)
    assert found["push", "timelines"] == pytest.approx(25.1)
    assert ("pull", "timelines") not in found, "who does not use a station has no dot there, not even at zero"


def test_the_legend_covers_nothing() -> None:
    for draw in (charts.latency, charts.utilization, charts.backlog):
        figure = draw(hand_made.result())
        figure.draw_without_rendering()
        legend = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
        assert [text.get_text() for text in legend.get_texts()] == list(hand_made.STRATEGIES)
        assert not any(legend.get_window_extent().overlaps(panel.bbox) for panel in figure.axes)


def test_the_backlog_shows_the_fullest_stations_from_zero() -> None:
    panels = axes(charts.backlog)
    assert [panel.get_title(loc="left").partition(":")[0] for panel in panels] == ["timelines", "database", "api"]
    assert [panel.get_yscale() for panel in panels] == ["symlog", "linear", "linear"]
    assert all(panel.get_ylim()[0] == 0 for panel in panels)
    assert panels[-1].get_xlabel().endswith(", s")
    assert max(panels[0].lines[0].get_ydata()) == 180_000


def test_shards_are_drawn_where_one_is_busier_than_the_others() -> None:
    panels = axes(shards.shards)
    titles = [panel.get_title(loc="left") for panel in panels]
    assert titles == ["push: 4 shards of timelines", "hybrid: 4 shards of timelines"]
    assert [[bar.get_height() for bar in panel.patches] for panel in panels] == [[90, 10, 0, 0], [5, 5, 5, 4]]
    assert [to_hex(panel.patches[0].get_facecolor()).upper() for panel in panels] == list(style.COLOURS[2:4])
    assert all(panel.get_ylim() == (0, 100) for panel in panels)
    assert [panel.texts[0].get_text() for panel in panels] == ["mean 25.0%", "mean 4.75%"]
    even = tuple(replace(p, shards={"timelines": (0.3, 0.25, 0.2, 0.15)}) for p in hand_made.result().played)
    assert shards.shards(hand_made.result(played=even)) is None and shards.uneven(hand_made.result(played=even)) == []


def test_a_strategy_has_one_colour_and_no_two_look_alike() -> None:
    looks = [(style.colour(i), style.dash(i)) for i in range(20)]
    assert len(set(looks)) == 20 and looks[0] == (style.COLOURS[0], "-")


def test_the_three_overheads_of_storage_engines() -> None:
    """A point for each that has them all: reads across, changes upwards, bytes as its area."""
    metrics = ("touched", "write_amplification", "space_amplification", "memory")
    told = {"pull": (1.5, 4.0, 1.0, 0.5), "push": (0.5, 12.0, 1.0, 0.1), "hybrid": (0.4, None, 1.1, 0.2)}
    rows = tuple(
        Row(strategy, {}, "storage", metric, value, None, None, "", "")
        for strategy, values in told.items()
        for metric, value in zip(metrics, values, strict=True)
    )
    drawn = dict(charts.charts(hand_made.result(rows=(*hand_made.rows(), *rows))))
    assert set(drawn) >= OF_ENGINES
    (panel,) = axes(overheads, rows=rows)
    assert [tuple(dots.get_offsets().data[0]) for dots in panel.collections] == [(1.5, 4.0), (0.5, 12.0)]
    large, small = (float(dots.get_sizes()[0]) for dots in panel.collections)
    assert large / small == pytest.approx(1.5 / 1.1)
    assert [text.get_text() for text in panel.texts] == ["1.50 B", "1.10 B"]
    assert [one.number for one in overheads_of(hand_made.result(rows=rows))] == [0, 2]
