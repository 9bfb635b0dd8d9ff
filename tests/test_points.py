"""The points of a sweep: values as people write them, all combinations or in step, and what cannot be."""

from __future__ import annotations

import pytest

from simsys.experiment.points import axes_of, points_of, quantity, scenarios_at, shown
from simsys.scenario import ScenarioError, load_scenario

WORLD = """
question: How many?
load: {rate: 5k/s, mix: {get: 100%}}
stations: {server: {servers: 4, ops: {get: {exponential: {mean: 1ms}}}}}
strategies: [{flow: {name: one, get: [{visit: server.get}]}}]
run: {requests: 100, replications: 2}
"""
RATES = "sweep: {load.rate: {log: [1k/s, 10k/s], points: 3}, stations.server.servers: [1, 8]}\n"


def values(*vary: str, text: str = WORLD) -> dict[str, list[str]]:
    return {path: list(texts) for path, texts in axes_of(load_scenario(text), vary).items()}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("5k/s,10k/s", ["5k/s", "10k/s"]), ("5k/s", ["5k/s"]), (" 1 , 2 ", ["1", "2"]),
        ("log(100,10M,6)", ["100", "1000", "10000", "100000", "1000000", "10M"]),
        ("log(1,10,4)", ["1", "2", "5", "10"]), ("log(1,3,9)", ["1", "2", "3"]),
        ("log(10M,1k,3)", ["10M", "100000", "1k"]), ("log(1ms,1s,4)", ["1ms", "10ms", "0.1s", "1s"]),
        ("linear(1k/s,5k/s,3)", ["1k/s", "3k/s", "5k/s"]), ("linear(10%,20%,3)", ["10%", "15%", "20%"]),
        ("linear(1MB,3MB,3)", ["1MB", "2MB", "3MB"]), ("linear(0,1,2)", ["0", "1"]),
        ("{mean: 1ms},{exponential: {mean: 1ms, x: [1,2]}}", ["{mean: 1ms}", "{exponential: {mean: 1ms, x: [1,2]}}"]),
        ("'a,b',c", ["'a,b'", "c"]),
    ],
)  # fmt: skip
def test_values(given: str, read: list[str]) -> None:
    assert values(f"load.rate={given}") == {"load.rate": read}


def test_the_sweep_of_a_scenario_unless_told_otherwise() -> None:
    written = {"load.rate": ["1k/s", "3160/s", "10k/s"], "stations.server.servers": ["1", "8"]}
    assert values(text=WORLD + RATES) == written
    assert values("run.seed=1,2", text=WORLD + RATES) == {"run.seed": ["1", "2"]}


def test_all_combinations_or_in_step() -> None:
    axes = {"a": ["1", "2"], "b": ["x", "y"]}
    assert points_of(axes) == [{"a": a, "b": b} for a in "12" for b in "xy"]
    assert points_of(axes, zipped=True) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        ([], "nothing is varied: give --vary PATH=VALUES"), (["load.rate"], "expected PATH=VALUES"),
        (["load.rate="], "expected PATH=VALUES"), (["..=1"], "a path such as load.rate is needed"),
        (["a=log(1,2)"], "expected log(first,last,points)"), (["a=linear(1,2,1)"], "with 2 to 10,000 points"),
        (["a=log(0,1,3)"], "above 0"), (["a=log(100,10M/s,3)"], "not two quantities of one kind"),
        (["a=linear(x,y,3)"], "not two quantities of one kind"), (["a=1", "a=2"], "varied twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(vary: list[str], expected: str) -> None:
    with pytest.raises(ScenarioError) as error:
        axes_of(load_scenario(WORLD), vary)
    assert expected in str(error.value) and str(error.value).startswith("--vary:1:1: ")


def test_uneven_and_too_many() -> None:
    with pytest.raises(ScenarioError, match=r"in step, all paths need as many values: a has 2, b has 1"):
        points_of({"a": ["1", "2"], "b": ["1"]}, zipped=True)
    with pytest.raises(ScenarioError, match="1,000,000 points; at most 10,000 are played"):
        points_of({name: [str(n) for n in range(100)] for name in "abc"})


def test_all_that_is_wrong_at_any_point_is_said_before_anything_is_played() -> None:
    with pytest.raises(ScenarioError) as error:
        scenarios_at(WORLD, [], [{"load.rate": "5k/s"}, {"load.rate": "7"}, {"lood.rate": "7/s"}])
    told = str(error.value)
    assert "--vary load.rate:1:1: load.rate: 7: expected a rate" in told and "did you mean 'load'?" in told


def test_a_point_is_set_last() -> None:
    (scenario,) = scenarios_at(WORLD, ["load.rate=1/s", "run.seed=9"], [{"load.rate": "2/s"}])
    assert (scenario.load.rate, scenario.run.seed) == (2.0, 9)


def test_how_points_are_shown_and_measured() -> None:
    point = {"a": "10M", "b": "1.5k", "c": "5k/s", "d": "1.5", "e": "512B"}
    assert shown(point) == {"a": 10_000_000, "b": 1500, "c": "5k/s", "d": 1.5, "e": "512B"}
    assert [quantity(v) for v in ("10M", "5k/s", "10ms", "99.5%", "x")] == [1e7, 5000, 0.01, 0.995, None]
