"""A million writes in a second as a fluid: N of them, within a second, against what each way can do."""

from __future__ import annotations

import pytest
from mutants import Mutant

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.measure.summary import OpSummary, Summary
from simsys.scenario import load_scenario

BURST, N = 1.0, 20_000
DATABASE, WORKERS = 8 / 2e-3, 2 / 2e-3
"""Writes per second."""
ONLY = "load.stages=[{for: 1s, rate: 20k/s}]"
EVEN = ("load.arrivals=regular", "stations.database.ops.insert=2ms", "stations.guarded.ops.insert=2ms",
        "stations.scaled.ops.insert=2ms", "stations.workers.ops.insert=2ms")  # fmt: skip


def played(strategy: str, *sets: str, engine: str = "compiled") -> Summary:
    """One play of one strategy under an even burst, and nothing after it."""
    ready = settings(load_scenario("million-writes", [ONLY, *EVEN, *sets]))
    (setting,) = (each for each in ready if each.label == strategy)
    return play_once(setting, 0, engine)


def put(strategy: str, *sets: str) -> OpSummary:
    return played(strategy, *sets).ops["put"]


WHOLE = (
    "load.stages=[{for: 1s, rate: 1M/s}]", "stations.api.servers=100", "stations.database.servers=400",
    "stations.guarded={servers: 400, queue: 40000, ops: {insert: 2ms}}", "stations.workers.servers=100",
    "stations.gate={servers: 100, vcpu: 0, rate_limit: {rate: 160k/s, burst: 40k}, ops: {pass: 10us}}",
    "stations.wal.servers=50", "stations.log.servers=50",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["straight", "shed", "limited", "batched", "queued"])
def test_a_million_is_fifty_times_a_fiftieth(strategy: str) -> None:
    """The same losses and the same times; but a batch of 200 is there in 0.2 ms, not in 10 ms."""
    part, whole = put(strategy), put(strategy, *WHOLE)
    assert whole.offered == 50 * part.offered == 1_000_000
    assert whole.refused == pytest.approx(50 * part.refused, rel=1e-3)
    sooner = 10e-3 - 0.2e-3 if strategy == "batched" else 0.0
    assert whole.latency.max == pytest.approx(part.latency.max - sooner, rel=0.01)
    assert whole.fresh.max == pytest.approx(part.fresh.max - sooner, rel=0.01)


def test_who_stands_in_line_waits_for_all_before_them() -> None:
    assert put("straight").latency.max == pytest.approx(N / DATABASE - BURST, rel=0.002)
    twice = put("straight", "stations.database.servers=16")
    assert twice.latency.max == pytest.approx(N / (2 * DATABASE) - BURST, rel=0.005), "a mutant with twice the servers"


def test_a_queue_has_written_the_last_as_late_as_its_workers_are_few() -> None:
    told = put("queued")
    assert told.fresh.max == pytest.approx(N / WORKERS - BURST, rel=0.002)
    assert told.latency.max == pytest.approx(60e-6, abs=5e-6)
    assert told.refused == told.timed_out == told.unfinished == 0
    assert put("queued", "stations.workers.servers=8").fresh.max == pytest.approx(N / DATABASE - BURST, rel=0.002)


def test_shedding_lets_in_what_is_done_meanwhile_and_a_full_line() -> None:
    told = put("shed")
    assert N - told.refused == pytest.approx(DATABASE * BURST + 800, abs=10)
    assert told.latency.max == pytest.approx(808 / DATABASE, rel=0.01)
    assert N - put("shed", "stations.guarded.queue=0").refused < DATABASE * BURST + 50, "a mutant without a line"


def test_a_limit_lets_in_its_bucket_and_its_rate() -> None:
    assert N - put("limited").refused == pytest.approx(800 + 3_200 * BURST, abs=2)
    assert N - put("limited", "stations.gate.rate_limit.burst=2").refused == pytest.approx(3_200 * BURST, abs=3)


def test_more_servers_come_after_a_look_and_a_delay() -> None:
    """At 6 s 40 of them, and 20,000 less what two have done meanwhile: gone within 0.7 s."""
    left = N - 2 / 2e-3 * 6.0
    assert put("scaled").latency.max == pytest.approx(6.0 - BURST + left / 20_000, rel=0.06)
    fleet = played("scaled").stations["scaled"].fleet
    assert fleet is not None and fleet.most == 2, "none has come before the burst is over"
    assert put("scaled", "stations.scaled.autoscale.delay=0s").latency.max < 1.5, "a mutant without a delay"


def test_a_full_batch_waits_for_no_linger() -> None:
    """200 are there every 10 ms; a flush takes 4 ms, and 10 us for each: nobody waits for longer than both."""
    told = put("batched", "batches.commit.linger=1s")
    assert told.latency.max == pytest.approx(10e-3 + 6e-3, rel=0.02)
    assert played("batched").stations["wal"].served == N / 200
    alone = put("batched", "batches.commit={size: 1, linger: 0s}")
    assert alone.latency.max > 10, "a mutant that flushes for everyone: 20,000 · 4 ms"


@pytest.mark.parametrize("strategy", ["again", "keyed"])
def test_how_often_each_is_written(strategy: str) -> None:
    """Without a key, those told nothing after a second, and after two, write again: all but 4,000, twice more."""
    told = put(strategy)
    in_time = DATABASE * BURST / (1 - DATABASE / N)
    expected = N if strategy == "keyed" else N + 2 * (N - in_time)
    assert told.marked["written"] == pytest.approx(expected, rel=0.02)


def test_a_key_is_what_makes_it_once() -> None:
    """A mutant whose keys are forgotten at once."""
    forgetful = put("keyed", "caches.keys={entries: 1, start: cold}", "stations.budget.rate_limit.burst=20k")
    assert forgetful.marked["written"] > 1.5 * N


def test_a_budget_is_what_keeps_retries_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came in the first 250 ms is answered within a second. The others ask from 1.25 s to 2 s whether they may come
    again: 2,000 + 400/s · 750 ms do.
    """
    summary = played("keyed", "load.stages=[{for: 1s, rate: 20k/s}, {for: 29s, rate: 0.01/s}]")
    assert summary.stations["budget"].served == pytest.approx(2_000 + 400 * 0.75, abs=5)
    Mutant("engines.servers:Queued._token", "tokens - found", "tokens").put_in(monkeypatch)
    small = ("load.stages=[{for: 1s, rate: 2k/s}, {for: 29s, rate: 0.01/s}]", "stations.database.servers=1",
             "stations.budget.rate_limit={rate: 40/s, burst: 100}")  # fmt: skip
    assert played("keyed", *small, engine="simpy").stations["budget"].served > 1_000
