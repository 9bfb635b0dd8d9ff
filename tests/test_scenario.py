"""Scenarios: what a file means, its defaults, files and names, and `--set`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter
from scenario_texts import FEED, FLOW, cases, changed, problems

from simsys.scenario import Scenario, ScenarioError, figures, find_scenario, load_scenario, shipped, write_scenario
from simsys.scenario.knobs import knob_type
from simsys.strategies import label
from simsys.strategies.feed.hybrid import Hybrid
from simsys.strategies.feed.push import Push

# What a file means


def test_a_scenario_in_units_of_seconds_bytes_and_dollars() -> None:
    scenario = load_scenario(FEED)
    assert scenario.load.rate == 2000 and scenario.load.shares == {"read": 0.995, "post": 0.005}
    assert scenario.population is not None and scenario.population.users == 10_000_000
    assert scenario.stations["database"].servers == 32
    assert scenario.caches["feed"].ttl == 5.0
    assert [(r.subject, r.metric, r.op, r.value) for r in scenario.slo] == [
        ("read", "latency_p99", "<", 0.1),
        ("system", "cost", "<", 40_000.0),
    ]
    assert (scenario.run.duration, scenario.run.seed, scenario.run.replications) == (60.0, 7, 10)
    assert scenario.prices.vcpu == 12.5 and scenario.sizes["follow_edge"] == 59.0
    assert scenario.retention.posts == 365 * 86400
    assert (scenario.name, scenario.transient, scenario.has_rate) == ("scenario", False, True)


def test_strategies_are_objects_with_their_knobs() -> None:
    scenario = load_scenario(FEED, ["strategies=[push, {hybrid: {celebrity: 1M, push: {batch: 5, page: 1k}}}]"])
    push, hybrid = scenario.strategies
    assert push == Push()
    assert hybrid == dataclasses.replace(Hybrid(), celebrity=1e6, push=Push(batch=5, page=1000))
    assert isinstance(hybrid, Hybrid) and hybrid.pull.source == "lists", "the defaults of the inner strategy stay"
    assert isinstance(hybrid.push.batch, int)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (int, "5k", 5000),
        (float, "5k", 5000.0),
        (bool, True, True),
        (int | None, None, None),
        (Annotated[int, Field(ge=1)] | None, 1, 1),
        (Annotated[int, Field(ge=1)] | None, 0, ValueError),
        (Literal["a", "b"], "b", "b"),
        (Literal["a", "b"], "c", ValueError),
        (bool, 1, ValueError),
        (bool, "yes", ValueError),
        (int, 1.5, ValueError),
        (str, 5, ValueError),
    ],
)
def test_knobs_are_typed(hint: Any, text: Any, value: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(knob_type(hint))
    if value is ValueError:
        with pytest.raises(ValueError):
            adapter.validate_python(text)
    else:
        read = adapter.validate_python(text)
        assert read == value and type(read) is type(value)


def test_flows_have_their_name_and_their_text() -> None:
    scenario = load_scenario(FLOW)
    assert [label(strategy, alone=True) for strategy in scenario.strategies] == ["cache-aside"]
    assert scenario.flows["cache-aside"]["read"][0]["hold"] == "api"
    assert scenario.sizes == {} and set(scenario.stations) == {"api", "database"}


# Defaults


def test_a_station_states_only_what_differs() -> None:
    plain = load_scenario(changed(FEED, ("  database: {servers: 32, ops: {insert: 1ms}}\n", "  {}\n")))
    scenario = load_scenario(FEED)
    assert scenario.stations["database"].ops["insert"].mean(1) == 0.001
    assert scenario.stations["database"].ops["newest"] == plain.stations["database"].ops["newest"]
    assert {k: v for k, v in scenario.stations.items() if k != "database"} == {
        k: v for k, v in plain.stations.items() if k != "database"
    }


@pytest.mark.parametrize(
    ("given", "fixed", "per_item", "size"),
    [
        ("{bytes: 8B}", 7.5e-6, 0.06e-6, 8),
        ("{per_item: 1us}", 0, 1e-6, 20),
        ("1us", 0, 1e-6, 20),
        ("{exponential: {mean: 1us}}", 0, 1e-6, 20),
        ("{fixed: 1us, per_item: 2us, bytes: 0B}", 1e-6, 2e-6, 0),
    ],
)
def test_the_time_of_an_operation_is_replaced_as_a_whole(
    given: str, fixed: float, per_item: float, size: float
) -> None:
    """Mutant: merging key by key would leave the default's `fixed` under a scenario's `per_item`."""
    service = load_scenario(changed(FEED, ("database: {", f"timelines: {{ops: {{range: {given}}}}}\n  database: {{")))
    range_ = service.stations["timelines"].ops["range"]
    assert range_.mean(0) == pytest.approx(fixed) and range_.mean(1) == pytest.approx(fixed + per_item)
    assert range_.bytes == size


def test_alternatives_replace_the_default_of_a_family() -> None:
    cache = load_scenario(changed(FEED, ("{ttl: 5s}", "{ttl: 5s, bytes: 4GiB}"))).caches["feed"]
    assert (cache.entries, cache.bytes) == (None, 4 * 2**30)
    assert load_scenario(FEED).caches["feed"].entries == 1e6


@pytest.mark.parametrize(
    ("load", "run", "duration", "requests"),
    [
        ("rate: 5/s", "{}", 60, None),
        ("clients: 5", "{}", 60, None),
        ("clients: 5", "{requests: 9}", None, 9),
        ("at_once: 5", "{}", None, None),
        ("stages: [{for: 5s, rate: 1/s}]", "{}", None, None),
        ("stages: [{for: 5s, rate: 1/s}]", "{duration: 3s}", 3, None),
    ],
)
def test_only_a_load_without_an_end_gets_one(load: str, run: str, duration: float | None, requests: int | None) -> None:
    text = changed(FLOW, ("rate: 300/s", load), ("{duration: 60s}", run), ("ttl: 1s", "ttl: 1s, start: cold"))
    scenario = load_scenario(text)
    assert (scenario.run.duration, scenario.run.requests) == (duration, requests)


def test_precision_takes_the_place_of_replications() -> None:
    run = load_scenario(changed(FEED, ("seed: 7", "precision: {p99: 5%}"))).run
    assert (run.replications, run.precision) == (None, {"p99": 0.05})


def test_figures_are_the_defaults_that_were_not_changed() -> None:
    def grades(scenario: Scenario) -> dict[str, str]:
        return {".".join(figure.path): figure.grade for figure in figures(scenario)}

    here = grades(load_scenario(FEED))
    assert here["stations.timelines.ops.push.per_item"] == "A" and here["retention.hot"] == "D"
    assert here["prices.usable"] == "C" and here["caches.feed.entries"] == "D"
    assert "stations.database.ops.insert" not in here and "caches.feed.ttl" not in here
    gone = grades(load_scenario(FEED, ["prices.usable=80%", "retention.hot=2d"]))
    assert here.keys() - gone.keys() == {"prices.usable", "retention.hot"}
    again = grades(load_scenario(write_scenario(load_scenario(FEED))))
    assert again == here, "a default that is written out is still a default"
    assert "stations.api.ops.read" not in grades(load_scenario(FLOW))


# Files


def test_file_names_start_at_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("u,x\n0,1\n1,399\n")
    path = tmp_path / "a.yaml"
    path.write_text(changed(FEED, ("{lognormal: {mean: 200, p99: 2k}}", "{quantiles: {file: t.csv}}")))
    scenario = load_scenario(path)
    assert scenario.population is not None and scenario.population.mean_followers == pytest.approx(200, rel=1e-3)
    assert (scenario.name, scenario.folder) == ("a", tmp_path)
    results = tmp_path / "results" / "a"
    results.mkdir(parents=True)
    (results / "scenario.yaml").write_text(write_scenario(scenario, results))
    again = load_scenario(results / "scenario.yaml")
    assert again.population is not None and again.population.mean_followers == scenario.population.mean_followers
    assert "../../t.csv" in write_scenario(scenario, results)


def test_a_missing_table_or_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(changed(FEED, ("{lognormal: {mean: 200, p99: 2k}}", "{quantiles: {file: t.csv}}")))
    with pytest.raises(ScenarioError, match="no such file") as caught:
        load_scenario(path)
    assert [(p.line, p.column, p.path) for p in caught.value.problems] == [(3, 74, "population.followers.quantiles")]
    path.write_text(changed(FLOW, ("rate: 300/s", "trace: {file: nope.csv, time: t_s}"), ("{duration: 60s}", "{}")))
    with pytest.raises(ScenarioError, match=r"nope\.csv") as caught:
        load_scenario(path)
    assert [p.line for p in caught.value.problems] == [1]


def test_a_trace_with_a_nan_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t_s\n0\nnan\n")
    path = tmp_path / "a.yaml"
    path.write_text(changed(FLOW, ("rate: 300/s", "trace: {file: x.csv, time: t_s}"), ("{duration: 60s}", "{}")))
    with pytest.raises(ScenarioError, match=r"x\.csv:3: column t_s"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nobody.yaml", "there is no such file, and no shipped scenario of that name"),
        ("../../etc/nothing", "there is no such file"),
        ("a\0b", "there is no such file"),
        ("x" * 5000, "there is no such file"),
        (".", "this is not a file"),
        ("", "this is not a file"),
        ("celebrty", "did you mean 'celebrity'"),
        ("celebrity.yml", "did you mean 'celebrity'"),
    ],
)
def test_what_cannot_be_found(what: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario(what)


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_scenario("celebrity") == shipped()["celebrity"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "celebrity").write_text(FEED)
    assert find_scenario("celebrity") == Path("celebrity")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="Is a directory"):
        load_scenario(tmp_path)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ScenarioError, match="larger than 1 MiB"):
        load_scenario(huge)


def test_names_are_safe_as_folders(tmp_path: Path) -> None:
    for stem, name in (("A b", "a-b"), ("..", "scenario"), ("-x_y-", "x_y"), ("é", "scenario")):
        path = tmp_path / f"{stem}.yaml"
        path.write_text(FEED)
        assert load_scenario(path).name == name


# --set


def test_set_reaches_every_part() -> None:
    sets = ["load.rate=5/s", "stations.timelines.ops.range.per_item=1us", "strategies.hybrid.celebrity=1M"]
    scenario = load_scenario(FEED, [*sets, "strategies.pull.source=lists", "run.seed=9", "slo.0=read p50 < 1ms"])
    assert scenario.load.rate == 5
    assert scenario.stations["timelines"].ops["range"].mean(0) == pytest.approx(7.5e-6), (
        "the default's fixed part stays"
    )
    assert scenario.strategies[1] == Hybrid(celebrity=1e6)
    assert scenario.strategies[0].source == "lists"  # type: ignore[attr-defined]
    assert scenario.run.seed == 9 and scenario.slo[0].value == 0.001


def test_set_of_an_alternative() -> None:
    assert load_scenario(FEED, ["run.requests=5k"]).run.duration is None
    assert load_scenario(FEED, ["run.precision={p99: 5%}"]).run.replications is None
    assert load_scenario(FEED, ["load.at_once=5"]).load.kind == "at_once"
    assert load_scenario(FEED, ["caches.feed.bytes=1GiB"]).caches["feed"].entries is None


WRONG_SETS = """
load.rate
  --set 1:1: : expected path=value, as in load.rate=5k/s

=5
  --set 1:1: : a path such as load.rate is needed, not ''

load..rate=5
  --set 1:1: : a path such as load.rate is needed, not 'load..rate'

strategies.hybird.celebrity=5
  --set 1:1: strategies: there is no 'hybird' (hybrid)

strategies.hybrid.celebrty=5
  --set strategies.hybrid.celebrty 1:1: strategies.hybrid.celebrty: unknown key (celebrity)

load.rate=5
  --set load.rate 1:1: load.rate: 5: expected a rate like 20k/s or 300/m; the unit is missing

load.rte=5
  --set load.rte 1:1: load.rte: unknown key (rate)

run.seed=[1
  --set run.seed 1:1: : this is not YAML: while parsing a flow sequence, did not find expected ','
  or ']'

run.seed=!x 1
  --set run.seed 1:1: : the tag !x is not allowed

events.0.at=5s
  --set 1:1: events: there is no '0'

run.seed.x=1
  --set 1:1: run.seed: there is only a single value
"""


@pytest.mark.parametrize(("option", "expected"), cases(WRONG_SETS))
def test_set_that_is_wrong(option: str, expected: str) -> None:
    assert problems(FEED, option) == [expected]


# Sweeps are checked for their form


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("{strategies.hybrid.celebrity: {log: [100, 10M], points: 25}}", []),
        ("{load.rate: [1/s, 2/s], stations.timelines.servers: [1, 2]}", []),
        ("{strategies.hybrid.celebrty: [1]}", ["11:37: sweep.\"strategies.hybrid.celebrty\": unknown key (celebrity)"]),
        (
            "{load.rate: {points: 5}}",
            ["11:20: sweep.\"load.rate\": give log or linear, as in {log: [100, 10M], points: 25}"],
        ),
        ("{load.rate: 5/s}", ["11:20: sweep.\"load.rate\": expected a mapping of keys to values or a list, not '5/s'"]),
        ("{load.rte: [1/s]}", ["11:19: sweep.\"load.rte\": there is no 'rte' (rate)"]),
        ("{load.: [1/s]}", ["11:16: sweep.\"load.\": a path such as load.rate is needed, not 'load.'"]),
    ],
)  # fmt: skip
def test_sweeps(sweep: str, expected: list[str]) -> None:
    assert problems(f"{FEED}sweep: {sweep}\n") == expected
