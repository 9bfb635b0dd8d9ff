"""Programs: the rows that a plan becomes, and what the kernel has no room for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from worlds import station

from simsys import draws
from simsys.engines import compiler
from simsys.engines import program as p
from simsys.engines.layout import Layout
from simsys.engines.model import Model
from simsys.engines.rows import Luck
from simsys.engines.trace import trace
from simsys.expressions import Untraceable, least
from simsys.steps import All, Chance, Drop, Each, Fill, Hold, Key, Lookup, Mark, Start, Visit

COLUMNS = ("user", "followers", "following")
STATIONS = {"api": station(2, read="1ms", write="2ms"), "database": station(4, get="3ms")}


def program(**plans: Any) -> p.Program:
    """The program of these plans by operation."""
    trees = {op: trace(plan, COLUMNS) for op, plan in plans.items()}
    return compiler.program(trees, STATIONS, ["feed"], [], "user")


def told(row: Any) -> dict[str, Any]:
    """The fields of a row that are not zero."""
    return {name: row[name].item() for name in row.dtype.names if row[name]}


def test_a_tiny_plan() -> None:
    def read(r: Any) -> Any:
        yield Visit("api", "write", key=Key.ANY)
        if (yield Lookup("feed", r.user)):
            return
        yield Visit("database", "get", n=2 * r.following, key=r.user, ask=True)
        yield Fill("feed", r.user)

    made = program(read=read)
    user = {"key_kind": p.COLUMN}
    assert made.columns == ("user", "following") and made.entries == {"read": 0}
    assert [told(row) for row in made.nodes] == [
        {"code": p.VISIT, "next": 1, "bit": -1, "timing": 1, "n_value": 1.0, "ahead": 1, "key_kind": p.ANY},
        {"code": p.LOOKUP, "next": 2, **user},
        {"code": p.IF, "next": 3, "other": 4, "n_kind": p.OUTCOME},
        {"n_value": 1.0},
        {
            "code": p.VISIT,
            "next": 5,
            "bit": -1,
            "what": 1,
            "timing": 2,
            "ask": 1,
            "ahead": 5,
            "n_kind": p.COMPUTED,
            **user,
        },
        {"code": p.FILL, "next": 6, "bit": -1, **user},
        {"n_value": 1.0},
    ]
    assert made.terms.tolist() == [
        (p.VALUE, p.CONSTANT, 0, 2.0),
        (p.VALUE, p.COLUMN, 1, 0.0),
        (p.OPERATORS.index("*"), 0, 0, 0.0),
        (p.STOP, 0, 0, 0.0),
    ]
    assert made.asked == {"read": {1: 1, 2: 1}}


def test_what_a_cache_will_be_asked_for_is_told_ahead_where_it_can_be() -> None:
    def read(r: Any) -> Any:
        yield Visit("api", "read")
        yield Visit("database", "get", key=r.user)
        yield Drop("feed", r.user)
        yield Visit("api", "read")
        yield Lookup("feed", 2 * r.user)
        yield Visit("api", "read")
        yield Fill("copies", r.user)
        yield Visit("api", "read")

    trees = {"read": trace(read, COLUMNS)}
    made = compiler.program(trees, STATIONS, ["feed", "copies", "copies"], [], "user")
    assert made.nodes["ahead"].tolist() == [2, 2, 0, 0, 0, 0, 0, 0, 0]


def test_plans_within_plans() -> None:
    def part(b: Any) -> Any:
        yield Mark("part", n=b.size)

    def held(r: Any) -> Any:
        yield Each(part, n=r.followers, batch=10, width=3)

    def write(r: Any) -> Any:
        yield Hold("database", held, key=7)
        yield Start(part, n=r.followed_above(100))
        yield All(held, held)

    made = program(write=write)
    step = {"bit": -1, "batch_value": 1.0}
    each = {"code": p.FORK, "width": 3, "n_kind": p.COLUMN, "batch_value": 10.0}
    assert [told(row) for row in made.nodes] == [
        {"code": p.HOLD, "next": 5, "bit": -1, "what": 1, "key_value": 7.0, "plan": 1},
        step | each | {"next": 4},
        {"code": p.MARK, "next": 3, "bit": -1, "n_kind": p.SIZE, "key_value": -1.0},
        {"n_value": 1.0},
        {"n_value": 1.0},
        step | {"code": p.START, "next": 6, "plan": 2, "n_kind": p.COLUMN, "n_arg": 1},
        {"code": p.FORK, "next": 9, "bit": -1, "plan": 4, "plans": 2},
        step | each | {"next": 8, "plan": 3},
        {"n_value": 1.0},
        {"n_value": 1.0},
    ]
    part_, held_ = (draws.name_id(name) for name in ("part", "held"))
    in_batches, on_hold, side_by_side = (2, part_, 0), (1, held_, 1), (7, held_, 1)
    assert made.plans.tolist() == [in_batches, on_hold, in_batches, in_batches, side_by_side, side_by_side]
    assert (made.columns, made.marks, made.counters) == (("followers", 100.0), ["part"], 2)


def test_what_may_be_asked_for_and_keys_that_are_none() -> None:
    def held(r: Any) -> Any:
        yield Visit("api", "read", key=Key.SPREAD)
        if r.followers > 5:
            yield Visit("api", "write", key=Key.ANY)
        else:
            yield Visit("api", "read", key=Key.ANY)

    def plan(r: Any) -> Any:
        yield Hold("database", held)
        yield Start(held)

    made = program(plan=plan)
    assert made.asked == {"plan": {0: 2, 1: 1}}
    assert made.nodes["key_kind"][made.nodes["code"] == p.VISIT].tolist() == 2 * [p.SPREAD, p.ANY, p.ANY]


def test_every_operator_has_its_number() -> None:
    def plan(r: Any) -> Any:
        yield Mark("n", n=least(r.user - 1, r.followers / 4))
        yield Chance(0.5, "coin")

    terms = program(plan=plan).terms["code"].tolist()
    assert [p.OPERATORS[code] for code in terms if code < p.STOP] == ["-", "/", "least"]


def many_outcomes(count: int) -> Any:
    def plan(r: Any) -> Any:
        total = 0
        for i in range(count):
            outcome = yield Chance(0.5, f"coin {i}")
            total = outcome + total
        yield Mark("heads", n=total)

    return plan


def many_plans(count: int) -> Any:
    def child(number: int) -> Any:
        def plan(b: Any) -> Any:
            yield Mark("child")

        plan.__qualname__ = plan.__name__ = f"child {number}"
        return plan

    children = [child(number) for number in range(count)]

    def plan(r: Any) -> Any:
        for each in children:
            yield Start(each)

    return plan


def long_sum(count: int) -> Any:
    def plan(r: Any) -> Any:
        total = r.user
        for _ in range(count):
            total = total + r.user
        yield Mark("n", n=total)

    return plan


def wide(r: Any) -> Any:
    yield Each(long_sum(1), n=4, width=r.followers)


def large(r: Any) -> Any:
    yield Mark("n", n=2**53 + 1)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (many_plans(p.MOST_NAMES + 1), f"children play more than {p.MOST_NAMES} plans"),
        (long_sum(p.MOST_STACK // 2), "an expression is too long"),
        (wide, "the width of a fork must be a constant"),
        (large, "9007199254740993 is no float64"),
    ],
)
def test_untraceable(plan: Any, message: str) -> None:
    with pytest.raises(Untraceable, match=message):
        program(plan=plan)


def test_more_outcomes_than_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "MOST_STACK", 1000)
    program(plan=many_outcomes(p.MOST_OUTCOMES))
    with pytest.raises(Untraceable, match="the plan asks for more than 62 outcomes"):
        program(plan=many_outcomes(p.MOST_OUTCOMES + 1))


def test_as_much_as_there_is_room_for() -> None:
    program(plan=many_plans(p.MOST_NAMES))
    program(plan=long_sum(p.MOST_STACK // 2 - 1))


def test_a_step_without_an_instruction() -> None:
    with pytest.raises(Untraceable, match="there is no instruction for int"):
        compiler.Compiler(STATIONS, [], [], None)._step(1, ())


def test_more_names_of_draws_than_bits() -> None:
    def plan(r: Any) -> Any:
        for i in range(p.MOST_NAMES):
            yield Chance(0.5, f"coin {i}")

    made = program(get=plan)
    model = Model({"get": plan}, {}, frozenset(), {}, {}, 0.0)
    assert len(Layout(model, made, Luck(1, 0), COLUMNS, None, None).names) == p.MOST_NAMES
    with pytest.raises(Untraceable, match=f"more than {p.MOST_NAMES} names of draws"):
        Layout(Model({"get": plan}, STATIONS, frozenset(), {}, {}, 0.0), made, Luck(1, 0), COLUMNS, None, None)


def test_no_key_is_the_key_of_the_load_and_nan_is_a_constant() -> None:
    def plan(r: Any) -> Any:
        yield Visit("api", "read")
        yield Mark("nan", n=math.nan)

    row, mark = program(plan=plan).nodes[:2]
    assert (row["key_kind"], row["key_arg"]) == (p.COLUMN, 0)
    assert np.isnan(mark["n_value"])
