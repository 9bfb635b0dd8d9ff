"""Who loads what a cache has not, and who waits for it: leases on the keys of caches, each with a time-out."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from simpy import Event

from simsys.engines.clock import TIMER, Clock

Key: TypeAlias = tuple[str, int]
"""A cache, and a key in it."""
Line: TypeAlias = deque[tuple[Event, int]]
"""Those who wait for one load: the event each waits for, and the number of each."""


class Loads:
    """Look-ups of a cache that were told to load (the first copy counts for all), the `peak` of them in one second, and
    `waits`, those that waited for the load of another.
    """

    def __init__(self) -> None:
        self.loads = self.peak = self.waits = self.burst = self.second = 0

    def load(self, now: float) -> None:
        """A look-up is told to load."""
        self.loads += 1
        if int(now) != self.second:
            self.second, self.burst = int(now), 0
        self.burst += 1
        self.peak = max(self.peak, self.burst)


class Leases:
    """At most one lease per key. It says nothing of its holder: a load that fails is missed when the lease runs out."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.lines = clock, dict[Key, Line]()

    def take(self, key: Key, seconds: float, number: int) -> None:
        """Let number so-and-so load; the lease runs out after `seconds`."""
        line = self.lines[key] = deque()
        self._hold(key, line, seconds, number)

    def wait(self, key: Key, number: int) -> Event:
        """To be told True when the key has been loaded, or False when it is one's own turn to load it."""
        turn = Event(self.clock)
        self.lines[key].append((turn, number))
        return turn

    def end(self, key: Key) -> None:
        """The key has been loaded: all who wait for it go on, first come, first served."""
        for turn, _ in self.lines.pop(key, ()):
            turn.succeed(True)

    def _hold(self, key: Key, line: Line, seconds: float, number: int) -> None:
        timer = self.clock.at(self.clock.now + seconds, TIMER, number)
        timer.callbacks.append(lambda _: self._run_out(key, line, seconds))

    def _run_out(self, key: Key, line: Line, seconds: float) -> None:
        """Nobody has loaded the key: the first in line does, if there is one."""
        if self.lines.get(key) is not line:
            return
        if not line:
            del self.lines[key]
            return
        turn, number = line.popleft()
        self._hold(key, line, seconds, number)
        turn.succeed(False)
