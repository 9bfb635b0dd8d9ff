"""Two runs side by side: pairs see what unpaired intervals cannot, and nobody pairs what has met another luck."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hand_made import result
from test_cli import Call, call, play, tiny  # noqa: F401  (fixtures)

from simsys.experiment import compare as module
from simsys.experiment.compare import Compared, compare, partners
from simsys.experiment.result import Result, Row
from simsys.report.compare import Pair, page
from simsys.report.pairs import from_csv, to_csv

LUCK = (-4.0, -1.0, 0.0, 2.0, 3.0)


def run(values: dict[str, float], seed: int = 1, luck: tuple[float, ...] = LUCK) -> Result:
    """A result of one strategy whose latencies vary much from replication to replication, as all others do."""
    half = 3.5
    rows = tuple(
        Row("one", {}, "get", metric, value, value - half, value + half, "s", "", luck)
        for metric, value in values.items()
    )
    return replace(result(), rows=rows, seed=seed, replications=5, played=())


def told(first: Result, second: Result) -> dict[str, Compared]:
    return {each.metric: each for each in compare((first, "one"), (second, "one"))}


FIRST = {"latency_mean": 20.0, "latency_p99": 50.0, "throughput": 30.0}
SECOND = {"latency_mean": 19.0, "latency_p99": 50.0, "throughput": 33.0}


def test_pairs_tell_what_the_intervals_alone_cannot() -> None:
    together = told(run(FIRST), run(SECOND))
    assert {name: each.verdict for name, each in together.items()} == {
        "latency_mean": "less", "latency_p99": "same", "throughput": "more",
    }  # fmt: skip
    assert together["latency_mean"].paired and together["latency_mean"][6:9] == (-1.0, -1.0, -1.0)
    assert list(together) == ["throughput", "latency_mean", "latency_p99"], "the best ratio first"
    apart = told(run(FIRST), run(SECOND, seed=2))
    assert not apart["latency_mean"].paired and apart["latency_mean"].verdict == "cannot tell"
    assert apart["latency_mean"].high == pytest.approx(-1 + 2**0.5 * 3.5)


def test_a_mutant_that_pairs_another_luck_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    other = run(SECOND, seed=2)
    assert told(run(FIRST), other)["latency_mean"].verdict == "cannot tell"
    monkeypatch.setattr(module, "_apart", module._paired)
    assert told(run(FIRST), other)["latency_mean"].verdict == "less"


def test_what_is_computed_has_no_doubt_and_one_replication_tells_nothing() -> None:
    def cost(value: float) -> Result:
        return replace(run({}), rows=(Row("one", {}, "system", "cost", value, value, value, "$/month", ""),))

    assert told(cost(100), cost(120))["cost"].verdict == "more"
    assert told(cost(100), cost(100.4))["cost"].verdict == "same", "as people see it"
    lone = [replace(run({}), rows=(Row("one", {}, "get", "work", x, None, None, "s", "", (0.0,)),)) for x in (1.0, 2.0)]
    assert told(*lone)["work"].verdict == "cannot tell"


def test_deviations_come_back_from_their_file() -> None:
    rows = run(FIRST).rows
    assert from_csv(to_csv(rows)) == {(r.strategy, "{}", r.subject, r.metric): LUCK for r in rows}
    for damaged in ("", "a,b\n", to_csv(rows) + "one,get\n", to_csv(rows) + "one,{},get,work,nan\n", '"a"b'):
        with pytest.raises(ValueError):
            from_csv(damaged)


def test_strategies_of_the_same_name_are_partners_and_so_are_the_only_ones() -> None:
    both, other = result(), replace(run(FIRST), rows=(run(FIRST).rows[0]._replace(strategy="two"),))
    assert [a for a, b in partners(both, both) if a == b] == both.strategies
    assert list(partners(run(FIRST), other)) == [("one", "two")]
    assert list(partners(both, other)) == []


def test_what_is_said() -> None:
    figures = tuple(compare((run(FIRST), "one"), (run(SECOND), "one")))
    text = page([Pair("a:one", "b:one", figures)])
    assert " ".join(text.split()).startswith(
        "b:one against a:one: get latency p99 is the same (50.0 s); get latency mean is 0.95 times as large (19.0 s "
        "instead of 20.0 s). Of 3 figures 1 surely less, 1 surely more, 1 the same (in pairs)."
    )


def test_the_command_compares_two_folders_and_two_strategies_of_one(tiny: Path, call: Call) -> None:  # noqa: F811
    call(*play("--out", "one"))
    call(*play("--out", "two", "--set", "stations.slow.servers=2"))
    done = call("compare", "one", "two")
    assert done.status == 0 and max(map(len, done.out.splitlines())) <= 80
    assert "two:wide against one:wide: get latency p99 is the same" in done.out
    assert "(in pairs)" in done.out and "not in pairs" not in done.out
    data = json.loads(call("compare", "one:narrow", "two:narrow", "--json").out, parse_constant=pytest.fail)
    (pair,) = data["pairs"]
    mean = next(each for each in pair["figures"] if each["metric"] == "latency_mean")
    assert mean["verdict"] == "less" and mean["high"] < 0 and mean["paired"]
    assert call("compare", "one:wide", "one:narrow").out.startswith("one:narrow against one:wide: get latency")
    (tiny / "one" / "replications.csv").unlink()
    assert "(not in pairs, as the replications" in " ".join(call("compare", "one", "two").out.split())


def test_what_cannot_be_compared_is_said(tiny: Path, call: Call) -> None:  # noqa: F811
    call(*play("--out", "one"))
    (tiny / "one" / "replications.csv").write_text("nonsense\n")
    for words, said in (
        (("one", "one"), "replications.csv is damaged"), (("none", "one"), "there is no such folder of results"),
    ):  # fmt: skip
        done = call("compare", *words)
        assert (done.status, done.out) == (2, "") and said in done.err
    call(*play("--out", "two"))
    done = call("compare", "two:wide", "two:wdie")
    assert done.status == 2 and "name one, as in DIR:STRATEGY" in done.err


# Sweeps


def sweeps(call: Call) -> None:  # noqa: F811
    """Two sweeps under the same luck, of which the second has more servers for `wide`."""
    vary = ("--vary", "load.rate=10/s,20/s", "--engine", "simpy", "--quiet")
    assert call("sweep", "tiny.yaml", *vary, "--out", "one").status == 0
    assert call("sweep", "tiny.yaml", *vary, "--set", "stations.slow.servers=2", "--out", "other").status == 0


def test_two_sweeps_are_compared_point_by_point_in_pairs(tiny: Path, call: Call) -> None:  # noqa: F811
    sweeps(call)
    done = call("compare", "one", "other", "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)["pairs"]
    assert {each["point"]["load.rate"] for each in told} == {"10/s", "20/s"}
    for each in told:
        (rate,) = each["point"].values()
        alone = ("--set", f"load.rate={rate}", "--engine", "simpy", "--quiet")
        for name, more in (("a", ()), ("b", ("--set", "stations.slow.servers=2"))):
            assert call("run", "tiny.yaml", *alone, *more, "--out", name).status in (0, 99)
        strategy = each["first"].partition(":")[2]
        (pair,) = json.loads(call("compare", f"a:{strategy}", f"b:{strategy}", "--json").out)["pairs"]
        assert pair["figures"] == each["figures"]  # and so it is what two runs at that point say
    figures = [figure for each in told for figure in each["figures"] if figure["low"] is not None]
    assert any(figure["paired"] and figure["low"] < figure["high"] for figure in figures)
    said = call("compare", "one", "other").out
    assert "other:wide against one:wide, at 2 points: " in " ".join(said.split()) and "(in pairs)" in said
    assert max(map(len, said.splitlines())) <= 80


def test_a_sweep_is_not_compared_with_a_run_or_with_other_points(tiny: Path, call: Call) -> None:  # noqa: F811
    sweeps(call)
    assert call("run", "tiny.yaml", "--quiet", "--engine", "simpy", "--out", "run").status in (0, 99)
    assert "is of a sweep and the other of a run" in call("compare", "one", "run").err
    assert call("tune", "tiny.yaml", "--vary", "stations.slow.servers=1..2", "--out", "tuned").status == 0
    assert "simsys: tuned is of a search; runs and sweeps are compared" in call("compare", "tuned", "run").err
    call("sweep", "tiny.yaml", "--vary", "load.rate=11/s,12/s", "--engine", "simpy", "--quiet", "--out", "third")
    done = call("compare", "one", "third")
    assert done.status == 2 and "no point in common" in done.err and done.out == ""
