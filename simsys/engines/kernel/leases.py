"""Leases on the keys of caches: one loads, the others wait. They are found by cache and key, in chains by hash."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.events import TIMER_CLASS, hop, schedule
from simsys.engines.kernel.state import LEASE_ENDS, NOBODY, RESUMES
from simsys.structures.kernel import table as caches
from simsys.structures.kernel.table import MIX


@part
def chain(g: Any, cache: int, key: int) -> Any:
    """Where the leases with the hash of this key begin; there are `LEASE_CHAINS`."""
    return of.chain(g, np.int64(((np.uint64(key) + np.uint64(cache)) * MIX) >> np.uint64(52)))


@apart
def lease_of(g: Any, cache: int, key: int) -> int:
    """The lease on a key, or NOBODY."""
    number = chain(g, cache, key).v
    while number != NOBODY and (of.lease(g, number).key != key or of.lease(g, number).cache != cache):
        number = of.lease(g, number).link
    return number


@part
def hold_lease(g: Any, slot: int, number: int) -> None:
    """Let an agent load, until it has, or the lease runs out."""
    end = g.now + of.cache(g, of.lease(g, number).cache).lease
    schedule(g, end, TIMER_CLASS | np.uint64(of.agent(g, slot).number), LEASE_ENDS, number)


@apart
def waits_for_load(g: Any, slot: int, cache: int, key: int) -> bool:
    """Whether another loads the key, for whom the agent then waits; else it has to load the key, and has the lease."""
    number = lease_of(g, cache, key)
    if number != NOBODY:
        lease = of.lease(g, number)
        of.agent(g, slot).link = NOBODY
        if lease.first == NOBODY:
            lease.first = slot
        else:
            of.agent(g, lease.last).link = slot
        lease.last = slot
        return True
    number = g.leases_free
    lease = of.lease(g, number)
    g.leases_free = lease.link
    g.leases_left -= 1
    lease.key, lease.cache, lease.first, lease.over = key, cache, NOBODY, 0
    lease.link = chain(g, cache, key).v
    chain(g, cache, key).v = number
    hold_lease(g, slot, number)
    return False


@apart
def end_lease(g: Any, number: int) -> None:
    """Nobody waits for a load any more; its timer frees the lease."""
    lease = of.lease(g, number)
    lease.over = 1
    begin = chain(g, lease.cache, lease.key)
    if begin.v == number:
        begin.v = lease.link
        return
    before = of.lease(g, begin.v)
    while before.link != number:
        before = of.lease(g, before.link)
    before.link = lease.link


@apart
def loaded(g: Any, cache: int, key: int) -> None:
    """A key has been loaded: all who wait for it go on, first come, first served."""
    number = lease_of(g, cache, key)
    if number == NOBODY:
        return
    end_lease(g, number)
    slot = of.lease(g, number).first
    while slot != NOBODY:
        hop(g, RESUMES, slot, 1)
        slot = of.agent(g, slot).link


@apart
def lease_runs_out(g: Any, number: int) -> None:
    """Nobody has loaded the key: the first in line does, if there is one."""
    lease = of.lease(g, number)
    if not lease.over:
        slot = lease.first
        if slot != NOBODY:
            lease.first = of.agent(g, slot).link
            caches.load(of.cache(g, of.node(g, of.agent(g, slot).pc).what), g.now)
            hold_lease(g, slot, number)
            hop(g, RESUMES, slot, 0)
            return
        end_lease(g, number)
    lease.link = g.leases_free
    g.leases_free = number
    g.leases_left += 1
