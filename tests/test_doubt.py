"""Which assumption changes the winner, and at which factor: against closed forms, and in words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from simsys.experiment.assumptions import Assumption, asked, weak
from simsys.experiment.doubt import Doubts, doubt
from simsys.experiment.evaluate import evaluate
from simsys.experiment.journal import Journal
from simsys.experiment.result import Result, Row, Verdict
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.experiment.standings import keepers, lead, winner
from simsys.experiment.work import work
from simsys.report.charts import drawn
from simsys.report.doubt import break_even, by_work, page, table, verdict
from simsys.report.doubt_chart import tornado
from simsys.scenario import Scenario, load_scenario, shipped

H, L = 5.2e-6, 3.5e-6
"""Seconds to push to one timeline, and to pull the newest posts of one author."""
RATIO = 3.0
EDGES = """
load: {rate: 400/s, read_write_ratio: 3:1}
population: {users: 1M, followers: 50, following: 50}
stations:
  api: {servers: unlimited, ops: {read: 0s, post: 0s}}
  network: {ops: {same_zone: 0s}}
  database: {servers: unlimited, ops: {insert: 0s}}
  wal: {ops: {flush: 0s}}
  graph: {ops: {following: 0s}}
  objects: {ops: {get: 0s}}
  timelines: {ops: {push: 5.2us, range: {fixed: 0s, per_item: 0s}}}
  authors: {ops: {recent: 3.5us}}
strategies: [{pull: {source: lists}}, push]
run: {requests: 10, replications: 2}
"""
"""Only what an edge costs costs anything, and a post has 50 of them."""


def by_their_work(scenarios: Sequence[Scenario]) -> list[Result]:
    """As if a month cost what the work does: nothing is played."""
    return [priced({s.label: 1e3 * work(s) for s in settings(scenario)}) for scenario in scenarios]


def priced(costs: dict[str, float], kept: dict[str, str] | None = None) -> Result:
    """A result in which each strategy costs so much, and the one promise is kept or missed."""
    rows = tuple(Row(name, {}, "system", "cost", cost, cost, cost, "$/month", "") for name, cost in costs.items())
    slo = tuple(Verdict("read p99 < 1s", name, word, 0.5) for name, word in (kept or {}).items())  # type: ignore[arg-type]
    return Result("made", "", "", 1, 2, (), (), (), slo, rows)


def doubted(judge: Any, sets: Sequence[str] = (), vary: Sequence[str] = (), text: str = EDGES) -> Doubts:
    scenario = load_scenario(text, sets)
    return doubt(scenario, lambda more: load_scenario(text, [*sets, *more]), judge, asked(scenario, vary))


def of(doubts: Doubts, path: str) -> Any:
    return next(one for one in doubts.doubts if one.assumption.path == path)


# Who wins


def test_the_winner_is_the_cheapest_that_keeps_every_promise() -> None:
    kept = {"pull": "undecided", "push": "kept", "hybrid": "kept"}
    result = priced({"pull": 1, "push": 9, "hybrid": 6}, kept)
    assert (winner(result), [s.strategy for s in keepers(result)]) == ("hybrid", ["hybrid", "push"])
    assert [lead(result, name) for name in ("hybrid", "push", "pull")] == [1.5, 6 / 9, 0]
    alone = priced({"pull": 1, "push": 9}, {"pull": "missed", "push": "kept"})
    assert (winner(alone), lead(alone, "push")) == ("push", float("inf"))
    assert winner(priced({"pull": 1}, {"pull": "missed"})) == ""


# Which assumptions

PULL = "load: {rate: 1/s, read_write_ratio: 9:1}\npopulation: {users: 100, following: 5}\nstrategies: [pull]\n"


def paths(text: str, *sets: str) -> set[str]:
    return {one.path for one in weak(load_scenario(text, sets))}


def test_only_what_the_strategies_use_is_doubted() -> None:
    assert paths(PULL) == {
        "stations.network.ops.same_zone", "stations.database.ops.newest.bytes", "retention.posts",
    }  # fmt: skip
    more = paths(PULL, "strategies=[push]") - paths(PULL)
    assert more >= {"prices.ram", "prices.usable", "stations.timelines.ops.push.bytes", "retention.hot"}
    cached = paths(PULL, "strategies=[cached_pull]", "caches.feed.start=warm")
    assert {"caches.feed.ttl", "sizes.feed_page"} <= cached - paths(PULL)


def test_what_the_scenario_says_itself_is_not_doubted() -> None:
    assert "retention.posts" not in paths(PULL, "retention.posts=30d")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_assumption_can_be_moved_to_both_ends_of_its_range(name: str) -> None:
    for one in weak(load_scenario(name)):
        assert one.grade in "CD" and one.source and one.low < 1.001 and one.high > 0.999, one
        for factor in (one.low, one.high):
            if factor != 1:
                load_scenario(name, [one.change(factor)])


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("prices.ram=2 $/GB/month..8 $/GB/month", (0.5, 2)),
        ("stations.timelines.ops.push=1.3us..10.4us", (0.25, 2)),
        ("load.read_write_ratio=1:1..300:1", (1 / 3, 100)),
        ("load.rate=200/s..40k/s", (0.5, 100)),
        ("population.active=25%..75%", (0.5, 1.5)),
        ("run.replications=1..4", (0.5, 2)),
    ],
)
def test_a_range_is_a_pair_of_factors(text: str, factors: tuple[float, float]) -> None:
    change = ["population.active=50%", "stations.timelines.ops.push={lognormal: {mean: 5.2us, cv: 2}}"]
    scenario = load_scenario(EDGES, change)
    (one,) = asked(scenario, [text])
    assert one.at(1) == one.value
    assert (one.low, one.high) == pytest.approx(factors)
    for factor in factors:
        moved = load_scenario(EDGES, [*change, one.change(factor)])
        (again,) = asked(moved, [text])
        assert (again.low, again.high) == pytest.approx((factors[0] / factor, factors[1] / factor), rel=1e-3)


def test_a_distribution_is_moved_as_a_whole_and_keeps_its_shape() -> None:
    one = Assumption("stations.a.ops.b", {"hyperexponential": {"mean": "10ms", "cv": 4}}, 0.5, 2)
    assert one.at(0.5) == {"hyperexponential": {"mean": "5ms", "cv": 4}}
    whole = {"per_item": {"lognormal": {"mean": "10us", "p99": "40us"}}, "bytes": "120B", "replicated": True}
    assert one._replace(value=whole).at(2) == whole | {"per_item": {"lognormal": {"mean": "20us", "p99": "80us"}}}
    assert one.at(1.23456) == {"hyperexponential": {"mean": "12.35ms", "cv": 4}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prices.ram", "expected path=low..high"),
        ("prices.rum=1 $/GB/month..2 $/GB/month", "prices.rum: there is no 'rum'; did you mean 'ram'?"),
        ("prices.ram=1s..2s", "prices.ram: expected numbers with the same unit"),
        ("prices.ram=2 $/GB/month..1 $/GB/month", "a rising range"),
        ("load..rate=1..2", "a path such as load.rate is needed"),
        ("stations.timelines.ops.range=1us..2us", "it has a fixed part and one per item: name one of them"),
        ("load=1..2", "load: expected numbers with the same unit"),
    ],
)
def test_a_dial_that_cannot_be_moved_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        asked(load_scenario(EDGES), [text])


# S10: the factor at which the winner changes is where q/p crosses H/L


def test_s10_the_winner_changes_where_reads_per_post_cross_push_over_pull() -> None:
    """Push does less work as long as q/p > H/L: at 3 reads per post up to H × 2.019, and down to L / 2.019."""
    crossing = RATIO / (H / L)
    vary = ["stations.timelines.ops.push=0.5us..50us", "stations.authors.ops.recent=0.35us..35us"]
    doubts = doubted(by_their_work, vary=vary)
    assert doubts.winner == doubts.least_work == "push"
    for path, factor in (("timelines.ops.push", crossing), ("authors.ops.recent", 1 / crossing)):
        one = of(doubts, f"stations.{path}")
        assert [(t.winner, t.factor) for t in one.turns] == [("pull", pytest.approx(factor, rel=0.01))]
        assert [(t.winner, t.factor) for t in one.by_work] == [("pull", pytest.approx(factor, rel=1e-3))]
    assert len(doubts.open) == 2 and verdict(doubts).startswith("Undecided: depends on ")
    assert "timelines.push (pull wins above × 2, 10.4us)" in verdict(doubts)


def test_s10_a_range_that_ends_before_the_crossing_leaves_the_verdict() -> None:
    """Twice the price of a push is not yet the crossing; 2.1 times is (the mutant: any range would do)."""
    near = doubted(by_their_work, vary=["stations.timelines.ops.push=2.6us..10.4us"])
    assert near.open == [] and verdict(near).startswith("The verdict stands: push wins")
    assert of(near, "stations.timelines.ops.push").by_work  # but it is told where it would
    beyond = doubted(by_their_work, vary=["stations.timelines.ops.push=2.6us..10.92us"])
    assert [one.assumption.path for one in beyond.open] == ["stations.timelines.ops.push"]


def test_a20_the_break_even_of_reads_and_posts_is_push_over_pull() -> None:
    """By bisection over the mix, and in closed form; nothing but the edges counts, so it is H/L whatever the graph."""
    for graph in ([], ["population.followers=200", "population.following=200"]):
        doubts = doubted(by_their_work, graph)
        assert doubts.ratio is not None
        (turn,), (closed,) = doubts.ratio.turns, doubts.ratio.by_work
        assert turn.winner == closed.winner == "pull"
        assert RATIO * turn.factor == pytest.approx(H / L, rel=0.01)
        assert RATIO * closed.factor == pytest.approx(H / L, rel=1e-6)
        assert break_even(doubts) == "Break-even: push wins at 3 reads per post; below 1.5 pull does."


def test_a_ratio_that_changes_nothing_is_told_with_what_was_tried() -> None:
    doubts = doubted(lambda scenarios: [priced({"pull": 1, "push": 2}) for _ in scenarios])
    assert doubts.ratio is not None and doubts.ratio.turns == ()
    assert break_even(doubts) == (
        "Break-even: pull wins at 3 reads per post, and at every number from 0.003 to 3.00k."
    )


def test_without_reads_and_posts_there_is_no_break_even() -> None:
    only = ["load.mix={read: 100%}"]
    assert doubted(by_their_work, only).ratio is None


# A promise that breaks


def test_a_promise_that_breaks_within_the_range_is_found_and_nobody_may_win() -> None:
    def judge(scenarios: Sequence[Scenario]) -> list[Result]:
        slow = [s.stations["timelines"].ops["push"].mean(1) > 20e-6 for s in scenarios]
        return [priced({"push": 5}, {"push": "missed" if late else "kept"}) for late in slow]

    doubts = doubted(judge, ["strategies=[push]"], ["stations.timelines.ops.push=1us..100us"])
    one = of(doubts, "stations.timelines.ops.push")
    assert [(t.winner, t.factor) for t in one.turns] == [("", pytest.approx(20 / 5.2, rel=0.01))]
    assert "nobody keeps every promise above × 3." in verdict(doubts)
    assert [probe.lead for probe in one.probes] == [float("inf"), 0]


def test_what_cannot_be_played_is_said_and_the_rest_goes_on() -> None:
    doubts = doubted(by_their_work, vary=["population.users=10..2M"])
    (problem,) = {probe.problem for probe in of(doubts, "population.users").probes if probe.problem}
    assert problem.startswith("population") and "\n" not in problem
    assert "Not tried: population.users" in page(doubts) and problem in " ".join(page(doubts).split())


# In words and as a picture


def test_the_page_is_at_most_80_columns_wide_and_names_every_assumption() -> None:
    doubts = doubted(by_their_work, vary=["stations.timelines.ops.push=0.5us..50us"])
    told = page(doubts)
    assert max(map(len, told.splitlines())) <= 80
    assert all(one.assumption.path.split(".")[-1] in told for one in doubts.doubts)
    assert table(doubts).splitlines()[1].startswith("timelines.push")
    assert "promises, push does the least; less would be done by pull above × 2.02 of timelines.push" in by_work(doubts)


def test_the_tornado_is_drawn_the_same_again() -> None:
    doubts = doubted(by_their_work, vary=["stations.timelines.ops.push=0.5us..50us"])
    svg, png = drawn("tornado", lambda: tornado(doubts))
    assert (svg[0], png[0]) == ("tornado.svg", "tornado.png")
    assert drawn("tornado", lambda: tornado(doubts)) == [svg, png]
    assert tornado(doubted(lambda scenarios: [priced({"push": 5}, {"push": "missed"}) for _ in scenarios])) is None


# Played


PLAYED = """
load: {rate: 300/s, read_write_ratio: 20:1}
population: {users: 2M, active: 50%, followers: 50, following: 50}
stations: {workers: {servers: 1}}
strategies: [{pull: {source: lists}}, push]
run: {requests: 40, replications: 2, seed: 5}
"""
"""Pull has 31 vCPU more, and push 800 M list entries where pull keeps 20 M, each three times."""


def simsys(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "s.yaml").write_text(PLAYED)
    command = [sys.executable, "-m", "simsys", "doubt", "s.yaml", "--jobs", "1", "--engine", "simpy", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`simsys doubt` of a small feed."""
    folder = tmp_path_factory.mktemp("doubt")
    done = simsys("--json", "--vary", "prices.ram=1 $/GB/month..16 $/GB/month", folder=folder)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in (folder / "results" / "s-doubt").iterdir()} == {
        "scenario.yaml", "doubt.csv", "metrics.json", "table.txt", "doubt.svg", "doubt.png", "manifest.json",
    }  # fmt: skip
    found = json.loads((folder / "results" / "s-doubt" / "metrics.json").read_text())
    assert json.loads(done.stdout) == found
    return dict(found)


def test_s10_played_the_price_at_which_the_winner_changes_is_where_both_bills_are_equal(told: dict[str, Any]) -> None:
    """All bills are straight lines in the price of memory; the crossing is by hand from the bills at two prices."""
    bills = {price: bill_of(price) for price in (1.0, 4.0)}
    slopes = {name: (bills[4.0][name] - bills[1.0][name]) / 3 for name in ("pull", "push")}
    at_nothing = {name: bills[1.0][name] - slopes[name] for name in slopes}
    crossing = (at_nothing["pull"] - at_nothing["push"]) / (slopes["push"] - slopes["pull"])
    assert 1 < crossing < 16 and told["winner"] == min(bills[4.0], key=lambda name: bills[4.0][name])
    (ram,) = [one for one in told["doubts"] if one["path"] == "prices.ram"]
    assert [turn["factor"] for turn in ram["turns"]] == [pytest.approx(crossing / 4, rel=0.01)]
    assert told["verdict"] == "undecided"


def bill_of(price: float) -> dict[str, float]:
    result = run(load_scenario(PLAYED, [f"prices.ram={price} $/GB/month"]), jobs=1)
    return {name: result.value(name, "system", "cost") or 0.0 for name in ("pull", "push")}


def test_a_price_is_not_played_again(tmp_path: Path) -> None:
    scenario, journal = load_scenario(PLAYED, []), Journal()
    evaluate([scenario], 1, journal=journal)
    played = len(journal)
    dear = load_scenario(PLAYED, ["prices.ram=8 $/GB/month"])
    (result,) = evaluate([dear], 1, journal=journal)
    assert (played, len(journal)) == (4, 4) and result.value("push", "system", "cost")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "prices.rum=1..2"], "--vary prices.rum: there is no 'rum'; did you mean 'ram'?"),
        (["--vary", "prices.ram"], "--vary expected path=low..high"),
    ],
)
def test_a_wrong_dial_ends_with_2_before_anything_is_played(words: list[str], said: str, tmp_path: Path) -> None:
    done = simsys(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(said)
    assert not (tmp_path / "results").exists()
