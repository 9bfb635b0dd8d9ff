"""How a station serves: at once, first come first served, or with SimPy's own `Resource`.

A visit is a generator that a SimPy process runs: it ends when the visit ends, and gives the number of pieces served: fewer than asked for where some were refused.
A station that nobody holds, that has room for everyone and that never fails needs one event per visit: its service
times are known at arrival, so is its end (Kiefer & Wolfowitz 1955). All others queue at a `Resource` per shard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from heapq import heapify, heapreplace
from math import inf, nextafter
from typing import Any

from simpy import Event, Resource
from simpy.resources.resource import Request

from simsys.engines.clock import END, TIMER, Clock
from simsys.engines.outages import Calendar
from simsys.measure.log import StationLog

Doing = Generator[Event, Any, Any]


class Line(deque[Any]):
    """A queue that lets its first go in constant time, as `Resource` asks for it."""

    def pop(self, index: int = -1) -> Any:  # type: ignore[override]
        return self.popleft() if index == 0 else super().pop()


class Desk(Resource):
    """One shard's servers and the line before them."""

    PutQueue = Line


class Delay:
    """A station with unlimited servers: nobody waits."""

    def __init__(self, clock: Clock, log: StationLog) -> None:
        self.clock, self.log = clock, log

    def visit(self, pieces: list[tuple[int, float]], number: int) -> Doing:
        """Be served at each (shard, seconds) at once."""
        now = self.clock.now
        seconds = max(s for _, s in pieces)
        self.log.enter(now)
        self.log.visits[0] += len(pieces)
        end = self.clock.end_of(now, seconds)
        yield self.clock.at(end, END, number)
        self.log.leave(self.clock.now, end - now)
        return len(pieces)

    def ahead(self, now: float) -> list[tuple[float, float]]:
        """Nothing is committed: nobody occupies a server."""
        return [(0.0, 0.0)]


class Plain:
    """First come, first served; the end of every visit is known at its arrival."""

    def __init__(self, clock: Clock, log: StationLog, shards: int, servers: int) -> None:
        self.clock, self.log, self.single = clock, log, servers == 1
        self.free = [[0.0] * servers for _ in range(shards)]
        for heap in self.free:
            heapify(heap)
        self.waiting: list[deque[float]] = [deque() for _ in range(shards)]

    def visit(self, pieces: list[tuple[int, float]], number: int) -> Doing:
        now, log = self.clock._now, self.log
        log.enter(now)
        last = now
        for shard, seconds in pieces:
            end = self.admit(shard, seconds, now)
            if end > last:
                last = end
        yield self.clock.at(last, END, number)
        log.leave(self.clock._now, last - now)
        return len(pieces)

    def admit(self, shard: int, seconds: float, now: float) -> float:
        """Join the line of a shard; the time (s) at which this piece of work is done."""
        log, free = self.log, self.free[shard]
        start = free[0]
        log.visits[shard] += 1
        log.busy[shard] += seconds
        if start > now:
            waiting = self.waiting[shard]
            while waiting and waiting[0] <= now:
                waiting.popleft()
            waiting.append(start)
            log.wait[shard] += start - now
            if len(waiting) > log.longest[shard]:
                log.longest[shard] = len(waiting)
        else:
            start = now
        end = start + seconds
        if end <= start:
            end = nextafter(start, inf)
        if self.single:
            free[0] = end
        else:
            heapreplace(free, end)
        return end

    def ahead(self, now: float) -> list[tuple[float, float]]:
        """Per shard, the seconds of service and of waiting that are committed but lie after `now`."""
        return [
            (sum(max(0.0, t - now) for t in free), sum(max(0.0, s - now) for s in waiting))
            for free, waiting in zip(self.free, self.waiting, strict=True)
        ]


class Queued:
    """First come, first served by a SimPy `Resource` per shard: can be held, be full, stall and be down."""

    def __init__(
        self, clock: Clock, log: StationLog, shards: int, servers: int, room: int | None, calendar: Calendar
    ) -> None:
        self.clock, self.log, self.room, self.calendar = clock, log, room, calendar
        self.desks = [Desk(clock, servers) for _ in range(shards)]
        self.lined_up: list[dict[Request, float]] = [{} for _ in range(shards)]
        self.since: list[dict[Request, float]] = [{} for _ in range(shards)]
        for outage in calendar.downs:
            clock.at(outage.begin, TIMER, 0).callbacks.append(self._throw_out)

    def visit(self, pieces: list[tuple[int, float]], number: int) -> Doing:
        if len(pieces) == 1:
            return (yield from self._serve(*pieces[0], number))
        parts = [self.clock.process(self._serve(shard, seconds, number)) for shard, seconds in pieces]
        served = 0
        for part in parts:
            if not part.processed:
                yield part
            served += part.value
        return served

    def _serve(self, shard: int, seconds: float, number: int) -> Doing:
        arrived = self.clock.now
        request = yield from self.enter(shard)
        if request is None:
            return 0
        start = self.clock.now
        end = max(self.calendar.finish(self.calendar.opens(start), seconds), self.clock.end_of(start, 0.0))
        yield self.clock.at(end, END, number)
        self.log.held += end - start - seconds
        self.exit(shard, request, arrived)
        return 1

    def enter(self, shard: int) -> Generator[Event, Any, Request | None]:
        """Wait for a server of the shard; None where there is no room, or the station is down."""
        desk, log, now = self.desks[shard], self.log, self.clock.now
        standing = len(desk.queue) - (desk.capacity - desk.count)
        log.enter(now)
        if self.calendar.is_down(now) or (self.room is not None and standing >= self.room):
            log.refuse(now)
            return None
        request = desk.request()
        if not request.triggered:
            log.longest[shard] = max(log.longest[shard], len(desk.queue))
            self.lined_up[shard][request] = now
            yield request
            del self.lined_up[shard][request]
            if request.value is False:
                log.refuse(self.clock.now, self.clock.now - now)
                return None
        log.visits[shard] += 1
        log.wait[shard] += self.clock.now - now
        self.since[shard][request] = self.clock.now
        return request

    def exit(self, shard: int, request: Request, arrived: float) -> None:
        """Give the server back."""
        now = self.clock.now
        self.log.busy[shard] += now - self.since[shard].pop(request)
        self.desks[shard].release(request)
        self.log.leave(now, now - arrived)

    def ahead(self, now: float) -> list[tuple[float, float]]:
        """Per shard, minus the seconds of service and waiting that are over by `now` but not yet in the log."""
        return [
            (-sum(now - t for t in since.values()), -sum(now - t for t in lined_up.values()))
            for since, lined_up in zip(self.since, self.lined_up, strict=True)
        ]

    def _throw_out(self, _: Event) -> None:
        for desk in self.desks:
            while desk.queue:
                desk.queue.popleft().succeed(False)  # type: ignore[attr-defined]
