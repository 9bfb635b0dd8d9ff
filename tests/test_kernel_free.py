"""When servers are free: whatever their number, the least of the times gives way, as in Python's own heap."""

from __future__ import annotations

from heapq import heapreplace
from math import inf

import numba
import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from simsys.draws import compiled
from simsys.engines.kernel.free import IN_ORDER, TIMES, replace_least, room
from simsys.engines.kernel.state import GLOBALS
from simsys.engines.kernel.tables import globals_at

AT = TIMES
"""Another shard's times stand before these, and after them."""
OTHERS = 5.0


@compiled(numba.void(numba.int64, numba.int64, numba.int64, numba.float64))
def replace(address: int, at: int, servers: int, time: float) -> None:
    replace_least(globals_at(address), at, servers, time)


def replaced(begun: list[float], services: list[float]) -> list[tuple[float, list[float]]]:
    """The least and all times after each service that begins when the first server is free."""
    servers = len(begun)
    times: npt.NDArray[np.float64] = np.full(AT + room(servers) + TIMES, OTHERS)
    mine, globals_ = times[AT : AT + room(servers)], np.zeros(1, GLOBALS)
    mine[:servers], mine[servers:] = begun, inf
    globals_["at_free"] = times.ctypes.data
    after = []
    for seconds in services:
        replace(globals_.ctypes.data, AT, servers, float(mine[0]) + seconds)
        after.append((float(mine[0]), sorted(mine[:servers].tolist())))
    assert (times[:AT] == OTHERS).all() and (times[AT + room(servers) :] == OTHERS).all()
    assert (mine[servers:] == inf).all()
    return after


@given(
    st.sampled_from([2, 3, TIMES - 1, TIMES, TIMES + 1, 3 * TIMES, IN_ORDER, IN_ORDER + 1, 100]),
    st.lists(st.sampled_from([0.5, 1.0, 3.0, 0.1, 1e9]) | st.floats(1e-9, 1e3), max_size=150),
    st.integers(0, 1 << 30),
)
def test_the_least_gives_way(servers: int, services: list[float], seed: int) -> None:
    begun = sorted(np.random.default_rng(seed).integers(0, 2 * servers, servers).tolist())
    heap, expected = begun.copy(), []
    for seconds in services:
        heapreplace(heap, heap[0] + seconds)
        expected.append((heap[0], sorted(heap)))
    assert replaced(begun, services) == expected


def test_one_server_needs_no_more_room_than_its_time() -> None:
    assert [room(servers) for servers in (1, 2, TIMES, TIMES + 1)] == [1, TIMES, TIMES, 2 * TIMES]
