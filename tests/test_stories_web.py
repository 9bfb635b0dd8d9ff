"""A web server in closed form, dial by dial: what holds a worker, what an index, a payload, a cache and a hedge spare.

All other stations are made wide, so that the one in question sees Poisson arrivals.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp

import pytest
from bands import holds

from simsys.experiment.jobs import play_once
from simsys.experiment.points import scenarios_at
from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.theory import che_lru, md1, mm1, pollaczek_khinchine, zipf

WIDE = (
    "stations.workers={servers: 1000, vcpu: 0}",
    "stations.cores.servers=unlimited",
    "stations.database.servers=unlimited",
    "stations.replica.servers=unlimited",
    "stations.nic.servers=unlimited",
    "stations.cores.ops.render=3ms",
    "load.size=250kB",
    "run={requests: 8000, replications: 10, seed: 2}",
)
SEND, RENDER = 2e-3, 3e-3
"""A page of 250 kB on a card of 1 Gb/s, and what a worker does itself."""


def plays(step: str, *sets: str) -> list[Summary]:
    """Ten replications at one step."""
    (scenario,) = scenarios_at("under-100ms", [*WIDE, *sets], [{"step": step}])
    (setting,) = settings(scenario)
    return [play_once(setting, replication, "compiled") for replication in range(10)]


def measured(told: Callable[[Summary], float], *given: str) -> list[float]:
    return [told(play) for play in plays(*given)]


def waited(station: str) -> Callable[[Summary], float]:
    """The mean time in line there."""
    return lambda play: play.stations[station].wait / play.stations[station].served


def held(rate: float) -> Callable[[Summary], float]:
    """How long a request keeps workers, by how many of them are busy."""
    return lambda play: play.stations["workers"].utilization[0] * 1000 / rate


def again(play: Summary) -> float:
    return play.ops["get"].marked["again"] / play.ops["get"].offered


def test_a_worker_is_held_while_it_waits_for_the_database() -> None:
    """3 ms of its own, 20 ms at a database that is half busy (M/M/1), 2 ms to send: 25 ms."""
    world = ("load.rate=50/s", "stations.database={servers: 1, ops: {query: {fixed: {exponential: {mean: 10ms}}}}}")
    holds(measured(held(50), "as-it-is", *world), RENDER + mm1(0.5, 10e-3) + SEND, 1.5e-3)
    own = "{hold: workers, do: [{visit: cores.render}, {mark: waits}, {mark: waits}]}"
    let_go = f"{own}, {{visit: database.query}}, {{visit: nic.send, n: size}}"
    mutant = measured(held(50), "as-it-is", *world, f"strategies.web.get=[{let_go}]")
    assert max(mutant) < 1.1 * RENDER, "a worker that serves others meanwhile"


@pytest.mark.parametrize("places", [0, 4])
def test_the_accept_queue_refuses_whom_it_has_no_place_for(places: int) -> None:
    """One worker, 80 % busy if nobody were refused, is an M/M/1/K: (1 - ρ) ρ^K / (1 - ρ^(K+1)) find it full."""
    room, rho = places + 1, 0.8
    full = (1 - rho) * rho**room / (1 - rho ** (room + 1))
    world = ("load.rate=80/s", "load.size=1B", "stations.cores.ops.render={exponential: {mean: 10ms}}",
             "stations.database.ops.query=0s")  # fmt: skip

    def refused(play: Summary) -> float:
        return play.ops["get"].refused / play.ops["get"].offered

    queue = f"stations.workers={{servers: 1, vcpu: 0, queue: {places}}}"
    holds(measured(refused, "as-it-is", *world, queue), full, 0.1 * full)
    endless = measured(refused, "as-it-is", *world, "stations.workers={servers: 1, vcpu: 0}")
    assert max(endless) == 0, "a mutant without an end of the line"


@pytest.mark.parametrize(("step", "rate", "service"), [("as-it-is", 50, 10e-3), ("index", 5_000, 0.1e-3)])
def test_an_index_carries_a_hundred_times_the_requests(step: str, rate: int, service: float) -> None:
    """A database that only touches rows is an M/D/1: half busy at 50/s with 10,000 rows, at 5,000/s with 100."""
    world = (f"load.rate={rate}/s", "stations.database={servers: 1, ops: {query: {per_item: 1us}}}")
    wait = md1(0.5, service) - service
    holds(measured(waited("database"), step, *world), wait, 0.1 * wait)
    by_luck = f"stations.database.ops.query={{fixed: {{exponential: {{mean: {service}s}}}}}}"
    assert min(measured(waited("database"), step, *world, by_luck)) > 1.3 * wait, "a mutant: twice the wait"


@pytest.mark.parametrize(("step", "part"), [("hedge", 1.0), ("payload", 0.25)])
def test_a_quarter_of_the_payload_is_a_24th_of_the_wait(step: str, part: float) -> None:
    """The card is an M/G/1: 40 % or 10 % busy, for 2 ms or 0.5 ms a page."""
    world = ("load.rate=200/s", "load.size={lognormal: {mean: 250kB, cv: 0.8}}", "stations.nic.servers=1")
    wait = pollaczek_khinchine(0.4 * part, SEND * part, 0.8**2)
    holds(measured(waited("nic"), step, *world), wait, 0.15 * wait)
    alike = measured(waited("nic"), step, *world, "load.size=250kB")
    assert max(alike) < 0.8 * wait, "a mutant whose pages are all of one size"


def test_a_cache_spares_the_database_what_it_finds() -> None:
    """Che, with a ttl from the fill; who misses keeps a server busy for 13.8 ms, the mean, and 100 rows."""
    database = "stations.database={servers: 12, ops: {query: {fixed: 13.8ms, per_item: 1us}}}"
    found = plays("cache", database)
    theory = che_lru(zipf(100_000, 0.9), 400, 10_000, 300).hit_ratio
    holds([p.caches["pages"].hits / p.caches["pages"].lookups for p in found], theory, 0.005)
    busy = 400 * (1 - theory) * 13.9e-3 / 12
    holds([p.stations["database"].utilization[0] for p in found], busy, 0.05 * busy)
    smaller = plays("cache", "caches.pages={entries: 5k, ttl: 300s, start: warm}", database)
    assert max(p.caches["pages"].hits / p.caches["pages"].lookups for p in smaller) < theory - 0.03, "half the room"


@pytest.mark.parametrize(("step", "found"), [("hedge", False), ("cache", True)])
def test_who_asks_again(step: str, found: bool) -> None:
    """The stuck twentieth, and who needs more than 19.9 ms of 4 ms by luck; behind a cache only those who miss."""
    missing = 1 - che_lru(zipf(100_000, 0.9), 400, 10_000, 300).hit_ratio if found else 1.0
    share = missing * (0.05 + 0.95 * exp(-19.9 / 4))
    holds(measured(again, step), share, 0.1 * share)
    stuck = "{mixture: [{share: 90%, exponential: {mean: 4ms}}, {share: 10%, constant: 200ms}]}"
    twice = measured(again, step, f"stations.database.ops.query.fixed={stuck}")
    assert min(twice) > 1.4 * share, "a mutant with twice as many stuck queries"
