"""Philox-4x32-10: 128 bits of counter and 64 bits of key give 128 random bits, with no state between calls.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import numpy as np

from simsys.draws.compiling import compiled

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)

ROUNDS = 10


@compiled("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64)", inline=True)
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random words below 2**32 for the four counter words and two key words, each below 2**32."""
    done = 0
    while done < ROUNDS:
        product_0 = MULTIPLIER_0 * c0
        product_1 = MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> HALF) ^ c1 ^ k0,
            product_1 & WORD,
            (product_0 >> HALF) ^ c3 ^ k1,
            product_0 & WORD,
        )
        k0 = (k0 + WEYL_0) & WORD
        k1 = (k1 + WEYL_1) & WORD
        done += 1
    return c0, c1, c2, c3


@compiled("UniTuple(uint64, 2)(int64, int64, int64)", inline=True)
def random_bits(key: int, low: int, high: int) -> tuple[np.uint64, np.uint64]:
    """128 random bits, as two words of 64, for a 64-bit key and a counter of two 64-bit halves."""
    k, a, b = np.uint64(key), np.uint64(low), np.uint64(high)
    r0, r1, r2, r3 = philox(a & WORD, a >> HALF, b & WORD, b >> HALF, k & WORD, k >> HALF)
    return r0 | (r1 << HALF), r2 | (r3 << HALF)
