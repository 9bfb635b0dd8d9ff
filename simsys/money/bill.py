"""The bill: what is kept, run and sent, each a formula in the open, in US dollars per month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from simsys.money.prices import SECONDS_PER_MONTH, Prices
from simsys.units import show_count, show_money, show_share, show_size

Medium = Literal["ram", "ssd", "object"]
Kind = Literal["ram", "cpu", "disk", "network"]
KIND: dict[Medium, Kind] = {"ram": "ram", "ssd": "disk", "object": "disk"}
"""As what each medium stands in the bill."""
MEDIA = tuple(KIND)
PAID_IN: dict[str, tuple[Kind, ...]] = {
    "ram": ("ram",), "usable": ("ram",), "ssd": ("disk",), "object": ("disk",), "copies": ("ram", "disk"),
    "vcpu": ("cpu",), "cross_zone": ("network",), "zones": ("network",),
}  # fmt: skip
"""The kinds of cost in which a price shows."""


class Store(NamedTuple):
    """What a strategy keeps: items of a size (B), kept in a medium, in some copies."""

    name: str
    medium: Medium
    items: float
    bytes_per_item: float
    copies: int = 1

    @property
    def bytes(self) -> float:
        """Bytes kept, all copies, before the part of a memory server that must stay free."""
        return self.items * self.bytes_per_item * self.copies

    @property
    def formula(self) -> str:
        """`120B items × 22.8 B × 3 copies = 8.21 TB`."""
        copies = f" × {self.copies} copies" if self.copies != 1 else ""
        each = f"{show_count(self.items)} items × {show_size(self.bytes_per_item)}{copies}"
        return f"{each} = {show_size(self.bytes)}"


class Machines(NamedTuple):
    """A station's fleet: `vcpu` for each of the `servers` of each shard; a delay (`unlimited`) has none."""

    station: str
    servers: float | Literal["unlimited"]
    shards: int
    vcpu: float


class Traffic(NamedTuple):
    """Bytes per second, and how often each goes from one zone to another (`Prices.crossings`)."""

    name: str
    rate: float
    crossings: float


class Term(NamedTuple):
    """One line of the bill, with the formula that gives its dollars per month."""

    kind: Kind
    formula: str
    dollars: float


def bill(
    fleet: Iterable[tuple[str, float | Literal["unlimited"], int, float]],
    stores: Iterable[Store],
    traffic: Iterable[tuple[str, float, float]],
    prices: Prices,
) -> list[Term]:
    """All terms of a month; what costs nothing is left out. ValueError for a negative quantity."""
    terms = [_machines(Machines(*machines), prices) for machines in fleet]
    terms += [_store(store, prices) for store in stores]
    terms += [_traffic(Traffic(*flow), prices) for flow in traffic]
    return [term for term in terms if term.dollars]


def total(terms: Iterable[Term], kind: Kind | None = None) -> float:
    """Dollars per month of all terms, or of those of one kind."""
    return sum((term.dollars for term in terms if kind in (None, term.kind)), 0.0)


def _term(kind: Kind, name: str, formula: str, dollars: float) -> Term:
    if not dollars >= 0.0:
        raise ValueError(f"{name}: expected quantities that are not negative, found {formula}")
    return Term(kind, f"{name}: {formula} = {show_money(dollars)}", dollars)


def _machines(machines: Machines, prices: Prices) -> Term:
    station, servers, shards, vcpu = machines
    if servers == "unlimited":
        return Term("cpu", "", 0.0)
    factors = [f"{shards} shards"] * (shards != 1) + [f"{_many(servers)} servers"] * (servers != 1)
    formula = " × ".join([*factors, f"{vcpu:g} vCPU", f"{prices.vcpu:.3g} $/month"])
    return _term("cpu", station, formula, servers * shards * vcpu * prices.vcpu)


def _many(servers: float) -> str:
    return str(int(servers)) if servers == int(servers) else f"{servers:.3g}"


def _store(store: Store, prices: Prices) -> Term:
    size = show_size(store.bytes)
    if store.medium == "ram":
        formula = f"{size} / {show_share(prices.usable)} usable × {_per_gb(prices.ram)}/month"
        return _term(KIND[store.medium], store.name, formula, store.bytes / prices.usable * prices.ram)
    price = prices.ssd if store.medium == "ssd" else prices.object
    return _term(KIND[store.medium], store.name, f"{size} × {_per_gb(price)}/month", store.bytes * price)


def _traffic(traffic: Traffic, prices: Prices) -> Term:
    name, rate, crossings = traffic
    month = rate * SECONDS_PER_MONTH
    formula = f"{show_size(month)} × {crossings:.3g} zone crossings × {_per_gb(prices.cross_zone)}"
    return _term("network", name, formula, month * crossings * prices.cross_zone)


def _per_gb(price: float) -> str:
    return f"{price * 1e9:.3g} $/GB"
