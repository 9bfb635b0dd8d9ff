"""Caches: rule by rule, beside a naive twin, and closed forms under independent look-ups."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simsys import draws, theory
from simsys.structures.caches import Cache, CacheSpec, make_cache
from simsys.structures.warm import lasting_run
from simsys.units import write_duration, write_size

POLICIES = ("lru", "fifo", "clock", "sieve", "random")


def spec_of(**spec) -> CacheSpec:
    """The spec with plain seconds and bytes."""
    texts = {**dict.fromkeys(("ttl", "lease", "grace", "recompute"), write_duration), "bytes": write_size}
    return CacheSpec(
        **{
            name: texts[name](value) if name in texts and value is not None else value
            for name, value in spec.items()
        }
    )


def cache(**spec) -> Cache:
    return make_cache(spec_of(**spec))


def ask(cache: Cache, key: int, now: float) -> bool:
    """A reader who fills at once on a miss."""
    hit = cache.lookup(key, now)
    if not hit:
        cache.fill(key, now)
    return hit


# ---- the rules, one by one


def test_lru_evicts_the_least_recently_used():
    lru = cache(entries=2)
    assert [ask(lru, key, 0) for key in (1, 2, 1, 3, 1, 2)] == [False, False, True, False, True, False]
    assert (lru.lookups, lru.hits, lru.evictions, len(lru)) == (6, 2, 2, 2)


def test_fifo_evicts_the_first_in():
    fifo = cache(entries=2, policy="fifo")
    assert [ask(fifo, key, 0) for key in (1, 2, 1, 3, 1, 2)] == [False, False, True, False, False, False]


def test_an_entry_expires_at_exactly_its_ttl_and_hits_do_not_renew_it():
    plain, renewed = cache(entries=9, ttl=10), cache(entries=9, ttl=10, renew=True)
    for each in (plain, renewed):
        each.fill(7, 100.0)
        assert each.lookup(7, 109.0)
        assert each.age(7, 109.0) == 9.0
    assert not plain.lookup(7, 110.0)
    assert (len(plain), plain.expirations) == (0, 1)
    assert renewed.lookup(7, 118.0)
    assert renewed.age(7, 118.0) == 18.0
    assert not renewed.lookup(7, 128.0)


def test_the_ttl_counts_from_the_first_of_several_refills():
    feed = cache(entries=9, ttl=10)
    feed.fill(7, 0.0)
    feed.fill(7, 5.0)
    assert not feed.lookup(7, 10.0)
    feed.fill(7, 20.0)
    feed.fill(7, 30.0)  # expired at 30: a fresh fill
    assert feed.lookup(7, 39.0)


def test_bytes_are_counted_and_what_is_too_large_is_not_kept():
    pages = cache(bytes=100)
    pages.fill(1, 0, 60)
    pages.fill(2, 0, 101)
    assert (len(pages), pages.bytes) == (1, 60)
    pages.fill(3, 0, 41)
    assert (pages.lookup(1, 0), pages.lookup(3, 0), pages.bytes, pages.evictions) == (False, True, 41, 1)
    pages.drop(3)
    pages.drop(3)
    assert (len(pages), pages.bytes) == (0, 0)


@pytest.mark.parametrize("warm", [False, True])
def test_a_cache_that_is_down_misses_drops_fills_and_returns_empty(warm):
    feed = cache(entries=10)
    if warm:
        feed.warm((10, 0), 1.0, 1)
    ask(feed, 1, 0)
    feed.clear()
    feed.down = True
    assert not ask(feed, 1, 1)
    assert not feed.lookup(1, 1)
    feed.down = False
    assert not feed.lookup(1, 2)
    assert not feed.lookup(2, 2)
    assert (feed.lookups, feed.hits) == (5, int(warm))
    feed.fill(1, 3)
    assert feed.lookup(1, 3)


def test_a_cache_that_is_down_and_was_not_cleared_has_afterwards_what_it_held():
    feed = cache(entries=10, ttl=10)
    feed.fill(1, 0)
    feed.fill(2, 5)
    feed.down = True
    feed.fill(3, 6)
    feed.drop(2)
    assert not any(feed.lookup(key, 7) for key in (1, 2, 3))
    feed.down = False
    assert [feed.lookup(key, 11) for key in (1, 2, 3)] == [False, True, False]
    assert feed.age(2, 11) == 6


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"entries": 5, "bytes": 5},
        {"entries": 0},
        {"bytes": 0},
        {"entries": 5, "ttl": 0},
        {"entries": 5, "renew": True},
        {"entries": 5, "lease": 0},
        {"entries": 5, "on_expiry": "stale"},
        {"entries": 5, "ttl": 1, "on_expiry": "early", "start": "cold"},
        {"entries": 5, "ttl": 1, "on_expiry": "early", "recompute": 1, "start": "warm"},
        {"entries": 5, "jitter": "10%", "start": "cold"},
        {"entries": 5, "ttl": 1, "jitter": "10%"},
        {"entries": 5, "ttl": 1, "jitter": "100%", "start": "cold"},
        {"entries": 5.5},
        {"entries": 5, "policy": "mru"},
        {"entries": 5, "policy": "clock"},
        {"entries": 5, "policy": "sieve", "ttl": 1, "start": "warm"},
        {"entries": 5, "policy": "random", "ttl": 1},
        {"entries": 5, "capacityy": 7},
        {"entries": 5, "policy": "fifo", "ttl": 1, "renew": True},
    ],
)
def test_a_cache_that_makes_no_sense_is_refused(spec):
    with pytest.raises(ValidationError):
        spec_of(**spec)


def test_what_has_expired_is_given_while_somebody_loads_it():
    hot = cache(entries=9, ttl=10, on_expiry="stale", grace=5)
    hot.fill(7, 100.0)
    assert not hot.lookup(7, 110.0)
    assert hot.lookup(7, 114.0, loading=True)
    assert hot.age(7, 114.0) == 14.0
    assert not hot.lookup(7, 115.0, loading=True)
    assert (hot.lookups, hot.hits, hot.stale, hot.ages, hot.oldest, len(hot)) == (3, 1, 1, 14.0, 14.0, 0)


def test_who_is_early_loads_a_live_entry_and_its_fill_replaces_it():
    hot = cache(entries=9, ttl=10, on_expiry="early", recompute=1e6, start="cold")
    hot.fill(7, 100.0)
    hot.fill(7, 101.0)
    assert hot.entries[7] == (100.0, 110.0, 1.0)
    assert not hot.lookup(7, 102.0)
    hot.fill(7, 103.0)
    hot.fill(7, 104.0)
    assert (hot.entries[7], hot.fills) == ((103.0, 113.0, 1.0), 2)


def test_jitter_spreads_expiries_evenly():
    keys = 3000
    hot = cache(entries=keys, ttl=10, jitter="20%", start="cold")
    for key in range(keys):
        hot.fill(key, 0.0)
    ttls = np.array([expiry for _, expiry, _ in hot.entries.values()])
    assert 8.0 < ttls.min() < 8.01 and 11.99 < ttls.max() < 12.0
    assert np.histogram(ttls, 4)[0] == pytest.approx(keys / 4, abs=4 * np.sqrt(keys * 3 / 16))


def test_units():
    spec = CacheSpec.model_validate({"bytes": "4GiB", "ttl": "5m", "policy": "fifo"})
    assert (spec.bytes, spec.ttl) == (4 * 2**30, 300.0)
    assert CacheSpec.model_validate({"entries": "1M"}).entries == 1e6


# ---- a naive twin: a list in the order of eviction, searched and summed anew each time


class Twin:
    def __init__(self, spec: CacheSpec, stream: int = 0) -> None:
        self.spec, self.stream, self.evictions = spec, stream, 0
        self.line, self.hand = [], None  # rows [key, fill, expiry, size, hit since], and the one a sieve points to

    def find(self, key):
        return next((row for row in self.line if row[0] == key), None)

    def remove(self, row):
        at = self.line.index(row)
        if row is self.hand:
            self.hand = self.line[at + 1] if at + 1 < len(self.line) else None
        if self.spec.policy == "random":
            self.line[at] = self.line[-1]
            at = -1
        del self.line[at]

    def lookup(self, key, now):
        row = self.find(key)
        if row is None:
            return False
        if now >= row[2]:
            self.remove(row)
            return False
        if self.spec.renew:
            row[2] = now + self.spec.ttl
        row[4] = True
        if self.spec.policy == "lru":
            self.line.remove(row)
            self.line.append(row)
        return True

    def victim(self):
        return getattr(self, self.spec.policy, self.first)()

    def first(self):
        return self.line[0]

    def clock(self):
        while self.line[0][4]:
            self.line[0][4] = False
            self.line.append(self.line.pop(0))
        return self.line[0]

    def sieve(self):
        at = self.line.index(self.hand) if self.hand else 0
        while self.line[at][4]:
            self.line[at][4] = False
            at = (at + 1) % len(self.line)
        self.hand = self.line[at]
        return self.hand

    def random(self):
        return self.line[int(draws.uniform(self.stream, self.evictions, 0) * len(self.line))]

    def fill(self, key, now, size):
        row = self.find(key)
        if row is not None:
            if now < row[2]:
                return
            self.remove(row)
        room, weigh = (self.spec.bytes, lambda row: row[3]) if self.spec.bytes else (self.spec.entries, lambda row: 1)
        new = [key, now, now + (self.spec.ttl or math.inf), size, False]
        if weigh(new) <= room:
            while sum(map(weigh, self.line)) + weigh(new) > room:
                self.remove(self.victim())
                self.evictions += 1
            self.line.append(new)


ROOMS = st.one_of(
    st.builds(lambda n: {"entries": n}, st.integers(1, 5)), st.builds(lambda n: {"bytes": n}, st.integers(1, 9))
)
specs = st.builds(
    lambda room, ttl, policy, renew: spec_of(
        **room, ttl=ttl, policy=policy, renew=renew and ttl is not None, start="cold"
    ),
    ROOMS,
    st.sampled_from([None, 2.0, 5.0]),
    st.sampled_from(POLICIES),
    st.booleans(),
)
calls = st.lists(
    st.tuples(st.sampled_from("lllfffd"), st.integers(0, 6), st.integers(1, 6), st.sampled_from([0, 0.5, 2])),
    max_size=60,
)


@given(specs, calls)
def test_equal_to_its_naive_twin_and_never_too_full(spec, calls):
    real, twin, now = make_cache(spec, 3), Twin(spec, 3), 0.0
    for call, key, size, later in calls:
        now += later
        before = dict(real.entries)
        if call == "l":
            hit = real.lookup(key, now)
            assert hit == twin.lookup(key, now)
            assert not hit or real.age(key, now) == now - twin.find(key)[1]
            assert {k: v for k, v in before.items() if k != key} == {k: v for k, v in real.entries.items() if k != key}
            if hit:
                fill, expiry, size = before[key]
                assert real.entries[key] == (fill, now + spec.ttl if spec.renew else expiry, size)
            else:
                assert key not in real.entries and (key not in before or now >= before[key][1])
        elif call == "f":
            real.fill(key, now, size)
            twin.fill(key, now, size)
        else:
            real.drop(key)
            if twin.find(key):
                twin.remove(twin.find(key))
        assert sorted(real.entries) == sorted(row[0] for row in twin.line)
        assert real.bytes == sum(row[3] for row in twin.line)
        assert real.bytes <= real.capacity if spec.bytes else len(real) <= real.capacity
        assert real.occupancy(now) == sum(now < row[2] for row in twin.line)


@pytest.mark.parametrize(
    ("policy", "left"),
    [("lru", {1, 5, 6, 7}), ("fifo", {4, 5, 6, 7}), ("clock", {3, 5, 6, 7}), ("sieve", {1, 3, 6, 7})],
)
def test_what_makes_a_policy(policy, left):
    """Keys 1 to 4 fill a cache for four, 3 and 1 are hit; then 5, 6 and 7 come, and who is left says who had to go."""
    pages = cache(entries=4, policy=policy, start="cold")
    for key in (1, 2, 3, 4, 3, 1, 5, 6, 7):
        ask(pages, key, 0)
    assert set(pages.entries) == left


def test_a_random_victim_is_anybody():
    """How long an entry stays among ten is geometric with mean 10: nine in ten survive one eviction."""
    pages = make_cache(spec_of(entries=10, policy="random"), 5)
    stays, since = [], {}
    for key in range(20_000):
        before = set(pages.entries)
        ask(pages, key, 0)
        since[key] = key
        stays += [key - since[gone] for gone in before - set(pages.entries)]
    assert np.mean(stays) == pytest.approx(10, abs=3 * math.sqrt(90 / len(stays)))
    assert np.mean(np.array(stays) == 1) == pytest.approx(0.1, abs=3 * math.sqrt(0.09 / len(stays)))


# ---- statistics: independent look-ups


def poisson(rng, rate, duration, count, zipf):
    """Times and keys of Poisson look-ups."""
    n = rng.poisson(rate * duration)
    weights = np.arange(1, count + 1) ** -float(zipf)
    keys = rng.integers(count, size=n) if zipf == 0 else rng.choice(count, n, p=weights / weights.sum())
    return np.sort(rng.uniform(0, duration, n)).tolist(), keys.tolist()


def hit_ratios(spec, rate, duration, count, zipf=0.0, start="warm", since=0.0, replications=10):
    """The hit ratio of each replication, look-ups after `since` counted."""
    ratios = []
    for replication in range(replications):
        each = cache(**spec)
        if start == "warm":
            each.warm((count, zipf), rate, draws.stream(5, replication, "feed"))
        times, keys = poisson(np.random.default_rng(replication), rate, duration, count, zipf)
        hits = [ask(each, key, now) for now, key in zip(times, keys, strict=True)]
        counted = np.asarray(times) >= since
        ratios.append(np.asarray(hits)[counted].mean())
    return np.array(ratios)


def agrees(values, reference, band=0.003, approximate=False):
    """Within 3 standard errors, which lie within the band; an approximation may be off by the band too."""
    error = 3 * values.std(ddof=1) / math.sqrt(len(values))
    assert error <= band, "too short to say anything"
    return abs(values.mean() - reference) <= error + (band if approximate else 0)


CHE = [(1.0, 1000, 0.6756, 0.6309), (1.0, 100, 0.3905, 0.3423), (0.8, 100, 0.1566, 0.1336)]


@pytest.mark.parametrize("zipf, entries, lru, fifo", CHE)
def test_che_approximation(zipf, entries, lru, fifo):
    ratios = {
        policy: hit_ratios({"entries": entries, "policy": policy}, 1.0, 25_000, 10_000, zipf, replications=20)
        for policy in ("lru", "fifo", "random")
    }
    assert agrees(ratios["lru"], lru, approximate=True)
    assert agrees(ratios["fifo"], fifo, approximate=True)
    assert agrees(ratios["random"], fifo, approximate=True)  # Gelenbe 1973: exactly that of FIFO
    assert not agrees(ratios["fifo"], lru, approximate=True)  # mutant: FIFO for LRU
    assert not agrees(ratios["lru"], fifo, approximate=True)


@pytest.mark.parametrize("load", [1.0, 10.0])
@pytest.mark.parametrize("start", ["warm", "cold"])
def test_one_key_with_a_ttl(load, start):
    ratios = hit_ratios({"entries": 1, "ttl": load}, 1.0, 25_000, 1, start=start)
    assert agrees(ratios, load / (1 + load))
    renewed = hit_ratios({"entries": 1, "ttl": load, "renew": True}, 1.0, 25_000, 1, start=start)
    assert not agrees(renewed, load / (1 + load))  # mutant: hits renew the ttl
    assert agrees(renewed, -math.expm1(-load))


# ---- the cache that is never warm: 10 M users, 20,000 reads/s, ttl 300 s


def test_never_warm_at_full_size():
    spec, users, rate, ttl = {"entries": "10M", "ttl": 300.0}, 10_000_000, 20_000.0, 300.0
    assert agrees(hit_ratios(spec, rate, 2.0, users), 0.375)
    assert agrees(hit_ratios({"entries": "1M", "ttl": ttl}, rate, 2.0, 1_000_000), 6 / 7)
    feed = cache(**spec)
    feed.warm((users, 0.0), rate, draws.stream(1, 0, "feed"))
    times, keys = poisson(np.random.default_rng(1), rate, 2.0, users, 0)
    ages = [feed.age(key, now) if ask(feed, key, now) else 0.0 for now, key in zip(times, keys, strict=True)]
    assert np.mean(ages) == pytest.approx(56.25, abs=1.5)
    assert np.mean(-np.expm1(-4e-4 * np.array(ages))) == pytest.approx(0.0216, abs=0.001)
    assert len(feed) <= len(times)  # memory: what was touched
    assert feed.occupancy(2.0) == pytest.approx(3_750_000, rel=0.002)


SMALL = {"rate": 20.0, "count": 10_000}  # a thousandth of the users, each as busy


def test_never_warm_as_time_goes_on():
    spec = {"entries": 10_000, "ttl": 300.0}
    assert agrees(hit_ratios(spec, duration=1200.0, since=400.0, replications=20, **SMALL), 0.375)
    renewed = hit_ratios(spec | {"renew": True}, duration=1200.0, since=400.0, replications=5, **SMALL)
    assert not agrees(renewed, 0.375, band=0.01)  # mutant


def test_room_for_a_tenth():
    spec = {"entries": 1000, "ttl": 300.0}
    assert agrees(hit_ratios(spec, duration=600.0, replications=16, **SMALL), 0.1)
    assert agrees(hit_ratios(spec, duration=60.0, replications=75, **SMALL), 0.1)  # from the first minute


def test_cold_for_a_minute():
    spec = {"entries": 10_000, "ttl": 300.0}
    cold = hit_ratios(spec, duration=60.0, start="cold", replications=50, **SMALL)
    assert agrees(cold, 0.0577)
    later = hit_ratios(spec, duration=60.0, start="cold", since=6.0, replications=50, **SMALL)
    assert agrees(later, theory.caches.ttl_cold_hit_ratio(0.002, 300.0, 6.0, 60.0))
    assert not agrees(cold, 0.375)  # mutant: a cold start silently counted


# ---- a warm start is the long run, whatever the cache


LONG_RUNS = {
    "lru, ttl above the characteristic time": ({"entries": 1000, "ttl": 400.0}, 0.6, theory.caches.che_lru),
    "lru, ttl far above it": ({"entries": 300, "ttl": 3000.0}, 1.0, theory.caches.che_lru),
    "lru, no ttl": ({"entries": 500}, 0.8, theory.caches.che_lru),
    "lru, ttl binds": ({"entries": 2000, "ttl": 20.0}, 0.8, theory.caches.che_lru),
    "fifo, no ttl": ({"entries": 500, "policy": "fifo"}, 0.8, theory.caches.che_fifo),
    "fifo, ttl above the characteristic time": (
        {"entries": 500, "ttl": 4000.0, "policy": "fifo"},
        0.8,
        theory.caches.che_fifo,
    ),
    "fifo, ttl binds": ({"entries": 2000, "ttl": 20.0, "policy": "fifo"}, 0.8, theory.caches.che_fifo),
}


@pytest.mark.parametrize("spec, zipf, law", LONG_RUNS.values(), ids=LONG_RUNS)
def test_a_warm_start_is_the_long_run(spec, zipf, law):
    expected = law(theory.caches.zipf(5000, zipf), 20.0, spec["entries"], spec.get("ttl")).hit_ratio
    ratios = hit_ratios(spec, 20.0, 200.0, 5000, zipf, replications=110)
    assert agrees(ratios, expected, approximate=True)
    cold = hit_ratios(spec, 20.0, 10.0, 5000, zipf, start="cold", replications=10)
    assert cold.mean() < expected - 0.05


@pytest.mark.parametrize(
    "spec",
    [
        {"entries": 300, "ttl": 60.0},
        {"entries": 100, "ttl": 60.0},
        {"entries": 100},
        {"entries": 100, "policy": "fifo"},
        {"entries": 100, "policy": "random"},
        {"entries": 300, "ttl": 60.0, "renew": True},
        {"entries": 100, "ttl": 60.0, "renew": True},
        {"entries": 300, "ttl": 60.0, "policy": "fifo"},
        {"entries": 100, "ttl": 30.0, "policy": "fifo"},
    ],
    ids=str,
)
def test_a_warm_start_is_a_long_cold_run(spec):
    """Number of live entries, and age of what is read, against the same cache run for long."""
    count, zipf, rate, long = 300, 0.9, 5.0, 1500.0
    live, ages = {"warm": [], "cold": []}, {"warm": [], "cold": []}
    for replication in range(50):
        for start, begin in (("warm", 0.0), ("cold", long)):
            each = cache(**spec)
            if start == "warm":
                each.warm((count, zipf), rate, draws.stream(3, replication, "feed"))
            times, keys = poisson(np.random.default_rng(replication), rate, begin + 20.0, count, zipf)
            seen, counted = [], False
            for now, key in zip(times, keys, strict=True):
                if now >= begin and not counted:
                    live[start].append(each.occupancy(begin))
                    counted = True
                if ask(each, key, now) and now >= begin:
                    seen.append(min(each.age(key, now), 600.0))
            ages[start].append(np.mean(seen))
    for found, band in ((live, 6.0), (ages, 40.0)):
        warm, cold = np.array(found["warm"]), np.array(found["cold"])
        error = 3 * math.sqrt((warm.var(ddof=1) + cold.var(ddof=1)) / len(warm))
        assert error <= band
        assert abs(warm.mean() - cold.mean()) <= error + 0.02 * cold.mean()


@pytest.mark.parametrize(
    "spec", [{"entries": 50, "ttl": 30.0}, {"entries": 500, "ttl": 30.0}, {"entries": 500}]
)
def test_a_warm_start_does_not_depend_on_who_asks_first(spec):
    def found(keys, stream):
        each = cache(**spec)
        each.warm((300, 0.5), 5.0, stream)
        return {key: (each.age(key, 0.0) if each.lookup(key, 0.0) else None) for key in keys}

    assert found(range(310), 8) == found(reversed(range(310)), 8)
    assert spec == {"entries": 500} or found(range(300), 8) != found(range(300), 9)
    assert all(found([key], 8)[key] is None for key in (-1, 300, 10**12))


def test_what_is_dropped_or_evicted_does_not_come_back():
    feed = cache(entries=300)
    feed.warm((300, 0), 5.0, 1)
    feed.drop(7)
    assert feed.lookup(8, 0)
    feed.drop(8)
    assert not feed.lookup(7, 1)
    assert not feed.lookup(8, 1)
    assert feed.lookup(9, 1)
    feed.fill(9, 5.0)  # live since before time 0: unchanged
    assert feed.age(9, 6.0) > 1e6


def test_a_fill_replaces_what_expired_since_time_0():
    feed = cache(entries=300, ttl=30.0)
    feed.warm((300, 0), 50.0, 1)
    live = [key for key in range(300) if feed.lookup(key, 0.0)]
    feed.warm((300, 0), 50.0, 1)
    for key in live:
        feed.fill(key, 29.999)
    refilled = {key for key in live if feed.age(key, 29.999) == 0}
    assert len(refilled) == len(live) > 200
    assert (len(feed), feed.expirations) == (len(live), 0)


def test_what_was_there_at_time_0_is_first_in():
    pages = cache(entries=2, policy="fifo")
    pages.warm((2, 0), 1.0, 1)
    pages.fill(100, 0)
    assert pages.lookup(0, 0)
    pages.fill(101, 0)
    assert [pages.lookup(key, 1) for key in (0, 100, 101)] == [False, True, True]


@pytest.mark.parametrize(
    ("policy", "entries", "binds"),
    [("lru", 4200, True), ("lru", 5000, False), ("fifo", 3500, True), ("fifo", 4100, False)],
)
def test_the_content_is_made_only_where_the_capacity_binds(policy, entries, binds):
    """10,000 keys, λT = .6: 4,512 asked for within a ttl, 3,750 live; a standard deviation is below 50."""
    feed = cache(entries=entries, ttl=300.0, policy=policy)
    feed.warm((10_000, 0), 20.0, 1)
    assert len(feed) == (entries if binds else 0)


@pytest.mark.parametrize("load", [1e-6, 0.3, 1.0, 3.0])
def test_a_run_of_short_gaps(load):
    rng = np.random.default_rng(1)
    runs = lasting_run(np.array([load]), 1.0, rng.uniform(size=200_000))
    gaps = rng.exponential(1 / load, (20_000, 400))
    walked = np.where(np.logical_and.accumulate(gaps < 1.0, axis=1), gaps, 0.0).sum(axis=1)
    assert (runs == 0).mean() == pytest.approx((walked == 0).mean(), abs=0.012)
    error = 3 * math.sqrt(runs.var() / len(runs) + walked.var() / len(walked))
    assert abs(runs.mean() - walked.mean()) <= error < max(0.06 * walked.mean(), 0.005)


def test_a_warm_start_counts_bytes():
    pages = cache(bytes=5000)
    pages.warm((300, 0.5), 5.0, 1, size=100.0)
    assert (len(pages), pages.bytes) == (50, 5000)
    pages.warm((40, 0.5), 5.0, 1, size=100.0)
    assert pages.lookup(39, 0)
    assert (len(pages), pages.bytes) == (1, 100)
    pages.warm((300, 0.5), 5.0, 1, size=6000.0)
    assert (len(pages), pages.lookup(0, 0)) == (0, False)


def test_a_warm_start_without_look_ups_is_empty_and_one_without_keys_is_refused():
    feed = cache(entries=5)
    feed.warm((10, 0), 0.0, 1)
    assert not feed.lookup(1, 0)
    for arguments in ((0, 0.0), 1.0), ((5, 0.0), -1.0), ((5, 0.0), math.nan):
        with pytest.raises(ValueError, match="a warm start needs"):
            feed.warm(*arguments, 1)
