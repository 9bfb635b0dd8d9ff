"""What the events of a scenario are to an engine; `stop` is when requests cease to arrive (s)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simsys.engines.model import Brings, CacheOutage, Event, copy_of
from simsys.engines.outages import Outage
from simsys.scenario import Scenario


def planned(scenario: Scenario, stop: float) -> Iterator[Event]:
    """The planned requests, and what they bring."""
    for event in scenario.events:
        if (request := event.request) is not None:
            brings = None
            if (b := event.brings) is not None:
                count = round(b.share * request.columns.get("followers", 1.0))
                brings = Brings(b.op, count, b.after.variate(), b.notify == "delivered")
            yield Event(event.time(stop), request.op, dict(request.columns), brings)


def outages(scenario: Scenario, stations: Collection[str], stop: float) -> dict[str, list[Outage]]:
    """Of these stations, when they are down, stalled or slow."""
    found: dict[str, list[Outage]] = {}
    for event in scenario.events:
        if event.station in stations:
            begin = event.time(stop)
            speed = 1.0 / event.slow_by if event.kind == "slow" else 0.0
            outage = Outage(begin, begin + event.lasts, speed, event.kind == "down", event.shard)
            found.setdefault(event.station, []).append(outage)
    return found


def cache_outages(scenario: Scenario, caches: Collection[str], stop: float) -> Iterator[CacheOutage]:
    """Of these caches, when copies of them are down or emptied."""
    for event in scenario.events:
        if event.station in caches:
            begin, copies = event.time(stop), scenario.caches[event.station].copies
            for copy in range(copies)[-event.copies if event.copies else None :]:
                name, warm = copy_of(event.station, copy), event.back == "warm"
                yield CacheOutage(name, begin, begin + event.lasts, event.kind == "empty", warm)
