"""Cuts a world down to the little that still shows a difference: for whoever has to find its cause."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from random_worlds import Requests, World


def shrink(world: World, fails: Callable[[World], bool]) -> World:
    """The smallest world found by taking away one thing after the other for which `fails` is still true.

    A world that cannot be played does not fail.
    """
    ways, number, in_vain = _ways(world), 0, 0
    while in_vain <= len(ways):
        number %= len(ways)
        smaller = ways[number]()
        if _holds(fails, smaller):
            world, ways, in_vain = smaller, _ways(smaller), 0
        else:
            number, in_vain = number + 1, in_vain + 1
    return world


def _holds(fails: Callable[[World], bool], world: World) -> bool:
    try:
        return fails(world)
    except Exception:
        return False


def _ways(world: World) -> list[Callable[[], World]]:
    """All ways to make a world a little smaller."""
    edits = range(len(list(_edits(ast.parse(world.source)))))
    ways: list[Callable[[], World]] = [partial(_edited, world, number) for number in edits]
    for field in ("events", "outages", "cache_outages", "queued"):
        ways += [partial(replace, world, **{field: left}) for left in _without_one(getattr(world, field))]
    for field in ("warm", "stations", "caches", "batches"):
        items = tuple(getattr(world, field).items())
        ways += [partial(replace, world, **{field: dict(left)}) for left in _without_one(items)]
    ways += [partial(replace, world, load=load) for load in _less_load(world.load)]
    return [*ways, partial(replace, world, begin=0.0, cut=False)] if world.begin or world.cut else ways


def _less_load(load: Any) -> Iterator[Requests]:
    if isinstance(load, Requests):
        yield from (replace(load, times=left) for left in _without_some(load.times))
        if load.clients > 1:
            yield replace(load, clients=load.clients - 1)


def _without_one(things: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield from (things[:i] + things[i + 1 :] for i in range(len(things)))


def _without_some(things: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Without a half, a quarter …, one of them, but never with none."""
    size = len(things) // 2
    while size:
        yield from (things[:i] + things[i + size :] for i in range(0, len(things), size) if len(things) > size)
        size //= 2


def _edited(world: World, number: int) -> World:
    """The world after the edit of this number of its source."""
    tree = ast.parse(world.source)
    list(_edits(tree))[number]()
    return replace(world, source=ast.unparse(tree))


def _edits(tree: ast.AST) -> Iterator[Callable[[], None]]:
    """Ways to drop a statement, to put a branch in the place of an `if`, or to leave an argument out."""
    for node in ast.walk(tree):
        for body in (getattr(node, "body", ()), getattr(node, "orelse", ())):
            for i, statement in enumerate(body):
                if len(body) > 1:
                    yield partial(body.__delitem__, i)
                if isinstance(statement, ast.If):
                    yield partial(body.__setitem__, slice(i, i + 1), statement.body)
                    yield partial(body.__setitem__, slice(i, i + 1), statement.orelse)
        if isinstance(node, ast.Call):
            yield from (partial(node.keywords.__delitem__, i) for i in range(len(node.keywords)))
