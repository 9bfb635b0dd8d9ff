"""Flows: plans written in YAML with the same steps, so that nobody needs Python to try an architecture.

A flow is a mapping from operations to lists of forms (`forms.py`), beside its name and what it keeps (`stores.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from simsys.steps import Plan
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.forms import NAME, NAMED, read_plan
from simsys.strategies.stores import Stored, stored
from simsys.strategies.values import FlowError, Reader


@dataclass(frozen=True)
class Written:
    """The mapping that a flow is read from, known by its text."""

    text: str = ""
    data: Any = field(default=None, compare=False, repr=False)


class Flow(Strategy):
    """A strategy whose plans are lists of forms; `name` is how reports call it, `written` what it was read from, which
    tells two of them apart, `stores` what it keeps.
    """

    name: str = "flow"
    written: Written = Written()
    plans: Mapping[str, Plan] = field(default_factory=dict, compare=False)
    stores: tuple[Stored, ...] = field(default=(), compare=False)
    family: ClassVar[str] = ""

    def plan(self, op: str) -> Plan | None:
        return self.plans.get(op)

    def keeps(self, world: World) -> Iterator[Keep]:
        return (store.keep(world) for store in self.stores)


def parse(data: Any) -> Flow:
    """The flow that a scenario describes: {name: …, keeps: {…}, operation: [form, …], …}.

    Raises `FlowError` with all that is wrong: (path, message, wrong word, right words).
    """
    return _parsed(Written(repr(data), data))


@lru_cache(maxsize=256)
def _parsed(written: Written) -> Flow:
    reader, data = Reader(), written.data
    if not isinstance(data, dict):
        raise FlowError([((), "a flow is a mapping: name, and a list of steps per operation", None, ())])
    name = data.get("name", "flow")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        reader.wrong(("name",), NAMED)
    ops = {op: forms for op, forms in data.items() if op not in ("name", "keeps")}
    plans = {op: read_plan(reader, forms, (str(op),), str(op)) for op, forms in ops.items()}
    stores = tuple(stored(reader, data["keeps"], plans)) if "keeps" in data else ()
    if not plans:
        reader.wrong((), "a flow needs a list of steps for at least one operation")
    reader.raise_all()
    return Flow(str(name), written, plans, stores)
