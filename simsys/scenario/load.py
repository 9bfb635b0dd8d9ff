"""From a file or text to a checked scenario; whatever is wrong is said at once, in a `ScenarioError`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from simsys.scenario.complaints import complaints
from simsys.scenario.defaults import merged
from simsys.scenario.errors import Problem, ScenarioError, Source
from simsys.scenario.guard import MAX_BYTES, Node, read_tree
from simsys.scenario.knobs import families, read_strategies
from simsys.scenario.model import Scenario
from simsys.scenario.paths import Path as Steps
from simsys.scenario.paths import PathError, find, parse_path, set_value, show_path
from simsys.scenario.references import checked
from simsys.scenario.schema import allowed
from simsys.scenario.shipped import find_scenario
from simsys.scenario.sweep import STEPS
from simsys.strategies import Strategy


def load_scenario(
    what: Path | str, sets: Iterable[str] = (), name: str | None = None, steps: Sequence[int] = ()
) -> Scenario:
    """The scenario of a file, of a shipped scenario's name, or of a YAML text (which has more than one line).

    `sets` are `path=value` as given to `--set`; before them, it is set what the steps of its sweep with these numbers
    say. Relative file names start at the file's folder; those of a text at the current one. Raises ScenarioError.
    """
    if isinstance(what, str) and "\n" in what:
        return read_scenario(what, sets, name or "scenario", Path(), steps=steps)
    path = what if isinstance(what, Path) else find_scenario(what)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise ScenarioError([Problem(str(path), 1, 1, "", reason)]) from None
    return read_scenario(content, sets, name or _name(path), path.parent, str(path), steps)


def read_scenario(
    content: bytes | str,
    sets: Iterable[str],
    name: str,
    folder: Path,
    file: str = "scenario",
    steps: Sequence[int] = (),
) -> Scenario:
    """The scenario of a text that comes from `file`. Raises ScenarioError."""
    tree, problems = read_tree(content, file)
    if not isinstance(tree.value, dict):
        raise ScenarioError([*problems, tree.problem("", "expected keys with values, such as load: {rate: 5k/s}")])
    changes = list(_changes(sets, problems))
    tree = _changed(tree, (c for c in changes if c.path[0] == "sweep"), problems)
    changes = [*chain.from_iterable(_stepped(tree, number) for number in steps), *changes]
    tree = _changed(tree, (c for c in changes if c.path[0] == "strategies"), problems)
    strategies, found = read_strategies(tree)
    tree = merged(tree, families() if found else [strategy.family for strategy in strategies])
    tree = _changed(tree, (c for c in changes if c.path[0] != "strategies"), problems)
    scenario = _validated(tree, strategies, folder, problems)
    if problems or found or scenario is None:
        raise ScenarioError(problems + found)
    scenario.name_it(name, folder)
    scenario, problems = checked(scenario, tree)
    if problems:
        raise ScenarioError(problems)
    return scenario


class Change(NamedTuple):
    """A `--set`, or what a step sets: where, what, and the option as it was given, or its place in the file."""

    path: Steps
    value: Node
    given: Node


def _stepped(tree: Node, number: int) -> Iterator[Change]:
    """What a step of the sweep sets."""
    step = find(tree, ("sweep", STEPS, str(number))).value
    if isinstance(step, dict) and "set" in step:
        given = step["set"].value
        for path, value in given.items() if isinstance(given, dict) else ():
            yield Change(parse_path(path), value, value)


def _changes(sets: Iterable[str], problems: list[Problem]) -> Iterator[Change]:
    for text in sets:
        option = Node(text, Source("--set", text))
        path, equals, value = text.partition("=")
        try:
            if not equals:
                raise PathError("expected path=value, as in load.rate=5k/s")
            steps = parse_path(path.strip())
            node, found = read_tree(value, f"--set {path.strip()}")
            problems += found
            yield Change(steps, node, option)
        except PathError as error:
            problems.append(option.problem(show_path(error.path), str(error), error.hint))
        except ScenarioError as error:
            problems += error.problems


def _changed(tree: Node, changes: Iterable[Change], problems: list[Problem]) -> Node:
    for path, value, given in changes:
        try:
            tree = set_value(tree, path, value)
        except PathError as error:
            problems.append(given.problem(show_path(error.path), str(error), error.hint))
    return tree


def _validated(tree: Node, strategies: Sequence[Strategy], folder: Path, problems: list[Problem]) -> Scenario | None:
    """The scenario of a merged tree; what is wrong with it is added to the problems found at other places."""
    assert isinstance(tree.value, dict)
    data: dict[str, Any] = {key: node.plain() for key, node in tree.value.items() if key != "strategies"}
    data["strategies"] = tuple(strategies)
    try:
        return Scenario.model_validate(data, context={"folder": folder, "folders": (folder,)})
    except ValidationError as error:
        told = {(problem.file, problem.line, problem.column) for problem in problems}
        found = complaints(error, tree, (), allowed)
        problems += [p for p in found if (p.file, p.line, p.column) not in told]
        return None


def _name(path: Path) -> str:
    """A name that is safe as a folder's, from a file's."""
    return re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-")[:64] or "scenario"
