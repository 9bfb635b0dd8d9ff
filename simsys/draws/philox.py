"""Philox-4x32-10: 128 bits of counter and 64 bits of key give 128 random bits, with no state between calls.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from typing import TypeAlias

import numpy as np

from simsys.draws.compiling import compiled

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)

State: TypeAlias = tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]


@compiled("UniTuple(uint64, 6)(UniTuple(uint64, 6))", inline=True)
def _round(state: State) -> State:
    c0, c1, c2, c3, k0, k1 = state
    product_0, product_1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
    upper_0, upper_1 = product_0 >> HALF, product_1 >> HALF
    key_0, key_1 = (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD
    return upper_1 ^ c1 ^ k0, product_1 & WORD, upper_0 ^ c3 ^ k1, product_0 & WORD, key_0, key_1


@compiled("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64)", inline=True)
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random words below 2**32 for the four counter words and two key words, each below 2**32."""
    state = _round(_round(_round(_round(_round((c0, c1, c2, c3, k0, k1))))))
    state = _round(_round(_round(_round(_round(state)))))  # written out: a loop over draws becomes one of vectors
    return state[:4]


@compiled("UniTuple(uint64, 2)(int64, int64, int64)", inline=True)
def random_bits(key: int, low: int, high: int) -> tuple[np.uint64, np.uint64]:
    """128 random bits, as two words of 64, for a 64-bit key and a counter of two 64-bit halves."""
    k, a, b = np.uint64(key), np.uint64(low), np.uint64(high)
    r0, r1, r2, r3 = philox(a & WORD, a >> HALF, b & WORD, b >> HALF, k & WORD, k >> HALF)
    return r0 | (r1 << HALF), r2 | (r3 << HALF)
