"""The guard: YAML text to a tree of nodes that know their line and column, made from the parser's events.

Nothing of the file is built by the library. Tags, merge keys, directives, second documents, duplicate keys
and control characters are refused; size, depth, nodes and the expansion of aliases are bounded. A plain
scalar means what YAML 1.2's core schema says (`no` and `1:30` are text), except that a number must be finite.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from yaml import (
    AliasEvent,
    CSafeLoader,
    MappingEndEvent,
    MappingStartEvent,
    Mark,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    YAMLError,
)

from simsys.scenario.errors import Problem, ScenarioError, Source
from simsys.units import printable

Scalar: TypeAlias = "str | int | float | bool | None"

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_PROBLEMS = 200

_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_ESCAPED = re.compile(rf"{_FORBIDDEN.pattern}|\r")
_DIRECTIVE = re.compile(r"%(?<=^%)", re.MULTILINE)  # a letter that comes first is looked for twenty times as fast
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|0o(?P<oct>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BASES = {"int": 10, "oct": 8, "hex": 16}
_MAX_DIGITS = 100

START = Mark("", 0, 0, 0, None, 0)
"""Where a text begins."""
_NO_MARKS: Mapping[str, Mark] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Node:
    """A value and where it begins; `marks` say where a mapping's keys do.

    `ready`: what the value means, where that is known already.
    """

    value: Scalar | list[Node] | dict[str, Node]
    source: Source
    mark: Mark = START
    marks: Mapping[str, Mark] = field(default_factory=dict)
    ready: Any = None

    def plain(self) -> Any:
        """The bare value, without places; what is ready stays as it is."""
        if self.ready is not None:
            return self.ready
        value = self.value
        if isinstance(value, dict):
            return {key: node.plain() for key, node in value.items()}
        if isinstance(value, list):
            return [node.plain() for node in value]
        return value

    def problem(self, path: str, message: str, hint: str = "", key: str | None = None) -> Problem:
        """A problem at this node, or at one of its keys; a key that came from elsewhere is where its value is."""
        child = self.value.get(key or "") if isinstance(self.value, dict) else None
        if child is not None and child.source is not self.source:
            return child.problem(path, message, hint)
        return _at(self.source, self.marks.get(key or "", self.mark), path, message, hint)


def _at(source: Source, mark: Mark, path: str, message: str, hint: str = "") -> Problem:
    """A problem at a mark, which counts lines and columns from 0."""
    return Problem.at(source, mark.line + 1, mark.column + 1, path, message, hint)


def read_tree(content: bytes | str, name: str) -> tuple[Node, list[Problem]]:
    """The tree of a text called `name`, and what is wrong with it; ScenarioError if it has no tree at all."""
    source = _decoded(content, name)
    return _Reader(source).read()


def read_scalar(text: str) -> Scalar:
    """What a plain scalar means; ValueError if it is a number that is not finite."""
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    kind, digits = match.lastgroup, match[match.lastgroup or 0]
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number has at most {_MAX_DIGITS} digits")
    if kind in _BASES:
        return int(digits, _BASES[kind])
    number = float(digits) if kind == "float" else math.inf
    if not math.isfinite(number):
        raise ValueError("a number must be finite")
    return number


def _decoded(content: bytes | str, name: str) -> Source:
    empty = Source(name, "")
    if len(content) > MAX_BYTES:
        raise ScenarioError([Problem.at(empty, 1, 1, "", f"the file is larger than {MAX_BYTES >> 20} MiB")])
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        raise ScenarioError([_problem_after(empty, before, "the text is not UTF-8")]) from None
    source = Source(name, text.removeprefix("\ufeff"))
    for pattern, what in (_FORBIDDEN, "a control character"), (_DIRECTIVE, "a line that begins with %"):
        if found := pattern.search(source.text):
            before = source.text[: found.start()]
            raise ScenarioError([_problem_after(source, before, f"{what} is not allowed")])
    return source


def _problem_after(source: Source, before: str, message: str) -> Problem:
    lines = Source("", before).lines
    return Problem.at(source, len(lines), len(lines[-1]) + 1, "", message)


class _Reader:
    """Events of one document to nodes; counts nodes as if every alias were written out."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.count = self.height = 0
        self.next_event: Callable[[], Any] = CSafeLoader(source.text).get_event

    def read(self) -> tuple[Node, list[Problem]]:
        try:
            self.next_event()
            event = self.next_event()
            if isinstance(event, StreamEndEvent):
                raise self._stop(event, "it is empty")
            root = self._node(self.next_event(), 1)
            self.next_event()
            event = self.next_event()
            if not isinstance(event, StreamEndEvent):
                self._note(event, "a second document; a scenario is one")
        except YAMLError as error:
            raise ScenarioError([*self.problems, self._syntax(error)]) from None
        return root, self.problems

    def _syntax(self, error: YAMLError) -> Problem:
        mark, context_mark = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        last = self.source.text.rstrip().count("\n")
        if mark is None or (context_mark is not None and mark.line > last):
            mark = context_mark
        context, problem = getattr(error, "context", None), getattr(error, "problem", None)
        text = ", ".join(str(part) for part in (context, problem) if part) or "it cannot be read"
        return _at(self.source, mark or START, "", f"this is not YAML: {text}")

    def _problem(self, event: Any, message: str) -> Problem:
        return _at(self.source, event.start_mark, "", message)

    def _note(self, event: Any, message: str) -> None:
        self.problems.append(self._problem(event, message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise ScenarioError(self.problems)

    def _stop(self, event: Any, message: str) -> ScenarioError:
        return ScenarioError([*self.problems, self._problem(event, message)])

    def _bounded(self, event: Any, depth: int) -> None:
        self.height = max(self.height, depth)
        if depth > MAX_DEPTH:
            raise self._stop(event, f"nested more than {MAX_DEPTH} levels deep")
        if self.count > MAX_NODES:
            raise self._stop(event, f"more than {MAX_NODES} values, aliases written out")

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        self.count += 1
        if depth > self.height or self.count > MAX_NODES:
            self._bounded(event, depth)
        if event.tag is not None:
            self._note(event, f"the tag {printable(str(event.tag))} is not allowed")
        anchor = event.anchor
        if anchor is not None:
            before, outer, self.height = self.count - 1, self.height, depth
        marks = _NO_MARKS
        value: Scalar | list[Node] | dict[str, Node]
        if kind is ScalarEvent:
            value = self._scalar(event)
        elif kind is MappingStartEvent:
            value, marks = self._mapping(depth)
        else:
            value = self._sequence(depth)
        node = Node(value, self.source, event.start_mark, marks)
        if anchor is not None:
            self.anchors[anchor] = (node, self.count - before, self.height - depth)
            self.height = max(outer, self.height)
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        node, nodes, height = self.anchors.get(event.anchor, (None, 1, 0))
        self.count += nodes
        self._bounded(event, depth + height)
        if node is None:
            self._note(event, f"nothing above is called &{printable(event.anchor, 64)}")
            return Node(None, self.source, event.start_mark)
        return node

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        if event.style == '"' and _ESCAPED.search(text):
            self._note(event, "a control character is not allowed")
        if not event.implicit[0] and event.tag is None:
            return text
        try:
            return read_scalar(text)
        except ValueError as error:
            self._note(event, str(error))
            return None

    def _sequence(self, depth: int) -> list[Node]:
        nodes, next_event, node = [], self.next_event, self._node
        while type(event := next_event()) is not SequenceEndEvent:
            nodes.append(node(event, depth + 1))
        return nodes

    def _mapping(self, depth: int) -> tuple[dict[str, Node], dict[str, Mark]]:
        nodes: dict[str, Node] = {}
        marks: dict[str, Mark] = {}
        next_event, node = self.next_event, self._node
        while type(event := next_event()) is not MappingEndEvent:
            key = self._key(event, depth)
            value = node(next_event(), depth + 1)
            if key is None:
                continue
            if key in nodes:
                self._note(event, f"the key {printable(key, 64)!r} stands twice")
                continue
            nodes[key], marks[key] = value, event.start_mark
        return nodes, marks

    def _key(self, event: Any, depth: int) -> str | None:
        if type(event) is not ScalarEvent:
            self._node(event, depth + 1)
            self._note(event, "a key must be a word")
            return None
        if event.tag is not None or event.anchor is not None:
            self._note(event, "a key has no tag and no anchor")
        key: str = event.value
        if key == "<<":
            self._note(event, "merge keys (<<) are not allowed; write the keys out")
            return None
        if event.style == '"' and _ESCAPED.search(key):
            self._note(event, "a control character is not allowed")
        self.count += 1
        if self.count > MAX_NODES:
            self._bounded(event, depth)
        return key
