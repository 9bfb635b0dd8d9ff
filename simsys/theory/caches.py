"""Closed forms for caches whose look-ups are independent and come as Poisson processes.

Rates are per second, times are seconds. ValueError outside the range where a formula holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsys.theory.solve import root, within

Floats = NDArray[np.float64]

RANKS_ALONE = 10_000
RANKS_GROUPED = 1.005
RENEWALS = 10


class Popularity(NamedTuple):
    """Groups of keys: the share of all look-ups that goes to one key of a group, and its number of keys."""

    share: Floats
    keys: Floats


def zipf(keys: int, exponent: float) -> Popularity:
    """The key of rank k is asked for in proportion to k^−exponent; 0 is uniform.

    Ranks beyond 10,000 stand in groups half a percent wide, so that a hundred million keys cost no memory.
    """
    within(
        keys >= 1 and 0 <= exponent < math.inf,
        "a popularity needs keys ≥ 1 and a finite exponent ≥ 0",
    )
    if exponent == 0:
        return Popularity(np.array([1 / keys]), np.array([float(keys)]))
    alone = np.arange(1, min(keys, RANKS_ALONE) + 1, dtype=np.float64)
    weight, size = alone**-exponent, np.ones(len(alone))
    if keys > RANKS_ALONE:
        steps = math.ceil(math.log(keys / RANKS_ALONE) / math.log(RANKS_GROUPED))
        edges = np.rint(np.geomspace(RANKS_ALONE, keys, steps + 1))
        grouped = np.diff(edges)
        middle = edges[:-1] + (grouped + 1) / 2
        weight, size = np.append(weight, middle**-exponent), np.append(size, grouped)
    return Popularity(weight / (weight * size).sum(), size)


class CacheTheory(NamedTuple):
    """Share of look-ups that hit, and the characteristic time in seconds (None: everything fits)."""

    hit_ratio: float
    characteristic: float | None


def che_lru(
    popularity: Popularity, rate: float, entries: float, ttl: float | None = None, renew: bool = False
) -> CacheTheory:
    """LRU, filled at once: an entry stays for the characteristic time t after its last use.

    In t as many keys are used as there is room for. With a `ttl` from the fill, which hits do not renew, an
    expired entry leaves at its next look-up and is filled again: t is the same, and a look-up hits if all
    gaps since the fill were below t and the fill is less than the ttl ago. Where hits `renew` the ttl, it hits if
    the last gap was below both.
    Source: Che, Tung and Wang, Hierarchical web caching systems, IEEE JSAC 2002.
    """
    hit, t = _lru(popularity, rate, entries, ttl, renew)
    return CacheTheory(float((popularity.keys * popularity.share * hit).sum()), t)


def _lru(
    popularity: Popularity, rate: float, entries: float, ttl: float | None, renew: bool
) -> tuple[Floats, float | None]:
    rates = _rates(popularity, rate, entries, ttl)
    t = _characteristic(popularity, lambda time: -np.expm1(-rates * time), rate, entries)
    if renew or ttl is None:
        hit = -np.expm1(-rates * min(math.inf if time is None else time for time in (t, ttl)))
    elif t is None:
        hit = rates * ttl / (1 + rates * ttl)
    else:
        hits = _hits_before_expiry(rates, t, ttl)
        hit = hits / (1 + hits)
    return hit, t


def che_fifo(popularity: Popularity, rate: float, entries: float, ttl: float | None = None) -> CacheTheory:
    """FIFO, filled at once: an entry stays for the characteristic time after its fill.

    A `ttl` from the fill matters only if it is shorter. The time is given as if there were no ttl.
    Source: Martina, Garetto and Leonardi, A unified approach to the performance analysis of caching systems,
    INFOCOM 2014.
    """
    hit, t = _fifo(popularity, rate, entries, ttl)
    return CacheTheory(float((popularity.keys * popularity.share * hit).sum()), t)


def _fifo(popularity: Popularity, rate: float, entries: float, ttl: float | None) -> tuple[Floats, float | None]:
    rates = _rates(popularity, rate, entries, ttl)
    t = _characteristic(popularity, lambda time: rates * time / (1 + rates * time), rate, entries)
    lifetime = min(math.inf if time is None else time for time in (t, ttl))
    return np.ones(len(rates)) if lifetime == math.inf else rates * lifetime / (1 + rates * lifetime), t


def hits(
    popularity: Popularity, rate: float, entries: float, ttl: float | None, renew: bool, policy: str
) -> Floats:
    """The share of look-ups that hit, per group of keys, under lru, fifo or random.

    What a cache beneath this one sees of a group is the rest of them (Che, Tung and Wang, 2002).
    """
    if policy == "lru":
        return _lru(popularity, rate, entries, ttl, renew)[0]
    return _fifo(popularity, rate, entries, ttl)[0]


def _rates(popularity: Popularity, rate: float, entries: float, ttl: float | None) -> Floats:
    within(rate > 0 and entries > 0, "a cache needs look-ups and room for entries")
    within(ttl is None or ttl >= 0, "a time to live is at least 0")
    return rate * popularity.share


def _characteristic(
    popularity: Popularity, occupancy: Callable[[float], Floats], rate: float, entries: float
) -> float | None:
    """The time at which the keys present, each with its probability, are as many as the entries."""
    if entries >= popularity.keys.sum():
        return None
    return root(lambda time: float((popularity.keys * occupancy(time)).sum()), entries, entries / rate)


def _hits_before_expiry(rates: Floats, t: float, ttl: float) -> Floats:
    """Mean hits after a fill, at gaps below t and not later than the ttl: a renewal function.

    Its series in e^(−rate·t) is exact and short up to ten times t; then it nears its limit exponentially.
    """
    until = min(ttl, RENEWALS * t)
    lost = np.exp(-rates * t)
    hits, density = rates * until, rates.copy()
    for j in range(1, math.ceil(until / t)):
        left = rates * (until - j * t)
        power = (-lost * left) ** j / math.factorial(j)
        hits += power * (1 + left / (j + 1))
        density += rates * (power - lost * (-lost * left) ** (j - 1) / math.factorial(j - 1))
    if ttl <= until:
        return hits
    rest = np.maximum(np.expm1(np.minimum(rates * t, 700)) - hits, np.finfo(np.float64).tiny)
    later: Floats = -rest * np.expm1(-np.maximum(density, 0) * (ttl - until) / rest)
    return hits + later


def ttl_hit_ratio(rate: float, ttl: float) -> float:
    """One key, look-ups at a Poisson rate, each fill lives for `ttl` and hits do not renew it: λT/(1 + λT).

    Source: Jung, Berger and Balakrishnan, Modeling TTL-based Internet caches, INFOCOM 2003.
    """
    within(rate >= 0 and ttl >= 0, "a hit ratio needs a rate and a time to live of at least 0")
    return rate * ttl / (1 + rate * ttl)


def ttl_mean_age(rate: float, ttl: float) -> float:
    """Mean age of what one look-up gets, a miss being fresh: hits are spread evenly over the time to live."""
    return ttl_hit_ratio(rate, ttl) * ttl / 2


def ttl_stale_ratio(rate: float, ttl: float, changes: float) -> float:
    """Share of look-ups answered with what has changed since its fill; `changes` are Poisson, per second."""
    within(changes >= 0, "a rate of changes is at least 0")
    return ttl_hit_ratio(rate, ttl) * _mean_share(changes, 0, ttl) if ttl else 0.0


def ttl_cold_hit_ratio(rate: float, ttl: float, start: float, end: float) -> float:
    """Hit ratio between `start` and `end` of a cache that is empty at 0, before anything in it expires."""
    within(rate >= 0 and 0 <= start < end <= ttl, "a cold hit ratio needs 0 ≤ start < end ≤ ttl")
    return _mean_share(rate, start, end)


def _mean_share(rate: float, start: float, end: float) -> float:
    """The mean of 1 − e^(−rate·t) over t from start to end."""
    if rate == 0:
        return 0.0
    return 1 + math.exp(-rate * start) * math.expm1(-rate * (end - start)) / (rate * (end - start))


class Stampede(NamedTuple):
    """Loads each time the key expires, and loads per second."""

    per_expiry: float
    rate: float


def stampede(rate: float, recompute: float, ttl: float, single_flight: bool = False) -> Stampede:
    """One key, look-ups at a Poisson rate, every miss recomputes; the ttl counts from the first refill.

    The look-up that finds the key expired loads it, and so does each that comes until it is back; with
    single-flight only the first.
    """
    within(rate > 0 and recompute >= 0 and ttl >= 0, "a stampede needs a rate above 0, and times of at least 0")
    loads = 1.0 if single_flight else 1 + rate * recompute
    return Stampede(loads, loads / (ttl + recompute + 1 / rate))
