"""A few thousand weighted points that stand for all requests of an operation, for closed forms.

Every column has its own axis from 0 to 1, cut into the same cells but each in its own order, so that
columns are all but independent. A point holds, for each column, the mean over its cell: so the weighted
mean of a column is exact. A quarter of the points share the last per cent of the first axis by decades, down
to 1e-10 of the requests: a celebrity is not averaged away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsys.distributions import QuantileTable, Variate
from simsys.distributions.pieces import piece_moment, piece_moments, table_quantiles
from simsys.draws import exps

Array = npt.NDArray[np.float64]

POINTS, _TAIL_POINTS = 4096, 1024
_TAIL, _DECADES = 0.01, 8
_LN_10 = 2.302585092994046
_STRIDES = (1, 1583, 2531, 1201, 3079)


class Grid(NamedTuple):
    """Weights that sum to 1, and columns."""

    weights: Array
    columns: dict[str, Array]


@cache
def first_edges() -> Array:
    """The edges of the axis whose upper end is cut finely, from 0 to 1."""
    even = (1.0 - _TAIL) * np.arange(POINTS - _TAIL_POINTS) / (POINTS - _TAIL_POINTS)
    tail = 1.0 - _TAIL * exps(-_LN_10 * _DECADES * np.arange(_TAIL_POINTS) / _TAIL_POINTS)
    return np.concatenate((even, tail, [1.0]))


def point_weights() -> Array:
    """The weight of each point: they sum to 1."""
    return np.diff(first_edges())


@dataclass(frozen=True, eq=False)
class Axis:
    """The cells of one column: `edges` from 0 to 1, and the point that each cell belongs to."""

    edges: Array
    point: npt.NDArray[np.int64]

    def means(self, integral: Callable[[Array], Array]) -> Array:
        """By point, the mean of a column over the cell, from the column's integral from 0 to v."""
        return self._by_point(np.diff(integral(self.edges)) / np.diff(self.edges))

    def means_of(self, law: Variate) -> Array:
        """By point, the mean of a law over the cell; a smooth law's table is scaled to its exact mean."""
        table = law.quantile_table()
        scale = law.mean / table.mean if table.mean > 0 else 1.0
        return scale * self.means(lambda v: integral(table, v))

    def means_of_lines(self, values: Array) -> Array:
        """By point, the mean of consecutive values."""
        total = np.concatenate(([0.0], np.cumsum(values))) / values.size
        return self.means(lambda v: np.interp(v, np.arange(total.size) / values.size, total))

    def middles(self, value: Callable[[Array], Array]) -> Array:
        """By point, the column in the middle of the cell."""
        return self._by_point(value(0.5 * (self.edges[:-1] + self.edges[1:])))

    def _by_point(self, cells: Array) -> Array:
        out = np.empty_like(cells)
        out[self.point] = cells
        return out


def axis(number: int) -> Axis:
    """The axis with this number; 0 is the one whose upper end is cut finely."""
    point = np.arange(POINTS) * _STRIDES[number] % POINTS
    edges = np.concatenate(([0.0], np.cumsum(point_weights()[point])[:-1], [1.0])) if number else first_edges()
    return Axis(edges, point)


def integral(table: QuantileTable, v: Array) -> Array:
    """The integral of the quantile function from 0 to each v in [0, 1]: at 1 it is the mean."""
    ends, low, _, g = np.ascontiguousarray(table.pieces.T)
    begins = table.prepared[:, 4]
    totals = np.concatenate(([0.0], np.cumsum((ends - begins) * piece_moments(table.pieces, 1.0))))
    k = np.minimum(np.searchsorted(ends, v), ends.size - 1)
    wide = ends[k] > begins[k]
    inside = np.divide(v - begins[k], ends[k] - begins[k], out=np.zeros_like(v), where=wide)
    within = (v - begins[k]) * piece_moment(low[k], table_quantiles(table.prepared, v), g[k], 1.0)
    return np.asarray(np.where(inside >= 1.0, totals[k + 1], np.where(inside > 0.0, totals[k] + within, totals[k])))
