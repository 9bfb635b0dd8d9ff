"""Which key a request asks for: uniform, or by Zipf's law; key 0 is the most popular.

P(key = k) = (k + 1)^-s / sum of j^-s for j = 1 … count, exactly, in constant memory:
rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone
discrete distributions", 1996) on the draws of the token, about 1.1 of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from simsys.draws import compiled, exp, log, uniform
from simsys.units import Spec, Whole


class Zipf(Spec):
    """Popularity of the r-th key in proportion to r^-zipf; 0 is uniform, web objects have .6 to 1.2."""

    zipf: float = Field(ge=0, le=20)


class Keys(Spec):
    """The column `key` of a scenario without a population: how many keys, and how popular."""

    count: Annotated[Whole, Field(ge=1, le=2**53)]
    popularity: Literal["uniform"] | Zipf = "uniform"

    @property
    def exponent(self) -> float:
        """Zipf's exponent; 0 means uniform."""
        return self.popularity.zipf if isinstance(self.popularity, Zipf) else 0.0


@compiled("float64(float64, float64)")
def _area(x: float, s: float) -> float:
    """Integral of t^-s from 1 to x: (x^(1-s) - 1) / (1 - s), and log x at s = 1 without cancellation."""
    y = log(x)
    e = exp((1.0 - s) * y)
    return y if e == 1.0 else y * ((e - 1.0) / log(e))


@compiled("float64(float64, float64)")
def _area_inverse(a: float, s: float) -> float:
    """The x at which `_area(x, s)` is a."""
    e = max(1.0 + (1.0 - s) * a, 0.0)
    return exp(a) if e == 1.0 else exp(a * (log(e) / (e - 1.0)))


@compiled("int64(float64, float64, int64, int64, int64)")
def zipf_key(count: float, s: float, stream: int, token: int, visit: int) -> int:
    """The key in [0, count) that this token draws at this visit; s = 0 is uniform."""
    if s == 0.0:
        return int(min(np.floor(uniform(stream, token, visit, 0) * count), count - 1.0))
    low, high = _area(1.5, s) - 1.0, _area(count + 0.5, s)
    sure = 2.0 - _area_inverse(_area(2.5, s) - exp(-s * log(2.0)), s)
    attempt = 0
    while True:
        a = high + uniform(stream, token, visit, attempt) * (low - high)
        x = _area_inverse(a, s)
        k = min(max(np.floor(x + 0.5), 1.0), count)
        if k - x <= sure or a >= _area(k + 0.5, s) - exp(-s * log(k)):
            return int(k) - 1
        attempt += 1


@compiled("float64[::1](float64, float64, int64, int64[:], int64)")
def zipf_keys(
    count: float, s: float, stream: int, tokens: npt.NDArray[np.int64], visit: int
) -> npt.NDArray[np.float64]:
    """`zipf_key` of each token."""
    out = np.empty(tokens.size)
    for i in range(tokens.size):
        out[i] = zipf_key(count, s, stream, tokens[i], visit)
    return out
