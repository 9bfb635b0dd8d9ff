"""Validation errors as problems: each at its place in the file, in plain words, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simsys.scenario.errors import Problem, WordError, nearest
from simsys.scenario.guard import Node
from simsys.scenario.paths import Path, show_path
from simsys.units import printable

Allowed = Callable[[Path], Iterable[str]]

_WHOLE, _NUMBER, _TEXT = "a whole number", "a number", "a text"
_MAPPING, _LIST = "a mapping of keys to values", "a list"
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_sub_type"), _TEXT),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type", "dataclass_type"), _MAPPING),
    **dict.fromkeys(("list_type", "tuple_type", "iterable_type"), _LIST),
    "string_pattern_mismatch": "a name: a small letter, then small letters, digits, _ and -",
}
_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def follow(tree: Node, steps: Sequence[Any]) -> tuple[Node, Node | None, Path]:
    """The node that the steps lead to, its parent, and the steps found; other steps are skipped."""
    node, parent, known = tree, None, []
    for step in steps:
        child: Node | None = None
        if isinstance(node.value, dict) and isinstance(step, str):
            child = node.value.get(step)
        elif isinstance(node.value, list) and isinstance(step, int) and 0 <= step < len(node.value):
            child = node.value[step]
        if child is not None:
            parent, node = node, child
            known.append(str(step))
    return node, parent, tuple(known)


def complaints(error: ValidationError, tree: Node, path: Path, allowed: Allowed) -> Iterator[Problem]:
    """The problems behind a validation error of the tree at `path`; `allowed`: keys a mapping may have."""
    at: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False, include_input=True):
        _, _, known = follow(tree, detail["loc"])
        at.setdefault(known, []).append(detail)
    for known, details in at.items():
        deeper = any(len(other) > len(known) and other[: len(known)] == known for other in at)
        yield from _at_one_place(details, deeper, tree, known, path, allowed)


def _at_one_place(
    details: list[ErrorDetails], deeper: bool, tree: Node, known: Path, path: Path, allowed: Allowed
) -> Iterator[Problem]:
    """The problems at one node: what several alternatives expected becomes one sentence."""
    node, parent, _ = follow(tree, [int(s) if s.isdecimal() else s for s in known])
    wanted = [expected for detail in details if (expected := _expected(detail)) is not None]
    others = [detail for detail in details if _expected(detail) is None]
    where = show_path((*path, *known))
    if wanted and not others and not deeper:
        words = re.findall(r"'([^']*)'", " ".join(wanted))
        hint = nearest(str(node.value), words) if isinstance(node.value, str) else ""
        yield _problem(
            node,
            parent,
            known,
            where,
            f"expected {' or '.join(dict.fromkeys(wanted))}{_found(node)}",
            hint,
            details[0],
        )
    for detail in others:
        if detail["type"] == "too_short" and deeper:
            continue
        if detail["type"] == "extra_forbidden" and parent is not None:
            hint = nearest(known[-1], allowed((*path, *known[:-1])))
            yield parent.problem(where, "unknown key", hint, key=known[-1])
        elif detail["type"] == "missing":
            yield node.problem(where, f"'{detail['loc'][-1]}' is missing")
        else:
            cause = detail.get("ctx", {}).get("error")
            hint = cause.hint if isinstance(cause, WordError) else ""
            yield node.problem(where, _message(detail), hint)


def _problem(
    node: Node, parent: Node | None, known: Path, where: str, message: str, hint: str, detail: ErrorDetails
) -> Problem:
    if detail["loc"][-1:] == ("[key]",) and parent is not None:
        return parent.problem(where, message.partition(", not ")[0], hint, key=known[-1])
    return node.problem(where, message, hint)


def _expected(detail: ErrorDetails) -> str | None:
    """What kind of value was expected; None if the kind was right and something else is wrong."""
    if detail["type"] == "literal_error":
        return str(detail["ctx"]["expected"])
    return _EXPECTED.get(detail["type"])


def _found(node: Node) -> str:
    if isinstance(node.value, dict):
        return ", not a mapping"
    if isinstance(node.value, list):
        return ", not a list"
    return ", and there is nothing" if node.value is None else f", not {printable(repr(node.value), 60)}"


def _message(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] in _LIMITS:
        word, limit = _LIMITS[detail["type"]]
        return f"must be {word} {context[limit]:g}"
    if detail["type"] == "value_error":
        return str(context["error"])
    if detail["type"] == "too_short":
        least = context["min_length"]
        return f"expected at least {least} element{'s' if least > 1 else ''}"
    if detail["type"] == "too_long":
        return f"expected at most {context['max_length']} elements"
    return detail["msg"][:1].lower() + detail["msg"][1:]
