"""CQRS: how far a read model lags, how many of its entries miss an event, and what puts them right.

An entry that misses an event is a key in the set `astray`, from the loss to the repair.
"""

from __future__ import annotations

from math import exp, log
from statistics import fmean
from typing import Any

import pytest
from bands import each, holds

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.scenario import load_scenario

PLAYS = 10
WORLD = """
load: {{rate: {rate}/s, mix: {{order: {orders}, read: {reads}}}, keys: {{count: {entries}, popularity: uniform}}}}
stations:
  log: {{servers: unlimited, ops: {{read: 2ms}}}}
  bus: {{servers: 1000000}}
  projectors: {{servers: {workers}, ops: {{project: {{exponential: {{mean: 8ms}}}}}}}}
  model: {{servers: 4, ops: {{read: 8ms, write: 8ms}}}}
caches: {{astray: {{entries: 1M, start: cold}}}}
strategies:
  - flow:
      name: cqrs
      order: [{{start: [{project}]}}]
      read: [{{visit: model.read}}, {{lookup: astray, hit: [{{mark: wrong}}]}}]
      rebuild: {rebuild}
      nothing: []
events: {events}
run: {{duration: {seconds}s, warmup: 0s, replications: 10, seed: 2}}
"""
PROJECT = "{visit: projectors.project}, {mark: fresh}"
MISSED = "{fill: astray}, {mark: missed}, {mark: fresh, n: 0}"
AT_ALL = "{at: 0s, request: {op: nothing}}"
DOWN = "{at: 5s, down: bus, for: 5s}"


def played(
    project: str = PROJECT,
    rate: float = 100,
    orders: str = "100%",
    entries: int = 1000,
    workers: int = 1,
    rebuild: str = "[]",
    events: str = "",
    seconds: int = 60,
) -> Result:
    reads = f"{100 - float(orders[:-1]):g}%"
    text = WORLD.format(
        project=project, rate=f"{rate:g}", orders=orders, reads=reads, entries=entries, workers=workers,
        rebuild=rebuild, events=f"[{AT_ALL}, {events}]", seconds=seconds,
    )  # fmt: skip
    return run(load_scenario(text, [], "cqrs"), jobs=1, engine="compiled")


# -- how far it lags ---------------------------------------------------------------------------------------------------


def test_the_lag_of_one_worker_is_the_time_in_a_line_of_one_server() -> None:
    """M/M/1: exponential with the rate that is left, 125/s − 100/s."""
    result = played(seconds=400)
    holds(each(result, "order", "fresh_mean"), 1 / (125 - 100), band=0.006)
    holds(each(result, "order", "fresh_p99"), log(100) / (125 - 100), band=0.05)


def test_with_another_worker_it_hardly_lags() -> None:
    assert max(each(played(workers=2), "order", "fresh_mean")) < 0.012


# -- how many entries miss an event, and for how long ------------------------------------------------------------------


def losing(share: str) -> Result:
    return played(f"{{chance: {share}, then: [{MISSED}], else: [{PROJECT}]}}", entries=10_000)


def test_entries_out_of_step_are_the_lost_share_of_the_events() -> None:
    """n events lost at random hit K (1 − (1 − 1/K)^n) entries; 6,000 events come."""
    result = losing("5%")
    shares, offered = each(result, "order", "marked.missed"), each(result, "order", "offered")
    holds(shares, 0.05, band=0.005)
    for share, rate, astray in zip(shares, offered, each(result, "astray", "occupancy"), strict=True):
        lost = share * rate * 60
        assert astray == pytest.approx(10_000 * (1 - (1 - 1e-4) ** lost), abs=9)


def test_where_none_is_lost_none_is_out_of_step() -> None:
    assert each(losing("0%"), "astray", "occupancy") == [0.0] * PLAYS


REPAIR = "{lookup: astray, hit: [{visit: log.read}, {drop: astray}, {mark: repaired}]}"


def astray(repair: str) -> Result:
    """After five seconds without a bus, and 25 s more: 100 events a second for 1,000 entries."""
    held = f"{{hold: bus, do: [{PROJECT}, {repair}], refused: [{MISSED}]}}"
    return played(held, workers=8, events=DOWN, seconds=35)


def test_the_next_event_of_an_entry_tells_the_gap() -> None:
    """So an entry is out of step for as long as its next event takes: memoryless, with mean K / λ = 10 s."""
    hit = 1000 * (1 - exp(-100 * 5 / 1000))
    holds(each(astray(REPAIR), "astray", "occupancy"), hit * exp(-100 * 25 / 1000), band=8)


def test_unless_nobody_looks() -> None:
    holds(each(astray("{visit: log.read}"), "astray", "occupancy"), 1000 * (1 - exp(-100 * 5 / 1000)), band=25)


# -- how it is rebuilt -------------------------------------------------------------------------------------------------

STEPS = "{visit: log.read}, {visit: model.write}, {drop: astray, key: index}"
REBUILD = "{at: 15s, request: {op: rebuild}}"


def rebuilt(width: int, entries: int = 1000, steps: str = STEPS, rate: float = 1, seconds: int = 30) -> Result:
    """Half of the requests are orders, half read; a read takes 8 ms of one of four servers."""
    held = f"{{hold: bus, do: [{PROJECT}], refused: [{MISSED}]}}"
    rebuild = f"[{{each: {entries}, do: [{steps}], width: {width}}}]"
    return played(held, rate, "50%", 1000, 8, rebuild, f"{DOWN}, {REBUILD}", seconds)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_rebuild_takes_the_entries_over_the_speed(width: int) -> None:
    """`width` at a time, 10 ms each: 100, 200 or 400 entries a second, as hardly anybody else is there."""
    seconds = rebuilt(width).value("cqrs", "rebuild", "latency_mean")
    assert seconds == pytest.approx(1000 * 10e-3 / width, rel=0.01)


@pytest.mark.parametrize(("rate", "left"), [(500.0, 2.0), (1.0, 4.0)])
def test_and_never_less_than_what_the_readers_leave_allows(rate: float, left: float) -> None:
    """2 of 4 servers are busy with 250 reads a second; without them it is twice as fast."""
    seconds = rebuilt(32, entries=2000, rate=rate).value("cqrs", "rebuild", "latency_mean")
    assert seconds == pytest.approx(2000 * 8e-3 / left, rel=0.03)


def reads(width: int) -> list[float]:
    """How long a read takes while a rebuild goes on, from 0.1 s to the end."""
    each_one = f"[{{each: 20k, do: [{STEPS}], width: {width}}}]"
    event = "{at: 0.1s, request: {op: rebuild}}"
    return each(played(rate=250, orders="0%", rebuild=each_one, events=event, seconds=60), "read", "latency_mean")


def test_the_wider_a_rebuild_the_longer_the_readers_wait() -> None:
    """Little: of the W entries under way, X / s go through what is left, and are at the log for z. All stand in one
    line, so a read takes as long as an entry: W / X − z.
    """
    left = (4 - 250 * 8e-3) / 8e-3
    for width in (32, 64):
        assert fmean(reads(width)) == pytest.approx(width / left - 2e-3, rel=0.03)


def test_one_at_a_time_they_hardly_wait() -> None:
    assert max(reads(1)) < 10e-3


def wrong(result: Result) -> list[float]:
    return each(result, "astray", "occupancy")


def test_a_rebuilt_model_is_as_if_it_had_never_missed_an_event() -> None:
    """No entry is left, whatever the speed; as in a play whose bus was never down."""
    for width in (1, 32):
        assert wrong(rebuilt(width, rate=200)) == [0.0] * PLAYS
    assert wrong(played(rate=200, orders="50%")) == [0.0] * PLAYS


@pytest.mark.parametrize(
    "mutant", [{"entries": 500}, {"steps": "{visit: log.read}"}], ids=["half of the log", "nothing is written"]
)
def test_a_rebuild_of_less_leaves_some(mutant: dict[str, Any]) -> None:
    """200 requests a second, half of them orders, for 5 s: 393 entries miss one, half of them below 500."""
    lost = 1000 * (1 - exp(-100 * 5 / 1000))
    holds(wrong(rebuilt(32, rate=200, **mutant)), lost / 2 if "entries" in mutant else lost, band=25)
