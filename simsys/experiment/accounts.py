"""Bytes and money of one strategy: what it keeps, the fleet as given, and what it sends between zones."""

from __future__ import annotations

from typing import Any

from simsys.experiment.setting import Setting
from simsys.expressions import evaluate
from simsys.money import SECONDS_PER_MONTH, Machines, Store, Term, Traffic, bill
from simsys.stations import Service
from simsys.strategies import World


def stores(setting: Setting, cached: dict[str, float]) -> list[tuple[Store, str]]:
    """What the strategy keeps, with the formula of its items; `cached` are the entries each cache holds."""
    scenario, facts = setting.scenario, facts_of(setting, cached)

    def above(followers: float) -> float:
        people = setting.first.people
        return people.users * people.share_above(followers) if people is not None else 0.0

    kept = []
    for keep in setting.strategy.keeps(World()):
        items = float(evaluate(keep.items, facts, above))
        copies = scenario.prices.copies if keep.copies is None else keep.copies
        kept.append((Store(keep.name, keep.medium, items, scenario.sizes[keep.item], copies), str(keep.items)))
    return kept


def facts_of(setting: Setting, cached: dict[str, float]) -> dict[str, Any]:
    """The columns that a formula of `keeps` may use."""
    people, retention = setting.first.people, setting.scenario.retention
    posts = setting.rate("post") if "post" in setting.first.shares else 0.0
    facts = {f"cached.{name}": entries for name, entries in cached.items()}
    facts |= {"posts": posts * retention.posts, "hot_posts": posts * retention.hot}
    if people is not None:
        users = float(people.users)
        facts |= {"users": users, "active_users": users * people.active, "edges": users * people.mean_followers}
    return facts


def terms(setting: Setting, kept: list[Store], visited: set[str]) -> list[Term]:
    """The bill of the stations that are visited, as large as the scenario gives them, and of the mean load's
    traffic.
    """
    scenario = setting.scenario
    used = [(name, spec) for name, spec in scenario.stations.items() if name in visited]
    fleet = [Machines(name, spec.servers, spec.shards, spec.vcpu) for name, spec in used]
    traffic = [
        Traffic(
            f"{station}.{op}",
            rate,
            scenario.prices.crossings(_copies(scenario.stations[station].ops[op], station, kept)),
        )
        for (station, op), rate in bytes_per_second(setting).items()
    ]
    return bill(fleet, kept, traffic, scenario.prices)


def bytes_per_second(setting: Setting) -> dict[tuple[str, str], float]:
    """Bytes that the load (without events) sends to and from the stations, per second."""
    sent: dict[tuple[str, str], float] = {}
    for op, needed in setting.demands.items():
        for (station, service), units in needed.units.items():
            each = setting.scenario.stations[station].ops[service].bytes
            if each and setting.scenario.has_rate:
                sent[station, service] = sent.get((station, service), 0.0) + setting.rate(op) * units * each
    return sent


def dollars_sent(setting: Setting, op: str, kept: list[Store]) -> float:
    """Dollars a month for what one operation a second sends between zones."""
    prices, dollars = setting.scenario.prices, 0.0
    for (station, name), units in setting.demands[op].units.items():
        if name in setting.scenario.stations[station].ops:
            service = setting.scenario.stations[station].ops[name]
            crossings = prices.crossings(_copies(service, station, kept))
            dollars += units * service.bytes * SECONDS_PER_MONTH * crossings * prices.cross_zone
    return dollars


def _copies(service: Service, station: str, kept: list[Store]) -> int:
    """How many copies the bytes of a service go to: those of what the station of that name keeps."""
    return next((store.copies for store in kept if service.replicated and store.name == station), 1)
