"""How a figure looks to people: three significant digits, a unit, a name, and one colour per strategy."""

from __future__ import annotations

import re
from math import floor, isfinite, isnan, log10
from typing import NamedTuple

from simsys.experiment.result import Result, Row
from simsys.steps import MARKED
from simsys.units import printable, show_count, show_duration, show_money, show_rate, show_share, show_size

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito, Color Universal Design, 2008, told apart by the colour-blind; without the pale yellow."""
DASHES = ("-", "--", ":", "-.")
"""Strategies beyond the last colour start again, with other dashes."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

NAMES = {
    "latency_mean": "latency mean",
    "latency_p50": "latency p50",
    "latency_p90": "latency p90",
    "latency_p99": "latency p99",
    "latency_p999": "latency p99.9",
    "latency_max": "latency max",
    "latency_p99_worst": "p99 of worst 10 s",
    "fresh_p50": "fresh p50",
    "fresh_p99": "fresh p99",
    "fresh_max": "fresh, the last",
    "fresh_p99_worst": "fresh, worst 10 s",
    "recovery": "time to recover",
    "stale_ratio": "stale",
    "not_found_ratio": "post not found",
    "timed_out": "timed out",
    "utilization_max": "utilization of the busiest shard",
    "queue_mean": "queue mean",
    "queue_max": "queue max",
    "wait_mean": "wait mean",
    "hit_ratio": "hit ratio",
    "age_mean": "mean age",
    "age_max": "oldest",
    "loads_peak": "loads, busiest second",
    "loads_per_fill": "loads per fill",
    "storage_bytes.ram": "kept in RAM",
    "storage_bytes.ssd": "kept on SSD",
    "storage_bytes.object": "in object store",
    "storage_bytes_day": "after a day",
    "storage_bytes_month": "after a month",
    "storage_bytes_year": "after a year",
    "backlog_growth": "backlog grows by",
    "cost": "cost of the fleet as given",
    "edges_pulled": "follow edges pulled",
    "edge_work": "work along edges",
    "edge_work_least": "the least it can be",
    "deliveries_lost": "deliveries lost",
    "deliveries_doubled": "deliveries doubled",
    "touched": "blocks looked at",
    "read_amplification": "blocks fetched",
    "write_amplification": "write amplification",
    "space_amplification": "space amplification",
    "memory": "memory per live byte",
    "bytes_read": "read",
    "bytes_written": "written",
    "life_used": "drive's life, a month",
}
SHARES = {
    "deliveries_lost",
    "deliveries_doubled",
    "utilization",
    "utilization_max",
    "edges_pulled",
    "hit_ratio",
    "stale",
    "waited",
    "stale_ratio",
    "not_found_ratio",
    "refused",
    "timed_out",
    "slowed",
    "stalled",
    "life_used",
}
_SHOW = {
    "s": show_duration, "/s": show_rate, "B": show_size, "B/s": lambda value: show_size(value) + "/s",
    "$/month": show_money, "%": show_share,
}  # fmt: skip


class Figure(NamedTuple):
    """A number as it is printed, and its unit with the space before it."""

    number: str
    unit: str

    def __str__(self) -> str:
        return self.number + self.unit


def figure(value: float, metric: str, unit: str) -> Figure:
    """A value of a metric with three significant digits, three decimals at most; shares in percent, two."""
    if not isfinite(value):
        return Figure("–" if isnan(value) else "∞", "")
    if is_share(metric):
        return _share(value)
    show = _SHOW.get(unit, show_count)
    found = re.match(r"([-+0-9.,e]+)(.*)", show(value))
    assert found is not None, value
    number = float(found[1].replace(",", ""))
    if unit in ("", "1") and value == int(value) and abs(value) < 1000:
        return Figure(f"{value:.0f}", "")
    return Figure("<0.001" if 0 < number < 0.0005 else _digits(number, most=3), found[2])


def is_share(metric: str) -> bool:
    """Whether a metric is told in percent; marks are, of the requests, and what a single shard does as what all do."""
    return metric.partition(".")[0] in SHARES or metric.startswith(MARKED)


def _share(value: float) -> Figure:
    """Four digits just below 100 %, so that 99.95 % is not 100 %."""
    if 0 < value < 0.00005:
        return Figure("<0.01", "%")
    if 0.99 <= value < 1:
        return Figure(f"{min(100 * value, 99.99):.2f}", "%")
    return Figure(_digits(100 * value, most=2), "%")


def text(row: Row) -> str:
    """The value of a row as it is printed in a sentence; a dash where it is null."""
    return "–" if row.value is None else str(figure(row.value, row.metric, row.unit))


def half_width(row: Row) -> str:
    """Half the 95 % interval, in the unit and with the decimals of the figure; empty if none or nothing."""
    if row.value is None or row.low is None or row.high is None or not row.value:
        return ""
    number = figure(row.value, row.metric, row.unit).number.replace(",", "")
    if number.startswith("<"):
        return ""
    half = (row.high - row.low) / 2 * float(number) / row.value
    decimals = len(number.partition(".")[2])
    if half < 0.5 * 10**-decimals:
        return ""
    return f"{half:,.{decimals}f}" if half < 100 else f"{half:,.0f}"


def _digits(number: float, most: int) -> str:
    """Three significant digits, zeros at the end included; whole from 100 on, `most` decimals."""
    if not number:
        return "0"
    decimals = max(0, 2 - floor(log10(abs(float(f"{number:.2e}")))))
    return f"{number:,.{min(decimals, most)}f}"


def name(metric: str) -> str:
    return NAMES.get(metric, metric.removeprefix(MARKED).replace("_", " "))


def short(name: str, most: int = 32) -> str:
    """A name that fits beside a chart: without control characters, a long one without its middle."""
    name = printable(name, len(name))
    return name if len(name) <= most else f"{name[: most // 2]}…{name[1 - most // 2 :]}"


def a(word: str) -> str:
    """A read, an edit."""
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def three(value: float) -> str:
    """A plain number with three significant digits, thousands and millions as k and M."""
    return str(figure(value, "", ""))


def two(value: float) -> str:
    """A plain number with two significant digits, no zeros at its end."""
    found = re.fullmatch(r"([\d.]+)(\D*)", three(float(f"{value:.2g}")))
    assert found is not None, value
    return (found[1].rstrip("0").rstrip(".") if "." in found[1] else found[1]) + found[2]


def colour(number: int) -> str:
    """The colour of the strategy that stands at this place in the scenario."""
    return COLOURS[number % len(COLOURS)]


def dash(number: int) -> str:
    return DASHES[number // len(COLOURS) % len(DASHES)]


def marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]


def aside(number: int, lines: int) -> float:
    """How far beside a name the point of a line stands, of the way to the next name: so none covers another's."""
    return 0.5 * ((number + 0.5) / lines - 0.5)


def subjects(result: Result, metric: str) -> list[str]:
    """The subjects with a metric, in the order of the rows: `latency_mean` gives the operations."""
    return list(dict.fromkeys(r.subject for r in result.rows if r.metric == metric))


def marked(result: Result) -> list[str]:
    """The metrics of what plans mark."""
    return sorted({row.metric for row in result.rows if row.metric.startswith(MARKED)})


def stations(result: Result) -> list[str]:
    """The stations that have servers; a delay is never busy and nobody waits for it."""
    without = delays(result)
    return [name for name in subjects(result, "utilization") if name not in without]


def delays(result: Result) -> set[str]:
    """The stations that have no servers, as far as that is known."""
    return {load.station for played in result.played for load in played.loads if load.servers == float("inf")}
