"""When requests arrive: times of an open load, in order, in chunks.

A load is a unit process seen through a clock that runs at the load's rate: the unit process has one
arrival per unit on average (Poisson: exact exponential gaps; regular: one at 0, 1, 2, …), and the rate
is piecewise constant: one phase for ever, the stages one after the other, or bursts and quiet in turn,
which makes a Markov-modulated Poisson process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled, log, stream, uniform

BURST_SHARE = 0.1
"""Bursts take a tenth of the time, so the quiet between two of them is nine bursts long on average."""

Times = npt.NDArray[np.float64]


class Phase(NamedTuple):
    """A time of constant rate: seconds, arrivals per second."""

    length: float
    rate: float


class Bursts(NamedTuple):
    """The two states of a bursty load: the rate (/s) and the mean length (s) of each."""

    burst: Phase
    quiet: Phase


def burst_rates(rate: float, cv: float, burst: float) -> Bursts:
    """Rates such that the mean rate is `rate` and the gaps between arrivals have the coefficient of
    variation `cv`.

    For a two-state Markov-modulated Poisson process with rates a, b and switching rates r, s (Fischer
    and Meier-Hellstern, "The MMPP cookbook", 1993): cv² = 1 + 2 r s (a - b)² / ((r + s)² (a b + a s + b
    r)). With the share of time in bursts given, that is a quadratic in the quiet rate. Raises
    ValueError if even silence between the bursts would not reach `cv`.
    """
    busy, quiet = BURST_SHARE, 1.0 - BURST_SHARE
    most = math.sqrt(1.0 + 2.0 * quiet * quiet * rate * burst / busy)
    if not 1.0 <= cv <= most:
        reach = f"{most:.3g} with {rate:g} requests/s and bursts of {burst:g} s"
        raise ValueError(f"cv must be from 1 (as Poisson) to {reach}, not {cv:g}")
    m, k = cv * cv - 1.0, busy / (quiet * rate * burst)
    half = 4.0 * quiet + m
    root = math.sqrt(max(half * half - 4.0 * quiet * (2.0 + m) * (2.0 * quiet - m * k), 0.0))
    low = 2.0 * max(2.0 * quiet - m * k, 0.0) / (half + root)
    high = (1.0 - quiet * low) / busy
    return Bursts(Phase(burst, high * rate), Phase(burst * quiet / busy, low * rate))


def burst_phases(bursts: Bursts, seed: int, replication: int) -> Iterator[Phase]:
    """Bursts and quiet in turn, each of exponential length, begun as in the long run."""
    switches = stream(seed, replication, "load:bursts")
    bursting = uniform(switches, 0, 0) < BURST_SHARE
    visit = 1
    while True:
        mean, rate = bursts.burst if bursting else bursts.quiet
        yield Phase(-log(uniform(switches, 0, visit)) * mean, rate)
        bursting = not bursting
        visit += 1


def unit_arrivals(regular: bool, seed: int, replication: int, size: int) -> Iterator[Times]:
    """The unit process, `size` arrivals at a time, without end; the same whatever the size."""
    gaps = stream(seed, replication, "load:arrivals")
    first, before = 0, 0.0
    while True:
        times = np.arange(first, first + size, dtype=np.float64) if regular else _poisson(gaps, first, size, before)
        yield times
        first, before = first + size, float(times[-1])


@compiled("float64[::1](int64, int64, int64, float64)")
def _poisson(stream: int, first: int, size: int, before: float) -> Times:
    """Arrivals number first, first + 1, … of the unit Poisson process; `before` is the time of the one before."""
    out = np.empty(size)
    for i in range(size):
        out[i] = -log(uniform(stream, first + i, 0, 0))
    for i in range(size):
        before += out[i]
        out[i] = before
    return out


def through_phases(units: Iterator[Times], phases: Iterator[Phase]) -> Iterator[Times]:
    """Arrival times of the unit process through a clock of these phases; they end with the last phase."""
    start = 0.0
    done = 0.0
    phase = next(phases)
    for chunk in units:
        times: list[Times] = []
        while chunk.size:
            due = done + phase.length * phase.rate
            inside = chunk[: np.searchsorted(chunk, due)]
            if inside.size:
                times.append(_at_rate(inside, done, phase.rate, start, start + phase.length))
            chunk = chunk[inside.size :]
            if chunk.size:
                start, done = start + phase.length, due
                following = next(phases, None)
                if following is None:
                    yield np.concatenate([*times, np.zeros(0)])
                    return
                phase = following
        yield np.concatenate(times) if len(times) > 1 else times[0]


@compiled("float64[::1](float64[::1], float64, float64, float64, float64)")
def _at_rate(units: Times, done: float, rate: float, start: float, end: float) -> Times:
    """When the clock shows these units: at `start` it shows `done`."""
    out = np.empty(units.size)
    for i in range(units.size):
        out[i] = min(start + (units[i] - done) / rate, end)
    return out
