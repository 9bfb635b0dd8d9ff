"""Staleness in tiny worlds, where the answer can be counted."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import Arrivals, run_plan, station

from simsys.draws import exp
from simsys.measure.log import Log
from simsys.measure.staleness import Following, deliveries, stale_shares
from simsys.steps import Mark, Start, Visit

FOLLOWING = Following(users=1000.0, mean=10.0, rate=0.0)
STATIONS = {"store": station(1, put="1s"), "db": station("unlimited", insert="1s")}


def deliver(b: Any) -> Any:
    yield Visit("store", "put")
    yield Mark("fresh", n=b.size)


def plan(r: Any) -> Any:
    """Posts have followers; reads have none and do nothing."""
    yield Visit("db", "insert", n=r.followers > 0)
    yield Start(deliver, n=r.followers, batch=50)


def world(reads: list[float]) -> tuple[Log, list[Any]]:
    """A post to 100 followers at 0, accepted at 1, delivered in halves at 2 and 3; reads at the given times."""
    times = [0.0, *reads]
    log = run_plan(
        plan,
        STATIONS,
        Arrivals(times, followers=[100.0] + [0.0] * len(reads), following=[10.0] * len(times)),
        plain=False,
    )
    return log, log.requests[1:]


def test_a_reader_lacks_what_is_accepted_and_not_yet_delivered() -> None:
    log, reads = world([0.5, 1.5, 2.5, 3.5])
    stale, unfound = stale_shares(reads, log, FOLLOWING)
    assert stale.tolist() == pytest.approx([0, 1 - exp(-0.1), 1 - exp(-0.05), 0], abs=1e-12)
    assert unfound.tolist() == [0, 0, 0, 0]


def test_who_follows_twice_as_many_lacks_twice_as_many() -> None:
    log, reads = world([1.5])
    reads[0].following = 20.0
    assert stale_shares(reads, log, FOLLOWING)[0].tolist() == pytest.approx([1 - exp(-0.2)])


def test_a_cached_answer_lacks_what_came_since_it_was_made() -> None:
    log, reads = world([10.0])
    reads[0].age = 4.0
    posts = Following(users=1000.0, mean=10.0, rate=0.25)
    assert stale_shares(reads, log, posts)[0].tolist() == pytest.approx([1 - exp(-1.0)])


def test_a_brought_reader_does_not_find_what_has_not_reached_it() -> None:
    log, reads = world([1.5, 2.5, 3.5])
    for read in reads:
        read.parent = 0
    assert stale_shares(reads, log, FOLLOWING)[1].tolist() == [1.0, 0.5, 0.0]


def test_deliveries_count_each_follower_once() -> None:
    log, _ = world([])
    (post,) = deliveries(log, FOLLOWING).values()
    assert (post.accepted, post.times.tolist(), post.reached.tolist()) == (1.0, [2.0, 3.0], [0.0, 0.5, 1.0])
