"""Laws made of power-law pieces: the arithmetic of `QuantileTable`.

A table has one row per piece: the cumulative probability at its end, its low and high value, its exponent g.
Rows ascend and pieces do not overlap. Within a piece the density is in proportion to x**(g - 1): g = 1 is
uniform (a straight line in the quantile function), g = 0 log-uniform (a straight line for log x), g = -a a
Pareto tail a. Where low = high the piece is a single value; low = 0 needs g > 0. Moments are exact, and
choosing x in proportion to x**c adds c to g, so the family is closed.

To draw, a table is `prepared`: four more columns hold where the piece begins, two constants of its quantile
function, and a guide, the number of the piece at the probability row / rows. Drawing is compiled; what is done
once per law is NumPy.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simsys.draws import compiled, exp, expm1s, exps, logs, power, powers
from simsys.draws.arithmetic import Array

FLAT = 1e-8  # an exponent times a log-range below this is taken as 0


def _integral(q: Array, log_ratio: Array) -> Array:
    """Integral of x**(q - 1) over each piece, divided by high**q (for q < 0 by low**q)."""
    size = np.abs(q) * -log_ratio
    return np.where(size < FLAT, -log_ratio, -expm1s(-size) / np.abs(q))


def piece_moment(low: Array, high: Array, g: Array, p: float) -> Array:
    """E[X**p] within each piece."""
    with np.errstate(all="ignore"):
        log_ratio, power_low, power_high = logs(low / high), powers(low, p), powers(high, p)
        share = _integral(g + p, log_ratio) / _integral(g, log_ratio)
        lower, upper = power_low * exps(g * log_ratio), power_high * exps(-g * log_ratio)
        falling, rising = np.where(g + p < 0.0, power_low, upper), np.where(g + p >= 0.0, power_high, lower)
        return np.where((low == high) | (p == 0.0), power_low, share * np.where(g < 0.0, falling, rising))


def piece_below(low: Array, high: Array, g: Array, x: Array) -> Array:
    """P(X < x) within each piece."""
    with np.errstate(all="ignore"):
        log_ratio = logs(low / high)
        flat = np.abs(g) * -log_ratio < FLAT
        log_x = logs(x / np.where(flat | (g < 0.0), low, high))
        part = expm1s(g * log_x) / expm1s(np.abs(g) * log_ratio)
        inside = np.where(flat, log_x / -log_ratio, np.where(g < 0.0, part, 1.0 - part))
    return np.where(x <= low, 0.0, np.where(x >= high, 1.0, inside))


def prepared(table: Array) -> Array:
    """The table to draw from: shape (pieces, 8); (low / high)**|g| and 1 / g, or log(low / high) and 0 where g
    is taken as 0.
    """
    (ends, low, high, g), rows = np.ascontiguousarray(table.T), len(table)
    with np.errstate(all="ignore"):
        log_ratio = logs(low / high)
        flat = np.abs(g) * -log_ratio < FLAT
        factor, inverse = np.where(flat, log_ratio, exps(np.abs(g) * log_ratio)), np.where(flat, 0.0, 1.0 / g)
    guide = np.minimum(np.searchsorted(ends, np.arange(rows) / rows), rows - 1)
    return np.column_stack((table, np.concatenate(([0.0], ends[:-1])), factor, inverse, guide))


@compiled("int64(float64[:, ::1], float64)", inline=True)
def _piece_at(table: Array, u: float) -> int:
    """The number of the piece of a prepared table that holds the cumulative probability u."""
    last = table.shape[0] - 1
    k = int(table[min(int(u * table.shape[0]), last), 7])
    while k > 0 and table[k, 4] >= u:
        k -= 1
    while k < last and table[k, 0] < u:
        k += 1
    return k


@compiled("float64(float64[:, ::1], int64, float64)", inline=True)
def _quantile_in(table: Array, k: int, u: float) -> float:
    low, high, g, factor, inverse = table[k, 1], table[k, 2], table[k, 3], table[k, 5], table[k, 6]
    s = min((u - table[k, 4]) / (table[k, 0] - table[k, 4]), 1.0)
    if low == high:
        return float(low)
    if g == 1.0:
        return float(low + s * (high - low))
    if inverse == 0.0:
        x = low * exp(-s * factor)
    else:
        near, far = (1.0 - s, s) if g < 0.0 else (s, 1.0 - s)
        x = (low if g < 0.0 else high) * power(near + far * factor, inverse)
    return float(min(max(x, low), high))


@compiled("float64(float64[:, ::1], float64)")
def table_quantile(table: Array, u: float) -> float:
    """The quantile of u in [0, 1], from a prepared table."""
    return _quantile_in(table, _piece_at(table, u), u)


@compiled("float64[::1](float64[:, ::1], float64[::1])")
def table_quantiles(table: Array, u: Array) -> Array:
    """`table_quantile` of each element: the same bits."""
    out = np.empty(u.size)
    for i in range(u.size):
        out[i] = table_quantile(table, u[i])
    return out


def table_moment_below(table: Array, p: float, x: float) -> float:
    """E[X**p; X < x]: the part of the moment that lies below x."""
    _, low, high, g = table.T
    share = piece_below(low, high, g, np.full(low.size, x)) if x < math.inf else np.ones(low.size)
    mass = np.diff(table[:, 0], prepend=0.0) * share
    there = share > 0.0
    moment = piece_moment(low[there], np.minimum(high[there], x), g[there], p)
    return float(np.cumsum(mass[there] * moment)[-1]) if there.any() else 0.0


def piece_moments(table: Array, p: float) -> Array:
    """E[X**p] within each piece of a table."""
    _, low, high, g = np.ascontiguousarray(table.T)
    return piece_moment(low, high, g, p)


def _shares(table: Array, x: Array, piece: NDArray[np.int64]) -> Array:
    """The mass below each x, of which no piece before the given one has any left above."""
    before = np.concatenate(([0.0], table[:, 0]))[piece]
    end, low, high, g = table[np.minimum(piece, len(table) - 1)].T
    return np.where(piece < len(table), before + (end - before) * piece_below(low, high, g, x), before)


def table_shares(table: Array, x: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """P(X < x) and P(X <= x) of each x, and the number of the piece above it (of the last, if none is)."""
    first = np.searchsorted(table[:, 2], x, side="left")
    next_ = np.searchsorted(table[:, 2], x, side="right")
    return _shares(table, x, first), _shares(table, x, next_), np.minimum(next_, len(table) - 1)


@lru_cache(maxsize=64)
def pareto_low(mean: float, tail: float, high: float) -> float:
    """The least value that gives a Pareto law cut at `high` this mean: by bisection of its logarithm."""
    below, above = -690.0, 0.0
    one, g = np.ones(1), np.array([-tail])
    for _ in range(100):
        middle = 0.5 * (below + above)
        if piece_moment(np.array([exp(middle)]), one, g, 1.0)[0] * high < mean:
            below = middle
        else:
            above = middle
    return high * exp(above)
