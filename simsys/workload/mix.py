"""Which operation each request is, drawn by their shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from simsys.draws import compiled, uniforms
from simsys.workload.arrivals import Times
from simsys.workload.columns import Indices

EXTREMES = (2.0**-53, 1.0 - 2.0**-53)
"""The least and the largest number that `uniform` gives."""


def alone(shares: Sequence[float]) -> int | None:
    """The number of the operation that every draw leads to, if there is one."""
    least, most = np.searchsorted(_edges(shares), EXTREMES, side="right").tolist()
    return int(least) if least == most else None


@lru_cache(maxsize=4)
def repeated(number: int, count: int) -> Indices:
    """One operation, so many times. Who asks again is given the same array, so nobody may write to it."""
    same = np.full(count, number)
    same.flags.writeable = False
    return same


def drawn(shares: Sequence[float], stream: int, tokens: Indices) -> Indices:
    """The number of an operation for each token, from the stream's draws."""
    return _places(_edges(shares), stream, tokens)


def _edges(shares: Sequence[float]) -> Times:
    return np.cumsum(shares)[:-1]


@compiled("int64[::1](float64[::1], int64, int64[::1])")
def _places(edges: Times, stream: int, tokens: Indices) -> Indices:
    """How many edges are not above the draw of each token."""
    u, out = uniforms(stream, tokens, 0), np.empty(tokens.size, np.int64)
    for i in range(u.size):
        out[i] = u[i] >= edges[0]
    for edge in edges[1:]:
        for i in range(u.size):
            out[i] += u[i] >= edge
    return out
