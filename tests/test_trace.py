"""Tracing: plans become trees, and what cannot be traced says so."""

from __future__ import annotations

import random
from typing import Any

import pytest
from worlds import Arrivals

from simsys.engines.model import Model
from simsys.engines.play import play
from simsys.engines.rows import Luck
from simsys.engines.trace import Do, End, If, shape, trace
from simsys.expressions import Untraceable, column, evaluate, least, most
from simsys.steps import Chance, Each, Hold, Lookup, Mark, Start, Visit
from simsys.strategies.feed.hybrid import Hybrid
from simsys.strategies.feed.push import Push
from simsys.structures.caches import CacheSpec, make_cache

COLUMNS = ("user", "followers", "following", "active", "page")


def words(tree: Any) -> str:
    """A tree on one line."""
    if isinstance(tree, End):
        return "."
    if isinstance(tree, If):
        return f"({tree.condition} ? {words(tree.yes)} : {words(tree.no)})"
    inner = "".join(f"[{words(plan)}]" for plan in tree.plans)
    name = f"{tree.step.station}.{tree.step.op}" if isinstance(tree.step, Visit) else type(tree.step).__name__
    return f"{name}{inner} {words(tree.then)}"


def test_a_hybrid_post_branches_on_the_threshold() -> None:
    tree = trace(Hybrid(celebrity=1000).post, COLUMNS)
    head = "api.post network.same_zone database.insert wal.flush "
    tail = "Start[Hold[network.same_zone timelines.push Mark .] (outcome 0 ? . : Mark Mark .)]"
    assert words(tree) == f"{head}(followers < 1000 ? {tail} . : .)"


def test_an_unasked_outcome_does_not_branch() -> None:
    def plan(r: Any) -> Any:
        yield Lookup("feed", r.user)
        yield Visit("api", "read")

    assert words(trace(plan, COLUMNS)) == "Lookup api.read ."


def test_an_outcome_branches_where_its_truth_is_asked() -> None:
    def plan(r: Any) -> Any:
        hit = yield Lookup("feed", r.user)
        yield Visit("api", "read")
        if not hit:
            yield Visit("database", "newest", n=2 * r.following)

    tree = trace(plan, COLUMNS)
    assert words(tree) == "Lookup api.read (outcome 0 ? . : database.newest .)"
    assert isinstance(tree, Do) and isinstance(tree.then, Do) and isinstance(tree.then.then, If)
    assert str(tree.then.then.no.step.n) == "2 * following"  # type: ignore[union-attr]


def test_the_same_question_has_the_same_answer_on_one_path() -> None:
    def plan(r: Any) -> Any:
        for name in "ab":
            if r.followers < 10:
                yield Mark(name)

    assert words(trace(plan, COLUMNS)) == "(followers < 10 ? Mark Mark . : .)"


def test_inner_plans_know_their_size_and_index() -> None:
    def inner(b: Any) -> Any:
        yield Visit("store", "put", n=b.size * b.active, key=b.index)

    def plan(r: Any) -> Any:
        yield Each(inner, n=r.followers, batch=10)

    assert words(trace(plan, COLUMNS)) == "Each[store.put .] ."


@pytest.mark.parametrize("look", [int, float, hash, len, list, lambda x: [0][x], lambda x: x / x, lambda x: 1 / x])
def test_looking_into_the_row_is_untraceable(look: Any) -> None:
    def plan(r: Any) -> Any:
        look(r.followers)
        yield Mark("never")

    with pytest.raises((Untraceable, TypeError)):
        trace(plan, COLUMNS)


def test_a_misspelt_column_is_an_error_not_a_guess() -> None:
    def plan(r: Any) -> Any:
        yield Mark("n", n=r.folowers)

    with pytest.raises(AttributeError, match="folowers"):
        trace(plan, COLUMNS)


def test_hidden_randomness_is_untraceable() -> None:
    luck = random.Random(1)

    def plan(r: Any) -> Any:
        yield Mark(f"{luck.random()}")

    with pytest.raises(Untraceable, match="run again"):
        trace(plan, COLUMNS)


def test_a_plan_that_starts_itself_is_untraceable() -> None:
    def plan(r: Any) -> Any:
        yield Start(plan)

    with pytest.raises(Untraceable, match="starts itself"):
        trace(plan, COLUMNS)


def test_too_many_paths_are_untraceable() -> None:
    def plan(r: Any) -> Any:
        for i in range(13):
            if (yield Chance(0.5, f"{i}")):
                yield Mark("heads")

    with pytest.raises(Untraceable, match="4,096"):
        trace(plan, COLUMNS)


def test_questions_without_end_are_untraceable() -> None:
    """All of them are answered with yes: a mutant that counts only the paths that end would ask for ever."""

    def plan(r: Any) -> Any:
        pages = 0
        while r.page > pages:
            pages += 1
        yield Visit("api", "read")

    with pytest.raises(Untraceable, match="4,096"):
        trace(plan, COLUMNS)


def nested(look: Any) -> Any:
    """A plan in batches, each with a plan of its own that looks at the row of the batch."""

    def outer(b: Any) -> Any:
        hit = yield Lookup("feed", b.user)

        def inner(c: Any) -> Any:
            if isinstance(value := look(b, c, hit), str):
                yield Mark(value)
            else:
                yield Mark("n", n=value)

        yield Start(inner)

    def plan(r: Any) -> Any:
        yield Each(outer, n=5, batch=2)

    return plan


FOREIGN = {
    "its size": lambda b, c, hit: b.size,
    "its index": lambda b, c, hit: 2 * (c.index + b.index) - 1,
    "an outcome": lambda b, c, hit: hit * c.size,
    "the truth of an outcome": lambda b, c, hit: "hit" if hit else "miss",
    "the truth of its size": lambda b, c, hit: "large" if b.size > 1 else "small",
    "the truth of a mixture": lambda b, c, hit: "large" if c.size < b.size else "small",
    "the truth of a column": lambda b, c, hit: "many" if b.followers > 1 else "few",
}


@pytest.mark.parametrize("look", FOREIGN.values(), ids=FOREIGN)
def test_the_row_of_another_plan(look: Any) -> None:
    plan = nested(look)
    with pytest.raises(Untraceable, match="row of another plan"):
        trace(plan, COLUMNS)
    for engine in ("simpy", "compiled"):
        load = Arrivals([0.0, 1.0], user=[1, 1], followers=[2, 2])
        caches = {"feed": make_cache(CacheSpec(entries=2))}
        model = Model({"get": plan}, {}, frozenset(), caches, {}, 0.0)
        if engine == "compiled":
            with pytest.raises(Untraceable, match="row of another plan"):
                play(model, load, Luck(1, 0), engine=engine)
        else:
            assert sum(len(batch.marks) for batch in play(model, load, Luck(1, 0), engine=engine).batches) == 6


def test_the_request_is_the_same_in_all_rows() -> None:
    tree = trace(nested(lambda b, c, hit: b.followers * c.size), COLUMNS)
    assert words(tree) == "Each[Lookup Start[Mark .] .] ."
    assert words(trace(nested(lambda b, c, hit: "many" if c.followers > 1 else "few"), COLUMNS)) == (
        "Each[Lookup Start[(followers > 1 ? Mark . : Mark .)] .] ."
    )


def test_a_held_server_gives_no_outcome_of_the_plan_before() -> None:
    def plan(r: Any) -> Any:
        hit = yield Lookup("feed", r.user)

        def inner(h: Any) -> Any:
            yield Mark("held")
            return hit

        yield Hold("database", inner)

    with pytest.raises(Untraceable, match="row of another plan"):
        trace(plan, COLUMNS)


def test_push_traces_the_same_twice() -> None:
    push = Push(inactive="try", page=10_000)
    assert shape(trace(push.post, COLUMNS)) == shape(trace(push.post, COLUMNS))
    assert isinstance(trace(push.deliver, (*COLUMNS, "size")), Do)
    assert any(isinstance(step, Hold) for step in [trace(push.deliver, (*COLUMNS, "size")).step])  # type: ignore[union-attr]


def test_expressions_compute_and_print() -> None:
    f = column("f")
    expression = least(2 * (f + 1) - 3, most(f / 4, 10))
    assert str(expression) == "least(2 * (f + 1) - 3, most(f / 4, 10))"
    assert evaluate(expression, {"f": 100.0}) == 25
    assert (least(1, 2), most(1, 2)) == (1, 2)
