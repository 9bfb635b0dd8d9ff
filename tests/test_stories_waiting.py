"""A story in closed form: who waits behind the singer, readers and everybody else's posts.

The singer has 90 M followers, 180,000 batches; played is 1/100 or 1/10 of both, so that all that grows with the fan-out
is 1/100 or 1/10 of the story's. Ordinary authors have 200 followers, one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from worlds import Arrivals, run_plan, station

from simsys.experiment.rows import rows
from simsys.measure.log import Log
from simsys.measure.meter import summarise
from simsys.measure.summary import Scope, Summary
from simsys.stations import Station
from simsys.steps import ANY, Start, Visit
from simsys.strategies.feed.push import Push

EXACT = 1e-9
FOLLOWERS, SCALE = 90e6, 100
BATCH, HELD, BUSY = 500, 5e-3, 0.5e-3


def world(workers: int, timelines: Station) -> dict[str, Station]:
    """Nothing costs time but the timelines; `workers` are held, the own lane has as many."""
    return {
        "api": station("unlimited", post="0s", read="0s"),
        "network": station("unlimited", same_zone="0s"),
        "database": station("unlimited", insert="0s"),
        "wal": station("unlimited", flush="0s"),
        "workers": station(workers, send="0s"),
        "celebrity_workers": station(workers),
        "timelines": timelines,
    }


def feed(push: Push) -> Any:
    """Posts as `push` delivers them; a request without followers is a read."""

    def plan(r: Any) -> Iterator[Any]:
        if r.followers > 0:
            yield from push.post(r)
        else:
            yield from push.timeline(r)

    return plan


def story(
    plan: Any, stations: Mapping[str, Station], posts: Sequence[tuple[float, float]], reads: Sequence[float]
) -> Log:
    """A play of (time, followers) and of reads at these times."""
    arrivals = sorted([*posts, *((time, 0.0) for time in reads)])
    times, followers = zip(*arrivals, strict=True)
    ones, users = [1.0] * len(times), [float(k) for k in range(len(times))]
    given = Arrivals(times, op="post", followers=followers, active=ones, page=ones, user=users)
    return run_plan(plan, stations, given)


def waits(log: Log) -> list[float]:
    return [r.wait for r in log.requests if r.followers == 0]


# 1. Readers behind k workers that are always full, at one shard


def always_full(workers: int, reads: int = 200) -> list[float]:
    """Waits of reads whose arrivals are spread evenly over the service of a batch, each in another batch."""
    one_shard = station(1, push={"fixed": f"{BUSY}s"}, range="0s")
    batches = 4 * workers + 3 * reads
    times = [(2 * workers + 2 * k + (k + 0.5) / reads) * BUSY for k in range(reads)]
    return waits(story(feed(Push(batch=BATCH)), world(workers, one_shard), [(0.0, batches * BATCH)], times))


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_s7_a_read_waits_for_the_batches_of_all_workers(workers: int) -> None:
    """Between k - 1 and k services, k - 1/2 on average: .25, .75, 3.75 and 31.75 ms."""
    waited = always_full(workers)
    assert (workers - 1) * BUSY - EXACT <= min(waited) and max(waited) <= workers * BUSY + EXACT
    assert fmean(waited) == pytest.approx((workers - 0.5) * BUSY, rel=1e-6)


def test_s7_mutant_workers_that_are_let_go_leave_all_batches_in_line() -> None:
    """The read waits for the whole fan-out, not for as many batches as there are workers."""

    def unheld(r: Any) -> Iterator[Any]:
        if r.followers == 0:
            yield from Push().timeline(r)
        else:
            yield Start(Push().write, n=r.followers, batch=BATCH)

    one_shard = station(1, push={"fixed": f"{BUSY}s"}, range="0s")
    (waited,) = waits(story(unheld, world(8, one_shard), [(0.0, 100 * BATCH)], [4 * BUSY]))
    assert waited == pytest.approx(96 * BUSY, rel=1e-6)


# 2. The mistake to avoid: batches that stand before the shards without a worker, each on one shard


def mistake(r: Any) -> Iterator[Any]:
    def deliver(b: Any) -> Iterator[Any]:
        yield Visit("workers", "send")
        yield Visit("timelines", "push", n=b.size, key=ANY)

    if r.followers == 0:
        yield from Push().timeline(r)
    else:
        yield Start(deliver, n=r.followers, batch=BATCH)


def test_s7_the_mistake_lets_reads_wait_for_seconds_and_a_held_worker_for_milliseconds() -> None:
    """180,000 x 2.6 ms / 32 = 14.6 s, here 1/100 of it; held and spread, 64 pieces of 81 us are 5.2 ms, at any size."""
    shards, push = 32, 5.2e-6
    timelines = station(1, shards=shards, push="5.2us", range="0s")
    when = [1e-3 + 1e-6 * k for k in range(400)]
    wrong = story(mistake, world(64, timelines), [(0.0, FOLLOWERS / SCALE)], when)
    busy = wrong.stations["timelines"].busy
    assert sum(busy) / shards == pytest.approx(14.625 / SCALE, rel=EXACT)
    assert max(waits(wrong)) == pytest.approx(max(busy), abs=1.5e-3)
    right = story(feed(Push(batch=BATCH)), world(64, timelines), [(0.0, FOLLOWERS / SCALE)], when)
    pieces = 64 * BATCH / shards * push
    assert pieces == pytest.approx(5.2e-3, rel=EXACT)
    assert 0.9 * pieces < fmean(waits(right)) and max(waits(right)) <= pieces + EXACT
    assert max(waits(wrong)) > 25 * max(waits(right))


# 3. First come, first served: 281 ordinary posts arrive during the fan-out (here 1/10 of it, at ten times the rate)

RATE, TEN = 200.0, 10
BATCHES, WORKERS = round(FOLLOWERS / TEN / BATCH), 64
LAST = ceil(BATCHES / WORKERS) * HELD


class TwoKinds(Arrivals):
    """A singer at time 0, and ordinary posts at even distances."""

    def __init__(self, seconds: float) -> None:
        count = round(seconds * RATE)
        times = [0.0, *((k + 0.5) / RATE for k in range(count))]
        super().__init__(times, stop=seconds, followers=[FOLLOWERS / TEN] + [200.0] * count, active=[1.0] * len(times))
        self.ops = ("post", "singer")

    def chunks(self) -> Iterator[Any]:
        for chunk in super().chunks():
            chunk.op[0] = 1
            yield chunk


def crowd(seconds: float, push: Push) -> Log:
    timelines = station("unlimited", push={"fixed": f"{HELD}s"})
    return run_plan(push.post, world(WORKERS, timelines), TwoKinds(seconds))


def fresh(log: Log) -> list[float]:
    """Seconds from each ordinary post to its delivery, in order of arrival."""
    return [m.time - log.requests[m.request].arrival for m in log.marks if log.requests[m.request].op == "post"]


def test_s7_ordinary_posts_stand_behind_the_singer() -> None:
    """Each starts in the round that its place in the line gives it: 281 wait .70 s on average (1/10 of 7.0 s)."""
    delays = fresh(crowd(1.5, Push(batch=BATCH)))
    arrivals = [(k + 0.5) / RATE for k in range(len(delays))]
    starts = [(BATCHES + k) // WORKERS * HELD for k in range(len(delays))]
    expected = [max(begin, t) + HELD - t for begin, t in zip(starts, arrivals, strict=True)]
    behind = [delay for delay, t in zip(delays, arrivals, strict=True) if t < LAST - HELD]
    assert delays[: len(behind)] == pytest.approx(expected[: len(behind)], rel=EXACT)
    assert len(behind) == 281
    assert fmean(behind) == pytest.approx(0.70, abs=0.02)


def test_s7_a_lane_of_their_own_keeps_them_waiting_for_nobody() -> None:
    delays = fresh(crowd(1.5, Push(batch=BATCH, lane=1e6)))
    assert delays == pytest.approx([HELD] * 300, rel=EXACT)


# 4. The window makes the p99 (times 1/10 of the story's: a minute is 6 s)


def summed(log: Log, ops: tuple[str, str], second: Callable[[Any], Any], disturbed: float) -> Summary:
    """The summary of a log whose requests are of two operations."""
    batches = []
    for batch in log.batches:
        requests = batch.requests.copy()
        requests["op"] = second(requests)
        batches.append(batch._replace(requests=requests))
    log = replace(log, ops=ops, batches=batches)
    return summarise(log, Scope(ops, None, True, disturbed), dict.fromkeys(log.stations, float("inf")))


def figures(log: Log, *ops: str) -> dict[str, float | None]:
    """What the tool reports of these operations, taken as one."""
    told = [op in ops for op in log.ops]
    summary = summed(log, ("other", "post"), lambda r: np.array(told)[r["op"]], 0.0)
    return {row.metric: row.value for row in rows("push", [summary], saturated=False) if row.subject == "post"}


@pytest.mark.parametrize(("seconds", "p99"), [(6, 1.35), (60, 0.81), pytest.param(360, HELD, marks=pytest.mark.long)])
def test_s7_the_p99_of_a_run_depends_on_its_length_the_worst_window_does_not(seconds: float, p99: float) -> None:
    """13.46 s in a minute, 8.07 s in ten, 5 ms in an hour; the worst 10 s (100 s of the story) always say the same."""
    told = figures(crowd(seconds, Push(batch=BATCH)), "post")
    assert told["fresh_p99"] == pytest.approx(p99, abs=2 * HELD)
    in_window = min(seconds, 10) * RATE
    assert told["fresh_p99_worst"] == pytest.approx(LAST - in_window / 100 / RATE, abs=2 * HELD)


def test_s7_a_post_to_many_counts_as_many_deliveries() -> None:
    """With a lane of its own, a count per post (a mutant) keeps 50 ms at the p99 that 97 % of all deliveries miss."""
    log = crowd(6, Push(batch=BATCH, lane=1e6))
    deliveries = {m.request: m.time - log.requests[m.request].arrival for m in log.marks}
    per_post = sorted(deliveries.values())
    assert len(per_post) == 1_201 and per_post[-1] == pytest.approx(LAST, rel=EXACT)
    assert per_post[ceil(0.99 * 1_201) - 1] < 0.05
    mine = sum(m.n for m in log.marks if log.requests[m.request].op == "singer") / sum(m.n for m in log.marks)
    assert mine == pytest.approx(9e6 / (9e6 + 0.24e6), rel=EXACT)
    told = figures(log, "post", "singer")["fresh_p99"]
    assert told == pytest.approx((1 - 0.01 / mine) * BATCHES / WORKERS * HELD, abs=2 * HELD)


def test_s7_how_soon_readers_have_recovered() -> None:
    """A fan-out of 3.2 s, and 7.5 % of reads, at one shard, 1 s into the run: its fourth second is the last slow."""
    one_shard = station(1, push={"fixed": f"{BUSY}s"}, range={"fixed": "50us"})
    reads = [k / 1_500 for k in range(9_000)]
    log = story(feed(Push(batch=BATCH)), world(8, one_shard), [(1.0, 3.2 / BUSY * BATCH)], reads)
    told = summed(log, ("read", "post"), lambda r: r["followers"] > 0, 1.0)
    assert told.ops["read"].recovery == 4.0
