"""What happens next: a binary heap of events under the law of simultaneity, and the wake-ups of this moment."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys.draws.parts import apart, part
from simsys.engines.kernel import tables as of
from simsys.engines.kernel.state import BITS

END_CLASS, ARRIVAL_CLASS, TIMER_CLASS = np.uint64(1 << 62), np.uint64(2 << 62), np.uint64(3 << 62)


@part
def before(time: int, key: Any, serial: int, other: Any) -> bool:
    """Whether an event comes before another: by time, class and number, serial."""
    if time != other.time:
        return time < other.time
    if key != other.key:
        return key < other.key
    return serial < other.serial


@part
def put(g: Any, place: int, time: int, key: Any, serial: int, told: int) -> None:
    event = of.event(g, place)
    event.time, event.key, event.serial, event.told = time, key, serial, told


@part
def schedule(g: Any, time: float, key: Any, what: int, who: int) -> None:
    """Let something happen at `time` (s); `key` is its class and number."""
    at, serial, told = int(np.float64(time).view(np.int64)), g.serial, what << BITS | who
    g.serial = serial + 1
    if g.vacant:
        g.vacant = 0
        sink(g, at, key, serial, told)
        return
    hole = g.events
    g.events = hole + 1
    while hole > 0:
        above = (hole - 1) >> 1
        if not before(at, key, serial, of.event(g, above)):
            break
        of.copy_event(of.event(g, hole), of.event(g, above))
        hole = above
    put(g, hole, at, key, serial, told)


@part
def take_first(g: Any) -> None:
    """The first event happens: its place at the root is vacant until another is told, or looked for."""
    g.vacant = 1


@part
def first_is_known(g: Any) -> bool:
    """Whether there is an event; the first of them is then at the root."""
    if g.vacant:
        g.vacant = 0
        g.events -= 1
        last = of.event(g, g.events)
        sink(g, last.time, last.key, last.serial, last.told)
    return bool(g.events > 0)


@part
def comes_first(g: Any, time: float, key: Any) -> bool:
    """Whether an arrival comes before all events. A root that is vacant may stay so for what the arrival will tell: the
    first of the others is one of the two below it.
    """
    if g.events <= g.vacant:
        return True
    first = of.event(g, first_of_two(g, 1, g.events) if g.vacant else 0)
    return before(int(np.float64(time).view(np.int64)), key, 0, first)


@part
def first_of_two(g: Any, left: int, size: int) -> int:
    """Which of two neighbours comes first; the left one where there is none to its right."""
    if left + 1 == size:
        return left
    one, other = of.event(g, left), of.event(g, left + 1)
    earlier = int(other.time < one.time)  # a sum instead of a branch, which nobody could foresee
    if other.time == one.time:
        earlier = int(before(other.time, other.key, other.serial, one))
    return left + earlier


@apart
def sink(g: Any, time: int, key: Any, serial: int, told: int) -> None:
    """Put an event at the root, which is vacant, and let it sink to its place."""
    size = g.events
    hole, below = 0, 1
    while below < size:
        below = first_of_two(g, below, size)
        child = of.event(g, below)
        if before(time, key, serial, child):
            break
        of.copy_event(of.event(g, hole), child)
        hole = below
        below = 2 * hole + 1
    put(g, hole, time, key, serial, told)


@part
def hop(g: Any, what: int, who: int, value: int) -> None:
    """Let something happen in this moment, after all that was told so before."""
    one = of.hop(g, g.ring_tail & (g.ring_room - 1))
    one.what, one.who, one.value = what, who, value
    g.ring_tail += 1
