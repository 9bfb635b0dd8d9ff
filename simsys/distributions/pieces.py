"""Laws made of power-law pieces, compiled: the arithmetic of `QuantileTable`.

A table has one row per piece: the cumulative probability at its end, its low and high value, its exponent g.
Rows ascend and pieces do not overlap. Within a piece the density is in proportion to x**(g - 1): g = 1 is
uniform (a straight line in the quantile function), g = 0 log-uniform (a straight line for log x), g = -a a
Pareto tail a. Where low = high the piece is a single value; low = 0 needs g > 0. Moments are exact, and
choosing x in proportion to x**c adds c to g, so the family is closed.

To draw, a table is `prepared`: four more columns hold where the piece begins, two constants of its quantile
function, and a guide, the number of the piece at the probability row / rows.
"""

import math

import numpy as np
from numpy.typing import NDArray

from simsys.draws import compiled, exp, expm1, log, power
from simsys.draws.arithmetic import Array

FLAT = 1e-8  # an exponent times a log-range below this is taken as 0


@compiled("float64(float64, float64)")
def _integral(q: float, log_ratio: float) -> float:
    """Integral of x**(q - 1) over the piece, divided by high**q (for q < 0 by low**q)."""
    size = abs(q) * -log_ratio
    return -log_ratio if size < FLAT else -expm1(-size) / abs(q)


@compiled("float64(float64, float64, float64, float64)")
def piece_moment(low: float, high: float, g: float, p: float) -> float:
    """E[X**p] within a piece."""
    if low == high or p == 0.0:
        return power(low, p)
    log_ratio = log(low / high)
    share = _integral(g + p, log_ratio) / _integral(g, log_ratio)
    if g < 0.0:
        return share * (power(low, p) if g + p < 0.0 else power(high, p) * exp(-g * log_ratio))
    return share * (power(high, p) if g + p >= 0.0 else power(low, p) * exp(g * log_ratio))


@compiled("float64(float64, float64, float64, float64)")
def piece_below(low: float, high: float, g: float, x: float) -> float:
    """P(X < x) within a piece."""
    if x <= low:
        return 0.0
    if x >= high:
        return 1.0
    log_ratio = log(low / high)
    if abs(g) * -log_ratio < FLAT:
        return log(x / low) / -log_ratio
    if g < 0.0:
        return expm1(g * log(x / low)) / expm1(-g * log_ratio)
    return 1.0 - expm1(g * log(x / high)) / expm1(g * log_ratio)


@compiled("UniTuple(float64, 2)(float64, float64, float64)")
def _constants(low: float, high: float, g: float) -> tuple[float, float]:
    """(low / high)**|g| and 1 / g; log(low / high) and 0 where g is taken as 0."""
    if low == high or g == 1.0:
        return 0.0, 0.0
    log_ratio = log(low / high)
    if abs(g) * -log_ratio < FLAT:
        return log_ratio, 0.0
    return exp(abs(g) * log_ratio), 1.0 / g


@compiled("float64(float64, float64, float64, float64, float64, float64)", inline=True)
def _quantile(low: float, high: float, g: float, factor: float, inverse: float, s: float) -> float:
    if low == high:
        return low
    if g == 1.0:
        return low + s * (high - low)
    if inverse == 0.0:
        x = low * exp(-s * factor)
    else:
        near, far = (1.0 - s, s) if g < 0.0 else (s, 1.0 - s)
        x = (low if g < 0.0 else high) * power(near + far * factor, inverse)
    return min(max(x, low), high)


@compiled("float64(float64, float64, float64, float64)")
def piece_quantile(low: float, high: float, g: float, s: float) -> float:
    """The quantile of s in [0, 1] within a piece."""
    factor, inverse = _constants(low, high, g)
    return _quantile(low, high, g, factor, inverse, s)


@compiled("int64(float64[:, ::1], float64)")
def piece_at(table: Array, u: float) -> int:
    """The number of the piece that holds the cumulative probability u."""
    first, last = 0, table.shape[0] - 1
    while first < last:
        middle = (first + last) // 2
        if table[middle, 0] < u:
            first = middle + 1
        else:
            last = middle
    return first


@compiled("float64[:, ::1](float64[:, ::1])")
def _all_constants(table: Array) -> Array:
    out = np.empty((table.shape[0], 2))
    for k in range(table.shape[0]):
        out[k, 0], out[k, 1] = _constants(table[k, 1], table[k, 2], table[k, 3])
    return out


def prepared(table: Array) -> Array:
    """The table to draw from: shape (pieces, 8)."""
    ends, rows = table[:, 0], len(table)
    begins = np.concatenate(([0.0], ends[:-1]))
    guide = np.minimum(np.searchsorted(ends, np.arange(rows) / rows), rows - 1)
    return np.column_stack((table, begins, _all_constants(table), guide))


@compiled("int64(float64[:, ::1], float64)", inline=True)
def _guided(table: Array, u: float) -> int:
    """`piece_at` of a prepared table."""
    last = table.shape[0] - 1
    k = int(table[min(int(u * table.shape[0]), last), 7])
    while k > 0 and table[k, 4] >= u:
        k -= 1
    while k < last and table[k, 0] < u:
        k += 1
    return k


@compiled("float64(float64[:, ::1], float64)")
def table_quantile(table: Array, u: float) -> float:
    """The quantile of u in [0, 1], from a prepared table."""
    k = _guided(table, u)
    s = min((u - table[k, 4]) / (table[k, 0] - table[k, 4]), 1.0)
    return _quantile(table[k, 1], table[k, 2], table[k, 3], table[k, 5], table[k, 6], s)


@compiled("float64[::1](float64[:, ::1], float64[::1])")
def table_quantiles(table: Array, u: Array) -> Array:
    """`table_quantile` of each element: the same bits."""
    piece, out = np.empty(u.size, np.uint64), np.empty(u.size)
    for i in range(u.size):
        piece[i] = _guided(table, u[i])
    for i in range(u.size):
        k = piece[i]
        s = min((u[i] - table[k, 4]) / (table[k, 0] - table[k, 4]), 1.0)
        out[i] = _quantile(table[k, 1], table[k, 2], table[k, 3], table[k, 5], table[k, 6], s)
    return out


@compiled("float64(float64[:, ::1], float64, float64)")
def table_moment_below(table: Array, p: float, x: float) -> float:
    """E[X**p; X < x]: the part of the moment that lies below x."""
    total, before = 0.0, 0.0
    for i in range(table.shape[0]):
        low, high, g = table[i, 1], table[i, 2], table[i, 3]
        share = piece_below(low, high, g, x) if x < math.inf else 1.0
        if share > 0.0:
            total += (table[i, 0] - before) * share * piece_moment(low, min(high, x), g, p)
        before = table[i, 0]
    return total


@compiled("float64[::1](float64[:, ::1], float64)")
def piece_moments(table: Array, p: float) -> Array:
    """E[X**p] within each piece."""
    out = np.empty(table.shape[0])
    for i in range(out.size):
        out[i] = piece_moment(table[i, 1], table[i, 2], table[i, 3], p)
    return out


@compiled("float64[::1](float64[:, ::1], float64[:], int64[:])")
def _shares(table: Array, x: Array, piece: NDArray[np.int64]) -> Array:
    """The mass below each x, of which no piece before the given one has any left above."""
    out = np.empty(x.size)
    for i in range(x.size):
        k = piece[i]
        out[i] = table[k - 1, 0] if k > 0 else 0.0
        if k < table.shape[0]:
            out[i] += (table[k, 0] - out[i]) * piece_below(table[k, 1], table[k, 2], table[k, 3], x[i])
    return out


def table_shares(table: Array, x: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """P(X < x) and P(X <= x) of each x, and the number of the piece above it (of the last, if none is)."""
    first = np.searchsorted(table[:, 2], x, side="left")
    next_ = np.searchsorted(table[:, 2], x, side="right")
    return _shares(table, x, first), _shares(table, x, next_), np.minimum(next_, len(table) - 1)


@compiled("float64(float64, float64, float64)")
def pareto_low(mean: float, tail: float, high: float) -> float:
    """The least value that gives a Pareto law cut at `high` this mean: by bisection of its logarithm."""
    below, above = -690.0, 0.0
    for _ in range(100):
        middle = 0.5 * (below + above)
        if piece_moment(exp(middle), 1.0, -tail, 1.0) * high < mean:
            below = middle
        else:
            above = middle
    return high * exp(above)
