"""SimPy's environment under the law of simultaneity.

Events are ordered by (time, class, number, serial). Class 0: wake-ups, first in, first out; 1: ends of service; 2:
arrivals; 3: timers. Ends of service at the same instant are ordered by the number of the request or child they
belong to.
"""

from __future__ import annotations

from heapq import heappush
from math import inf, nextafter

from simpy import Environment, Event

END, ARRIVAL, TIMER = 1, 2, 3


class Clock(Environment):
    """An environment whose events at the same instant have a law instead of an accident of insertion."""

    def schedule(self, event: Event, priority: int = 1, delay: float = 0) -> None:
        heappush(self._queue, (self._now + delay, 0, next(self._eid), event))  # type: ignore[misc]

    def at(self, time: float, kind: int, number: int) -> Event:
        """An event of class `kind` at the absolute `time` (s), for the request, child or timer `number`."""
        event = Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (time, (kind << 62) | number, next(self._eid), event))  # type: ignore[misc]
        return event

    def end_of(self, start: float, seconds: float) -> float:
        """When a service ends: later than it started, however short it is."""
        return max(start + seconds, nextafter(start, inf))

    @property
    def pending(self) -> int:
        """How much is still going to happen."""
        return len(self._queue)
