"""Randomness as a function: the same seed, replication, name, token and visit always give the same draw.

Every draw is one call of Philox-4x32-10: its key is the `stream` (a hash of seed, replication and name), its
counter the token of the request or child that draws, the number of that token's earlier draws of this name
(`visit`), and `sub` where one draw needs several uniforms. So nothing depends on the order of events or on
the number of workers, and two strategies meet the same requests with the same luck. Tokens, streams and name
ids are integers in [0, 2**62).
"""

from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from simsys.draws.arithmetic import (
    exp,
    expm1,
    expm1s,
    exps,
    log,
    logs,
    normal_quantile,
    normal_quantiles,
    power,
    powers,
)
from simsys.draws.compiling import compiled
from simsys.draws.philox import HALF, philox, random_bits

__all__ = [
    "child_token", "compiled", "count_below", "counts_below", "exp", "expm1", "expm1s", "exps", "log", "logs",
    "name_id", "normal_quantile", "normal_quantiles", "philox", "power", "powers", "random_bits", "request_token",
    "shard_of", "stream", "uniform", "uniforms",
]  # fmt: skip

CHILD = 1 << 61
BELOW_CHILD = np.uint64(CHILD - 1)
STEP = 2.0**-52
ONE_BITS = np.uint64(0x3FF0000000000000)
LEVELS = 31  # halvings of `count_below`, so that a node's number is below 2**32
SHARD_KEY = 0x5A4D5348415244


@cache
def name_id(text: str) -> int:
    """A hash of a name, the same everywhere and for ever."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 2


def stream(seed: int, replication: int, name: str) -> int:
    """The key of all draws of this name in this replication of this seed."""
    return int(random_bits(name_id(name), seed, replication)[0]) >> 2


@compiled("int64(int64)")
def request_token(index: int) -> int:
    """The token of request number `index` in [0, 2**61): never that of another request or of a child."""
    return index


@compiled("int64(int64, int64, int64)", inline=True)
def child_token(parent: int, plan: int, index: int) -> int:
    """The token of child number `index` that `parent` starts to play the plan with this name id."""
    return int(np.int64(random_bits(plan, parent, index)[0] & BELOW_CHILD)) | CHILD


@compiled("int64(float64, int64)", "int64(int64, int64)")
def shard_of(key: float, shards: int) -> int:
    """The shard in [0, shards) of a key, by hash; shards < 2**32. 7 and 7.0 are one key."""
    bits = int(np.float64(key + 0.0).view(np.int64))
    word = random_bits(SHARD_KEY, bits, 0)[0] >> HALF
    return int(np.int64((word * np.uint64(shards)) >> HALF))


SUB: tuple[Any, ...] = (types.int64, types.Omitted(0))  # type: ignore[no-untyped-call]  # given, or left out: a signature each


@compiled(*(types.float64(types.int64, types.int64, types.int64, sub) for sub in SUB), inline=True)
def uniform(stream: int, token: int, visit: int, sub: int = 0) -> float:
    """A uniform number in the open interval (0, 1), one of 2**52; visit and sub are in [0, 2**32)."""
    bits = random_bits(stream, token, visit | (sub << 32))[0]
    return np.uint64((bits >> np.uint64(12)) | ONE_BITS).view(np.float64) - (1.0 - 0.5 * STEP)


@compiled("float64[::1](int64, int64[::1], int64)")
def uniforms(stream: int, tokens: NDArray[np.int64], visit: int) -> NDArray[np.float64]:
    """`uniform` of each token of a contiguous array: the same bits."""
    out = np.empty(tokens.size)
    for i in range(tokens.size):
        out[i] = uniform(stream, tokens[i], visit, 0)
    return out


@compiled("int64(uint64)", inline=True)
def _ones(bits: np.uint64) -> int:
    bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56)))


@compiled("int64(int64, int64, int64, int64, int64)", inline=True)
def _heads(stream: int, token: int, node: int, block: int, n: int) -> int:
    """Heads among the fair coins of this block of 128: all of them, or n, if those are fewer."""
    first, second = random_bits(stream, token, node | (block << 32))
    if n < 64:
        first &= (np.uint64(1) << np.uint64(n)) - np.uint64(1)
    if n < 128:
        second &= (np.uint64(1) << np.uint64(max(n - 64, 0))) - np.uint64(1)
    return _ones(first) + _ones(second)


@compiled("int64(int64, int64, int64, int64)")
def _coin_flips(stream: int, token: int, node: int, n: int) -> int:
    """Heads among the n fair coins of this node."""
    heads, block = 0, 0
    while n > 0:
        heads += _heads(stream, token, node, block, n)
        block += 1
        n -= 128
    return heads


@compiled("int64(int64, int64, int64, float64)")
def count_below(stream: int, token: int, n: int, p: float) -> int:
    """How many of n independent uniforms lie below p: a binomial draw, and the same uniforms for every p.

    Only the digits that p asks for are drawn: halve the interval, flip a coin for each uniform in the half
    that holds p, and so on. The work is about n / 64 + log2(n) calls of Philox instead of n.
    """
    if not p > 0.0:
        return 0
    if p >= 1.0:
        return n
    count, node = 0, 1
    for _ in range(LEVELS):
        if n == 0:
            return count
        low = _coin_flips(stream, token, node, n)
        p *= 2.0
        node *= 2
        if p >= 1.0:
            p -= 1.0
            node += 1
            count += low
            n -= low
        else:
            n = low
    for i in range(n):
        count += uniform(stream, token, node, i) < p
    return count


@compiled("int64[::1](int64, int64[::1], int64[::1], float64)")
def counts_below(stream: int, tokens: NDArray[np.int64], ns: NDArray[np.int64], p: float) -> NDArray[np.int64]:
    """`count_below` of each token and n of two contiguous arrays: the same numbers.

    All meet the same nodes: the first coins of each are flipped side by side.
    """
    if not p > 0.0:
        return np.zeros_like(ns)
    if p >= 1.0:
        return ns.copy()
    counts, who = np.zeros_like(ns), np.flatnonzero(ns > 0)
    token, left, heads = tokens[who], ns[who], ns[who]
    node, some = 1, who.size
    for _ in range(LEVELS):
        for i in range(some):
            heads[i] = _heads(stream, token[i], node, 0, left[i])
        for i in range(some):
            for block in range(1, (left[i] + 127) >> 7):
                heads[i] += _heads(stream, token[i], node, block, left[i] - 128 * block)
        p *= 2.0
        node *= 2
        above = p >= 1.0
        p -= above
        node += above
        last, some = some, 0
        for i in range(last):
            counts[who[i]] += heads[i] * above
            here = left[i] - heads[i] if above else heads[i]
            who[some], token[some], left[some] = who[i], token[i], here
            some += here > 0
    for i in range(some):
        for j in range(left[i]):
            counts[who[i]] += uniform(stream, token[i], node, j) < p
    return counts
