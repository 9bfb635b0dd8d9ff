"""A cache goes down for ten seconds: the database cannot carry all, and whether it comes back depends on the clients.

A tenth of the shipped scenario `cache-down`, in steady load. By Che's approximation the cache answers four in five.
"""

from __future__ import annotations

import pytest

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.scenario import load_scenario
from simsys.theory import caches

RATE, CAPACITY, KEYS, ROOM, SECONDS, DOWN = 250.0, 100.0, 10_000, 2_000, 120.0, 10.0
WORLD = """
load: {{rate: 250/s, mix: {{get: 100%}}, keys: {{count: 10k, popularity: {{zipf: 0.99}}}}}}
stations:
  database: {{servers: {servers}, ops: {{query: {{exponential: {{mean: 20ms}}}}}}}}
  guarded: {{servers: 2, queue: 50, ops: {{query: {{exponential: {{mean: 20ms}}}}}}}}
caches:
  objects: {{entries: 2k, start: warm}}
  restored: {{entries: 2k, start: warm}}
  spare: {{entries: 2k, start: cold, ttl: 60s, on_expiry: {on_expiry}}}
strategies:
  - flow: {{name: alone, get: [{{within: {limit}, do: {alone}, else: {again}}}]}}
  - flow: {{name: shed, get: [{{within: 1s, do: {shed}, else: [{{within: 1s, do: {shed}}}]}}]}}
  - flow: {{name: stuck, get: [{{within: 1s, do: {kept}, else: [{{within: 1s, do: {kept}}}]}}]}}
  - flow: {{name: warm, get: [{{within: 1s, do: {warm}, else: [{{within: 1s, do: {warm}}}]}}]}}
  - flow: {{name: spare, get: [{{within: 1s, do: {spare}, else: [{{within: 1s, do: {spare}}}]}}]}}
events: [{{at: 20s, down: objects, for: {down}}}, {{at: 20s, down: restored, for: {down}, back: {back}}}]
run: {{duration: 120s, replications: 3}}
"""
ALONE = "[{lookup: objects, key: key, miss: [{visit: database.query}, {fill: objects, key: key}]}]"
PLANS = {
    "alone": ALONE,
    "again": f"[{{within: 1s, do: {ALONE}}}]",
    "shed": ALONE.replace("database", "guarded"),
    "kept": ALONE.replace("objects", "restored"),
    "warm": ALONE.replace("database", "guarded").replace("objects", "restored"),
    "spare": "[{lookup: objects, key: key, miss: [{lookup: spare, key: key, hit: [{fill: objects, key: key}], "
    "miss: [{visit: database.query}, {fill: objects, key: key}, {fill: spare, key: key}]}]}]",
}
USUAL = {"limit": "1s", "back": "warm", "down": f"{DOWN}s", "servers": "2", "on_expiry": "single_flight, lease: 1s"}
USUAL |= PLANS


def played(**changes: str) -> Result:
    return run(load_scenario(WORLD.format(**USUAL | changes), [], "outage"), jobs=1, engine="compiled")


def recovery(result: Result, strategy: str) -> float:
    seconds = result.value(strategy, "get", "recovery")
    assert seconds is not None
    return seconds


@pytest.fixture(scope="module")
def outage() -> Result:
    return played()


def test_with_the_cache_the_database_has_room_and_without_it_has_not() -> None:
    found = caches.che_lru(caches.zipf(KEYS, 0.99), RATE, ROOM).hit_ratio
    assert RATE * (1 - found) < 0.7 * CAPACITY < RATE


def test_who_asks_again_keeps_the_database_stuck_when_the_cache_is_back(outage: Result) -> None:
    """What comes while nobody answers is a line of more than a second, and whatever is new is asked twice."""
    assert recovery(outage, "alone") > SECONDS - 20 - 2
    lost = outage.value("alone", "get", "timed_out")
    assert lost is not None and lost > 0.2


def test_shedding_comes_back_and_pays_with_refusals(outage: Result) -> None:
    """While the cache is down at most a hundred of 250 a second are answered."""
    assert recovery(outage, "shed") < 5 * DOWN
    refused = outage.value("shed", "get", "refused")
    assert refused is not None and refused * SECONDS > (1 - CAPACITY / RATE) * DOWN * 0.3
    assert outage.value("shed", "get", "timed_out") == 0


def test_a_cache_that_comes_back_warm_ends_what_shedding_began(outage: Result) -> None:
    """Who is refused is refused while it is down: of 250 a second all but a hundred, and a line of fifty."""
    while_down = ((RATE - CAPACITY) * DOWN - 50) / (RATE * SECONDS)
    assert outage.value("warm", "get", "refused") == pytest.approx(while_down, rel=0.05)
    assert recovery(outage, "warm") < recovery(outage, "shed")
    for cold in (outage.value("shed", "get", "refused"), played(back="cold").value("warm", "get", "refused")):
        assert cold is not None and cold > 1.1 * while_down


def test_a_cache_that_comes_back_warm_does_not_end_a_line_without_an_end(outage: Result) -> None:
    assert recovery(outage, "stuck") > 2 * DOWN


def test_a_spare_cache_comes_back_before_the_cache_does(outage: Result) -> None:
    assert recovery(outage, "spare") < DOWN
    assert (outage.value("spare", "get", "timed_out") or 0) < 0.01


def test_every_request_is_answered_refused_given_up_or_still_inside(outage: Result) -> None:
    flow = [audit for audit in outage.audits if audit.name == "flow balance"]
    assert len(flow) == 5
    assert all(audit.ok for audit in flow)


def test_that_it_is_empty_is_enough() -> None:
    """A cache that is down for a moment has forgotten all, and so many ask the database that it stays stuck as well."""
    assert recovery(played(down="100ms"), "alone") > SECONDS - 20 - 2


@pytest.mark.parametrize(
    ("mutant", "within"),
    [({"again": "[]"}, 90), ({"servers": "6"}, DOWN)],
    ids=["nobody asks again", "a database that can carry all"],
)
def test_without_a_part_of_the_mechanism_it_comes_back(mutant: dict[str, str], within: float) -> None:
    assert recovery(played(**mutant), "alone") < within


def test_a_spare_cache_without_leases_takes_longer(outage: Result) -> None:
    """A mutant: everybody who misses a popular key in the spare cache asks the database for it."""
    assert recovery(played(on_expiry="none"), "spare") > recovery(outage, "spare")
