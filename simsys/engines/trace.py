"""A plan, driven once over symbolic columns, becomes a decision tree of steps.

Wherever the plan asks for the truth of an expression or of a step's outcome, it is driven again for the other answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from simsys.expressions import EDGE, FOLLOWED, Expression, Untraceable, column
from simsys.steps import STEPS, All, Each, Hold, Join, Plan, Start, Within, plan_name

MOST_PATHS = 4096
MANY_PATHS = f"the plan has more than {MOST_PATHS:,} paths"
MOST_STEPS = 200
OWN = ("size", "index")
"""Columns in which the row of a plan within a plan differs from the outer one."""
FOREIGN = "a plan uses the row of another plan"


@dataclass(frozen=True)
class End:
    """The plan is over; `value` is what it gives: True, False, or an outcome."""

    value: Any = True


@dataclass(frozen=True)
class Do:
    """A step, the trees of the plans it runs, and what comes after. `number` is what its outcome is called by."""

    step: Any
    number: int
    plans: tuple[Tree, ...]
    then: Tree


@dataclass(frozen=True)
class If:
    """A branch on an expression of the row or on the outcome of an earlier step."""

    condition: Expression
    yes: Tree
    no: Tree


Tree = End | Do | If


class SymbolicRow:
    """A row whose columns are expressions; a misspelt one is an `AttributeError`, as in a run."""

    def __init__(self, columns: frozenset[str], decide: Callable[[Expression], bool]) -> None:
        self._columns, self._decide = columns, decide

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"requests have no column '{name}'")
        return column(name, self._decide)

    @property
    def by_edge(self) -> bool:
        """Whether it is known who follows whom: then requests say how often their user posts and reads."""
        return {"posts", "reads"} <= self._columns

    def followers_where(self, rule: Any = None) -> Expression:
        return self._along("edges", "followers", rule)

    def following_where(self, rule: Any = None) -> Expression:
        return self._along("edges", "following", rule)

    def follower_where(self, rule: Any = None) -> Expression:
        return self._along("edge", "followers", rule)

    def followed_where(self, rule: Any = None) -> Expression:
        return self._along("edge", "following", rule)

    def _along(self, kind: str, side: str, rule: Any) -> Expression:
        if not self.by_edge:
            raise AttributeError("who follows whom is not known: this needs a population with edges")
        if kind == "edge" and "index" not in self._columns:
            raise AttributeError("only a plan that is played once per edge knows whose edge it is")
        return Expression(kind, (side, rule), self._decide)

    def followed_above(self, threshold: float) -> Expression:
        if self.by_edge and not isinstance(threshold, Expression):
            return self.following_where(EDGE.followers >= threshold)
        return self._followed("above", threshold)

    def followed(self, threshold: float) -> Expression:
        if "index" not in self._columns:
            raise AttributeError("followed is for what `Each` plays, as it tells one from the next by their index")
        if self.by_edge and not isinstance(threshold, Expression):
            return self.followed_where(EDGE.followers >= threshold)
        return self._followed("followed", threshold)

    def _followed(self, kind: str, threshold: float) -> Expression:
        if isinstance(threshold, Expression):
            raise Untraceable(f"{FOLLOWED[kind]} wants a constant")
        if "following" not in self._columns:
            raise AttributeError(f"{FOLLOWED[kind]} needs a population with following")
        return Expression(kind, (float(threshold),), self._decide)


@dataclass
class Tracer:
    """Drives plans; `under_way` guards against a plan that starts itself."""

    columns: frozenset[str]
    under_way: list[Any] = field(default_factory=list)
    done: dict[Any, Tree] = field(default_factory=dict)
    paths: int = 0

    def trace(self, plan: Plan, columns: frozenset[str]) -> Tree:
        """The tree of a plan whose row has these columns."""
        name = (plan, columns)
        if name in self.done:
            return self.done[name]
        if plan in self.under_way:
            raise Untraceable(f"the plan '{plan_name(plan)}' starts itself")
        self.under_way.append(plan)
        tree = self._branch(plan, columns, ())
        self.under_way.pop()
        self.done[name] = tree
        return tree

    def _branch(self, plan: Plan, columns: frozenset[str], path: tuple[bool, ...]) -> Tree:
        """The tree that follows the answers `path`: the steps after the last of them. Whatever is asked then is first
        answered with yes.
        """
        drive = Drive(path)
        value = drive.run(plan(SymbolicRow(columns, drive.decide)))
        self.paths += 1
        if self.paths > MOST_PATHS:
            raise Untraceable(MANY_PATHS)
        tree: Tree = self._steps(drive.steps, columns, End(True if value is None else value))
        while drive.asked:
            question, steps = drive.asked.pop()
            no = self._branch(plan, columns, (*path, *(True for _ in drive.asked), False))
            tree = self._steps(steps, columns, If(question, tree, no))
        return tree

    def _steps(self, steps: list[tuple[int, Any]], columns: frozenset[str], then: Tree) -> Tree:
        for number, step in reversed(steps):
            then = Do(step, number, tuple(self.trace(p, c) for p, c in inner_plans(step, columns)), then)
        return then


class Drive:
    """One run of a plan: questions are answered as given, and with yes when there are no more answers.

    A plan within a plan has a row of its own. Of the outer row it may use what both have in common, the columns of the
    request; but not the size, the index and the outcomes that are the outer plan's alone, and it branches on nothing.
    """

    def __init__(self, path: tuple[bool, ...]) -> None:
        self.given, self.over = iter(path), False
        self.answers: dict[Any, bool] = {}
        self.asked: list[tuple[Expression, list[tuple[int, Any]]]] = []
        """The questions without a given answer, each with the steps before it, after the question before."""
        self.steps: list[tuple[int, Any]] = []
        """Those after the last question, each with its number."""

    def decide(self, condition: Expression) -> bool:
        if self.over:
            raise Untraceable(FOREIGN)
        self.check(condition)
        key = condition.key()
        if key not in self.answers:
            self.answers[key] = self._answer(condition)
        return self.answers[key]

    def _answer(self, condition: Expression) -> bool:
        given = next(self.given, None)
        if given is None:
            if len(self.asked) == MOST_PATHS:
                raise Untraceable(MANY_PATHS)
            self.asked.append((condition, self.steps))
        self.steps = []
        return given is not False

    def run(self, plan: Generator[Any, Any, Any] | None) -> Any:
        """What the plan gives."""
        number, outcome = 0, None
        try:
            while plan is not None:
                step = plan.send(outcome)
                if not isinstance(step, STEPS):
                    raise Untraceable(f"a plan yields steps, not {type(step).__name__}")
                if number == MOST_STEPS:
                    raise Untraceable(f"more than {MOST_STEPS} steps, one after the other")
                for name in step.__slots__:
                    self.check(getattr(step, name))
                self.steps.append((number, step))
                outcome = Expression("outcome", (number,), self.decide)
                number += 1
        except StopIteration as stop:
            self.check(stop.value)
            return stop.value
        finally:
            self.over = True

    def check(self, value: Any) -> None:
        """Untraceable if a value of this plan stands for something that belongs to the row of another."""
        if not isinstance(value, Expression):
            return
        if value.kind == "edge" and value.decide != self.decide:
            raise Untraceable(FOREIGN)
        if value.kind not in ("column", "outcome", "followed"):
            for arg in value.args:
                self.check(arg)
        elif (value.kind != "column" or value.args[0] in OWN) and value.decide != self.decide:
            raise Untraceable(FOREIGN)


def inner_plans(step: Any, columns: frozenset[str]) -> list[tuple[Plan, frozenset[str]]]:
    """The plans a step runs, each with the columns of its row."""
    if isinstance(step, Start | Each | Join):
        return [(step.plan, columns.union(OWN))]
    if isinstance(step, All):
        return [(plan, columns | {"index"}) for plan in step.plans]
    if isinstance(step, Within):
        return [(plan, columns | {"index"}) for plan in (step.plan, step.also) if plan is not None]
    return [(step.plan, columns)] if isinstance(step, Hold) else []


def trace(plan: Plan, columns: tuple[str, ...]) -> Tree:
    """The decision tree of a plan; `Untraceable` where there is none.

    It is traced twice, and the trees must agree: a plan that draws luck of its own is untraceable.
    """
    try:
        one, other = (Tracer(frozenset(columns)).trace(plan, frozenset(columns)) for _ in range(2))
        same = shape(one) == shape(other)
    except RecursionError:
        raise Untraceable("its steps are nested too deep") from None
    if not same:
        raise Untraceable("the plan does not do the same when it is run again")
    return one


def steps_of(tree: Tree) -> list[Any]:
    """All steps that a tree may take, inner plans included."""
    if isinstance(tree, End):
        return []
    if isinstance(tree, If):
        return steps_of(tree.yes) + steps_of(tree.no)
    return [tree.step, *(s for plan in tree.plans for s in steps_of(plan)), *steps_of(tree.then)]


def shape(tree: Tree) -> Any:
    """A tree as nested tuples that compare."""
    if isinstance(tree, End):
        return ("end", _plain(tree.value))
    if isinstance(tree, If):
        return ("if", tree.condition.key(), shape(tree.yes), shape(tree.no))
    return (type(tree.step).__name__, _fields(tree.step), tuple(map(shape, tree.plans)), shape(tree.then))


def asks(tree: Tree, column: str) -> bool:
    """Whether anything that a tree does depends on a column."""
    return _holds(shape(tree), ("column", column))


def _holds(part: Any, wanted: tuple[Any, ...]) -> bool:
    return part == wanted or (isinstance(part, tuple) and any(_holds(each, wanted) for each in part))


def _fields(step: Any) -> tuple[Any, ...]:
    return tuple(_plain(getattr(step, name)) for name in step.__slots__ if name not in ("plan", "plans", "also"))


def _plain(value: Any) -> Any:
    return value.key() if isinstance(value, Expression) else value


def outcomes(tree: Tree) -> Iterator[int]:
    """The numbers of the steps whose outcomes a plan asks for."""
    if isinstance(tree, End):
        yield from _asked(tree.value)
    elif isinstance(tree, If):
        yield from _asked(tree.condition)
        yield from outcomes(tree.yes)
        yield from outcomes(tree.no)
    else:
        for name in tree.step.__slots__:
            yield from _asked(getattr(tree.step, name))
        yield from outcomes(tree.then)


def _asked(value: Any) -> Iterator[int]:
    if isinstance(value, Expression):
        if value.kind == "outcome":
            yield value.args[0]
        else:
            for arg in value.args:
                yield from _asked(arg)
