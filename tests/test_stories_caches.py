"""Stories in closed form: the cache that is never warm, and the stampede on one key.

10 M users read 20,000 times a second, a cached feed lives for 300 s. Played is a slice of 1/100 of users, reads, posts
and room, in which every user reads as often, so that all ratios stay as they are: 20,000 reads for ±1.5 points, and
240,000 (`long`) for ±0.3.
"""

from __future__ import annotations

from math import exp, log
from statistics import fmean
from typing import Any

import pytest
from bands import holds
from worlds import logged

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import Setting, settings
from simsys.measure.meter import summarise
from simsys.measure.summary import CacheSummary, Summary
from simsys.scenario import ScenarioError, load_scenario
from simsys.theory import stampede, ttl_cold_hit_ratio, ttl_hit_ratio, ttl_mean_age, ttl_stale_ratio

USERS, READS, POSTS, FOLLOWED, TTL = 10e6, 20e3, 20.0, 200, 300.0
READ_BY_ONE = READS / USERS
NEW_FOR_ONE = POSTS * FOLLOWED / USERS
SLICE = 100
BAND = 0.015

FEED = """
load: {rate: 200.2/s, read_write_ratio: 1000:1}
population: {users: 100k, followers: 200, following: 200}
caches: {feed: {entries: 100k, ttl: 300s, start: warm}}
strategies: [cached_pull]
run: {duration: 10s, warmup: 0s, replications: 10}
"""
LONG = "run.duration=120s"


def feed(*sets: str) -> Setting:
    return settings(load_scenario(FEED, sets))[0]


def played(*sets: str) -> list[Summary]:
    setting = feed(*sets)
    return [play_once(setting, r, "compiled") for r in range(setting.scenario.run.replications or 0)]


def hit_ratios(plays: list[Summary]) -> list[float]:
    return [one.caches["feed"].hits / one.caches["feed"].lookups for one in plays]


def stale_ratio(one: Summary) -> float:
    read = one.ops["read"]
    assert read.stale is not None
    return read.stale / read.offered


# S5: the cache that is never warm


def test_s5_the_figures_of_the_story() -> None:
    assert ttl_hit_ratio(READ_BY_ONE, TTL) == pytest.approx(0.375, rel=1e-9)
    assert (1 - ttl_hit_ratio(READ_BY_ONE, TTL)) * READS == pytest.approx(12_500, rel=1e-9)
    assert ttl_mean_age(READ_BY_ONE, TTL) == pytest.approx(56.25, rel=1e-9)
    assert ttl_hit_ratio(READ_BY_ONE, 13 * 3600 + 45 * 60) == pytest.approx(0.99, rel=1e-9)
    assert ttl_stale_ratio(READ_BY_ONE, TTL, NEW_FOR_ONE) == pytest.approx((1 - (1 - exp(-0.12)) / 0.12) * 0.375)
    assert ttl_stale_ratio(READ_BY_ONE, TTL, NEW_FOR_ONE) == pytest.approx(0.0216, abs=5e-5)


@pytest.mark.parametrize(
    ("sets", "hits"),
    [
        ((), 0.375),
        (("caches.feed.ttl=49500s",), 0.99),
        (("population.online=10%",), 0.857),
        (("caches.feed.entries=10k",), 0.100),
        (("caches.feed.renew=true",), 0.451),
    ],
)
def test_s5_what_the_tool_expects_before_it_plays(sets: tuple[str, ...], hits: float) -> None:
    """The last is a mutant: a ttl that hits renew."""
    assert feed(*sets).hit_ratios["feed"] == pytest.approx(hits, abs=1e-3)


def test_s5_played() -> None:
    """Read every 500 s, kept for 300 s: 37.5 % hits, 12,500 queries a second, mean age 56.25 s, 2.16 % stale."""
    setting = feed()
    logs = [logged(setting, replication=replication) for replication in range(10)]
    plays = [summarise(log, setting.scope(), dict.fromkeys(log.stations, 1.0)) for log in logs]
    holds(hit_ratios(plays), 0.375, BAND)
    holds([one.stations["database"].throughput[0] * SLICE for one in plays], 12_500 + POSTS, BAND * READS)
    holds([fmean(r.age for r in log.requests if r.op == "read") for log in logs], 56.25, BAND * TTL)
    holds([stale_ratio(one) for one in plays], ttl_stale_ratio(READ_BY_ONE, TTL, NEW_FOR_ONE), 0.003)


def test_s5_room_for_one_in_ten() -> None:
    """LRU with room for 1 M of 10 M feeds: the characteristic time of 52.7 s rules, not the ttl."""
    holds(hit_ratios(played("caches.feed.entries=10k")), 0.100, BAND)


def test_s5_a_minute_from_cold_says_5_8_percent() -> None:
    """6.3 % without the first tenth; told apart by the window alone, on the same requests."""
    cold = ("caches.feed.start=cold", "run.duration=60s", "run.replications=1")
    (whole,), (later,) = hit_ratios(played(*cold)), hit_ratios(played(*cold, "run.warmup=10%"))
    assert ttl_cold_hit_ratio(READ_BY_ONE, TTL, 0, 60) == pytest.approx(0.058, abs=5e-4)
    assert ttl_cold_hit_ratio(READ_BY_ONE, TTL, 6, 60) == pytest.approx(0.063, abs=5e-4)
    assert whole == pytest.approx(0.058, abs=BAND)
    assert later - whole == pytest.approx(0.005, abs=0.001)


def test_s5_a_run_that_feels_its_cold_start_must_say_so() -> None:
    """Mutant: a cold start that is counted without a word."""
    cache = "caches.feed={entries: 100k, ttl: 300s}"
    with pytest.raises(ScenarioError, match="its ttl of 5 min is not much shorter than the run of 1 min"):
        load_scenario(FEED, [cache, "run.duration=60s"])
    with pytest.raises(ScenarioError, match="start: warm or start: cold"):
        load_scenario(FEED, [cache, "run.duration=1499s"])
    load_scenario(FEED, [cache, "run.duration=1500s"])


@pytest.mark.parametrize(
    ("mutant", "says"),
    [
        ("caches.feed.renew=true", 1 - exp(-READ_BY_ONE * TTL)),
        ("caches.feed.start=cold", ttl_cold_hit_ratio(READ_BY_ONE, TTL, 0, 10)),
    ],
)
def test_s5_mutants_fall_out(mutant: str, says: float) -> None:
    """A ttl that hits renew (45.1 %), and a cold start that counts."""
    hits = hit_ratios(played(mutant, "run.replications=4"))
    assert fmean(hits) == pytest.approx(says, abs=2 * BAND)
    assert min(abs(each - 0.375) for each in hits) > 3 * BAND


@pytest.mark.long
def test_s5_at_length() -> None:
    plays = played(LONG)
    holds(hit_ratios(plays), 0.375, 0.003)
    holds(hit_ratios(played(LONG, "caches.feed.entries=10k")), 0.100, 0.003)


# HERD-1: a stampede, without coalescing and with it
#
# One key, look-ups at a rate of its own, every miss loads for `recompute`; the ttl counts from the first refill. By
# default it is short: loads per expiry do not depend on it, and their rate does as the formula says.

HERD = """
load: {{rate: {rate}/s, mix: {{get: 100%}}, keys: {{count: 1}}}}
stations: {{source: {{servers: unlimited, ops: {{load: {recompute}s}}}}}}
caches: {{hot: {{entries: 1, ttl: {ttl}s, start: cold{more}}}}}
strategies: [{{flow: {{name: herd, get: [{{lookup: hot, miss: [{miss}]}}]}}}}]
run: {{requests: {requests}, replications: 10}}
"""
LOAD = "{mark: load}, {visit: source.load}, {fill: hot}"
RENEWED = "{mark: load}, {visit: source.load}, {drop: hot}, {fill: hot}"
AT_ONCE = "{mark: load}, {fill: hot}, {visit: source.load}"


def herds(rate: float, recompute: float, ttl: float, requests: int, miss: str = LOAD, more: str = "") -> Setting:
    """One key under fire; `more` is said of the cache."""
    text = HERD.format(rate=rate, recompute=recompute, ttl=ttl, requests=requests, miss=miss, more=more)
    return settings(load_scenario(text))[0]


def herd(*given: Any, **more: str) -> tuple[list[float], list[float]]:
    """Loads per expiry and loads per second of each replication."""
    setting, recompute = herds(*given, **more), given[1]
    each, per_second = [], []
    for replication in range(10):
        log = logged(setting, replication=replication)
        loads = [mark.time for mark in log.marks]
        begun: list[int] = []
        last = -recompute
        for number, time in enumerate(loads):
            if time > last + recompute:
                begun.append(number)
                last = time
        each.append(begun[-1] / (len(begun) - 1))
        per_second.append(begun[-1] / (last - loads[0]))
    return each, per_second


@pytest.mark.parametrize(
    ("rate", "recompute", "ttl", "requests"),
    [
        (10, 1, 1, 7_500),
        pytest.param(10, 1, 20, 80_000, marks=pytest.mark.long),
        pytest.param(100, 0.2, 5, 120_000, marks=pytest.mark.long),
    ],
)
def test_herd_1_every_reader_of_the_gap_loads(rate: float, recompute: float, ttl: float, requests: int) -> None:
    theory = stampede(rate, recompute, ttl)
    per_expiry, load_rate = 1 + rate * recompute, (1 + rate * recompute) / (ttl + recompute + 1 / rate)
    assert (theory.per_expiry, theory.rate) == pytest.approx((per_expiry, load_rate), rel=1e-9)
    each, per_second = herd(rate, recompute, ttl, requests)
    holds(each, per_expiry, 0.015 * per_expiry)
    holds(per_second, load_rate, 0.015 * load_rate)


def test_herd_1_one_flies_and_the_others_wait() -> None:
    """Exactly one load per expiry; mutant: a lease that runs out halfway through the load."""
    each, per_second = herd(10, 1, 1, 4_000, more=", on_expiry: single_flight")
    assert each == [1.0] * 10
    holds(per_second, 1 / (1 + 1 + 1 / 10), 0.015)
    short, _ = herd(10, 1, 1, 1_000, more=", on_expiry: single_flight, lease: 0.5s")
    assert fmean(short) == pytest.approx(2, abs=0.01)


def counted(setting: Setting) -> list[CacheSummary]:
    return [play_once(setting, replication, "compiled").caches["hot"] for replication in range(10)]


@pytest.mark.parametrize(("beta", "ttl"), [(1, 12), (2, 20)])
def test_herd_1_some_load_early(beta: float, ttl: float) -> None:
    """XFetch: who reads τ before the expiry loads with probability exp(-τ/βδ). So the first one does so when that has
    reached a Gumbel variate, on average βδ (ln λβδ + 0.577) before, and exp(1/β) do so before its fill: however many
    readers there are. Each β is the other one's mutant.
    """
    rate, recompute = 20, 1
    ahead = beta * recompute * (log(rate * beta * recompute) + 0.5772156649)
    more = f", on_expiry: early, recompute: {recompute}s, beta: {beta}"
    plays = counted(herds(rate, recompute, ttl, 60_000, more=more))
    holds([hot.loads / hot.fills for hot in plays], exp(1 / beta), 0.05 * exp(1 / beta))
    cycle = ttl - ahead + recompute
    holds([hot.lookups / rate / hot.fills for hot in plays], cycle, 0.02 * cycle)


def test_herd_1_nobody_waits_for_what_is_stale() -> None:
    """One load per expiry, and nobody waits but for the first. It is read at the same rate while it lives and while
    it is loaded: its mean age is that of both. Mutants: nothing stale is given, and it is given for half the load only.
    """
    rate, recompute, ttl = 10, 1, 3
    plays = counted(herds(rate, recompute, ttl, 10_000, more=", on_expiry: stale"))
    mean = (ttl * ttl / 2 + recompute * (ttl + 1 / rate + recompute / 2)) / (ttl + recompute)
    assert [hot.loads - hot.fills for hot in plays] == pytest.approx([0] * 10, abs=1)
    assert max(hot.waits for hot in plays) < 30
    holds([hot.ages / hot.hits for hot in plays], mean, 0.02 * mean)
    holds([hot.stale / hot.lookups for hot in plays], recompute / (ttl + recompute + 1 / rate), 0.01)
    for mutant in (", on_expiry: single_flight", ", on_expiry: stale, grace: 0.5s"):
        for hot in counted(herds(rate, recompute, ttl, 1_000, more=mutant)):
            assert hot.ages / hot.hits < 0.95 * mean and hot.waits > 30


# HERD-3: leases cut a peak of 17,000 queries a second to 1,300 at Facebook, which is 13.1 to one


def test_herd_3_a_lease_spares_twelve_loads_in_thirteen() -> None:
    """Where the database cannot be overwhelmed, a page of the scenario is loaded once for all, or by 12 more who come
    in the meantime, on average: all in one second, as the pages expire together. Mutant: a faster load.
    """

    def loads(*sets: str) -> list[CacheSummary]:
        unlimited = ("stations.database.servers=unlimited", "run.requests=120k", "run.warmup=0s")
        everybody, _, single_flight, *_ = settings(load_scenario("stampede", [*unlimited, *sets]))
        plays = (play_once(each, 0, "compiled") for each in (everybody, single_flight))
        return [play.caches[name] for play, name in zip(plays, ("all", "one"), strict=True)]

    everybody, single_flight = loads()
    assert everybody.loads / everybody.fills == pytest.approx(13, rel=0.03)
    assert single_flight.loads == single_flight.fills
    assert everybody.peak / single_flight.peak == pytest.approx(17_000 / 1_300, rel=0.1)
    faster, _ = loads("stations.database.ops.render=100ms")
    assert faster.loads / faster.fills == pytest.approx(7, rel=0.03)


def test_herd_1_mutants_fall_out() -> None:
    """A refill that renews what the first one filled, and a fill before the load."""
    renewed, filled = herd(10, 1, 1, 1_000, RENEWED), herd(10, 1, 1, 1_000, AT_ONCE)
    load_rate = stampede(10, 1, 1).rate
    holds(renewed[1], 11 / (1 + 2 - (1 - exp(-10)) / 10 + 0.1), 0.1 * load_rate)
    assert max(renewed[1]) < 0.9 * load_rate
    assert filled[0] == [1.0] * 10
