"""What became of the promises (SLO): each is judged by the interval, not by the point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from simsys.experiment.result import Row, Verdict

Judgement = Literal["kept", "missed", "undecided"]


def verdicts(
    rules: Iterable[Any], rows: Sequence[Row], strategies: Sequence[str], saturated: Sequence[str]
) -> list[Verdict]:
    """A verdict for every rule (`subject`, `metric`, `op`, `value`, `text`) and strategy."""
    figures = {(row.strategy, row.subject, row.metric): row for row in rows}
    return [
        _verdict(rule, strategy, figures.get((strategy, rule.subject, rule.metric)), strategy in saturated)
        for rule in rules
        for strategy in strategies
    ]


def _verdict(rule: Any, strategy: str, row: Row | None, saturated: bool) -> Verdict:
    if row is None or row.value is None:
        late = saturated and rule.op == "<" and rule.metric.startswith(("latency", "fresh"))
        return Verdict(rule.text, strategy, "missed" if late else "undecided", None)
    return Verdict(rule.text, strategy, judge(row, rule.op, rule.value), row.value)


def judge(row: Row, op: str, limit: float) -> Judgement:
    """Kept if the whole interval is on the right side of the limit, missed if it is on the wrong one."""
    if row.low is None or row.high is None:
        return "undecided"
    if op == "<":
        return "kept" if row.high < limit else "missed" if row.low >= limit else "undecided"
    return "kept" if row.low > limit else "missed" if row.high <= limit else "undecided"


def surely_kept(slo: Sequence[Verdict], strategy: str) -> bool:
    """True if the strategy keeps every promise beyond doubt."""
    return all(v.verdict == "kept" for v in slo if v.strategy == strategy)
