"""Drives the plan of one agent from step to step until it has to wait or has ended."""

from __future__ import annotations

from typing import Any

from simsys import draws
from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import depart, free_agent, settle, spawn
from simsys.engines.kernel.crowds import MANY, gather
from simsys.engines.kernel.events import hop
from simsys.engines.kernel.forks import begin_branch, begin_within, branch_ends, items, join, new_fork, size_of
from simsys.engines.kernel.holds import end_held, hold
from simsys.engines.kernel.leases import lease_of, loaded, waits_for_load
from simsys.engines.kernel.state import (  # fmt: skip
    AGENTS,
    BACKGROUND,
    BRANCH,
    BRING,
    CACHES,
    ENDED,
    FLUSH,
    FORKS,
    HEAP,
    LEASES,
    NOBODY,
    RING,
    ROOM,
    ROOT,
)
from simsys.engines.kernel.values import drawn, operand
from simsys.engines.kernel.visits import GOES_ON, TURNED_AWAY, WAITS, key_of, number, visit
from simsys.engines.program import (
    ANY,
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
from simsys.structures.kernel import table as caches
from simsys.structures.kernel.state import entry as entry_of

# -- steps that take no time ---------------------------------------------------------------------------------------


@part
def cache_of(g: Any, slot: int, node: Any) -> int:
    """The place of a cache; of several copies, that of the process which plays this plan, or the one that is named."""
    if node.plans == 0:
        return int(node.what)
    if node.n_kind == ANY:
        u = draws.uniform(of.chance(g, node.plan).stream, of.agent(g, slot).token, 0)
        return int(node.what + int(u * node.plans))
    return int(node.what + int(number(g, slot, node)) % node.plans)


@part
def look_up(g: Any, slot: int, node: Any, place: int) -> int:
    cache, key = of.cache(g, place), key_of(g, slot, node)
    loading = cache.grace > 0.0 and lease_of(g, place, key) != NOBODY
    entry = caches.lookup(cache, key, g.now, loading)
    if entry != NOBODY:
        request = of.request(g, of.agent(g, slot).request)
        request.age = max(request.age, g.now - entry_of(cache, entry).fill)
        return 1
    if cache.lease > 0.0 and waits_for_load(g, slot, place, key):
        cache.waits += 1
        return WAITS
    caches.load(of.cache(g, node.what), g.now)
    return 0


@part
def fill(g: Any, slot: int, node: Any, place: int) -> None:
    cache, key = of.cache(g, place), key_of(g, slot, node)
    caches.fill(cache, key, g.now, of.agent(g, slot).size if g.size_column >= 0 else 1.0)
    if cache.lease > 0.0:
        loaded(g, place, key)


@part
def mark(g: Any, slot: int, node: Any) -> None:
    row = of.mark(g, g.marks)
    g.marks += 1
    row.name, row.request = node.what, of.request(g, of.agent(g, slot).request).number
    row.time, row.n, row.whom = g.now, number(g, slot, node), key_of(g, slot, node)


@apart
def start(g: Any, slot: int, place: int, node: Any, n: float, batch: float, count: int) -> None:
    if count >= MANY:
        gather(g, slot, place, BACKGROUND, n, batch, count, 0)
        return
    for i in range(count):
        spawn(g, node.plan, slot, BACKGROUND, NOBODY, i, size_of(n, batch, count, i), 0)


@apart
def fork(g: Any, slot: int, place: int, node: Any, n: float, batch: float, count: int) -> None:
    if count >= MANY and node.width == 0 and node.plans == 0:
        gather(g, slot, place, BRANCH, n, batch, count, of.agent(g, slot).tracked)
        return
    branches = new_fork(g, place, slot, count)
    of.fork(g, branches).size, of.fork(g, branches).batch = n, batch
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
    if short(g, AGENTS, g.agents_left, children) or short(g, FORKS, g.forks_left, 1):
        return True
    return short(g, RING, g.ring_room - (g.ring_tail - g.ring_head), children)


@part
def cache_is_short(g: Any, place: int) -> bool:
    cache = of.cache(g, place)
    if caches.is_short(cache):
        g.need, g.amount = CACHES, place
        return True
    if cache.lease == 0.0:
        return False
    return short(g, LEASES, g.leases_left, 1) or short(g, HEAP, g.heap_room - g.events, 1)


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
                place = cache_of(g, slot, node)
                if cache_is_short(g, place):
                    return wait_for_python(g, slot, ROOM)
                answer = 1
                if code == LOOKUP:
                    answer = look_up(g, slot, node, place)
                    if answer == WAITS:
                        return 0
                elif code == FILL:
                    fill(g, slot, node, place)
                else:
                    caches.drop(of.cache(g, place), key_of(g, slot, node))
            elif code == CHANCE:
                answer = chance(g, slot, node)
            elif code == START or code == FORK:
                n, batch, count = 0.0, 1.0, node.plans
                if count == 0:
                    n = number(g, slot, node)
                    batch = operand(g, agent, node.batch_kind, node.batch_arg, node.batch_value)
                    count = items(n, batch)
                begun = count if code == START or node.width == 0 else min(count, node.width)
                if no_room(g, min(begun, MANY)):
                    return wait_for_python(g, slot, ROOM)
                answer = 1
                if code == START:
                    start(g, slot, agent.pc, node, n, batch, count)
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
    request = of.request(g, agent.request)
    if agent.role == ROOT:
        depart(g, slot, value)
        agent.client, agent.group = request.client, NOBODY
        if request.brings >= 0 and not request.delivered:
            agent.group, of.seldom(g, slot).requested = request.brings, request.number
    request.open -= 1
    why = 0
    if request.open == 0:
        if request.brings >= 0 and request.delivered:
            g.need, g.amount = request.brings, request.number
            why = BRING
        path = of.path(g, slot * g.places) if agent.role == ROOT else of.answered(g, agent.request * g.places)
        settle(g, agent.request, path)
    if agent.role == BACKGROUND or (agent.role == ROOT and agent.client == NOBODY and agent.group == NOBODY):
        free_agent(g, slot)
        return why
    agent.value = value
    if agent.role == BRANCH:
        branch_ends(g, slot)
    else:
        hop(g, ENDED, slot, 0)
    return why
