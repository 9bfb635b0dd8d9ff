"""A token bucket in closed form: of a burst the bucket, then its rate; who finds no token is refused. And what becomes
of those who come again: all at once, or one after the other.
"""

from __future__ import annotations

import pytest
from bands import holds
from mutants import QUEUED, Mutant

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario

GATE = """
question: How many are let in?
load: {{{load}, mix: {{put: 100%}}}}
stations:
  gate: {{servers: 100, rate_limit: {{rate: {rate}, burst: {burst}}}, ops: {{pass: 1us}}}}
  database: {{servers: 4, ops: {{insert: {{exponential: {{mean: 1ms}}}}}}}}
strategies:
  - flow: {{name: limited, put: [{{visit: gate.pass}}, {{visit: database.insert}}]}}
run: {{{run}, seed: 3}}
"""
ONCE = "replications: 1"


def text(load: str, rate: str, burst: str, how: str) -> str:
    return GATE.format(load=load, rate=rate, burst=burst, run=how)


def served(load: str, rate: str, burst: str, how: str = ONCE, engine: str = "compiled") -> int:
    """How many of the requests were served."""
    (setting,) = settings(load_scenario(text(load, rate, burst, how)))
    return play_once(setting, 0, engine).ops["put"].latency.count


@pytest.mark.parametrize(("burst", "let_in"), [("1", 1), ("7", 7), ("1k", 1000), ("20k", 10_000)])
def test_of_all_at_once_the_bucket_is_let_in(burst: str, let_in: int) -> None:
    assert served("at_once: 10k", "3/s", burst) == let_in


@pytest.mark.parametrize(("rate", "let_in"), [("500/s", 1009), ("250/s", 509), ("1k/s", 2000)])
def test_then_its_rate_is_let_in(rate: str, let_in: int) -> None:
    """One every millisecond, for two seconds: min(offered, burst + rate · t), the last token not yet whole."""
    assert served("rate: 1k/s, arrivals: regular", rate, "10", "duration: 2s, warmup: 0s, " + ONCE) == let_in


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant(QUEUED + "_token", "min(self.limit.burst,", "max(0,"),
        Mutant(QUEUED + "_token", "tokens - found", "tokens"),
        Mutant(QUEUED + "_token", "* self.limit.rate", "* 0"),
    ],
)
def test_what_was_not_used_in_a_quiet_hour_is_gone_but_for_the_bucket(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand within the second after it 10 + 500 are let in; without a rim all of them."""
    world = ("stages: [{for: 1h, rate: 0.0001/s}, {for: 1s, rate: 1k/s}]", "500/s", "10")
    assert served(*world) == pytest.approx(510, abs=2)
    mutant.put_in(monkeypatch)
    assert served(*world, engine="simpy") != pytest.approx(510, abs=2)


def test_what_is_let_in_is_known_before_anything_is_played() -> None:
    """Of 8k/s the gate lets in 2k/s: the database, which does 4k/s, is half busy, and nothing is saturated."""
    how = "requests: 20k, replications: 10"
    scenario = load_scenario(text("rate: 8k/s", "2k/s", "100", how))
    (setting,) = settings(scenario)
    assert {load.station: load.utilization for load in setting.loads}["database"] == pytest.approx(0.5)
    assert setting.saturated == ()
    plays = [play_once(setting, replication, "compiled") for replication in range(10)]
    holds([play.stations["database"].utilization[0] for play in plays], 0.5, 0.02)
    (wide,) = settings(load_scenario(text("rate: 8k/s", "9k/s", "100", how)))
    assert wide.saturated == ("database",), "a mutant that lets more in than the database can do"


CROWD = """
load: {{at_once: 100, mix: {{put: 100%}}}}
stations:
  database: {{servers: 1, queue: 9, ops: {{insert: 10ms}}}}
  pause: {{servers: unlimited, ops: {{back_off: {law}}}}}
strategies:
  - flow:
      name: again
      put: [{{visit: database.insert, refused: [{{visit: pause.back_off}}, {{visit: database.insert}}]}}]
run: {{replications: 10, seed: 3}}
"""


def lost(law: str) -> list[int]:
    """Of a hundred who come at once those who are refused twice."""
    (setting,) = settings(load_scenario(CROWD.format(law=law)))
    return [play_once(setting, replication, "compiled").ops["put"].refused for replication in range(10)]


def test_who_backs_off_for_the_same_time_meets_the_same_crowd() -> None:
    """A place at the server and nine in line: 90 are refused, and of those 80 again; 45 a second are no crowd."""
    assert lost("1s") == [80] * 10
    assert max(lost("{uniform: {low: 0s, high: 2s}}")) < 20, "the first 100 ms meet those who got in"
    assert max(lost("{uniform: {low: 1s, high: 3s}}")) == 0
