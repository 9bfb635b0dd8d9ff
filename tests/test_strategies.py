"""What every strategy owes: a docstring with demand and source, knobs with a comment, plans that can be traced, and
stations that exist; and what everybody else owes them: to know none of them by name.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import yaml
from test_defaults import GIVEN

from simsys import strategies
from simsys.engines.trace import steps_of, trace
from simsys.expressions import Untraceable
from simsys.steps import Drop, Fill, Join, Lookup, Visit
from simsys.strategies import HasStorage, Strategy
from simsys.strategies.storage.btree import Btree
from simsys.structures.storage import ACCESS, Data

SHIPPED = [name for name in strategies.names() if strategies.find(name).__module__.startswith("simsys.strategies.")]
OPERATIONS = {"feed": {"read", "post"}, "storage": set(ACCESS), "batch": {"job"}}
COLUMNS = {"feed": ("user", "followers", "following", "active", "size", "page"), "storage": ("key", "size", "page"),
           "batch": ("size", "page")}
BY_EDGE = ("posts", "reads")
"""What requests say besides where it is known who follows whom."""
ONLY_BY_EDGE = {"per_edge"}
BLIND = ("engines", "experiment", "measure", "structures", "workload", "steps", "stations", "expressions", "draws")


def variants(strategy: Strategy) -> Iterator[Strategy]:
    """The strategy, and the same with each knob turned to each other value that it could have."""
    yield strategy
    hints = get_type_hints(type(strategy))
    for knob in dataclasses.fields(strategy):  # type: ignore[arg-type]
        value = getattr(strategy, knob.name)
        if isinstance(value, Strategy):
            others: list[Any] = [other for other in variants(value) if other != value]
        else:
            others = [other for other in alternatives(hints[knob.name]) if other != value]
        yield from (dataclasses.replace(strategy, **{knob.name: other}) for other in others)  # type: ignore[type-var]


def alternatives(hint: Any) -> list[Any]:
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    samples: dict[type, list[Any]] = {bool: [True, False], int: [7], float: [7.0, 1e9], type(None): [None]}
    return [value for kind in get_args(hint) or (hint,) for value in samples.get(kind, [])]


def breaches(cls: type[Strategy]) -> list[str]:
    """What a strategy owes and does not give."""
    doc = inspect.getdoc(cls) or ""
    found = [f"no {word} in the docstring" for word in ("Demand ", "Source: ") if word not in doc]
    source = inspect.getsource(cls)
    for knob in dataclasses.fields(cls):  # type: ignore[arg-type]
        if not re.search(rf"^ +# \w.+\n +{knob.name}: |^ +{knob.name}: .+?=.+?  # \w", source, re.M):
            found.append(f"{knob.name}: no comment")
    missing = [op for op in OPERATIONS[cls.family] if cls().plan(op) is None]
    found += [f"no plan for {op}" for op in missing]
    if not missing:
        found += dict.fromkeys(fault for strategy in variants(cls()) for fault in faults(strategy))
    if (said := counts(cls())) != cls.counts:
        found.append(f"counts {cls.counts}, but its storage says {said}")
    return found


def counts(strategy: Strategy) -> tuple[str, ...]:
    """What a strategy's storage says of requests of each kind; nothing where it has none."""
    if not isinstance(strategy, HasStorage):
        return ()
    kinds = np.array(sorted(set(ACCESS.values())))
    storage = strategy.storage(Data(np.arange(100), 1000.0, 1000))
    return tuple(storage.play(kinds, 100 + kinds, np.ones_like(kinds)))


def faults(strategy: Strategy) -> Iterator[str]:
    """Plans that cannot be traced, and names that the family's defaults do not have."""
    family = strategy.family
    some = [(*COLUMNS[family], *BY_EDGE)]
    if strategies.strategy_name(type(strategy)) not in ONLY_BY_EDGE:
        some.append(COLUMNS[family])
    for op, columns in product(sorted(OPERATIONS[family]), some):
        plan = strategy.plan(op)
        assert plan is not None
        try:
            tree = trace(plan, (*columns, *strategy.counts))
        except (Untraceable, AttributeError) as reason:
            yield f"{op}: {reason}"
            continue
        for step in steps_of(tree):
            yield from unknown(step, family)


@cache
def defaults(family: str) -> Any:
    return yaml.safe_load(strategies.defaults(family).read_text(encoding="utf-8"))


def unknown(step: Any, family: str) -> Iterator[str]:
    nouns = defaults(family)
    if isinstance(step, Lookup | Fill | Drop) and step.cache not in {*nouns.get("caches", {}), *GIVEN}:
        yield f"no cache {step.cache}"
    if isinstance(step, Join) and step.batch not in nouns.get("batches", {}):
        yield f"no batch {step.batch}"
    if hasattr(step, "station"):
        station = nouns["stations"].get(step.station)
        if station is None:
            yield f"no station {step.station}"
        elif isinstance(step, Visit) and step.op not in station["ops"]:
            yield f"no {step.station}.{step.op}"


def test_the_shipped_strategies_are_found() -> None:
    assert {"pull", "cached_pull", "push", "hybrid"} <= set(SHIPPED)
    assert len(list(variants(strategies.find("push")()))) > 8  # type: ignore[misc]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_strategy_keeps_its_contract(name: str) -> None:
    cls = strategies.find(name)
    assert cls is not None
    assert breaches(cls) == []


def _undocumented() -> type[Strategy]:
    class Mute(Strategy):
        """Demand per read: nothing."""

        knob: int = 3

        def read(self, r: Any) -> Iterator[Any]:
            yield Visit("api", "read")

        def post(self, r: Any) -> Iterator[Any]:
            yield Visit("api", "post")

    return Mute


def _without_posts() -> type[Strategy]:
    class Silent(Strategy):
        """Demand per read: nothing. Source: none."""

        def read(self, r: Any) -> Iterator[Any]:
            yield Visit("api", "read")

    return Silent


def _at_sea() -> type[Strategy]:
    class Adrift(Strategy):
        """Demand per read: nothing. Source: none."""

        deep: bool = False  # whether it goes under

        def read(self, r: Any) -> Iterator[Any]:
            yield Visit("api", "red")
            yield Lookup("fed", r.user)

        def post(self, r: Any) -> Iterator[Any]:
            for _ in range(r.followers if self.deep else 1):
                yield Visit("apy", "post")

    return Adrift


def _counting(said: tuple[str, ...], has_storage: bool) -> Callable[[], type[Strategy]]:
    def make() -> type[Strategy]:
        class Guess(Strategy):
            """Demand per read: nothing. Source: none."""

            operations, family, counts = tuple(ACCESS), "storage", said

            def read(self, r: Any) -> Iterator[Any]:
                yield Visit("cpu", "read")

            post = update = insert = scan = modify = delete = read

        if has_storage:
            Guess.storage = lambda self, data: Btree().storage(data)  # type: ignore[attr-defined]
        return Guess

    return make


TOLD = Btree.counts
LOOKED_INTO = "`followers` is not a number yet: a plan must not look into it"


@pytest.mark.parametrize(
    ("make", "owed"),
    [
        (_undocumented, ["no Source:  in the docstring", "knob: no comment"]),
        (_without_posts, ["no plan for post"]),
        (
            _at_sea,
            ["no station apy", "no api.red", "no cache fed", f"post: {LOOKED_INTO}"],
        ),
        (_counting(TOLD, has_storage=True), []),
        (_counting((), has_storage=True), [f"counts (), but its storage says {TOLD}"]),
        (_counting(TOLD[:2], has_storage=True), [f"counts {TOLD[:2]}, but its storage says {TOLD}"]),
        (_counting(TOLD, has_storage=False), [f"counts {TOLD}, but its storage says ()"]),
    ],
)
def test_a_breach_is_noticed(make: Callable[[], type[Strategy]], owed: list[str]) -> None:
    """Mutants."""
    cls = make()
    try:
        assert breaches(cls) == owed
    finally:
        del strategies._known[strategies.strategy_name(cls)]


# -- by name -------------------------------------------------------------------------------------------------------


def mentions(source: str, own: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    """(line, name) wherever a strategy stands by name: as an identifier, an import, or a word of a text. `own` are
    names that mean something else there.
    """
    tree = ast.parse(source)
    names = set(SHIPPED) | {strategies.find(name).__name__ for name in SHIPPED}  # type: ignore[union-attr]
    names -= own
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        for text in words(node) if id(node) not in docs else []:
            found += [(getattr(node, "lineno", 0), word) for word in re.findall(r"\w+", text) if word in names]
    return sorted(found)


def words(node: ast.AST) -> list[str]:
    if isinstance(node, ast.alias):
        return [node.name]
    fields = (getattr(node, name, None) for name in ("id", "attr", "arg", "name", "module", "value"))
    return [value for value in fields if isinstance(value, str)]


def test_only_strategies_know_strategies_by_name(repository: Path) -> None:
    files = [path for path in (repository / "simsys").rglob("*.py") if path.relative_to(repository).parts[1] in BLIND]
    files += [repository / "simsys" / f"{room}.py" for room in BLIND if (repository / "simsys" / f"{room}.py").exists()]
    assert len(files) > 30
    trees = frozenset({"lsm", "Lsm", "btree", "Btree"})  # structures, after which strategies are called
    found = {
        path.name: mentions(path.read_text(encoding="utf-8"), trees if "structures" in path.parts else frozenset())
        for path in files
    }
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from simsys.strategies.feed.push import Push",
        "import simsys.strategies.feed.hybrid",
        "isinstance(strategy, strategies.Hybrid)",
        "if strategy == 'cached_pull': pass",
        "workers = 3 if label.startswith('push ') else 1",
        "def play(pull): return pull",
    ],
)
def test_a_name_is_noticed(line: str) -> None:
    """Mutants; a longer word is no mention."""
    assert mentions(line)
    assert mentions(re.sub(r"(?i)(push|hybrid|pull)", r"\1ed", line)) == []
