"""Hot counters, one key that all increments go to: contention, age and error of a row, parts, batches and samples.

λ likes and μ reads a second; an increment keeps its row for A seconds, a read for G. Everything else is arithmetic:
the line before one row is M/G/1 (Pollaczek and Khinchine), a batch is a Poisson process between two ticks, a sample a
binomial.
"""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev
from typing import Any

import pytest
from bands import holds

from simsys import draws
from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario

ADD, GET, PARTS = 100e-6, 20e-6, 8
LIKES, READS = 4_000.0, 6_000.0

WORLD = """
load: {{rate: {rate}/s, mix: {{like: {likes}%, read: {reads}%}}, keys: {{count: 1}}}}
stations: {{counters: {{shards: 8, ops: {{add: 100us, get: 20us}}}}}}
batches: {{tick: {tick}}}
strategies: [{{flow: {{name: count, like: [{like}], read: [{read}]}}}}]
run: {{duration: {duration}s, warmup: 10%, replications: {replications}, seed: 11}}
"""
COUNTED = "{mark: fresh}, {mark: counted}"
GET_ONE, ADD_ONE = "{visit: counters.get, key: key}", "{visit: counters.add, key: key}"
GET_ALL, ADD_ANY = "{visit: counters.get, key: key, n: 8, over: 8}", "{visit: counters.add, key: key, of: 8}"
FOUR = ADD_ANY.replace("8", "4"), GET_ALL.replace("8", "4")
TICK = "{size: 1000000, linger: 50ms}"


def plays(like: str, read: str = GET_ONE, tick: str = TICK, replications: int = 10, **more: Any) -> list[Summary]:
    likes, reads, duration = more.get("likes", LIKES), more.get("reads", READS), more.get("duration", 5)
    text = WORLD.format(
        rate=likes + reads, likes=100 * likes / (likes + reads), reads=100 * reads / (likes + reads), tick=tick,
        like=like, read=read, duration=duration, replications=replications,
    )  # fmt: skip
    setting = settings(load_scenario(text))[0]
    return [play_once(setting, r, "compiled") for r in range(replications)]


def busy_at_home(found: list[Summary]) -> list[float]:
    """How busy the key's own shard is."""
    return [one.stations["counters"].utilization[draws.shard_of(0.0, 8)] for one in found]


def waits(found: list[Summary]) -> list[float]:
    return [one.stations["counters"].wait / one.stations["counters"].served for one in found]


def ages(found: list[Summary]) -> list[float]:
    return [one.ops["like"].fresh.mean or 0.0 for one in found]


# -- contention -------------------------------------------------------------------------------------------------------


def pollaczek(likes: float, reads: float) -> tuple[float, float]:
    """How busy one server is, and how long one waits for it (s), under such Poisson streams of both."""
    busy = likes * ADD + reads * GET
    return busy, (likes * ADD**2 + reads * GET**2) / 2 / (1 - busy)


def test_one_row_is_one_line() -> None:
    """4,000 likes and 6,000 reads a second keep one of eight shards 52 % busy, and all wait for 44 us."""
    busy, wait = pollaczek(LIKES, READS)
    assert busy == pytest.approx(0.52) and wait == pytest.approx(44.2e-6, rel=0.01)
    found = plays(f"{ADD_ONE}, {COUNTED}")
    holds(busy_at_home(found), busy, 0.01)
    holds(waits(found), wait, 0.03 * wait)
    assert sorted(found[0].stations["counters"].utilization)[:-1] == [0.0] * 7


def test_parts_divide_the_likes_and_not_the_reads() -> None:
    """Each shard has an eighth of the likes and all reads: 17 %. With parts without end it would be 12 %."""
    busy, wait = pollaczek(LIKES / PARTS, READS)
    assert (busy, pollaczek(0, READS)[0]) == pytest.approx((0.17, 0.12))
    found = plays(f"{ADD_ANY}, {COUNTED}", GET_ALL)
    holds(busy_at_home(found), busy, 0.005)
    holds(waits(found), wait, 0.03 * wait)


def test_parts_pay_only_where_likes_are_the_larger_part() -> None:
    """48,000 reads a second leave one row overrun, and so are eight parts: what is read grows with the parts."""
    for parts in (1, PARTS, 100):
        assert pollaczek(LIKES / parts, 48_000)[0] > 0.95
    work = [found.ops["read"].work / found.ops["read"].offered for found in plays(ADD_ANY, GET_ALL, replications=2)]
    assert work == pytest.approx([PARTS * GET] * 2)


@pytest.mark.parametrize(
    ("like", "read"),
    [(ADD_ONE, GET_ALL), (ADD_ANY, GET_ONE), (FOUR[0], GET_ALL), (ADD_ANY, FOUR[1])],
    ids=["all likes for one part", "one part is read", "half of the parts", "half of them are read"],
)
def test_mutants_of_parts(like: str, read: str) -> None:
    found, (busy, wait) = plays(f"{like}, {COUNTED}", read), pollaczek(LIKES / PARTS, READS)
    with pytest.raises(AssertionError):
        holds(busy_at_home(found), busy, 0.005)
        holds(waits(found), wait, 0.03 * wait)


# -- age ---------------------------------------------------------------------------------------------------------------


def ticked(rate: float, linger: float) -> tuple[float, float]:
    """Batches per second, and how long a member waits on average (s): the first for all of it, the others for half."""
    later = rate * linger
    return 1 / (linger + 1 / rate), linger * (1 + later / 2) / (1 + later)


BATCHED = f"{{start: [{{join: tick, do: [{ADD_ONE}]}}, {COUNTED}]}}"


def test_a_batch_makes_one_increment_of_a_tick_and_is_late_by_half_of_it() -> None:
    rate, age = ticked(LIKES, 0.05)
    assert rate == pytest.approx(19.9, abs=0.01) and age == pytest.approx(25.1e-3, abs=1e-4)
    found = plays(BATCHED)
    busy = rate * ADD + READS * GET
    holds(busy_at_home(found), busy, 0.005)
    holds(ages(found), age + ADD + pollaczek(0, READS)[1], 1e-4)
    assert max(one.ops["like"].latency.max or 0.0 for one in found) == 0.0, "whoever likes is answered at once"


def test_a_batch_that_is_full_waits_for_its_last_member() -> None:
    """100 likes at 4,000 a second: 40 increments a second, (100 - 1) / 2 arrivals late."""
    found = plays(BATCHED, tick="{size: 100, linger: 50ms}", duration=20)
    holds(busy_at_home(found), LIKES / 100 * ADD + READS * GET, 0.005)
    holds(ages(found), 99 / 2 / LIKES + ADD + pollaczek(0, READS)[1], 2e-4)


@pytest.mark.parametrize(
    "mutant",
    [{"like": f"{ADD_ONE}, {COUNTED}"}, {"like": BATCHED, "tick": "{size: 1000000, linger: 25ms}"},
     {"like": BATCHED, "tick": "{size: 20, linger: 50ms}"}],
    ids=["no batch", "half a tick", "small batches"],
)  # fmt: skip
def test_mutants_of_batches(mutant: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        holds(ages(plays(**mutant)), ticked(LIKES, 0.05)[1] + ADD, 2e-4)


# -- error -------------------------------------------------------------------------------------------------------------

SAMPLED = "{{chance: {}, then: [{}, {{mark: counted, n: {}}}]}}"


def counted(like: str) -> list[float]:
    """What the counter says for every like that there was, per replication."""
    likes = [one.ops["like"] for one in plays(like, replications=60, duration=1)]
    return [like.marked["counted"] / like.offered for like in likes]


def test_one_in_a_hundred_counts_right_on_average_and_errs_by_its_root() -> None:
    """A share p of n likes, each as 1/p: the error is sqrt((1 - p) / (p n)), of 3,600 likes a sixth."""
    p, n = 0.01, 0.9 * LIKES
    error = sqrt((1 - p) / (p * n))
    assert error == pytest.approx(0.166, abs=0.001)
    found = counted(SAMPLED.format("1%", ADD_ONE, 100))
    holds(found, 1.0, 4 * error / sqrt(60))
    assert stdev(found) == pytest.approx(error, rel=3 / sqrt(2 * 59))


def test_sampling_leaves_one_increment_in_a_hundred() -> None:
    found = plays(SAMPLED.format("1%", ADD_ONE, 100))
    holds(busy_at_home(found), LIKES / 100 * ADD + READS * GET, 0.005)


@pytest.mark.parametrize(("p", "weight"), [("1%", 50), ("2%", 100)])
def test_mutants_of_samples(p: str, weight: int) -> None:
    found = counted(SAMPLED.format(p, ADD_ONE, weight))
    assert abs(fmean(found) - 1.0) > 6 * stdev(found) / sqrt(60)


def test_a_larger_share_errs_less() -> None:
    found = counted(SAMPLED.format("10%", ADD_ONE, 10))
    assert stdev(found) == pytest.approx(sqrt(0.9 / (0.1 * 0.9 * LIKES)), rel=3 / sqrt(2 * 59))
