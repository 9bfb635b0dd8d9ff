"""How stations serve: at once, first come first served, or as a SimPy `Resource` does; see `engines/servers.py`."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.events import END_CLASS, hop, schedule
from simsys.engines.kernel.rows import prefetch
from simsys.engines.kernel.state import (  # fmt: skip
    AWAY,
    GRANTED,
    GRANTED_IN_LINE,
    IN_LINE,
    IN_SERVICE,
    LINE_ENDS,
    NOBODY,
    RELEASED,
    TURNED_OUT,
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
    now, at = g.now, station.free + number * station.servers
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
    replace_least(g, at, station.servers, end)
    return end


@part
def stand_in_line(g: Any, shard: Any, start: float) -> None:
    """Add one who begins at `start` to the line, after those have left it who have begun."""
    while shard.line > 0 and of.line(g, shard.line_first).start <= g.now:
        gone = shard.line_first
        shard.line_first = of.line(g, gone).link
        of.line(g, gone).link = g.lines_free
        g.lines_free = gone
        g.lines_left += 1
        shard.line -= 1
    one = g.lines_free
    g.lines_free = of.line(g, one).link
    g.lines_left -= 1
    of.line(g, one).start = start
    if shard.line == 0:
        shard.line_first = one
    else:
        of.line(g, shard.line_last).link = one
    shard.line_last = one
    shard.line += 1
    if shard.line > shard.longest:
        shard.longest = shard.line


@part
def replace_least(g: Any, at: int, servers: int, end: float) -> None:
    """Let the server that is free first be busy until `end`; a heap of `servers` times from `at` on."""
    hole, below = 0, 1
    while below < servers:
        if below + 1 < servers:
            below += int(of.free(g, at + below + 1).v < of.free(g, at + below).v)
        if of.free(g, at + below).v >= end:
            break
        of.free(g, at + hole).v = of.free(g, at + below).v
        hole = below
        below = 2 * hole + 1
    of.free(g, at + hole).v = end


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
        prefetch(agent, 64)
        prefetch(agent, 128)
        if agent.link != NOBODY:
            prefetch(of.agent(g, agent.link), 0)
    return slot


@apart
def visit_spread(g: Any, slot: int, station: Any, first: int, count: int) -> None:
    """Be served at `count` shards from `first` on; the visit ends with the last of them."""
    agent = of.agent(g, slot)
    enter(g, station)
    last = g.now
    for i in range(count):
        last = max(last, admit(g, station, (first + i) % station.shards, agent.seconds))
    schedule(g, last, end_key(agent), VISIT_ENDS, slot)


# -- a SimPy Resource per shard ------------------------------------------------------------------------------------


@part
def standing_longest(g: Any, shard: Any) -> None:
    """Remember how many have stood in line for a while."""
    just_come = min(shard.just_come, shard.standing) if shard.last_come == g.now else 0
    shard.longest = max(shard.longest, shard.standing - just_come)


@apart
def line_up(g: Any, slot: int, station: Any, number: int) -> bool:
    """Ask a shard for a server. False where there is no room, or the station is down."""
    shard, one = of.shard(g, station.shard + number), of.agent(g, slot)
    one.shard, one.arrived, one.desk = number, g.now, AWAY
    free = station.servers - shard.users
    enter(g, station)
    if is_down(g, station, g.now) or (station.room >= 0 and shard.queue - free >= station.room):
        refuse(g, station, 0.0)
        return False
    one.link, one.desk = NOBODY, IN_LINE
    if shard.queue == 0:
        shard.queue_first = slot
    else:
        of.agent(g, shard.queue_last).link = slot
    shard.queue_last = slot
    shard.queue += 1
    grant(g, station, shard, slot)
    if one.desk == IN_LINE:
        if shard.last_come != g.now:
            shard.last_come, shard.just_come = g.now, 0
        shard.just_come += 1
        shard.standing += 1
    return True


@apart
def grant(g: Any, station: Any, shard: Any, asking: int) -> None:
    """Give a free server to the first in line: one per trigger, who learns of it one wake-up later."""
    if shard.queue == 0 or shard.users >= station.servers:
        return
    first = shard.queue_first
    one = of.agent(g, first)
    shard.queue_first = one.link
    shard.queue -= 1
    shard.users += 1
    if first == asking:
        one.desk = IN_SERVICE
    else:
        one.desk = GRANTED_IN_LINE
        hop(g, GRANTED, first, 0)


@apart
def granted(g: Any, slot: int, station: Any, waited: bool) -> bool:
    """Come to the desk, if it was granted; False for one who was turned out while it stood in line."""
    one = of.agent(g, slot)
    shard = of.shard(g, station.shard + one.shard)
    if waited and g.now > one.arrived:
        standing_longest(g, shard)
    if one.desk != IN_SERVICE:
        shard.standing -= 1
    if one.desk == TURNED_OUT:
        one.desk = AWAY
        refuse(g, station, g.now - one.arrived)
        return False
    one.desk = IN_SERVICE
    shard.visits += 1
    shard.wait += g.now - one.arrived
    one.since = g.now
    return True


@apart
def serve(g: Any, slot: int, station: Any) -> None:
    """Be served at the desk."""
    agent, now = of.agent(g, slot), g.now
    end = max(finish(g, station, opens(g, station, now), agent.seconds), nextafter(now, inf))
    schedule(g, end, end_key(agent), VISIT_ENDS, slot)


@apart
def give_back(g: Any, station: Any, number: int, since: float, arrived: float) -> None:
    """Leave the desk; the next one is called one wake-up later."""
    now, shard = g.now, of.shard(g, station.shard + number)
    shard.busy += now - since
    shard.users -= 1
    hop(g, RELEASED, station.shard + number, 0)
    leave(g, station, now - arrived)


@apart
def throw_out(g: Any, station: Any) -> None:
    """The station goes down: all who stand in line are turned out."""
    for number in range(station.shards):
        shard = of.shard(g, station.shard + number)
        standing_longest(g, shard)
        while shard.queue > 0:
            first = shard.queue_first
            shard.queue_first = of.agent(g, first).link
            shard.queue -= 1
            of.agent(g, first).desk = TURNED_OUT
            hop(g, GRANTED, first, 0)


@part
def is_down(g: Any, station: Any, now: float) -> bool:
    for i in range(station.downs, station.downs_end):
        if of.outage(g, i).begin <= now < of.outage(g, i).end:
            return True
    return False


@apart
def opens(g: Any, station: Any, now: float) -> float:
    """The first moment from `now` on at which work can begin."""
    for i in range(station.outages, station.outages_end):
        outage = of.outage(g, i)
        if outage.speed == 0.0 and outage.begin <= now < outage.end:
            now = outage.end
    return now


@apart
def finish(g: Any, station: Any, start: float, seconds: float) -> float:
    """When `seconds` of work begun at `start` are done."""
    now, left = start, seconds
    for i in range(station.outages, station.outages_end):
        outage = of.outage(g, i)
        if outage.end <= start:
            continue
        if left <= 0.0:
            return now
        if outage.begin > now:
            if outage.begin - now >= left:
                return now + left
            left -= outage.begin - now
            now = outage.begin
        begin = max(outage.begin, now)
        if (outage.end - begin) * outage.speed >= left:
            return begin + left / outage.speed
        left -= (outage.end - begin) * outage.speed
        now = outage.end
    return now if left <= 0.0 else now + left
