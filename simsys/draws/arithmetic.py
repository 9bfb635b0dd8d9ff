"""log, exp, power and the normal quantile in plain IEEE arithmetic: + - x /, square roots and moves of bits.

Libraries of mathematics differ in their last bits from one processor to the next; these functions do not.
The errors are below 1 ulp for `log` and `exp`, 2 + |y ln x| / 10 ulp for `power(x, y)`, and 1e-14 of
`normal_quantile`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from simsys.draws.compiling import compiled

Array = NDArray[np.float64]

LN2_HIGH = 6.93147180369123816490e-01  # the first 32 bits of ln 2: its product with an exponent is exact
LN2_LOW = 1.90821492927058770002e-10
ONE_BITS = 0x3FF0000000000000
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
MANTISSA = 0x000FFFFFFFFFFFFF
SMALLEST_NORMAL = 2.2250738585072014e-308
WHOLE = 4503599627370496.0  # 2**52: w < 2**52 is the mantissa of WHOLE + w
WHOLE_BITS = 0x4330000000000000
SPLITTER = 134217729.0  # 2**27 + 1

# fmt: off
CENTRE_ABOVE = (
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987,
    13731.69376550946, 1971.5909503065513, 133.14166789178438, 3.3871328727963665,
)
CENTRE_BELOW = (
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597,
    5394.196021424751, 687.1870074920579, 42.31333070160091, 1.0,
)
MIDDLE_ABOVE = (
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684,
    3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835,
)
MIDDLE_BELOW = (
    1.0507500716444169e-09, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008,
    0.6897673349851, 1.6763848301838038, 2.053191626637759, 1.0,
)
FAR_ABOVE = (
    2.0103343992922881e-07, 2.7115555687434876e-05, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
)
FAR_BELOW = (
    2.0442631033899397e-15, 1.421511758316446e-07, 1.8463183175100548e-05, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1.0,
)
# fmt: on


@compiled("float64(float64, UniTuple(float64, 8))", inline=True)
def _polynomial(x: float, coefficients: tuple[float, ...]) -> float:
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total


@compiled("Tuple((float64, float64))(float64)", inline=True)
def _exponent_and_fraction(x: float) -> tuple[float, float]:
    """(k, f) with x = 2**k * (1 + f) and sqrt(1/2) <= 1 + f < sqrt(2), for a positive finite x."""
    shift = 0.0
    if x < SMALLEST_NORMAL:
        x *= 18014398509481984.0  # 2**54
        shift = 54.0
    bits = np.float64(x).view(np.int64) + (ONE_BITS - ROOT_HALF_BITS)
    mantissa = np.int64((bits & MANTISSA) + ROOT_HALF_BITS).view(np.float64)
    return np.int64((bits >> 52) | WHOLE_BITS).view(np.float64) - (WHOLE + 1023.0) - shift, mantissa - 1.0


@compiled("float64(float64)", inline=True)
def _log_tail(z: float) -> float:
    """(log((1 + s) / (1 - s)) - 2 s) / s for z = s * s: Taylor's series, to 2**-56 for |s| < 0.1716."""
    high = 2 / 13 + z * (2 / 15 + z * (2 / 17 + z * (2 / 19 + z * (2 / 21))))
    return z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9 + z * (2 / 11 + z * high)))))


@compiled("float64(float64)", inline=True)
def _exp_tail(r: float) -> float:
    """(exp(r) - 1 - r) / r**2: Taylor's series, to 2**-56 for |r| < 0.35."""
    high = 1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600))))
    higher = high + r * r * r * r * r * (1 / 6227020800 + r * (1 / 87178291200))
    return 1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * higher)))))


@compiled("float64(float64)", inline=True)
def log(x: float) -> float:
    """The natural logarithm; -inf at 0, NaN below it."""
    k, f = _exponent_and_fraction(x)
    s = f / (2.0 + f)
    half_square = 0.5 * f * f
    tail = s * (half_square + _log_tail(s * s))
    if not 0.0 < x < math.inf:
        return -math.inf if x == 0.0 else (x if x > 0.0 else math.nan)
    return k * LN2_HIGH - ((half_square - (tail + k * LN2_LOW)) - f)


@compiled("float64(float64)", inline=True)
def exp(x: float) -> float:
    """e to the power x; 0 below -745.2, inf above 709.8."""
    if not -746.0 < x < 710.0:
        return math.nan if x != x else (0.0 if x < 0.0 else math.inf)
    k = float(np.floor(x * 1.4426950408889634 + 0.5))
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    correction = (high - r) - low
    mantissa = 1.0 + (r + (correction + r * r * _exp_tail(r)))
    half = np.floor(0.5 * k)
    first = np.int64(np.float64(half + (WHOLE + 1023.0)).view(np.int64) << 52).view(np.float64)
    second = np.int64(np.float64(k - half + (WHOLE + 1023.0)).view(np.int64) << 52).view(np.float64)
    return mantissa * first * second


@compiled("float64(float64)", inline=True)
def expm1(x: float) -> float:
    """exp(x) - 1, also where x is small."""
    return x + x * x * _exp_tail(x) if abs(x) < 0.3 else exp(x) - 1.0


@compiled("Tuple((float64, float64))(float64, float64)", inline=True)
def _two_product(a: float, b: float) -> tuple[float, float]:
    """a * b as a rounded product and its exact error (Dekker 1971)."""
    c = SPLITTER * a
    a_high = c - (c - a)
    c = SPLITTER * b
    b_high = c - (c - b)
    a_low, b_low = a - a_high, b - b_high
    p = a * b
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


@compiled("Tuple((float64, float64))(float64)", inline=True)
def _long_log(x: float) -> tuple[float, float]:
    """The logarithm of a positive finite x as a sum of two floats, to a relative 2**-59."""
    k, f = _exponent_and_fraction(x)
    d = 2.0 + f
    s = f / d
    p, p_error = _two_product(s, d)
    s_low = ((f - p) - p_error - s * ((2.0 - d) + f)) / d
    a, b = k * LN2_HIGH, 2.0 * s
    total = a + b
    error = (b - (total - a)) if k != 0.0 else 0.0
    low = error + (2.0 * s_low + (s * _log_tail(s * s) + k * LN2_LOW))
    high = total + low
    return high, low - (high - total)


@compiled("float64(float64, float64)", inline=True)
def power(x: float, y: float) -> float:
    """x to the power y for x >= 0; NaN for a negative x."""
    high, low = _long_log(x)
    product, error = _two_product(y, high)
    value = exp(product)
    if abs(product) <= 750.0 and value < math.inf:
        value += value * (error + y * low)
    if not 0.0 < x < math.inf or not -math.inf < y < math.inf:
        value = math.inf if (x > 1.0) == (y > 0.0) else 0.0
    if not x >= 0.0 or y != y:
        value = math.nan
    if y == 1.0 and x >= 0.0:
        value = x
    return 1.0 if y == 0.0 or x == 1.0 else value


@compiled("float64(float64)", inline=True)
def normal_quantile(u: float) -> float:
    """The standard normal quantile of u in (0, 1). Source: Wichura, algorithm AS 241 (1988)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _polynomial(r, CENTRE_ABOVE) / _polynomial(r, CENTRE_BELOW)
    r = math.sqrt(-log(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        x = _polynomial(r - 1.6, MIDDLE_ABOVE) / _polynomial(r - 1.6, MIDDLE_BELOW)
    else:
        x = _polynomial(r - 5.0, FAR_ABOVE) / _polynomial(r - 5.0, FAR_BELOW)
    return -x if q < 0.0 else x


@compiled("float64[::1](float64[::1])")
def logs(x: Array) -> Array:
    """`log` of each element of a contiguous array."""
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = log(x[i])
    return out


@compiled("float64[::1](float64[::1])")
def exps(x: Array) -> Array:
    """`exp` of each element of a contiguous array."""
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = exp(x[i])
    return out


@compiled("float64[::1](float64[::1], float64)")
def powers(x: Array, y: float) -> Array:
    """`power(·, y)` of each element of a contiguous array."""
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = power(x[i], y)
    return out


@compiled("float64[::1](float64[::1])")
def expm1s(x: Array) -> Array:
    """`expm1` of each element of a contiguous array."""
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = expm1(x[i])
    return out


@compiled("float64[::1](float64[::1])")
def normal_quantiles(u: Array) -> Array:
    """`normal_quantile` of each element of a contiguous array."""
    out = np.empty(u.size)
    for i in range(u.size):
        out[i] = normal_quantile(u[i])
    return out
