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
    while True:
        smaller = next((one for one in _smaller(world) if _holds(fails, one)), None)
        if smaller is None:
            return world
        world = smaller


def _holds(fails: Callable[[World], bool], world: World) -> bool:
    try:
        return fails(world)
    except Exception:
        return False


def _smaller(world: World) -> Iterator[World]:
    for field in ("events", "outages", "cache_outages", "queued"):
        for left in _without_one(getattr(world, field)):
            yield replace(world, **{field: left})
    for field in ("warm", "stations", "caches", "batches"):
        for left in _without_one(tuple(getattr(world, field).items())):
            yield replace(world, **{field: dict(left)})
    if world.begin > 0:
        yield replace(world, begin=0.0)
    if world.cut:
        yield replace(world, cut=False)
    if isinstance(world.load, Requests):
        yield from (replace(world, load=replace(world.load, times=left)) for left in _without_some(world.load.times))
        if world.load.clients > 1:
            yield replace(world, load=replace(world.load, clients=world.load.clients - 1))
    yield from (replace(world, source=source) for source in _less_source(world.source))


def _without_one(things: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield from (things[:i] + things[i + 1 :] for i in range(len(things)))


def _without_some(things: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Without a half, a quarter …, one of them, but never with none."""
    size = len(things) // 2
    while size:
        yield from (things[:i] + things[i + size :] for i in range(0, len(things), size) if len(things) > size)
        size //= 2


def _less_source(source: str) -> Iterator[str]:
    """The source after each of the edits that make it shorter."""
    for number in range(len(list(_edits(ast.parse(source))))):
        tree = ast.parse(source)
        list(_edits(tree))[number]()
        yield ast.unparse(tree)


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
