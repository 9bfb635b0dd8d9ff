"""What follow edges cost where they are known: the work along them as it was metered, and the least that any choice of
which of them to push and which to pull can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from simsys.experiment.demand import Demand
from simsys.experiment.result import Row
from simsys.experiment.rows import constant, measured
from simsys.experiment.setting import Setting, settings
from simsys.measure.intervals import interval
from simsys.measure.summary import Summary
from simsys.scenario import Scenario
from simsys.stations import Station
from simsys.theory import Edges


def edge_rows(setting: Setting, plays: Sequence[Summary]) -> Iterator[Row]:
    """The work along edges per second (s), and the least there can be; nothing where no edges are known."""
    shares = _shares(setting)
    if setting.first.graph is None or not setting.scenario.has_rate or not any(shares.values()):
        return
    values = [
        sum(
            setting.rate(op) * play.work[op].get(s, 0.0) * share
            for op, mine in shares.items()
            for s, share in mine.items()
        )
        for play in plays
    ]
    yield measured(setting.label, "edge_work", interval(values), "s", "pushes and pulls along edges, per second")
    least = least_work(setting.scenario)
    if least is not None:
        yield constant(setting.label, "edge_work_least", least, "s", "if each edge is pushed or pulled as costs less")


def least_work(scenario: Scenario) -> float | None:
    """Seconds of service per second that edges ask for at least; None where none is pushed, or none pulled.

    A push and a pull cost what the cheapest of the strategies pays for one.
    """
    ready = settings(scenario)
    graph = ready[0].first.graph
    costs = [min((_each(s, op) for s in ready), default=inf) for op in ("post", "read")]
    if graph is None or inf in costs:
        return None
    return Edges(graph.along["posts"], graph.along["reads"], graph.along["followers"]).least_work(*costs)


def _each(setting: Setting, op: str) -> float:
    """Seconds of service for each edge that an operation serves; infinite where it serves none."""
    needed = setting.demands.get(op)
    if needed is None or not needed.along:
        return inf
    stations = setting.scenario.stations
    seconds = sum(_seconds(stations, needed, one) for one in needed.along)
    return seconds / (needed.marks.get("sent") or sum(float(visits.sum()) for visits in needed.along.values()))


def expected_work(setting: Setting) -> float:
    """Seconds of service per second that a strategy's plans ask for along edges."""
    found = 0.0
    for op, needed in setting.demands.items():
        found += setting.rate(op) * sum(_seconds(setting.scenario.stations, needed, one) for one in needed.along)
    return found


def _shares(setting: Setting) -> dict[str, dict[str, float]]:
    """By operation and station, the share of the work that is done along edges."""
    shares: dict[str, dict[str, float]] = {}
    for op, needed in setting.demands.items():
        mine = shares.setdefault(op, {})
        for one in needed.along:
            if needed.seconds[one[0]] > 0:
                part = _seconds(setting.scenario.stations, needed, one) / needed.seconds[one[0]]
                mine[one[0]] = mine.get(one[0], 0.0) + part
    return shares


def _seconds(stations: dict[str, Station], needed: Demand, one: tuple[str, str]) -> float:
    """Seconds of service of the visits along edges to a station, for one of its services."""
    station = stations[one[0]]
    if station.servers == "unlimited":
        return 0.0
    (fixed, _), (item, _) = station.ops[one[1]].parts
    return float(needed.along[one].sum()) * (fixed + item)
