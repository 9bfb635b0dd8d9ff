"""Bursty arrivals: a two-state Markov-modulated Poisson process with the mean, cv and bursts it promises."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsys.workload import Load, Workload
from simsys.workload.arrivals import BURST_SHARE, burst_phases, burst_rates


def moments(rate: float, cv: float, burst: float) -> tuple[float, float]:
    """Mean rate and cv of the gaps, from the matrices of the process."""
    (on, a), (off, b) = burst_rates(rate, cv, burst)
    switch = np.array([[-1 / on, 1 / on], [1 / off, -1 / off]])
    arrive = np.diag([a, b])
    time = np.array([on, off]) / (on + off)
    seen = time @ arrive / (time @ arrive).sum()
    wait = np.linalg.inv(arrive - switch)
    first, second = seen @ wait @ np.ones(2), 2 * seen @ wait @ wait @ np.ones(2)
    return 1 / first, math.sqrt(second / first**2 - 1)


@given(st.floats(0.1, 1e5), st.floats(1.0, 30.0), st.floats(1e-3, 1e3))
def test_rates_give_the_mean_rate_and_the_cv(rate: float, cv: float, burst: float) -> None:
    try:
        bursts = burst_rates(rate, cv, burst)
    except ValueError as error:
        most = math.sqrt(1 + 2 * 0.81 * rate * burst / 0.1)
        assert cv > most
        assert f"to {most:.3g} with" in str(error)
        return
    assert bursts.quiet.rate >= 0
    assert bursts.burst.rate >= rate * (1 - 1e-9)
    assert bursts.burst.length / (bursts.burst.length + bursts.quiet.length) == pytest.approx(BURST_SHARE)
    assert moments(rate, cv, burst) == pytest.approx((rate, cv), rel=1e-6)


def test_literal_rates() -> None:
    """cv 3 at 100/s with bursts of 1 s: 47 times as many in a burst as between two."""
    (on, a), (off, b) = burst_rates(100, 3, 1)
    assert [on, off] == pytest.approx([1, 9])
    assert [a, b] == pytest.approx([838.57, 17.94], abs=0.01)
    assert 0.1 * a + 0.9 * b == pytest.approx(100)


def test_a_cv_of_one_is_poisson() -> None:
    (_, a), (_, b) = burst_rates(50, 1, 2)
    assert [a, b] == pytest.approx([50, 50])


def test_bursts_have_the_mean_length_and_take_a_tenth_of_the_time() -> None:
    bursts = burst_rates(100, 3, 2)
    lengths: dict[float, list[float]] = {bursts.burst.rate: [], bursts.quiet.rate: []}
    for length, rate in islice(burst_phases(bursts, 1, 0), 40_000):
        lengths[rate].append(length)
    for mean, rate in bursts:
        found = np.array(lengths[rate])
        error = 3 * found.std() / math.sqrt(found.size)
        assert error < 0.03 * mean
        assert abs(found.mean() - mean) <= error
        assert found.std() == pytest.approx(mean, rel=0.03)
    begins = [next(burst_phases(bursts, 1, r)).rate == bursts.burst.rate for r in range(4000)]
    assert np.mean(begins) == pytest.approx(0.1, abs=3 * math.sqrt(0.09 / 4000))


def test_played_arrivals_have_the_mean_rate_and_the_cv() -> None:
    """40 replications of about 500 bursts each."""
    given: dict[str, Any] = {
        "rate": "100/s",
        "arrivals": {"bursty": {"cv": 3, "burst": "0.5s"}},
        "mix": {"read": "100%"},
    }
    load = Load.model_validate(given)
    rates, squares = [], []
    for replication in range(40):
        chunks = Workload(load, replication=replication, duration=2500.0).chunks()
        arrival = np.concatenate([chunk.arrival for chunk in chunks])
        found = np.diff(arrival)
        rates.append(arrival.size / 2500)
        squares.append((found * found).mean() / 2)
    for values, expected, band in ((rates, 100, 0.05), (squares, (1 + 3**2) / 2 / 100**2, 0.05)):
        error = 3 * np.std(values, ddof=1) / math.sqrt(len(values))
        assert error <= band * expected
        assert abs(np.mean(values) - expected) <= error
