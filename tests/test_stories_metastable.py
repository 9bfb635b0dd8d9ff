"""META-1: a database for 300 requests a second, clients that ask again once after 1 s, and an outage of 10 s.

Source: Bronson, Aghayev, Charapko and Zhu, Metastable failures in distributed systems, HotOS 2021. While clients ask
twice, 2 λ come: a line that makes them do so goes away below capacity / (1 + retries) = 150/s, and stays above.
"""

from __future__ import annotations

import pytest

from simsys.experiment.run import run
from simsys.scenario import load_scenario

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


def after(rate: float, otherwise: str = AGAIN, outage: str = "10s", limit: str = "1s") -> tuple[float, float]:
    """Seconds until all is in order again, and questions that come per second from the outage on."""
    text = WORLD.format(rate=rate, otherwise=otherwise, outage=outage, limit=limit, before=BEFORE, seconds=SECONDS)
    result = run(load_scenario(text, [], "metastable"), jobs=1, engine="compiled")
    recovery = result.value("clients", "get", "recovery")
    lost = result.value("clients", "get", "timed_out")
    assert recovery is not None and lost is not None
    return recovery, rate * (1 + RETRIES * lost * SECONDS / (SECONDS - BEFORE))


@pytest.mark.parametrize(("rate", "back"), [(0.5, True), (0.98, True), (1.02, False), (280 / THRESHOLD, False)])
def test_it_recovers_below_capacity_over_tries_and_stays_stuck_above(rate: float, back: bool) -> None:
    """Within 2 % of the threshold on either side."""
    recovery, _ = after(rate * THRESHOLD)
    assert (recovery < SECONDS - 30) == back


def test_who_is_stuck_is_asked_twice() -> None:
    _, offered = after(280)
    assert offered == pytest.approx(560, rel=0.01)


@pytest.mark.parametrize(
    "mutant",
    [{"otherwise": "[]"}, {"limit": "20s"}, {"outage": "100ms"}],
    ids=["nobody asks again", "they wait for longer than the outage lasts", "the outage is short"],
)
def test_without_any_part_of_the_mechanism_it_comes_back(mutant: dict[str, str]) -> None:
    recovery, offered = after(1.02 * THRESHOLD, **mutant)
    assert recovery < 60
    assert offered < 1.1 * 1.02 * THRESHOLD
