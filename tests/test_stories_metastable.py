"""META-1: a database for 300 requests a second, clients that ask again once after 1 s, and an outage of 10 s.

Source: Bronson, Aghayev, Charapko and Zhu, Metastable failures in distributed systems, HotOS 2021. While clients ask
twice, 2 λ come: a line that makes them do so goes away below capacity / (1 + retries) = 150/s, and stays above.
"""

from __future__ import annotations

import pytest
from worlds import logged

from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import Scenario, load_scenario

CAPACITY, RETRIES = 300.0, 1
THRESHOLD = CAPACITY / (1 + RETRIES)
BEFORE, SECONDS = 20.0, 1_500.0
AGAIN = "[{within: 1s, do: [{visit: database.query}]}]"

WORLD = """
load: {{rate: "{rate}/s", arrivals: regular, mix: {{get: 100%}}}}
stations: {{database: {{servers: 1, vcpu: 1, ops: {{query: 3.3333333333ms}}}}}}
strategies:
  - flow: {{name: clients, get: [{{within: {limit}, do: [{{visit: database.query}}], else: {otherwise}}}]}}
events: [{{at: {before}s, stall: database, for: {outage}}}]
run: {{duration: {seconds}s, replications: 1}}
"""


def world(rate: float, otherwise: str = AGAIN, outage: str = "10s", limit: str = "1s") -> Scenario:
    text = WORLD.format(rate=rate, otherwise=otherwise, outage=outage, limit=limit, before=BEFORE, seconds=SECONDS)
    return load_scenario(text, [], "metastable")


def recovery(scenario: Scenario) -> float:
    """Seconds until all is in order again."""
    found = run(scenario, jobs=1, engine="compiled").value("clients", "get", "recovery")
    assert found is not None
    return found


def offered(scenario: Scenario, rate: float) -> float:
    """Questions per second that have come to the database from the outage on; in the end it has answered all."""
    (answered,) = logged(settings(scenario)[0], "compiled").stations["database"].visits
    return (answered - rate * BEFORE) / (SECONDS - BEFORE)


@pytest.mark.parametrize(("rate", "back"), [(0.5, True), (0.98, True), (1.02, False), (280 / THRESHOLD, False)])
def test_it_recovers_below_capacity_over_tries_and_stays_stuck_above(rate: float, back: bool) -> None:
    """Within 2 % of the threshold on either side."""
    assert (recovery(world(rate * THRESHOLD)) < SECONDS - 30) == back


def test_who_is_stuck_is_asked_twice() -> None:
    assert offered(world(280), 280) == pytest.approx(560, rel=0.01)


@pytest.mark.parametrize(
    "mutant",
    [{"otherwise": "[]"}, {"limit": "20s"}, {"outage": "100ms"}],
    ids=["nobody asks again", "they wait for longer than the outage lasts", "the outage is short"],
)
def test_without_any_part_of_the_mechanism_it_comes_back(mutant: dict[str, str]) -> None:
    rate = 1.02 * THRESHOLD
    assert recovery(world(rate, **mutant)) < 60
    assert offered(world(rate, **mutant), rate) < 1.1 * rate
