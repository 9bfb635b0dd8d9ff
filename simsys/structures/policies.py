"""Who leaves a cache: a policy keeps the keys that are in, in its own order, and names the victim.

Sources: second chance, Corbató, A paging experiment with the Multics system (1969); SIEVE, Zhang, Yang, Yue, Vigfusson
and Rashmi, SIEVE is simpler than LRU (NSDI 2024), whose hand keeps its place when it has found a victim.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from simsys import draws


class Policy(Protocol):
    """A new key enters (`first`: it was there before all others), is hit, leaves; `number`: how many were victims."""

    def enter(self, key: int, first: bool) -> None: ...
    def hit(self, key: int) -> None: ...
    def leave(self, key: int) -> None: ...
    def victim(self, number: int) -> int: ...


class Fifo:
    """First in, first out."""

    def __init__(self, stream: int) -> None:
        self.line: OrderedDict[int, None] = OrderedDict()

    def enter(self, key: int, first: bool) -> None:
        self.line[key] = None
        self.line.move_to_end(key, last=not first)

    def hit(self, key: int) -> None:
        """Hits change nothing."""

    def leave(self, key: int) -> None:
        del self.line[key]

    def victim(self, number: int) -> int:
        return next(iter(self.line))


class Lru:
    """Least recently used: a hit moves a key to the end of the line."""

    def __init__(self, stream: int) -> None:
        self.line: OrderedDict[int, None] = OrderedDict()

    def enter(self, key: int, first: bool) -> None:
        self.line[key] = None
        self.line.move_to_end(key, last=not first)

    def hit(self, key: int) -> None:
        self.line.move_to_end(key)

    def leave(self, key: int) -> None:
        del self.line[key]

    def victim(self, number: int) -> int:
        return next(iter(self.line))


class Clock:
    """Second chance: a key that was hit since it came to the end of the line goes there once more."""

    def __init__(self, stream: int) -> None:
        self.line: OrderedDict[int, bool] = OrderedDict()

    def enter(self, key: int, first: bool) -> None:
        self.line[key] = False
        self.line.move_to_end(key, last=not first)

    def hit(self, key: int) -> None:
        self.line[key] = True

    def leave(self, key: int) -> None:
        del self.line[key]

    def victim(self, number: int) -> int:
        while True:
            key = next(iter(self.line))
            if not self.line[key]:
                return key
            self.line[key] = False
            self.line.move_to_end(key)


class Sieve:
    """A hand goes from the oldest key to the newest and round again, spares those that were hit, and moves none.

    `ahead` are the keys that the hand comes to before it begins anew, `passed` the older ones.
    """

    def __init__(self, stream: int) -> None:
        self.ahead: OrderedDict[int, bool] = OrderedDict()
        self.passed: OrderedDict[int, bool] = OrderedDict()

    def enter(self, key: int, first: bool) -> None:
        self.ahead[key] = False
        self.ahead.move_to_end(key, last=not first)

    def hit(self, key: int) -> None:
        self._side(key)[key] = True

    def leave(self, key: int) -> None:
        del self._side(key)[key]
        self._turn()

    def victim(self, number: int) -> int:
        while True:
            key = next(iter(self.ahead))
            if not self.ahead[key]:
                return key
            del self.ahead[key]
            self.passed[key] = False
            self._turn()

    def _side(self, key: int) -> OrderedDict[int, bool]:
        return self.ahead if key in self.ahead else self.passed

    def _turn(self) -> None:
        if not self.ahead:
            self.ahead, self.passed = self.passed, self.ahead


class Random:
    """Any key, each as likely: the `number`-th draw of a stream says at which place; the last one takes that place."""

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.keys: list[int] = []
        self.places: dict[int, int] = {}

    def enter(self, key: int, first: bool) -> None:
        self.places[key] = len(self.keys)
        self.keys.append(key)

    def hit(self, key: int) -> None:
        """Hits change nothing."""

    def leave(self, key: int) -> None:
        place, last = self.places.pop(key), self.keys.pop()
        if last != key:
            self.keys[place], self.places[last] = last, place

    def victim(self, number: int) -> int:
        return self.keys[int(draws.uniform(self.stream, number, 0) * len(self.keys))]


POLICIES: dict[str, Callable[[int], Policy]] = {
    "lru": Lru, "fifo": Fifo, "clock": Clock, "sieve": Sieve, "random": Random,
}  # fmt: skip
