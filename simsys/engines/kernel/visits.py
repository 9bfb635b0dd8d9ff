"""Visits: which shard, how long, and what came of it."""

from __future__ import annotations

from typing import Any

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import new_piece
from simsys.engines.kernel.desks import give_back, granted, line_up, serve
from simsys.engines.kernel.events import hop
from simsys.engines.kernel.forks import new_fork
from simsys.engines.kernel.plain import leave, visit_delay, visit_plain, visit_spread
from simsys.engines.kernel.state import (  # fmt: skip
    AWAY,
    DELAY,
    IN_LINE,
    NOBODY,
    PLAIN,
    QUEUED,
    ROOT,
    STARTS,
)
from simsys.engines.kernel.values import first_of, operand, pieces_of, seconds
from simsys.structures.kernel import table as caches

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
        path = of.path(g, slot * g.places + station)
        path.waited += wait
        path.served += took - wait


@part
def visit(g: Any, slot: int, node: Any) -> int:
    agent, station = of.agent(g, slot), of.station(g, node.what)
    count, first = 0, NOBODY
    if g.foreseen:
        g.foreseen, first = 0, agent.shard
    else:
        n = number(g, slot, node)
        if n <= 0.0:
            return 1
        count = pieces_of(node, n)
        agent.seconds = seconds(g, slot, node.timing, n, count > 0, count)
    if first == NOBODY:
        first = first_of(g, slot, station, node, count)
    agent.station, agent.came, agent.pieces = node.what, g.now, max(count, 1)
    if node.ahead > 0:
        look_ahead(g, slot, of.node(g, node.ahead), node.ahead == node.next)
    if count <= 1:
        return visit_one(g, slot, node, station, first)
    if station.kind == PLAIN:
        visit_spread(g, slot, station, first, count)
    else:
        visit_pieces(g, slot, node, first, count)
    return WAITS


@part
def look_ahead(g: Any, slot: int, node: Any, soon: bool) -> None:
    """What a step of a cache will ask for is brought near while visits last."""
    request = of.request(g, of.agent(g, slot).request)
    caches.bring_near(of.cache(g, node.what), int(of.column(request, node.key_arg)), soon)


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
    if served and station.kind != DELAY:
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
        station.held += now - of.seldom(g, slot).since - agent.seconds
        agent.desk = AWAY
        give_back(g, station, agent.shard, of.seldom(g, slot).since, agent.arrived)
    else:
        leave(g, station, now - agent.came)
    return agent.pieces
