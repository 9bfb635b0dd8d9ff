"""Traced plans become a program: trees are walked, and rows of `NODE` collected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simsys import draws
from simsys.engines.program import (  # fmt: skip
    ANY,
    CHANCE,
    COLUMN,
    COMPUTED,
    CONSTANT,
    DROP,
    EDGE,
    EDGES,
    END,
    FILL,
    FOLLOWED,
    FORK,
    HOLD,
    IF,
    INDEX,
    JOIN,
    LOOKUP,
    MARK,
    MOST_NAMES,
    MOST_OUTCOMES,
    MOST_STACK,
    NOBODY,
    NODE,
    OPERATORS,
    OUTCOME,
    PLAN,
    SIZE,
    SPREAD,
    START,
    STOP,
    TERM,
    VALUE,
    VISIT,
    WITHIN,
    Program,
    ahead,
)
from simsys.engines.trace import Do, End, If, Tree, inner_plans, outcomes
from simsys.expressions import Expression, Untraceable
from simsys.stations import Station
from simsys.steps import All, Chance, Drop, Each, Fill, Hold, Join, Key, Lookup, Mark, Start, Visit, Within, plan_name


def program(
    trees: Mapping[str, Tree],
    stations: Mapping[str, Station],
    caches: Sequence[str],
    batches: Sequence[str],
    default_key: str | None,
) -> Program:
    """The program of these plans by operation; a cache with copies stands in `caches` so many times. `Untraceable`
    where the kernel has no room for one.
    """
    return Compiler(stations, list(caches), list(batches), default_key).compile(trees)


def timings(stations: Mapping[str, Station]) -> list[tuple[str, str]]:
    """(station, op) of every service, in the order of `NODE.timing`."""
    return [(name, op) for name, spec in stations.items() for op in spec.ops]


@dataclass
class Compiler:
    """Collects rows while it walks the trees."""

    stations: Mapping[str, Station]
    caches: list[str]
    batches: list[str]
    default_key: str | None
    nodes: list[dict[str, Any]] = field(default_factory=list)
    plans: list[tuple[int, int, int]] = field(default_factory=list)
    terms: list[tuple[int, int, int, float]] = field(default_factory=list)
    chances: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    lists: dict[Any, tuple[str, Any]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    columns: list[str | float] = field(default_factory=list)
    roots: dict[int, int] = field(default_factory=dict)
    bits: dict[int, int] = field(default_factory=dict)

    def compile(self, trees: Mapping[str, Tree]) -> Program:
        self.timings = {name: number for number, name in enumerate(timings(self.stations))}
        entries = {op: self._plan(tree) for op, tree in trees.items()}
        if len(self.names) > MOST_NAMES:
            raise Untraceable(f"children play more than {MOST_NAMES} plans")
        nodes = np.zeros(len(self.nodes), NODE)
        for row, fields in zip(nodes, self.nodes, strict=True):
            for name, value in fields.items():
                row[name] = value
        nodes["ahead"] = [ahead(nodes, row) for row in nodes]
        return Program(
            nodes,
            np.array(self.plans or [(0, 0, 0)], PLAN),
            np.array(self.terms or [(STOP, 0, 0, 0.0)], TERM),
            entries,
            self.chances,
            self.marks,
            self.thresholds,
            list(self.lists.values()),
            len(self.names),
            tuple(self.columns),
            {op: self._asked(tree) for op, tree in trees.items()},
        )

    def _asked(self, tree: Tree) -> Counter[int]:
        if isinstance(tree, End):
            return Counter()
        if isinstance(tree, If):
            return self._asked(tree.yes) | self._asked(tree.no)
        here = Counter[int]()
        if isinstance(tree.step, Visit):
            here[self.timings[tree.step.station, tree.step.op]] = 1
        elif isinstance(tree.step, Hold):
            here = self._asked(tree.plans[0])
        return here + self._asked(tree.then)

    def _plan(self, tree: Tree) -> int:
        """The first node of a plan."""
        root = self.roots.get(id(tree))
        if root is None:
            outer, numbers = self.bits, sorted(set(outcomes(tree)))
            if len(numbers) > MOST_OUTCOMES:
                raise Untraceable(f"the plan asks for more than {MOST_OUTCOMES} outcomes")
            self.bits = {number: bit for bit, number in enumerate(numbers)}
            root = self.roots[id(tree)] = self._tree(tree)
            self.bits = outer
        return root

    def _tree(self, tree: Tree) -> int:
        first = len(self.nodes)
        while isinstance(tree, Do):
            node = self._add()
            node |= {"next": -1, "bit": self.bits.get(tree.number, -1), **self._step(tree.step, tree.plans)}
            node["next"] = len(self.nodes)
            tree = tree.then
        node = self._add()
        if isinstance(tree, End):
            node |= {"code": END, **self._operand("n", tree.value)}
        else:
            node |= {"code": IF, **self._operand("n", tree.condition)}
            node["next"] = self._tree(tree.yes)
            node["other"] = self._tree(tree.no)
        return first

    def _add(self) -> dict[str, Any]:
        self.nodes.append({})
        return self.nodes[-1]

    def _step(self, step: Any, trees: tuple[Tree, ...]) -> dict[str, Any]:
        match step:
            case Visit():
                what = {
                    "code": VISIT,
                    "what": self._station(step.station),
                    "timing": self.timings[step.station, step.op],
                }
                return what | {"ask": step.ask} | self._operand("n", step.n) | self._key(step.key) | self._among(step)
            case Hold():
                return (
                    {"code": HOLD, "what": self._station(step.station), "ask": step.ask}
                    | self._key(step.key)
                    | (self._plans(step, trees))
                )
            case All():
                return {"code": FORK, "width": 0, **self._plans(step, trees)}
            case Each():
                return {"code": FORK, "width": self._width(step.width), **self._items(step), **self._plans(step, trees)}
            case Start():
                return {"code": START, **self._items(step), **self._plans(step, trees)}
            case Lookup() | Fill() | Drop():
                code = {Lookup: LOOKUP, Fill: FILL, Drop: DROP}[type(step)]
                return {"code": code, **self._cache(step.cache, step.at), **self._key(step.key)}
            case Join():
                return {"code": JOIN, "what": self.batches.index(step.batch), **self._plans(step, trees)}
            case Within():
                return {"code": WITHIN, **self._operand("n", step.limit), **self._plans(step, trees)}
            case Chance():
                return {"code": CHANCE, "what": place(self.chances, step.name), **self._operand("n", step.p)}
            case Mark():
                whom = self._operand("key", NOBODY if step.whom is None else step.whom)
                return {"code": MARK, "what": place(self.marks, step.name), **self._operand("n", step.n), **whom}
        raise Untraceable(f"there is no instruction for {type(step).__name__}")

    def _station(self, name: str) -> int:
        return list(self.stations).index(name)

    def _among(self, step: Visit) -> dict[str, Any]:
        """Among how many shards a visit chooses, or over how many its units are divided, where that is not one."""
        shards = self.stations[step.station].shards
        if isinstance(step.key, Key):
            several = {"over": shards if step.key is Key.SPREAD else 1}
        else:
            several = {"of": min(self._width(step.of), shards), "over": min(self._width(step.over), shards)}
        return {word: count for word, count in several.items() if count > 1}

    @staticmethod
    def _width(width: Any) -> int:
        if isinstance(width, Expression):
            raise Untraceable("the width of a fork must be a constant, and so must the shards of a visit")
        return int(width or 0)

    def _items(self, step: Each | Start) -> dict[str, Any]:
        return self._operand("n", step.n) | self._operand("batch", step.batch)

    def _plans(self, step: Any, trees: tuple[Tree, ...]) -> dict[str, Any]:
        """The rows of the plans that a step runs, one after the other."""
        rows = []
        for (plan, _), tree in zip(inner_plans(step, frozenset()), trees, strict=True):
            name = plan_name(plan)
            rows.append((self._plan(tree), draws.name_id(name), place(self.names, name)))
        first = len(self.plans)
        self.plans += rows
        return {"plan": first, "plans": len(rows) if isinstance(step, All | Within) else 0}

    def _key(self, key: Any) -> dict[str, Any]:
        if key is Key.SPREAD or key is Key.ANY:
            return {"key_kind": SPREAD if key is Key.SPREAD else ANY}
        if key is None:
            key = 0.0 if self.default_key is None else Expression("column", (self.default_key,))
        return self._operand("key", key)

    def _cache(self, name: str, at: Any) -> dict[str, Any]:
        """A cache; of several copies, `plans` of them, which one: number n, or by the luck of `plan`."""
        first, copies = self.caches.index(name), self.caches.count(name)
        if copies == 1:
            return {"what": first}
        which = {"n_kind": ANY} if at is None else self._operand("n", at)
        return {"what": first, "plans": copies, "plan": place(self.chances, f"copy of {name}"), **which}

    def _operand(self, name: str, value: Any) -> dict[str, Any]:
        kind, arg, number = self._term(value)
        if kind == COMPUTED:
            arg = len(self.terms)
            rows = list(self._postfix(value))
            if len(rows) > MOST_STACK:
                raise Untraceable("an expression is too long")
            self.terms += [*rows, (STOP, 0, 0, 0.0)]
        return {f"{name}_kind": kind, f"{name}_arg": arg, f"{name}_value": number}

    def _term(self, value: Any) -> tuple[int, int, float]:
        """Kind, argument and number of a value; COMPUTED if it is not a single one."""
        if not isinstance(value, Expression):
            return CONSTANT, 0, exact(value)
        if value.kind == "outcome":
            return OUTCOME, self.bits[value.args[0]], 0.0
        if value.kind not in ("column", "above"):
            return COMPUTED, 0, 0.0
        if value.args[0] in ("size", "index"):
            return (SIZE if value.args[0] == "size" else INDEX), 0, 0.0
        return COLUMN, place(self.columns, value.args[0]), 0.0

    def _postfix(self, value: Any) -> Iterator[tuple[int, int, int, float]]:
        if isinstance(value, Expression) and value.kind == "followed":
            yield FOLLOWED, 0, place(self.thresholds, value.args[0]), 0.0
            return
        if isinstance(value, Expression) and value.kind in ("edges", "edge"):
            self.lists.setdefault(value.key()[1:], value.args)
            which = list(self.lists).index(value.key()[1:])
            yield EDGES if value.kind == "edges" else EDGE, place(self.columns, "user"), which, 0.0
            return
        kind, arg, number = self._term(value)
        if kind != COMPUTED:
            yield VALUE, kind, arg, number
            return
        for side in value.args:
            yield from self._postfix(side)
        yield OPERATORS.index(value.kind), 0, 0, 0.0


def place(names: list[Any], name: Any) -> int:
    """The place of a name in a list that grows as names come."""
    if name not in names:
        names.append(name)
    return names.index(name)


def exact(value: Any) -> float:
    """A constant as a float; `Untraceable` if it is none."""
    number = float(value)
    if number != value and not (number != number and value != value):
        raise Untraceable(f"{value} is no float64")
    return number
