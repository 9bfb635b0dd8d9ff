"""Materialised views: how old what is read is, what a refresh costs, and who has to wait for it.

A refresh every T that takes D leaves a change unseen for T / 2 + D on average: at half the age it costs twice as much.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from bands import each, holds

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario

RATE, SERVED, SERVERS = 100.0, 29e-3, 4
LINGER, SCAN, CONNECTIONS = 10.0, 1.0, 2
PERIOD = LINGER + 1 / RATE

WORLD = """
load: {{rate: {rate}, arrivals: {arrivals}, mix: {mix}}}
stations:
  database: {{servers: 4, ops: {{insert: 29ms, scan: 1s}}}}
  view: {{servers: 1, ops: {{read: 1ms}}}}
batches: {{changes: {{size: 1000000, linger: {linger}}}}}
caches: {{answers: {{entries: 1, ttl: {linger}, on_expiry: {on_expiry}, start: cold}}}}
strategies:
  - flow: {{name: view, order: [{{visit: database.insert}}, {{start: [{refresh}, {{mark: fresh}}]}}], read: {read}}}
run: {{duration: 210s, warmup: 10s, replications: {replications}, seed: 4}}
"""
SCANS = "[{each: 2, do: [{visit: database.scan}]}]"
EVERY = f"{{join: changes, do: {SCANS}}}"


def world(
    refresh: str = EVERY,
    read: str = "[{visit: view.read}]",
    rate: str = "100/s",
    mix: str = "{order: 100%, read: 0%}",
    arrivals: str = "regular",
    linger: str = "10s",
    on_expiry: str = "none",
    replications: int = 1,
) -> str:
    return WORLD.format(
        refresh=refresh, read=read, rate=rate, mix=mix, arrivals=arrivals, linger=linger, on_expiry=on_expiry,
        replications=replications,
    )  # fmt: skip


def played(text: str) -> Result:
    return run(load_scenario(text, [], "views"), jobs=1, engine="compiled")


def value(result: Result, subject: str, metric: str) -> float:
    found = result.value("view", subject, metric)
    assert found is not None
    return found


@pytest.mark.parametrize("linger", [5.0, 10.0, 20.0])
def test_age_is_half_the_period_and_the_refresh_and_costs_what_it_is_less(linger: float) -> None:
    """(age − D) · load = D · connections / (2 · servers), whatever the period: the insert is on the way, too."""
    result = played(world(linger=f"{linger}s"))
    age = value(result, "order", "fresh_mean") - value(result, "order", "latency_mean")
    assert age == pytest.approx(linger / 2 + SCAN, rel=0.03)
    assert value(result, "order", "fresh_max") == pytest.approx(linger + SCAN, abs=0.5)
    load = value(result, "database", "utilization") - RATE * SERVED / SERVERS
    assert (age - SCAN) * load == pytest.approx(SCAN * CONNECTIONS / (2 * SERVERS), rel=0.1)


def test_without_a_period_a_change_is_seen_at_once() -> None:
    result = played(world(refresh="{visit: view.read}"))
    assert value(result, "order", "fresh_max") < 0.1


def test_everybody_else_waits_while_a_refresh_has_half_of_the_connections() -> None:
    """A fluid: inserts pile up while the scan lasts, and are worked off by all connections after it. Whoever comes
    just too late to be served during the scan waits the longest.
    """
    result = played(world())
    left = (SERVERS - CONNECTIONS) / SERVED
    behind = (RATE - left) * SCAN
    over = behind / (SERVERS / SERVED - RATE)
    waits = behind * (SCAN + over) / 2 / (RATE * PERIOD)
    assert value(result, "order", "wait_mean") == pytest.approx(waits, rel=0.05)
    assert value(result, "order", "latency_max") == pytest.approx(SERVED + SCAN * (1 - left / RATE), rel=0.03)


@pytest.mark.parametrize("refresh", [EVERY.replace("2, do", "2, width: 1, do"), "{join: changes, do: []}"])
def test_with_three_connections_left_nobody_else_waits(refresh: str) -> None:
    assert value(played(world(refresh=refresh)), "order", "wait_mean") < 0.001


LOCKED = f"{{join: changes, do: [{{hold: view, do: {SCANS}}}]}}"
MIXED = {"mix": "{order: 50%, read: 50%}", "rate": "40/s", "arrivals": "poisson", "replications": 10}


def test_a_refresh_that_locks_keeps_readers_out_for_half_of_it() -> None:
    """Those who come during D wait for D / 2 and for each other: D² / (2 T (1 − ρ)) of all, and D at the most."""
    result = played(world(refresh=LOCKED, **MIXED))
    period, busy = LINGER + 1 / 20, 20 * 1e-3
    holds(each(result, "read", "wait_mean"), SCAN**2 / (2 * period * (1 - busy)), band=0.01)
    assert value(result, "read", "latency_max") == pytest.approx(SCAN, abs=0.1)


def test_a_refresh_without_a_lock_keeps_nobody_out() -> None:
    result = played(world(**MIXED))
    assert value(result, "read", "wait_mean") < 0.001


ON_READ = f"[{{lookup: answers, key: 0, hit: [], miss: [{SCANS[1:-1]}, {{fill: answers, key: 0}}]}}]"


def on_read(on_expiry: str, ttl: str = "5s") -> Result:
    """Reads only: the connections are asked for nothing but scans."""
    told = {**MIXED, "mix": "{order: 0%, read: 100%}", "linger": ttl, "on_expiry": on_expiry, "rate": "10/s"}
    return played(world(read=ON_READ, **told))


def scans(on_expiry: str) -> Sequence[float]:
    """Refreshes per second."""
    return [visits / CONNECTIONS for visits in each(on_read(on_expiry), "database", "throughput")]


def test_whoever_reads_what_is_too_old_refreshes_it() -> None:
    """One refresh per ttl, and the time until somebody asks, and the refresh itself; to one in the 200 s."""
    assert scans("single_flight") == pytest.approx([1 / (5 + 1 / 10 + SCAN)] * 10, abs=1 / 200)


@pytest.mark.parametrize("ttl", [5.0, 10.0])
def test_what_is_read_meanwhile_is_half_a_ttl_old(ttl: float) -> None:
    """Since the end of its scan, that is; it is as old as the scan when it comes."""
    result = on_read("single_flight", f"{ttl}s")
    holds(each(result, "answers", "age_mean"), ttl / 2, band=0.2)
    assert value(result, "answers", "age_max") <= ttl


def test_without_single_flight_all_who_find_it_too_old_do() -> None:
    """Ten more come while the first one scans, and none of them is spared."""
    assert min(scans("none")) > 5 / (5 + 1 / 10 + SCAN)


def foreseen(*changes: str) -> float:
    (setting,) = settings(load_scenario(world(), list(changes)))
    return next(load.utilization for load in setting.loads if load.station == "database")


def test_the_load_is_foreseen_by_the_members_of_a_batch() -> None:
    """One member in 1,001 plays the refresh; in batches of one, the connections would be asked for 50 times over."""
    load = RATE * SERVED + CONNECTIONS * SCAN / PERIOD
    assert foreseen() == pytest.approx(load / SERVERS, rel=1e-3)
    assert foreseen() == pytest.approx(value(played(world()), "database", "utilization"), rel=0.02)
    alone = RATE * (SERVED + CONNECTIONS * SCAN)
    assert foreseen("batches.changes.size=1") == pytest.approx(alone / SERVERS, rel=1e-3)


def test_a_key_that_all_ask_for_is_foreseen_as_one() -> None:
    told = {**MIXED, "mix": "{order: 50%, read: 50%}", "linger": "5s"}
    (setting,) = settings(load_scenario(world(read=ON_READ, **told)))
    assert setting.hit_ratios["answers"] == pytest.approx(20 * 5 / (1 + 20 * 5), rel=0.01)
