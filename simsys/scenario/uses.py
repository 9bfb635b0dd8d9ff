"""What the plan of a strategy speaks of: stations with their operations, caches, batches, marks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from simsys.engines.caching import beneath, placed, shared, told
from simsys.engines.trace import Tree, steps_of, trace
from simsys.expressions import Untraceable
from simsys.steps import Drop, Fill, Hold, Join, Lookup, Mark, Visit
from simsys.strategies import Strategy
from simsys.strategies.flow import Flow

Kind = Literal["station", "cache", "batch", "mark", "told", "beneath", "placed", "shared", "dropped"]
KIND: dict[str, Kind] = {"stations": "station", "caches": "cache", "batches": "batch"}
"""The kind of what a part of the scenario names."""


class Use(NamedTuple):
    """A station (and its operation, unless it is only held), a cache, a batch or a mark; of a cache also that it is
    told what it has not been asked for, lies beneath another, is asked copy by copy, keeps the lists of authors, or has
    to drop a key.
    """

    kind: Kind
    name: str
    op: str = ""


@lru_cache(maxsize=1024)
def uses(strategy: Strategy, op: str, columns: tuple[str, ...]) -> tuple[Use, ...] | str:
    """What the plan of an operation uses, in its order; or why the plan cannot be driven with these columns.

    Nothing is known of a plan in Python that cannot be traced; a flow always can, unless it is too large.
    """
    plan = strategy.plan(op)
    assert plan is not None
    try:
        tree = trace(plan, columns)
    except Untraceable as reason:
        return f"its plan for '{op}' is too large: {reason}" if isinstance(strategy, Flow) else ()
    except (AttributeError, TypeError, ValueError) as error:
        return f"its plan for '{op}' fails: {error}"
    return tuple(dict.fromkeys([*_of(tree), *_unlike(tree)]))


def _unlike(tree: Tree) -> Iterator[Use]:
    """The caches of which nobody knows what they hold in the long run."""
    yield from (Use("told", name) for name in sorted(told(tree)))
    yield from (Use("beneath", name) for name in sorted(beneath(tree)))
    yield from (Use("placed", name) for name in sorted(placed(tree)))
    yield from (Use("shared", name) for name in sorted(shared(tree)))


def _of(tree: Tree) -> Iterator[Use]:
    for step in steps_of(tree):
        if isinstance(step, Visit):
            yield Use("station", step.station, step.op)
        elif isinstance(step, Hold):
            yield Use("station", step.station)
        elif isinstance(step, Lookup | Fill | Drop):
            yield Use("cache", step.cache)
            if isinstance(step, Drop):
                yield Use("dropped", step.cache)
        elif isinstance(step, Join):
            yield Use("batch", step.batch)
        elif isinstance(step, Mark):
            yield Use("mark", step.name)
