"""Users by number and by rank: numbers scatter the ranks, so that the first of them are a fair sample."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled

GOLDEN = 0.6180339887498949

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def spread(users: int) -> tuple[int, int]:
    """Factors, inverse to each other modulo `users`, that lead from number to rank and back."""
    step = int(users * GOLDEN) + 1
    while math.gcd(step, users) != 1:
        step += 1
    return step % users, pow(step, -1, users) if users > 1 else 0


@compiled("int64[::1](float64[::1], int64)")
def part(v: Array, users: int) -> Numbers:
    """The whole part of v * users, below users."""
    out = np.empty(v.size, np.int64)
    for i in range(v.size):
        out[i] = min(int(v[i] * users), users - 1)
    return out


@compiled("int64[::1](int64[::1], int64, int64)")
def scattered(numbers: Numbers, factor: int, modulus: int) -> Numbers:
    """numbers * factor modulo a modulus of up to 2**37, in two halves, since the product may not fit
    into 64 bits.
    """
    out = np.empty(numbers.size, np.int64)
    upper, lower = factor >> 20, factor & 0xFFFFF
    for i in range(numbers.size):
        out[i] = ((numbers[i] * upper % modulus << 20) + numbers[i] * lower) % modulus
    return out
