"""What a step's operands come to for one agent: numbers, keys, shards and seconds."""

from __future__ import annotations

from math import ceil, floor, isnan, nan
from typing import Any

from simsys import draws
from simsys.distributions import laws
from simsys.distributions.pieces import table_quantile
from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import seldom
from simsys.engines.kernel.state import ROOT
from simsys.engines.program import (
    ANY,
    COLUMN,
    COMPUTED,
    CONSTANT,
    EDGES,
    FOLLOWED,
    INDEX,
    SIZE,
    SPREAD,
    STOP,
    VALUE,
)


@part
def single(g: Any, agent: Any, kind: int, arg: int, value: float) -> float:
    """An operand that is not computed."""
    if kind == CONSTANT:
        return value
    if kind == COLUMN:
        return of.column(of.request(g, agent.request), arg)
    if kind == SIZE:
        return agent.size
    if kind == INDEX:
        return float(agent.index)
    return float((agent.outcomes >> arg) & 1)


@part
def operand(g: Any, agent: Any, kind: int, arg: int, value: float) -> float:
    """An operand of a step."""
    if kind == COMPUTED:
        return computed(g, agent, arg)
    return single(g, agent, kind, arg, value)


@apart
def computed(g: Any, agent: Any, place: int) -> float:
    """The value of an expression in postfix order."""
    depth = 0
    while True:
        term = of.term(g, place)
        place += 1
        if term.code == STOP:
            return of.scratch(g, 0).v
        if term.code < STOP:
            depth -= 1
            left, right = of.scratch(g, depth - 1), of.scratch(g, depth)
            left.v = applied(term.code, left.v, right.v)
            continue
        if term.code == VALUE:
            of.scratch(g, depth).v = single(g, agent, term.kind, term.arg, term.value)
        elif term.code == FOLLOWED:
            of.scratch(g, depth).v = followed(g, agent, term.arg)
        else:
            of.scratch(g, depth).v = along(g, agent, term)
        depth += 1


@part
def applied(code: int, a: float, b: float) -> float:
    """The operator number `code` of `OPERATORS`."""
    if code == 0:
        return a + b
    if code == 1:
        return a - b
    if code == 2:
        return a * b
    if code == 3:
        return a / b
    if code == 4:
        return 1.0 if a < b else 0.0
    if code == 5:
        return 1.0 if a <= b else 0.0
    if code == 6:
        return 1.0 if a > b else 0.0
    if code == 7:
        return 1.0 if a >= b else 0.0
    if code == 8:
        return 1.0 if a == b else 0.0
    if code == 9:
        return 1.0 if a != b else 0.0
    if code == 10:
        return b if b < a else a
    return b if b > a else a


@part
def along(g: Any, agent: Any, term: Any) -> float:
    """How many edges of the request's user follow a rule, or who is at the other end of that at the agent's index."""
    user = term.arg + int(of.column(of.request(g, agent.request), term.kind))
    first = of.edge(g, user).v
    count = of.edge(g, user + 1).v - first
    if term.code == EDGES:
        return float(count)
    return float(of.edge(g, first + agent.index % count).v) if count > 0 else -1.0


@part
def followed(g: Any, agent: Any, threshold: int) -> float:
    """Which author a child asks for: one with that many followers, by their follow edges."""
    law, request = of.variate(g, g.authors), of.request(g, agent.request).index
    u = draws.uniform(g.author, request, agent.index) * of.shares(g, threshold).v
    return float(floor(table_quantile(of.law(g, law.first, law.last), u)))


@part
def drawn(g: Any, slot: int, name: int) -> int:
    """How often this agent has drawn by this name before."""
    agent, bit = of.agent(g, slot), 1 << name
    if not agent.drawn & bit:
        agent.drawn |= bit
        return 0
    counter, one = of.counts(g, slot * g.names + name), seldom(g, slot)
    count = counter.v if one.drawn_twice & bit else 1
    counter.v = count + 1
    one.drawn_twice |= bit
    return count


@part
def variate(g: Any, number: int, stream: int, token: int, visit: int) -> float:
    v = of.variate(g, number)
    return laws.variate(v.kind, v.a, v.b, v.c, of.law(g, v.first, v.last), stream, token, visit)


@part
def foreseen(g: Any, slot: int, column: int, count: int, visit: int) -> float:
    """A request's draw by a name, if it is one of the first `count`, which came with the request; else NaN."""
    agent = of.agent(g, slot)
    if visit >= count or agent.role != ROOT:
        return nan
    return of.column(of.request(g, agent.request), column + visit)


@part
def item_of(g: Any, slot: int, number: int, visit: int) -> float:
    """The draw of a service's part per item, which may have come with the request."""
    agent, timing = of.agent(g, slot), of.timing(g, number)
    item = foreseen(g, slot, timing.item_column, timing.item_foreseen, visit)
    return variate(g, timing.item, timing.item_stream, agent.token, visit) if isnan(item) else item


@part
def seconds(g: Any, slot: int, number: int, n: float, split: bool, count: int) -> float:
    """How long a visit of n units, split over `count` shards, takes at each."""
    token, timing = of.agent(g, slot).token, of.timing(g, number)
    fixed, item = timing.fixed_seconds, timing.item_seconds
    if timing.fixed >= 0:
        visit = drawn(g, slot, timing.fixed_name)
        fixed = foreseen(g, slot, timing.fixed_column, timing.fixed_foreseen, visit)
        if isnan(fixed):
            fixed = variate(g, timing.fixed, timing.fixed_stream, token, visit)
    if timing.item >= 0:
        item = item_of(g, slot, number, drawn(g, slot, timing.item_name))
    return fixed + item * (n / count) if split else fixed + item * n


@part
def pieces_of(node: Any, n: float) -> int:
    """On how many shards n units are served; 0: all of them on one."""
    return 0 if node.over <= 1 else min(node.over, int(ceil(n)))


@part
def first_of(g: Any, slot: int, station: Any, node: Any, count: int) -> int:
    """The first of the shards on which the units of a visit are served."""
    if count == 0:
        return shard_of(g, slot, station, node)
    if node.key_kind != SPREAD:
        return home_of(g, slot, station, node)
    if count == station.shards:
        return 0
    return below(g, slot, station.spread_stream, station.spread_name, station.shards)


@part
def shard_of(g: Any, slot: int, station: Any, node: Any) -> int:
    """The shard of a key: by its hash, or where one of several will do the emptiest of those drawn."""
    if station.shards == 1:
        return 0
    if node.key_kind == ANY or node.key_kind == SPREAD:
        return emptiest(g, slot, station, 0, station.shards)
    home = home_of(g, slot, station, node)
    return home if node.of <= 1 else emptiest(g, slot, station, home, node.of)


@part
def home_of(g: Any, slot: int, station: Any, node: Any) -> int:
    """The shard of a key by its hash."""
    key = operand(g, of.agent(g, slot), node.key_kind, node.key_arg, node.key_value)
    return draws.shard_of(key, station.shards)


@apart
def emptiest(g: Any, slot: int, station: Any, home: int, among: int) -> int:
    """Of so many shards, `home` the first of them, different ones are drawn: that with the fewest inside."""
    stream, name = station.any_stream, station.any_name
    first = below(g, slot, stream, name, among)
    chosen = (home + first) % station.shards
    others, step = min(station.choices, among) - 1, 0
    for i in range(others):
        step += 1 + below(g, slot, stream, name, among - others + i - step)
        other = (home + (first + step) % among) % station.shards
        if inside(g, station, other) < inside(g, station, chosen):
            chosen = other
    return chosen


@part
def inside(g: Any, station: Any, number: int) -> int:
    """How many are served or stand in line at a shard."""
    shard = of.shard(g, station.shard + number)
    return shard.users + shard.queue


@part
def below(g: Any, slot: int, stream: int, name: int, among: int) -> int:
    """A draw below `among`."""
    return int(draws.uniform(stream, of.agent(g, slot).token, drawn(g, slot, name)) * among)
