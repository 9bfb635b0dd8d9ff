"""How a station serves: at once, first come first served, or with SimPy's own `Resource`.

A visit is a generator that a SimPy process runs: it ends when the visit ends, and gives the number of pieces
served: fewer than asked for where some were refused. A station that nobody holds, that has room for everyone and
that never fails needs one event per visit: its service times are known at arrival, so is its end (Kiefer &
Wolfowitz 1955). All others queue at a `Resource` per shard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from functools import partial
from heapq import heapreplace
from itertools import takewhile
from math import fsum, inf, nextafter
from typing import Any

from simpy import Event, Resource
from simpy.resources.resource import Request

from simsys.engines.clock import END, TIMER, Clock
from simsys.engines.outages import Calendar, Outage
from simsys.measure.log import Booked, StationLog
from simsys.stations import A_TOKEN, Station

Doing = Generator[Event, Any, Any]


class Line(deque[Any]):
    """A queue that lets its first go in constant time, as `Resource` asks for it."""

    def pop(self, index: int = -1) -> Any:
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

    def state(self, now: float) -> list[Booked]:
        """Nothing is committed: nobody occupies a server."""
        return [Booked(0.0, 0.0, 0)]


class Plain:
    """First come, first served; the end of every visit is known at its arrival."""

    def __init__(self, clock: Clock, log: StationLog, shards: int, servers: int) -> None:
        self.clock, self.log, self.single = clock, log, servers == 1
        self.free = [[0.0] * servers for _ in range(shards)]
        self.waiting: list[deque[float]] = [deque() for _ in range(shards)]

    def visit(self, pieces: list[tuple[int, float]], number: int) -> Doing:
        now = self.clock._now
        self.log.enter(now)
        last = self._admit(pieces, now)
        yield self.clock.at(last, END, number)
        self.log.leave(self.clock._now, last - now)
        return len(pieces)

    def _admit(self, pieces: list[tuple[int, float]], now: float) -> float:
        """Join the line of every shard asked for; the time (s) at which the last piece of work is done."""
        log, single, last, free_at, lines = self.log, self.single, now, self.free, self.waiting
        visits, busy, wait, longest = log.visits, log.busy, log.wait, log.longest
        for shard, seconds in pieces:
            visits[shard] += 1
            busy[shard] += seconds
            free = free_at[shard]
            start = free[0]
            if start > now:
                line = lines[shard]
                while line and line[0] <= now:
                    line.popleft()
                line.append(start)
                wait[shard] += start - now
                if len(line) > longest[shard]:
                    longest[shard] = len(line)
            else:
                start = now
            end = start + seconds
            if end <= start:
                end = nextafter(start, inf)
            if single:
                free[0] = end
            else:
                heapreplace(free, end)
            if end > last:
                last = end
        return last

    def state(self, now: float) -> list[Booked]:
        """Per shard, what is committed but lies after `now`."""
        return [
            Booked(
                fsum(max(0.0, t - now) for t in free),
                fsum(max(0.0, start - now) for start in waiting),
                sum(start > now for start in waiting),
            )
            for free, waiting in zip(self.free, self.waiting, strict=True)
        ]


class Queued:
    """First come, first served by a SimPy `Resource` per shard: can be held, be full, stall and be down."""

    def __init__(self, clock: Clock, log: StationLog, spec: Station, outages: Sequence[Outage]) -> None:
        self.clock, self.log, self.room = clock, log, spec.queue
        self.calendars = [Calendar(outages, shard) for shard in range(spec.shards)]
        self.desks = [Desk(clock, int(spec.servers)) for _ in range(spec.shards)]
        self.line: list[dict[Request, float]] = [{} for _ in range(spec.shards)]
        self.since: list[dict[Request, float]] = [{} for _ in range(spec.shards)]
        self.limit = spec.rate_limit
        self.tokens = [(self.limit.burst if self.limit else 0.0, 0.0) for _ in range(spec.shards)]
        for outage in sorted((o for o in outages if o.down), key=lambda o: o.begin):
            clock.at(outage.begin, TIMER, 0).callbacks.append(partial(self._throw_out, outage.shard))

    def inside(self, shard: int) -> int:
        """How many are served or stand in line there."""
        desk = self.desks[shard]
        return desk.count + len(desk.queue)

    def visit(self, pieces: list[tuple[int, float]], number: int) -> Doing:
        lined_up = [(shard, seconds, self._line_up(shard)) for shard, seconds in pieces]
        if len(pieces) == 1:
            return (yield from self._serve(*lined_up[0], number))
        parts = [self.clock.process(self._serve(*one, number)) for one in lined_up]
        served = 0
        for part in parts:
            if not part.processed:
                yield part
            served += int(part.value or 0)
        return served

    def _serve(self, shard: int, seconds: float, request: Request | None, number: int) -> Doing:
        arrived = self.clock.now
        if request is None or not (yield from self._granted(shard, request, arrived)):
            return 0
        start = self.clock.now
        calendar = self.calendars[shard]
        end = max(calendar.finish(calendar.opens(start), seconds), self.clock.end_of(start, 0.0))
        yield self.clock.at(end, END, number)
        self.log.held += end - start - seconds
        self.exit(shard, request, arrived)
        return 1

    def enter(self, shard: int) -> Generator[Event, Any, Request | None]:
        """Wait for a server of the shard; None where there is no room, or the station is down."""
        request = self._line_up(shard)
        if request is not None and (yield from self._granted(shard, request, self.clock.now)):
            return request
        return None

    def _line_up(self, shard: int) -> Request | None:
        desk, log, now = self.desks[shard], self.log, self.clock.now
        standing = len(desk.queue) - max(0, desk.capacity - desk.count)
        log.enter(now)
        no_room = self.room is not None and standing >= self.room
        if self.calendars[shard].is_down(now) or no_room or not self._token(shard, now):
            log.refuse(now)
            return None
        request = desk.request()
        if not request.triggered:
            self.line[shard][request] = now
        return request

    def _token(self, shard: int, now: float) -> bool:
        """Take a token, if there is one: how many there were is known of the last time that somebody asked."""
        if self.limit is None:
            return True
        tokens, asked = self.tokens[shard]
        tokens = min(self.limit.burst, tokens + (now - asked) * self.limit.rate)
        found = tokens >= A_TOKEN
        self.tokens[shard] = tokens - found, now
        return found

    def _granted(self, shard: int, request: Request, arrived: float) -> Generator[Event, Any, bool]:
        if not request.triggered:
            yield request
            if self.clock.now > arrived:
                self._note(shard)
        self.line[shard].pop(request, None)
        now, log = self.clock.now, self.log
        if request.value is False:
            log.refuse(now, now - arrived)
            return False
        log.visits[shard] += 1
        log.wait[shard] += now - arrived
        self.since[shard][request] = now
        return True

    def resize(self, servers: int) -> None:
        """Have so many from now on, of one shard: as many as have come call the next; those too many leave in time."""
        (desk,) = self.desks
        come = servers - int(desk.capacity)
        desk._capacity = servers
        for _ in range(come):
            call = self.clock.event()
            call.callbacks.append(desk._trigger_put)
            call.succeed()

    def exit(self, shard: int, request: Request, arrived: float) -> None:
        """Give the server back."""
        now = self.clock.now
        self.log.busy[shard] += now - self.since[shard].pop(request)
        self.desks[shard].release(request)
        self.log.leave(now, now - arrived)

    def state(self, now: float) -> list[Booked]:
        """Per shard, minus what is over by `now` but not yet in the log."""
        return [
            Booked(-fsum(now - t for t in since.values()), -fsum(now - t for t in line.values()), len(line))
            for since, line in zip(self.since, self.line, strict=True)
        ]

    def _note(self, shard: int) -> None:
        """Remember how many have stood in line for a while."""
        now, log, line = self.clock.now, self.log, self.line[shard]
        just_come = sum(1 for _ in takewhile(lambda arrived: arrived == now, reversed(line.values())))
        log.longest[shard] = max(log.longest[shard], len(line) - just_come)

    def _throw_out(self, shard: int | None, _: Event) -> None:
        for number, desk in enumerate(self.desks) if shard is None else [(shard, self.desks[shard])]:
            self._note(number)
            while desk.queue:
                desk.queue.popleft().succeed(False)  # type: ignore[attr-defined]
