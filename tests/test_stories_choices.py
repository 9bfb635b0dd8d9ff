"""The power of two choices (Q-7): the emptier of two servers drawn at random is nearly as good as the emptiest of all.

Source: Mitzenmacher, The power of two choices in randomized load balancing, 2001; the mean time inside for infinitely
many servers and choices d is the sum over i >= 1 of λ^((d^i - d)/(d - 1)), in service times.
"""

from __future__ import annotations

import pytest
from bands import holds

from simsys.engines.servers import Queued
from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.scenario import ScenarioError, load_scenario

SERVERS = 500

CROWD = """
load: {{rate: {rate}/s, mix: {{get: 100%}}}}
stations: {{server: {{shards: {servers}, servers: 1, {choices} ops: {{get: {{exponential: {{mean: 1s}}}}}}}}}}
strategies: [{{flow: {{name: choose, get: [{{visit: server.get, key: {key}}}]}}}}]
run: {{requests: {requests}, warmup: 30%, replications: 10}}
"""


def times(load: float, choices: str, requests: int, key: str = "any") -> list[float]:
    """Mean seconds inside, per replication."""
    text = CROWD.format(rate=load * SERVERS, servers=SERVERS, choices=choices, key=key, requests=requests)
    setting = settings(load_scenario(text))[0]
    return [play_once(setting, r, "compiled").ops["get"].latency.mean or 0.0 for r in range(10)]


@pytest.mark.parametrize(
    ("load", "inside", "requests"),
    [
        (0.5, 1.2657, 60_000),
        (0.7, 1.6145, 60_000),
        pytest.param(0.8, 1.9474, 200_000, marks=pytest.mark.long),
        pytest.param(0.9, 2.6141, 500_000, marks=pytest.mark.long),
    ],
)
def test_q_7_the_emptier_of_two(load: float, inside: float, requests: int) -> None:
    theory = sum(load ** (2**i - 2) for i in range(1, 12))
    assert theory == pytest.approx(inside, abs=1e-4)
    holds(times(load, "choices: 2,", requests), theory, 0.02 * theory)


@pytest.mark.parametrize(
    ("load", "requests", "band"), [(0.7, 60_000, 0.1), pytest.param(0.9, 3_000_000, 0.02, marks=pytest.mark.long)]
)
def test_q_7_one_choice_is_none(load: float, requests: int, band: float) -> None:
    """A mutant that takes the first of those drawn waits as M/M/1 does: 3.33 at 70 %, twice as long, and 10 at 90 %."""
    alone = 1 / (1 - load)
    holds(times(load, "", requests), alone, band * alone)
    assert max(times(load, "choices: 2,", 20_000)) < 0.6 * alone


HOLE = """
load: {{rate: 1/s, arrivals: regular, mix: {{get: 100%}}}}
stations: {{server: {{shards: 2, {choices} ops: {{get: 1h}}}}}}
strategies: [{{flow: {{name: choose, get: [{{visit: server.get, key: any{otherwise}}}]}}}}]
events: [{{at: 0s, down: server, shard: 1, for: 1h}}]
run: {{duration: 400s, replications: 1}}
"""
BOTH, AGAIN = "choices: 2,", ", refused: [{visit: server.get, key: any}]"


def turned_away(choices: str = BOTH, otherwise: str = "", engine: str = "compiled") -> int:
    """Of 400 requests those that nobody serves: one shard is down, and the other takes an hour for each."""
    setting = settings(load_scenario(HOLE.format(choices=choices, otherwise=otherwise)))[0]
    return play_once(setting, 0, engine).ops["get"].refused


@pytest.mark.parametrize("engine", ["simpy", "compiled"])
def test_a_shard_that_is_down_is_the_emptiest(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the other serves somebody, all are sent to the one that is down; without a choice, half of them."""
    assert turned_away(engine=engine) >= 390
    assert turned_away(otherwise=AGAIN, engine=engine) >= 390, "asked once more, the emptiest is the same"
    assert 160 < turned_away("", engine=engine) < 240
    assert 60 < turned_away("", AGAIN, engine) < 140
    inside = Queued.inside
    monkeypatch.setattr(Queued, "inside", lambda self, shard: 1000 * shard + inside(self, shard))
    assert turned_away(engine="simpy") == 0, "a mutant that knows who is down"


def test_choices_are_among_shards() -> None:
    with pytest.raises(ScenarioError, match="at most 5 here; found 6"):
        load_scenario(CROWD.format(rate=1, servers=5, choices="choices: 6,", key="any", requests=10))
