"""What became of the promises (SLO): each is judged by the interval, not by the point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from simsys.experiment.result import Row, Verdict
from simsys.experiment.rows import PERCENTILES
from simsys.steps import MARKED

SHARES = {f"latency_{name}": q for name, q in PERCENTILES}
"""The share of requests that a promise about a percentile of latencies is about."""
LOST = ("refused", "timed_out")
Judgement = Literal["kept", "missed", "undecided"]


def verdicts(
    rules: Iterable[Any], rows: Sequence[Row], strategies: Sequence[str], saturated: Sequence[str]
) -> list[Verdict]:
    """A verdict for every rule (`subject`, `metric`, `op`, `value`, `text`) and strategy."""
    figures = {(row.strategy, row.subject, row.metric): row for row in rows}
    return [_verdict(rule, strategy, figures, strategy in saturated) for rule in rules for strategy in strategies]


def _verdict(rule: Any, strategy: str, figures: Mapping[tuple[str, str, str], Row], saturated: bool) -> Verdict:
    row = figures.get((strategy, rule.subject, rule.metric))
    if row is None and rule.metric.startswith(MARKED):
        row = Row(strategy, {}, rule.subject, rule.metric, 0.0, 0.0, 0.0, "", "its plan marks nothing by this name")
    if row is None or row.value is None:
        late = saturated and rule.op == "<" and rule.metric.startswith(("latency", "fresh"))
        return Verdict(rule.text, strategy, "missed" if late else "undecided", None)
    judgement = judge(row, rule.op, rule.value)
    if rule.op == "<" and judgement != "missed" and rule.metric in SHARES:
        lost = [figures[key] for cause in LOST if (key := (strategy, rule.subject, cause)) in figures]
        judgement = _of_all(judgement, lost, 1.0 - SHARES[rule.metric])
    return Verdict(rule.text, strategy, judgement, row.value)


def _of_all(judgement: Judgement, lost: Sequence[Row], most: float) -> Judgement:
    """A percentile is measured on those that were served, and promised to all: it is missed where more than `most` of
    them were lost.
    """
    if sum(row.low or 0.0 for row in lost) > most:
        return "missed"
    return "undecided" if sum(row.high or row.value or 0.0 for row in lost) > most else judgement


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
