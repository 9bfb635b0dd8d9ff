"""`QuantileTable`: a law given by its quantile function, with exact moments, and tilting."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from simsys.distributions.pieces import pareto_low, piece_moments, prepared, table_moment_below, table_quantiles
from simsys.draws import logs
from simsys.draws.arithmetic import Array


@dataclass(frozen=True, eq=False)
class QuantileTable:
    """Power-law pieces in ascending order, which do not overlap.

    `pieces` has the columns cumulative probability, low, high, exponent (see `pieces.py`); values are >= 0.
    """

    pieces: Array

    @staticmethod
    def from_points(u: ArrayLike, x: ArrayLike, straight: bool = False) -> "QuantileTable":
        """The quantile function through (u, x), both ascending, u from 0 to 1.

        Between two points log x is linear in u, or x itself where `straight` or where the lower x is 0.
        """
        u, x = np.asarray(u, np.float64), np.asarray(x, np.float64)
        low, high = x[:-1], x[1:]
        exponent = np.where((low == 0.0) | straight, 1.0, 0.0)
        return QuantileTable(np.column_stack((u[1:], low, high, exponent))[np.diff(u) > 0.0])

    @staticmethod
    def from_rows(values: ArrayLike, weights: ArrayLike | None = None) -> "QuantileTable":
        """The law of a value chosen from these rows, evenly or in proportion to weights."""
        levels, place = np.unique(np.asarray(values, np.float64), return_inverse=True)
        each = np.ones(place.size) if weights is None else np.asarray(weights, np.float64)
        mass = np.bincount(place, each).astype(np.float64)
        return weighted_pieces(levels, levels, np.ones_like(levels), mass)

    @staticmethod
    def from_pareto(mean: float, tail: float, high: float) -> "QuantileTable":
        """The Pareto law with this tail, cut at `high`, whose least value gives it this mean < high."""
        return QuantileTable(np.array([[1.0, pareto_low(mean, tail, high), high, -tail]]))

    @staticmethod
    def from_law(quantile: Callable[[Array], Array], u: Array) -> "QuantileTable":
        """A smooth law between these edges, through its quantiles there and half-way in probability.

        What lies outside the first and the last edge is put on them.
        """
        edges = np.maximum.accumulate(quantile(u))
        low, high = edges[:-1], edges[1:]
        middle = np.clip(quantile(0.5 * (u[:-1] + u[1:])), low, high)
        rise, fall = logs(middle / low), logs(high / middle)
        width = np.where(high > low, 0.5 * (rise + fall), 1.0)
        pieces = np.column_stack((u[1:], low, high, (rise - fall) / (width * width)))
        ends = [[u[0], edges[0], edges[0], 1.0]], [[1.0, edges[-1], edges[-1], 1.0]]
        return QuantileTable(np.concatenate((ends[0], pieces, ends[1])))

    @cached_property
    def prepared(self) -> Array:
        """The pieces, to draw from."""
        return prepared(self.pieces)

    @cached_property
    def mean(self) -> float:
        """E[X], exact for the pieces."""
        return self.moment(1.0)

    @property
    def variance(self) -> float:
        """E[X²] − E[X]², exact for the pieces."""
        single = bool(self.pieces[0, 1] == self.pieces[-1, 2])
        return 0.0 if single else max(0.0, self.moment(2.0) - self.mean * self.mean)

    def moment(self, p: float) -> float:
        """E[X**p]."""
        return table_moment_below(self.pieces, p, math.inf)

    def moment_below(self, x: float) -> float:
        """E[X; X < x]."""
        return table_moment_below(self.pieces, 1.0, x)

    def share_above(self, x: float) -> float:
        """P(X >= x)."""
        return max(0.0, 1.0 - table_moment_below(self.pieces, 0.0, x))

    def edge_share_above(self, x: float) -> float:
        """E[X; X >= x] / E[X]: of followers, the share of follow edges to accounts with at least x."""
        return max(0.0, 1.0 - self.moment_below(x) / self.mean)

    def tilt(self, by: float | ArrayLike) -> "QuantileTable":
        """The law of X when it is chosen in proportion to X**by, or to one weight per piece."""
        mass = np.diff(self.pieces[:, 0], prepend=0.0)
        low, high, exponent = self.pieces[:, 1:].T
        if not isinstance(by, int | float):
            return weighted_pieces(low, high, exponent, mass * np.asarray(by, np.float64))
        tilted = np.where(low < high, exponent + by, 1.0)
        if bool(np.any((low == 0.0) & ((high > 0.0) & (tilted <= 0.0) | (by < 0.0)))):
            raise ValueError(f"an exponent above -1, and values above 0 for a negative one, not {by}")
        return weighted_pieces(low, high, tilted, mass * piece_moments(self.pieces, float(by)))

    def quantile(self, u: ArrayLike) -> Array:
        """The quantile of each u in [0, 1]."""
        return table_quantiles(self.prepared, np.atleast_1d(np.ascontiguousarray(u, np.float64)))


def weighted_pieces(low: Array, high: Array, exponent: Array, mass: Array) -> QuantileTable:
    """The table of those of these ascending pieces that have a mass; the masses are scaled to 1."""
    ends = np.cumsum(mass)
    if not 0.0 < ends[-1] < math.inf:
        raise ValueError("expected weights that are not negative and do not add up to zero")
    table = np.column_stack((ends / ends[-1], low, high, exponent))
    return QuantileTable(np.ascontiguousarray(table[mass > 0.0]))
