"""A traced plan as an outline: a list of steps, each with the lists of steps that hang on it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from simsys.engines.trace import Do, End, Tree
from simsys.expressions import Expression
from simsys.steps import (
    All,
    Chance,
    Drop,
    Each,
    Fill,
    Hold,
    Join,
    Key,
    Lookup,
    Mark,
    Start,
    Visit,
    Within,
    plan_name,
)
from simsys.units import show_count, show_duration, show_share


@dataclass(frozen=True)
class Item:
    """A step or a question, and what hangs on it: (how it hangs, its steps)."""

    label: str
    parts: tuple[tuple[str, tuple[Item, ...]], ...] = ()
    question: bool = False


def outline(tree: Tree) -> tuple[Item, ...]:
    """The steps of a plan in order; where both answers to a question end alike, that end is told once."""
    return _items(tree, {})


def _items(tree: Tree, outcomes: dict[int, str]) -> tuple[Item, ...]:
    if isinstance(tree, End):
        return (Item("end with False"),) if tree.value is False else ()
    if isinstance(tree, Do):
        parts = tuple((how, outline(plan)) for how, plan in zip(_hangs(tree.step), tree.plans, strict=True))
        outcomes = {**outcomes, tree.number: _outcome(tree.step)}
        return (Item(_label(tree.step), parts), *_items(tree.then, outcomes))
    yes, no = _items(tree.yes, outcomes), _items(tree.no, outcomes)
    same = _same_end(yes, no)
    parts = (("yes", yes[: len(yes) - same]), ("no", no[: len(no) - same]))
    shown = tuple((answer, items) for answer, items in parts if items)
    question = (Item(_question(tree.condition, outcomes), shown, question=True),) if shown else ()
    return question + yes[len(yes) - same :]


def _same_end(yes: tuple[Item, ...], no: tuple[Item, ...]) -> int:
    """With how many steps both lists end alike."""
    pairs = zip(reversed(yes), reversed(no), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _n(n: Any) -> str:
    return "" if not isinstance(n, Expression) and n == 1 else f" × {_text(n)}"


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Expression) else show_count(float(value))


def _key(key: Any) -> str:
    if key is None:
        return ""
    return (
        {Key.SPREAD: ", over all shards", Key.ANY: ", at any shard"}[key]
        if isinstance(key, Key)
        else f", by {_text(key)}"
    )


def _label(step: Any) -> str:
    """A step in words."""
    if isinstance(step, Visit):
        of = f", at one of {step.of} shards" if step.of > 1 else f", over {step.over} shards" if step.over > 1 else ""
        return f"visit {step.station}.{step.op}{_n(step.n)}{_key(step.key)}{of}"
    if isinstance(step, Hold):
        return f"hold {step.station}{_key(step.key)}"
    if isinstance(step, Each | Start):
        word = "start" if isinstance(step, Start) else "each"
        batch = f" in batches of {_text(step.batch)}" if isinstance(step.batch, Expression) or step.batch != 1 else ""
        width = f", {step.width} at a time" if isinstance(step, Each) and step.width else ""
        return f"{word} {plan_name(step.plan)}{_n(step.n)}{batch}{width}"
    if isinstance(step, All):
        return "all of"
    if isinstance(step, Join):
        return f"join {step.batch}"
    if isinstance(step, Within):
        return f"within {show_duration(step.limit)}"
    if isinstance(step, Chance):
        return f"chance {step.name}, {show_share(step.p)}"
    if isinstance(step, Mark):
        return f"mark {step.name}{_n(step.n)}"
    verb = {Lookup: "look up", Fill: "fill", Drop: "drop"}[type(step)]
    return f"{verb} {step.cache}{_key(step.key)}"


def _hangs(step: Any) -> list[str]:
    """How each plan of a step hangs on it."""
    if isinstance(step, All):
        return ["side by side"] * len(step.plans)
    if isinstance(step, Within):
        return ["in that time"] if step.also is None else ["first", "after that, beside it"]
    words = {
        Hold: "meanwhile",
        Each: "each",
        Start: "in the background",
        Join: "once for all",
    }
    return [words[type(step)]] if type(step) in words else []


def _outcome(step: Any) -> str:
    if isinstance(step, Lookup):
        return f"hit in {step.cache}"
    if isinstance(step, Chance):
        return f"{step.name} happens"
    if isinstance(step, Within):
        return "done in time" if step.also is None else "done by the first to end"
    return f"served by {step.station}" if isinstance(step, Visit | Hold) else "all done"


def _question(condition: Expression, outcomes: dict[int, str]) -> str:
    if condition.kind == "outcome":
        return f"{outcomes[condition.args[0]]}?"
    return f"{condition}?"
