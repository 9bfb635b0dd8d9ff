"""Drives the plan of one agent from step to step until it has to wait or has ended."""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.engines.kernel import caches
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import depart, free_agent, new_piece, settle, spawn
from simsys.engines.kernel.crowds import MANY, begin_many
from simsys.engines.kernel.events import TIMER_CLASS, hop, schedule
from simsys.engines.kernel.forks import begin_branch, begin_within, items, join, new_fork, size_of
from simsys.engines.kernel.servers import (
    give_back,
    granted,
    leave,
    line_up,
    opens,
    serve,
    visit_delay,
    visit_plain,
    visit_spread,
)  # fmt: skip
from simsys.engines.kernel.state import (  # fmt: skip
    AGENTS,
    AWAY,
    BACKGROUND,
    BRANCH,
    BRING,
    CACHES,
    DELAY,
    ENDED,
    FLUSH,
    IN_LINE,
    KEY,
    NOBODY,
    OPENS,
    PLAIN,
    QUEUED,
    RING,
    ROOM,
    ROOT,
    STARTS,
)
from simsys.engines.kernel.values import any_shard, drawn, operand, pieces_of, seconds, shard_of
from simsys.engines.program import (
    CHANCE,
    DROP,
    END,
    FILL,
    FORK,
    HOLD,
    IF,
    JOIN,
    LOOKUP,
    MARK,
    START,
    VISIT,
)  # fmt: skip

WAITS, TURNED_AWAY, GOES_ON = -1, -2, -3
"""What a step may give instead of its outcome: the agent has to wait; its plan ends with False; another plan begins."""


@part
def number(g: Any, slot: int, node: Any) -> float:
    return operand(g, of.agent(g, slot), node.n_kind, node.n_arg, node.n_value)


@part
def key_of(g: Any, slot: int, node: Any) -> int:
    return int(operand(g, of.agent(g, slot), node.key_kind, node.key_arg, node.key_value))


@part
def waited(g: Any, slot: int, station: int, took: float, wait: float) -> None:
    """Of the seconds that a step took at a station, so many were spent in line."""
    agent = of.agent(g, slot)
    if agent.role == ROOT:
        of.request(g, agent.request).wait += wait
    if agent.tracked:
        of.paths(g, slot * g.path + 2 * station).v += wait
        of.paths(g, slot * g.path + 2 * station + 1).v += took - wait


# -- visits --------------------------------------------------------------------------------------------------------


@part
def visit(g: Any, slot: int, node: Any) -> int:
    n = number(g, slot, node)
    if n <= 0.0:
        return 1
    agent, station = of.agent(g, slot), of.station(g, node.what)
    count = pieces_of(station, node.key_kind, n)
    agent.station, agent.came, agent.pieces, agent.served = node.what, g.now, max(count, 1), 0
    agent.seconds = seconds(g, slot, node.timing, n, count > 0, count)
    first = 0
    if count == 0:
        first = shard_of(g, slot, station, node.key_kind, node.key_arg, node.key_value)
    elif count < station.shards:
        first = any_shard(g, slot, station, station.spread_stream, station.spread_name)
    if count <= 1:
        return visit_one(g, slot, node, station, first)
    if station.kind == PLAIN:
        visit_spread(g, slot, station, first, count)
    else:
        visit_pieces(g, slot, node, first, count)
    return WAITS


@part
def visit_one(g: Any, slot: int, node: Any, station: Any, shard: int) -> int:
    of.agent(g, slot).shard = shard
    if station.kind == PLAIN:
        visit_plain(g, slot, station, shard)
    elif station.kind == DELAY:
        visit_delay(g, slot, station)
    else:
        return visit_queued(g, slot, node, shard)
    return WAITS


@apart
def visit_queued(g: Any, slot: int, node: Any, shard: int) -> int:
    """Queue at one shard: be served, wait, or be refused."""
    station = of.station(g, node.what)
    if not line_up(g, slot, station, shard):
        return visited(g, slot, node, 0)
    if of.agent(g, slot).desk != IN_LINE:
        granted(g, slot, station, False)
        serve(g, slot, station)
    return WAITS


@apart
def visit_pieces(g: Any, slot: int, node: Any, first: int, count: int) -> None:
    """Queue at several shards, each piece of work for itself."""
    station, agent = of.station(g, node.what), of.agent(g, slot)
    fork = new_fork(g, 0, slot, count)
    of.fork(g, fork).done = 0
    before = NOBODY
    for i in range(count):
        piece = new_piece(g, slot, fork, agent.seconds)
        of.agent(g, piece).value = line_up(g, piece, station, (first + i) % station.shards)
        of.agent(g, piece).client = NOBODY
        if before == NOBODY:
            agent.client = piece
        else:
            of.agent(g, before).client = piece
        before = piece
    piece = agent.client
    for _ in range(count):
        hop(g, STARTS, piece, 0)
        piece = of.agent(g, piece).client


@part
def visited(g: Any, slot: int, node: Any, served: int) -> int:
    """A visit is over, `served` pieces of it: its outcome."""
    agent, station = of.agent(g, slot), of.station(g, node.what)
    took = g.now - agent.came
    waited(g, slot, node.what, took, max(0.0, took - agent.seconds) if served else took)
    if served and station.occupies:
        charged = served * agent.seconds
        request = of.request(g, agent.request)
        request.work += charged
        of.work(g, request.op * g.places + node.what).v += charged
    if served == agent.pieces:
        return 1
    return 0 if node.ask else TURNED_AWAY


@part
def visit_ends(g: Any, slot: int) -> int:
    """The end of a service: what the visit has come to, in pieces."""
    agent = of.agent(g, slot)
    station = of.station(g, agent.station)
    now = g.now
    if station.kind == QUEUED:
        station.held += now - agent.since - agent.seconds
        agent.desk = AWAY
        give_back(g, station, agent.shard, agent.since, agent.arrived)
    else:
        leave(g, station, now - agent.came)
    return agent.pieces


# -- holds ---------------------------------------------------------------------------------------------------------


@apart
def hold(g: Any, slot: int, node: Any) -> int:
    """Ask for a server to keep."""
    agent, station = of.agent(g, slot), of.station(g, node.what)
    agent.station, agent.came = node.what, g.now
    shard = shard_of(g, slot, station, node.key_kind, node.key_arg, node.key_value)
    if not line_up(g, slot, station, shard):
        return not_held(g, slot, node)
    if of.agent(g, slot).desk == IN_LINE:
        return WAITS
    return take_server(g, slot, node, False)


@apart
def take_server(g: Any, slot: int, node: Any, stood: bool) -> int:
    """A server was granted, or the line turned out; the plan begins when the station is open."""
    agent, station = of.agent(g, slot), of.station(g, node.what)
    if not granted(g, slot, station, stood):
        return not_held(g, slot, node)
    number = g.frames_free
    frame = of.frame(g, number)
    g.frames_free = frame.link
    g.frames_left -= 1
    frame.node, frame.shard, frame.outcomes = agent.pc, agent.shard, agent.outcomes
    frame.arrived, frame.since = agent.arrived, agent.since
    frame.link = agent.frame
    agent.frame = number
    agent.desk = AWAY
    at = opens(g, station, g.now)
    if at > g.now:
        schedule(g, at, TIMER_CLASS | KEY(agent.number), OPENS, slot)
        return WAITS
    return begin_held(g, slot, node)


@part
def begin_held(g: Any, slot: int, node: Any) -> int:
    """The plan begins while the server is kept; it goes on at the first node of that plan."""
    agent = of.agent(g, slot)
    frame = of.frame(g, agent.frame)
    waited(g, slot, node.what, g.now - frame.arrived, g.now - frame.arrived)
    agent.outcomes = 0
    agent.pc = of.plan(g, node.plan).root
    return GOES_ON


@part
def not_held(g: Any, slot: int, node: Any) -> int:
    agent = of.agent(g, slot)
    took = g.now - agent.arrived
    waited(g, slot, node.what, took, took)
    return 0 if node.ask else TURNED_AWAY


@apart
def end_held(g: Any, slot: int) -> None:
    """The plan that kept a server has ended: give it back, and go on after the hold."""
    agent = of.agent(g, slot)
    number = agent.frame
    frame = of.frame(g, number)
    node = of.node(g, frame.node)
    station = of.station(g, node.what)
    station.held += g.now - frame.since
    give_back(g, station, frame.shard, frame.since, frame.arrived)
    agent.pc, agent.outcomes, agent.frame = frame.node, frame.outcomes, frame.link
    frame.link = g.frames_free
    g.frames_free = number
    g.frames_left += 1


# -- steps that take no time ---------------------------------------------------------------------------------------


@part
def look_up(g: Any, slot: int, node: Any) -> int:
    cache = of.cache(g, node.what)
    entry = caches.lookup(cache, key_of(g, slot, node), g.now)
    if entry == NOBODY:
        return 0
    request = of.request(g, of.agent(g, slot).request)
    request.age = max(request.age, g.now - of.entry(cache, entry).fill)
    return 1


@part
def fill(g: Any, slot: int, node: Any) -> None:
    size = of.agent(g, slot).size if g.size_column >= 0 else 1.0
    caches.fill(of.cache(g, node.what), key_of(g, slot, node), g.now, size)


@part
def mark(g: Any, slot: int, node: Any) -> None:
    row = of.mark(g, g.marks)
    g.marks += 1
    row.name, row.request = node.what, of.request(g, of.agent(g, slot).request).number
    row.time, row.n = g.now, number(g, slot, node)


@part
def start(g: Any, slot: int, node: Any, n: float, batch: float, count: int) -> None:
    if count >= MANY:
        begin_many(g, node.plan, slot, BACKGROUND, NOBODY, n, batch, count, 0)
        return
    for i in range(count):
        spawn(g, node.plan, slot, BACKGROUND, NOBODY, i, size_of(n, batch, count, i), 0)


@apart
def fork(g: Any, slot: int, place: int, node: Any, n: float, batch: float, count: int) -> None:
    branches = new_fork(g, place, slot, count)
    of.fork(g, branches).size, of.fork(g, branches).batch = n, batch
    if count >= MANY and node.width == 0 and node.plans == 0:
        of.fork(g, branches).next = count
        begin_many(g, node.plan, slot, BRANCH, branches, n, batch, count, of.agent(g, slot).tracked)
        return
    for _ in range(min(count, node.width if node.width > 0 else count)):
        begin_branch(g, branches, NOBODY)


@part
def chance(g: Any, slot: int, node: Any) -> int:
    one = of.chance(g, node.what)
    return int(draws.uniform(one.stream, of.agent(g, slot).token, drawn(g, slot, one.name)) < number(g, slot, node))


# -- the drive -----------------------------------------------------------------------------------------------------


@part
def short(g: Any, table: int, left: int, wanted: int) -> bool:
    """Whether a table has no room for so many; if so, it is written down who needs it."""
    if left >= wanted + g.margin:
        return False
    g.need, g.amount = table, wanted + g.margin
    return True


@part
def no_room(g: Any, children: int) -> bool:
    if short(g, AGENTS, g.agents_left, children):
        return True
    return short(g, RING, g.ring_room - (g.ring_tail - g.ring_head), children)


@part
def cache_is_short(g: Any, node: Any) -> bool:
    cache = of.cache(g, node.what)
    if (cache.free != NOBODY or cache.used < cache.room) and 2 * cache.keys <= cache.mask:
        return False
    g.need, g.amount = CACHES, node.what
    return True


@part
def drive(g: Any, slot: int, answer: int) -> int:
    """Go on with the outcome of the step that was waited for (or none); what Python has to do first, or 0.

    A step that finds too little room has done nothing yet, and is taken again.
    """
    agent = of.agent(g, slot)
    while True:
        node = of.node(g, agent.pc)
        if answer == WAITS:
            code = node.code
            if code == VISIT:
                answer = visit(g, slot, node)
                if answer == WAITS:
                    return 0
            elif code == END:
                answer = int(number(g, slot, node) != 0.0)
                if agent.frame == NOBODY:
                    return ended(g, slot, answer)
                end_held(g, slot)
                node = of.node(g, agent.pc)
            elif code == IF:
                agent.pc = node.next if number(g, slot, node) != 0.0 else node.other
                continue
            elif code == MARK:
                if g.marks == g.marks_room:
                    return wait_for_python(g, slot, FLUSH)
                mark(g, slot, node)
                answer = 1
            elif code == LOOKUP or code == FILL or code == DROP:
                if cache_is_short(g, node):
                    return wait_for_python(g, slot, ROOM)
                answer = 1
                if code == LOOKUP:
                    answer = look_up(g, slot, node)
                elif code == FILL:
                    fill(g, slot, node)
                else:
                    caches.drop(of.cache(g, node.what), key_of(g, slot, node))
            elif code == CHANCE:
                answer = chance(g, slot, node)
            elif code == START or code == FORK:
                n, batch, count = 0.0, 1.0, node.plans
                if count == 0:
                    n = number(g, slot, node)
                    batch = operand(g, agent, node.batch_kind, node.batch_arg, node.batch_value)
                    count = items(n, batch)
                begun = count if code == START or node.width == 0 else min(count, node.width)
                if no_room(g, begun):
                    return wait_for_python(g, slot, ROOM)
                answer = 1
                if code == START:
                    start(g, slot, node, n, batch, count)
                elif count > 0:
                    fork(g, slot, agent.pc, node, n, batch, count)
                    return 0
            elif code == HOLD:
                answer = hold(g, slot, node)
                if answer == WAITS:
                    return 0
            elif code == JOIN:
                join(g, slot, agent.pc)
                return 0
            else:
                begin_within(g, slot, agent.pc, number(g, slot, node))
                return 0
        if answer == GOES_ON:
            answer = WAITS
            continue
        if answer == TURNED_AWAY:
            if agent.frame == NOBODY:
                return ended(g, slot, 0)
            end_held(g, slot)
            node = of.node(g, agent.pc)
            answer = 0
        if answer == 1 and node.bit >= 0:
            agent.outcomes |= 1 << node.bit
        agent.pc = node.next
        answer = WAITS


@part
def wait_for_python(g: Any, slot: int, why: int) -> int:
    g.resume = slot
    return why


@part
def ended(g: Any, slot: int, value: int) -> int:
    """The plan of an agent is over; what Python has to do about it, or 0."""
    agent = of.agent(g, slot)
    agent.value = value
    request = of.request(g, agent.request)
    if agent.role == ROOT:
        depart(g, slot, value)
        agent.client, agent.requested = request.client, request.number
        agent.group = NOBODY
        if request.brings >= 0 and not request.delivered:
            agent.group = request.brings
    request.open -= 1
    why = 0
    if request.open == 0:
        if request.brings >= 0 and request.delivered:
            g.need, g.amount = request.brings, request.number
            why = BRING
        settle(g, agent.request)
    if agent.role == BACKGROUND or (agent.role == ROOT and agent.client == NOBODY and agent.group == NOBODY):
        free_agent(g, slot)
    else:
        hop(g, ENDED, slot, 0)
    return why
