"""A result made by hand: four strategies of a feed, with figures that one can check in the head."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from simsys.experiment.result import GROWTH, Audit, Load, Napkin, Played, Result, Row, Verdict
from simsys.measure.anatomy import Anatomy

STRATEGIES = ("pull", "cached_pull", "push", "hybrid")
STATIONS = ("api", "database", "cache", "timelines", "workers", "celebrity_workers", "objects", "authors")
RULES = ("read p99 < 100ms", "post fresh_p99 < 5s", "cost < 40k$/month")
MEAN = {
    ("read", "throughput", "/s"): (1650.0, 1650.0, 1650.0, 1650.0),
    ("read", "latency_mean", "s"): (0.00575, 0.00402, 0.00131, 0.00136),
    ("read", "latency_p50", "s"): (0.00468, 0.00312, 0.00129, 0.00133),
    ("read", "latency_p90", "s"): (0.0114, 0.00871, 0.00177, 0.00181),
    ("read", "latency_p99", "s"): (0.120, 0.0401, 0.00312, 0.003),
    ("read", "latency_p999", "s"): (0.189, 0.0712, None, 0.00456),
    ("read", "latency_max", "s"): (0.31, 0.125, 0.00981, 0.00872),
    ("read", "latency_p99_worst", "s"): (0.14, 0.0508, 0.00402, 0.0031),
    ("read", "recovery", "s"): (0.0, 0.0, 15.3, 0.0),
    ("read", "stale_ratio", ""): (0.0, 0.0216, 0.00313, 0.0002),
    ("read", "refused", "/s"): (0.0, 0.0, 0.0, 0.0),
    ("read", "work", "s"): (0.00548, 0.0035, 0.0000716, 0.000118),
    ("post", "throughput", "/s"): (1.65, 1.65, 1.65, 1.65),
    ("post", "latency_mean", "s"): (0.00127, 0.00127, 0.00127, 0.00127),
    ("post", "latency_p99", "s"): (0.00212, 0.00212, 0.00212, 0.00212),
    ("post", "fresh_p50", "s"): (0.00127, 0.00127, 7.59, 0.0134),
    ("post", "fresh_p99", "s"): (0.00212, 0.00212, 15.0, 1.9),
    ("post", "fresh_max", "s"): (0.0031, 0.0031, 15.2, 2.45),
    ("post", "work", "s"): (0.00105, 0.00105, 0.0122, 0.00201),
    ("api", "utilization", ""): (0.026, 0.026, 0.026, 0.026),
    ("api", "queue_mean", ""): (0.0, 0.0, 0.0, 0.0),
    ("api", "queue_max", ""): (3.0, 3.0, 2.0, 3.0),
    ("api", "wait_mean", "s"): (0.0, 0.0, 0.0, 0.0),
    ("database", "utilization", ""): (0.9951, 0.423, 0.00031, 0.00031),
    ("database", "queue_mean", ""): (12.4, 0.123, 0.0, 0.0),
    ("database", "queue_max", ""): (812.0, 44.0, 1.0, 1.0),
    ("database", "wait_mean", "s"): (0.0251, 0.000071, 0.0, 0.0),
    ("timelines", "utilization", ""): (None, None, 0.251, 0.048),
    ("timelines", "queue_mean", ""): (None, None, 17.9, 0.0612),
    ("timelines", "queue_max", ""): (None, None, 180032.0, 212.0),
    ("timelines", "wait_mean", "s"): (None, None, 0.00123, 0.0000012),
    ("celebrity_workers", "utilization", ""): (None, None, 0.253, None),
    ("feed", "hit_ratio", ""): (None, 0.3751, None, None),
    ("system", "storage_bytes.ram", "B"): (None, 2.1e11, 1.83e12, 1.83e12),
    ("system", "storage_bytes.ssd", "B"): (1.2345e13, 1.2345e13, 1.2345e13, 1.2345e13),
    ("system", "cost", "$/month"): (3211.0, 6571.0, 32491.0, 32491.0),
    ("system", "edges_pulled", ""): (1.0, 1.0, 0.0, 0.1234),
}
KEPT: dict[str, tuple[Any, ...]] = {
    "read p99 < 100ms": ("undecided", "kept", "kept", "kept"),
    "post fresh_p99 < 5s": ("kept", "kept", "missed", "kept"),
    "cost < 40k$/month": ("kept", "kept", "kept", "kept"),
}


def rows() -> list[Row]:
    """The figures above, each with an interval of ± 1.5 % unless it is zero."""
    made = []
    for (subject, metric, unit), values in MEAN.items():
        for strategy, value in zip(STRATEGIES, values, strict=True):
            note = "fewer than 10 observations beyond it" if value is None and metric == "latency_p999" else ""
            half = None if value is None else value * 0.015
            low, high = (None, None) if value is None or half is None else (value - half, value + half)
            made.append(Row(strategy, {}, subject, metric, value, low, high, unit, note))
    return made


def slo() -> tuple[Verdict, ...]:
    subject = {"read p99 < 100ms": ("read", "latency_p99"), "post fresh_p99 < 5s": ("post", "fresh_p99")}
    value = {(r.strategy, r.subject, r.metric): r.value for r in rows()}
    return tuple(
        Verdict(rule, strategy, verdict, value[(strategy, *subject.get(rule, ("system", "cost")))])
        for rule, verdicts in KEPT.items()
        for strategy, verdict in zip(STRATEGIES, verdicts, strict=True)
    )


def _exponential(p99: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """An exponential law with this p99, from 4 % of it on: (latency, share that takes longer)."""
    latencies = tuple(p99 * 0.04 * 1.01**i for i in range(402))
    return latencies, tuple(math.exp(-math.log(100) * x / p99) for x in latencies)


def played(strategy: str, index: int) -> Played:
    """Latencies with an exponential tail, the work of the rows, and the backlog of a celebrity's post."""
    ccdf = {op: _exponential(MEAN[op, "latency_p99", "s"][index] or 1.0) for op in ("read", "post")}
    read, post = (MEAN[op, "work", "s"][index] or 0.0 for op in ("read", "post"))
    store = "database" if index < 2 else "timelines"
    times = tuple(float(t) for t in range(60))
    inside = {
        "api": tuple(1.6 + 0.4 * math.sin(t) for t in times),
        store: tuple(
            (180_000.0 if store == "timelines" and index == 2 else 40.0) * max(0.0, 1 - abs(t - 35) / 7) for t in times
        ),
    }
    napkin = Napkin("post", "timelines", 32.0, 468.0, 14.625, 15.2, 0.02) if strategy == "push" else None
    slowest = Anatomy(165, 0.2, {"api": (0.0, 0.002), store: (0.124, 0.06), "network": (0.0, 0.004)}, 0.01)
    whole = Anatomy(16_500, 0.01, {"api": (0.0, 0.002), store: (0.001, 0.005), "network": (0.0, 0.002)}, 0.0)
    return Played(
        strategy,
        (Load("api", 64.0, 0.026), Load(store, 32.0, 0.3), Load("network", math.inf, 0.0)),
        {"read": 0.0012, "post": 0.00125},
        ccdf,
        {"read": {"api": 0.001, store: read}, "post": {"api": 0.001, "database": 0.00005, store: post}},
        (times, inside),
        (("cpu", "96 vCPU × 12.5 $/month", 1200.0), ("ram", "1.83 TB × 16 $/GB/month", 29_300.0)),
        (("timelines", "ram", "200M × 20% × 800 × 10.5 B", 3.36e11), ("posts", "ssd", "…", 1.2e13)),
        napkin,
        growth={"ram": tuple(min(1e9 * age, 3e14) for age in GROWTH)} if index >= 2 else {},
        tail={"read": slowest},
        whole={"read": whole, "post": whole},
        shards={"timelines": (0.9, 0.1, 0.0, 0.0) if index == 2 else (0.05, 0.05, 0.05, 0.04)} if index > 1 else {},
    )


def result(**changes: Any) -> Result:
    """The run made by hand; `changes` replace fields."""
    whole = Result(
        scenario="celebrity", version="0.1.0", engine="simpy", seed=7, replications=10,
        notes=("The run has events: nothing is deleted as warm-up.",), saturated=(),
        audits=(Audit("little", "push", True, "L = λW within 1e-9"),), slo=slo(), rows=tuple(rows()),
        played=tuple(played(name, i) for i, name in enumerate(STRATEGIES)),
    )  # fmt: skip
    return replace(whole, **changes)
