"""One play: the workload's requests meet one model on the reference engine, from the first arrival to the end of
the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
from simpy import Event as Moment

from simsys import draws
from simsys.engines.clock import ARRIVAL, TIMER
from simsys.engines.facilities import Facility
from simsys.engines.model import EVENTS, Brings, CacheOutage, Event, Model, default_key, next_sample
from simsys.engines.reference import Player
from simsys.engines.rows import Luck, Row, row_type
from simsys.engines.scaling import Hands, Scaler
from simsys.engines.servers import Queued
from simsys.measure.log import BROUGHT, FROM_EVENT, FROM_LOAD, TRAITS, Log, Request, Take
from simsys.stations import Station

Arrival = tuple[float, int, str, Row, int]


ENGINES = ("simpy", "compiled")


def play(model: Model, workload: Any, luck: Luck, take: Take | None = None, engine: str = "simpy") -> Log:
    """Play `model` under the requests of `workload` and return the log; it keeps its batches if nobody takes them.

    Both engines give the same log. Untraceable for "compiled", if a plan cannot be traced.
    """
    if engine == "simpy":
        return Play(model, workload, luck, take).run()
    from simsys.engines import compiled

    return compiled.play(model, workload, luck, take)


class Play:
    """Feeds a player with arrivals, opens and closes the window, and takes the samples."""

    def __init__(self, model: Model, workload: Any, luck: Luck, take: Take | None) -> None:
        self.model, self.workload, self.luck = model, workload, luck
        columns = workload.columns
        self.new_row = row_type(columns, workload.graph)
        self.stop: float | None = workload.stop or None
        self.player = Player(model, luck, default_key(columns), workload.ops, self.stop, take)
        self.clock, self.log = self.player.clock, self.player.log
        self.stopped = self.clock.event()
        self.numbers, self.watching = count(), 0

    def run(self) -> Log:
        clock = self.clock
        if self.model.begin > 0:
            clock.at(self.model.begin, TIMER, 0).callbacks.append(lambda _: self.player.snap())
        else:
            self.player.snap()
        if self.stop is not None:
            clock.at(self.stop, TIMER, 1).callbacks.append(lambda _: self._close())
        self._watch(0.0, 3, self._look)
        for name, spec in self.model.stations.items():
            if spec.autoscale is not None:
                self._scale(self.player.facilities[name], spec)
        for number, event in enumerate(self.model.events):
            clock.at(event.at, ARRIVAL, EVENTS + number).callbacks.append(partial(self._event, number, event))
        for outage in self.model.cache_outages:
            self._cache_outage(outage)
        if self.workload.clients:
            for client in range(self.workload.clients):
                clock.process(self._client(client))
        else:
            self._feed(self._arrivals())
        clock.run(until=self.stopped if self.model.cut else None)
        return self._finished()

    def _finished(self) -> Log:
        self._close()
        self.log.end = self.clock.now
        self.player.snap()
        self.player.book.finish()
        return self.log

    def _close(self) -> None:
        """The arrivals are over: close the window, once."""
        if self.stopped.triggered:
            return
        self.log.stop = self.player.book.stop = self.clock.now
        self.player.snap()
        self.stopped.succeed()

    # -- arrivals --------------------------------------------------------------------------------------------------

    def _rows(self, columns: Mapping[str, npt.NDArray[np.float64]], first: int, indices: Any) -> Iterator[Row]:
        names = self.workload.columns
        for index, *values in zip(indices, *(columns[name].tolist() for name in names), strict=True):
            row = self.new_row()
            row._luck, row._token = self.luck, draws.request_token(index)
            for name, value in zip(names, values, strict=True):
                setattr(row, name, value)
            yield row

    def _arrivals(self) -> Iterator[Arrival]:
        ops = self.workload.ops
        for chunk in self.workload.chunks():
            indices = range(chunk.first, chunk.first + len(chunk.arrival))
            rows = self._rows(chunk.columns, chunk.first, indices)
            for index, time, op, row in zip(indices, chunk.arrival.tolist(), chunk.op.tolist(), rows, strict=True):
                yield time, index, ops[op], row, FROM_LOAD

    def _feed(self, arrivals: Iterator[Arrival], parent: int = -1) -> None:
        """Let the next one arrive at its time, and then the one after it."""
        arrival = next(arrivals, None)
        if arrival is None or (self.stop is not None and arrival[0] > self.stop):
            return
        time, index, op, row, cause = arrival

        def arrive(_: Moment) -> None:
            self._begin(index, op, row, cause, parent)
            self._feed(arrivals, parent)

        self.clock.at(time, ARRIVAL, index).callbacks.append(arrive)

    def _begin(self, index: int, op: str, row: Row, cause: int, parent: int = -1) -> tuple[Request, Moment]:
        traits = {name: getattr(row, name) for name in TRAITS if name in row._columns}
        request = Request(next(self.numbers), index, op, self.clock.now, cause, parent, **traits)
        return request, self.player.arrive(request, row)

    def _client(self, client: int) -> Any:
        """One client of a closed loop: think, ask, wait for the answer, again."""
        clients, cap = self.workload.clients, self.workload.requests
        for k in count():
            time = self.clock.now + self.workload.think(client, k)
            if self.stop is not None and time > self.stop:
                return
            yield self.clock.at(time, ARRIVAL, client)
            if cap is not None and self.log.arrived >= cap:
                self._close()
                return
            index = client + k * clients
            rows = self.workload.rows(np.array([index], dtype=np.int64))
            row = next(self._rows(rows.columns, index, [index]))
            _, process = self._begin(index, self.workload.ops[int(rows.op[0])], row, FROM_LOAD)
            yield process

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(self, number: int, event: Event, _: Moment) -> None:
        index = EVENTS + number
        columns = self._columns(np.array([index], dtype=np.int64), event.op)
        row = next(self._rows(columns, index, [index]))
        for name, value in event.columns.items():
            setattr(row, name, value)
        request, process = self._begin(index, event.op, row, FROM_EVENT)
        if event.brings is None:
            return
        brings = event.brings
        if brings.delivered:
            self.player.settled[request.number] = lambda now: self._bring(number, request, brings, now)
        else:
            process.callbacks.append(lambda _: self._bring(number, request, brings, self.clock.now))

    def _bring(self, number: int, parent: Request, brings: Brings, now: float) -> None:
        first = EVENTS * (number + 2)
        indices = np.arange(first, first + brings.count, dtype=np.int64)
        delays = brings.after.draws(self.luck.stream("brought"), indices, 0)
        order = np.argsort(delays, kind="stable")
        rows = self._rows(self._columns(indices[order], brings.op), first, indices[order].tolist())
        times = (now + delays[order]).tolist()
        arrivals = zip(times, indices[order].tolist(), rows, strict=True)
        self._feed(((time, index, brings.op, row, BROUGHT) for time, index, row in arrivals), parent.number)

    def _columns(self, indices: npt.NDArray[np.int64], op: str) -> Mapping[str, npt.NDArray[np.float64]]:
        columns: Mapping[str, npt.NDArray[np.float64]] = self.workload.rows(
            indices, self.workload.ops.index(op)
        ).columns
        return columns

    def _cache_outage(self, outage: CacheOutage) -> None:
        cache = self.player.lookups.caches[outage.cache]
        if outage.empty:
            self.clock.at(outage.begin, TIMER, 2).callbacks.append(lambda _: cache.clear())
            return

        def go_down(_: Moment) -> None:
            if not outage.keeps:
                cache.clear()
            cache.down = True

        def come_back(_: Moment) -> None:
            cache.down = False

        self.clock.at(outage.begin, TIMER, 2).callbacks.append(go_down)
        self.clock.at(outage.end, TIMER, 2).callbacks.append(come_back)

    # -- samples ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look at all stations, and again later if anything is still to happen."""
        self.player.sample()
        if self._goes_on():
            self._watch(next_sample(self.clock.now, self.stop), 3, self._look)

    def _goes_on(self) -> bool:
        """Whether anything but looks is still to happen."""
        return self.clock.pending > self.watching

    def _watch(self, time: float, number: int, look: Callable[[], None]) -> None:
        self.watching += 1

        def see(_: Moment) -> None:
            self.watching -= 1
            look()

        self.clock.at(time, TIMER, number).callbacks.append(see)

    def _scale(self, facility: Facility, spec: Station) -> None:
        """Let the servers of a station follow its load."""
        log, servers = facility.log, facility.servers
        assert spec.autoscale is not None and spec.servers != "unlimited" and isinstance(servers, Queued)
        hands = Hands(
            now=lambda: self.clock.now,
            area=lambda: log.area + log.inside * (self.clock.now - log.since),
            goes_on=self._goes_on,
            at=lambda time, act: self.clock.at(time, TIMER, 2).callbacks.append(lambda _: act()),
            watch=lambda time, look: self._watch(time, 2, look),
            resize=servers.resize,
        )
        Scaler(spec.autoscale, spec.servers, log, hands)
