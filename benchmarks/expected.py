"""What the three systems must come to: theory, and whether a row's figures agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heapreplace
from math import sqrt
from statistics import fmean, stdev
from typing import Any

import numpy as np
import systems as s

from simsys.theory import MMc, che_lru, zipf

MOST_ERRORS = 4.0
"""Standard errors between a figure and theory that chance explains, in a table of some thirty figures."""
RECURSIONS = 20


@dataclass(frozen=True)
class Figure:
    """A figure of a row beside its theory, with the standard error of their difference."""

    name: str
    value: float
    theory: float
    error: float

    @property
    def off(self) -> float:
        """Standard errors between the two."""
        return (self.value - self.theory) / self.error

    @property
    def agrees(self) -> bool:
        return abs(self.off) <= MOST_ERRORS


def figures(system: str, runs: Sequence[dict[str, Any]]) -> list[Figure]:
    """The figures of the runs of one row: lines of JSON of the same number of requests, with different seeds."""
    if system == "W3":
        truth, spread = last_delivery(runs[0]["requests"])
        error = spread * sqrt(1 / len(runs) + 1 / RECURSIONS)
        return [Figure("last delivery", fmean(run["last"] for run in runs), truth, error)]
    if system == "W1":
        return [_latency([mean for run in runs for mean in run["latency"]], w1_latency())]
    lookups, hits = (sum(run[name] for run in runs) for name in ("lookups", "hits"))
    ratio = hits / lookups
    hit_ratio = Figure("hit ratio", ratio, w2_hit_ratio(), sqrt(ratio * (1 - ratio) / lookups))
    warm = [mean for run in runs for mean in run["latency"][s.STRETCHES // 2 :]]
    return [hit_ratio, _latency(warm, w2_latency())]


def _latency(means: list[float], theory: float) -> Figure:
    return Figure("mean latency", fmean(means), theory, stdev(means) / sqrt(len(means)))


def w1_latency() -> float:
    """Mean seconds, by Erlang C."""
    return MMc(s.W1_SERVERS, s.W1_RATE, s.W1_SERVICE).sojourn


@cache
def w2_hit_ratio() -> float:
    """By Che's approximation."""
    return che_lru(zipf(s.W2_KEYS, s.W2_EXPONENT), s.W2_RATE, s.W2_ENTRIES).hit_ratio


@cache
def w2_latency() -> float:
    """Mean seconds: three stations one after the other, each as if its arrivals were Poisson.

    The loads of the shards are those of `systems.shard`; another hash moves the mean by less than a thousandth.
    """
    shares = np.bincount([s.shard(key) for key in range(s.W2_KEYS)], s.popularity())
    shards = sum(share * MMc(1, share * s.W2_RATE, s.W2_CACHE_SERVICE).sojourn for share in shares.tolist())
    api, missed = MMc(s.W2_API, s.W2_RATE, s.W2_API_SERVICE).sojourn, 1 - w2_hit_ratio()
    return api + shards + missed * MMc(s.W2_DATABASE, missed * s.W2_RATE, s.W2_DATABASE_SERVICE).sojourn


@cache
def last_delivery(followers: int, workers: int = s.W3_WORKERS) -> tuple[float, float]:
    """Mean and standard deviation of the time (s) of the last delivery, by recursion and without events.

    The writes of a batch come at once, so a shard is done with its part at max(free, begin) + Erlang(part), and the
    worker takes the next batch when the last shard is done (Lindley 1952; Kiefer and Wolfowitz 1955).
    """
    times = [_recursion(followers, workers, np.random.default_rng([followers, seed])) for seed in range(RECURSIONS)]
    return fmean(times), stdev(times)


def _recursion(followers: int, workers: int, random: np.random.Generator) -> float:
    free, worker_free = np.zeros(s.W3_SHARDS), [0.0] * workers
    for first in range(0, followers, s.W3_BATCH):
        parts = random.multinomial(min(s.W3_BATCH, followers - first), np.full(s.W3_SHARDS, 1 / s.W3_SHARDS))
        asked = parts > 0
        done = np.maximum(free[asked], worker_free[0]) + random.gamma(parts[asked], s.W3_WRITE)
        free[asked] = done
        heapreplace(worker_free, done.max())
    return float(free.max())


def lone_worker(batch: int = s.W3_BATCH) -> float:
    """Mean seconds of a batch where there is one worker, exactly: it finds all shards idle.

    The time is below t if no shard's part takes longer. Parts are multinomial: Poisson, given their sum.
    """
    mean, step = batch / s.W3_SHARDS, 0.5
    parts = np.arange(batch + 1.0)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(parts[1:]))))
    weights = np.exp(parts * np.log(mean) - mean - log_factorials)
    whole = np.exp(batch * np.log(batch) - batch - log_factorials[-1])

    def below(t: float) -> float:
        longer = np.concatenate(([0.0], np.cumsum(np.exp(parts * np.log(t) - t - log_factorials))))[:-1]
        one = weights * (1 - longer)
        spectrum = np.fft.rfft(one, 2 ** int(np.ceil(np.log2(batch * s.W3_SHARDS + 2)))) ** s.W3_SHARDS
        return float(np.fft.irfft(spectrum)[batch] / whole)

    times = np.arange(step / 2, 12 * mean + 40, step)
    return s.W3_WRITE * step * sum(1 - below(t) for t in times.tolist())
