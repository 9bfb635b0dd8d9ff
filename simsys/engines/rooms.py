"""The tables that a play writes to: empty at first, and longer when the kernel asks for room."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.draws.rows import zeros
from simsys.engines.kernel.state import (
    AGENT,
    BLOCK,
    CROWD,
    EVENT,
    FORK,
    FRAME,
    GATHERING,
    GLOBALS,
    HOP,
    LEASE,
    LEASE_CHAINS,
    LINE,
    NOBODY,
    PATH,
    REQUEST_IN_FLIGHT,
    SELDOM,
    STREAM,
)
from simsys.measure.log import BATCH, MARK, REQUEST, TRAITS
from simsys.structures.kernel.state import CACHE

Array = npt.NDArray[Any]
FIRST_ROOM = 1024
SCRATCH = 64
LINKED = ("agents", "requests", "lines", "frames", "forks", "gatherings", "leases")
"""Tables whose free rows are linked."""
WITH = {
    "agents": ("seldom", "counts", "children", "paths"),
    "requests": ("answered",),
    "lines": ("begins",),
}
"""Tables that have as many rows as another."""


class Globals:
    """The kernel's globals by name, each of them a word of eight bytes."""

    def __init__(self) -> None:
        self.table = np.zeros(1, GLOBALS)
        self.address = int(self.table.ctypes.data)
        words = {np.dtype(kind): memoryview(self.table.view(kind)) for kind in (np.int64, np.float64)}  # type: ignore[arg-type]
        assert GLOBALS.fields is not None
        self._words = {name: (words[kind], offset // 8) for name, (kind, offset, *_) in GLOBALS.fields.items()}

    def __getitem__(self, name: str) -> Any:
        words, place = self._words[name]
        return words[place]

    def __setitem__(self, name: str, value: Any) -> None:
        words, place = self._words[name]
        words[place] = value


def empty(g: Any) -> dict[str, Array]:
    """The tables of a play whose globals are `g`, which are told what room there is."""
    places, width = int(g["places"]), int(g["width"])
    none, floats, out = np.zeros(0, np.int64), np.zeros(0), np.zeros(BATCH, REQUEST)
    for name in TRAITS:
        out[name] = np.nan
    g["ring_room"] = g["heap_room"] = FIRST_ROOM
    g["marks_room"] = BATCH
    for name in LINKED:
        g[f"{name}_free"], g[f"{name}_left"] = NOBODY, 0
    return {
        "agents": np.zeros(0, AGENT),
        "seldom": np.zeros(0, SELDOM),
        "counts": np.zeros((0, int(g["names"])), np.int32),
        "children": np.zeros((0, int(g["plan_names"])), np.int32),
        "paths": np.zeros((0, places), PATH),
        "requests": np.zeros(0, REQUEST_IN_FLIGHT),
        "answered": np.zeros((0, places), PATH),
        "frames": np.zeros(0, FRAME),
        "lines": np.zeros(0, LINE),
        "begins": np.zeros((0, BLOCK)),
        "forks": np.zeros(0, FORK),
        "gatherings": np.zeros(0, GATHERING),
        "leases": np.zeros(0, LEASE),
        "chains": np.full(LEASE_CHAINS, NOBODY),
        "heap": np.zeros(FIRST_ROOM, EVENT),
        "ring": np.zeros(FIRST_ROOM, HOP),
        "caches": np.zeros(0, CACHE),
        "streams": np.zeros(0, STREAM),
        "arrival": floats,
        "op": none,
        "given": floats,
        "later": floats,
        "later_index": none,
        "later_given": np.zeros((0, width)),
        "asked_op": none,
        "asked_given": floats,
        "rounds_from": none,
        "rounds": none,
        "work": floats,
        "entry_nodes": none,
        "out": out,
        "out_paths": np.zeros((BATCH, places), PATH),
        "marks": np.zeros(BATCH, MARK),
        "scratch": np.zeros(SCRATCH),
        "crowd_tokens": np.zeros(CROWD, np.int64),
        "crowd_seconds": np.zeros(CROWD),
        "crowd_shards": np.zeros(CROWD, np.int64),
        "crowd_child": zeros((1,), AGENT),
    }


def longer_ring(ring: Array, head: int, tail: int, wanted: int) -> Array:
    """A ring with room for so many more than those from `head` to `tail`, whose length is a power of two."""
    room = len(ring)
    while room < tail - head + wanted:
        room *= 2
    new, waiting = np.zeros(room, HOP), np.arange(head, tail)
    new[waiting & (room - 1)] = ring[waiting & (len(ring) - 1)]
    return new
