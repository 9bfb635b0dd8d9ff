"""The kernel's doors: play on, put an event into the heap. Compiled once, for all programs."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from simsys.draws import compiled
from simsys.engines.kernel import events, loop
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.state import BLOCK


@compiled(numba.int64(numba.int64))
def run(address: int) -> int:
    """Play on, with the globals at `address`, until Python has something to do; what that is."""
    return loop.run(of.globals_at(address))


@compiled(numba.void(numba.int64, numba.float64, numba.int64, numba.int64, numba.int64, numba.int64))
def tell(address: int, time: float, kind: int, number: int, what: int, who: int) -> None:
    """Let something of class `kind` happen at `time`."""
    key = (np.uint64(kind) << np.uint64(62)) | np.uint64(number)
    events.schedule(of.globals_at(address), time, key, what, who)


@compiled(numba.void(numba.int64, numba.int64, numba.float64[::1]))
def starts(address: int, shard: int, found: Any) -> None:
    """When those in the line of a plain shard begin (s), written into `found`."""
    g = of.globals_at(address)
    one, place = of.shard(g, shard).line_first, of.shard(g, shard).begun
    for i in range(found.size):
        found[i] = of.begin(g, one * BLOCK + place).v
        place += 1
        if place == BLOCK:
            one, place = of.line(g, one).link, 0
