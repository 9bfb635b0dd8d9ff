"""Many children at once: one wake-up stands for all of them, and each comes into being when it begins.

Their tokens and first draws come a block at a time, in loops that become vector instructions. A crowd begins to the
last before anything else happens, so there is one block.
"""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.distributions.laws import EXPONENTIAL
from simsys.draws.parts import apart, part, vectors
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import begin_as, begun_before, clear_path, take_agent
from simsys.engines.kernel.events import hop
from simsys.engines.kernel.forks import free_fork, new_fork, size_of
from simsys.engines.kernel.state import BACKGROUND, BEGIN, CROWD, NOBODY
from simsys.engines.kernel.values import single, variate
from simsys.engines.program import ANY, COMPUTED, INDEX, SPREAD, VISIT

MANY = 16


@apart
def gather(g: Any, slot: int, place: int, role: int, n: float, batch: float, count: int, tracked: int) -> None:
    """Let `count` children of an agent begin the plan of a node, in batches of n items."""
    crowd = new_fork(g, place, slot, count)
    fork, agent = of.fork(g, crowd), of.agent(g, slot)
    fork.size, fork.batch = n, batch
    fork.token, fork.request, fork.role, fork.tracked = agent.token, agent.request, role, tracked
    fork.agents, fork.first = g.agents, begun_before(g, of.node(g, place).plan, slot, count)
    g.agents += count
    of.request(g, agent.request).open += count
    hop(g, BEGIN, crowd, 0)


@part
def begin_next(g: Any, crowd: int) -> int:
    """The next child of the crowd whose turn it is begins; the last one, which may be smaller, draws for itself."""
    fork = of.fork(g, crowd)
    index = fork.next
    at = index & (CROWD - 1)
    if at == 0:
        foresee(g, crowd, min(CROWD, fork.count - index))
    slot = take_agent(g)
    child = of.agent(g, slot)
    of.copy_agent(child, of.crowd_child(g, 0))
    child.token, child.number, child.index = of.crowd_tokens(g, at).v, fork.agents + index + 1, index
    child.seconds, child.shard = of.crowd_seconds(g, at).v, of.crowd_shards(g, at).v
    if child.tracked:
        clear_path(g, slot)
    g.foreseen = g.sure
    fork.next = index + 1
    if index + 1 == fork.count:
        g.turns = NOBODY
        g.foreseen = child.drawn = 0
        child.size = size_of(fork.size, fork.batch, fork.count, index)
        if fork.role == BACKGROUND:
            free_fork(g, crowd)
    return slot


@vectors
def foresee(g: Any, crowd: int, count: int) -> None:
    """What the next children have in common, their tokens, and how long and where they surely visit first."""
    fork, child = of.fork(g, crowd), of.crowd_child(g, 0)
    plan = of.plan(g, of.node(g, fork.node).plan)
    begin_as(child, fork.request, fork.role, NOBODY if fork.role == BACKGROUND else crowd, fork.tracked)
    child.pc, child.size = plan.root, size_of(fork.size, fork.batch, fork.count, 0)
    parent, name, first = fork.token, plan.name, fork.first + fork.next
    tokens = of.whole_numbers(g.at_crowd_tokens, count)
    for i in range(count):
        tokens[i] = draws.child_token(parent, name, first + i)
    node = of.node(g, plan.root)
    g.sure = 0
    if node.code != VISIT or node.over > 1 or node.n_kind == INDEX or node.n_kind == COMPUTED:
        return
    n, timing = single(g, child, node.n_kind, node.n_arg, node.n_value), of.timing(g, node.timing)
    if n <= 0.0 or timing.fixed != NOBODY:
        return
    g.sure = 1
    last_for(g, child, node, timing, n, count)
    stand_at(g, child, node, count)


@vectors
def last_for(g: Any, child: Any, node: Any, timing: Any, n: float, count: int) -> None:
    """How long (s) each of the next children visits first."""
    tokens, seconds = of.whole_numbers(g.at_crowd_tokens, count), of.numbers(g.at_crowd_seconds, count)
    fixed, item, stream = timing.fixed_seconds, timing.item_seconds, timing.item_stream
    if timing.item == NOBODY:
        for i in range(count):
            seconds[i] = fixed + item * n
        return
    child.drawn |= 1 << timing.item_name
    law = of.variate(g, timing.item)
    if law.kind == EXPONENTIAL:
        mean = law.a
        for i in range(count):
            seconds[i] = fixed + -mean * draws.log(draws.uniform(stream, tokens[i], 0, 0)) * n
    else:
        for i in range(count):
            seconds[i] = fixed + variate(g, timing.item, stream, tokens[i], 0) * n


@vectors
def stand_at(g: Any, child: Any, node: Any, count: int) -> None:
    """At which shard each of the next children visits first; NOBODY if more than one draw decides."""
    tokens, shards = of.whole_numbers(g.at_crowd_tokens, count), of.whole_numbers(g.at_crowd_shards, count)
    station = of.station(g, node.what)
    if station.choices == 1 and station.shards > 1 and (node.key_kind == ANY or node.key_kind == SPREAD):
        child.drawn |= 1 << station.any_name
        stream, among = station.any_stream, station.shards
        for i in range(count):
            shards[i] = int(draws.uniform(stream, tokens[i], 0, 0) * among)
    else:
        for i in range(count):
            shards[i] = NOBODY
