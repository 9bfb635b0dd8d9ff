"""The device beneath a storage engine, as plans see it: a station with the operations read, write and sync."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from simsys.steps import Visit
from simsys.strategies import Keep, World

Device = Literal["ssd", "hdd", "volume"]
BLOCK = 4096.0
"""Bytes of a unit that is read or written."""
PIECE = 256
"""Units that the background reads or writes at a time: requests get in between."""


def visit(device: Device, op: str, n: Any = 1) -> Iterator[Any]:
    """Read or write n units in a row, or sync; a volume is at the other end of a network."""
    yield Visit(device, op, n=n)
    if device == "volume":
        yield Visit("volume_trip", op, n=n)


def kept(world: World) -> Iterator[Keep]:
    """What a storage engine has on its device, and in memory for each copy of it."""
    yield Keep("data", "ssd", world.stored, 1.0)
    yield Keep("memory", "ram", world.memory, 1.0)
