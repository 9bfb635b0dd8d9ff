"""Plans side by side, within a limit, or once for all who joined."""

from __future__ import annotations

from math import ceil, inf
from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import free_agent, spawn
from simsys.engines.kernel.events import TIMER_CLASS, hop, schedule
from simsys.engines.kernel.state import (  # fmt: skip
    BRANCH,
    COMMIT,
    COMMITTED,
    ENDED,
    LIMITED,
    LINGER_ENDS,
    NOBODY,
    RESUMES,
    WITHIN_ENDS,
)


@part
def items(n: float, batch: float) -> int:
    """In how many batches n items come."""
    if n <= 0.0:
        return 0
    return int(ceil(n / (batch if batch > 0.0 else 1.0)))


@part
def size_of(n: float, batch: float, count: int, number: int) -> float:
    """The size of one batch: the last one holds the rest."""
    batch = batch if batch > 0.0 else 1.0
    return batch if number < count - 1 else n - batch * (count - 1)


@part
def go_on(g: Any, to: int, child: int) -> None:
    """What was waited for has ended: its path led here."""
    if of.agent(g, to).tracked and of.agent(g, child).tracked:
        for i in range(g.places):
            path, more = of.path(g, to * g.places + i), of.path(g, child * g.places + i)
            path.waited += more.waited
            path.served += more.served


@part
def new_fork(g: Any, node: int, parent: int, count: int) -> int:
    number = g.forks_free
    fork = of.fork(g, number)
    g.forks_free = fork.link
    g.forks_left -= 1
    fork.node, fork.parent, fork.left, fork.count, fork.done, fork.next = node, parent, count, count, 1, 0
    fork.references = 0
    return number


@part
def free_fork(g: Any, number: int) -> None:
    of.fork(g, number).link = g.forks_free
    g.forks_free = number
    g.forks_left += 1


@apart
def begin_branch(g: Any, number: int, after: int) -> None:
    """Let the next branch of a fork begin, if there is one; its path goes on from that of the one who ended."""
    fork = of.fork(g, number)
    if fork.next >= fork.count:
        return
    node, parent = of.node(g, fork.node), of.agent(g, fork.parent)
    tracked = parent.tracked
    if node.plans > 0:
        child = spawn(g, node.plan + fork.next, fork.parent, BRANCH, number, 0, parent.size, tracked)
    else:
        size = size_of(fork.size, fork.batch, fork.count, fork.next)
        child = spawn(g, node.plan, fork.parent, BRANCH, number, fork.next, size, tracked)
    fork.next += 1
    if after != NOBODY:
        go_on(g, child, after)


@part
def branch_ends(g: Any, child: int) -> None:
    """A branch has ended: one wake-up later the next one begins, or whoever waited for the last goes on."""
    agent = of.agent(g, child)
    fork = of.fork(g, agent.group)
    fork.left -= 1
    fork.done = fork.done & agent.value
    if fork.left == 0 or fork.next < fork.count:
        hop(g, ENDED, child, int(fork.left == 0))
    else:
        free_agent(g, child)


@part
def branch_ended(g: Any, child: int, last: int) -> None:
    """Go on when the last branch has ended; before, let the next one begin."""
    number = of.agent(g, child).group
    if last:
        parent, done = of.fork(g, number).parent, of.fork(g, number).done
        go_on(g, parent, child)
        hop(g, RESUMES, parent, done)
        free_fork(g, number)
    else:
        begin_branch(g, number, child)
    free_agent(g, child)


@part
def piece_ended(g: Any, child: int) -> int:
    """One shard of several has served its part; who goes on if it was the last, in this very moment."""
    agent = of.agent(g, child)
    number, served = agent.group, agent.value
    free_agent(g, child)
    fork = of.fork(g, number)
    fork.left -= 1
    fork.done += served
    if fork.left > 0:
        return NOBODY
    of.agent(g, fork.parent).served = fork.done
    free_fork(g, number)
    return fork.parent


@apart
def begin_within(g: Any, slot: int, node: int, limit: float) -> None:
    number = new_fork(g, node, slot, 1)
    begin_limited(g, number, 0)
    if limit < inf:
        of.fork(g, number).references += 1
        schedule(g, g.now + limit, TIMER_CLASS | np.uint64(of.agent(g, slot).number), WITHIN_ENDS, number)


@apart
def begin_limited(g: Any, number: int, which: int) -> None:
    """The plan with a limit begins (0), or the one that begins beside it when the limit is over (1)."""
    fork = of.fork(g, number)
    fork.references += 1
    parent = of.agent(g, fork.parent)
    spawn(g, of.node(g, fork.node).plan + which, fork.parent, LIMITED, number, 0, parent.size, parent.tracked)


@part
def limited_ended(g: Any, child: int) -> None:
    """A plan with a limit has ended, perhaps in time, or before the other."""
    agent = of.agent(g, child)
    fork = of.fork(g, agent.group)
    if fork.left:
        fork.left = 0
        go_on(g, fork.parent, child)
        hop(g, RESUMES, fork.parent, agent.value)
    release_fork(g, agent.group)
    free_agent(g, child)


@part
def limit_is_over(g: Any, number: int) -> None:
    fork = of.fork(g, number)
    if fork.left and of.node(g, fork.node).plans > 1:
        begin_limited(g, number, 1)
    elif fork.left:
        fork.left = 0
        of.agent(g, fork.parent).timed_out = 1
        hop(g, RESUMES, fork.parent, 0)
    release_fork(g, number)


@part
def release_fork(g: Any, number: int) -> None:
    """The plans and the timer all need the fork; the last one frees it."""
    of.fork(g, number).references -= 1
    if of.fork(g, number).references == 0:
        free_fork(g, number)


# -- joins ---------------------------------------------------------------------------------------------------------


@apart
def join(g: Any, slot: int, node: int) -> None:
    """Become a member of the batch that gathers now, or the first of a new one."""
    spec = of.batch(g, of.node(g, node).what)
    if spec.current == NOBODY:
        number = g.gatherings_free
        gathering = of.gathering(g, number)
        g.gatherings_free = gathering.link
        g.gatherings_left -= 1
        gathering.batch, gathering.first, gathering.members, gathering.references = of.node(g, node).what, NOBODY, 0, 1
        spec.current = number
        if spec.size > 1:
            gathering.references = 2
            schedule(g, g.now + spec.linger, TIMER_CLASS | np.uint64(of.agent(g, slot).number), LINGER_ENDS, number)
    number = spec.current
    gathering = of.gathering(g, number)
    gathering.members += 1
    of.agent(g, slot).link = NOBODY
    if gathering.first == NOBODY:
        gathering.first = slot
    else:
        of.agent(g, gathering.last).link = slot
    gathering.last = slot
    if gathering.members == spec.size:
        commit(g, number)


@apart
def commit(g: Any, number: int) -> None:
    """The first member's plan begins, once for all."""
    gathering = of.gathering(g, number)
    spec = of.batch(g, gathering.batch)
    if spec.current != number:
        return
    spec.current = NOBODY
    first = of.agent(g, gathering.first)
    plan = of.node(g, first.pc).plan
    gathering.child = spawn(g, plan, gathering.first, COMMIT, number, 0, float(gathering.members), 1)


@part
def linger_is_over(g: Any, number: int) -> None:
    commit(g, number)
    release_gathering(g, number)


@part
def commit_ended(g: Any, child: int) -> None:
    number = of.agent(g, child).group
    of.gathering(g, number).value = of.agent(g, child).value
    hop(g, COMMITTED, number, 0)


@part
def next_member(g: Any, number: int) -> int:
    """The member whose turn it is to go on; after the last, the gathering is over."""
    gathering = of.gathering(g, number)
    slot = gathering.first
    agent = of.agent(g, slot)
    go_on(g, slot, gathering.child)
    g.answer = gathering.value
    gathering.first = agent.link
    if gathering.first == NOBODY:
        free_agent(g, gathering.child)
        release_gathering(g, number)
        g.turns = NOBODY
    return slot


@part
def release_gathering(g: Any, number: int) -> None:
    """The commit and the timer both need the gathering; the second one frees it."""
    gathering = of.gathering(g, number)
    gathering.references -= 1
    if gathering.references == 0:
        gathering.link = g.gatherings_free
        g.gatherings_free = number
        g.gatherings_left += 1
