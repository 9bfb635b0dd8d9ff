"""Many scenarios at once: what they share is played once, in any order, by whomever, interrupted or not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from simsys.experiment.evaluate import evaluate
from simsys.experiment.jobs import Job, play_job
from simsys.experiment.journal import Journal
from simsys.experiment.result import Result
from simsys.experiment.setting import settings
from simsys.experiment.workers import Failed
from simsys.scenario import Scenario, load_scenario

WORLD = """
question: One fast server or two slow ones?
load: {rate: 60/s, mix: {get: 100%}}
stations:
  fast: {servers: 1, ops: {get: {exponential: {mean: 10ms}}}}
  slow: {servers: 2, ops: {get: {exponential: {mean: 20ms}}}}
strategies:
  - flow: {name: one, get: [{visit: fast.get}]}
  - flow: {name: two, get: [{visit: slow.get}]}
slo: [get p50 < 1s]
run: {requests: 200, replications: 3}
"""


def world(*sets: str) -> Scenario:
    return load_scenario(WORLD, sets, name="world")


def points() -> list[Scenario]:
    return [world(f"stations.slow.servers={n}") for n in (2, 3, 4)]


class Players:
    """Plays in this process, in any order, and remembers what; the jobs of `bad` strategies fail."""

    def __init__(self, bad: str = "", most: int = 10**9) -> None:
        self.played: list[tuple[str, int]] = []
        self.bad, self.most = bad, most

    def __call__(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Any]]:
        for job in random.sample(jobs, len(jobs)):
            if len(self.played) == self.most:
                raise KeyboardInterrupt
            self.played.append((job.setting.label, job.replication))
            yield job, Failed("it did not like it") if job.setting.label == self.bad else play_job(job)


def test_what_points_share_is_played_once() -> None:
    players = Players()
    evaluate(points(), players=players, engine="simpy")
    assert sorted(players.played) == [("one", r) for r in range(3)] + [("two", r) for r in range(3) for _ in range(3)]


def test_results_are_those_of_each_scenario_alone_whoever_plays() -> None:
    alone = [evaluate([each], 1, engine="simpy")[0] for each in points()]
    assert evaluate(points(), 3, engine="simpy") == alone
    assert evaluate(points(), players=Players(), engine="simpy") == alone
    assert alone[0] != alone[1]


def test_the_longest_play_of_a_replication_comes_first() -> None:
    asked: list[tuple[str, int]] = []

    def play(jobs: Sequence[Job]) -> Iterator[tuple[Job, Any]]:
        for job in jobs:
            asked.append((job.setting.label, job.replication))
            yield job, play_job(job)

    text = WORLD.replace("get: [{visit: slow.get}]", "get: [{visit: slow.get}, {visit: slow.get}]")
    evaluate([load_scenario(text, name="world")], players=play, engine="simpy")
    assert asked == [("two", 0), ("one", 0), ("two", 1), ("one", 1), ("two", 2), ("one", 2)]


def test_interrupted_it_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = evaluate(points(), 1, engine="simpy")
    played = []
    for _ in range(7):
        players = Players(most=2)
        with Journal(tmp_path / "j") as journal:
            try:
                results = evaluate(points(), players=players, engine="simpy", journal=journal)
            except KeyboardInterrupt:
                results = []
        played += players.played
    assert results == whole and len(played) == 12, "no play twice"


def test_what_has_no_part_in_a_play_is_free(tmp_path: Path) -> None:
    free = ["prices.vcpu=20 $/month", "slo=[]", "question=Who?", "run.replications=2", "stations.fast.vcpu=7",
            "sweep={load.rate: [1/s]}", "retention.posts=1d"]  # fmt: skip
    with Journal(tmp_path / "j") as journal:
        evaluate([world()], 1, engine="simpy", journal=journal)
        for change in free:
            players = Players()
            evaluate([world(change)], players=players, engine="simpy", journal=journal)
            assert players.played == [], change


@pytest.mark.parametrize(
    "change",
    ["load.rate=61/s", "run.seed=2", "run.requests=201", "run.warmup=0s", "stations.fast.ops.get=1ms",
     "stations.fast.servers=2", "stations.fast.queue=1", "load.arrivals=regular",
     "events=[{at: 1s, stall: fast, for: 1s}]", "strategies.one.get=[{visit: fast.get, n: 2}]"],
)  # fmt: skip
def test_what_has_a_part_in_a_play_is_in_its_key(change: str) -> None:
    assert settings(world())[0].identity != settings(world(change))[0].identity


def test_a_file_counts_by_what_is_in_it(tmp_path: Path) -> None:
    keys = []
    for folder, rows in (("a", "1\n2\n"), ("b", "1\n2\n"), ("b", "1\n3\n")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "trace.csv").write_text("t_s,op\n" + "".join(f"{row},get\n" for row in rows.split()))
        text = WORLD.replace("{rate: 60/s, mix: {get: 100%}}", "{trace: {file: trace.csv, time: t_s, op: op}}")
        (tmp_path / folder / "w.yaml").write_text(text)
        keys.append(settings(load_scenario(tmp_path / folder / "w.yaml"))[0].identity)
    assert keys[0] == keys[1] != keys[2]


def test_a_strategy_that_fails_is_left_out_and_named() -> None:
    (whole,) = evaluate([world()], 1, engine="simpy")
    (result,) = evaluate([world()], players=Players("two"), engine="simpy")
    assert [(each.strategy, each.replication) for each in result.failed] == [("two", r) for r in range(3)]
    assert result.notes[0] == "two: replication 0 failed: it did not like it"
    assert result.rows == tuple(row for row in whole.rows if row.strategy == "one")
    (nothing,) = evaluate([world("strategies=[{flow: {name: two, get: [{visit: slow.get}]}}]")],
                          players=Players("two"), engine="simpy")  # fmt: skip
    assert isinstance(nothing, Result) and nothing.rows == () and len(nothing.failed) == 3
