"""What a scenario does not say: the documented defaults of simsys and of the strategies' families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, reduce
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from pydantic import Field

from simsys.money import FIGURES
from simsys.scenario.errors import ScenarioError, Source
from simsys.scenario.guard import Node, read_tree
from simsys.scenario.model import Retention, Scenario, usual_prices
from simsys.scenario.paths import Path, find, rivals, with_key
from simsys.scenario.run import Run
from simsys.scenario.uses import Use
from simsys.stations import Batch, Service, Station
from simsys.strategies import defaults as family_file
from simsys.structures.caches import CacheSpec
from simsys.units import Size, Spec

_FIGURE = {"value", "range", "source", "grade"}
_TIME = {"fixed", "per_item"}


class Figure(NamedTuple):
    """A default and where it comes from: value and range as written, the source, its grade from A to D."""

    path: Path
    value: Any
    range: Any
    source: str
    grade: str


class Defaults(NamedTuple):
    """Defaults: a tree of bare values, what they mean, and the figures among them that have a source."""

    tree: Node
    meant: dict[str, Any]
    figures: tuple[Figure, ...]


class _Nouns(Spec):
    """What a file of defaults may hold."""

    stations: dict[str, Station] = Field(default={})
    caches: dict[str, CacheSpec] = Field(default={})
    batches: dict[str, Batch] = Field(default={})
    sizes: dict[str, Size] = Field(default={})
    retention: Retention | None = None
    run: Run | None = None


def merged(scenario: Node, families: Iterable[str]) -> Node:
    """The scenario's tree with the defaults of these families under it, and those of simsys under both."""
    return _with_an_end(_merge(_under(tuple(dict.fromkeys(families))), scenario, ()))


@cache
def _under(families: tuple[str, ...]) -> Node:
    return reduce(lambda tree, family: _merge(tree, of_family(family).tree, ()), families, general().tree)


def figures(scenario: Scenario) -> Iterator[Figure]:
    """The sourced defaults that the scenario rests on: those it did not change."""
    families = dict.fromkeys(strategy.family for strategy in scenario.strategies)
    for _, meant, found in (*map(of_family, families), general()):
        yield from (figure for figure in found if _at(scenario, figure.path) == _at(meant, figure.path))
    usual = usual_prices()
    for name, (value, span, source, _, grade) in FIGURES.items():
        if getattr(scenario.prices, name) == getattr(usual, name):
            yield Figure(("prices", name), value, span, source, grade)


@cache
def general() -> Defaults:
    """What holds for every scenario."""
    return _read(resources.files(__package__) / "defaults.yaml", "defaults.yaml")


@cache
def of_family(family: str) -> Defaults:
    """The defaults of a family of strategies; none where the family is empty, as that of flows is."""
    if not family:
        return Defaults(Node({}, Source("", "")), {}, ())
    return _read(family_file(family), f"{family}/defaults.yaml")


@cache
def default_uses(family: str) -> frozenset[Use]:
    """What the defaults of a family speak of."""
    meant = of_family(family).meant
    stations: Mapping[str, Station] = meant.get("stations", {})
    operations = {Use("station", name, op) for name, station in stations.items() for op in station.ops}
    caches = {Use("cache", name) for name in meant.get("caches", ())}
    batches = {Use("batch", name) for name in meant.get("batches", ())}
    return frozenset(operations | {Use("station", name) for name in stations} | caches | batches)


def _read(file: Traversable, name: str) -> Defaults:
    tree, problems = read_tree(file.read_text(encoding="utf-8"), name)
    if problems:
        raise ScenarioError(problems)
    found: list[Figure] = []
    tree = _bare(tree, (), found)
    meant = dict(_Nouns.model_validate(tree.plain()))
    for name, station in meant["stations"].items():
        find(tree, ("stations", name)).ready = station
        for op, service in station.ops.items():
            find(tree, ("stations", name, "ops", op)).ready = service
    if meant["retention"] is not None:
        find(tree, ("retention",)).ready = meant["retention"]
    return Defaults(tree, meant, tuple(found))


def _at(noun: Any, path: Path) -> Any:
    for step in path:
        noun = noun.get(step) if isinstance(noun, Mapping) else getattr(noun, step, None)
    return noun


def _bare(node: Node, path: Path, found: list[Figure]) -> Node:
    """The node with each figure replaced by its value."""
    if not isinstance(node.value, dict):
        return node
    if "value" in node.value and node.value.keys() <= _FIGURE:
        plain = node.plain()
        found.append(Figure(path, plain["value"], plain.get("range"), plain["source"], plain["grade"]))
        return node.value["value"]
    inner = {key: _bare(child, (*path, key), found) for key, child in node.value.items()}
    return Node(inner, node.source, node.mark, node.marks)


def _merge(under: Node, over: Node, path: Path) -> Node:
    """`over`, and what only `under` has."""
    if not isinstance(under.value, dict) or not (isinstance(over.value, dict) or _is_service(path)):
        return over
    if _is_service(path):
        return _merge_service(under, over)
    if not _is_open(path):
        return over
    values = dict(under.value)
    for key, child in over.value.items():  # type: ignore[union-attr]
        old = values.get(key)
        values[key] = child if old is None else _merge(old, child, (*path, key))
        for rival in rivals(path, key) - over.value.keys():  # type: ignore[union-attr]
            values.pop(rival, None)
    return Node(values, over.source, over.mark, over.marks)


def _is_open(path: Path) -> bool:
    """Whether the mapping at a path is merged key by key; elsewhere what the scenario says replaces."""
    if len(path) < 2:
        return path[:1] not in {("load",), ("population",), ("sweep",)}
    return path[0] in ("stations", "caches", "batches") and (len(path) == 2 or path[2:] == ("ops",))


def _is_service(path: Path) -> bool:
    return len(path) == 4 and path[0] == "stations" and path[2] == "ops"


def _merge_service(under: Node, over: Node) -> Node:
    """An operation: its time is replaced as a whole; what else its default says stays unless given."""
    old, new = _service(under), _service(over)
    kept = {key: node for key, node in old.items() if key not in _TIME or not new.keys() & _TIME}
    return Node({**kept, **new}, over.source, over.mark, over.marks)


def _service(node: Node) -> dict[str, Node]:
    if isinstance(node.value, dict) and node.value.keys() & Service.model_fields.keys():
        return node.value
    return {"per_item": node}


def _with_an_end(tree: Node) -> Node:
    """A rate and clients never end: where nothing is said, after a minute."""
    assert isinstance(tree.value, dict)
    load, run = tree.value.get("load"), tree.value["run"]
    endless = load is not None and isinstance(load.value, dict) and load.value.keys() & {"rate", "clients"}
    if endless and isinstance(run.value, dict) and not run.value.keys() & {"duration", "requests"}:
        minute = Node("60s", run.source, run.mark)
        return with_key(tree, (), "run", with_key(run, ("run",), "duration", minute))
    return tree
