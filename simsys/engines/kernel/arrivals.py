"""Requests that arrive: those of the load, those of events and the readers they bring, those of clients."""

from __future__ import annotations

from typing import Any

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import begin_request
from simsys.engines.kernel.events import ARRIVAL_CLASS, schedule
from simsys.engines.kernel.state import ARRIVES, CLIENT_ASKS, CLOSE, KEY, NOBODY, ROWS
from simsys.engines.kernel.values import variate
from simsys.measure.log import FROM_LOAD

PYTHON = -2
"""Instead of an agent that goes on: Python has something to do, and `who` says what."""


@part
def arrive(g: Any) -> int:
    """The next request of the load arrives."""
    at = g.position
    g.now = of.arrival(g, at).v
    g.position = at + 1
    return begin_request(g, g.first + at, of.op(g, at).v, FROM_LOAD, NOBODY, of.columns_of(g, g.at_given, at))


@apart
def arrive_later(g: Any, number: int) -> int:
    """The next request of an event, or of the readers it brings, arrives."""
    stream = of.stream(g, number)
    at = stream.position
    columns = of.columns_of(g, g.at_later_given, at)
    root = begin_request(g, of.later_index(g, at).v, stream.op, stream.cause, stream.parent, columns)
    request = of.request(g, of.agent(g, root).request)
    request.brings, request.delivered = stream.brings, stream.delivered
    stream.position = at + 1
    if at + 1 < stream.end and of.later(g, at + 1).v <= g.stop:
        schedule(g, of.later(g, at + 1).v, ARRIVAL_CLASS | KEY(of.later_index(g, at + 1).v), ARRIVES, number)
    return root


@apart
def think(g: Any, client: int) -> None:
    """A client thinks before it asks again, unless the load is over by then."""
    seconds = 0.0
    if g.think != NOBODY:
        seconds = variate(g, g.think, g.think_stream, client, of.rounds(g, client).v)
    at = g.now + seconds
    if at <= g.stop:
        schedule(g, at, ARRIVAL_CLASS | KEY(client), CLIENT_ASKS, client)


@apart
def ask(g: Any, client: int) -> int:
    """A client asks for the next time."""
    if g.cap >= 0 and g.requests >= g.cap:
        g.who = CLOSE
        return PYTHON
    turn = of.rounds(g, client).v - of.rounds_from(g, client).v
    if turn == g.rounds:
        g.who = ROWS
        return PYTHON
    at = client * g.rounds + turn
    index = client + of.rounds(g, client).v * g.clients
    root = begin_request(g, index, of.asked_op(g, at).v, FROM_LOAD, NOBODY, of.columns_of(g, g.at_asked_given, at))
    of.request(g, of.agent(g, root).request).client = client
    of.rounds(g, client).v += 1
    return root
