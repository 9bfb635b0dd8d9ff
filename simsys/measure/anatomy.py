"""Where requests spent their time."""

from __future__ import annotations

from typing import NamedTuple


class Anatomy(NamedTuple):
    """The means of so many `requests` in s: latency, (waiting, being served) per station, and the rest, which they
    spent at no station.
    """

    requests: int
    latency: float
    stations: dict[str, tuple[float, float]]
    elsewhere: float
