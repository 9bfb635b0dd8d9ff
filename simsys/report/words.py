"""The answer of a run in words, made from its numbers: who wins, and who misses or may miss which promise."""

from __future__ import annotations

from collections.abc import Iterator

from simsys.experiment.promises import LOST, SHARES, judge
from simsys.experiment.result import Result, Row, Verdict
from simsys.experiment.standings import SAME, Standing, standings
from simsys.report import style
from simsys.report.style import listed, text
from simsys.scenario.promises import SloRule, read_promise


def answer(result: Result) -> str:
    """The first sentence: who wins, or who comes nearest; then what is saturated, missed and undecided."""
    sentences = [
        _winner(result),
        *_saturated(result),
        *_verdicts(result, "missed"),
        *_verdicts(result, "undecided"),
    ]
    return " ".join(sentences)


def rule_of(result: Result, verdict: Verdict) -> tuple[SloRule, Row | None]:
    """A promise taken apart, and the row that it judges."""
    rule = read_promise(verdict.rule)
    subjects = [rule.subject] if rule.subject else style.subjects(result, rule.metric)
    rows = (result.row(verdict.strategy, subject, rule.metric) for subject in subjects)
    return rule, next((row for row in rows if row is not None), None)


def _winner(result: Result) -> str:
    order = standings(result)
    promises = len({v.rule for v in result.slo})
    if not promises:
        return _unjudged(result, order)
    keepers = [s for s in order if s.kept == promises]
    if not keepers:
        return _nearest(order, promises)
    every = "every promise" if promises > 1 else "the promise"
    best, money = keepers[0], _cost(result, keepers[0])
    if len(keepers) == 1:
        alone = "it alone" if len(order) > 1 else "it"
        return f"{best.strategy} wins: {alone} surely keeps {every}{money and f', at {money}'}."
    cheapest = _as_cheap(keepers)
    if len(cheapest) > 1 or not money:
        names = listed([s.strategy for s in cheapest])
        return f"{names} tie: each surely keeps {every}{money and f', at the same cost of {money}'}."
    others = ", ".join(f"{s.strategy} {_cost(result, s)}" for s in keepers[1:])
    return f"{best.strategy} wins: it surely keeps {every} at the least cost, {money} ({others})."


def _unjudged(result: Result, order: list[Standing]) -> str:
    """Without promises nobody can win."""
    cheapest = _as_cheap([s for s in order if s.cost])
    if len(order) == 1 or not cheapest:
        return "No promise (slo) is made, so nothing is kept or missed."
    verb = "cost the least" if len(cheapest) > 1 else "costs the least"
    names, money = listed([s.strategy for s in cheapest]), _cost(result, cheapest[0])
    return f"No promise (slo) is made, so nobody wins; {names} {verb}, {money}."


def _nearest(order: list[Standing], promises: int) -> str:
    best = order[0]
    count = f"{best.kept} of {promises}" if best.kept else "none"
    if len(order) == 1:
        return f"{best.strategy} surely keeps {count} {'promises' if best.kept else 'of its promises'}."
    ties = [s.strategy for s in order if s[1:3] == best[1:3] and s.saturated == best.saturated]
    if best.kept == 0:
        return "No strategy surely keeps a promise."
    most = f"{ties[0]} keeps the most" if len(ties) == 1 else f"{listed(ties)} keep the most"
    return f"No strategy surely keeps every promise: {most}, {count}."


def _as_cheap(keepers: list[Standing]) -> list[Standing]:
    """Those that cost no more than the cheapest, as far as anyone can tell; all where costs are unknown."""
    least = min((s.cost for s in keepers if s.cost is not None), default=None)
    return [s for s in keepers if least is None or (s.cost is not None and s.cost <= least * (1 + SAME))]


def _saturated(result: Result) -> Iterator[str]:
    if result.saturated:
        whom = ", ".join(f"{name}{_overload(result, name)}" for name in result.saturated)
        yield f"Saturated, asked for more than it can ever serve: {whom}."


def _overload(result: Result, strategy: str) -> str:
    """The station that is asked for too much, where that is known before the run."""
    loads = [load for played in result.played if played.strategy == strategy for load in played.loads]
    worst = max(loads, key=lambda load: load.utilization, default=None)
    return f" ({worst.utilization:.0%} of {worst.station})" if worst and worst.utilization >= 1 else ""


def _verdicts(result: Result, word: str) -> Iterator[str]:
    """Who misses which promise, or may miss it, with the figures."""
    by_rule: dict[str, list[str]] = {}
    for v in result.slo:
        if v.verdict == word:
            by_rule.setdefault(v.rule, []).append(f"{v.strategy} ({_evidence(result, v)})")
    if by_rule:
        parts = [f"{rule} by {listed(whom)}" for rule, whom in by_rule.items()]
        yield f"{word.capitalize()}: {'; '.join(parts)}."


def _evidence(result: Result, verdict: Verdict) -> str:
    """The value, or for an undecided promise what leaves it open."""
    rule, row = rule_of(result, verdict)
    if row is None or row.value is None:
        return "no figure"
    lost = _lost(result, row) if rule.metric in SHARES else None
    if lost is not None and verdict.verdict != judge(row, rule.op, rule.value):
        return f"{text(row)}, {text(lost)} not served"
    if verdict.verdict != "undecided":
        return text(row)
    if row.low is None or row.high is None:
        return f"{text(row)}, no interval"
    return f"{text(row._replace(value=row.low))} to {text(row._replace(value=row.high))}"


def _lost(result: Result, row: Row) -> Row | None:
    """The share of an operation's requests that a percentile of latencies says nothing of, if there were any."""
    causes = [found for name in LOST if (found := result.row(row.strategy, row.subject, name)) is not None]
    share = sum(cause.value or 0.0 for cause in causes)
    return causes[0]._replace(value=share) if share else None


def _cost(result: Result, standing: Standing) -> str:
    row = result.row(standing.strategy, "system", "cost")
    return text(row) if row and row.value is not None else ""
