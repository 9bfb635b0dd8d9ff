"""Promises (SLO): `[subject] metric < value`, as in `read p99 < 100ms`; the metrics, and their units."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, NamedTuple

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from simsys.measure.storage import STORAGE
from simsys.scenario.errors import WordError, nearest
from simsys.steps import MARKED
from simsys.units import (
    parse_count,
    parse_duration,
    parse_money,
    parse_rate,
    parse_share,
    parse_size,
    parse_size_rate,
    printable,
)

Read = Callable[[object], float]

_QUANTILES = ("p50", "p90", "p99", "p999")

OPERATION: dict[str, Read] = {
    **dict.fromkeys(("throughput", "offered"), parse_rate),
    **dict.fromkeys((f"latency_{figure}" for figure in ("mean", *_QUANTILES, "max")), parse_duration),
    **dict.fromkeys(("fresh_mean", "fresh_p50", "fresh_p90", "fresh_p99", "fresh_max"), parse_duration),
    **dict.fromkeys(("latency_p99_worst", "fresh_p99_worst", "recovery", "work"), parse_duration),
    **dict.fromkeys(("stale_ratio", "not_found_ratio", "refused", "timed_out"), parse_share),
    **dict.fromkeys(("deliveries_lost", "deliveries_doubled"), parse_share),
    MARKED: parse_share,
}
STATION: dict[str, Read] = {
    **dict.fromkeys(("utilization", "utilization_max"), parse_share),
    **dict.fromkeys(("throughput", "throughput_max"), parse_rate),
    **dict.fromkeys(("queue_mean", "queue_max"), parse_count),
    "wait_mean": parse_duration,
}
CACHE: dict[str, Read] = {
    **dict.fromkeys(("hit_ratio", "stale", "waited"), parse_share),
    **dict.fromkeys(("loads", "loads_peak"), parse_rate),
    **dict.fromkeys(("loads_per_fill", "occupancy", "evictions"), parse_count),
    "bytes": parse_size,
    **dict.fromkeys(("age_mean", "age_max"), parse_duration),
}
ENGINE: dict[str, Read] = {
    **dict.fromkeys(("touched", "memory", *(f"{of}_amplification" for of in ("read", "write", "space"))), parse_count),
    **dict.fromkeys(("bytes_read", "bytes_written"), parse_size_rate),
    **dict.fromkeys(("slowed", "stalled", "life_used"), parse_share),
}
SYSTEM: dict[str, Read] = {
    **dict.fromkeys(
        ("storage_bytes", *(f"storage_bytes{of}" for of in (".ram", ".ssd", ".object", "_day", "_month", "_year"))),
        parse_size,
    ),
    **dict.fromkeys(("cost", "cost.ram", "cost.cpu", "cost.disk", "cost.network"), parse_money),
    "edges_pulled": parse_share,
    **dict.fromkeys(("edge_work", "edge_work_least"), parse_duration),
    "backlog_growth": parse_rate,
}
SHORT = {name.removeprefix("latency_"): name for name in OPERATION if name.startswith("latency_")}
"""`p99` is `latency_p99`."""

_ALL = {**OPERATION, **STATION, **CACHE, **ENGINE, **SYSTEM}
_ONLY = {"system": SYSTEM, STORAGE: ENGINE}
"""Subjects of which there is one: their metrics need not say of whom."""
_RULE = re.compile(r"\s*(?:(\S+)\s+)?([a-z][a-z0-9_.-]*)\s*([<>])(?!=)\s*(\S.*?)\s*", re.ASCII)


class SloRule(NamedTuple):
    """A promise: the metric of the subject is below (`<`) or above (`>`) a value, in the unit used inside.

    The subject is an operation, a station, a cache, `storage` or `system`; empty where it is not known yet.
    """

    subject: str
    metric: str
    op: str
    value: float
    text: str


def read_promise(value: object) -> SloRule:
    """The promise a text makes; ValueError if it makes none."""
    match = _RULE.fullmatch(value) if isinstance(value, str) and len(value) <= 200 else None
    if match is None:
        raise ValueError("expected a promise like 'read p99 < 100ms' or 'cost < 40k$/month'")
    subject, word, op, limit = match.groups()
    subject, metric = _measured(subject or "", word)
    return SloRule(subject, metric, op, _ALL[_kind(metric)](limit), " ".join(str(value).split()))


def read_objective(text: str) -> SloRule:
    """The metric that a text names, as in `cost` or `read p99`, as a promise of less; ValueError if it names none."""
    subject, _, word = " ".join(text.split()).rpartition(" ")
    if not word or " " in subject:
        raise ValueError("expected a metric like 'cost' or 'read p99'")
    return SloRule(*_measured(subject, word), "<", 0.0, text)


def _measured(subject: str, word: str) -> tuple[str, str]:
    """The subject, empty where it is not known yet, and the metric by its full name."""
    metric = SHORT.get(word, word)
    if _kind(metric) not in _ALL:
        raise WordError(f"there is no metric '{printable(word, 64)}'", nearest(word, [*_ALL, *SHORT]))
    return subject or next((only for only, metrics in _ONLY.items() if metric in metrics), ""), metric


def _kind(metric: str) -> str:
    """The metric; all marks are of one kind."""
    return MARKED if metric.startswith(MARKED) else metric


def resolved(
    rule: SloRule, ops: Sequence[str], stations: Collection[str], caches: Collection[str], stores: bool = False
) -> SloRule:
    """The promise with its subject, which must be there and have the metric; ValueError otherwise. `stores`: a strategy
    is a storage engine.

    Without a subject a metric of operations means the only operation there is.
    """
    if not rule.subject:
        if _kind(rule.metric) in OPERATION and len(ops) == 1:
            return rule._replace(subject=ops[0], text=f"{ops[0]} {rule.text}")
        kinds = (
            ("an operation", OPERATION, ops),
            ("a station", STATION, stations),
            ("a cache", CACHE, caches),
        )
        kind, _, names = next(k for k in kinds if _kind(rule.metric) in k[1])
        first = next(iter(names), "…")
        raise ValueError(f"'{rule.metric}' is a metric of {kind}: say of which, as in '{first} {rule.text}'")
    only = tuple(name for name in _ONLY if stores or name != STORAGE)
    subjects = ((ops, OPERATION), (stations, STATION), (caches, CACHE), *(((name,), _ONLY[name]) for name in only))
    metrics = [table for names, table in subjects if rule.subject in names]
    if not metrics and rule.subject == STORAGE:
        raise ValueError(f"'{rule.metric}' is a metric of storage engines: no strategy is one")
    if not metrics:
        known = [*ops, *stations, *caches, *only]
        message = f"there is no operation, station or cache '{printable(rule.subject, 64)}'"
        raise WordError(message, nearest(rule.subject, known))
    if not any(_kind(rule.metric) in table for table in metrics):
        hint = nearest(rule.metric, [name for table in metrics for name in table])
        raise WordError(f"'{rule.subject}' has no metric '{rule.metric}'", hint)
    return rule


Promise = Annotated[
    SloRule,
    PlainValidator(read_promise),
    PlainSerializer(lambda rule: rule.text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "[<>]", "examples": ["read p99 < 100ms"]}),
]
