"""Mixtures: the law that is one of several, each with its share."""

import math
from collections.abc import Sequence

import numpy as np

from simsys.distributions.pieces import table_shares
from simsys.distributions.tables import QuantileTable, weighted_pieces
from simsys.draws import exps, log
from simsys.draws.arithmetic import Array

LOG_STEP = 0.01  # width of the cells, in log x, where parts overlap
NEAR_ZERO = 2.0**-20  # the first cell above zero, as a part of the cell that it splits


def mixture(parts: Sequence[tuple[float, QuantileTable]]) -> QuantileTable:
    """The law that is each table with the share before it.

    Exact where at most one part is spread out; where several overlap, in cells of one per cent of x, each
    with its exact probability.
    """
    edges = np.unique(np.concatenate([table.pieces[:, 1:3].ravel() for _, table in parts]))
    spread, _ = _spread(parts, edges)
    edges = _refined(edges, np.count_nonzero(spread, axis=0) > 1)
    spread, exponents = _spread(parts, edges)
    low, high = edges[:-1], edges[1:]
    alone = np.count_nonzero(spread, axis=0) == 1
    own = exponents[np.argmax(spread, axis=0), np.arange(low.size)]
    exponent = np.where(alone, own, np.where(low > 0.0, 0.0, 1.0))
    single = sum((_singles(share, table, edges) for share, table in parts), np.zeros(edges.size))
    return weighted_pieces(
        np.insert(low, np.arange(edges.size), edges),
        np.insert(high, np.arange(edges.size), edges),
        np.insert(exponent, np.arange(edges.size), 1.0),
        np.insert(spread.sum(axis=0), np.arange(edges.size), single),
    )


def _spread(parts: Sequence[tuple[float, QuantileTable]], edges: Array) -> tuple[Array, Array]:
    """The mass and the exponent that each part (row) has strictly between an edge and the next (column)."""
    masses, exponents = [], []
    for share, table in parts:
        below, up_to, above = table_shares(table.pieces, edges)
        masses.append(share * np.maximum(below[1:] - up_to[:-1], 0.0))
        exponents.append(table.pieces[above[:-1], 3])
    return np.array(masses), np.array(exponents)


def _singles(share: float, table: QuantileTable, edges: Array) -> Array:
    """The mass that sits on each edge itself."""
    mass = np.diff(table.pieces[:, 0], prepend=0.0)
    single = table.pieces[:, 1] == table.pieces[:, 2]
    place = np.searchsorted(edges, table.pieces[single, 1])
    return np.bincount(place, share * mass[single], edges.size).astype(np.float64)


def _refined(edges: Array, where: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Array:
    """The edges, and more of them in the cells where it says so."""
    more = [edges]
    for low, high in zip(edges[:-1][where].tolist(), edges[1:][where].tolist(), strict=True):
        start = low if low > 0.0 else high * NEAR_ZERO
        width = log(high / start)
        steps = np.arange(math.ceil(width / LOG_STEP), dtype=np.float64)
        more.append(start * exps(steps * (width / max(steps.size, 1))))
    return np.unique(np.concatenate(more))
