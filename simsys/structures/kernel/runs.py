"""Sorted runs in compiled code: two of them become one, and the Bloom filter of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys import draws
from simsys.draws import compiled

NOTHING = -(1 << 63)
"""The value of a key that was deleted, and of one that is not there."""


@compiled("UniTuple(int64[::1], 2)(int64[::1], int64[::1], int64[::1], int64[::1], boolean)")
def merge(keys: Any, values: Any, old_keys: Any, old_values: Any, bottom: bool) -> Any:
    """Two runs as one: of a key that both have the first one's value; without deleted keys at the `bottom`."""
    out, told = np.empty(keys.size + old_keys.size, np.int64), np.empty(keys.size + old_keys.size, np.int64)
    i = j = n = 0
    while i < keys.size or j < old_keys.size:
        if j == old_keys.size or (i < keys.size and keys[i] <= old_keys[j]):
            key, value = keys[i], values[i]
            if j < old_keys.size and old_keys[j] == key:
                j += 1
            i += 1
        else:
            key, value = old_keys[j], old_values[j]
            j += 1
        out[n], told[n] = key, value
        n += not (bottom and value == NOTHING)
    return out[:n], told[:n]


@compiled("boolean[::1](int64[::1], int64, int64, int64)")
def filter_of(keys: Any, places: int, hashes: int, stream: int) -> Any:
    """The bits of a Bloom filter that knows these keys."""
    bits = np.zeros(places, np.bool_)
    for key in keys:
        for i in range(hashes):
            bits[int(draws.uniform(stream, key, i) * places)] = True
    return bits


@compiled("boolean[::1](boolean[::1], int64[::1], int64, int64)")
def passes(bits: Any, keys: Any, hashes: int, stream: int) -> Any:
    """Which keys a filter does not turn away."""
    out = np.ones(keys.size, np.bool_)
    for n in range(keys.size):
        for i in range(hashes):
            if not bits[int(draws.uniform(stream, keys[n], i) * bits.size)]:
                out[n] = False
                break
    return out
