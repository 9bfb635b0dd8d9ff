"""The meter against a summary made request by request, in Python's own numbers; and whatever way the stream is cut."""

from __future__ import annotations

import pickle
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor, inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Arrivals, run_plan, station

from simsys.measure.histogram import Histogram, Unmeasurable
from simsys.measure.log import (
    DONE,
    FROM_EVENT,
    INSIDE,
    MARK,
    REFUSED,
    REQUEST,
    TIMED_OUT,
    Batch,
    Booked,
    Log,
    StationLog,
)
from simsys.measure.meter import Meter, summarise
from simsys.measure.staleness import Following
from simsys.measure.summary import Scope, Summary
from simsys.measure.tail import Tail, pooled
from simsys.measure.tallies import POINTS
from simsys.steps import Mark, Start, Visit

OPS = ("read", "post", "other")
STATIONS = 2
BEGIN, STOP, END, DISTURBED = 4.0, 40.0, 50.0, 20.0
NAMES = ("seen", "fresh")
SCOPE = Scope(OPS, None, True, DISTURBED)


# -- streams -----------------------------------------------------------------------------------------------------------


@st.composite
def plays(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Requests in the order of settling, their paths, and their marks in order of time."""
    count, luck = draw(st.integers(0, 40)), np.random.default_rng(draw(st.integers(0, 2**32)))
    r = np.zeros(count, dtype=REQUEST)
    r["number"], r["index"] = np.arange(count), np.arange(count) + 100
    r["op"], r["cause"] = luck.integers(0, 3, count), luck.integers(0, 2, count)
    r["status"] = luck.choice([DONE, DONE, DONE, REFUSED, TIMED_OUT, INSIDE], count)
    r["arrival"] = np.sort(luck.integers(0, 4 * int(STOP) + 1, count) / 4)
    r["end"] = np.where(
        r["status"] == INSIDE, 0.0, np.minimum(END, r["arrival"] + luck.choice([0.0, 0.1, 0.7, 9.0], count))
    )
    r["wait"], r["work"] = luck.random(count) / 3, luck.random(count) * 1e9
    r["followers"], r["active"] = luck.choice([nan, 0.0, 10.0], count), 0.25
    made = [
        (luck.integers(0, 2), n, t, luck.integers(0, 90))
        for n, t in enumerate(r["arrival"])
        for _ in range(luck.integers(0, 4))
    ]
    marks = np.array([(name, n, t + luck.integers(0, 9) / 2, k, -1) for name, n, t, k in made], dtype=MARK)
    order = luck.permutation(count)
    order = np.concatenate([order[r["status"][order] != INSIDE], order[r["status"][order] == INSIDE]])
    return r[order], luck.random((count, STATIONS, 2)), np.sort(marks, order="time")


def batches(play: tuple[Any, Any, Any], cuts: Sequence[int]) -> list[Batch]:
    """The play cut behind these places; a mark comes with its request, or all come first."""
    r, paths, marks = play
    ends = sorted({min(cut, len(r)) for cut in cuts} | {len(r)})
    found, begin = [], 0
    for end in ends:
        mine = np.isin(marks["request"], r["number"][begin:end])
        if len(ends) % 2:
            mine = np.full(len(marks), not found)
        settled = r["arrival"][end:].min(initial=inf)
        found.append(Batch(r[begin:end], paths[begin:end], marks[mine], settled, STOP))
        begin = end
    return found


def empty_log() -> Log:
    """A log that says nothing but when the run was."""
    log = Log(OPS, {name: StationLog(1) for name in ("cache", "database")[:STATIONS]}, BEGIN)
    log.stop, log.end, log.names = STOP, END, list(NAMES)
    for time in (BEGIN, STOP, END):
        for ledger in log.stations.values():
            ledger.snap(time, lambda _: [Booked(0.0, 0.0, 0)])
    return log


def measured(found: list[Batch], scope: Scope = SCOPE) -> Summary:
    meter = Meter(scope, STATIONS, BEGIN, STOP, 1000)
    for batch in found:
        meter.take(batch, NAMES)
    return summed(meter)


def summed(meter: Meter) -> Summary:
    return meter.summary(empty_log(), {"cache": 1.0, "database": 1.0})


# -- the same, request by request --------------------------------------------------------------------------------------


def counted(values: Sequence[float], counts: Sequence[float] | None = None) -> Histogram:
    made = Histogram()
    made.add(values, counts)
    return made


def expected(play: tuple[Any, Any, Any], op: int) -> dict[str, Any]:
    """What the summary of an operation should say."""
    mine = [dict(zip(REQUEST.names, row, strict=True)) for row in play[0].tolist() if row[2] == op]
    window = [r for r in mine if BEGIN <= r["arrival"] <= STOP]
    done = [r for r in window if r["status"] == DONE]
    became = Counter(r["status"] for r in window)
    fresh = list(deliveries(done, play[2])) if op else []
    told = op == 1 or any(marked for *_, marked in fresh)
    return {
        "offered": len(window), "refused": became[REFUSED], "timed_out": became[TIMED_OUT],
        "unfinished": became[INSIDE],
        "completed": sum(r["status"] == DONE and BEGIN <= r["end"] <= STOP for r in mine),
        "latency": counted([r["end"] - r["arrival"] for r in done]),
        "windows": by_window([(r["arrival"], r["end"] - r["arrival"], 1) for r in done]),
        "fresh": counted([d for _, d, _, _ in fresh], [n for _, _, n, _ in fresh]) if told else Histogram(),
        "fresh_windows": by_window([row[:3] for row in fresh]) if told else {},
        "wait": float(sum(Fraction(r["wait"]) for r in done)),
        "work": float(sum(Fraction(r["work"]) for r in window)),
        "marked": {"seen": round(seen)} if (seen := seen_by(window, play[2])) is not None else {},
    }  # fmt: skip


def seen_by(window: Sequence[dict[str, Any]], marks: Any) -> float | None:
    """How much was marked `seen` by requests of the window, whatever became of them; None if there is no such mark."""
    numbers = {r["number"] for r in window}
    found = [n for name, number, _, n, _ in marks.tolist() if name == 0 and number in numbers]
    return sum(found) if found else None


def deliveries(done: Sequence[dict[str, Any]], marks: Any) -> Iterator[tuple[float, float, int, bool]]:
    """(arrival, delay, how many, whether it was marked) of all that became fresh."""
    for r in done:
        own = [m for m in marks.tolist() if m[0] == 1 and m[1] == r["number"]]
        yield from ((r["arrival"], time - r["arrival"], round(n), True) for _, _, time, n, _ in own)
        if not own:
            audience = 1 if r["followers"] != r["followers"] else round(r["followers"] * r["active"])
            yield r["arrival"], r["end"] - r["arrival"], audience, False


def by_window(rows: Sequence[tuple[float, float, int]]) -> dict[int, Histogram]:
    found: dict[int, Histogram] = {}
    for arrival, value, n in rows:
        found.setdefault(floor(arrival / 10), Histogram()).add([value], [n])
    return found


@settings(deadline=None)
@given(plays())
def test_a_summary_is_what_its_requests_say(play: tuple[Any, Any, Any]) -> None:
    summary = measured(batches(play, []))
    for number, op in enumerate(OPS):
        told = summary.ops[op]
        for name, value in expected(play, number).items():
            mine = getattr(told, name)
            assert mine == (pytest.approx(value, rel=1e-15) if isinstance(value, float) else value), (op, name)
    last = {r["index"]: max(t - r["arrival"] for _, n, t, *_ in fresh_of(play, r)) for r in events(play)}
    assert summary.last_fresh == {int(k): v for k, v in last.items()}
    late = [(r["arrival"], 1) for r in play[0]] + [(r["end"], -1) for r in play[0] if r["status"] != INSIDE]
    assert summary.backlog_growth == pytest.approx(2 / 36 * sum(n for t, n in late if 22 < t <= STOP))
    lives = sum((END if r["status"] == INSIDE else r["end"]) - r["arrival"] for r in play[0])
    assert next(c.right for c in summary.checks if c.name == "little") == pytest.approx(lives)


def fresh_of(play: tuple[Any, Any, Any], request: Any) -> list[Any]:
    return [m for m in play[2].tolist() if m[0] == 1 and m[1] == request["number"]]


def events(play: tuple[Any, Any, Any]) -> list[Any]:
    return [r for r in play[0] if r["cause"] == FROM_EVENT and fresh_of(play, r)]


@settings(deadline=None)
@given(plays(), st.lists(st.integers(0, 40), max_size=6))
def test_a_stream_may_be_cut_anywhere(play: tuple[Any, Any, Any], cuts: list[int]) -> None:
    """To the last bit: sums in floats (a mutant) would not be."""
    assert picture(measured(batches(play, cuts))) == picture(measured(batches(play, [])))


@settings(deadline=None)
@given(plays(), st.randoms())
def test_the_order_of_settling_tells_nothing(play: tuple[Any, Any, Any], luck: Any) -> None:
    r, paths, marks = play
    order = luck.sample(range(len(r)), len(r))
    assert picture(measured(batches((r[order], paths[order], marks), [7, 20]))) == picture(measured(batches(play, [])))


def picture(summary: Summary) -> str:
    """All that a summary says, to the last bit."""
    told = [sorted(vars(op).items(), key=lambda item: item[0]) for op in summary.ops.values()]
    flat = [[(name, plain(value)) for name, value in op] for op in told]
    return repr((flat, summary.checks, sorted(summary.last_fresh.items()), summary.backlog_growth))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, plain(each)) for key, each in value.items())
    if isinstance(value, Histogram):
        return value._state()
    if isinstance(value, Tail):
        return [array.tolist() for array in (value.buckets, value.counts, value.latency, value.paths)]
    return value


# -- one thing after the other -----------------------------------------------------------------------------------------


def stream(arrival: Any, latency: Any, **columns: Any) -> Any:
    """Done requests of the first operation."""
    r = np.zeros(len(arrival), dtype=REQUEST)
    r["number"], r["arrival"], r["end"] = np.arange(len(arrival)), arrival, arrival + latency
    for name, values in columns.items():
        r[name] = values
    return r


def one_batch(requests: Any, paths: Any = None, settled: float = inf, stop: float = STOP) -> Batch:
    paths = np.zeros((len(requests), STATIONS, 2)) if paths is None else paths
    return Batch(requests, paths, np.zeros(0, dtype=MARK), settled, stop)


def test_the_series_has_a_point_per_step_of_the_run() -> None:
    """400 requests at equal distances, the first half of them slow: a mutant that takes their number has no step."""
    arrival = np.linspace(0, STOP, 400, endpoint=False)
    series = measured([one_batch(stream(arrival, np.where(arrival < STOP / 2, 0.5, 0.25)))]).ops["read"].series
    assert series == pytest.approx([0.5] * (POINTS // 2) + [0.25] * (POINTS // 2))
    gap = arrival[(arrival < 10) | (arrival > 12)]
    assert measured([one_batch(stream(gap, 0.5))]).ops["read"].series == ()


def test_a_closed_loop_whose_end_nobody_knows_is_divided_by_number() -> None:
    meter = Meter(Scope(OPS, None, False, None), STATIONS, 0.0, None, 400)
    requests = stream(np.arange(400.0) ** 2, np.where(np.arange(400) < 100, 0.5, 0.25))
    meter.take(one_batch(requests[:200], stop=inf), NAMES)
    meter.take(one_batch(requests[200:], stop=400.0**2), NAMES)
    told = summed(meter).ops["read"]
    assert told.series == pytest.approx([0.5] * (POINTS // 4) + [0.25] * (3 * POINTS // 4))
    assert told.latency.count == 400
    assert summed(meter).backlog_growth == 0.0


def disturbed(slow: dict[int, int], settled: Sequence[float], every: float = 0.01) -> float | None:
    """Recovery of 100 reads a second before a disturbance and one `every` so many seconds after it, where in some
    seconds so many took 0.3 s and not 0.1 s. There are as many batches as moments up to which all has settled.
    """
    arrival = np.concatenate([np.arange(0.0, DISTURBED, 0.01), np.arange(DISTURBED, STOP, every) + every / 2])
    latency = np.full(len(arrival), 0.1)
    for second, count in slow.items():
        first = int(np.searchsorted(arrival, DISTURBED + second))
        latency[first : first + count] = 0.3
    requests = stream(arrival, latency)
    parts = np.array_split(requests, len(settled))
    return measured([one_batch(p, settled=s) for p, s in zip(parts, settled, strict=True)]).ops["read"].recovery


@pytest.mark.parametrize("settled", [[inf], [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, inf], [1.0, 1.0, 1.0, inf]])
def test_recovery_ends_with_the_last_second_out_of_order(settled: list[float]) -> None:
    """Two in a hundred are out of order, one is not; known at once, in time, or only when the last has settled."""
    assert disturbed({}, settled) == 0.0
    assert disturbed({0: 90, 3: 2, 7: 1}, settled) == 4.0
    assert disturbed({-1: 20}, settled) == 0.0, "a mutant counts what came before"
    assert disturbed({0: 90, 15: 3}, settled) == 1.0, "a mutant takes three that met a short line for a relapse"


def test_out_of_order_are_more_than_one_and_more_than_one_in_a_hundred() -> None:
    """Of ten reads a second one may be slow, and of 400 four may, if those before were slow, too."""
    assert disturbed({4: 1}, [inf], 0.1) == 0.0
    assert disturbed({4: 2}, [inf], 0.1) == 5.0
    assert disturbed({2: 40, 4: 4}, [inf], 0.0025) == 3.0
    assert disturbed({2: 40, 4: 5}, [inf], 0.0025) == 5.0


def test_who_is_not_served_is_out_of_order() -> None:
    """Between 2 s and 6 s after the disturbance nobody is served, and all others are quick: a mutant that looks at
    latencies only sees nothing.
    """
    arrival = np.arange(0.0, STOP, 0.01) + 0.005
    requests = stream(arrival, 0.1)
    lost = (arrival > DISTURBED + 2) & (arrival < DISTURBED + 6)
    requests["status"][lost] = np.where(np.arange(lost.sum()) % 2, REFUSED, TIMED_OUT)
    assert measured([one_batch(requests)]).ops["read"].recovery == 6.0


def test_what_comes_before_but_settles_late_counts_as_before() -> None:
    """One in ten before took 0.3 s and settles last: then 0.3 s is in order; a mutant does not wait."""
    arrival = np.arange(0.0, STOP, 0.01) + 0.005
    slow = (np.arange(len(arrival)) % 10 == 0) & (arrival < DISTURBED)
    requests = stream(arrival, np.where(slow | (arrival > DISTURBED), 0.3, 0.1))
    early, late = requests[~slow], requests[slow]
    told = measured([one_batch(early, settled=0.0), one_batch(late)])
    assert told.ops["read"].recovery == 0.0


@pytest.mark.parametrize(("slow", "recovery"), [(24, 1.0), (26, 0.0)])
@pytest.mark.parametrize("moment", [5.0, 21.0])
def test_all_that_came_before_a_disturbance_counts_once(moment: float, slow: int, recovery: float) -> None:
    """2,500 before the disturbance at 25 s; if over one in a hundred took 0.3 s, that is in order in the second after.
    Mutants count those of the windows before twice, or leave out those of the same window.
    """
    arrival = np.arange(0.0, STOP, 0.01) + 0.005
    latency = np.where((arrival > 25) & (arrival < 26), 0.3, 0.1)
    latency[int(moment * 100) :][:slow] = 0.3
    meter = Meter(Scope(OPS, None, True, 25.0), STATIONS, 0.0, STOP)
    meter.take(one_batch(stream(arrival, latency)), NAMES)
    assert summed(meter).ops["read"].recovery == recovery


def test_too_few_before_a_disturbance_say_nothing() -> None:
    requests = stream(np.linspace(BEGIN, STOP, 1000), 0.1)
    assert measured([one_batch(requests)]).ops["read"].recovery is None


@pytest.mark.parametrize("latency", [-1e-9, nan, inf, 1e7])
def test_what_cannot_be_measured_is_refused(latency: float) -> None:
    with pytest.raises(Unmeasurable, match="at least 0 and below 9000000 s"):
        measured([one_batch(stream(np.array([5.0]), latency))])


def test_sums_neither_overflow_nor_lose_anything() -> None:
    """10^5 times 10^6 s of waiting and a picosecond; in picoseconds, that is ten thousand times what 64 bits hold."""
    meter = Meter(Scope(("read",), None, False, None), STATIONS, 0.0, STOP)
    requests = stream(np.zeros(100_000), 1e6, wait=1e6, work=1e-12)
    meter.take(one_batch(requests), NAMES)
    told = summed(meter).ops["read"]
    assert (told.wait, told.work, told.latency.total_ps) == (1e11, 1e-7, 10**23)


def test_a_window_of_long_ago_is_counted_as_any_other() -> None:
    """5,000 reads in 100 windows, which settle in order but for one in ten, which settles whenever; in any batches.
    Mutants leave out whose window has no row any more, or count them in the row of another; clear only some rows when
    there is a gap; or take what had settled late for all of a window.
    """
    luck = np.random.default_rng(5)
    arrival = np.sort(luck.random(5000) * 1000)
    arrival = arrival[(arrival < 300) | (arrival > 700)]
    requests = stream(arrival, luck.exponential(0.1, len(arrival)))
    requests["status"] = luck.choice([DONE, DONE, REFUSED], len(arrival))
    order = np.argsort(arrival + np.where(luck.random(len(arrival)) < 0.1, luck.random(len(arrival)) * 1000, 0))
    meter = Meter(SCOPE, STATIONS, 0.0, 1000.0)
    for part in np.split(order, [10, 11, 500, 1900]):
        meter.take(one_batch(requests[part], settled=0.0, stop=1000.0), NAMES)
    done = requests[requests["status"] == DONE]
    latency = done["end"] - done["arrival"]
    told = summed(meter).ops["read"]
    assert told.windows == by_window([(a, d, 1) for a, d in zip(done["arrival"], latency, strict=True)])
    assert told.latency == counted(latency)


def test_staleness_is_not_judged_where_reads_would_wait_for_ever() -> None:
    following = Following(1000.0, 10.0, 1.0)
    for saturated, stale in ((False, 0.0), (True, None)):
        scope = Scope(OPS, following, False, None, saturated)
        requests = stream(np.array([5.0]), 0.1, following=10.0, parent=-1)
        assert measured([one_batch(requests)], scope).ops["read"].stale == stale


@pytest.mark.parametrize("transient", [False, True])
def test_memory_does_not_grow_with_the_number_of_requests(transient: bool) -> None:
    """Reads and posts with a mark each, within seconds: what settles is counted, judged, and gone."""
    scope = Scope(OPS, Following(1000.0, 10.0, 1.0), transient, 1.0 if transient else None)
    meter = Meter(scope, STATIONS, 0.0, STOP)
    sizes = []
    tracemalloc.start()
    for k in range(60):
        luck = np.random.default_rng(k)
        arrival = (k + np.sort(luck.random(2000))) / 10
        r = stream(arrival, luck.exponential(0.01, 2000), followers=10.0, following=10.0, active=1.0, parent=-1)
        r["number"] += 2000 * k
        r["op"] = luck.integers(0, 2, 2000)
        posts = r[r["op"] == 1]
        marks = np.array(
            [(1, n, t + 0.1, 10.0, -1) for n, t in zip(posts["number"], posts["end"], strict=True)], dtype=MARK
        )
        meter.take(Batch(r, np.zeros((2000, STATIONS, 2)), marks, (k - 5) / 10, STOP), NAMES)
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] - sizes[19] < 150_000, "40 batches of 2,000 requests with 100 bytes each are 8 MB"


# -- the anatomy of the tail -------------------------------------------------------------------------------------------


def fast_and_slow() -> tuple[Any, Any]:
    """1,980 requests that were served 1 ms at one station, and 20 that took 1 s: half of it they waited for the other,
    a quarter they were served there, and the rest they spent nowhere.
    """
    slow = np.arange(2000) % 100 == 7
    paths = np.zeros((2000, STATIONS, 2))
    paths[~slow, 0, 1] = 1e-3
    paths[slow, 1] = 0.5, 0.25
    return stream(np.linspace(BEGIN, STOP, 2000), np.where(slow, 1.0, 1e-3)), paths


def tail_of(requests: Any, paths: Any) -> Tail:
    meter = Meter(Scope(("read",), None, False, None), STATIONS, BEGIN, STOP)
    meter.take(one_batch(requests, paths), NAMES)
    return meter._tallies.tail(0, ("cache", "database"))


def test_the_slowest_in_a_hundred_waited_for_the_database() -> None:
    slowest = tail_of(*fast_and_slow()).slowest()
    assert slowest is not None
    assert (slowest.requests, slowest.latency, slowest.elsewhere) == (20, 1.0, 0.25)
    assert slowest.stations == {"cache": (0.0, 0.0), "database": (0.5, 0.25)}


def test_the_bucket_that_holds_the_first_of_them_counts_in_proportion() -> None:
    """Two in a hundred of all: as many again took a thousandth of the time. A mutant that takes the whole bucket has
    all 1,980.
    """
    slowest = tail_of(*fast_and_slow()).slowest(0.02)
    assert slowest is not None and slowest.requests == 40
    assert slowest.latency == pytest.approx((1.0 + 1e-3) / 2)
    assert slowest.stations["cache"][1] == pytest.approx(1e-3 / 2)
    assert slowest.stations["database"] == pytest.approx((0.25, 0.125))


def test_fewer_than_ten_are_no_tail() -> None:
    requests, paths = fast_and_slow()
    assert tail_of(requests[:999], paths[:999]).slowest() is None
    assert tail_of(requests[:1000], paths[:1000]).slowest() is not None


def test_the_tail_of_two_replications_is_that_of_all_their_requests() -> None:
    requests, paths = fast_and_slow()
    requests["end"] += np.arange(2000) * 1e-6
    halves = [tail_of(requests[half::2].copy(), paths[half::2].copy()) for half in range(2)]
    assert [tail.slowest() for tail in halves] != [tail_of(requests, paths).slowest()] * 2
    together, all_ = pooled(halves).slowest(), tail_of(requests, paths).slowest()
    assert together is not None and all_ is not None
    assert together.requests == all_.requests
    assert together.latency == pytest.approx(all_.latency)
    assert together.stations["database"] == pytest.approx(all_.stations["database"])


def test_the_slowest_by_bucket_are_the_slowest() -> None:
    """Against sorting: a bucket is 1.6 % wide, and only that of the first of them is not wholly theirs."""
    luck = np.random.default_rng(3)
    latency = luck.exponential(0.01, 20_000)
    paths = np.zeros((20_000, STATIONS, 2))
    paths[:, 0, 0], paths[:, 1, 1] = latency * luck.random(20_000), 1e-3
    slowest = tail_of(stream(np.linspace(BEGIN, STOP, 20_000), latency), paths).slowest()
    order = np.argsort(latency)[-200:]
    assert slowest is not None and slowest.requests == 200
    assert slowest.latency == pytest.approx(latency[order].mean(), rel=2e-3)
    assert slowest.stations["cache"][0] == pytest.approx(paths[order, 0, 0].mean(), rel=1e-2)
    assert slowest.stations["database"][1] == pytest.approx(1e-3)


# -- from a play to its summary ----------------------------------------------------------------------------------------


def post(r: Any) -> Iterator[Any]:
    yield Visit("api", "get")
    yield Start(deliver, n=2)


def deliver(b: Any) -> Iterator[Any]:
    yield Visit("store", "get")
    yield Mark("fresh")


def test_a_play_is_summed_up() -> None:
    """Ten posts, a second apart: 0.25 s at the api, then two deliveries of 0.5 s, one after the other."""
    stations = {"api": station(1, get="250ms"), "store": station(1, get="500ms")}
    log = run_plan(post, stations, Arrivals(np.arange(10.0) * 2, op="post"))
    summary = summarise(log, Scope(("post",), None, False, None), {"api": 1.0, "store": 1.0})
    told = summary.ops["post"]
    assert (told.offered, told.completed, told.latency.mean, told.work) == (10, 10, 0.25, 12.5)
    assert (told.fresh.count, told.fresh.min, told.fresh.max) == (20, 0.75, 1.25)
    assert summary.work == {"post": {"api": 0.25, "store": 1.0}}
    assert all(check.ok for check in summary.checks)
    assert pickle.loads(pickle.dumps(summary)).ops["post"].latency == told.latency
