"""The reference engine, step by step: tiny worlds, literal logs."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Arrivals, Clients, checks, ends, run_plan, station

from simsys.draws import shard_of
from simsys.engines.outages import Outage
from simsys.measure.log import DONE, REFUSED, TIMED_OUT
from simsys.stations import Batch
from simsys.steps import (
    ANY,
    SPREAD,
    All,
    Chance,
    Drop,
    Each,
    Fill,
    Hold,
    Join,
    Lookup,
    Mark,
    Start,
    Visit,
    Within,
)  # fmt: skip
from simsys.structures.caches import CacheSpec, make_cache

SERVER = {"server": station(1, get="1s")}


def visit(r: Any) -> Any:
    yield Visit("server", "get")


def test_one_server_serves_in_order_of_arrival() -> None:
    log = run_plan(visit, SERVER, Arrivals([0, 0.5, 5]))
    assert ends(log) == [1, 2, 6]
    assert log.stations["server"].wait == [0.5]
    assert all(check.ok for check in checks(log))


def test_two_servers() -> None:
    assert ends(run_plan(visit, {"server": station(2, get="1s")}, Arrivals([0, 0, 0, 0.5]))) == [1, 1, 2, 2]


def test_a_delay_never_waits() -> None:
    assert ends(run_plan(visit, {"server": station("unlimited", get="1s")}, Arrivals([0, 0, 0.5]))) == [1, 1, 1.5]


def test_units_cost_fixed_and_per_item() -> None:
    def plan(r: Any) -> Any:
        yield Visit("server", "get", n=3)

    assert ends(run_plan(plan, {"server": station(1, get={"fixed": "1s", "per_item": "2s"})}, Arrivals([0]))) == [7]


def test_no_units_take_no_time() -> None:
    def plan(r: Any) -> Any:
        yield Visit("server", "get", n=0)

    assert ends(run_plan(plan, SERVER, Arrivals([0]))) == [0]


def test_a_full_queue_refuses_and_ask_goes_on() -> None:
    def insist(r: Any) -> Any:
        yield Visit("server", "get")

    def ask(r: Any) -> Any:
        if not (yield Visit("server", "get", ask=True)):
            yield Visit("spare", "get")

    stations = {"server": station(1, get="1s", queue=1), "spare": station(1, get="0.25s")}
    log = run_plan(insist, stations, Arrivals([0, 0.1, 0.2]))
    assert [r.status for r in log.requests] == [DONE, DONE, REFUSED]
    assert ends(run_plan(ask, stations, Arrivals([0, 0.1, 0.2]))) == [1, 2, 0.45]


def test_a_refused_visit_ends_the_plan_and_gives_the_held_server_back() -> None:
    def inner(r: Any) -> Any:
        yield Visit("db", "get")
        yield Mark("never")

    def plan(r: Any) -> Any:
        done = yield Hold("web", inner)
        yield Mark("done" if done else "refused")
        return done

    stations = {"web": station(2), "db": station(1, get="1s", queue=0)}
    log = run_plan(plan, stations, Arrivals([0, 0.5, 2]))
    assert [m.name for m in log.marks if m.name != "never"] == ["refused", "done", "done"]
    assert [r.status for r in log.requests] == [DONE, REFUSED, DONE]
    assert log.stations["web"].inside == 0


def test_a_worker_is_held_while_its_plan_runs() -> None:
    def work(r: Any) -> Any:
        yield Visit("wire", "trip")

    def plan(r: Any) -> Any:
        yield Hold("workers", work)

    log = run_plan(plan, {"workers": station(1), "wire": station("unlimited", trip="1s")}, Arrivals([0, 0, 0]))
    assert ends(log) == [1, 2, 3]
    assert all(check.ok for check in checks(log))


def test_fork_and_join_wait_for_the_last() -> None:
    def slow(r: Any) -> Any:
        yield Visit("server", "get", n=3)

    def fast(r: Any) -> Any:
        yield Visit("other", "get")

    def plan(r: Any) -> Any:
        return (yield All(slow, fast))

    assert ends(run_plan(plan, {**SERVER, "other": station(1, get="1s")}, Arrivals([0]))) == [3]


def test_each_runs_batches_side_by_side_or_in_turns() -> None:
    def part(b: Any) -> Any:
        yield Visit("wire", "trip", n=b.size)
        yield Mark("part", n=b.size)

    def all_at_once(r: Any) -> Any:
        yield Each(part, n=5, batch=2)

    def two_at_a_time(r: Any) -> Any:
        yield Each(part, n=5, batch=2, width=2)

    def in_turns(r: Any) -> Any:
        yield Each(part, n=5, batch=2, width=1)

    wire = {"wire": station("unlimited", trip="1s")}
    log = run_plan(all_at_once, wire, Arrivals([0]))
    assert ends(log) == [2]
    assert [(round(m.time), m.n) for m in log.marks] == [(1, 1), (2, 2), (2, 2)]
    assert ends(run_plan(two_at_a_time, wire, Arrivals([0]))) == [3]
    assert ends(run_plan(in_turns, wire, Arrivals([0]))) == [5]


def test_background_work_goes_on_after_the_answer() -> None:
    def deliver(b: Any) -> Any:
        yield Visit("server", "get")
        yield Mark("fresh", n=b.size)

    def plan(r: Any) -> Any:
        yield Start(deliver, n=3, batch=2)

    log = run_plan(plan, SERVER, Arrivals([1]))
    assert ends(log) == [1]
    assert [(m.name, m.time, m.n) for m in log.marks] == [("fresh", 2, 2), ("fresh", 3, 1)]
    assert log.requests[0].work == 2


def test_within_goes_on_in_time_and_the_work_goes_on_too() -> None:
    def plan(r: Any) -> Any:
        return (yield Within(1.5, visit))

    log = run_plan(plan, SERVER, Arrivals([0, 0, 10]))
    assert ends(log) == [1, 1.5, 11]
    assert [r.status for r in log.requests] == [DONE, TIMED_OUT, DONE]
    assert log.stations["server"].visits == [3]


def test_done_at_exactly_the_limit_counts_as_done() -> None:
    def plan(r: Any) -> Any:
        return (yield Within(1.0, visit))

    assert [r.status for r in run_plan(plan, SERVER, Arrivals([0])).requests] == [DONE]


def test_beside_what_has_not_ended_in_time_another_begins_and_the_first_to_end_is_the_answer() -> None:
    def refused(r: Any) -> Any:
        yield Visit("other", "get")
        return False

    def plan(r: Any) -> Any:
        done = yield Within(1.5, visit, also=refused)
        yield Mark("done" if done else "refused")
        return done

    log = run_plan(plan, {**SERVER, "other": station(2, get="1s")}, Arrivals([0, 0, 0, 10]))
    assert ends(log) == [1, 2, 2.5, 11]
    assert [m.name for m in log.marks] == ["done", "done", "refused", "done"]
    assert [r.status for r in log.requests] == [DONE, DONE, REFUSED, DONE]
    assert log.stations["server"].visits == [4]
    assert log.stations["other"].visits == [2]


def test_a_group_commit_waits_for_its_members_or_its_linger() -> None:
    def flush(r: Any) -> Any:
        yield Visit("disk", "flush")
        yield Mark("together", n=r.size)

    def plan(r: Any) -> Any:
        yield Join("commit", flush)

    batch = {"commit": Batch.model_validate({"size": 2, "linger": "1s"})}
    disk = {"disk": station(1, flush="0.1s")}
    log = run_plan(plan, disk, Arrivals([0, 0.5, 3]), batches=batch)
    assert ends(log) == [0.6, 0.6, 4.1]
    assert log.stations["disk"].visits == [2]
    assert [m.n for m in log.marks] == [2, 1]


def test_a_cache_is_asked_filled_and_dropped() -> None:
    def plan(r: Any) -> Any:
        if not (yield Lookup("cache", r.key)):
            yield Visit("server", "get")
            yield Fill("cache", r.key)
        if r.index_of == 2:
            yield Drop("cache", r.key)

    cache = make_cache(CacheSpec.model_validate({"entries": 10, "ttl": "100s"}))
    arrivals = Arrivals([0, 2, 4, 6, 108], key=[7, 7, 7, 7, 7], index_of=[0, 1, 2, 3, 4])
    log = run_plan(plan, SERVER, arrivals, caches={"cache": cache})
    assert ends(log) == [1, 2, 4, 7, 109]
    assert [round(r.age, 6) for r in log.requests] == [0, 1, 3, 0, 0]
    assert log.caches["cache"][-1][:2] == (5, 2)


def test_chance_draws_by_name_request_and_visit() -> None:
    def plan(r: Any) -> Any:
        first = yield Chance(0.5, "coin")
        second = yield Chance(0.5, "coin")
        yield Mark(f"{first}{second}")

    log = run_plan(plan, {}, Arrivals(range(1000)))
    names = [m.name for m in log.marks]
    assert {names.count(n) // 100 for n in set(names)} <= {2, 3}
    again = [m.name for m in run_plan(plan, {}, Arrivals(range(500))).marks]
    assert again == names[:500]


def test_shards_are_chosen_by_key_and_spread_divides_evenly() -> None:
    def by_key(r: Any) -> Any:
        yield Visit("store", "get", key=r.key)

    def spread(r: Any) -> Any:
        yield Visit("store", "get", n=8, key=SPREAD)

    def anywhere(r: Any) -> Any:
        yield Visit("store", "get", key=ANY)

    store = {"store": station(1, get="1s", shards=4)}
    log = run_plan(by_key, store, Arrivals([0, 0, 0], key=[5, 5, 6]))
    assert sorted(log.stations["store"].visits) == [0, 0, 1, 2]
    log = run_plan(spread, store, Arrivals([0]))
    assert (ends(log), log.stations["store"].visits) == ([2], [1, 1, 1, 1])
    log = run_plan(anywhere, store, Arrivals([0.0] * 400))
    assert all(70 <= n <= 130 for n in log.stations["store"].visits)


def test_a_closed_loop_asks_again_after_thinking() -> None:
    log = run_plan(visit, SERVER, Clients(2, pause=1, stop=6.5))
    assert [round(r.arrival, 6) for r in log.requests] == [1, 1, 3, 4, 5, 6]


def test_a_stall_lets_everybody_wait() -> None:
    log = run_plan(visit, SERVER, Arrivals([0, 4.5, 6]), outages={"server": [Outage(5, 10)]})
    assert ends(log) == [1, 10.5, 11.5]


def test_a_slow_station_works_at_a_share_of_its_pace() -> None:
    log = run_plan(visit, SERVER, Arrivals([0, 5]), outages={"server": [Outage(5, 100, speed=0.2)]})
    assert ends(log) == [1, 10]


def test_a_station_that_is_down_refuses_new_and_waiting_visits() -> None:
    log = run_plan(visit, SERVER, Arrivals([0.5, 0.6, 1.2, 2.5]), outages={"server": [Outage(1, 2, down=True)]})
    assert [r.status for r in log.requests] == [DONE, REFUSED, REFUSED, DONE]
    assert ends(log) == [1.5, 1, 1.2, 3.5]


def test_a_shard_that_is_down_refuses_and_the_others_serve() -> None:
    def at_three(r: Any) -> Any:
        yield Visit("store", "get", key=r.key)

    store = {"store": station(1, get="1s", shards=4)}
    home, elsewhere = 5.0, 4.0
    assert (shard_of(home, 4), shard_of(elsewhere, 4)) == (3, 2)
    arrivals = Arrivals([0.5, 0.6, 0.6, 1.2, 1.2], key=[home, home, elsewhere, home, elsewhere])
    log = run_plan(at_three, store, arrivals, outages={"store": [Outage(1, 2, down=True, shard=3)]})
    assert [r.status for r in log.requests] == [DONE, REFUSED, DONE, REFUSED, DONE]
    slow = run_plan(at_three, store, arrivals, outages={"store": [Outage(0, 4, speed=0.5, shard=2)]})
    assert ends(slow) == [1.5, 2.5, 2.6, 3.5, 4.3]


def test_a_window_counts_what_happens_in_it() -> None:
    log = run_plan(visit, SERVER, Arrivals([0, 0, 0, 0], stop=3.5), begin=0.5)
    begin, stop, end = log.stations["server"].snapshots
    assert [s.busy for s in (begin, stop, end)] == [(0.5,), (3.5,), (4.0,)]
    assert [s.wait for s in (begin, stop, end)] == [(1.5,), (6.0,), (6.0,)]


def test_a_misspelt_column_is_named() -> None:
    def plan(r: Any) -> Any:
        yield Visit("server", "get", n=r.folowers)

    with pytest.raises(AttributeError, match="did you mean 'followers'"):
        run_plan(plan, SERVER, Arrivals([0], followers=[3]), plain=False)


TIMES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 2.5]), min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(times=TIMES, servers=st.integers(1, 3), shards=st.integers(1, 3), data=st.data())
def test_a_plain_station_ends_every_visit_when_a_resource_would(
    times: Any, servers: int, shards: int, data: Any
) -> None:
    """Kiefer-Wolfowitz against SimPy's Resource: the same log, with simultaneous arrivals, keys, spreading and
    forks.
    """
    times = sorted(times)
    keys = [data.draw(st.sampled_from([1.0, 2.0, 3.0])) for _ in times]
    sizes = [data.draw(st.sampled_from([1.0, 2.0, 5.0])) for _ in times]
    stations = {
        "a": station(servers, get="0.5s", shards=shards),
        "b": station(1, get={"exponential": {"mean": "0.5s"}}),
    }

    def deliver(b: Any) -> Any:
        yield Visit("a", "get", n=b.size, key=SPREAD)
        yield Mark("fresh", n=b.size)

    def plan(r: Any) -> Any:
        yield Visit("a", "get", key=r.key)
        yield Start(deliver, n=r.size, batch=2)
        yield Visit("b", "get", n=r.size)

    arrivals = Arrivals(times, key=keys, size=sizes, stop=max(times) + 1)
    one, other = (run_plan(plan, stations, arrivals, plain=plain) for plain in (True, False))
    assert [r.end for r in one.requests] == [r.end for r in other.requests]
    assert sorted(one.marks) == sorted(other.marks)
    for name in stations:
        mine, theirs = one.stations[name], other.stations[name]
        assert mine.visits == theirs.visits
        assert mine.wait == pytest.approx(theirs.wait)
        assert [s.longest for s in mine.snapshots] == [s.longest for s in theirs.snapshots]
        assert [s.busy for s in mine.snapshots] == [pytest.approx(s.busy) for s in theirs.snapshots]
    assert all(check.ok for log in (one, other) for check in checks(log))


def test_the_law_of_simultaneity_orders_ends_arrivals_and_timers() -> None:
    """At one instant: wake-ups, ends of service by number, arrivals, timers."""

    def plan(r: Any) -> Any:
        in_time = yield Within(1.0, visit)
        yield Mark("in time" if in_time else "late")

    log = run_plan(plan, {"server": station(1, get="1s", queue=0)}, Arrivals([0, 1, 2]))
    assert [(m.name, m.time) for m in log.marks] == [("in time", 1), ("in time", 2), ("in time", 3)]


def test_infinite_thresholds_follow_nobody() -> None:
    def plan(r: Any) -> Any:
        yield Mark("n", n=r.followed_above(inf) + 1)

    assert run_plan(plan, {}, Arrivals([0], following=[10])).marks[0].n >= 1
