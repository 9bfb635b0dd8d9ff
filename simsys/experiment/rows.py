"""From the replications of one strategy to its tidy rows: pooled figures with 95 % intervals over replications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any

from simsys.experiment.result import MOST_SHARDS, UNEVEN, Row
from simsys.measure.histogram import Histogram
from simsys.measure.intervals import Interval, interval, ratio, section
from simsys.measure.runlength import enough_samples
from simsys.measure.storage import STORAGE, StorageTotals
from simsys.measure.summary import CacheSummary, OpSummary, Summary
from simsys.steps import MARKED

PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999))
DIGITS = 12
SATURATED = "saturated: no percentiles, they would measure the length of the run"
Figure = tuple[str, Interval, str, str]
"""(metric, interval, unit, note)"""


def rows(strategy: str, summaries: Sequence[Summary], saturated: bool) -> list[Row]:
    """All rows of one strategy but those of the system's bytes and money."""
    first = summaries[0]
    out: list[Row] = []
    for op in first.ops:
        figures = list(_operation([s.ops[op] for s in summaries], [s.length for s in summaries], saturated))
        out += [_row(strategy, op, figure) for figure in figures]
    for name, station in first.stations.items():
        if any(s.stations[name].visited for s in summaries):
            figures = list(_station([s.stations[name] for s in summaries], len(station.utilization)))
            out += [_row(strategy, name, figure) for figure in figures]
    for name in first.caches:
        figures = list(_cache([s.caches[name] for s in summaries], [s.length for s in summaries]))
        out += [_row(strategy, name, figure) for figure in figures]
    if first.storage is not None:
        out += [_row(strategy, STORAGE, figure) for figure in _storage(summaries)]
    if saturated:
        growth = interval([s.backlog_growth for s in summaries])
        out.append(_row(strategy, "system", ("backlog_growth", growth, "/s", "requests that pile up per second")))
    return out


def _row(strategy: str, subject: str, figure: Figure) -> Row:
    metric, (value, low, high, deviations), unit, note = figure
    return Row(strategy, {}, subject, metric, rounded(value), rounded(low), rounded(high), unit, note, deviations)


def measured(strategy: str, metric: str, figure: Interval, unit: str, note: str = "") -> Row:
    """A row of the system that was measured."""
    return _row(strategy, "system", (metric, figure, unit, note))


def constant(strategy: str, metric: str, value: float, unit: str, note: str = "") -> Row:
    """A row of the system whose figure is computed, not measured: its interval has no width."""
    value = float(f"{value:.{DIGITS}g}")
    return Row(strategy, {}, "system", metric, value, value, value, unit, note)


def rounded(value: float | None) -> float | None:
    """A figure as it is written: the last digits of a sum or a root differ between processors."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _operation(ops: Sequence[OpSummary], lengths: Sequence[float], saturated: bool) -> Iterator[Figure]:
    offered = [float(op.offered) for op in ops]
    seen = sum(offered) > 0
    some = "" if seen else "no such request arrived"

    def per_second(counts: Iterable[int]) -> Interval:
        rates = [n / length if length > 0 else None for n, length in zip(counts, lengths, strict=True)]
        return interval(rates) if seen else Interval(None, None, None)

    yield "throughput", per_second(op.completed for op in ops), "/s", some
    yield "offered", per_second(op.offered for op in ops), "/s", some
    yield from _durations("latency", [op.latency for op in ops], saturated)
    waited = ratio([op.wait for op in ops], [float(op.latency.count) for op in ops])
    if saturated:
        waited = Interval(None, None, None)
    yield "wait_mean", _at_least_nothing(waited), "s", SATURATED if saturated else some
    if any(op.fresh.count for op in ops):
        yield from _durations("fresh", [op.fresh for op in ops], saturated, ("mean", "p50", "p90", "p99", "max"))
    if any(op.windows for op in ops):
        yield "latency_p99_worst", *_worst([op.windows for op in ops], saturated)
    if any(op.fresh_windows for op in ops):
        yield "fresh_p99_worst", *_worst([op.fresh_windows for op in ops], saturated)
    if any(op.recovery is not None for op in ops):
        yield "recovery", interval([op.recovery for op in ops]), "s", ""
    done = [float(op.latency.count) for op in ops]
    if any(op.stale is not None for op in ops):
        yield "stale_ratio", _at_least_nothing(ratio([op.stale or 0.0 for op in ops], done)), "", ""
    sent = [float(op.sent) for op in ops]
    if any(sent):
        for metric, count in (("lost", [op.lost for op in ops]), ("doubled", [op.doubled for op in ops])):
            share = _at_least_nothing(ratio([float(n) for n in count], sent))
            yield f"deliveries_{metric}", share, "", "of the deliveries to followers who are known"
    if any(op.brought for op in ops):
        yield "not_found_ratio", ratio([op.unfound for op in ops], [float(op.brought) for op in ops]), "", ""
    for name in sorted({name for op in ops for name in op.marked}):
        marked = [float(op.marked.get(name, 0)) for op in ops]
        yield MARKED + name, _at_least_nothing(ratio(marked, offered)), "", some
    for metric, count in (
        ("refused", [op.refused for op in ops]),
        ("timed_out", [op.timed_out for op in ops]),
    ):
        yield metric, ratio([float(n) for n in count], offered), "", some
    ended = [float(op.offered - op.unfinished) for op in ops]
    yield "work", ratio([op.work for op in ops], ended), "s", some


def _durations(
    name: str,
    histograms: Sequence[Histogram],
    saturated: bool,
    metrics: Sequence[str] = ("mean", "p50", "p90", "p99", "p999", "max"),
) -> Iterator[Figure]:
    if saturated:
        yield from ((f"{name}_{metric}", Interval(None, None, None), "s", SATURATED) for metric in metrics)
        return
    pooled = merged(histograms)
    for metric in metrics:
        if metric == "mean":
            counts = [float(h.count) for h in histograms]
            figure = ratio([(h.mean or 0.0) * h.count for h in histograms], counts)
            yield f"{name}_mean", figure, "s", "" if pooled.count else "no observation"
        elif metric == "max":
            note = "the largest seen" if pooled.count else "no observation"
            yield f"{name}_max", _largest(histograms, pooled), "s", note
        else:
            yield f"{name}_{metric}", *_percentile(histograms, pooled, dict(PERCENTILES)[metric])


def _largest(histograms: Sequence[Histogram], pooled: Histogram) -> Interval:
    """The largest of all replications, with the interval of the largest of one: it reaches up to what was seen."""
    _, low, high, _ = interval([h.max for h in histograms])
    if pooled.max is None or low is None or high is None:
        return Interval(pooled.max, None, None)
    return Interval(pooled.max, max(0.0, low), max(high, pooled.max))


def _percentile(histograms: Sequence[Histogram], pooled: Histogram, q: float) -> tuple[Interval, str, str]:
    if not enough_samples(pooled.count, q):
        return Interval(None, None, None), "s", f"{pooled.count:,} observations are too few"
    figure = section(pooled.quantile(q), [h.quantile(q) for h in histograms])
    return _at_least_nothing(figure), "s", ""


def _at_least_nothing(figure: Interval) -> Interval:
    return figure if figure.low is None else figure._replace(low=max(0.0, figure.low))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All observations of several replications."""
    pooled = Histogram()
    pooled.merge(*histograms)
    return pooled


def _worst(replications: Sequence[dict[int, Histogram]], saturated: bool) -> tuple[Interval, str, str]:
    """The largest p99 of any 10-second window of arrivals that has enough requests for one."""
    if saturated:
        return Interval(None, None, None), "s", SATURATED
    pooled = {
        number: merged(windows[number] for windows in replications if number in windows)
        for number in sorted({number for windows in replications for number in windows})
    }
    p99 = {n: each.quantile(0.99) or 0.0 for n, each in pooled.items() if enough_samples(each.count, 0.99)}
    if not p99:
        return Interval(None, None, None), "s", "no window has enough requests"
    worst = max(p99, key=lambda number: p99[number])
    return _percentile([windows[worst] for windows in replications if worst in windows], pooled[worst], 0.99)


def _station(stations: Sequence[Any], shards: int) -> Iterator[Figure]:
    def over(figure: Callable[[Any], float]) -> Interval:
        return _at_least_nothing(interval([figure(s) for s in stations]))

    mean = over(lambda s: sum(s.utilization) / shards)
    yield "utilization", mean, "", ""
    if shards > 1:
        yield "utilization_max", over(lambda s: max(s.utilization)), "", "the busiest shard"
    yield "throughput", over(lambda s: sum(s.throughput)), "/s", "visits, one per shard visited"
    if shards > 1:
        yield "throughput_max", over(lambda s: max(s.throughput)), "/s", "the busiest shard"
    served = [float(s.served) for s in stations]
    wait = _at_least_nothing(ratio([s.wait for s in stations], served))
    yield "wait_mean", wait, "s", "" if sum(served) else "nobody came in the window"
    if stations[0].fleet is not None:
        yield "servers", over(lambda s: s.fleet.there), "", "on average"
        yield "servers_paid", over(lambda s: s.fleet.paid), "", "on average, from the order on"
        yield "servers_max", Interval(float(max(s.fleet.most for s in stations)), None, None), "", "the most at once"
    yield "queue_mean", over(lambda s: s.queue), "", ""
    longest = max(s.longest for s in stations)
    yield "queue_max", Interval(float(longest), None, None), "", "the longest seen, before one shard"
    busy = [fmean(s.utilization[shard] for s in stations) for shard in range(shards)]
    if max(busy) - fmean(busy) >= UNEVEN:
        for shard in sorted(sorted(range(shards), key=lambda shard: -busy[shard])[:MOST_SHARDS]):
            for metric, unit in (("utilization", ""), ("throughput", "/s")):
                figure = interval([getattr(s, metric)[shard] for s in stations])
                yield f"{metric}.{shard}", _at_least_nothing(figure), unit, "one shard"


def _cache(caches: Sequence[CacheSummary], lengths: Sequence[float]) -> Iterator[Figure]:
    lookups, hits, loads = ([float(getattr(c, what)) for c in caches] for what in ("lookups", "hits", "loads"))
    note = "" if sum(lookups) else "nobody asked"
    yield "hit_ratio", ratio(hits, lookups), "", note
    if any(c.stale for c in caches):
        yield "stale", ratio([float(c.stale) for c in caches], lookups), "", "given after its ttl"
    if any(c.waits for c in caches):
        yield "waited", ratio([float(c.waits) for c in caches], lookups), "", "for the load of another"
    yield "age_mean", _at_least_nothing(ratio([c.ages for c in caches], hits)), "s", "of what was given"
    yield "age_max", Interval(max(c.oldest for c in caches), None, None), "s", "the oldest that was given"
    rates = [n / length if length > 0 else None for n, length in zip(loads, lengths, strict=True)]
    yield "loads", _at_least_nothing(interval(rates)), "/s", "look-ups that had to load"
    yield "loads_peak", _at_least_nothing(interval([float(c.peak) for c in caches])), "/s", "in the busiest second"
    fills = [float(c.fills) for c in caches]
    yield "loads_per_fill", _at_least_nothing(ratio(loads, fills)), "", "" if sum(fills) else "nothing came in"
    yield "occupancy", interval([c.occupancy for c in caches]), "entries", ""
    if all(c.bytes is not None for c in caches):
        yield "bytes", interval([c.bytes for c in caches]), "B", ""
    yield "evictions", interval([float(c.evictions) for c in caches]), "", "in the window"


def _storage(summaries: Sequence[Summary]) -> Iterator[Figure]:
    done = [s.storage or StorageTotals() for s in summaries]
    seconds = [s.length for s in summaries]
    accesses, received = [d.accesses for d in done], [d.received for d in done]
    written = [d.log + d.written for d in done]
    nobody = "" if sum(accesses) else "nothing was looked up"
    yield "touched", ratio([d.touched for d in done], accesses), "", nobody or "per look-up, in memory or not"
    yield "read_amplification", ratio([d.fetched for d in done], accesses), "", nobody or "fetched per look-up"
    if sum(received):
        yield "write_amplification", ratio(written, received), "", "bytes written, of the log as well, per byte changed"
    yield "space_amplification", ratio([d.kept for d in done], [d.live for d in done]), "", "bytes kept per live byte"
    yield "memory", ratio([d.memory for d in done], [d.live for d in done]), "", "bytes in memory per live byte"
    yield "bytes_read", _at_least_nothing(ratio([d.read for d in done], seconds)), "B/s", ""
    yield "bytes_written", _at_least_nothing(ratio(written, seconds)), "B/s", ""
    if waiting := [name for name in ("room", "cleaners") if all(name in s.stations for s in summaries)]:
        still = [sum(s.stations[name].queue for name in waiting) for s in summaries]
        yield "stalled", _at_least_nothing(interval(still)), "", "of the time"
    if all("pace" in s.stations for s in summaries):
        slow = [sum(s.stations["pace"].utilization) for s in summaries]
        yield "slowed", _at_least_nothing(interval(slow)), "", "of the time"
