"""A follower threshold that is swept: what theory says of it, what is played, and which way it moves with reads."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import pytest
from graphs import FREE, PULL, PUSH
from test_feeds import EDGES, GAMMA, POSTS, READS, Optimum, caused, edges
from worlds import logged

from simsys.experiment.curves import Curve, alike, axis, cheapest, curves, in_the_way, knee
from simsys.experiment.result import Played, Result, Row, Verdict
from simsys.experiment.sweep import Sweep
from simsys.experiment.threshold import Theory, theory
from simsys.report.charts import drawn
from simsys.report.sweep_charts import panels
from simsys.report.sweep_words import sentences
from simsys.report.sweep_words import theory as told
from simsys.scenario import Scenario, load_scenario
from simsys.steps import Visit
from simsys.strategies.feed.hybrid import Hybrid
from simsys.theory import Feed, Promise, read_twice, threshold

# What the pulls of a threshold are: drawn anew for every threshold


class HeldConstant(Hybrid):
    """A mutant: whom a reader pulls is decided at 10,000 followers, wherever the threshold is."""

    def read(self, r: Any) -> Iterator[Any]:
        yield from self.push.timeline(r)
        celebrities = r.followed_above(10_000)
        if celebrities > 0:
            yield Visit("authors", "recent", n=celebrities)
        yield from self.push.posts(r)


def surprises(name: str) -> list[float]:
    """By how many standard errors the pulls of each threshold differ from the share of follow edges above it."""
    apart = []
    for celebrity in (30, 300, 3_000):
        setting = edges(f"{{{name}: {{celebrity: {celebrity}}}}}", READS, POSTS, "10s", followers=FOLLOWERS)
        log = logged(setting)
        asked = sum(r.following for r in log.requests if r.op == "read")
        share = setting.edge_share(celebrity)
        pulled = caused(log, "read").get("authors", 0.0) / PULL
        apart.append(abs(pulled - asked * share) / sqrt(asked * share * (1 - share)))
    return apart


FOLLOWERS = "{lognormal: {mean: 50, p99: 500}}"


def test_who_is_pulled_is_drawn_anew_for_every_threshold() -> None:
    assert max(surprises("hybrid")) < 4


def test_mutant_celebrities_that_are_held_constant_void_the_sweep() -> None:
    assert max(surprises("held_constant")) > 40


# Closed forms, from the plans


def at(celebrity: float, *sets: str) -> Scenario:
    text = EDGES.format(
        rate=READS + POSTS, ratio=f"{READS}:{POSTS}", followers=FOLLOWERS, gamma=GAMMA, duration="10s", free=FREE,
        following="{lognormal: {mean: 50, p99: 300}}", strategy=f"{{hybrid: {{celebrity: {celebrity}}}}}",
    )  # fmt: skip
    return load_scenario(text, sets)


def test_the_closed_form_is_read_off_the_plans() -> None:
    """The costs of a push and of a pull are those given, and the threshold is that of an independent quadrature."""
    found = theory([at(1), at(10**6)], "hybrid")
    assert found is not None and found.promise is None
    feed = found.by_service
    assert (feed.push, feed.pull) == (pytest.approx(PUSH, rel=1e-3), pytest.approx(PULL, rel=1e-3))
    assert (feed.reads, feed.exponent) == (pytest.approx(READS / 1e6), GAMMA)
    assert threshold(feed) == (pytest.approx(Optimum().threshold, rel=0.02), "work")
    bytes_ = [service.bytes * 2.628e6 * crossed * 2e-11 for service, crossed in sent(at(1))]
    assert (found.by_traffic.push, found.by_traffic.pull) == pytest.approx(tuple(bytes_), rel=1e-3)


def sent(scenario: Scenario) -> list[tuple[Any, float]]:
    """What a push and a pull send, and how often it crosses zones: two copies more, and two clients of three."""
    stations = scenario.stations
    return [(stations["timelines"].ops["push"], 2 + 2 / 3), (stations["authors"].ops["recent"], 2 / 3)]


def test_only_active_followers_are_delivered_to() -> None:
    """A quarter of the deliveries: pushing is worth it for authors who post four times as much."""
    all_, some = (theory([at(1, *sets), at(10**6, *sets)], "hybrid") for sets in ((), ("population.active=25%",)))
    assert all_ is not None and some is not None
    assert some.by_service.by_work() / all_.by_service.by_work() == pytest.approx(4 ** (1 / GAMMA), rel=0.02)


def test_a_promise_of_freshness_is_read_off_the_fleet() -> None:
    promised = "slo=[post fresh_max < 2s]"
    found = theory([at(1, promised), at(10**6, promised)], "hybrid")
    assert found is not None and found.promise is not None
    assert found.promise.by_freshness() == pytest.approx(2 * 32 / PUSH, rel=1e-3)


def test_a_strategy_without_a_threshold_has_no_closed_form() -> None:
    assert theory([at(50), at(50)], "hybrid") is None
    assert theory([at(10, "strategies=[push]"), at(20, "strategies=[push]")], "push") is None


# Played: S4.2, the best threshold moves up if reads double


def metered(threshold: float, reads: float) -> float:
    """Seconds of service that edges cost when played."""
    setting = edges(f"{{hybrid: {{celebrity: {threshold:.3f}}}}}", reads, POSTS, "20s")
    log = logged(setting)
    return sum(caused(log, op).get(station, 0.0) for op, station in (("post", "timelines"), ("read", "authors")))


def test_s4_played_the_best_threshold_moves_up_by_the_closed_form_if_reads_double() -> None:
    """A grid of thresholds that are as far apart as the optimum moves: it moves by one step."""
    found = theory([at(1), at(10**6)], "hybrid")
    assert found is not None
    now, then = threshold(found.by_service).followers, read_twice(found.by_service).followers
    assert then / now == pytest.approx(2 ** (1 / GAMMA), rel=1e-6)
    grid = [now * (then / now) ** k for k in (-1, 0, 1, 2)]
    best = [int(np.argmin([metered(x, reads) for x in grid])) for reads in (READS, 2 * READS)]
    assert best == [1, 2]


# Along a curve


def point(celebrity: int, cost: float, late: str = "kept", wait: tuple[float, ...] = (1.0, 1.0)) -> tuple[Any, Result]:
    def row(subject: str, metric: str, values: tuple[float, ...], unit: str) -> Row:
        mean = sum(values) / len(values)
        apart = tuple(value - mean for value in values)
        return Row("hybrid", {}, subject, metric, mean, min(values), max(values), unit, "", apart)

    figures = (
        row("system", "cost", (cost, cost), "$/month"), row("read", "latency_p99_worst", wait, "s"),
        row("post", "fresh_max", wait, "s"),
    )  # fmt: skip
    slo = (Verdict("post fresh_max < 5s", "hybrid", late, 1.0),)  # type: ignore[arg-type]
    one = Played("hybrid", (), {}, {}, {}, ((), {}), (), (), None)
    return {"strategies.hybrid.celebrity": str(celebrity)}, Result("s", "", "", 1, 2, (), (), (), slo, figures, (one,))


def swept(*points: tuple[Any, Result]) -> tuple[Sweep, Curve]:
    sweep = Sweep(tuple(p for p, _ in points), tuple(r for _, r in points), (), (None,) * len(points))
    (curve,) = curves(sweep, axis(sweep))
    return sweep, curve


def test_the_cheapest_that_keeps_every_promise_and_what_stands_in_its_way() -> None:
    sweep, curve = swept(point(10, 9), point(100, 7), point(1000, 5, "missed"), point(10_000, 6, "undecided"))
    assert (cheapest(sweep, curve), in_the_way(sweep, curve)) == (1, ("post fresh_max < 5s",))
    sweep, curve = swept(point(10, 9), point(100, 5), point(1000, 7, "missed"))
    assert (cheapest(sweep, curve), in_the_way(sweep, curve)) == (1, ())
    sweep, curve = swept(point(10, 9), point(100, 5.01), point(1000, 5, "missed"))  # next to nothing, but not allowed
    assert (cheapest(sweep, curve), in_the_way(sweep, curve)) == (1, ("post fresh_max < 5s",))
    sweep, curve = swept(point(10, 9, "missed"), point(100, 5, "missed"))
    assert cheapest(sweep, curve) is None
    assert list(sentences(sweep)) == ["At no celebrity that was tried is every promise surely kept by hybrid."]


def test_what_cannot_be_told_apart_is_judged_in_pairs_and_touches_the_best() -> None:
    waits = [(3.0, 5.0), (2.0, 4.0), (2.1, 3.9), (1.0, 6.0), (2.5, 4.5)]
    figures = [result.row("hybrid", "read", "latency_p99_worst") for _, result in (point(1, 1, wait=w) for w in waits)]
    assert alike(figures, 1) == [1, 2, 3]  # the last is surely more, in pairs, though the intervals overlap
    assert alike([figures[0], figures[1], figures[4], figures[2]], 1) == [1]


def test_the_knee_is_where_a_curve_turns_up() -> None:
    xs = [10.0**k for k in range(7)]
    assert knee(xs, [1, 1, 1, 1, 10, 100, 1000]) == 3
    assert knee(xs, [10.0**k for k in range(7)]) is None  # it rises evenly
    assert knee(xs, [1, 1.1, 1.2, 1.1, 1.2, 1.3, 1.4]) is None  # nothing happens


def test_the_sentence_names_what_binds_and_which_way_it_moves() -> None:
    feed = Feed(PUSH, PULL, 20.0, 0.2, 0.37)
    points = [point(10_000, 9), point(100_000, 7), point(1_000_000, 8)]
    def says(limit: float, missed: bool) -> str:
        found = Theory(feed, feed, Promise(limit, 32, PUSH, 3.0))
        given = [point(10_000, 9), point(100_000, 7), point(1_000_000, 5, "missed")] if missed else points
        made = swept(*given)[0]
        return next(iter(sentences(Sweep(made.points, made.results, (), made.beneath, {"hybrid": found}))))

    by_work = says(5, missed=False)
    assert "the cheapest that surely keeps every promise is celebrity 100k, 7.00$/month" in by_work
    assert "Work puts it there" in by_work and "87.2k" in by_work and "work binds" in by_work
    assert by_work.endswith("If everybody read twice as much, it would move up, to 568k.")
    points[:] = [point(1_000, 9), point(3_000, 8), point(10_000, 7)]
    assert "The end of what was tried puts it there: work would put it above. In closed" in says(5, missed=False)
    points[:] = [point(100_000, 7), point(300_000, 8), point(1_000_000, 9)]
    assert "The end of what was tried puts it there: work would put it below." in says(5, missed=False)
    by_freshness = says(0.01, missed=True)
    assert "Freshness puts it there: what would cost less breaks post fresh_max < 5s." in by_freshness
    assert "freshness binds" in by_freshness and "it would move down" in by_freshness
    shared = Theory(feed._replace(pulls=1.0), feed, None)
    assert "sharing binds" in told(shared) and told(shared).endswith("it would stay.")


def test_the_chart_is_drawn_the_same_again() -> None:
    sweep, _ = swept(point(10, 9), point(100, 7, wait=(1.0, 2.0)), point(1000, 8, "missed", (8.0, 9.0)))
    svg, png = drawn("sweep", lambda: panels(sweep))
    assert (svg[0], png[0]) == ("sweep.svg", "sweep.png")
    assert drawn("sweep", lambda: panels(sweep)) == [svg, png]


def seen(sweep: Sweep) -> tuple[list[list[float]], list[float], bool]:
    """In the panel of the cost: what is joined, where the points stand, and whether there is a knee."""
    panel = panels(sweep).axes[-1]
    lines = [line for line in panel.lines if len(line.get_xdata()) > 1]
    joined = [list(line.get_ydata()) for line in lines if line.get_linestyle() == "-"]
    places = sorted({float(x) for line in lines for x in line.get_xdata()})
    return joined, places, "knee" in [text.get_text() for text in panel.texts]


def test_numbers_are_joined_and_names_are_not() -> None:
    """Between two numbers there are others; between two names nothing lies, no knee does, and two lines' points stand
    side by side.
    """
    costs = (1.0, 1.1, 1.2, 9.0)

    def along(path: str, *values: str) -> Sweep:
        made = [
            ({path: value, "load.rate": rate}, point(10, cost + more)[1])
            for rate, more in (("1/s", 0.0), ("2/s", 1.0))
            for value, cost in zip(values, costs, strict=True)
        ]
        return Sweep(*zip(*made, strict=True), (), (None,) * len(made))

    lines = [[1.0, 1.1, 1.2, 9.0], [2.0, 2.1, 2.2, 10.0]]
    assert seen(along("caches.hot.entries", "10", "100", "1k", "10k")) == (lines, [10, 100, 1000, 10_000], True)
    places = [-0.125, 0.125, 0.875, 1.125, 1.875, 2.125, 2.875, 3.125]
    assert seen(along("caches.hot.policy", "lru", "fifo", "clock", "sieve")) == ([], places, False)
