"""The knobs of strategies: a grammar made from the fields of their classes, and `strategies:` read by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import StrictBool, TypeAdapter, ValidationError, create_model

from simsys.scenario.complaints import complaints, follow
from simsys.scenario.errors import Problem, nearest
from simsys.scenario.guard import Node
from simsys.scenario.paths import Path, element_steps
from simsys.strategies import Strategy, find, flow, label, names, strategy_name
from simsys.strategies.values import FlowError
from simsys.units import Count, Notation, Spec, Whole, printable

_READ_AS: dict[Any, Any] = {int: Whole, float: Count, bool: StrictBool}


@cache
def grammar(default: Strategy) -> type[Spec]:
    """The knobs of a strategy as a model; what is not given stays as `default` has it."""
    hints = get_type_hints(type(default), include_extras=True)
    knobs: dict[str, Any] = {}
    for knob in fields(default):  # type: ignore[arg-type]
        value = getattr(default, knob.name)
        if isinstance(value, Strategy):
            inner = grammar(value)
            knobs[knob.name] = (inner, inner())
        else:
            knobs[knob.name] = (knob_type(hints[knob.name]), value)
    name = "".join(word.capitalize() for word in strategy_name(type(default)).split("_"))
    return create_model(f"{name}Knobs", __base__=Spec, __doc__=type(default).__doc__, **knobs)


def knob_type(hint: Any) -> Any:
    """The type of a knob, with numbers that have no unit read as counts."""
    if hint in _READ_AS:
        return _READ_AS[hint]
    arguments = get_args(hint)
    if _has_unit(hint):
        return hint
    if get_origin(hint) is Annotated:
        return Annotated[(knob_type(arguments[0]), *arguments[1:])]
    if type(None) in arguments:
        return knob_type(next(argument for argument in arguments if argument is not type(None))) | None
    return hint


def _has_unit(hint: Any) -> bool:
    return any(isinstance(argument, Notation) for argument in get_args(hint))


def with_knobs(default: Strategy, knobs: Spec) -> Strategy:
    """The strategy with these knobs; ValueError if they do not go together."""
    given = {}
    for name in type(knobs).model_fields:
        value, old = getattr(knobs, name), getattr(default, name)
        given[name] = with_knobs(old, value) if isinstance(old, Strategy) else value
    return replace(default, **given)  # type: ignore[type-var]


def written(strategy: Strategy) -> dict[str, Any]:
    """All knobs of a strategy, as a scenario writes them."""
    knobs = {}
    hints = get_type_hints(type(strategy), include_extras=True)
    for knob in fields(strategy):  # type: ignore[arg-type]
        value = getattr(strategy, knob.name)
        if _has_unit(hints[knob.name]):
            value = TypeAdapter(hints[knob.name]).dump_python(value, mode="json")
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        knobs[knob.name] = written(value) if isinstance(value, Strategy) else value
    return knobs


def read_strategies(tree: Node) -> tuple[list[Strategy], list[Problem]]:
    """The strategies of a scenario, and what is wrong with them."""
    node = tree.value.get("strategies") if isinstance(tree.value, dict) else None
    if node is None:
        return [], [tree.problem("", "'strategies' is missing: the designs to compare, as in [pull, push]")]
    if not isinstance(node.value, list) or not node.value:
        return [], [node.problem("strategies", "expected a list of strategies, as in [pull, push]")]
    steps = element_steps(node.value)
    read = [(element, *_read(element, ("strategies", step))) for element, step in zip(node.value, steps, strict=True)]
    problems = [problem for *_, found in read for problem in found]
    strategies = [strategy for _, strategy, _ in read if strategy is not None]
    labels: dict[str, bool] = {}
    for element, strategy, _ in read:
        if strategy is None:
            continue
        name, is_flow = (
            label(strategy, alone=isinstance(strategy, flow.Flow)),
            isinstance(strategy, flow.Flow),
        )
        if name in labels or (is_flow and name in names()):
            problems.append(element.problem("strategies", f"'{name}' stands twice: rows could not tell them apart"))
        labels[name] = True
    return strategies, problems


def families() -> list[str]:
    """The families of all strategies there are."""
    return sorted({cls.family for name in names() if (cls := find(name)) is not None})


def _read(element: Node, path: Path) -> tuple[Strategy | None, list[Problem]]:
    if isinstance(element.value, str):
        kind, knobs = element.value, Node({}, element.source, element.mark)
    elif isinstance(element.value, dict) and len(element.value) == 1:
        ((kind, knobs),) = element.value.items()
    else:
        message = "expected the name of a strategy, or one name with its knobs, as in {hybrid: {celebrity: 10k}}"
        return None, [element.problem(".".join(path), message)]
    if kind == "flow":
        return _read_flow(knobs, path)
    cls = find(kind)
    if cls is None:
        message = f"there is no strategy '{printable(kind, 64)}'"
        return None, [element.problem("strategies", message, nearest(kind, [*names(), "flow"]), key=kind)]
    return _read_knobs(cls, knobs, path)


def _read_knobs(cls: type[Strategy], knobs: Node, path: Path) -> tuple[Strategy | None, list[Problem]]:
    default = cls()
    if knobs.value is None or knobs.value == {}:
        return default, []
    try:
        given = grammar(default).model_validate(knobs.plain())
        return with_knobs(default, given), []
    except ValidationError as error:
        return None, list(complaints(error, knobs, path, _allowed(default)))
    except ValueError as error:
        return None, [knobs.problem(".".join(path), str(error))]


def _allowed(default: Strategy) -> Any:
    def allowed(path: Path) -> list[str]:
        at: Any = default
        for step in path[2:]:
            at = getattr(at, step, None)
        return [knob.name for knob in fields(at)] if isinstance(at, Strategy) else []  # type: ignore[arg-type]

    return allowed


def _read_flow(node: Node, path: Path) -> tuple[Strategy | None, list[Problem]]:
    try:
        return flow.parse(node.plain()), []
    except FlowError as error:
        return None, list(_flow_problems(error, node, path))


def _flow_problems(error: FlowError, node: Node, path: Path) -> Iterator[Problem]:
    for steps, message, word, right in error.problems:
        found, parent, known = follow(node, steps)
        hint = nearest(word, right) if word else ""
        where = ".".join((*path, *known))
        if word and known and known[-1] == word and parent is not None:
            yield parent.problem(where, message, hint, key=word)
        else:
            yield found.problem(where, message, hint)
