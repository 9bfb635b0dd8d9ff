"""Columns of requests of a batch: records are as long as two cache lines, and each is read just once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled
from simsys.measure.log import REQUEST

Array = npt.NDArray[Any]

APART = 8
"""Words between columns: those whose distance is a power of two push each other out of the nearest cache."""


def columns_of(requests: Array, rows: Array, names: Sequence[str]) -> list[Array]:
    """These fields of `REQUEST` of the requests in these rows, as an array each."""
    assert REQUEST.fields is not None
    kinds, offsets = zip(*(REQUEST.fields[name][:2] for name in names), strict=True)
    columns = np.empty((len(names), len(rows) + APART), np.int64)
    words = np.ascontiguousarray(requests).view(np.int64).reshape(len(requests), len(REQUEST.fields))
    _pick(words, rows, np.array(offsets) // words.itemsize, columns)
    return [column[: len(rows)].view(kind) for column, kind in zip(columns, kinds, strict=True)]


@compiled("void(int64[:, ::1], int64[::1], int64[::1], int64[:, ::1])")
def _pick(words: Array, rows: Array, places: Array, columns: Array) -> None:
    for i in range(rows.size):
        for j in range(places.size):
            columns[j, i] = words[rows[i], places[j]]
