"""Which key a request asks for: uniform, or by Zipf's law; key 0 is the most popular.

P(key = k) = (k + 1)^-s / sum of j^-s for j = 1 … count, exactly, in constant memory:
rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone
discrete distributions", 1996) on the draws of the token, about 1.1 of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Discriminator, Field, Tag

from simsys.draws import compiled, exp, log, uniform, uniforms
from simsys.units import Spec, Whole


class Zipf(Spec):
    """Popularity of the r-th key in proportion to r^-zipf; 0 is uniform, web objects have .6 to 1.2."""

    zipf: float = Field(ge=0, le=20)


class Latest(Spec):
    """Popularity of the r-th key that was inserted, counted from the newest, in proportion to r^-latest."""

    latest: float = Field(ge=0, le=20)


def _law(given: object) -> str:
    """Which of the two is meant."""
    return "by age" if isinstance(given, Latest) or (isinstance(given, dict) and "latest" in given) else "by rank"


Law = Annotated[
    Annotated[Zipf, Tag("by rank")] | Annotated[Latest, Tag("by age")],
    Discriminator(_law),
]


class Keys(Spec):
    """The column `key` of a scenario without a population: how many keys, and how popular; and in which order a storage
    engine has them: by hash, or as they were `inserted`, the more popular first.
    """

    count: Annotated[Whole, Field(ge=1, le=2**53)]
    popularity: Literal["uniform"] | Law = "uniform"
    order: Literal["inserted"] | None = None

    @property
    def exponent(self) -> float:
        """Zipf's exponent; 0 means uniform."""
        law = self.popularity
        return law.zipf if isinstance(law, Zipf) else law.latest if isinstance(law, Latest) else 0.0

    @property
    def latest(self) -> bool:
        """Whether key 0 is the newest one, rather than the same for ever."""
        return isinstance(self.popularity, Latest)


@compiled("float64(float64, float64)", inline=True)
def _area(x: float, s: float) -> float:
    """Integral of t^-s from 1 to x: (x^(1-s) - 1) / (1 - s), and log x at s = 1 without cancellation."""
    y = log(x)
    e = exp((1.0 - s) * y)
    return y if e == 1.0 else y * ((e - 1.0) / log(e))


@compiled("float64(float64, float64)", inline=True)
def _area_inverse(a: float, s: float) -> float:
    """The x at which `_area(x, s)` is a."""
    e = max(1.0 + (1.0 - s) * a, 0.0)
    return exp(a if e == 1.0 else a * (log(e) / (e - 1.0)))


@compiled("UniTuple(float64, 3)(float64, float64)")
def _bounds(count: float, s: float) -> tuple[float, float, float]:
    """The areas where the first key begins and the last one ends, and how far above x a key is sure to be taken."""
    sure = 2.0 - _area_inverse(_area(2.5, s) - exp(-s * log(2.0)), s)
    return _area(1.5, s) - 1.0, _area(count + 0.5, s), sure


@compiled("float64(float64, float64, float64, float64, float64, int64, int64, int64)")
def _searched(
    count: float, s: float, low: float, high: float, sure: float, stream: int, token: int, visit: int
) -> float:
    attempt = 0
    while True:
        a = high + uniform(stream, token, visit, attempt) * (low - high)
        x = _area_inverse(a, s)
        k = min(max(np.floor(x + 0.5), 1.0), count)
        if k - x <= sure or a >= _area(k + 0.5, s) - exp(-s * log(k)):
            return float(k - 1.0)
        attempt += 1


@compiled("float64[::1](float64, float64, int64, int64[::1], int64)")
def zipf_keys(
    count: float, s: float, stream: int, tokens: npt.NDArray[np.int64], visit: int
) -> npt.NDArray[np.float64]:
    """The key in [0, count) that each token of a contiguous array draws at this visit; s = 0 is uniform."""
    out = uniforms(stream, tokens, visit)
    if s == 0.0:
        for i in range(out.size):
            out[i] = min(np.floor(out[i] * count), count - 1.0)
        return out
    low, high, sure = _bounds(count, s)
    for i in range(out.size):  # all but a few are sure at the first attempt
        x = _area_inverse(high + out[i] * (low - high), s)
        k = min(max(np.floor(x + 0.5), 1.0), count)
        out[i] = k - 1.0 if k - x <= sure else -1.0
    for i in range(out.size):
        if out[i] < 0.0:
            out[i] = _searched(count, s, low, high, sure, stream, tokens[i], visit)
    return out
