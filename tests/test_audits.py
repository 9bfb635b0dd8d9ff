"""Audits hold on a run, and each is broken by the mistake it is there for."""

from __future__ import annotations

from typing import Any

from worlds import Arrivals, checks, run_plan, station

from simsys.measure.log import DONE, INSIDE, Log
from simsys.steps import SPREAD, Hold, Start, Visit

STATIONS = {
    "web": station(2),
    "store": station(1, get="0.3s", shards=3),
    "wire": station("unlimited", trip="0.1s"),
}


def work(r: Any) -> Any:
    yield Visit("wire", "trip")
    yield Visit("store", "get", n=3, key=SPREAD)


def plan(r: Any) -> Any:
    yield Hold("web", work)
    yield Start(work, n=2)


def played() -> Log:
    return run_plan(plan, STATIONS, Arrivals([0, 0.1, 0.2, 0.3, 2, 2]))


def failing(log: Log) -> list[str]:
    return [check.name for check in checks(log) if not check.ok]


def test_all_identities_hold() -> None:
    log = played()
    assert failing(log) == []
    assert {check.name for check in checks(log)} >= {"flow balance", "little", "little web", "utilization store"}


def test_a_lost_request_breaks_flow_balance_and_little() -> None:
    log = played()
    (batch,) = log.batches
    log.batches = [batch._replace(requests=batch.requests[1:], paths=batch.paths[1:])]
    assert failing(log) == ["flow balance", "little"]


def test_a_wrong_end_breaks_little() -> None:
    log = played()
    log.batches[0].requests["end"][0] += 1e-6
    assert failing(log) == ["little"]


def test_a_request_counted_as_done_too_early_breaks_flow_balance() -> None:
    log = played()
    log.inside += 1
    assert log.batches[0].requests["status"][0] == DONE
    assert "flow balance" in failing(log)


def test_a_wrong_sojourn_breaks_the_stations_little() -> None:
    log = played()
    log.stations["store"].sojourns *= 1 + 1e-7
    assert failing(log) == ["little store"]


def test_service_charged_to_nobody_breaks_the_utilization_law() -> None:
    log = played()
    log.stations["store"].busy[1] += 1e-7
    assert failing(log) == ["utilization store"]


def test_who_is_still_inside_has_spent_its_time_until_the_end() -> None:
    """The last two requests, at 2, are still at it; mutants count them as if they had ended at 0, or nothing since."""
    log = played()
    requests = log.batches[0].requests
    late = requests["arrival"] == 2
    requests["status"][late] = INSIDE
    log.inside, log.since = int(late.sum()), 2.0
    log.area = float((requests["end"] - requests["arrival"])[~late].sum())
    assert late.sum() == 2 and failing(log) == []
