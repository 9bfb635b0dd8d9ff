"""Servers that come and go, as a fluid: what a delay lets pile up, what is paid, and that a quiet hour ends it; and
against a naive twin, which knows the rule and neither engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from mutants import Mutant
from scenario_texts import changed
from worlds import logged

from simsys import draws
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


# -- the twin ---------------------------------------------------------------------------------------------------------

OVER = 8.0
CROWD = """
question: Is the rule what it says?
load: {{stages: [{stages}], mix: {{get: 100%}}}}
stations: {{api: {{servers: {least}, autoscale: {scale}, ops: {{get: {{exponential: {{mean: 100ms}}}}}}}}}}
strategies: [{{flow: {{name: web, get: [{{visit: api.get}}]}}}}]
run: {{replications: 1, seed: {seed}}}
"""


def twin(
    arrivals: Sequence[float], services: Sequence[float], least: int, to: int, at: float, every: float, delay: float
) -> tuple[list[float], list[tuple[float, int, int]]]:
    """When each leaves, and (time, servers, those ordered among them) whenever that changes, of a first come, first
    served line that somebody looks at: all who have come are gone through at every look.
    """
    leaves, line, serving, there, orders = [np.inf] * len(arrivals), list[int](), 0, least, 0
    moments: list[tuple[float, int, str, int]] = [(t, n, "comes", n) for n, t in enumerate(arrivals)]
    moments.append((every, -1, "look", 0))
    heapify(moments)
    fleet = [(0.0, least, least)]
    while moments:
        now, _, what, n = heappop(moments)
        if what == "comes":
            line.append(n)
        elif what == "ends":
            serving, leaves[n] = serving - 1, now
        elif what == "servers":
            there, orders = there + n, orders - n
        else:
            stays = (max(0.0, min(now, b) - max(now - every, a)) for a, b in zip(arrivals, leaves, strict=True))
            wanted = ceil(sum(stays) / every / at)
            wanted = least if wanted < least else to if wanted > to else wanted
            missing = wanted - there - orders
            if missing > 0:
                orders += missing
                heappush(moments, (now + delay, -2, "servers", missing))
            elif wanted < there and orders == 0:
                there = wanted
            if now < OVER or any(what != "look" for _, _, what, _ in moments):
                heappush(moments, (now + every, -1, "look", 0))
        while line and serving < there:
            serving, first = serving + 1, line.pop(0)
            heappush(moments, (now + services[first], first, "ends", first))
        if (there, there + orders) != fleet[-1][1:]:
            fleet.append((now, there, there + orders))
    return leaves, fleet


def as_its_twin(engine: str, seed: int, least: int, more: int, percent: int, every: int, delay: int, rate: int) -> bool:
    """Whether an engine lets everybody go, and servers come and go, when the twin does; times in 100 ms."""
    stages = ", ".join(f"{{for: 2s, rate: {n}/s}}" for n in (rate, 4 * rate, 1, 2 * rate))
    scale = f"{{to: {least + more}, at: {percent}%, every: {every * 100}ms, delay: {delay * 100}ms}}"
    scenario = load_scenario(CROWD.format(stages=stages, least=least, scale=scale, seed=seed))
    log = logged(settings(scenario)[0], engine)
    arrivals = [r.arrival for r in log.requests]
    law: Any = scenario.stations["api"].ops["get"].per_item
    services = law.variate().draws(draws.stream(seed, 0, "api.get"), np.arange(len(arrivals)), 0)
    leaves, fleet = twin(arrivals, services, least, least + more, percent / 100, every / 10, delay / 10)
    seen = [(f.time, f.there, f.paid) for f in log.stations["api"].fleet]
    seen = [one for n, one in enumerate(seen) if not n or one[1:] != seen[n - 1][1:]]
    return len(seen) == len(fleet) and np.allclose(seen, fleet) and np.allclose([r.end for r in log.requests], leaves)


BUSY = {"seed": 3, "least": 1, "more": 9, "percent": 70, "every": 5, "delay": 7, "rate": 20}


@pytest.mark.parametrize("engine", ["simpy", "compiled"])
@budget(max_examples=20)
@given(
    seed=st.integers(1, 99), least=st.integers(1, 4), more=st.integers(1, 12), percent=st.integers(20, 100),
    every=st.integers(1, 15), delay=st.integers(0, 25), rate=st.integers(2, 40),
)  # fmt: skip
@example(**BUSY)
def test_servers_come_and_go_as_a_naive_twin_says(engine: str, **world: int) -> None:
    assert as_its_twin(engine, **world)


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant("stations:Autoscale.wanted", "ceil(", "int("),
        Mutant("stations:Autoscale.wanted", "max(least,", "max(1,"),
        Mutant("stations:Autoscale.wanted", "min(self.to,", "max(0,"),
        Mutant(SCALER + "_look", "/ self.spec.every", "/ (self.spec.every + self.spec.delay)"),
        Mutant(SCALER + "_look", "wanted - self.there - self.ordered", "wanted - self.there"),
        Mutant("engines.servers:Queued.resize", "range(come)", "range(1)"),
    ],
    ids=lambda mutant: mutant.new,
)
def test_the_twin_sees_a_mistake_in_the_rule(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    world = BUSY | {"least": 3, "more": 3}
    assert as_its_twin("simpy", **BUSY) and as_its_twin("simpy", **world)
    mutant.put_in(monkeypatch)
    assert not (as_its_twin("simpy", **BUSY) and as_its_twin("simpy", **world))


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
