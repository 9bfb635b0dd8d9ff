"""The smallest fleet: the one of Erlang's formula, the cheapest of all that do, and never one without its peak."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from mutants import Mutant
from scenario_texts import problems
from test_cli import Call, call, tiny  # noqa: F401  (fixtures)

from simsys.experiment import fleets
from simsys.experiment.budget import bought, promise
from simsys.experiment.evaluate import evaluate
from simsys.experiment.journal import Journal
from simsys.experiment.knee import knee
from simsys.experiment.result import Result
from simsys.experiment.size import Sized, size
from simsys.report.size import Sizes, page
from simsys.scenario import Scenario, load_scenario
from simsys.scenario.sizing import Sizing
from simsys.theory.queues import MMc

MMC = """
question: How many servers?
load: {rate: 300/s, mix: {get: 100%}}
stations: {server: {servers: 1, vcpu: 2, ops: {get: {exponential: {mean: 10ms}}}}}
strategies: [{flow: {name: one, get: [{visit: server.get}]}}]
slo: [get p99 < 70ms]
run: {requests: 4k, replications: 5}
"""
JOURNAL = Journal()


def judge(scenarios: Sequence[Scenario]) -> list[Result]:
    return evaluate(scenarios, 1, journal=JOURNAL)


def sized(text: str, *sets: str, strategy: int = 0) -> Sized:
    return size(load_scenario(text, sets), strategy, judge)


def erlang(rate: float, limit: float) -> int:
    """The fewest servers whose p99 is below the limit (s)."""
    servers = int(rate * 0.01) + 1
    while MMc(servers, rate, 0.01).sojourn_quantile(0.99) >= limit:
        servers += 1
    return servers


@pytest.mark.parametrize("rate", [60, 300, 550])
def test_as_many_servers_as_erlang_asks_for(rate: int) -> None:
    """One more only where the formula's p99 is so near to the limit that the plays cannot tell: undecided."""
    fewest = erlang(rate, 0.070)
    found = sized(MMC, f"load.rate={rate}/s")
    assert found.keeps and found.fleet["server"] - fewest in (0, 1)
    if found.fleet["server"] > fewest:
        (seen,) = judge([fleets.alone(load_scenario(MMC, [f"load.rate={rate}/s"]), 0, {"server": fewest})])
        row = seen.row("one", "get", "latency_p99")
        assert row is not None and row.low is not None and row.high is not None
        assert row.low < MMc(fewest, rate, 0.01).sojourn_quantile(0.99) < row.high and row.high >= 0.070


def test_the_peak_is_what_counts_and_a_mutant_that_forgets_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("load.rate=150/s", "size={peak: 2}")
    fewest = erlang(300, 0.070)
    assert sized(MMC, *asked).fleet["server"] in (fewest, fewest + 1)
    Mutant("experiment.fleets:_more", "if times == 1.0", "if True").put_in(monkeypatch)
    assert sized(MMC, *asked).fleet["server"] not in (fewest, fewest + 1)


def test_ceiling_and_zones() -> None:
    found = sized(MMC, "size={peak: 2, max_utilization: 50%, zones: 3, survive: 1}")
    assert found.fleet == {"server": 12}, "600/s × 10 ms = 6 servers' work, half busy"
    assert found.bought == {"server": 18} and found.holds == {"server": ()}
    assert found.value("server", "servers") == 18
    assert found.cost == pytest.approx(18 * 2 * 12.5), "18 servers of 2 vCPU"


@pytest.mark.parametrize(
    ("zones", "survive", "needed", "bought"),
    [(1, 0, 5, 5), (3, 1, 1, 2), (3, 1, 2, 3), (3, 1, 3, 5), (3, 1, 4, 6), (2, 1, 3, 6), (3, 2, 2, 6), (4, 1, 9, 12)],
)
def test_when_the_fullest_zones_are_lost_as_many_are_left(zones: int, survive: int, needed: int, bought: int) -> None:
    sizing = Sizing(zones=zones, survive=survive)
    assert sizing.bought(needed) == bought
    assert sizing.left(bought) >= needed > sizing.left(bought - 1)


TANDEM = """
question: Which of two stations should have more?
load: {rate: 300/s, mix: {get: 100%}}
stations:
  cheap: {servers: 9, vcpu: 1, ops: {get: {exponential: {mean: 10ms}}}}
  dear: {servers: 9, vcpu: 4, ops: {get: {exponential: {mean: 10ms}}}}
strategies: [{flow: {name: both, get: [{visit: cheap.get}, {visit: dear.get}]}}]
slo: [get p90 < 60ms]
run: {requests: 2k, replications: 4}
"""


def test_two_stations_are_the_cheapest_of_all_pairs_that_do() -> None:
    found = sized(TANDEM)
    scenario = load_scenario(TANDEM)
    pairs = [{"cheap": a, "dear": b} for a, b in product(range(4, 9), repeat=2)]
    results = judge([fleets.alone(scenario, 0, pair) for pair in pairs])
    kept = [pair for pair, r in zip(pairs, results, strict=True) if [v.verdict for v in r.slo] == ["kept"]]
    best = min(kept, key=partial(fleets.dollars, scenario, 0))
    assert found.fleet == best != kept[-1]
    assert all(not why or why == ("get p90 < 60ms",) for why in found.holds.values())


def test_how_large_the_fleet_was_does_not_matter() -> None:
    one, other = sized(TANDEM), sized(TANDEM, "stations.cheap.servers=40", "stations.dear.servers=2")
    assert one.fleet == other.fleet and one.cost == other.cost


def test_a_promise_that_no_fleet_keeps_is_named_and_the_others_are_kept() -> None:
    found = sized(MMC, "slo=[get p99 < 70ms, get p50 < 1ms, cost < 20$/month]")
    assert [v.rule for v in found.never] == ["get p50 < 1ms"] and not found.keeps
    assert {v.rule: v.verdict for v in found.result.slo} == {
        "get p99 < 70ms": "kept", "get p50 < 1ms": "missed", "cost < 20$/month": "missed",
    }  # fmt: skip
    assert found.fleet == sized(MMC).fleet
    told = " ".join(page(load_scenario(MMC), Sizes((found,), (None,))).split())
    assert "Never surely kept, with any fleet: get p50 < 1ms by one (" in told
    assert "so not cost < 20$/month" in told


def test_shards_are_what_a_sharded_station_is_enlarged_by() -> None:
    text = MMC.replace("{servers: 1,", "{shards: 2, servers: 2,")
    text = text.replace("load: {", "load: {keys: {count: 1k, popularity: uniform}, ")
    found = sized(text, "slo=[]")
    assert found.fleet == {"server": 2} and found.value("server", "servers") == 4
    scenario = load_scenario("small")
    assert [fleets.unit(scenario, 2, name) for name in ("timelines", "database")] == ["shards", "servers"]


def test_the_knee_is_where_erlang_has_it() -> None:
    found = knee(load_scenario(MMC, ["stations.server.servers=4"]), 0, judge, ())
    assert found is not None and found.rate is not None and found.beyond is not None
    low, high = 1.0, 399.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if MMc(4, middle, 0.01).sojourn_quantile(0.99) < 0.070 else (low, middle)
    assert 0.85 * low < found.rate < 1.02 * low, "surely kept is a little less than kept"
    assert found.rate < found.beyond < 1.03 * found.rate and found.broken == ("get p99 < 70ms",)


def test_a_budget_buys_the_tightest_limit() -> None:
    scenario = load_scenario(MMC)
    rule = promise(scenario)
    assert rule is not None and rule.text == "get p99 < 70ms"
    found = bought(scenario, rule, 5 * 25.0, lambda each: size(each, 0, judge))
    assert found.limit is not None and found.sized.fleet == {"server": 5} and found.sized.cost == 125
    p99 = MMc(5, 300, 0.01).sojourn_quantile(0.99)
    assert p99 < found.limit < 1.25 * p99
    poor = bought(scenario, rule, 60.0, lambda each: size(each, 0, judge))
    assert poor.limit is None and poor.sized.cost > 60


def test_what_is_wrong_with_a_size_block_is_said() -> None:
    told = partial(problems, MMC)
    assert told("size={peak: 2, zones: 3, survive: 1}") == []
    assert "unknown key (peak)" in told("size={peek: 2}")[0]
    assert "must be at least 1" in told("size={peak: 0.5}")[0]
    assert "survive is below zones" in told("size={zones: 3, survive: 3}")[0]
    assert "survive is below zones" in told("size={survive: 1}")[0]
    assert "a share like 99.5%" in told("size={max_utilization: 50}")[0]


def test_the_command_answers_writes_and_keeps_its_files(tiny: Path, call: Call) -> None:  # noqa: F811
    words = ("size", "tiny.yaml", "--jobs", 1)
    done = call(*words)
    assert done.status == 0
    assert done.out.startswith("At equal promises wide is the cheapest, 12.5$/month; it alone can keep them all.")
    folder = tiny / "results" / "tiny-size"
    assert (folder / "table.txt").read_text() == done.out and max(map(len, done.out.splitlines())) <= 80
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
    data = json.loads(call(*words, "--json", "--quiet").out, parse_constant=pytest.fail)
    assert data == json.loads(kept["metrics.json"]) and [each["keeps"] for each in data["sized"]] == [True, False]
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"} == kept
    assert call("size", "tiny.yaml", "--budget", "40").status == 2
    done = call("size", "tiny.yaml", "--budget", "40$/month", "--set", "slo=[get throughput > 1/s]")
    assert (done.status, done.out) == (2, "") and "no promise in slo keeps a time below a limit" in done.err
