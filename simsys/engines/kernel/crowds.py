"""Many children at once: one wake-up stands for all of them, and each comes into being when it begins.

Their tokens and first draws come a block at a time, in loops that become vector instructions. Only the crowd at the
head of the ring begins, so there is one block.
"""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.distributions.laws import EXPONENTIAL
from simsys.draws.parts import apart, part, vectors
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import begun_before, new_agent
from simsys.engines.kernel.events import hop
from simsys.engines.kernel.forks import free_fork, new_fork, size_of
from simsys.engines.kernel.state import BACKGROUND, BEGIN, CROWD, NOBODY
from simsys.engines.kernel.values import variate
from simsys.engines.program import ANY, VISIT

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
    """The next child of the crowd at the head of the ring begins, and the crowd with the last."""
    fork = of.fork(g, crowd)
    index = fork.next
    plan = of.plan(g, of.node(g, fork.node).plan)
    at = index & (CROWD - 1)
    if at == 0:
        foresee(g, fork, plan, min(CROWD, fork.count - index))
    background = fork.role == BACKGROUND
    group = NOBODY if background else crowd
    slot = new_agent(g, fork.request, of.crowd_tokens(g, at).v, fork.role, group, fork.tracked)
    child = of.agent(g, slot)
    child.number = fork.agents + index + 1
    child.pc, child.index = plan.root, index
    child.size = size_of(fork.size, fork.batch, fork.count, index)
    node = of.node(g, plan.root)
    if node.code == VISIT:
        if of.timing(g, node.timing).item != NOBODY:
            g.foreseen, g.first_item = node.timing, of.crowd_items(g, at).v
        if is_placed(node, of.station(g, node.what)):
            g.first_shard = int(of.crowd_places(g, at).v * of.station(g, node.what).shards)
    fork.next = index + 1
    if index + 1 < fork.count:
        g.ring_head -= 1
    elif background:
        free_fork(g, crowd)
    return slot


@part
def is_placed(node: Any, station: Any) -> bool:
    """Whether the shard of a visit is known from a draw alone."""
    return bool(node.key_kind == ANY and station.shards > 1 and station.choices == 1)


@vectors
def foresee(g: Any, fork: Any, plan: Any, count: int) -> None:
    """The tokens of the next children, and what they surely draw first."""
    parent, name, first = fork.token, plan.name, fork.first + fork.next
    tokens = of.whole_numbers(g.at_crowd_tokens, count)
    for i in range(count):
        tokens[i] = draws.child_token(parent, name, first + i)
    node = of.node(g, plan.root)
    if node.code != VISIT:
        return
    timing, station = of.timing(g, node.timing), of.station(g, node.what)
    if timing.item != NOBODY:
        items, law, stream = of.numbers(g.at_crowd_items, count), of.variate(g, timing.item), timing.item_stream
        if law.kind == EXPONENTIAL:
            mean = law.a
            for i in range(count):
                items[i] = -mean * draws.log(draws.uniform(stream, tokens[i], 0, 0))
        else:
            for i in range(count):
                items[i] = variate(g, timing.item, stream, tokens[i], 0)
    if is_placed(node, station):
        places, stream = of.numbers(g.at_crowd_places, count), station.any_stream
        for i in range(count):
            places[i] = draws.uniform(stream, tokens[i], 0, 0)
