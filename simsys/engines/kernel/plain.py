"""Stations where the end of a visit is known at its arrival: at once, or first come, first served."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.draws.rows import prefetch
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.events import END_CLASS, schedule
from simsys.engines.kernel.free import replace_least
from simsys.engines.kernel.state import (  # fmt: skip
    BLOCK,
    LINE_ENDS,
    NOBODY,
    VISIT_ENDS,
)


@part
def enter(g: Any, station: Any) -> None:
    now = g.now
    station.area += station.inside * (now - station.since)
    station.since = now
    station.inside += 1


@part
def leave(g: Any, station: Any, sojourn: float) -> None:
    now = g.now
    station.area += station.inside * (now - station.since)
    station.since = now
    station.inside -= 1
    station.sojourns += sojourn


@part
def refuse(g: Any, station: Any, sojourn: float) -> None:
    leave(g, station, sojourn)
    station.refused += 1


@part
def end_of(start: float, seconds: float) -> float:
    """When a service ends: later than it started, however short it is."""
    end = start + seconds
    return end if end > start else nextafter(start, inf)


@part
def end_key(agent: Any) -> Any:
    return END_CLASS | np.uint64(agent.number)


# -- everybody at once ---------------------------------------------------------------------------------------------


@part
def visit_delay(g: Any, slot: int, station: Any) -> None:
    agent = of.agent(g, slot)
    enter(g, station)
    of.shard(g, station.shard).visits += 1
    schedule(g, end_of(g.now, agent.seconds), end_key(agent), VISIT_ENDS, slot)


# -- first come, first served: the end is known at arrival ---------------------------------------------------------


@part
def admit(g: Any, station: Any, number: int, seconds: float) -> float:
    """Join the line of a shard; when the work is done (g)."""
    shard = of.shard(g, station.shard + number)
    now, at = g.now, station.free + number * station.stride
    shard.visits += 1
    shard.busy += seconds
    start = of.free(g, at).v
    if start > now:
        stand_in_line(g, shard, start)
        shard.wait += start - now
    else:
        start = now
    end = start + seconds
    if end <= start:
        end = nextafter(start, inf)
    if station.servers == 1:
        of.free(g, at).v = end
    else:
        replace_least(g, at, station.servers, end)
    return end


@part
def stand_in_line(g: Any, shard: Any, start: float) -> None:
    """Add one who begins at `start` to the line. Those who have begun leave it only when it seems longer than ever."""
    if shard.line >= shard.longest:
        shorten(g, shard)
    place = (shard.begun + shard.line) & (BLOCK - 1)
    if place == 0:
        one = g.lines_free
        g.lines_free = of.line(g, one).link
        g.lines_left -= 1
        if shard.line == 0:
            shard.line_first = one
        else:
            of.line(g, shard.line_last).link = one
        shard.line_last = one
    of.begin(g, shard.line_last * BLOCK + place).v = start
    shard.line += 1
    if shard.line > shard.longest:
        shard.longest = shard.line


@part
def shorten(g: Any, shard: Any) -> None:
    """Let those who have begun leave the line."""
    while shard.line > 0 and of.begin(g, shard.line_first * BLOCK + shard.begun).v <= g.now:
        shard.line -= 1
        shard.begun += 1
        if shard.begun == BLOCK:
            gone = shard.line_first
            shard.line_first, shard.begun = of.line(g, gone).link, 0
            of.line(g, gone).link = g.lines_free
            g.lines_free = gone
            g.lines_left += 1


@part
def visit_plain(g: Any, slot: int, station: Any, number: int) -> None:
    """Be served at one shard. With a single server ends come in order: only the next one is an event."""
    agent = of.agent(g, slot)
    enter(g, station)
    agent.arrived = admit(g, station, number, agent.seconds)
    if station.servers > 1:
        schedule(g, agent.arrived, end_key(agent), VISIT_ENDS, slot)
        return
    shard = of.shard(g, station.shard + number)
    agent.link = NOBODY
    if shard.ends_first == NOBODY:
        shard.ends_first = slot
        schedule(g, agent.arrived, end_key(agent), LINE_ENDS, station.shard + number)
    else:
        of.agent(g, shard.ends_last).link = slot
    shard.ends_last = slot


@part
def next_of_line(g: Any, place: int) -> int:
    """Whose visit has ended at a shard with a single server; the next one's end becomes an event."""
    shard = of.shard(g, place)
    slot = shard.ends_first
    following = of.agent(g, slot).link
    shard.ends_first = following
    if following != NOBODY:
        agent = of.agent(g, following)
        schedule(g, agent.arrived, end_key(agent), LINE_ENDS, place)
        if agent.link != NOBODY:
            prefetch(of.agent(g, agent.link), 0)
            prefetch(of.agent(g, agent.link), 64)
    return slot


@apart
def visit_spread(g: Any, slot: int, station: Any, first: int, count: int) -> None:
    """Be served at `count` shards from `first` on; the visit ends with the last of them."""
    agent = of.agent(g, slot)
    enter(g, station)
    number, last = first, g.now
    for _ in range(count):
        last = max(last, admit(g, station, number, agent.seconds))
        number += 1
        if number == station.shards:
            number = 0
    schedule(g, last, end_key(agent), VISIT_ENDS, slot)
