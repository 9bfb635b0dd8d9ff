"""Servers that come and go: the rule that both engines follow, and what it needs of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simsys.measure.log import Fleet, StationLog
from simsys.stations import Autoscale


class Hands(NamedTuple):
    """What an engine does for a fleet: tell the time (s), how many were inside (their integral, s), and whether
    anything but looks is still to happen; let something happen `at` a time, or `watch`, that is look, then; change the
    number of servers.
    """

    now: Callable[[], float]
    area: Callable[[], float]
    goes_on: Callable[[], bool]
    at: Callable[[float, Callable[[], None]], None]
    watch: Callable[[float, Callable[[], None]], None]
    resize: Callable[[int], None]


class Scaler:
    """The fleet of one station: how many servers are there, and how many have been ordered."""

    def __init__(self, spec: Autoscale, least: int, log: StationLog, hands: Hands) -> None:
        self.spec, self.least, self.log, self.hands = spec, least, log, hands
        self.there, self.ordered, self.area = least, 0, 0.0
        self._note()
        hands.watch(spec.every, self._look)

    def _look(self) -> None:
        area = self.hands.area()
        wanted = self.spec.wanted((area - self.area) / self.spec.every, self.least)
        self.area = area
        if wanted > self.there + self.ordered:
            self._order(wanted - self.there - self.ordered)
        elif wanted < self.there and not self.ordered:
            self._resize(wanted)
        if self.hands.goes_on():
            self.hands.watch(self.hands.now() + self.spec.every, self._look)

    def _order(self, count: int) -> None:
        def come() -> None:
            self.ordered -= count
            self._resize(self.there + count)

        self.ordered += count
        self._note()
        self.hands.at(self.hands.now() + self.spec.delay, come)

    def _resize(self, servers: int) -> None:
        self.there = servers
        self.hands.resize(servers)
        self._note()

    def _note(self) -> None:
        self.log.fleet.append(Fleet(self.hands.now(), self.there, self.there + self.ordered))
