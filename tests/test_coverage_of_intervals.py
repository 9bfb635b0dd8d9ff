"""How often the printed 95 % intervals cover the truth, on M/M/1 at 80 % load, by Lindley's recursion."""

import math

import numpy as np
import pytest

from simsys.measure.histogram import Histogram
from simsys.measure.intervals import interval, paired, section
from simsys.measure.runlength import run_length_needed

RHO = 0.8
REPLICATIONS = 10
MEAN, P99 = 1 / (1 - RHO), math.log(100) / (1 - RHO)
BAND = (0.92, 0.98)


def sojourns(random, requests, mean=1.0):
    """Times from arrival to departure, mean service in s; the first tenth is dropped, as a run does by default."""
    service = mean * random.standard_exponential(requests)
    steps = np.append(0.0, service[:-1]) - random.standard_exponential(requests) / RHO
    steps[0] = 0.0
    walk = np.cumsum(steps)
    return (walk - np.minimum.accumulate(walk) + service)[requests // 10 :]


def covers(bounds, truth):
    return bounds[0] <= truth <= bounds[1]


def figures(runs):
    """The mean and the p99 of replications, as simsys has them."""
    histograms, pooled = [], Histogram()
    for run in runs:
        histograms.append(Histogram())
        histograms[-1].add(run)
        pooled.merge(histograms[-1])
    mean = interval([each.mean for each in histograms])
    return mean, section(pooled.quantile(0.99), [each.quantile(0.99) for each in histograms])


def replicated(runs):
    """The intervals that simsys prints, for the mean and the p99."""
    return [figure[1:3] for figure in figures(runs)]


def as_if_independent(runs):
    """The mutant: every request taken for an independent sample."""
    requests = np.sort(np.concatenate(runs))
    count = len(requests)
    mean, half = requests.mean(), 1.96 * requests.std() / math.sqrt(count)
    ranks = 0.99 * count + np.array([-1.96, 1.96]) * math.sqrt(0.99 * 0.01 * count)
    return (mean - half, mean + half), tuple(requests[ranks.astype(int)])


def coverage(method, repetitions, requests):
    random = np.random.default_rng(20_000 + repetitions)
    covered = np.zeros(2)
    for _ in range(repetitions):
        mean, p99 = method([sojourns(random, requests) for _ in range(REPLICATIONS)])
        covered += covers(mean, MEAN), covers(p99, P99)
    return covered / repetitions


def test_lindley_by_hand():
    """The vectorised recursion against one request after the other."""
    random = np.random.default_rng(1)
    fast = sojourns(np.random.default_rng(1), 50)
    service, gaps = random.standard_exponential(50), random.standard_exponential(50) / RHO
    wait, slow = 0.0, []
    for at in range(50):
        wait = max(0.0, wait + service[at - 1] - gaps[at]) if at else 0.0
        slow.append(wait + service[at])
    assert fast == pytest.approx(slow[5:])


@pytest.mark.long
def test_the_intervals_cover_what_they_promise():
    mean, p99 = coverage(replicated, 500, round(run_length_needed(RHO)))
    assert BAND[0] <= mean <= BAND[1]
    assert BAND[0] <= p99 <= BAND[1]


@pytest.mark.long
def test_requests_taken_as_independent_do_not():
    mean, p99 = coverage(as_if_independent, 100, round(run_length_needed(RHO)))
    assert mean < 0.5
    assert p99 < 0.5


@pytest.mark.long
def test_runs_shorter_than_the_rule_do_not():
    """A fiftieth of the length: the p99 of a replication is biased, and its interval misses."""
    _, p99 = coverage(replicated, 500, round(run_length_needed(RHO) / 50))
    assert p99 < BAND[0]


QUICKER = 0.95
APART = 1 / (1 - RHO) - 1 / (1 / QUICKER - RHO)
"""Seconds by which the mean of a server falls that is 5 % quicker; its p99 falls by log(100) times as many."""


def differences(repetitions, requests, seeds):
    """(share covered, mean width) of the differences of mean and p99; `seeds` gives those of both servers."""
    covered, widths = np.zeros(2), np.zeros(2)
    for each in range(repetitions):
        servers = [
            figures([sojourns(np.random.default_rng([seed, each, r]), requests, mean) for r in range(REPLICATIONS)])
            for seed, mean in zip(seeds, (1.0, QUICKER), strict=True)
        ]
        pairs = [paired(slow, quick) for slow, quick in zip(*servers, strict=True)]
        covered += [covers(pairs[0][1:3], APART), covers(pairs[1][1:3], math.log(100) * APART)]
        widths += [pair.high - pair.low for pair in pairs]
    return covered / repetitions, widths / repetitions


@pytest.mark.long
def test_the_intervals_of_paired_differences_cover_what_they_promise_and_are_narrow():
    covered, together = differences(400, round(run_length_needed(RHO)), (1, 1))
    assert np.all((covered >= BAND[0]) & (covered <= BAND[1]))
    _, apart = differences(20, round(run_length_needed(RHO)), (1, 2))
    assert np.all(together < apart / 2), "what common random numbers are for"
