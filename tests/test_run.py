"""Running a scenario: precision, notes, killed workers, estimates, loads with hardly any requests or all at once."""

from __future__ import annotations

import os
import signal
from math import inf
from typing import Any

import pytest

from simsys.experiment import jobs as playing
from simsys.experiment.estimate import estimate
from simsys.experiment.run import RunError, run
from simsys.experiment.setting import settings
from simsys.experiment.work import least
from simsys.report.played import to_json
from simsys.scenario import load_scenario

QUEUE = """
question: A queue?
load: {rate: 60/s, mix: {get: 100%}}
stations: {server: {servers: 1, ops: {get: {exponential: {mean: 10ms}}}}}
strategies: [{flow: {name: one, get: [{visit: server.get}]}}]
run: {requests: 400, replications: 3}
"""


AT_ONCE = "load={at_once: 20, mix: {read: 50%, post: 50%}}"


def queue(*sets: str) -> Any:
    return load_scenario(QUEUE, list(sets), name="queue")


def test_a_precision_that_is_reached_stops_the_replications() -> None:
    result = run(queue("run.precision={p50: 50%}"), jobs=1)
    assert result.replications == 10
    assert not any("precision" in note for note in result.notes)


def test_a_precision_that_is_not_reached_is_said() -> None:
    result = run(queue("run.precision={p99: 0.1%}", "run.most_replications=20"), jobs=1)
    assert result.replications == 20
    assert any("the precision asked for was not reached after 20 replications: one get p99" in n for n in result.notes)


def test_a_run_too_short_for_a_p99_is_said() -> None:
    notes = run(queue(), jobs=1).notes
    assert any(
        note.startswith("one: short for a p99: server is 60% busy and asks for 6,250 requests") for note in notes
    )


def test_one_replication_has_no_interval_and_keeps_no_promise() -> None:
    result = run(queue("run.replications=1", "slo=[get p50 < 1s]"), jobs=1)
    row = result.row("one", "get", "latency_p50")
    assert row is not None and row.value is not None and row.low is None
    assert [v.verdict for v in result.slo] == ["undecided"]


def test_a_play_that_kills_its_worker_is_an_error_and_not_half_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(playing, "play_once", die)
    with pytest.raises(RunError, match="one: replication 0 failed: its worker was killed by SIGKILL"):
        run(queue(), jobs=2)


def test_progress_counts_every_play() -> None:
    seen: list[tuple[int, int]] = []
    run(queue(), jobs=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_estimate_says_what_would_be_played() -> None:
    guess = estimate(queue(), jobs=1)
    assert (guess.requests, guess.plays) == (400, 3)
    assert guess.settings[0].loads[0].utilization == pytest.approx(0.6)
    assert 0 < guess.seconds < 60 and guess.memory > 1e6


def test_all_at_once_is_a_load_without_a_rate() -> None:
    """Of infinitely many a second nothing is busy that none asks for; no post lies before any read, and work counts."""
    result = run(load_scenario("small", [AT_ONCE, "run.replications=2"]), jobs=1)
    assert '["network","Infinity",0.0]' in to_json(result)
    push = {load.station: load.utilization for load in result.played[2].loads}
    assert (push["network"], push["api"], push["objects"], push["workers"]) == (0.0, inf, inf, inf)
    assert result.value("cached_pull", "read", "stale_ratio") == 0.0
    assert least(load_scenario("small", [AT_ONCE])) == "push"


def test_what_the_first_requests_tell_of_a_cache_is_told_by_one_at_least() -> None:
    flow = "{flow: {name: one, get: [{lookup: c, key: key, miss: [{visit: server.get}, {fill: c, key: key}]}]}}"
    cache = "caches={c: {entries: 5, policy: sieve, start: cold}}"
    load = "load={rate: 1/h, mix: {get: 100%}, keys: {count: 10, popularity: {zipf: 0.99}}}"
    (setting,) = settings(queue(load, "run={duration: 1s, replications: 1}", cache, f"strategies=[{flow}]"))
    assert setting.hit_ratios == {"c": 0.0} and setting.demands["get"].time == pytest.approx(0.01)
