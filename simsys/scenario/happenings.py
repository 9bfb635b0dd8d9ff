"""What `events:` ask of the rest of a scenario: what they happen to must exist, and suffer one of a kind at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from simsys.scenario.errors import Problem, nearest
from simsys.scenario.model import Scenario
from simsys.scenario.paths import Place
from simsys.scenario.run import Event
from simsys.workload import Workload
from simsys.workload.population import TRAITS

At = Callable[..., Place]
"""From a path, as its steps, to the place in the file."""


def event_problems(scenario: Scenario, load: Workload, length: float | None, at: At) -> Iterator[Problem]:
    """What does not fit, in a run whose requests arrive for `length` seconds."""
    for number, event in enumerate(scenario.events):

        def here(*path: str, number: int = number) -> Place:
            return at("events", str(number), *path)

        yield from _subject(scenario, event, here)
        yield from _part(scenario, event, here)
        yield from _request(scenario, load, event, here)
    if length is not None:
        yield from _overlaps(scenario, length, at)


def _subject(scenario: Scenario, event: Event, at: At) -> Iterator[Problem]:
    """The station or cache must be there, and able to suffer."""
    stations, caches = list(scenario.stations), list(scenario.caches)
    right = {"stall": stations, "slow": stations, "empty": caches, "down": stations + caches}.get(event.kind)
    if right is not None and event.station not in right:
        what = {"empty": "cache", "down": "station or cache"}.get(event.kind, "station")
        message = f"there is no {what} '{event.station}'"
        yield at(event.kind, *["station"] * (event.kind == "slow")).problem(message, nearest(event.station, right))
    elif event.station in stations and scenario.stations[event.station].servers == "unlimited":
        yield at(event.kind).problem(
            f"'{event.station}' is a delay: it has no servers that could be down, stalled or slow"
        )


def _part(scenario: Scenario, event: Event, at: At) -> Iterator[Problem]:
    """Copies of a cache and shards of a station must be there."""
    name, caches, stations = event.station, scenario.caches, scenario.stations
    if event.copies is not None:
        most = caches[name].copies if name in caches else 0
        if event.copies > most:
            what = f"'{name}' has {most} of them" if most else "only caches have copies"
            yield at("copies").problem(f"expected copies that there are; {what}", "" if most else "shard")
    if event.back is not None and name in stations:
        yield at("back").problem("only a cache holds what could be there afterwards; a station goes on as it was")
    if event.shard is not None:
        most = stations[name].shards if name in stations else 0
        if event.shard >= most:
            what = f"those of '{name}' are 0 to {most - 1}" if most else "only stations have shards"
            yield at("shard").problem(f"expected a shard that there is; {what}", "" if most else "copies")


def _request(scenario: Scenario, load: Workload, event: Event, at: At) -> Iterator[Problem]:
    """Planned requests have the columns of the load, and bring operations of the load."""
    if event.brings is not None and event.brings.op not in load.ops:
        hint = nearest(event.brings.op, load.ops)
        yield at("brings", "op").problem(f"the load has no operation '{event.brings.op}'", hint)
    if event.brings is not None and load.graph is not None:
        yield at("brings").problem("with edges, readers come as often as they read: a post brings none")
    for column, value in event.request.columns.items() if event.request is not None else ():
        if column not in load.columns:
            yield at("request", column).problem(f"requests have no column '{column}'", nearest(column, load.columns))
        elif column in TRAITS and load.graph is not None:
            yield at("request", column).problem("with edges, all that is known of a user is in their files")
        elif column == "followers" and scenario.population is not None and value > scenario.population.users:
            yield at("request", column).problem(f"more followers than users ({scenario.population.users:,.0f})")


def _overlaps(scenario: Scenario, length: float, at: At) -> Iterator[Problem]:
    """Stalls and slow-downs of one shard come one after the other; so do the times that a cache is down."""
    found = [(event.time(length), number, event) for number, event in enumerate(scenario.events)]
    for (begin, _, one), (later, number, other) in combinations(sorted(found, key=lambda f: f[:2]), 2):
        alike = one.station == other.station and (one.shard == other.shard or None in (one.shard, other.shard))
        if alike and later < begin + one.lasts:
            down = one.station in scenario.caches
            if all(event.kind in (["down"] if down else ["stall", "slow"]) for event in (one, other)):
                what = "down" if down else "stalled or slow"
                yield at("events", str(number)).problem(
                    f"'{one.station}' is {what} already: such events must not overlap"
                )
