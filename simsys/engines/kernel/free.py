"""When the servers of a shard are free: the least of these times is the first, and gives way to a later one.

Few of them stand in order, eight to a block, the last block filled up with infinity: a block takes a new one in
without a branch, which nobody could foresee. Many are a heap.
"""

from __future__ import annotations

from math import inf
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simsys.draws.parts import apart, part
from simsys.draws.rows import tagged
from simsys.engines.kernel import tables as of

TIMES = 8
"""How many stand in a block."""
IN_ORDER = 64
"""Servers up to which the times stand in order."""


def room(servers: int) -> int:
    """How many times are kept for so many servers."""
    return servers if servers == 1 else -(-servers // TIMES) * TIMES


@intrinsic
def _take_in(typing: Any, row: Any, after: Any, time: Any) -> Any:
    """The first of a block leaves it, for `time` or for what stands `after` the block, whichever is less."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, after, time = arguments
        short = ir.IntType(32)
        block = ir.VectorType(ir.DoubleType(), TIMES)
        place = builder.inttoptr(address, block.as_pointer())
        own = tagged(builder, row, "v", builder.load(place, align=8))
        times = builder.insert_element(block(ir.Undefined), time, short(0))
        every = builder.shuffle_vector(times, block(ir.Undefined), ir.VectorType(short, TIMES)([short(0)] * TIMES))
        end = builder.insert_element(block(ir.Undefined), after, short(0))
        onwards = ir.VectorType(short, TIMES)([short(i) for i in range(1, TIMES + 1)])
        following = builder.shuffle_vector(own, end, onwards)
        later = builder.select(builder.fcmp_ordered(">", own, every), own, every)
        left = builder.select(builder.fcmp_ordered("<", following, later), following, later)
        tagged(builder, row, "v", builder.store(left, place, align=8))
        return context.get_dummy_value()

    return types.void(row, types.float64, types.float64), code


take_in: Any = _take_in


@part
def replace_least(g: Any, at: int, servers: int, time: float) -> None:
    """The least of the times from `at` on gives way to `time`, which is not before it."""
    if servers > IN_ORDER:
        replace_root(g, at, servers, time)
        return
    last = at + servers - TIMES
    while at < last:
        take_in(of.free(g, at), of.free(g, at + TIMES).v, time)
        at += TIMES
    take_in(of.free(g, at), inf, time)


@apart
def replace_root(g: Any, at: int, servers: int, time: float) -> None:
    """The same, of a heap."""
    hole, below = 0, 1
    while below < servers:
        if below + 1 < servers:
            below += int(of.free(g, at + below + 1).v < of.free(g, at + below).v)
        if of.free(g, at + below).v >= time:
            break
        of.free(g, at + hole).v = of.free(g, at + below).v
        hole = below
        below = 2 * hole + 1
    of.free(g, at + hole).v = time
