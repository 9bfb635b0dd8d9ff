"""Random variates: one compiled function draws from every law, in both engines, and another in arrays.

A law is (kind, a, b, c, table). Times are in s, sizes in B, counts in pieces; the unit is the caller's.
"""

import math

import numpy as np
from numpy.typing import NDArray

from simsys.distributions.pieces import table_quantile, table_quantiles
from simsys.draws import compiled, exp, exps, log, logs, normal_quantile, normal_quantiles, uniform, uniforms
from simsys.draws.arithmetic import Array

CONSTANT = 0  # a
EXPONENTIAL = 1  # mean a
LOGNORMAL = 2  # median a, sigma b
UNIFORM = 3  # from a to b
ERLANG = 4  # b stages of mean a
HYPEREXPONENTIAL = 5  # with probability a mean b, else mean c
TABLE = 6  # the table's pieces, prepared

STAGES_PER_LOG = 16  # a product of 16 uniforms cannot underflow


@compiled("float64(int64, int64, int64, int64)")
def _stages(count: int, stream: int, token: int, visit: int) -> float:
    """The sum of so many exponentials of mean 1."""
    total, sub = 0.0, 0
    while sub < count:
        product = 1.0
        for _ in range(min(STAGES_PER_LOG, count - sub)):
            product *= uniform(stream, token, visit, sub)
            sub += 1
        total -= log(product)
    return total


@compiled("float64(int64, float64, float64, float64, float64[:, ::1], int64, int64, int64)", inline=True)
def variate(kind: int, a: float, b: float, c: float, table: Array, stream: int, token: int, visit: int) -> float:
    """The draw of this token at this visit, from this law."""
    if kind == CONSTANT:
        return a
    if kind == ERLANG:
        return a * _stages(int(b), stream, token, visit)
    u = uniform(stream, token, visit, 0)
    if kind == EXPONENTIAL:
        return -a * log(u)
    if kind == LOGNORMAL:
        return a * exp(b * normal_quantile(u))
    if kind == UNIFORM:
        return a + u * (b - a)
    if kind == HYPEREXPONENTIAL:
        return -(b if uniform(stream, token, visit, 1) < a else c) * log(u)
    return table_quantile(table, u)


@compiled("float64[::1](int64, float64, float64, float64, float64[:, ::1], int64, int64[::1], int64)")
def _one_by_one(
    kind: int, a: float, b: float, c: float, table: Array, stream: int, tokens: NDArray[np.int64], visit: int
) -> Array:
    out = np.empty(tokens.size)
    for i in range(tokens.size):
        out[i] = variate(kind, a, b, c, table, stream, tokens[i], visit)
    return out


@compiled("float64[::1](float64, int64, int64[::1], int64)")
def exponentials(mean: float, stream: int, tokens: NDArray[np.int64], visit: int) -> Array:
    """`variate` of each token of a contiguous array from an exponential law, in one pass."""
    out = np.empty(tokens.size)
    for i in range(tokens.size):
        out[i] = -mean * log(uniform(stream, tokens[i], visit, 0))
    return out


def variates(
    kind: int, a: float, b: float, c: float, table: Array, stream: int, tokens: NDArray[np.int64], visit: int
) -> Array:
    """`variate` of each token of a contiguous array: the same bits."""
    if kind in (ERLANG, HYPEREXPONENTIAL):
        return _one_by_one(kind, a, b, c, table, stream, tokens, visit)
    if kind == CONSTANT:
        return np.full(tokens.size, a)
    if kind == EXPONENTIAL:
        return exponentials(a, stream, tokens, visit)
    return quantiles(kind, a, b, c, table, uniforms(stream, tokens, visit))


@compiled("float64(int64, float64, float64, float64, float64)")
def _survival(kind: int, a: float, b: float, c: float, x: float) -> float:
    """P(X > x) of an Erlang or hyperexponential law."""
    if kind == HYPEREXPONENTIAL:
        return a * exp(-x / b) + (1.0 - a) * exp(-x / c)
    term, total = exp(-x / a), 0.0
    for stage in range(int(b)):
        total += term
        term *= x / (a * (stage + 1.0))
    return total


@compiled("float64(int64, float64, float64, float64, float64)")
def _searched_quantile(kind: int, a: float, b: float, c: float, u: float) -> float:
    below, above = 0.0, max(a * b, b, c) if kind == HYPEREXPONENTIAL else a * b
    while _survival(kind, a, b, c, above) > 1.0 - u:
        below, above = above, 2.0 * above
    for _ in range(100):
        middle = 0.5 * (below + above)
        if _survival(kind, a, b, c, middle) > 1.0 - u:
            below = middle
        else:
            above = middle
    return above


@compiled("float64[::1](int64, float64, float64, float64, float64[::1])")
def _searched_quantiles(kind: int, a: float, b: float, c: float, u: Array) -> Array:
    out = np.empty(u.size)
    for i in range(u.size):
        out[i] = _searched_quantile(kind, a, b, c, u[i])
    return out


def quantiles(kind: int, a: float, b: float, c: float, table: Array, u: Array) -> Array:
    """The quantile of each u in (0, 1), a contiguous array."""
    if kind == CONSTANT:
        return np.full(u.size, a)
    if kind == EXPONENTIAL:
        return -a * logs(1.0 - u)
    if kind == LOGNORMAL:
        return a * exps(b * normal_quantiles(u))
    if kind == UNIFORM:
        return a + u * (b - a)
    if kind == TABLE:
        return table_quantiles(table, u)
    return _searched_quantiles(kind, a, b, c, u)


def mean_and_variance(kind: int, a: float, b: float, c: float) -> tuple[float, float]:
    """Of every law but a table."""
    if kind == CONSTANT:
        return a, 0.0
    if kind == EXPONENTIAL:
        return a, a * a
    if kind == LOGNORMAL:
        mean = a * exp(0.5 * b * b)
        return mean, mean * mean * (exp(b * b) - 1.0)
    if kind == UNIFORM:
        return 0.5 * (a + b), (b - a) * (b - a) / 12.0
    if kind == ERLANG:
        return a * b, a * a * b
    if kind == HYPEREXPONENTIAL:
        mean = a * b + (1.0 - a) * c
        return mean, 2.0 * (a * b * b + (1.0 - a) * c * c) - mean * mean
    return math.nan, math.nan
