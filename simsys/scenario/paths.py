"""Paths: how errors, `--set` and sweeps name a value of a scenario.

`load.rate`, `stations.database.ops.insert`, `events.0.at`; a step with a dot or a space is quoted:
`sweep."load.rate"`. An element of `strategies` is found by its name or its number, and its knobs follow at
once: `strategies.hybrid.celebrity`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from simsys.scenario.errors import Problem, nearest
from simsys.scenario.guard import Node
from simsys.units import printable

Path: TypeAlias = tuple[str, ...]

_KINDS = ("rate", "stages", "trace", "at_once", "clients")

ALTERNATIVES: dict[Path, tuple[tuple[str, ...], ...]] = {
    ("load",): (_KINDS, ("mix", "read_write_ratio")),
    ("run",): (("duration", "requests"), ("replications", "precision")),
    ("caches", "*"): (("entries", "bytes"),),
}
"""Of these keys a mapping has one; setting one removes the others."""

_COMPANIONS = {"think": ("clients",), "arrivals": ("rate", "stages")}
"""Keys of `load` that go only with some kinds of load; setting another kind removes them."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(r'([A-Za-z0-9_-]+)|"([^"]+)"')
_MOST_STEPS = 32


class PathError(ValueError):
    """A path that leads nowhere; `path` is how far it leads, `hint` the nearest right word."""

    def __init__(self, message: str, path: Path = (), hint: str = "") -> None:
        super().__init__(message)
        self.path, self.hint = path, hint


def parse_path(text: str) -> Path:
    """The steps of a path."""
    steps, at = [], 0
    while match := _STEP.match(text, at):
        steps.append(match[1] or match[2])
        at = match.end() + 1
        if match.end() == len(text):
            return tuple(steps)
        if text[match.end()] != "." or len(steps) == _MOST_STEPS:
            break
    raise PathError(f"a path such as load.rate is needed, not '{printable(text, 64)}'")


def show_path(path: Path) -> str:
    """The text of a path, which `parse_path` reads back."""
    return ".".join(step if _WORD.fullmatch(step) else f'"{printable(step, 64)}"' for step in path)


def element_name(node: Node) -> str:
    """The name of an element of `strategies`: a word, the one key of a mapping, a flow's own; else empty."""
    if isinstance(node.value, str):
        return node.value
    if not isinstance(node.value, dict) or len(node.value) != 1:
        return ""
    (kind,) = node.value
    if kind != "flow":
        return kind
    inner = node.value[kind].value
    name = inner["name"].value if isinstance(inner, dict) and "name" in inner else ""
    return name if isinstance(name, str) else ""


def element_steps(elements: list[Node]) -> list[str]:
    """How a path names each element of `strategies`: by its name if no other has it, else by its number."""
    names = [element_name(element) for element in elements]
    return [name if name and names.count(name) == 1 else str(index) for index, name in enumerate(names)]


def find(tree: Node, path: Path) -> Node:
    """The node at a path."""
    node = tree
    for depth, step in enumerate(path):
        if isinstance(node.value, list):
            node = node.value[_index(node, path, depth)]
            if _is_element(path, depth):
                node = _knobs(node)
        elif isinstance(node.value, dict) and step in node.value:
            node = node.value[step]
        else:
            raise _nowhere(node, path, depth)
    return node


def set_value(tree: Node, path: Path, value: Node) -> Node:
    """The tree with `value` at `path`: what is missing on the way is made, alternatives of the key go."""
    return _changed(tree, path, 0, lambda node: _with(node, path, value))


def remove(tree: Node, path: Path) -> Node:
    """The tree without the key at `path`."""
    find(tree, path)
    return _changed(tree, path, 0, lambda node: without(node, path[-1]))


def with_key(node: Node, path: Path, key: str, value: Node) -> Node:
    """The mapping at `path` with `key` added or replaced, without the alternatives of `key`."""
    assert isinstance(node.value, dict)
    gone = rivals(path, key)
    kept = {name: child for name, child in node.value.items() if name not in gone}
    mark = node.marks.get(key, value.mark)
    return Node({**kept, key: value}, node.source, node.mark, {**node.marks, key: mark})


def without(node: Node, key: str) -> Node:
    """The mapping without `key`, or the list without the element of that number or name."""
    if isinstance(node.value, list):
        index = _index(node, (key,), 0)
        return Node(node.value[:index] + node.value[index + 1 :], node.source, node.mark)
    assert isinstance(node.value, dict)
    kept = {name: child for name, child in node.value.items() if name != key}
    return Node(kept, node.source, node.mark, node.marks)


def rivals(path: Path, key: str) -> set[str]:
    """The keys that cannot stand beside `key` in the mapping at `path`."""
    pattern = ("caches", "*") if len(path) == 2 and path[0] == "caches" else path
    gone = {name for group in ALTERNATIVES.get(pattern, ()) if key in group for name in group} - {key}
    if path == ("load",) and key in _KINDS:
        gone |= {name for name, kinds in _COMPANIONS.items() if key not in kinds}
    return gone


def _with(node: Node, path: Path, value: Node) -> Node:
    key = path[-1]
    if isinstance(node.value, list):
        index = _index(node, path, len(path) - 1)
        items = list(node.value)
        items[index] = _element(items[index], value) if _is_element(path, len(path) - 1) else value
        return Node(items, node.source, node.mark)
    if not isinstance(node.value, dict):
        raise _nowhere(node, path, len(path) - 1)
    return with_key(node, path[:-1], key, value)


def _changed(node: Node, path: Path, depth: int, change: Callable[[Node], Node]) -> Node:
    """The node with `change` made to the parent of the path's end."""
    if depth == len(path) - 1:
        return change(node)
    step = path[depth]
    if isinstance(node.value, list):
        index = _index(node, path, depth)
        items = list(node.value)
        if _is_element(path, depth):
            items[index] = _element(items[index], _changed(_knobs(items[index]), path, depth + 1, change))
        else:
            items[index] = _changed(items[index], path, depth + 1, change)
        return Node(items, node.source, node.mark)
    if not isinstance(node.value, dict):
        raise _nowhere(node, path, depth)
    if step not in node.value and path[depth + 1].isdecimal():
        raise _nowhere(Node([], node.source), path, depth + 1)
    child = node.value.get(step) or Node({}, node.source, node.mark)
    return with_key(node, path[:depth], step, _changed(child, path, depth + 1, change))


def _is_element(path: Path, depth: int) -> bool:
    return depth == 1 and path[0] == "strategies"


def _knobs(element: Node) -> Node:
    if isinstance(element.value, dict) and len(element.value) == 1:
        (node,) = element.value.values()
        return node
    return Node({}, element.source, element.mark)


def _element(old: Node, knobs: Node) -> Node:
    """The element with other knobs."""
    kind = next(iter(old.value)) if isinstance(old.value, dict) else str(old.value)
    return Node({kind: knobs}, old.source, old.mark, {kind: old.marks.get(kind, old.mark)})


def _index(node: Node, path: Path, depth: int) -> int:
    """Which element of a list the step means, by number or by name."""
    assert isinstance(node.value, list)
    step = path[depth]
    if step.isdecimal() and len(step) < 10:
        if int(step) < len(node.value):
            return int(step)
        raise PathError(f"there is no element {step}: the list has {len(node.value)}", path[:depth])
    elements = [element_name(child) for child in node.value]
    if elements.count(step) == 1:
        return elements.index(step)
    if elements.count(step) > 1:
        first = elements.index(step)
        message = f"'{step}' stands more than once: use its number, the first is {first}"
        raise PathError(message, path[: depth + 1])
    raise _nowhere(node, path, depth)


def _nowhere(node: Node, path: Path, depth: int) -> PathError:
    if not isinstance(node.value, list | dict):
        return PathError("there is only a single value", path[:depth])
    known = node.value if isinstance(node.value, dict) else filter(None, map(element_name, node.value))
    return PathError(f"there is no '{printable(path[depth], 64)}'", path[:depth], nearest(path[depth], known))


class Place(NamedTuple):
    """A path of the file; where the file does not say it, the place of what stands above it."""

    tree: Node
    path: Path

    def problem(self, message: str, hint: str = "") -> Problem:
        """A problem here."""
        return self._node().problem(show_path(self.path), message, hint)

    def _node(self) -> Node:
        for length in range(len(self.path), 0, -1):
            try:
                node = find(self.tree, self.path[:length])
            except PathError:
                continue
            if node.source is self.tree.source or node.source.name.startswith("--set"):
                return node
        return self.tree
