"""Requests and their children: how they begin, how they end, and what they leave behind."""

from __future__ import annotations

from math import nan
from typing import Any

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.draws.rows import prefetch, row_after
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.events import hop
from simsys.engines.kernel.state import AWAY, NOBODY, PIECE, REMEMBERS, ROOT, STARTS
from simsys.measure.log import DONE, INSIDE, REFUSED, TIMED_OUT


@part
def new_agent(g: Any, request: int, token: int, role: int, group: int, tracked: int) -> int:
    """An agent that nothing has happened to."""
    slot = take_agent(g)
    agent = of.agent(g, slot)
    agent.token = token
    begin_as(agent, request, role, group, tracked)
    if tracked:
        clear_path(g, slot)
    return slot


@part
def take_agent(g: Any) -> int:
    """An agent that is free."""
    slot = g.agents_free
    following = of.agent(g, slot).link
    g.agents_free = following
    g.agents_left -= 1
    prefetch(of.agent(g, following), 0)
    prefetch(of.agent(g, following), 64)
    return slot


@part
def begin_as(agent: Any, request: int, role: int, group: int, tracked: int) -> None:
    agent.request, agent.role, agent.group, agent.tracked = request, role, group, tracked
    agent.outcomes, agent.frame, agent.timed_out, agent.desk, agent.drawn = 0, NOBODY, 0, AWAY, 0


@part
def clear_path(g: Any, slot: int) -> None:
    for i in range(g.places):
        path = of.path(g, slot * g.places + i)
        path.waited = path.served = 0.0


@part
def seldom(g: Any, slot: int) -> Any:
    """What few agents need to remember: nothing, at first."""
    agent, one = of.agent(g, slot), of.seldom(g, slot)
    if not agent.drawn & REMEMBERS:
        agent.drawn |= REMEMBERS
        one.begun, one.drawn_twice = 0, 0
    return one


@part
def numbered(g: Any, agent: Any) -> None:
    """Give an agent its number."""
    g.agents += 1
    agent.number = g.agents


@part
def free_agent(g: Any, slot: int) -> None:
    of.agent(g, slot).role = NOBODY
    of.agent(g, slot).link = g.agents_free
    g.agents_free = slot
    g.agents_left += 1


@part
def begin_request(g: Any, index: int, op: int, cause: int, parent: int, columns: int) -> int:
    """A request arrives, with its columns at an address; the agent that is to play its plan."""
    slot = g.requests_free
    request = of.request(g, slot)
    g.requests_free = request.link
    g.requests_left -= 1
    request.number, request.index, request.op, request.cause = g.requests, index, op, cause
    request.status, request.parent, request.open = INSIDE, parent, 1
    request.brings, request.delivered, request.client, request.columns = NOBODY, 0, NOBODY, columns
    request.arrival, request.end, request.work, request.wait, request.age = g.now, 0.0, 0.0, 0.0, 0.0
    g.requests += 1
    g.area += g.inside * (g.now - g.since)
    g.since = g.now
    g.inside += 1
    root = new_agent(g, slot, draws.request_token(index), ROOT, NOBODY, 1)
    agent = of.agent(g, root)
    numbered(g, agent)
    agent.pc = of.entry_nodes(g, op).v
    if g.size_column >= 0:
        agent.size = of.column(request, g.size_column)
    request.agent = root
    return root


@part
def spawn(g: Any, plan: int, parent: int, role: int, group: int, index: int, size: float, tracked: int) -> int:
    """A child of `parent` that will play a plan."""
    token = draws.child_token(of.agent(g, parent).token, of.plan(g, plan).name, begun_before(g, plan, parent, 1))
    return new_child(g, plan, parent, token, role, group, index, size, tracked)


@part
def begun_before(g: Any, plan: int, parent: int, count: int) -> int:
    """How many children of `parent` have begun a plan of this name, before `count` more do."""
    agent, name = seldom(g, parent), of.plan(g, plan).counter
    bit, counter = 1 << name, of.children(g, parent * g.plan_names + name)
    before = counter.v if agent.begun & bit else 0
    counter.v = before + count
    agent.begun |= bit
    return before


@apart
def new_child(
    g: Any, plan: int, parent: int, token: int, role: int, group: int, index: int, size: float, tracked: int
) -> int:  # fmt: skip
    slot = new_agent(g, of.agent(g, parent).request, token, role, group, tracked)
    agent = of.agent(g, slot)
    numbered(g, agent)
    of.request(g, agent.request).open += 1
    agent.pc, agent.index, agent.size = of.plan(g, plan).root, index, size
    hop(g, STARTS, slot, 0)
    return slot


@part
def new_piece(g: Any, parent: int, group: int, seconds: float) -> int:
    """A part of a visit to several shards, each with a line of its own."""
    parents = of.agent(g, parent)
    slot = new_agent(g, parents.request, parents.token, PIECE, group, 0)
    piece = of.agent(g, slot)
    piece.number, piece.station, piece.seconds = parents.number, parents.station, seconds
    return slot


@part
def depart(g: Any, slot: int, value: int) -> None:
    """The plan of a request is over."""
    agent = of.agent(g, slot)
    request = of.request(g, agent.request)
    g.area += g.inside * (g.now - g.since)
    g.since = g.now
    g.inside -= 1
    request.end = g.now
    request.status = DONE if value else TIMED_OUT if agent.timed_out else REFUSED
    if request.open > 1:
        for i in range(g.places):
            of.copy_path(of.answered(g, agent.request * g.places + i), of.path(g, slot * g.places + i))


@part
def settle(g: Any, slot: int, path: Any) -> None:
    """A request and all that it started is over: it leaves, with its path to the answer. Rows are NaN where no request
    has traits.
    """
    request, row = of.request(g, slot), of.out(g, g.out)
    of.copy_begun(row, request)
    of.copy_settled(row, request)
    if g.has_traits:
        row.followers, row.active, row.following = trait(g, request, 0), trait(g, request, 1), trait(g, request, 2)
    for i in range(g.places):
        of.copy_path(of.out_path(g, g.out * g.places + i), row_after(path, i))
    g.out += 1
    request.link = g.requests_free
    g.requests_free = slot
    g.requests_left += 1


@part
def trait(g: Any, request: Any, number: int) -> float:
    """The value of one of `TRAITS`, NaN where requests have no such column."""
    column = of.traits(g, number).v
    return of.column(request, column) if column >= 0 else nan
