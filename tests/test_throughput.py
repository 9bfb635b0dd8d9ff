"""Latency against throughput: what the chart of a sweep is made of, and when there is one."""

from __future__ import annotations

import pytest

from simsys.experiment.curves import axis, curves
from simsys.experiment.evaluate import evaluate
from simsys.experiment.points import points_of, scenarios_at
from simsys.experiment.sweep import Sweep, sweep_of
from simsys.report.charts import drawn
from simsys.report.throughput import throughput, traced

WORLD = """
load: {rate: 10/s, arrivals: regular, mix: {get: 100%}}
stations: {server: {servers: 1, ops: {get: 10ms}}}
strategies: [{flow: {name: plain, get: [{visit: server.get}]}}]
run: {requests: 2k, replications: 2, warmup: 0s}
"""
RATES = ("10/s", "20/s", "50/s", "80/s", "200/s", "400/s")


def swept(**axes: tuple[str, ...]) -> Sweep:
    points = points_of({path.replace("__", "."): values for path, values in axes.items()})
    scenarios = scenarios_at(WORLD, (), points, "world")
    return sweep_of(points, scenarios, evaluate(scenarios, 1))


def test_a_line_ends_where_no_more_gets_through() -> None:
    sweep = swept(load__rate=RATES)
    (curve,) = curves(sweep, axis(sweep))
    line = traced(sweep, "get", 0, curve)
    assert line.through == pytest.approx((10, 20, 50, 80, 100, 100), rel=0.01)
    assert [row and row.value for row in line.p99] == [pytest.approx(0.01, rel=0.001)] * 4 + [None, None]
    assert line.most == pytest.approx(100, rel=0.01)
    svg, png = drawn("throughput", lambda: throughput(sweep))
    assert (svg[0], png[0]) == ("throughput.svg", "throughput.png")
    assert drawn("throughput", lambda: throughput(sweep)) == [svg, png]


def test_there_is_none_where_as_much_gets_through_everywhere_or_hardly_any_point_was_played() -> None:
    assert throughput(swept(stations__server__servers=("1", "2", "3", "4"))) is None
    assert throughput(swept(load__rate=RATES[:3])) is None
