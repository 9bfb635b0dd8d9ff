"""Many children at once: their tokens and first draws come in loops of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys import draws
from simsys.distributions.laws import EXPONENTIAL
from simsys.draws.parts import apart
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.agents import begun_before, new_child
from simsys.engines.kernel.forks import size_of
from simsys.engines.kernel.state import NOBODY
from simsys.engines.kernel.values import variate
from simsys.engines.program import ANY, VISIT

MANY = 16


@apart
def tokens_of(parent: int, name: int, first: int, count: int) -> Any:
    tokens = np.empty(count, np.int64)
    for i in range(count):
        tokens[i] = draws.child_token(parent, name, first + i)
    return tokens


@apart
def first_items(g: Any, number: int, stream: int, tokens: Any) -> Any:
    """The first draw of each child from a law."""
    law, items = of.variate(g, number), np.empty(tokens.size)
    if law.kind == EXPONENTIAL:
        mean = law.a
        for i in range(tokens.size):
            items[i] = -mean * draws.log(draws.uniform(stream, tokens[i], 0, 0))
    else:
        for i in range(tokens.size):
            items[i] = variate(g, number, stream, tokens[i], 0)
    return items


@apart
def begin_many(
    g: Any, plan: int, parent: int, role: int, group: int, n: float, batch: float, count: int, tracked: int
) -> None:  # fmt: skip
    """Let `count` children of `parent` begin a plan, in batches of n items."""
    first = begun_before(g, plan, parent, count)
    tokens = tokens_of(of.agent(g, parent).token, of.plan(g, plan).name, first, count)
    node = of.node(g, of.plan(g, plan).root)
    service, shards = NOBODY, 0
    items = anys = np.empty(0)
    if node.code == VISIT:
        timing, station = of.timing(g, node.timing), of.station(g, node.what)
        if timing.item != NOBODY:
            service, items = node.timing, first_items(g, timing.item, timing.item_stream, tokens)
        if node.key_kind == ANY and station.shards > 1:
            shards, anys = station.shards, draws.uniforms(station.any_stream, tokens, 0)
    for i in range(count):
        slot = new_child(g, plan, parent, tokens[i], role, group, i, size_of(n, batch, count, i), tracked)
        child = of.agent(g, slot)
        child.foreseen = service
        if service != NOBODY:
            child.first_item = items[i]
        if shards > 0:
            child.first_shard = int(anys[i] * shards)
