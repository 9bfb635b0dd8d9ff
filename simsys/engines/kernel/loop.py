"""The event loop: what happens next, and to whom."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import free_agent
from simsys.engines.kernel.arrivals import PYTHON, arrive, arrive_later, ask, think
from simsys.engines.kernel.crowds import begin_next
from simsys.engines.kernel.desks import grant, granted, serve, throw_out
from simsys.engines.kernel.events import ARRIVAL_CLASS, comes_first, first_is_known, hop, take_first
from simsys.engines.kernel.forks import (
    branch_ended,
    commit_ended,
    limit_is_over,
    limited_ended,
    linger_is_over,
    next_member,
    piece_ended,
)  # fmt: skip
from simsys.engines.kernel.holds import begin_held, take_server
from simsys.engines.kernel.leases import lease_runs_out
from simsys.engines.kernel.plain import next_of_line
from simsys.engines.kernel.state import (  # fmt: skip
    AGENTS,
    ARRIVES,
    BEGIN,
    BITS,
    BRANCH,
    BRING,
    CHUNK,
    CLIENT_ASKS,
    COMMIT,
    COMMITTED,
    ENDED,
    FLUSH,
    FORKS,
    FRAMES,
    GATHERINGS,
    GRANTED,
    GRANTED_IN_LINE,
    HEAP,
    IN_LINE,
    KEY,
    LEASE_ENDS,
    LIMITED,
    LINE_ENDS,
    LINES,
    LINGER_ENDS,
    NOBODY,
    OPENS,
    OVER,
    PIECE,
    RELEASED,
    REQUESTS,
    RESUMES,
    RING,
    ROOM,
    ROWS,
    STARTS,
    THROWS_OUT,
    TO_PYTHON,
    TURNED_OUT,
    VISIT_ENDS,
    WHO,
    WITHIN_ENDS,
)
from simsys.engines.kernel.steps import drive, short
from simsys.engines.kernel.visits import WAITS, visit_ends, visited
from simsys.engines.program import VISIT
from simsys.measure.log import BATCH

UNCHECKED = 16
"""Events between two looks at the room that is left: there is always enough for so many. Each settles one request at
the most.
"""
NOTHING = -1
"""Instead of an agent that goes on: nobody does."""


@apart
def crowded(g: Any) -> bool:
    """Whether the next event might find too little room in a table."""
    if short(g, AGENTS, g.agents_left, 0) or short(g, REQUESTS, g.requests_left, 0) or short(g, LINES, g.lines_left, 0):
        return True
    if short(g, HEAP, g.heap_room - g.events, 0) or short(g, RING, g.ring_room - (g.ring_tail - g.ring_head), 0):
        return True
    if short(g, FORKS, g.forks_left, 0) or short(g, GATHERINGS, g.gatherings_left, 0):
        return True
    return short(g, FRAMES, g.frames_left, 0)


@apart
def process_ended(g: Any, slot: int, value: int) -> int:
    """All who waited for an agent learn that it has ended."""
    agent = of.agent(g, slot)
    if agent.role == BRANCH:
        branch_ended(g, slot, value)
    elif agent.role == PIECE:
        return piece_ended(g, slot)
    elif agent.role == LIMITED:
        limited_ended(g, slot)
    elif agent.role == COMMIT:
        commit_ended(g, slot)
    else:
        client, brings = agent.client, agent.group
        g.amount = of.seldom(g, slot).requested
        free_agent(g, slot)
        if client != NOBODY:
            think(g, client)
        if brings != NOBODY:
            g.who, g.need = BRING, brings
            return PYTHON
    return NOTHING


@apart
def piece_goes_on(g: Any, slot: int, stood: bool) -> None:
    """A piece of a visit comes to its desk, or is turned away."""
    piece = of.agent(g, slot)
    if not piece.value or not granted(g, slot, of.station(g, piece.station), stood):
        piece.value = 0
        hop(g, ENDED, slot, 0)
    else:
        serve(g, slot, of.station(g, piece.station))


@apart
def turn_of(g: Any, slot: int) -> int:
    """One who stood in line was granted a server, or turned out; the outcome of its step, if it is over."""
    agent = of.agent(g, slot)
    if agent.role == PIECE:
        piece_goes_on(g, slot, True)
        return WAITS
    node = of.node(g, agent.pc)
    if node.code != VISIT:
        return take_server(g, slot, node, True)
    station = of.station(g, node.what)
    if not granted(g, slot, station, True):
        return visited(g, slot, node, 0)
    serve(g, slot, station)
    return WAITS


@part
def wake_up(g: Any) -> int:
    """The next thing to happen in this moment; who goes on with `answer`, if anybody does."""
    one = of.hop(g, g.ring_head & (g.ring_room - 1))
    g.ring_head += 1
    what, who, value = one.what, one.who, one.value
    g.answer = WAITS
    if what == STARTS:
        agent = of.agent(g, who)
        if agent.role != PIECE:
            return who
        if agent.desk != IN_LINE:
            piece_goes_on(g, who, False)
        return NOTHING
    if what == RESUMES:
        g.answer = value
        return who
    if what == ENDED:
        goes_on = process_ended(g, who, value)
        if goes_on >= 0:
            agent = of.agent(g, goes_on)
            g.answer = visited(g, goes_on, of.node(g, agent.pc), agent.served)
        return goes_on
    if what == GRANTED:
        desk = of.agent(g, who).desk
        if desk != GRANTED_IN_LINE and desk != TURNED_OUT:
            return NOTHING
        g.answer = turn_of(g, who)
        return who if g.answer != WAITS else NOTHING
    if what == RELEASED:
        shard = of.shard(g, who)
        grant(g, of.station(g, shard.station), shard, NOBODY)
        return NOTHING
    if what == BEGIN or what == COMMITTED:
        g.turns = what << BITS | who
        return NOTHING
    think(g, who)
    return NOTHING


@part
def happen(g: Any) -> int:
    """The first event of the heap happens; who goes on with `answer`, if anybody does."""
    event = of.event(g, 0)
    what, who = event.told >> BITS, event.told & WHO
    g.now = np.int64(event.time).view(np.float64)
    g.answer = WAITS
    if what == VISIT_ENDS or what == LINE_ENDS:
        take_first(g)
        slot = who if what == VISIT_ENDS else next_of_line(g, who)
        served = visit_ends(g, slot)
        agent = of.agent(g, slot)
        if agent.role == PIECE:
            agent.value = 1
            hop(g, ENDED, slot, 0)
            return NOTHING
        g.answer = visited(g, slot, of.node(g, agent.pc), served)
        return slot
    if what == CLIENT_ASKS:
        slot = ask(g, who)
        if slot != PYTHON or g.who != ROWS:
            take_first(g)
        return slot
    take_first(g)
    if what == ARRIVES:
        return arrive_later(g, who)
    if what == WITHIN_ENDS:
        limit_is_over(g, who)
        return NOTHING
    if what == LINGER_ENDS:
        linger_is_over(g, who)
        return NOTHING
    if what == OPENS:
        g.answer = begin_held(g, who, of.node(g, of.agent(g, who).pc))
        return who
    if what == LEASE_ENDS:
        lease_runs_out(g, who)
        return NOTHING
    if what == THROWS_OUT:
        throw_out(g, of.outage(g, who))
        return NOTHING
    first_is_known(g)
    g.who, g.amount = what - TO_PYTHON, who
    return PYTHON


@part
def next_turn(g: Any) -> int:
    """Of many whose turn it is in this very moment, one after the other, the next one goes on with `answer`."""
    who = g.turns & WHO
    if g.turns >> BITS != BEGIN:
        return next_member(g, who)
    g.answer = WAITS
    return begin_next(g, who)


@part
def next_agent(g: Any) -> int:
    """Let the next thing happen; who goes on, NOTHING, or PYTHON."""
    if g.turns != NOBODY:
        return next_turn(g)
    if g.ring_head != g.ring_tail:
        return wake_up(g)
    if g.position < g.chunk:
        at = g.position
        if comes_first(g, of.arrival(g, at).v, ARRIVAL_CLASS | KEY(g.first + at)):
            g.answer = WAITS
            return arrive(g)
    elif g.more:
        g.who = CHUNK
        return PYTHON
    if not first_is_known(g):
        g.who = OVER
        return PYTHON
    return happen(g)


@part
def run(g: Any) -> int:
    """Play on until Python has something to do; what that is."""
    while True:
        if g.resume != NOBODY:
            slot = g.resume
            g.resume = NOBODY
            g.answer = WAITS
        else:
            if g.unchecked == 0:
                if g.out == BATCH:
                    return FLUSH
                if crowded(g):
                    return ROOM
                g.unchecked = min(UNCHECKED, BATCH - g.out)
            g.unchecked -= 1
            slot = next_agent(g)
            if slot == NOTHING:
                continue
            if slot == PYTHON:
                return int(g.who)
        why = drive(g, slot, g.answer)
        if why != OVER:
            return why
