"""The best value of a dial: it is the one that trying all of them finds, and what cannot be told apart is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from test_cli import Call, call, tiny  # noqa: F401  (fixtures)

from simsys.experiment import tune as module
from simsys.experiment.dials import read_dial
from simsys.experiment.evaluate import evaluate
from simsys.experiment.journal import Journal
from simsys.experiment.result import Row, Verdict
from simsys.experiment.tune import Trial, Tuned, Values, tune
from simsys.report.tune import answer
from simsys.scenario import load_scenario
from simsys.scenario.promises import read_objective, resolved

CLUB = """
question: Up to how many followers does one deliver?
load: {rate: 100/s, read_write_ratio: 4:1}
population:
  users: 300
  followers: {lognormal: {mean: 8, p99: 24}}
  following: {lognormal: {mean: 8, p99: 24}}
stations: {workers: {servers: 1}, timelines: {shards: 1, ops: {push: {per_item: 3ms}}}, database: {servers: 4}}
strategies: [hybrid]
slo: [post fresh_p99 < 60ms]
run: {requests: 600, replications: 3}
"""


def line(cost: Callable[[float], float], kept: Callable[[float], bool], noise: float = 0.0) -> module.At:
    """Plays that cost as told, in two replications that differ by the noise from value to value."""

    def at(asked: Sequence[Values]) -> list[Trial]:
        trials = []
        for (x,) in asked:
            off = noise * (1 if int(x) % 2 else -1)
            row = Row("one", {}, "system", "cost", cost(x) + off / 2, None, None, "$/month", "", (off, -off))
            slo = (Verdict("get p99 < 1s", "one", "kept" if kept(x) else "missed", 1.0),)
            trials.append(Trial((x,), row, slo, False, kept(x), 0.0 if kept(x) else x))
        return trials

    return at


@pytest.mark.parametrize("best", [1, 2, 7, 30, 49])
def test_the_bottom_of_a_valley_is_found(best: int) -> None:
    found = tune("one", [read_dial("x=1..50")], line(lambda x: 100 + abs(x - best), lambda x: True))
    assert found.best is not None and found.best.values == (best,)


@pytest.mark.parametrize("least", [1, 2, 7, 30, 49])
def test_the_first_value_that_keeps_the_promise_is_found(least: int) -> None:
    found = tune("one", [read_dial("x=1..50")], line(lambda x: x, lambda x: x >= least))
    assert found.best is not None and found.best.values == (least,)


def test_a_narrow_valley_over_decades_is_found_to_two_in_a_hundred() -> None:
    found = tune("one", [read_dial("x=10..10M")], line(lambda x: max(x / 12_345, 12_345 / x), lambda x: True))
    assert found.best is not None and found.best.values[0] == pytest.approx(12_345, rel=0.02)
    assert len(found.trials) < 60


def test_two_dials_are_turned_together() -> None:
    def at(asked: Sequence[Values]) -> list[Trial]:
        def row(x: float, y: float) -> Row:
            value = 50 + abs(x - 7) + abs(y - 3)
            return Row("one", {}, "system", "cost", value, value, value, "$/month", "")

        return [Trial((x, y), row(x, y), (), False, True, None) for x, y in asked]

    found = tune("one", [read_dial("x=1..9"), read_dial("y=1..9")], at)
    assert found.best is not None and found.best.values == (7, 3)


def told(found: Tuned) -> str:
    scenario = load_scenario(CLUB.replace("post fresh_p99 < 60ms", "read p99 < 1s"))
    return answer(scenario, found, resolved(read_objective("cost"), ("read",), (), ()))


def test_values_that_differ_by_luck_cannot_be_told_apart() -> None:
    found = tune("one", [read_dial("x=1..9")], line(lambda x: 100 + 3 * (x > 5), lambda x: True, noise=2.0))
    assert found.around[0][1:] == (1, 5)
    assert "No value from x 1 to 5 can be told apart from it." in told(found)


def test_a_flat_line_is_flat() -> None:
    found = tune("one", [read_dial("x=1..9")], line(lambda x: 100, lambda x: True))
    assert told(found) == "one: x from 1 to 9 makes no difference to cost, 100$/month."


def test_where_every_value_misses_the_nearest_is_named() -> None:
    found = tune("one", [read_dial("x=3..9")], line(lambda x: x, lambda x: False))
    assert found.best is None and found.nearest.values == (3,)
    assert told(found).startswith("one: no value of x from 3 to 9 surely keeps every promise. The nearest is x 3:")


@pytest.mark.parametrize(
    ("text", "said"),
    [("x", "expected PATH=LOW..HIGH"), ("x=5", "expected PATH=LOW..HIGH"), ("x=9..3", "9 is not below 3"),
     ("x=1..5k/s", "not two quantities of one kind"), ("=1..2", "a path such as load.rate is needed")],
)  # fmt: skip
def test_what_is_no_dial_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_dial(text)


def test_dials_have_units_and_scales() -> None:
    assert read_dial("x=10..1k").grid(3) == [10, 100, 1000]
    assert read_dial("x=1..5").grid(9) == [1, 2, 3, 4, 5]
    rate, share = read_dial("load.rate=5k/s..10k/s"), read_dial("x=20%..80%")
    assert [rate.text(value) for value in rate.grid(3)] == ["5k/s", "7.5k/s", "10k/s"]
    assert [share.text(value) for value in share.grid(3)] == ["20%", "50%", "80%"]
    assert read_dial("x=1..10M").text(1_234_567) == "1234567"
    assert read_dial("x=0.5..2").between(0.5, 2, 2) == [1.0, 1.5]


JOURNAL = Journal()
"""All searches of the club try the same values: each is played once."""


def at_club(asked: Sequence[Values]) -> list[Trial]:
    scenarios = [load_scenario(CLUB, [f"strategies.hybrid.celebrity={x:.0f}"]) for (x,) in asked]
    objective = resolved(read_objective("edges_pulled"), ("read", "post"), (), ())
    results = evaluate(scenarios, 1, journal=JOURNAL)
    rules = scenarios[0].slo
    return [module.trial(values, result, objective, rules) for values, result in zip(asked, results, strict=True)]


def test_the_threshold_of_a_club_is_the_one_of_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    every = at_club([(float(x),) for x in range(1, 25)])
    best = min((trial for trial in every if trial.kept), key=lambda trial: trial.cost)
    assert 1 < best.values[0] < 24, "neither end of the range"
    dial = read_dial("strategies.hybrid.celebrity=1..24")
    found = tune("hybrid", [dial], at_club).best
    assert found is not None and found.values == best.values
    with monkeypatch.context() as mutant:
        mutant.setattr(module, "FINER", 0)
        assert tune("hybrid", [dial], at_club).best != best, "a grid alone is not enough"
    with monkeypatch.context() as mutant:
        mutant.setattr(module, "surely_kept", lambda *_: True)
        assert tune("hybrid", [dial], at_club).best != best, "promises count"


def test_the_command_answers_writes_and_keeps_its_files(tiny: Path, call: Call) -> None:  # noqa: F811
    words = ("tune", "tiny.yaml", "--vary", "stations.slow.servers=1..4", "--engine", "simpy", "--jobs", 1)
    done = call(*words)
    assert done.status == 0
    assert done.out.startswith("wide: servers from 1 to 4 makes no difference to cost, 50.0$/month.\n\nnarrow: no ")
    folder = tiny / "results" / "tiny-tune"
    assert (folder / "table.txt").read_text() == done.out and max(map(len, done.out.splitlines())) <= 80
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
    data = json.loads(call(*words, "--json", "--quiet").out, parse_constant=pytest.fail)
    assert data == json.loads(kept["metrics.json"])
    assert [each["best"] for each in data["tuned"]] == [{"stations.slow.servers": "1"}, None]
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"} == kept


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--vary", "stations.slow.servers"], "expected PATH=LOW..HIGH"),
     (["--vary", "stations.slwo.servers=1..2"], "did you mean 'slow'?"),
     (["--vary", "stations.slow.servers=1..2", "--minimise", "get p9"], "did you mean 'p99'?"),
     (["--vary", "stations.slow.servers=1..2", "--minimise", "put p99"], "there is no operation")],
)  # fmt: skip
def test_a_wrong_command_says_what_is_wrong_and_plays_nothing(
    tiny: Path, call: Call, words: list[str], said: str  # noqa: F811
) -> None:
    done = call("tune", "tiny.yaml", *words)
    assert (done.status, done.out) == (2, "") and said in done.err
    assert not (tiny / "results").exists()
