"""Flows: every form means what its step means, and what is wrong is said at its place."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import Arrivals, ends, run_plan, station

from simsys.measure.log import DONE, REFUSED, TIMED_OUT
from simsys.scenario.uses import uses
from simsys.stations import Batch
from simsys.strategies.flow import parse
from simsys.strategies.values import FlowError
from simsys.structures.caches import CacheSpec, make_cache

STATIONS = {
    "api": station(1, get="1s"),
    "db": station(1, get="2s", queue=0),
    "wire": station("unlimited", trip="1s"),
}


def play(forms: list[Any], times: list[float], **more: Any) -> Any:
    columns = more.pop("columns", {})
    plan = parse({"get": forms}).plan("get")
    return run_plan(plan, STATIONS, Arrivals(times, **columns), **more)


def test_visits_in_order_with_a_product_of_columns() -> None:
    forms = [{"visit": "api.get", "n": "2 * size"}, {"visit": "wire.trip"}]
    assert ends(play(forms, [0], columns={"size": [1.5]})) == [4]


def test_a_refused_visit_ends_the_flow_or_goes_another_way() -> None:
    assert [r.status for r in play([{"visit": "db.get"}], [0, 1]).requests] == [DONE, REFUSED]
    other = [{"visit": "db.get", "refused": [{"visit": "wire.trip"}]}]
    assert ends(play(other, [0, 0.5])) == [2, 1.5]


def test_hold_keeps_the_server_and_says_what_to_do_when_refused() -> None:
    forms = [{"hold": "db", "do": [{"visit": "wire.trip"}], "refused": [{"mark": "busy"}]}]
    log = play(forms, [0, 0.5, 3])
    assert ends(log) == [1, 0.5, 4]
    assert [(m.name, m.time) for m in log.marks] == [("busy", 0.5)]


def test_a_refusal_inside_a_hold_refuses_the_request() -> None:
    forms = [{"hold": "api", "do": [{"visit": "db.get"}]}, {"mark": "after"}]
    log = run_plan(parse({"get": forms}).plan("get"), {**STATIONS, "api": station(2, get="1s")}, Arrivals([0, 0.5]))
    assert [r.status for r in log.requests] == [DONE, REFUSED]
    assert [m.time for m in log.marks] == [2]


def test_all_each_and_start() -> None:
    trip = [{"visit": "wire.trip"}]
    assert ends(play([{"all": [trip, trip + trip]}], [0])) == [2]
    assert ends(play([{"each": 4, "do": trip, "batch": 2, "width": 1}], [0])) == [2]
    log = play(
        [{"start": [*trip, {"mark": "fresh", "n": "size"}], "n": "followers", "batch": 2}],
        [0],
        columns={"followers": [3]},
    )
    assert ends(log) == [0]
    assert [(m.time, m.n) for m in log.marks] == [(1, 2), (1, 1)]


def test_lookup_fill_and_drop() -> None:
    cache = make_cache(CacheSpec.model_validate({"entries": 5, "start": "cold"}))
    forms = [
        {
            "lookup": "c",
            "key": "key",
            "hit": [{"mark": "hit"}],
            "miss": [{"visit": "api.get"}, {"fill": "c", "key": "key"}],
        },
        {"when": "size >= 2", "then": [{"drop": "c", "key": "key"}]},
    ]
    log = play(forms, [0, 2, 4], columns={"key": [7, 7, 7], "size": [1, 2, 1]}, caches={"c": cache})
    assert ends(log) == [1, 2, 5]
    assert [m.time for m in log.marks] == [2]


def test_join_within_and_chance() -> None:
    batch = {"commit": Batch.model_validate({"size": 2, "linger": "1s"})}
    assert ends(play([{"join": "commit", "do": [{"visit": "wire.trip"}]}], [0, 0.5], batches=batch)) == [1.5, 1.5]
    late = [{"within": "1500ms", "do": [{"visit": "api.get"}]}]
    assert [r.status for r in play(late, [0, 0]).requests] == [DONE, TIMED_OUT]
    saved = [{"within": "1500ms", "do": [{"visit": "api.get"}], "else": [{"mark": "late"}]}]
    assert [r.status for r in play(saved, [0, 0]).requests] == [DONE, DONE]
    tosses = play([{"chance": "25%", "then": [{"mark": "yes"}], "else": [{"mark": "no"}]}], list(range(2000)))
    assert 420 <= sum(m.name == "yes" for m in tosses.marks) <= 580


def test_when_takes_the_other_branch() -> None:
    forms = [{"when": "followers < 10k", "then": [{"mark": "small"}], "else": [{"mark": "large"}]}]
    log = play(forms, [0, 1], columns={"followers": [9_999, 10_000]})
    assert [m.name for m in log.marks] == ["small", "large"]


@pytest.mark.parametrize(
    ("flow", "path", "words"),
    [
        ({"get": [{"vist": "api.get"}]}, ("get", 0, "vist"), "one word of"),
        ({"get": [{"visit": "api"}]}, ("get", 0, "visit"), "station.operation"),
        ({"get": [{"visit": "api.get", "nn": 2}]}, ("get", 0, "nn"), "does not take"),
        ({"get": [{"visit": "api.get", "of": 0}]}, ("get", 0, "of"), "at least 1"),
        ({"get": [{"visit": "api.get", "of": 2, "over": 3}]}, ("get", 0, "over"), "one shard `of` several"),
        ({"get": [{"visit": "api.get", "key": "any", "of": 3}]}, ("get", 0, "of"), "the key that these shards have"),
        ({"get": [{"visit": "api.get", "n": "folowers"}]}, ("get", 0, "n"), "no such column"),
        ({"get": [{"visit": "api.get", "n": "size * page"}]}, ("get", 0, "n"), "one column at the most"),
        ({"get": [{"within": 5, "do": []}]}, ("get", 0, "within"), "unit"),
        ({"get": [{"hold": "api"}]}, ("get", 0), "'do' is missing"),
        ({"get": [{"when": "followers", "then": []}]}, ("get", 0, "when"), "compared"),
        ({"get": {"visit": "api.get"}}, ("get",), "a list of steps"),
        ({"get": [{"each": 3, "do": [], "width": 0}]}, ("get", 0, "width"), "at least 1"),
        ({"get": [[{"visit": "a.b"}]]}, ("get", 0), "one word of"),
        ({"name": "Not a name", "get": []}, ("name",), "small letter"),
        ({"name": "only"}, (), "at least one operation"),
        ([], (), "a mapping"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(flow: Any, path: Any, words: str) -> None:
    with pytest.raises(FlowError) as caught:
        parse(flow)
    assert any(where == path and words in message for where, message, *_ in caught.value.problems), (
        caught.value.problems
    )


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(FlowError) as caught:
        parse({"get": [{"visit": "api"}, {"vist": "x.y"}], "put": [{"within": "5", "do": [{"visit": 3}]}]})
    assert len(caught.value.problems) == 4


def test_what_is_written_alike_is_one_flow_and_what_is_not_is_asked_for_anew() -> None:
    one, same, other = (parse({"get": [{"visit": f"{place}.get"}]}) for place in ("api", "api", "db"))
    assert one is same
    assert one != other
    assert [[use.name for use in uses(flow, "get", ())] for flow in (one, other)] == [["api"], ["db"]]
