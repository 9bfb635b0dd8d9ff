"""Stations that serve as a SimPy `Resource` per shard does: they can be held, be full, stall and be down."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.events import hop, schedule
from simsys.engines.kernel.plain import end_key, enter, leave, refuse
from simsys.engines.kernel.state import (  # fmt: skip
    AWAY,
    GRANTED,
    GRANTED_IN_LINE,
    IN_LINE,
    IN_SERVICE,
    NOBODY,
    RELEASED,
    TURNED_OUT,
    VISIT_ENDS,
)
from simsys.stations import A_TOKEN


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
    free = max(0, station.servers - shard.users)
    enter(g, station)
    no_room = station.room >= 0 and shard.queue - free >= station.room
    if is_down(g, shard, g.now) or no_room or not takes_token(station, shard, g.now):
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


@part
def takes_token(station: Any, shard: Any, now: float) -> bool:
    """Take a token, if there is one: how many there were is known of the last time that somebody asked."""
    if station.rate == 0.0:
        return True
    shard.tokens = min(station.burst, shard.tokens + (now - shard.asked) * station.rate)
    shard.asked = now
    found = shard.tokens >= A_TOKEN
    shard.tokens -= found
    return bool(found)


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
    of.seldom(g, slot).since = g.now
    return True


@apart
def serve(g: Any, slot: int, station: Any) -> None:
    """Be served at the desk."""
    agent, now = of.agent(g, slot), g.now
    shard = of.shard(g, station.shard + agent.shard)
    end = max(finish(g, shard, opens(g, shard, now), agent.seconds), nextafter(now, inf))
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
def throw_out(g: Any, outage: Any) -> None:
    """Shards go down: all who stand in line are turned out."""
    for number in range(outage.shard, outage.shard + outage.shards):
        shard = of.shard(g, number)
        standing_longest(g, shard)
        while shard.queue > 0:
            first = shard.queue_first
            shard.queue_first = of.agent(g, first).link
            shard.queue -= 1
            of.agent(g, first).desk = TURNED_OUT
            hop(g, GRANTED, first, 0)


@part
def is_down(g: Any, shard: Any, now: float) -> bool:
    for i in range(shard.downs, shard.downs_end):
        if of.outage(g, i).begin <= now < of.outage(g, i).end:
            return True
    return False


@apart
def opens(g: Any, shard: Any, now: float) -> float:
    """The first moment from `now` on at which work can begin."""
    for i in range(shard.outages, shard.downs):
        outage = of.outage(g, i)
        if outage.speed == 0.0 and outage.begin <= now < outage.end:
            now = outage.end
    return now


@apart
def finish(g: Any, shard: Any, start: float, seconds: float) -> float:
    """When `seconds` of work begun at `start` are done."""
    now, left = start, seconds
    for i in range(shard.outages, shard.downs):
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
