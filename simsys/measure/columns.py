"""The requests of a batch, column by column: records are as long as two cache lines, and each is read just once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.draws import compiled
from simsys.measure.log import REQUEST

Array = npt.NDArray[Any]


APART = 8
"""Words between columns: those whose distance is a power of two push each other out of the nearest cache."""


def columns_of(requests: Array) -> dict[str, Array]:
    """Each field of `REQUEST` as an array of its own."""
    assert REQUEST.fields is not None
    rows, fields = len(requests), len(REQUEST.fields)
    turned = np.empty((fields, rows + APART), np.int64)
    _turn(np.ascontiguousarray(requests).view(np.int64).reshape(rows, fields), turned)
    return {name: turned[offset // 8, :rows].view(kind) for name, (kind, offset, *_) in REQUEST.fields.items()}


@compiled("void(int64[:, ::1], int64[:, ::1])")
def _turn(rows: Array, columns: Array) -> None:
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            columns[j, i] = rows[i, j]
