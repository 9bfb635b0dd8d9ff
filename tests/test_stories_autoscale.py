"""Servers that come and go, as a fluid: what a delay lets pile up, what is paid, and that a quiet hour ends it."""

from __future__ import annotations

from math import ceil

import pytest
from mutants import Mutant
from scenario_texts import changed

from simsys.experiment.jobs import play_once
from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.scenario import ScenarioError, load_scenario

BEFORE, AFTER, SERVICE, LEAST, AT = 100, 400, 0.1, 24, 0.45
STEP, EVERY, DELAY, END = 100, 10, 60, 300
TO = ceil(AFTER * SERVICE / AT)
WORLD = f"""
question: What does the delay cost?
load:
  stages: [{{for: {STEP}s, rate: {BEFORE}/s}}, {{for: {END - STEP}s, rate: {AFTER}/s}}]
  arrivals: regular
  mix: {{get: 100%}}
stations:
  api:
    servers: {LEAST}
    autoscale: {{to: 100, at: 45%, every: {EVERY}s, delay: {DELAY}s}}
    ops: {{get: 100ms}}
strategies: [{{flow: {{name: web, get: [{{visit: api.get}}]}}}}]
run: {{replications: 1}}
"""
SCALER = "engines.scaling:Scaler."


def played(*sets: str, engine: str = "compiled") -> Summary:
    (setting,) = settings(load_scenario(WORLD, sets))
    return play_once(setting, 0, engine)


def fleet(*sets: str) -> dict[float, float]:
    """How many servers were there at the samples, by their times."""
    summary = played(*sets)
    there = summary.stations["api"].fleet
    assert there is not None
    return dict(zip(summary.samples[0], there.at, strict=True))


def test_what_a_delay_lets_pile_up() -> None:
    """160/s too many, from the step until servers come: 10 s until somebody looks, and the delay."""
    pile = (AFTER - LEAST / SERVICE) * (EVERY + DELAY)
    assert played().stations["api"].longest == pytest.approx(pile, rel=0.01)
    assert played("stations.api.autoscale.delay=0s").stations["api"].longest == pytest.approx(
        (AFTER - LEAST / SERVICE) * EVERY, rel=0.02
    )


def test_servers_come_after_the_delay_and_are_paid_from_the_order_on() -> None:
    """All of them, as those in line count too; when the line is gone, as many as 400/s · 0.1 s / 45 % asks for."""
    come = STEP + EVERY + DELAY
    there = fleet()
    assert {n for time, n in there.items() if time < come} == {LEAST}
    assert next(n for time, n in there.items() if time > come + 1) == 100
    gone = come + (AFTER - LEAST / SERVICE) * (EVERY + DELAY) / (100 / SERVICE - AFTER)
    assert {n for time, n in there.items() if gone + 2 * EVERY < time < END} == {TO}
    paid = played().stations["api"].fleet
    assert paid is not None and paid.most == 100
    ordered = STEP + EVERY
    until = EVERY * ceil(gone / EVERY) + EVERY
    least = (LEAST * ordered + TO * (END - ordered)) / END
    assert paid.paid - paid.there == pytest.approx((100 - LEAST) * DELAY / END, rel=0.01)
    assert least < paid.paid < least + (100 - TO) * (until - ordered) / END + 1


def test_a_quiet_hour_gives_them_back() -> None:
    there = fleet(
        "load.stages=[{for: 100s, rate: 400/s}, {for: 200s, rate: 50/s}]", "stations.api.autoscale.delay=0s"
    )
    assert there[max(time for time in there if time < 100)] == TO
    assert {n for time, n in there.items() if time > 125} == {LEAST}


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant(SCALER + "_order", "+ self.spec.delay", ""),
        Mutant(SCALER + "_order", "self.ordered += count", "pass"),
        Mutant(SCALER + "_order", "self.ordered -= count", "pass"),
        Mutant(SCALER + "_look", "self.area = area", "pass"),
        Mutant(SCALER + "_look", "and not self.ordered", "and False"),
    ],
    ids=lambda mutant: mutant.new or "no delay",
)
def test_a_mistake_in_the_rule_shows(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (test_what_a_delay_lets_pile_up, test_servers_come_after_the_delay_and_are_paid_from_the_order_on,
             test_a_quiet_hour_gives_them_back)  # fmt: skip
    mutant.put_in(monkeypatch)

    def wrong(test: object) -> bool:
        try:
            test()  # type: ignore[operator]
        except (AssertionError, StopIteration):
            return True
        return False

    assert any(map(wrong, whole))


def test_both_engines_see_the_same_servers() -> None:
    short = ("load.stages=[{for: 5s, rate: 100/s}, {for: 5s, rate: 400/s}]", "stations.api.autoscale.every=1s",
             "stations.api.autoscale.delay=2s")  # fmt: skip
    assert played(*short).stations["api"] == played(*short, engine="simpy").stations["api"]


def test_what_was_used_is_billed() -> None:
    result: Result = run(load_scenario(WORLD))
    paid = result.value("web", "api", "servers_paid")
    assert paid is not None and result.value("web", "system", "cost") == pytest.approx(paid * 12.5)
    assert result.value("web", "api", "servers_max") == 100
    assert f"{paid:.3g} servers" in result.played[0].bill[0].formula
    busy = AFTER * SERVICE * (END - STEP) + BEFORE * SERVICE * STEP
    there = result.value("web", "api", "servers")
    utilization = result.value("web", "api", "utilization")
    assert there is not None and utilization == pytest.approx(busy / END / there, rel=0.01)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("to: 100", "to: 20", "autoscale goes up from 24 servers; found to: 20"),
        (f"servers: {LEAST}", f"servers: {LEAST}\n    shards: 2", "with one shard and a number of servers"),
        ("delay: 60s", "delai: 60s", "did you mean 'delay'?"),
        ("at: 45%", "at: 0%", "must be above 0"),
    ],
)
def test_what_cannot_scale(old: str, new: str, told: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(changed(WORLD, (old, new)))
    assert told in str(error.value)
