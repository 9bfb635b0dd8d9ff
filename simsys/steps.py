"""The vocabulary of plans: what a plan may yield.

A plan is a generator function of one argument, the row. Each yield gives back a boolean, and only a yield takes
simulated time. A step is a plain record; what it means is written once, in the reference engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

Plan: TypeAlias = Callable[[Any], Any]


class Key(Enum):
    """Where a visit without a key of its own goes."""

    SPREAD = "spread"
    ANY = "any"


SPREAD = Key.SPREAD
"""The units are divided evenly over all shards; the visit ends with the last of them."""
ANY = Key.ANY
"""A shard drawn afresh for this visit."""


@dataclass(slots=True)
class Visit:
    """Queue at the shard of `key`, be served `n` units of `op`. n <= 0 does nothing.

    What a key has may lie on several shards: on that of its hash and those that follow it. `of`: at one of so many, the
    emptiest of those that the station's `choices` let it see. `over`: the units are divided over so many of them.
    Refused (queue full, station down): the enclosing plan ends with False, unless `ask`: then it goes on with False.
    """

    station: str
    op: str
    n: Any = 1
    key: Any = None
    ask: bool = False
    of: int = 1
    over: int = 1


@dataclass(slots=True)
class Hold:
    """Keep one server of `station` while `plan` runs; gives back what the plan gives. Refused as a visit."""

    station: str
    plan: Plan
    key: Any = None
    ask: bool = False


@dataclass(slots=True, init=False)
class All:
    """Run the plans side by side; go on when the last has ended. True if all were."""

    plans: tuple[Plan, ...]

    def __init__(self, *plans: Plan) -> None:
        self.plans = plans


@dataclass(slots=True)
class Each:
    """Run `plan` for `n` items in batches, `width` of them at a time (all at once without); go on after the last."""

    plan: Plan
    n: Any
    batch: Any = 1
    width: int | None = None


@dataclass(slots=True)
class Start:
    """Begin `plan` in the background for `n` items in batches, and go on at once."""

    plan: Plan
    n: Any = 1
    batch: Any = 1


@dataclass(slots=True)
class Lookup:
    """Ask a cache for `key`: True on a hit, that is, when now < fill time + ttl.

    Of a cache with copies, that of the process which plays this plan, any of them by chance; or number `at`, modulo
    the copies. So for `Fill` and `Drop`.
    """

    cache: str
    key: Any
    at: Any = None


@dataclass(slots=True)
class Fill:
    """Put `key` into a cache."""

    cache: str
    key: Any
    at: Any = None


@dataclass(slots=True)
class Drop:
    """Invalidate `key` in a cache."""

    cache: str
    key: Any
    at: Any = None


@dataclass(slots=True)
class Join:
    """Wait until the batch is full or its linger is over; its first member plays `plan` once for all of them, with
    their number as its `size`.
    """

    batch: str
    plan: Plan


@dataclass(slots=True)
class Within:
    """Go on after `limit` seconds, never if that is infinite, even if `plan` has not ended (its work goes on). True if
    it ended in time, with True.

    With `also` nobody goes on at the limit: that plan begins beside the first, and whichever ends first is the answer.
    """

    limit: float
    plan: Plan
    also: Plan | None = None


@dataclass(slots=True)
class Chance:
    """A draw: True with probability `p`. `name` names the luck."""

    p: float
    name: str


@dataclass(slots=True)
class Mark:
    """Record the time since the request arrived, counted `n` times; `whom` it concerns, where that is one user."""

    name: str
    n: Any = 1
    whom: Any = None


MARKED = "marked."
"""What the metric of a mark begins with; the rest is its name."""
STEPS = (Visit, Hold, All, Each, Start, Lookup, Fill, Drop, Join, Within, Chance, Mark)


def plan_name(plan: Plan) -> str:
    """The name by which a plan's children draw their luck: the function's own."""
    name = getattr(plan, "__name__", "")
    if not name or name == "<lambda>":
        raise TypeError("a plan must be a named function, method or flow")
    return str(name)
