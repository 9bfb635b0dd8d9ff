"""Strategies: which steps each operation takes. One file each; a strategy's fields are its knobs.

A strategy is found by being there: `find("cached_pull")` imports the modules of this package and looks for a class
`CachedPull`; a class defined elsewhere counts as soon as it is defined.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any, ClassVar, Protocol, cast, dataclass_transform, runtime_checkable

from pydantic import Field

from simsys.expressions import Expression, column
from simsys.money import Medium
from simsys.steps import Plan
from simsys.structures.storage import Data, Storage
from simsys.units import write_size

AtLeastOne = Annotated[int, Field(ge=1)]
"""A knob that is a whole number from one on."""

_known: dict[str, type[Strategy]] = {}


@dataclass_transform(frozen_default=True)
class Strategy:
    """A frozen record of knobs with a plan per operation: a method of that name that takes the row.

    `operations` are the names a load may ask for; other methods are parts of their plans. `family` names the folder
    whose `defaults.yaml` holds the stations, caches and sizes the plans speak of. `counts` are the columns that it adds
    to each request, if it has a storage.
    """

    operations: ClassVar[tuple[str, ...]] = ("read", "post")
    counts: ClassVar[tuple[str, ...]] = ()
    family: ClassVar[str] = "feed"

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)
        module = cls.__module__.split(".")
        if module[:2] == ["simsys", "strategies"] and len(module) > 3:
            cls.family = module[2]
        _known[strategy_name(cls)] = cls

    def plan(self, op: str) -> Plan | None:
        """The plan of an operation; None where the strategy does not have it."""
        plan: Plan | None = getattr(self, op, None) if op in self.operations else None
        return plan

    def keeps(self, world: World) -> Iterator[Keep]:
        """What the strategy keeps for good, as formulas over the world."""
        return iter(())


@runtime_checkable
class HasStorage(Protocol):
    """A strategy over a storage engine, which says `counts` of each request."""

    def storage(self, data: Data) -> Storage:
        """The engine, with the data in it."""
        ...


@dataclass(frozen=True)
class Keep:
    """`items` things of the size called `item` (or of so many bytes), kept in a medium, in as many copies as the prices
    say (or `copies`). `grows`: items that come per second, from `after` s on, until there are so many; without it all
    are there from the beginning.
    """

    name: str
    medium: Medium
    items: Any
    item: str | float
    copies: int | None = None
    grows: Any = None
    after: Any = 0.0


class World:
    """The facts a formula of `keeps` may use, as expressions.

    `users`, `active_users`, `edges` (follow edges), `posts`, `old_posts` and `hot_posts` (accepted per second × how
    long the scenario's `retention` keeps them: on disk, in the object store, and in memory), `deliveries` (followers
    of the authors of posts, per second), `active` (share of them that has a timeline), `disk` (how long posts are kept
    there, s), `rate(op)` (operations per second), `cached(name)` (entries a cache held in the long run),
    `authors_above(x)` (how many users have at least x followers); of a storage engine `stored` and `memory` (bytes on
    the device and in memory).
    """

    def __getattr__(self, name: str) -> Any:
        return column(name)

    def rate(self, op: str) -> Any:
        return column(f"{op}/s")

    def cached(self, cache: str) -> Any:
        return column(f"cached.{cache}")

    def authors_above(self, followers: float) -> Any:
        return Expression("above", (float(followers),))


def strategy_name(cls: type) -> str:
    """The name a scenario calls a strategy by: CachedPull is cached_pull."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


@cache
def _import_all() -> None:
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        importlib.import_module(module.name)


def names() -> list[str]:
    """The names of all strategies there are, sorted."""
    _import_all()
    return sorted(name for name in _known if name != "flow")


def find(name: str) -> type[Strategy] | None:
    """The class of a strategy by name."""
    _import_all()
    return _known.get(name)


def defaults(family: str) -> Traversable:
    """The file with the family's default stations, caches and sizes."""
    return resources.files(__name__) / family / "defaults.yaml"


def label(strategy: Strategy, alone: bool) -> str:
    """How reports call a strategy: its name, with the knobs that differ from their defaults unless it stands
    `alone`.
    """
    name = getattr(strategy, "name", None) or strategy_name(type(strategy))
    if alone:
        return str(name)
    given = [(f, getattr(strategy, f.name)) for f in fields(cast(Any, strategy))]
    knobs = [f"{f.name}={write_size(value) if f.type == 'Size' else value}" for f, value in given if value != f.default]
    return f"{name}({', '.join(knobs)})" if knobs else str(name)
