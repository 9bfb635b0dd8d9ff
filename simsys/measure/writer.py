"""Writes a log from requests as Python objects: the reference engine's way."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from simsys.measure.log import BATCH, MARK, REQUEST, Batch, Log, Request


class Writer:
    """Writes a log, request by request; the window closes at `stop` (s), if that is known."""

    def __init__(self, log: Log, stop: float | None) -> None:
        self.log, self.stop = log, inf if stop is None else stop
        self._ops = {op: number for number, op in enumerate(log.ops)}
        self._places = {name: number for number, name in enumerate(log.stations)}
        self._names: dict[str, int] = {}
        self._requests: list[Any] = []
        self._paths: list[Any] = []
        self._marks: list[Any] = []
        self.inside: dict[int, Request] = {}

    def arrive(self, request: Request, now: float) -> None:
        self._tick(now, +1)
        self.log.arrived += 1
        request.path = [0.0] * (2 * len(self._places))
        self.inside[request.number] = request

    def depart(self, request: Request, now: float, status: int) -> None:
        self._tick(now, -1)
        request.end, request.status = now, status

    def _tick(self, now: float, change: int) -> None:
        log = self.log
        log.area += log.inside * (now - log.since)
        log.since = now
        log.inside += change

    def charge(self, request: Request, station: str, seconds: float) -> None:
        request.work += seconds
        self.log.work[self._ops[request.op], self._places[station]] += seconds

    def mark(self, name: str, request: Request, now: float, n: float, whom: int) -> None:
        if len(self._marks) == BATCH:
            self._give(self._settled())
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self.log.names)
            self.log.names.append(name)
        self._marks.append((number, request.number, now, n, whom))

    def settle(self, request: Request) -> None:
        """The request and all that it started is over."""
        del self.inside[request.number]
        self._write(request)
        if len(self._requests) == BATCH:
            self._give(self._settled())

    def _settled(self) -> float:
        return min((r.arrival for r in self.inside.values()), default=inf)

    def finish(self) -> None:
        """The play is over: those still inside leave, too."""
        for request in self.inside.values():
            self._write(request)
        self._give(inf)

    def _write(self, r: Request) -> None:
        begun = r.number, r.index, self._ops[r.op], r.cause, r.parent, r.arrival
        self._requests.append((*begun, r.status, r.end, r.work, r.wait, r.age, r.followers, r.active, r.following))
        self._paths.append(r.path)

    def _give(self, settled: float) -> None:
        count = len(self._requests)
        paths = np.array(self._paths, dtype=np.float64).reshape(count, len(self._places), 2)
        marks = np.array(self._marks, dtype=MARK)
        self.log.give(Batch(np.array(self._requests, dtype=REQUEST), paths, marks, settled, self.stop))
        for rows in (self._requests, self._paths, self._marks):
            rows.clear()
