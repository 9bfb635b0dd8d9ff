"""Laws that hold in every scenario, whatever its figures; each with a mutant that breaks it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from worlds import logged

from simsys import draws
from simsys.engines import facilities
from simsys.experiment.jobs import play_once
from simsys.experiment.result import Result, Row
from simsys.experiment.run import run as run_by
from simsys.experiment.setting import Setting, settings
from simsys.measure.log import StationLog
from simsys.measure.summary import OpSummary
from simsys.scenario import load_scenario
from simsys.scenario.write import write_scenario
from simsys.units import parse_duration, parse_rate, write_duration, write_rate

WORLD = """
question: Do the laws hold?
load: {rate: 100/s, read_write_ratio: 4:1}
population:
  users: 5k
  active: 60%
  online: 20%
  followers: {lognormal: {mean: 50, p99: 500}}
  following: {lognormal: {mean: 50, p99: 200}}
stations:
  api: {servers: 1}
  database: {servers: 1}
  workers: {servers: 1}
  authors: {shards: 2}
  timelines: {shards: 2}
  objects: {shards: 2}
  cache: {shards: 2}
caches: {feed: {entries: 500, ttl: 5s, start: warm}}
strategies: [pull, cached_pull, push, {hybrid: {celebrity: 100}}]
run: {duration: 4s, replications: 2, seed: 1}
"""
run = partial(run_by, engine="simpy")
SHIPPED = sorted(path.stem for path in (Path(__file__).parents[1] / "scenarios").glob("*.yaml"))
Figures = list[tuple[Any, ...]]


@cache
def played(*sets: str) -> Result:
    """The world, played with these changes."""
    return run(load_scenario(WORLD, sets), jobs=1)


def of(result: Result, strategy: str, subject: str = "") -> Figures:
    """The rows of a strategy without its name."""
    mine = [row for row in result.rows if row.strategy == strategy and subject in ("", row.subject)]
    return [(row.subject, *row[3:]) for row in mine]


# -- strategies -------------------------------------------------------------------------------------------------------


def test_a_hybrid_with_a_threshold_above_every_author_is_push() -> None:
    result = played("strategies=[push, {hybrid: {celebrity: 1000M}}]")
    assert of(result, "hybrid") == of(result, "push")
    assert of(played(), "hybrid") != of(played(), "push"), "mutant: a threshold that some authors reach"


def test_a_hybrid_with_a_threshold_of_zero_is_pull() -> None:
    result = played("strategies=[{pull: {source: lists}}, push, {hybrid: {celebrity: 0}}]")
    posts = of(result, "hybrid", "post")
    (lost,) = (row for row in posts if row[1] == "marked.lost")
    assert lost[2] == 0.0
    posts.remove(lost)
    assert posts == of(result, "pull", "post")
    assert "workers" not in {row.subject for row in result.rows if row.strategy == "hybrid"}
    assert of(result, "push", "post") != of(result, "pull", "post"), "mutant: all are delivered"
    assert "workers" in {row.subject for row in result.rows if row.strategy == "push"}


def test_the_order_of_strategies_and_who_else_plays_change_nothing() -> None:
    order = "strategies=[{hybrid: {celebrity: 100}}, push, cached_pull, pull]"
    for strategy in ("pull", "cached_pull", "push", "hybrid"):
        assert of(played(order), strategy) == of(played(), strategy)
    assert of(played("strategies=[pull]"), "pull") == of(played(), "pull")


def test_luck_that_is_a_stream_depends_on_who_else_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: service times come one after the other from one generator, as in most simulators."""
    generator = np.random.default_rng(1)

    def seconds(timing: facilities.Timing, luck: facilities.Draws) -> float:
        return generator.exponential(timing.constant if timing.variate is None else timing.variate.mean)

    monkeypatch.setattr(facilities.Timing, "seconds", seconds)
    strategies = "strategies=[push, pull]", "strategies=[pull]"  # the longest plays first
    one, other = (run(load_scenario(WORLD, ["run.replications=1", each]), jobs=1) for each in strategies)
    assert of(one, "pull") != of(other, "pull")


# -- time -------------------------------------------------------------------------------------------------------------


def doubled(scenario: dict[str, Any], but: str = "") -> dict[str, Any]:
    """A resolved scenario in which everything takes twice as long, but for one part of it."""
    parts: dict[str, Callable[[], None]] = {
        "services": lambda: _double(op for station in scenario["stations"].values() for op in station["ops"].values()),
        "ttl": lambda: _double([scenario["caches"]["feed"]]),
        "run": lambda: _double([scenario["run"]]),
        "retention": lambda: _double([scenario["retention"]]),
        "rate": lambda: scenario["load"].update(rate=write_rate(parse_rate(scenario["load"]["rate"]) / 2)),
    }
    for name, double in parts.items():
        if name != but:
            double()
    return scenario


def _double(mappings: Iterable[Any]) -> None:
    """Double the durations in place, also those within distributions."""
    for mapping in mappings:
        for key, value in mapping.items():
            if isinstance(value, dict):
                _double([value])
            elif key in ("fixed", "per_item", "mean", "p99", "ttl", "duration", "posts", "hot"):
                mapping[key] = write_duration(2 * parse_duration(value))


def faults_of_doubling(but: str = "") -> list[str]:
    """Figures that are not what they should be in a world that is twice as slow."""
    text = write_scenario(load_scenario(WORLD))
    slow = run(load_scenario(yaml.safe_dump(doubled(yaml.safe_load(text), but))), jobs=1)
    return [
        f"{row.strategy} {row.subject} {row.metric}: {row.value} became {other.value}"
        for row, other in zip(played().rows, slow.rows, strict=True)
        if row.unit in FACTOR and not row.metric.startswith(PER_TIME) and not as_expected(row, other)
    ]


PER_TIME = ("storage_bytes_", "loads_peak")
"""What is kept after a day and the loads of the busiest second: a day and a second are not longer."""
FACTOR = {"s": 2.0, "/s": 0.5, "": 1.0, "B": 1.0, "entries": 1.0}
BIN, ROUNDING = 1.1e-3, 1e-12
"""A percentile is known to a bin of the histogram, a sum to the rounding of what it adds up."""


def as_expected(row: Row, other: Row) -> bool:
    if row.value is None or other.value is None:
        return row.value is other.value
    return other.value == pytest.approx(row.value * FACTOR[row.unit], rel=BIN, abs=ROUNDING)


def test_a_world_that_is_twice_as_slow_has_twice_the_latencies() -> None:
    assert faults_of_doubling() == []


@pytest.mark.parametrize("but", ["services", "ttl", "rate"])
def test_a_world_of_which_a_part_is_as_fast_as_before(but: str) -> None:
    """Mutants: one part of the scenario keeps its times."""
    assert faults_of_doubling(but)


# -- the same seed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [2, 3])
def test_side_by_side_or_in_turn(jobs: int) -> None:
    assert repr(run(load_scenario(WORLD), jobs=jobs)) == repr(played())


def test_another_seed_is_another_luck() -> None:
    one, other = played(), played("run.seed=2")
    assert [row[:4] for row in one.rows] == [row[:4] for row in other.rows]
    assert one.value("pull", "read", "latency_mean") != other.value("pull", "read", "latency_mean")


SCRIPT = """
import sys
from simsys import draws
if "mutant" in sys.argv:
    draws.name_id = lambda text: hash(text) >> 2
from simsys.experiment.run import run
from simsys.scenario import load_scenario
print(repr(run(load_scenario(sys.stdin.read(), ["run.duration=1s"]), jobs=1, engine="simpy")))
"""


def fresh(*arguments: str) -> str:
    """The result of a shorter world in a new Python, with other hashes and in another country."""
    env = {**os.environ, "PYTHONHASHSEED": "1", "LC_ALL": "de_DE.UTF-8"}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, input=WORLD, env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_another_python_has_the_same_luck() -> None:
    assert fresh() == repr(played("run.duration=1s"))


def test_luck_by_pythons_own_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: names are hashed as Python hashes them."""
    monkeypatch.setattr(draws, "name_id", lambda text: hash(text) >> 2)
    assert fresh("mutant") != repr(run(load_scenario(WORLD, ["run.duration=1s"]), jobs=1))


def requests(setting: Setting, replication: int) -> list[tuple[Any, ...]]:
    """What arrives, and the columns and first draw of each request."""
    load = setting.workload(replication)
    log = logged(setting, replication=replication)
    rows = load.rows(np.array([r.index for r in log.requests], dtype=np.int64)).columns
    columns = zip(*(rows[name].tolist() for name in load.columns), strict=True)
    return [(r.index, r.op, r.arrival, r.followers, *row) for r, row in zip(log.requests, columns, strict=True)]


def test_all_strategies_meet_the_same_requests() -> None:
    first, *others = settings(load_scenario(WORLD))
    seen = requests(first, 0)
    assert len(seen) > 300
    assert len({row[4] for row in seen}) > 100
    assert all(requests(other, 0) == seen for other in others)
    assert requests(first, 1) != seen, "mutant: another replication"


def test_all_strategies_have_the_same_luck() -> None:
    """A post takes the same steps in all designs until it is answered, and the same time where nobody waits."""
    roomy = ("stations.api.servers=64", "stations.database.servers=64", "run.replications=1")
    figures = [of(played(*roomy), name, "post")[:9] for name in ("pull", "push", "hybrid")]
    assert figures[0][2][1] == "latency_mean"
    assert figures[0] == figures[1] == figures[2]


# -- nothing, too much, and what becomes of everyone ------------------------------------------------------------------


def faults_of_nothing(result: Result) -> list[str]:
    """Figures of posts that are not null though nobody posts."""
    return [row.metric for row in result.rows if row.subject == "post" and (row.value is not None or not row.note)]


def test_zero_requests_of_a_kind_give_null() -> None:
    result = played("load.read_write_ratio=1:0")
    assert {row.metric for row in result.rows if row.subject == "post"} >= {"throughput", "latency_mean", "work"}
    assert faults_of_nothing(result) == []
    assert result.value("pull", "read", "latency_mean")
    assert "throughput" in faults_of_nothing(played()), "mutant: some do post"


def flow(steps: str, load: str, stations: str, replications: int = 10) -> str:
    return f"""
load: {{{load}, mix: {{get: 100%}}}}
stations: {{{stations}}}
strategies: [{{flow: {{name: plan, get: {steps}}}}}]
slo: [get p99 < 1s]
run: {{requests: 3k, replications: {replications}, seed: 1}}
"""


TWO = "server: {servers: 2, ops: {get: {exponential: {mean: 10ms}}}}"
VISIT = "[{visit: server.get}]"


def near(row: Row | None, reference: float, band: float) -> bool:
    """Within 3 standard errors of ten replications, which are at most `band` of the reference."""
    assert row is not None and row.value is not None and row.low is not None
    errors = 3 * (row.value - row.low) / 2.2621571628  # Student's t, 9 degrees of freedom, 95 %
    assert errors <= band * reference
    return abs(row.value - reference) <= errors


def test_a_load_that_no_server_can_carry() -> None:
    """Two servers that serve 200/s meet 300/s."""
    result = run(load_scenario(flow(VISIT, "rate: 300/s", TWO)), jobs=1)
    assert result.saturated == ("plan",)
    slow = [row for row in result.rows if row.subject == "get" and row.metric.startswith(("latency", "fresh"))]
    assert len(slow) >= 6
    assert all(row.value is None and "saturated" in row.note for row in slow)
    assert near(result.row("plan", "get", "throughput"), 200, 0.03)
    assert near(result.row("plan", "system", "backlog_growth"), 100, 0.25)
    assert near(result.row("plan", "get", "offered"), 300, 0.03)
    assert not near(result.row("plan", "get", "throughput"), 190, 0.05), "mutant: a smaller capacity"
    assert [v.verdict for v in result.slo] == ["missed"]
    assert all(audit.ok for audit in result.audits)


def test_a_load_that_can_be_carried_is_not_saturated() -> None:
    """Mutant: the same at two thirds of the capacity."""
    result = run(load_scenario(flow(VISIT, "rate: 133/s", TWO, 2)), jobs=1)
    assert result.saturated == ()
    assert result.value("plan", "get", "latency_p99") is not None
    assert result.row("plan", "system", "backlog_growth") is None
    assert [v.verdict for v in result.slo] == ["kept"]


@pytest.mark.parametrize(
    ("steps", "station", "shares"),
    [
        (VISIT, "server: {queue: 2, ops: {get: 1s}}", (0.7, 0.0)),
        ("[{within: 3s, do: [{visit: server.get}]}]", "server: {ops: {get: 1s}}", (0.0, 0.7)),
        ("[{within: 2500ms, do: [{visit: server.get}]}]", "server: {queue: 2, ops: {get: 1s}}", (0.7, 0.1)),
        ("[{visit: server.get, refused: []}]", "server: {queue: 2, ops: {get: 1s}}", (0.0, 0.0)),
    ],
)
def test_who_is_refused_and_who_gives_up(steps: str, station: str, shares: tuple[float, float]) -> None:
    """Ten come at once to a server that takes a second each: three are in time, or find a place."""
    result = run(load_scenario(flow(steps, "at_once: 10", station, 2)), jobs=1)
    assert [result.value("plan", "get", metric) for metric in ("refused", "timed_out")] == list(shares)
    done = round(10 * (1 - sum(shares)))
    (setting,) = settings(load_scenario(flow(steps, "at_once: 10", station)))
    op = play_once(setting, 0).ops["get"]
    assert (op.offered, op.latency.count, op.unfinished) == (10, done, 0)
    assert became(op) == 10


def became(op: OpSummary) -> int:
    return op.latency.count + op.refused + op.timed_out + op.unfinished


def test_who_is_cut_off_counts_as_unfinished() -> None:
    (setting,) = settings(load_scenario(flow(VISIT, "rate: 400/s", TWO, 1)))
    op = play_once(setting, 0).ops["get"]
    assert op.unfinished > 0.4 * op.offered
    assert became(op) == op.offered


# -- every shipped scenario -------------------------------------------------------------------------------------------

SHORT = {
    "cache-down": ["load.stages=[{for: 2s, rate: 500/s}]", "events.0.at=1s", "events.0.for=500ms",
                   "events.1.at=1s", "events.1.for=500ms"],
    "stampede": ["load.rate=200/s", "run.requests=2000"],
    "stragglers": ["load.size=2.5GB", "load.rate=1k/h", "run.requests=50"],
    "checkpoints": ["strategies.checkpointed.work=3h", "run.requests=40"],
    "batch-pipeline": ["run.duration=400ms", "events.0.at=100ms", "events.0.for=100ms"],
    "cqrs": ["run.duration=5s", "events.0.at=1s", "events.0.for=1s", "events.1.at=2s", "events.2.at=4s"],
    "kept-lists": ["run.duration=1s", "run.warmup=0s"],
    "metastable": ["run.duration=10s", "events.0.at=4s", "events.1.at=4s"],
    "resharding": ["load.stages=[{for: 400ms, rate: 750/s}]", "run.warmup=0s"]
    + [f"events.{i}.at=200ms" for i in range(3)],
    "partition-key": ["run.duration=200ms", "events.0.at=100ms", "events.0.for=50ms", "events.1.at=160ms"],
    "miss-ratio": ["run.requests=4000"],
    "openers": ["run.duration=6s", "events.0.at=1s", "events.0.request.followers=36k"],
    "celebrity": ["run.duration=300ms", "events=[{at: 50%, request: {op: post, followers: 90k}}]"],
    "view-counter": ["run.duration=1s", "events.0.at=300ms", "events.0.for=300ms"],
    "ten-million": ["run.requests=400", "events.0.at=2ms", "events.0.for=2ms"],
    "photo-feed": ["run.duration=2s", "events=[{at: 300ms, down: edge, for: 300ms}]"],
    "leaderboard": ["run.duration=2s", "events=[{at: 300ms, stall: sets, for: 300ms}]"],
    "llm-monitor": ["run.duration=1s", "events.0.at=300ms", "events.0.for=300ms"],
    "million-at-once": ["load.stages=[{for: 100ms, rate: 5k/s}]", "events=[{at: 50ms, stall: orders, for: 50ms}]"],
    "million-writes": ["load.stages=[{for: 100ms, rate: 5k/s}]", "stations.scaled.autoscale.every=20ms"],
    "url-shortener": ["run.duration=1s", "events=[{at: 300ms, down: hot, for: 200ms}]"],
    "spike": ["load.stages=[{for: 300ms, rate: 500/s}, {for: 100ms, rate: 2500/s}, {for: 300ms, rate: 500/s}]"],
}


@cache
def shipped(name: str) -> Result:
    """A shipped scenario, cut short, by the engine that plays it; both write the same log (`test_engines`)."""
    return run_by(load_scenario(name, [*SHORT.get(name, ["run.requests=400"]), "run.replications=2"]), jobs=1)


def not_finite(rows: Iterable[Row]) -> list[Row]:
    """Rows that no JSON could say, and nulls that do not say why."""
    return [
        row
        for row in rows
        if any(x is not None and not math.isfinite(x) for x in (row.value, row.low, row.high))
        or (row.value is None and not row.note)
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_are_finite_and_balanced(name: str) -> None:
    result = shipped(name)
    assert not_finite(result.rows) == []
    assert len(result.audits) >= 4
    assert [audit for audit in result.audits if not audit.ok] == []


def test_a_figure_that_is_not_finite_is_noticed() -> None:
    """Mutants."""
    good = Row("push", {}, "read", "latency_p99", 1.0, 0.5, 1.5, "s", "")
    bad = good._replace(value=math.nan), good._replace(high=math.inf), good._replace(value=None)
    assert not_finite([good, *bad]) == list(bad)


def test_a_ledger_that_breaks_littles_law_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: who leaves a station is forgotten one time in two."""
    leave, turns = StationLog.leave, iter(range(10**9))
    monkeypatch.setattr(StationLog, "leave", lambda self, now, s: leave(self, now, s if next(turns) % 2 else 0.0))
    scenario = load_scenario("mm4", ["run.requests=400", "run.replications=2"])
    result = run(scenario, jobs=1)
    assert [audit.name for audit in result.audits if not audit.ok] == ["little server"]
