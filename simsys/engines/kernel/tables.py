"""The tables that the kernel works on.

`of.agent(g, slot)` is row number `slot` of the table of agents; the addresses of all tables stand in the globals `g`.
Only Python changes them, between two calls. Nothing is checked: whoever asks makes sure that the row is there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from simsys.distributions.variates import NO_TABLE
from simsys.draws.parts import part
from simsys.draws.rows import WHOLE, copies, row_at, table_of
from simsys.engines.kernel.state import (  # fmt: skip
    AGENT,
    BATCHED,
    BEGUN,
    CHANCE,
    EVENT,
    FLOAT,
    FORK,
    FRAME,
    GATHERING,
    GLOBALS,
    HOP,
    LEASE,
    LINE,
    OUTAGE,
    PATH,
    REQUEST_IN_FLIGHT,
    SELDOM,
    SETTLED,
    SHARD,
    STATION,
    STREAM,
    TIMING,
    VARIATE,
)
from simsys.engines.program import NODE, PLAN, TERM
from simsys.measure.log import MARK, REQUEST
from simsys.structures.kernel.state import CACHE

NUMBER, COUNT = (np.dtype([("v", kind)]) for kind in (FLOAT, np.int32))

LAW_WIDTH = NO_TABLE.shape[1]

G, globals_at = row_at("globals", GLOBALS)


def _table(name: str, dtype: np.dtype[Any]) -> Any:
    return table_of(G, f"at_{name}", name, dtype)


node = _table("nodes", NODE)
plan = _table("plans", PLAN)
term = _table("terms", TERM)
timing = _table("timings", TIMING)
variate = _table("variates", VARIATE)
chance = _table("chances", CHANCE)
shares = _table("shares", NUMBER)
entry_nodes = _table("entry_nodes", WHOLE)
station = _table("stations", STATION)
shard = _table("shards", SHARD)
free = _table("free", NUMBER)
outage = _table("outages", OUTAGE)
agent = _table("agents", AGENT)
seldom = _table("seldom", SELDOM)
counts = _table("counts", COUNT)
children = _table("children", COUNT)
path = table_of(G, "at_paths", "path", PATH)
frame = _table("frames", FRAME)
request = _table("requests", REQUEST_IN_FLIGHT)
answered = table_of(G, "at_answered", "path", PATH)
event = _table("heap", EVENT)
hop = _table("ring", HOP)
line = _table("lines", LINE)
begin = _table("begins", NUMBER)
fork = _table("forks", FORK)
gathering = _table("gatherings", GATHERING)
lease = _table("leases", LEASE)
chain = _table("chains", WHOLE)
batch = _table("batches", BATCHED)
cache = _table("caches", CACHE)
stream = _table("streams", STREAM)
arrival = _table("arrival", NUMBER)
op = _table("op", WHOLE)
later = _table("later", NUMBER)
later_index = _table("later_index", WHOLE)
asked_op = _table("asked_op", WHOLE)
rounds_from = _table("rounds_from", WHOLE)
rounds = _table("rounds", WHOLE)
work = _table("work", NUMBER)
out = _table("out", REQUEST)
out_path = table_of(G, "at_out_paths", "path", PATH)
copy_event = copies(EVENT.itemsize)
copy_path = copies(PATH.itemsize)
copy_agent = copies(AGENT.itemsize, words=4)
copy_begun = copies(BEGUN, words=2)
copy_settled = copies(np.dtype(SETTLED).itemsize, begin=BEGUN)
mark = _table("marks", MARK)
traits = _table("traits", WHOLE)
scratch = _table("scratch", NUMBER)
edge = _table("edges", WHOLE)
crowd_tokens = _table("crowd_tokens", WHOLE)
crowd_seconds = _table("crowd_seconds", NUMBER)
crowd_shards = _table("crowd_shards", WHOLE)
crowd_child = table_of(G, "at_crowd_child", "agents", AGENT)
_, number_at = row_at("number", NUMBER)


@part
def columns_of(g: Any, given: int, at: int) -> int:
    """Where the columns of request number `at` of a table stand."""
    return given + 8 * at * g.width


@part
def column(request: Any, number: int) -> float:
    """The value of a column of a request."""
    return number_at(request.columns + 8 * number).v


def _pointer_to(kind: Any) -> Any:
    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.int64), code

    return pointer


pointer, whole_pointer = _pointer_to(types.float64), _pointer_to(types.int64)


@part
def numbers(address: int, count: int) -> Any:
    """So many floats from an address on."""
    return carray(pointer(address), (count,))


@part
def whole_numbers(address: int, count: int) -> Any:
    """So many integers from an address on."""
    return carray(whole_pointer(address), (count,))


@part
def law(g: Any, first: int, last: int) -> Any:
    """The rows of a law's table."""
    return carray(pointer(g.at_tables + first * 8 * LAW_WIDTH), (last - first, LAW_WIDTH))
