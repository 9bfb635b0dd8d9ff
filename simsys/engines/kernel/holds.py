"""Servers that are kept while a plan runs."""

from __future__ import annotations

from typing import Any

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.desks import give_back, granted, line_up, opens
from simsys.engines.kernel.events import TIMER_CLASS, schedule
from simsys.engines.kernel.state import (  # fmt: skip
    AWAY,
    IN_LINE,
    KEY,
    OPENS,
)
from simsys.engines.kernel.values import shard_of
from simsys.engines.kernel.visits import GOES_ON, TURNED_AWAY, WAITS, waited


@apart
def hold(g: Any, slot: int, node: Any) -> int:
    """Ask for a server to keep."""
    agent, station = of.agent(g, slot), of.station(g, node.what)
    agent.station, agent.came = node.what, g.now
    shard = shard_of(g, slot, station, node)
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
    frame.arrived, frame.since = agent.arrived, of.seldom(g, slot).since
    frame.link = agent.frame
    agent.frame = number
    agent.desk = AWAY
    at = opens(g, of.shard(g, station.shard + agent.shard), g.now)
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
