"""Fleets: how many servers or shards each station of a strategy has, the load that they must carry, and their bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor, isfinite
from typing import Literal

from simsys.experiment import accounts
from simsys.experiment.result import Result, Row
from simsys.experiment.rows import constant
from simsys.experiment.setting import Setting, settings
from simsys.money import Kind, Term, total
from simsys.scenario import Scenario
from simsys.scenario.defaults import of_family
from simsys.scenario.sizing import Sizing
from simsys.stations import MOST_SERVERS, Station
from simsys.workload.load import Load

KINDS: tuple[Kind, ...] = ("ram", "cpu", "disk", "network")
Fleet = Mapping[str, int]
"""By station how many of its units there are: shards where it has several, else servers."""


def unit(scenario: Scenario, strategy: int, station: str) -> Literal["servers", "shards"]:
    """What a station is enlarged by: shards where it, or the station that its family has by default, has several."""
    usual = of_family(scenario.strategies[strategy].family).meant.get("stations", {}).get(station)
    several = scenario.stations[station].shards > 1 or (usual is not None and usual.shards > 1)
    return "shards" if several else "servers"


def servers(scenario: Scenario, strategy: int, station: str, units: int) -> int:
    """Servers in so many units."""
    spec = scenario.stations[station]
    each = spec.shards if unit(scenario, strategy, station) == "servers" else spec.servers
    assert each != "unlimited"
    return units * each


def alone(scenario: Scenario, strategy: int, fleet: Fleet, times: float = 1.0) -> Scenario:
    """The scenario with one of its strategies, this fleet, and so many times the load."""
    stations: dict[str, Station] = dict(scenario.stations)
    for name, units in fleet.items():
        stations[name] = stations[name].model_copy(update={unit(scenario, strategy, name): units})
    one, load = (scenario.strategies[strategy],), _more(scenario.load, times)
    return scenario.model_copy(update={"strategies": one, "stations": stations, "load": load})


def _more(load: Load, times: float) -> Load:
    """So many times the load."""
    if times == 1.0 or load.trace is not None:
        return load
    if load.rate is not None:
        return load.model_copy(update={"rate": load.rate * times})
    if load.stages is not None:
        stages = tuple(stage.model_copy(update={"rate": stage.rate * times}) for stage in load.stages)
        return load.model_copy(update={"stages": stages})
    if load.clients is not None:
        return load.model_copy(update={"clients": ceil(load.clients * times)})
    return load.model_copy(update={"at_once": ceil((load.at_once or 1) * times)})


def least(scenario: Scenario, strategy: int, sizing: Sizing) -> dict[str, int]:
    """The fewest units of each station that the mean load of the peak allows: none saturated, none above the ceiling.

    One where nobody knows before it is played.
    """
    (setting,) = settings(alone(scenario, strategy, {}, sizing.peak))
    names = [load.station for load in setting.loads if isfinite(load.servers)] or _finite(scenario)
    fleet = dict.fromkeys(names, 1)
    while True:
        more = {name: units for name, units in _needed(scenario, strategy, fleet, sizing) if units > fleet[name]}
        if not more:
            return fleet
        fleet |= more


def _finite(scenario: Scenario) -> list[str]:
    return [name for name, station in scenario.stations.items() if station.servers != "unlimited"]


def _needed(scenario: Scenario, strategy: int, fleet: Fleet, sizing: Sizing) -> Iterator[tuple[str, int]]:
    """The units that the work of this fleet asks for; work can grow with the shards that it is spread over."""
    (setting,) = settings(alone(scenario, strategy, fleet, sizing.peak))
    for load in setting.loads:
        if load.station in fleet and is_known(setting):
            units = load.utilization * fleet[load.station] / sizing.max_utilization
            unsaturated = floor(units) + 1 if sizing.max_utilization == 1 else ceil(units - 1e-9)
            patient = setting.scenario.stations[load.station].queue is None
            if patient or sizing.max_utilization < 1:
                yield load.station, min(max(1, unsaturated), MOST_SERVERS)


def is_known(setting: Setting) -> bool:
    """Whether the utilization of its stations is known before anything is played."""
    return bool(setting.demands) and setting.scenario.load.rate is not None


def too_busy(setting: Setting, result: Result, fleet: Fleet, ceiling: float) -> list[str]:
    """The stations that are busier than the ceiling: by the analytic load, or as played where there is none."""
    if ceiling >= 1:
        return []
    known = {load.station: load.utilization for load in setting.loads} if is_known(setting) else {}
    (strategy,) = result.strategies
    seen = {name: known.get(name, result.value(strategy, name, "utilization") or 0.0) for name in fleet}
    return [name for name, busy in seen.items() if busy > ceiling * (1 + 1e-9)]


def dollars(scenario: Scenario, strategy: int, fleet: Fleet) -> float:
    """What the servers of a fleet cost per month."""
    return sum(
        servers(scenario, strategy, name, units) * scenario.stations[name].vcpu * scenario.prices.vcpu
        for name, units in fleet.items()
    )


def billed(scenario: Scenario, strategy: int, fleet: Fleet, result: Result) -> tuple[list[Row], list[Term]]:
    """The rows of the servers and the cost of a fleet under the mean load, and the bill; what caches held and which
    stations were visited is told by the result.
    """
    (setting,) = settings(alone(scenario, strategy, fleet))
    (name,) = result.strategies
    held = {row.subject: row.value or 0.0 for row in result.rows if row.metric == "occupancy"}
    kept = [each.store for each in accounts.stores(setting, held)]
    visited = {row.subject for row in result.rows if row.metric == "utilization"}
    terms = accounts.terms(setting, kept, visited)
    rows = [
        constant(name, "servers", servers(scenario, strategy, station, units), "")._replace(subject=station)
        for station, units in fleet.items()
    ]
    rows.append(constant(name, "cost", total(terms), "$/month", "of the fleet at equal promises"))
    rows += [constant(name, f"cost.{kind}", total(terms, kind), "$/month") for kind in KINDS]
    return rows, terms
