"""The closed forms against published figures, to the digits printed there, and against brute force."""

import itertools
import math
from collections import OrderedDict

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from simsys.theory import (
    MMc,
    Popularity,
    che_fifo,
    che_lru,
    erlang_b,
    erlang_c,
    fork_join_2,
    harmonic,
    md1,
    mm1,
    mva_closed,
    pollaczek_khinchine,
    power_of_d,
    stampede,
    ttl_cold_hit_ratio,
    ttl_hit_ratio,
    ttl_mean_age,
    ttl_stale_ratio,
    zipf,
)

loads = st.floats(0.01, 0.99)


def printed(value, text):
    """Equal to the digits of a printed figure."""
    return f"{value:.{len(text.partition('.')[2])}f}" == text


@pytest.mark.parametrize(("scv", "wait"), [(0, "2.0"), (1, "4.0"), (4, "10.0"), (16, "34.0")])
def test_wait_of_one_server(scv, wait):
    assert printed(pollaczek_khinchine(0.8, 1, scv), wait)


def test_one_server_with_constant_and_exponential_service():
    assert mm1(0.8, 0.01) == pytest.approx(0.05)
    assert md1(0.8, 0.01) == pytest.approx(0.03)


@given(loads, st.floats(1e-6, 10))
def test_one_server_is_the_first_of_many(rho, service):
    queue = MMc(1, rho / service, service)
    assert queue.sojourn == pytest.approx(mm1(rho, service))
    assert queue.wait_probability == pytest.approx(rho)
    assert queue.sojourn_quantile(0.99) == pytest.approx(math.log(100) * mm1(rho, service), rel=1e-6)


@pytest.mark.parametrize(
    ("offered", "servers", "lost"),
    [(10, 10, ".214582"), (10, 15, ".036497"), (20, 30, ".008457"), (50, 50, ".104787")],
)
def test_share_lost_without_a_queue(offered, servers, lost):
    assert printed(erlang_b(servers, offered), "0" + lost)


@given(st.integers(1, 60), st.floats(0.1, 60))
def test_share_lost_is_the_truncated_poisson_law(servers, offered):
    law = scipy.stats.poisson(offered)
    assert erlang_b(servers, offered) == pytest.approx(law.pmf(servers) / law.cdf(servers), rel=1e-9)


@pytest.mark.parametrize(
    ("servers", "waits", "wait"), [(4, "0.59643", "0.74554"), (16, "0.30488", "0.09528")]
)
def test_many_servers_at_80_percent(servers, waits, wait):
    queue = MMc(servers, 0.8 * servers, 1)
    assert printed(queue.wait_probability, waits)
    assert printed(erlang_c(servers, 0.8 * servers), waits)
    assert printed(queue.wait, wait)


def test_four_servers_of_10_ms_at_80_percent():
    queue = MMc(servers=4, rate=320, service=0.01)
    assert printed(queue.utilization, "0.8")
    assert printed(queue.sojourn * 1e3, "17.455")
    assert printed(queue.sojourn_quantile(0.99) * 1e3, "68.93")
    assert printed(queue.queue, "2.386")


@pytest.mark.parametrize(
    ("rho", "waits", "wait"),
    [(0.8, "0.1606", "0.0251"), (0.9, "0.4582", "0.1432"), (0.95, "0.6957", "0.4348")],
)
def test_32_database_cores(rho, waits, wait):
    queue = MMc(32, rho * 32, 1)
    assert printed(queue.wait_probability, waits)
    assert printed(queue.wait, wait)


@given(st.integers(1, 40), loads, st.floats(0.001, 0.999))
def test_quantiles_invert_the_tail(servers, rho, q):
    queue = MMc(servers, rho * servers / 0.01, 0.01)
    assert queue.sojourn_above(queue.sojourn_quantile(q)) == pytest.approx(1 - q, rel=1e-9)
    drain = servers * (1 - rho) / 0.01
    later = queue.wait_probability * math.exp(-drain * queue.wait_quantile(q))
    assert later == pytest.approx(min(1 - q, queue.wait_probability), rel=1e-9)


@pytest.mark.parametrize("rho", [0.5, 0.74999999999, 0.75, 0.8])
def test_the_tail_adds_up_to_the_mean(rho):
    """At 75 % of four servers the queue drains as fast as one server serves: the formula's limit."""
    queue = MMc(4, 4 * rho, 1)
    area, _ = scipy.integrate.quad(queue.sojourn_above, 0, math.inf, epsrel=1e-10)
    assert area == pytest.approx(queue.sojourn, rel=1e-9)


def test_an_idle_queue():
    queue = MMc(3, 0, 2.0)
    assert (queue.wait, queue.queue, queue.sojourn, queue.wait_quantile(0.99)) == (0, 0, 2.0, 0)
    assert queue.sojourn_quantile(0.5) == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize(
    ("choices", "load", "sojourn"),
    [(2, 0.5, "1.2657"), (2, 0.7, "1.6145"), (2, 0.8, "1.9474"), (2, 0.9, "2.6141"), (1, 0.9, "10")],
)
def test_the_shortest_of_d_queues(choices, load, sojourn):
    assert printed(power_of_d(load, choices), sojourn)


def test_fork_and_join_of_two():
    assert printed(fork_join_2(0.5, 1), "2.875")
    assert fork_join_2(1e-9, 2.0) == pytest.approx(2 * harmonic(2))


@pytest.mark.parametrize(("clients", "rate", "response"), [(10, ".8320", "3.0187"), (20, ".9994", "11.012")])
def test_clients_who_think_for_nine_seconds(clients, rate, response):
    network = mva_closed([1.0], clients, think=9)
    assert printed(network.throughput, "0" + rate)
    assert printed(network.response, response)
    assert clients == pytest.approx(network.throughput * (network.response + 9))


def test_a_closed_network_of_two_stations_by_its_balance_equations():
    """Three clients between stations of demand 1 and 2: the states n = 0…3 at the slow one weigh 2^n."""
    network = mva_closed([1.0, 2.0], 3)
    busy = 1 - 1 / (1 + 2 + 4 + 8)
    assert network.throughput == pytest.approx(busy / 2)
    assert network.residence[1] * network.throughput == pytest.approx((2 + 2 * 4 + 3 * 8) / 15)
    assert network.response == pytest.approx(sum(network.residence))


@pytest.mark.parametrize(("n", "mean"), [(10, "2.929"), (100, "5.187"), (1, "1.0")])
def test_the_longest_of_n(n, mean):
    assert printed(harmonic(n), mean)


@pytest.mark.parametrize(
    ("exponent", "entries", "lru", "fifo"),
    [(1, 1000, ".6756", ".6309"), (1, 100, ".3905", ".3423"), (0.8, 100, ".1566", ".1336")],
)
def test_hit_ratios_of_ten_thousand_keys(exponent, entries, lru, fifo):
    keys = zipf(10_000, exponent)
    assert printed(che_lru(keys, 1, entries).hit_ratio, "0" + lru)
    assert printed(che_fifo(keys, 1, entries).hit_ratio, "0" + fifo)


@given(st.floats(1e-3, 1e6))
def test_the_rate_only_scales_the_characteristic_time(rate):
    keys = zipf(1000, 0.9)
    for che in (che_lru, che_fifo):
        once, often = che(keys, 1, 50, ttl=100), che(keys, rate, 50, ttl=100 / rate)
        assert often.hit_ratio == pytest.approx(once.hit_ratio)
        assert often.characteristic * rate == pytest.approx(once.characteristic)


def test_keys_in_groups_give_what_keys_alone_give():
    ranks = np.arange(1, 1_000_001) ** -0.99
    alone, grouped = Popularity(ranks / ranks.sum(), np.ones(1_000_000)), zipf(1_000_000, 0.99)
    assert len(grouped.share) < 12_000
    assert grouped.keys.sum() == 1_000_000
    for che in (che_lru, che_fifo):
        for ttl in (None, 50):
            expected, got = che(alone, 1000, 30_000, ttl), che(grouped, 1000, 30_000, ttl)
            assert got.hit_ratio == pytest.approx(expected.hit_ratio, rel=1e-5)
            assert got.characteristic == pytest.approx(expected.characteristic, rel=1e-5)


def play(policy, keys, times, entries, ttl):
    """A cache by hand: an expired entry leaves at its look-up and is filled again."""
    cache, hits = OrderedDict(), 0
    for key, now in zip(keys, times, strict=True):
        filled = cache.get(key)
        if filled is not None and now < filled + ttl:
            hits += 1
            if policy == "lru":
                cache.move_to_end(key)
            continue
        if filled is not None:
            del cache[key]
        elif len(cache) >= entries:
            cache.popitem(last=False)
        cache[key] = now
    return hits / len(keys)


@pytest.mark.parametrize("ttl", [20, 100, 300, 3000, math.inf])
@pytest.mark.parametrize("policy", ["lru", "fifo"])
def test_hit_ratios_of_a_cache_played_by_hand(policy, ttl):
    """Characteristic times 50 s (LRU) and 59 s (FIFO): time-outs below, above, and far above."""
    popularity, random = zipf(200, 1.0), np.random.default_rng(7)
    keys = random.choice(200, 200_000, p=popularity.share).tolist()
    times = np.cumsum(random.exponential(1, 200_000)).tolist()
    theory = {"lru": che_lru, "fifo": che_fifo}[policy](popularity, 1, 30, None if ttl == math.inf else ttl)
    assert play(policy, keys, times, 30, ttl) == pytest.approx(theory.hit_ratio, abs=0.004)


@pytest.mark.parametrize("share", [0.5, 3, 9, 14, 30, 1000])
def test_hits_before_an_entry_expires_or_is_forgotten(share):
    """20,000 fills by hand: three look-ups per characteristic time, forgotten after a gap of one."""
    gaps = np.random.default_rng(3).exponential(1 / 3, (20_000, 400))
    ends = np.cumsum(gaps, axis=1)
    hits = np.logical_and.accumulate((gaps < 1) & (ends < share), axis=1).sum(axis=1)
    keys = zipf(1000, 0)
    ratio = che_lru(keys, 3000, 1000 * (1 - math.exp(-3)), share).hit_ratio
    error = hits.std() / math.sqrt(len(hits))
    assert 3 * error < 0.04 * hits.mean()
    assert ratio / (1 - ratio) == pytest.approx(hits.mean(), abs=3 * error)


@pytest.mark.parametrize("rate", [1e-6, 0.1, 1, 2, 5, 40, 1e6])
def test_a_time_to_live_has_no_seam(rate):
    """One group of keys; look-ups per characteristic time from next to none to all: 1e-6 … 1e6."""
    keys = Popularity(np.array([1e-6]), np.array([1e6]))
    entries = -math.expm1(-rate) * 1e6 if rate < 30 else 1e6 * (1 - 1e-13)
    time = che_lru(keys, 1e6, entries).characteristic
    ratios = [che_lru(keys, 1e6, entries, time * share).hit_ratio for share in np.geomspace(0.01, 1e4, 400)]
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(ratios))
    assert max(np.diff(ratios)) < 0.03
    assert ratios[-1] <= che_lru(keys, 1e6, entries).hit_ratio + 1e-9
    assert ratios[0] == pytest.approx(ttl_hit_ratio(1, 0.01 * time), rel=1e-9)
    at_ten = [che_lru(keys, 1e6, entries, time * share).hit_ratio for share in (10 - 1e-9, 10 + 1e-9)]
    assert at_ten[0] == pytest.approx(at_ten[1], abs=1e-7)


@pytest.mark.parametrize(("looks", "hits"), [(1, ".5"), (10, ".90909")])
def test_hit_ratio_of_one_key_that_expires(looks, hits):
    assert printed(ttl_hit_ratio(looks / 20, 20), "0" + hits)


def test_the_cache_that_is_never_warm():
    rate = 20_000 / 10_000_000
    assert printed(ttl_hit_ratio(rate, 300) * 100, "37.5")
    assert printed(20_000 * (1 - ttl_hit_ratio(rate, 300)), "12500")
    assert printed(ttl_mean_age(rate, 300), "56.25")
    assert printed(ttl_hit_ratio(rate, 49_500) * 100, "99")
    assert printed(ttl_hit_ratio(20_000 / 1_000_000, 300) * 100, "85.7")
    assert printed(ttl_stale_ratio(rate, 300, changes=4e-4) * 100, "2.16")
    assert printed(ttl_cold_hit_ratio(rate, 300, 0, 60) * 100, "5.8")
    assert printed(ttl_cold_hit_ratio(rate, 300, 6, 60) * 100, "6.3")
    renewed = 1 - math.exp(-rate * 300)
    assert renewed > ttl_hit_ratio(rate, 300) + 0.07


def test_room_for_a_tenth_of_the_users():
    everybody = zipf(10_000_000, 0)
    for ttl in (None, 300):
        theory = che_lru(everybody, 20_000, 1_000_000, ttl)
        assert printed(theory.hit_ratio * 100, "10.0")
        assert printed(theory.characteristic, "52.7")
    roomy = che_lru(everybody, 20_000, 10_000_000, 300)
    assert roomy == (pytest.approx(0.375), None)
    assert che_fifo(everybody, 20_000, 10_000_000, 300) == (pytest.approx(0.375), None)
    assert che_lru(everybody, 20_000, 10_000_000) == che_fifo(everybody, 20_000, 1e9) == (1.0, None)


@given(st.floats(1e-4, 10), st.floats(1, 1000), st.floats(0, 1), st.floats(0.1, 10))
def test_means_over_time_are_integrals(rate, ttl, begin, changes):
    start = begin * 0.9 * ttl
    cold, _ = scipy.integrate.quad(lambda t: -math.expm1(-rate * t), start, ttl, epsabs=0, epsrel=1e-10)
    assert ttl_cold_hit_ratio(rate, ttl, start, ttl) == pytest.approx(cold / (ttl - start), rel=1e-6)
    stale, _ = scipy.integrate.quad(
        lambda t: -math.expm1(-changes * t), 0, ttl, epsabs=0, epsrel=1e-10, limit=500
    )
    assert ttl_stale_ratio(rate, ttl, changes) == pytest.approx(
        ttl_hit_ratio(rate, ttl) * stale / ttl, rel=1e-6
    )


def test_a_cache_without_look_ups_changes_or_time():
    assert ttl_stale_ratio(1, 0, 1) == ttl_stale_ratio(1, 10, 0) == ttl_cold_hit_ratio(0, 10, 0, 10) == 0
    assert che_lru(zipf(10, 0), 1, 5, ttl=0).hit_ratio == che_fifo(zipf(10, 0), 1, 5, ttl=0).hit_ratio == 0


@pytest.mark.parametrize(
    ("rate", "recompute", "ttl", "loads"), [(10, 1, 20, ".5213"), (100, 0.2, 5, "4.031")]
)
def test_a_stampede(rate, recompute, ttl, loads):
    herd, alone = stampede(rate, recompute, ttl), stampede(rate, recompute, ttl, single_flight=True)
    assert printed(herd.rate, loads if loads[0] != "." else "0" + loads)
    assert herd.per_expiry == 1 + rate * recompute
    assert alone.per_expiry == 1
    assert herd.rate == pytest.approx(alone.rate * herd.per_expiry)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: erlang_b(-1, 1),
        lambda: erlang_c(4, 4),
        lambda: erlang_c(0, 0),
        lambda: MMc(4, 400, 0.01),
        lambda: MMc(4, math.nan, 0.01),
        lambda: MMc(4, 1, 0.01).sojourn_quantile(1),
        lambda: MMc(4, 1, 0.01).wait_quantile(1),
        lambda: pollaczek_khinchine(1, 1, 1),
        lambda: pollaczek_khinchine(0.5, 1, -1),
        lambda: fork_join_2(1, 1),
        lambda: harmonic(0),
        lambda: power_of_d(1, 2),
        lambda: power_of_d(0.5, 0),
        lambda: mva_closed([1], 0),
        lambda: mva_closed([], 1),
        lambda: mva_closed([0], 1),
        lambda: mva_closed([-1, 3], 1),
        lambda: zipf(0, 1),
        lambda: zipf(10, -1),
        lambda: che_lru(zipf(10, 1), 0, 5),
        lambda: che_lru(zipf(10, 1), 1, 0),
        lambda: che_fifo(zipf(10, 1), 1, 5, ttl=-1),
        lambda: ttl_hit_ratio(-1, 1),
        lambda: ttl_stale_ratio(1, 1, -1),
        lambda: ttl_cold_hit_ratio(1, 10, 0, 11),
        lambda: ttl_cold_hit_ratio(1, 10, 5, 5),
        lambda: stampede(0, 1, 1),
    ],
)
def test_no_figure_outside_the_range_of_its_formula(wrong):
    with pytest.raises(ValueError, match=r"must|needs|at least"):
        wrong()
