"""What the ledgers of a play over tables have booked beyond a moment: for snapshots."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np

from simsys.engines.kernel import state
from simsys.engines.kernel.entry import starts
from simsys.engines.kernel.state import NOBODY
from simsys.engines.layout import Layout
from simsys.engines.rooms import Array
from simsys.measure.log import Booked


def booked(layout: Layout, number: int, row: Any, shards: Array, now: float) -> list[Booked]:
    """Per shard of a station, what its ledger has that lies after `now` (s), or has not and lies before it."""
    if row["kind"] == state.DELAY:
        return [Booked(0.0, 0.0, 0)]
    if row["kind"] == state.PLAIN:
        first, servers, stride = (int(row[name]) for name in ("free", "servers", "stride"))
        free = layout.tables["free"][first : first + len(shards) * stride].reshape(-1, stride)[:, :servers]
        return [
            plainly_booked(times, starts_of(layout, int(row["shard"]) + i), now)
            for i, times in enumerate(free.tolist())
        ]
    begun, lined_up = at_desks(layout, number, len(shards))
    return [
        Booked(-fsum(now - t for t in begun[i]), -fsum(now - t for t in lined_up[i]), len(lined_up[i]))
        for i in range(len(shards))
    ]


def starts_of(layout: Layout, shard: int) -> Array:
    """When those in the line of a plain shard begin."""
    found = np.empty(int(layout.tables["shards"]["line"][shard]))
    starts(layout.address, shard, found)
    return found


def at_desks(layout: Layout, station: int, shards: int) -> tuple[list[list[float]], list[list[float]]]:
    """By shard, since when those at the desks of a station are there, and since when the others stand in line."""
    begun: list[list[float]] = [[] for _ in range(shards)]
    lined_up: list[list[float]] = [[] for _ in range(shards)]
    agents, frames, nodes = (layout.tables[name] for name in ("agents", "frames", "nodes"))
    (alive,) = np.nonzero(agents["role"] != NOBODY)
    here = alive[agents["station"][alive] == station]
    desks = agents["desk"][here]
    served = here[desks == state.IN_SERVICE]
    lined = here[(desks != state.IN_SERVICE) & (desks != state.AWAY)]
    for into, who, since in (begun, served, layout.tables["seldom"]["since"]), (lined_up, lined, agents["arrived"]):
        for shard, moment in zip(agents["shard"][who].tolist(), since[who].tolist(), strict=True):
            into[shard].append(moment)
    inmost = agents["frame"][alive]
    for frame in inmost[inmost != NOBODY].tolist():
        while frame != NOBODY:
            if nodes[frames[frame]["node"]]["what"] == station:
                begun[frames[frame]["shard"]].append(float(frames[frame]["since"]))
            frame = int(frames[frame]["link"])
    return begun, lined_up


def plainly_booked(free: list[float], starts: Array, now: float) -> Booked:
    """What a plain shard has booked beyond `now`."""
    later = (starts[starts > now] - now).tolist()
    return Booked(fsum(max(0.0, t - now) for t in free), fsum(later), len(later))
