"""The sentences: every number in them is one of the run, and each follows when the numbers change."""

from dataclasses import replace
from typing import Any

import hand_made
import pytest

from simsys.experiment.result import Load, Napkin, Result, Verdict
from simsys.experiment.standings import standings
from simsys.report.reasons import difference, pressure, reasons
from simsys.report.words import answer


def judged(**verdicts: str) -> tuple[Verdict, ...]:
    """One promise, as it went for each strategy."""
    return tuple(Verdict("cost < 40k$/month", name, word, 1.0) for name, word in verdicts.items())  # type: ignore[arg-type]


def costing(costs: dict[str, float], slo: tuple[Verdict, ...]) -> Result:
    rows = [r for r in hand_made.rows() if r.metric == "cost" and r.strategy in costs]
    rows = [r._replace(value=costs[r.strategy], low=costs[r.strategy], high=costs[r.strategy]) for r in rows]
    return hand_made.result(rows=tuple(rows), slo=slo, played=())


def test_the_cheapest_keeper_wins() -> None:
    text = answer(hand_made.result())
    first = "cached_pull wins: it surely keeps every promise at the least cost, 6.57k$/month (hybrid 32.5k$/month)."
    assert text.startswith(first)
    assert "Missed: post fresh_p99 < 5s by push (15.0 s)." in text
    assert "Undecided: read p99 < 100ms by pull (118 ms to 122 ms)." in text


@pytest.mark.parametrize(
    ("costs", "verdicts", "first"),
    [
        ({"pull": 100.0, "push": 200.0}, {"pull": "kept", "push": "kept"},
         "pull wins: it surely keeps the promise at the least cost, 100$/month (push 200$/month)."),
        ({"pull": 300.0, "push": 200.0}, {"pull": "kept", "push": "kept"},
         "push wins: it surely keeps the promise at the least cost, 200$/month (pull 300$/month)."),
        ({"pull": 100.0, "push": 100.1}, {"pull": "kept", "push": "kept"},
         "pull and push tie: each surely keeps the promise, at the same cost of 100$/month."),
        ({"pull": 100.0, "push": 200.0}, {"pull": "undecided", "push": "kept"},
         "push wins: it alone surely keeps the promise, at 200$/month."),
        ({"pull": 100.0, "push": 200.0}, {"pull": "missed", "push": "undecided"},
         "No strategy surely keeps a promise."),
        ({"push": 200.0}, {"push": "kept"}, "push wins: it surely keeps the promise, at 200$/month."),
        ({"push": 200.0}, {"push": "missed"}, "push surely keeps none of its promises."),
    ],
)  # fmt: skip
def test_who_wins(costs: dict[str, float], verdicts: dict[str, str], first: str) -> None:
    assert answer(costing(costs, judged(**verdicts))).startswith(first)


def test_nobody_keeps_all() -> None:
    slo = tuple(v for v in hand_made.slo() if v.strategy in ("pull", "push"))
    rows = tuple(r for r in hand_made.rows() if r.strategy in ("pull", "push"))
    text = answer(hand_made.result(slo=slo, rows=rows, played=()))
    assert text.startswith("No strategy surely keeps every promise: pull keeps the most, 2 of 3.")


def test_the_order_puts_kept_before_cost_and_saturated_last() -> None:
    assert [s.strategy for s in standings(hand_made.result())] == ["cached_pull", "hybrid", "pull", "push"]
    assert [s.strategy for s in standings(hand_made.result(saturated=("cached_pull",)))][-1] == "cached_pull"


def test_without_promises_nobody_wins() -> None:
    text = answer(hand_made.result(slo=()))
    assert text == "No promise (slo) is made, so nobody wins; pull costs the least, 3.21k$/month."


def test_saturated_strategies_are_named_with_the_station() -> None:
    result = hand_made.result(saturated=("pull",))
    assert "Saturated, asked for more than it can ever serve: pull." in answer(result)
    first = replace(result.played[0], loads=(Load("api", 64, 0.3), Load("database", 32, 1.1)))
    text = answer(replace(result, played=(first, *result.played[1:])))
    assert "asked for more than it can ever serve: pull (110% of database)." in text


def test_undecided_says_what_leaves_it_open() -> None:
    rows = [r._replace(low=None, high=None) if r.metric == "latency_p99" else r for r in hand_made.rows()]
    assert "by pull (120 ms, no interval)." in answer(hand_made.result(rows=tuple(rows), replications=1))
    rows = [r._replace(value=None) if r.metric == "latency_p99" else r for r in hand_made.rows()]
    assert "by pull (no figure)." in answer(hand_made.result(rows=tuple(rows)))


def test_what_binds_is_the_tightest_promise_and_the_busiest_station() -> None:
    text = reasons(hand_made.result())
    assert "the promise read p99 < 100ms (40.1 ms, 40% of the limit)" in text
    assert "the station database (42.3% busy)" in text
    assert "work per visit at database" in text, "42 % busy and nobody in line: more servers would not help"


@pytest.mark.parametrize(
    ("metric", "value", "dial"),
    [("queue_mean", 3.0, "servers or shards of database"), ("utilization", 0.8, "servers or shards of database")],
)
def test_the_dial_follows_the_waiting(metric: str, value: float, dial: str) -> None:
    def change(row: Any) -> Any:
        hit = (row.strategy, row.subject, row.metric) == ("cached_pull", "database", metric)
        return row._replace(value=value) if hit else row

    assert dial in reasons(hand_made.result(rows=tuple(map(change, hand_made.rows()))))


def test_where_cost_binds_the_dial_is_what_costs_most() -> None:
    slo = tuple(v for v in hand_made.slo() if v.strategy == "push" and "cost" in v.rule)
    rows = tuple(r for r in hand_made.rows() if r.strategy == "push")
    text = reasons(hand_made.result(slo=slo, rows=rows, played=(hand_made.played("push", 2),)))
    assert "cost < 40k$/month (32.5k$/month, 81% of the limit)" in text
    assert "the dial to turn next is RAM, 96% of the cost" in text


def test_the_freshness_of_an_event_hangs_on_the_napkins_station() -> None:
    slo = tuple(v for v in hand_made.slo() if v.strategy == "push" and "fresh" in v.rule)
    rows = tuple(r for r in hand_made.rows() if r.strategy == "push")
    text = reasons(hand_made.result(slo=slo, rows=rows, played=(hand_made.played("push", 2),)))
    assert "post fresh_p99 < 5s (15.0 s, 300% of the limit)" in text
    assert "servers or shards of timelines" in text


@pytest.mark.parametrize(
    ("rule", "value", "used"),
    [("read p99 < 100ms", 0.05, 0.5), ("read throughput > 1k/s", 2000.0, 0.5), ("feed hit_ratio > 90%", 0.45, 2.0),
     ("read p99 < 100ms", None, None), ("read throughput > 1k/s", 0.0, None)],
)  # fmt: skip
def test_pressure(rule: str, value: float | None, used: float | None) -> None:
    assert pressure(hand_made.result(), Verdict(rule, "push", "kept", value)) == used


def test_the_napkin_stands_beside_the_simulation() -> None:
    text = reasons(hand_made.result())
    assert "under push: 468 s of work / 32 servers of timelines = 14.6 s, simulated 15.2 s: " in text
    assert "298 ms more as other traffic takes 2.00% of timelines, 277 ms for round trips and waiting." in text


def napkin(seconds: float, simulated: float | None, others: float) -> Napkin:
    return Napkin("post", "timelines", 32.0, seconds * 32, seconds, simulated, others)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (napkin(10, 10.01, 0.0), "no difference to speak of"),
        (napkin(10, 11.0, 0.0), "1 s more for round trips and waiting"),
        (napkin(10, 12.5, 0.2), "2.5 s more, as other traffic takes 20.0% of timelines"),
        (
            napkin(10, 13.5, 0.2),
            "2.5 s more as other traffic takes 20.0% of timelines, 1 s for round trips and waiting",
        ),
        (napkin(10, 8.0, 0.1), "2 s less, as the last delivery does not wait for all of the work"),
    ],
)
def test_where_the_difference_comes_from(one: Napkin, words: str) -> None:
    """Other traffic takes its share: seconds / (1 − others) − seconds; the rest is round trips and waiting."""
    assert difference(one) == words


def test_a_run_without_events_has_the_mean_without_waiting_on_its_napkin() -> None:
    quiet = tuple(replace(p, napkin=None) for p in hand_made.result().played)
    text = reasons(hand_made.result(played=quiet))
    assert "Napkin for a read under cached_pull: 1.2 ms, simulated mean 4.02 ms: 2.82 ms of waiting." in text
    for foreseen, told in ((0.00401, "hardly any waiting"), (0.00802, "4 ms less than foreseen")):
        slower = tuple(replace(p, time=dict.fromkeys(p.time, foreseen)) for p in quiet)
        assert f"simulated mean 4.02 ms: {told}." in reasons(hand_made.result(played=slower))


def test_the_largest_event_that_ended_is_on_the_napkin() -> None:
    played = [
        replace(p, napkin=n)
        for p, n in zip(
            hand_made.result().played, (napkin(1, 2, 0), napkin(9, 11, 0), None, napkin(99, None, 0)), strict=True
        )
    ]
    assert "under cached_pull: 288 s of work / 32 servers of timelines = 9 s, simulated 11 s: 2 s more" in reasons(
        hand_made.result(played=tuple(played))
    )


def test_edges_not_users() -> None:
    """Only where some, but not all, of the edges are pulled there is a threshold."""
    text = reasons(hand_made.result())
    assert text.endswith("12.3% of the follow edges (not users) lie above the threshold of hybrid.")
    assert text.count("follow edges") == 1
