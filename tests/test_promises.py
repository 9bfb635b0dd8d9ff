"""Promises are judged by the interval, not by the point."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from simsys.experiment.promises import judge, surely_kept, verdicts
from simsys.experiment.result import Row

RULE = SimpleNamespace(subject="read", metric="latency_p99", op="<", value=0.1, text="read p99 < 100ms")


def row(value: float | None, low: float | None, high: float | None) -> Row:
    return Row("push", {}, "read", "latency_p99", value, low, high, "s", "")


@pytest.mark.parametrize(
    ("low", "high", "op", "verdict"),
    [
        (0.08, 0.0999, "<", "kept"),
        (0.08, 0.1, "<", "undecided"),
        (0.08, 0.12, "<", "undecided"),
        (0.1, 0.12, "<", "missed"),
        (0.101, 0.12, ">", "kept"),
        (0.09, 0.12, ">", "undecided"),
        (0.08, 0.1, ">", "missed"),
        (None, None, "<", "undecided"),
    ],
)
def test_the_whole_interval_must_be_on_the_right_side(low: float, high: float, op: str, verdict: str) -> None:
    assert judge(row(0.0999, low, high), op, 0.1) == verdict


def test_no_figure_is_undecided_but_a_saturated_latency_is_missed() -> None:
    rows = [row(None, None, None)]
    assert [v.verdict for v in verdicts([RULE], rows, ["push"], [])] == ["undecided"]
    assert [v.verdict for v in verdicts([RULE], rows, ["push"], ["push"])] == ["missed"]


@pytest.mark.parametrize(
    ("refused", "timed_out", "verdict"),
    [
        ((0.002, 0.002, 0.002), (0.004, 0.003, 0.005), "kept"),
        ((0.002, 0.002, 0.002), (0.009, 0.007, 0.011), "undecided"),
        ((0.006, 0.006, 0.006), (0.006, 0.005, 0.007), "missed"),
        ((0.0, 0.0, 0.0), (0.8, 0.79, 0.81), "missed"),
        ((0.8, None, None), (0.0, None, None), "undecided"),
    ],
)
def test_a_percentile_is_promised_to_all_not_to_those_who_were_served(
    refused: tuple[float, ...], timed_out: tuple[float, ...], verdict: str
) -> None:
    """A p99 of 50 ms, where 1 % may be lost; a mutant that looks at the served only keeps all five."""
    lost = [Row("push", {}, "read", m, *v, "", "") for m, v in (("refused", refused), ("timed_out", timed_out))]
    rows = [row(0.05, 0.04, 0.06), *lost]
    assert [v.verdict for v in verdicts([RULE], rows, ["push"], [])] == [verdict]


def test_a_promise_is_surely_kept_only_if_all_are() -> None:
    kept = verdicts([RULE], [row(0.05, 0.04, 0.06)], ["push"], [])
    open_ = verdicts([RULE], [row(0.05, None, None)], ["push"], [])
    assert surely_kept(kept, "push")
    assert not surely_kept(kept + open_, "push")


def test_who_never_marks_something_has_none_of_it() -> None:
    rule = SimpleNamespace(subject="post", metric="marked.lost", op="<", value=0.01, text="post marked.lost < 1%")
    lost = Row("dual", {}, "post", "marked.lost", 0.02, 0.015, 0.025, "", "")
    assert [v.verdict for v in verdicts([rule], [lost], ["dual", "outbox"], [])] == ["missed", "kept"]
