"""Bytes and money of one strategy: what it keeps, the fleet as given, and what it sends between zones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from simsys.experiment.demand import Demand
from simsys.experiment.result import Row
from simsys.experiment.rows import rounded
from simsys.experiment.setting import Setting
from simsys.expressions import evaluate
from simsys.measure.storage import STORAGE, StorageTotals
from simsys.money import SECONDS_PER_MONTH, Machines, Store, Term, Traffic, bill
from simsys.stations import Service
from simsys.strategies import Keep, World
from simsys.units import show_duration, show_size

DAY = 86_400.0


class Kept(NamedTuple):
    """What a strategy keeps in the end, the formula of its items, and how it comes to be so many: `grows` items per
    second from `after` s on; None if all are there from the beginning.
    """

    store: Store
    formula: str
    grows: float | None
    after: float

    @property
    def growth(self) -> str:
        """`grows by 103 MB a day, for 365 d`; empty where all is there from the beginning."""
        if not self.grows:
            return ""
        each = self.store._replace(items=self.grows).bytes
        begin = f" from {show_duration(self.after)} on" if self.after else ""
        return f"grows by {show_size(each * DAY)} a day{begin}, for {show_duration(self.store.items / self.grows)}"

    def bytes_at(self, age: float) -> float:
        """Bytes after so many seconds of this load, all copies."""
        if self.grows is None:
            return self.store.bytes
        items = min(self.store.items, self.grows * max(0.0, age - self.after))
        return self.store._replace(items=items).bytes


def stores(setting: Setting, cached: dict[str, float], engine: Sequence[StorageTotals] = ()) -> list[Kept]:
    """What the strategy keeps; `cached` are the entries each cache holds, `engine` what a storage engine did in each
    replication. A store of nothing is left out.
    """
    facts = facts_of(setting, cached) | _stored(setting, engine)

    def above(followers: float) -> float:
        people = setting.first.people
        return people.users * people.share_above(followers) if people is not None else 0.0

    def number(formula: Any) -> float:
        return float(evaluate(formula, facts, above))

    kept = [_kept(setting, keep, number) for keep in setting.strategy.keeps(World())]
    return [each for each in kept if each.store.items]


def _stored(setting: Setting, engine: Sequence[StorageTotals]) -> dict[str, float]:
    """Bytes of a storage engine as large as it is, on the device and in memory; of one that is not played yet the live
    ones.
    """
    scale, plays, keys = setting.scenario.run.scale or 1, max(1, len(engine)), setting.scenario.load.keys
    if not engine:
        return {"stored": keys.count * setting.first.mean_size if keys is not None else 0.0, "memory": 0.0}
    kept = {"stored": [done.kept for done in engine], "memory": [done.memory for done in engine]}
    return {name: scale * sum(sizes) / plays for name, sizes in kept.items()}


def worn(setting: Setting, mine: Sequence[Row]) -> Iterator[Row]:
    """The share of a drive's life that a storage engine takes in a month; none where nobody says how long it lives."""
    life = setting.scenario.sizes.get(f"{getattr(setting.strategy, 'device', '')}_life")
    for row in mine:
        if life and (row.subject, row.metric) == (STORAGE, "bytes_written"):
            share = SECONDS_PER_MONTH / life
            value, low, high = (None if n is None else rounded(share * n) for n in (row.value, row.low, row.high))
            spread = tuple(share * each for each in row.deviations)
            yield Row(row.strategy, {}, STORAGE, "life_used", value, low, high, "", "of the drive's, a month", spread)


def _kept(setting: Setting, keep: Keep, number: Callable[[Any], float]) -> Kept:
    copies = keep.copies
    if copies is None:  # the price of an object store has those that it makes in it
        copies = 1 if keep.medium == "object" else setting.scenario.prices.copies
    size = keep.item if isinstance(keep.item, float) else setting.scenario.sizes[keep.item]
    store = Store(keep.name, keep.medium, number(keep.items), size, copies)
    grows = None if keep.grows is None else number(keep.grows)
    return Kept(store, str(keep.items), grows, number(keep.after))


def facts_of(setting: Setting, cached: dict[str, float]) -> dict[str, Any]:
    """The columns that a formula of `keeps` may use."""
    people, retention = setting.first.people, setting.scenario.retention
    rates = dict.fromkeys(setting.strategy.operations, 0.0)
    if setting.scenario.has_rate:
        rates |= {op: setting.rate(op) for op in setting.first.shares}
    posts = rates.get("post", 0.0)
    disk = retention.posts if retention.disk is None else min(retention.disk, retention.posts)
    facts = {f"cached.{name}": entries for name, entries in cached.items()}
    facts |= {f"{op}/s": rate for op, rate in rates.items()}
    facts |= {"posts": posts * disk, "old_posts": posts * (retention.posts - disk), "disk": disk}
    facts |= {"hot_posts": posts * retention.hot}
    if people is not None:
        users = float(people.users)
        facts |= {"users": users, "active_users": users * people.active_share, "edges": users * people.mean_followers}
        facts |= {"deliveries": posts * people.activity_weighted_mean_followers, "active": people.reached_share}
    return facts


def terms(
    setting: Setting, kept: list[Store], visited: set[str], paid: Mapping[str, float] = MappingProxyType({})
) -> list[Term]:
    """The bill of the stations that are visited, as large as the scenario gives them, or as many servers as were `paid`
    on average where they come and go; and of the mean load's traffic.
    """
    scenario = setting.scenario
    used = [(name, spec) for name, spec in scenario.stations.items() if name in visited]
    fleet = [Machines(name, paid.get(name, spec.servers), spec.shards, spec.vcpu) for name, spec in used]
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


def dollars_sent(setting: Setting, needed: Demand, kept: list[Store]) -> float:
    """Dollars a month for what one operation a second that asks for this sends between zones."""
    prices, dollars = setting.scenario.prices, 0.0
    for (station, name), units in needed.units.items():
        if name in setting.scenario.stations[station].ops:
            service = setting.scenario.stations[station].ops[name]
            crossings = prices.crossings(_copies(service, station, kept))
            dollars += units * service.bytes * SECONDS_PER_MONTH * crossings * prices.cross_zone
    return dollars


def _copies(service: Service, station: str, kept: list[Store]) -> int:
    """How many copies the bytes of a service go to: those of what the station of that name keeps."""
    return next((store.copies for store in kept if service.replicated and store.name == station), 1)
