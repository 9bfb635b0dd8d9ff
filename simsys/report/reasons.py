"""Why the answer is what it is: what binds, which dial to turn, the napkin, the edges above a threshold."""

from __future__ import annotations

from simsys.experiment.result import Napkin, Played, Result, Verdict
from simsys.experiment.standings import SAME, standings
from simsys.report.style import a, figure, text
from simsys.report.words import rule_of
from simsys.units import show_duration

SOME = 0.00005
"""A smaller share prints as nothing."""
FULL = 0.5
"""A station this busy makes its visitors wait: more servers help. Below, only less work does."""


def reasons(result: Result) -> str:
    """Two or three sentences about the best strategy and the napkin, from the numbers of the run."""
    best = standings(result)[0].strategy
    sentences = [_binding(result, best), _napkin(result, best), _edges(result)]
    return " ".join(sentence for sentence in sentences if sentence)


def _binding(result: Result, strategy: str) -> str:
    """The promise nearest to its limit or farthest beyond it, the busiest station, and the dial."""
    pressures = [(pressure(result, v), v) for v in result.slo if v.strategy == strategy]
    known = [(used, verdict) for used, verdict in pressures if used is not None]
    used, tight = max(known, key=lambda pair: pair[0], default=(0.0, None))
    station, parts = busiest(result, strategy), []
    if tight is not None:
        _, row = rule_of(result, tight)
        parts.append(f"the promise {tight.rule} ({text(row) if row else '–'}, {used:.0%} of the limit)")
    if station is not None:
        row = result.row(strategy, station, "utilization")
        parts.append(f"the station {station} ({text(row) if row else '–'} busy)")
    if not parts:
        return ""
    return f"What binds {strategy}: {' and '.join(parts)}; {_dial(result, strategy, tight)}."


def pressure(result: Result, verdict: Verdict) -> float | None:
    """How much of a promise's limit is used up: 1 is on the limit, more is missed, None not measured."""
    rule, _ = rule_of(result, verdict)
    if verdict.value is None or not rule.value:
        return None
    if rule.op == "<":
        return verdict.value / rule.value
    return rule.value / verdict.value if verdict.value else None


def busiest(result: Result, strategy: str) -> str | None:
    """The station with the highest utilization."""
    rows = [r for r in result.rows if r.strategy == strategy and r.metric == "utilization"]
    return max(rows, key=lambda r: r.value or 0.0).subject if rows else None


def _dial(result: Result, strategy: str, tight: Verdict | None) -> str:
    """What to change next: where the tightest promise is paid for."""
    played = next((p for p in result.played if p.strategy == strategy), None)
    rule = rule_of(result, tight)[0] if tight else None
    if rule and rule.metric.startswith("cost"):
        return f"the dial to turn next is {_dearest(played) or 'the size of the fleet'}"
    station = _behind(result, strategy, rule.subject, rule.metric, played) if rule else None
    station = station or busiest(result, strategy)
    if station is None:
        return "no station is the dial"
    eventful = played and played.napkin and played.napkin.station == station
    waiting = (result.value(strategy, station, "queue_mean") or 0.0) >= 1
    if waiting or eventful or (result.value(strategy, station, "utilization") or 0.0) >= FULL:
        return f"the dial to turn next is the servers or shards of {station}, where the waiting is"
    return f"the dial to turn next is the work per visit at {station}, as little of the time is waiting"


def _behind(result: Result, strategy: str, subject: str, metric: str, played: Played | None) -> str | None:
    """The station that a promise of an operation hangs on: the fullest that serves it, or the napkin's."""
    if played is None:
        return None
    if metric.startswith("fresh") and played.napkin:
        return played.napkin.station
    work = played.work.get(subject, {})
    return max(work, key=lambda s: (result.value(strategy, s, "utilization") or 0.0, work[s]), default=None)


def _dearest(played: Played | None) -> str:
    """The kind of cost that is the largest part of the bill."""
    terms: dict[str, float] = {}
    for kind, _, dollars in played.bill if played else ():
        terms[kind] = terms.get(kind, 0.0) + dollars
    kind = max(terms, key=lambda k: terms[k], default="")
    if not kind or not terms[kind]:
        return ""
    called = kind.upper() if kind in ("cpu", "ram") else kind
    return f"{called}, {terms[kind] / sum(terms.values()):.0%} of the cost"


def _napkin(result: Result, best: str) -> str:
    """The largest event on the back of a napkin beside the simulation, and where the difference comes from."""
    known = {p.strategy: p.napkin for p in result.played if p.napkin is not None and p.napkin.simulated is not None}
    strategy = max(known, key=lambda name: known[name].seconds, default=None)
    if strategy is None:
        return _unhindered(result, best)
    n = known[strategy]
    servers = "1 server" if n.servers == 1 else f"{n.servers:,.0f} servers"
    sum_ = f"{n.work:,.3g} s of work / {servers} of {n.station} = {show_duration(n.seconds)}"
    simulated = f"simulated {show_duration(n.simulated or 0.0)}: {difference(n)}"
    return f"Napkin for the {n.op} of the event under {strategy}: {sum_}, {simulated}."


def _unhindered(result: Result, strategy: str) -> str:
    """Without an event: the mean time of the first operation if nobody had to wait, beside the simulated."""
    played = next((p for p in result.played if p.strategy == strategy), None)
    for op, seconds in played.time.items() if played else ():
        row = result.row(strategy, op, "latency_mean")
        if row is not None and row.value is not None and seconds > 0:
            waiting = row.value - seconds
            where = "of waiting" if waiting > 0 else "less than foreseen"
            speaks = abs(waiting) > SAME * seconds
            rest = f"{show_duration(abs(waiting))} {where}" if speaks else "hardly any waiting"
            head = f"Napkin for {a(op)} under {strategy}: {show_duration(seconds)}"
            return f"{head}, simulated mean {text(row)}: {rest}."
    return ""


def difference(n: Napkin) -> str:
    """Where a simulated time beyond the napkin's comes from: other traffic, then round trips and waiting."""
    total = (n.simulated or 0.0) - n.seconds
    traffic = n.seconds / (1.0 - n.others) - n.seconds if 0 <= n.others < 1 else 0.0
    if abs(total) < SAME * n.seconds:
        return "no difference to speak of"
    if total < 0:
        return f"{show_duration(-total)} less, as the last delivery does not wait for all of the work"
    rest = total - traffic
    if traffic < SAME * n.seconds:
        return f"{show_duration(total)} more for round trips and waiting"
    share = figure(n.others, "utilization", "")
    taken = f"other traffic takes {share} of {n.station}"
    if rest < SAME * n.seconds:
        return f"{show_duration(total)} more, as {taken}"
    return f"{show_duration(traffic)} more as {taken}, {show_duration(rest)} for round trips and waiting"


def _edges(result: Result) -> str:
    """The share of follow edges above a threshold, for strategies that have one; where edges are known, what the work
    along them could be at the least.
    """
    known = [r for r in result.rows if r.metric == "edge_work" and r.value]
    least = next((r for r in result.rows if r.metric == "edge_work_least" and r.value), None)
    if known:
        if least is None:
            return ""
        times = ", ".join(f"{(r.value or 0.0) / (least.value or 1.0):.3g} by {r.strategy}" for r in known)
        return f"Work along edges, in times of the least that any choice of pushes and pulls can do: {times}."
    rows = [r for r in result.rows if r.metric == "edges_pulled" and r.value and SOME < r.value < 1 - SOME]
    parts = [f"{text(r)} of the follow edges (not users) lie above the threshold of {r.strategy}." for r in rows]
    return " ".join(parts)
