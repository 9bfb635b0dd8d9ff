"""How plans use their caches, seen from their trees: who fills one, which lie beneath another, and in which copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simsys.engines.trace import Do, End, If, Tree, steps_of
from simsys.expressions import Expression
from simsys.steps import Drop, Fill, Lookup


def told(tree: Tree, missed: frozenset[str] = frozenset()) -> set[str]:
    """The caches that a plan fills where it has not asked them and missed: sets of keys, or pushed to."""
    return set(_told(tree, missed, {}))


def _told(tree: Tree, missed: frozenset[str], asked: Mapping[int, str]) -> Iterator[str]:
    while isinstance(tree, Do):
        if isinstance(tree.step, Fill) and tree.step.cache not in missed:
            yield tree.step.cache
        if isinstance(tree.step, Lookup):
            asked = {**asked, tree.number: tree.step.cache}
        for plan in tree.plans:
            yield from _told(plan, missed, {})
        tree = tree.then
    if isinstance(tree, If):
        yield from _told(tree.yes, missed, asked)
        yield from _told(tree.no, missed | _asked_by(tree, asked), asked)


def beneath(tree: Tree) -> set[str]:
    """The caches that a plan asks because it has missed in another."""
    return set(_beneath(tree, {}))


def _beneath(tree: Tree, asked: Mapping[int, str]) -> Iterator[str]:
    while isinstance(tree, Do):
        if isinstance(tree.step, Lookup):
            asked = {**asked, tree.number: tree.step.cache}
        for plan in tree.plans:
            yield from _beneath(plan, {})
        tree = tree.then
    if isinstance(tree, If):
        if _asked_by(tree, asked):
            yield from _lookups(tree.no) - _lookups(tree.yes)
        yield from _beneath(tree.yes, asked)
        yield from _beneath(tree.no, asked)


def _asked_by(tree: If, asked: Mapping[int, str]) -> frozenset[str]:
    """The cache whose answer a branch depends on, if it does on one."""
    condition = tree.condition
    return frozenset({asked[condition.args[0]]} if condition.kind == "outcome" and condition.args[0] in asked else ())


def placed(tree: Tree) -> set[str]:
    """The caches of which a plan asks a copy that it names."""
    return {step.cache for step in steps_of(tree) if isinstance(step, Lookup | Fill | Drop) and step.at is not None}


def shared(tree: Tree) -> set[str]:
    """The caches in which a plan looks for the list of an author whom its reader follows."""
    asked = [] if isinstance(tree, End) else steps_of(tree)
    return {s.cache for s in asked if isinstance(s, Lookup) and _is_followed(s.key)}


def _is_followed(key: object) -> bool:
    return isinstance(key, Expression) and (key.kind == "followed" or (key.kind, key.args[0]) == ("edge", "following"))


def _lookups(tree: Tree) -> set[str]:
    return {step.cache for step in ([] if isinstance(tree, End) else steps_of(tree)) if isinstance(step, Lookup)}
