"""Batches: their peak, a buffer without a line, what an acknowledgement that is lost makes of a load, and the first of
two to end.

A batch of b records keeps the sink for a + b·c, so that b/(a + b·c) of them are loaded a second: half of the peak 1/c
where b = a/c.
"""

from __future__ import annotations

from math import exp, sqrt
from statistics import fmean, stdev
from typing import Any

import pytest
from bands import each, holds
from mutants import MUTANTS

from simsys.experiment.jobs import play_once
from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario, shipped
from simsys.theory import erlang_b

A, C = 2e-3, 50e-6

WORLD = """
load: {{{load}, mix: {{record: 100%}}, keys: {{count: 1000000B}}}}
stations:
  buffer: {{servers: {places}, queue: {queue}}}
  stay: {{servers: unlimited, ops: {{while: {stay}}}}}
  sink: {{ops: {{load: {{fixed: 2ms, per_item: 50us}}}}}}
batches: {{load: {{size: {size}, linger: 10s}}}}
caches: {{written: {{entries: 1M, start: cold}}}}
strategies: [{{flow: {{name: load, record: [{steps}]}}}}]
run: {{warmup: 0s, replications: {replications}, seed: 5, {until}}}
"""
USUAL = {"places": 10, "queue": 0, "stay": "1s", "size": 40, "replications": 1, "until": "duration: 1s"}


def world(steps: str, load: str, **more: Any) -> Any:
    return load_scenario(WORLD.format(**{**USUAL, "steps": steps, "load": load, **more}))


# -- BATCH-3 ----------------------------------------------------------------------------------------------------------


def loaded(size: int, engine: str = "compiled") -> float:
    """Records a second that a sink loads which always has 20 full batches before it."""
    setting = settings(world("{join: load, do: [{visit: sink.load, n: size}]}", f"at_once: {20 * size}", size=size))[0]
    played: Summary = play_once(setting, 0, engine)
    assert played.stations["sink"].served == 20
    last = played.ops["record"].latency.max
    assert last is not None
    return 20 * size / last


@pytest.mark.parametrize("size", [1, 10, 40, 400, 4_000])
def test_the_rate_of_a_batch(size: int) -> None:
    assert loaded(size) == pytest.approx(size / (A + size * C), rel=1e-9)


def test_half_of_the_peak_is_where_the_records_take_as_long_as_the_batch() -> None:
    assert A / C == 40
    assert loaded(40) == pytest.approx(0.5 / C, rel=1e-9)


def test_a_batch_that_does_not_know_its_size_loads_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS["a batch does not know its size"].put_in(monkeypatch)
    assert loaded(40, "simpy") != pytest.approx(0.5 / C, rel=0.1)


# -- a buffer that refuses ---------------------------------------------------------------------------------------


ALWAYS, BY_LUCK = "1s", "{exponential: {mean: 1s}}"


def refused(stay: str, come: int = 10, places: int = 10, requests: int = 20_000, queue: int = 0) -> list[float]:
    held = "{hold: buffer, do: [{visit: stay.while}]}"
    size = {"places": places, "queue": queue, "replications": 10, "until": f"requests: {requests}"}
    found = run(world(held, f"rate: {come}/s", stay=stay, **size), jobs=1, engine="compiled")
    return each(found, "record", "refused")


@pytest.mark.parametrize(
    ("come", "places", "lost", "stay", "requests"),
    [
        (10, 10, 0.214582, ALWAYS, 20_000),
        (10, 10, 0.214582, BY_LUCK, 20_000),
        (50, 50, 0.104787, ALWAYS, 80_000),
        pytest.param(50, 50, 0.104787, BY_LUCK, 300_000, marks=pytest.mark.long),
        pytest.param(10, 15, 0.036497, ALWAYS, 150_000, marks=pytest.mark.long),
        pytest.param(10, 15, 0.036497, BY_LUCK, 550_000, marks=pytest.mark.long),
        pytest.param(20, 30, 0.008457, ALWAYS, 1_000_000, marks=pytest.mark.long),
        pytest.param(20, 30, 0.008457, BY_LUCK, 3_000_000, marks=pytest.mark.long),
    ],
)
def test_a_buffer_without_a_line_refuses_as_erlang_says(
    come: int, places: int, lost: float, stay: str, requests: int
) -> None:
    """So many come while one stays, whatever the law of that."""
    assert erlang_b(places, float(come)) == pytest.approx(lost, abs=1e-6)
    holds(refused(stay, come, places, requests), erlang_b(places, float(come)), 0.02 * lost)


def test_a_buffer_with_a_line_refuses_less() -> None:
    assert max(refused(ALWAYS, queue=1)) < erlang_b(10, 10.0) - 0.02


@pytest.mark.parametrize(("places", "queue", "lost", "in_line"), [(10, 1000, 0, 9), (10, 0, 90, 9), (1000, 0, 0, 99)])
def test_a_bounded_buffer_lets_its_writers_wait_or_go(places: int, queue: int, lost: int, in_line: int) -> None:
    """A hundred come at once, and a place is kept until the sink is done: of ten, nine stand before the sink, and the
    others before the buffer, or nowhere; a buffer without end (a mutant) has all of them at the sink.
    """
    steps = "{hold: buffer, do: [{visit: sink.load}]}"
    setting = settings(world(steps, "at_once: 100", places=places, queue=queue))[0]
    played = play_once(setting, 0, "compiled")
    assert played.ops["record"].refused == lost
    assert played.stations["sink"].longest == in_line
    assert played.ops["record"].latency.max == pytest.approx((100 - lost) * (A + C), rel=1e-3)


# -- at least once ----------------------------------------------------------------------------------------------------

COUNT = "{lookup: written, hit: [{mark: again, n: size}], miss: [{fill: written}, {mark: written, n: size}]}"
SEND = "[{visit: sink.load, n: size}, " + COUNT + ", {chance: 20%, then: [{visit: stay.while}]}]"


def sent(otherwise: str) -> Result:
    """A fifth of all batches of ten is loaded, and not acknowledged before the time is out."""
    steps = "{join: load, do: [{within: 900ms, do: " + SEND + otherwise + "}]}"
    return run(world(steps, "rate: 1k/s", size=10, replications=10, until="requests: 10k"), jobs=1)


def test_who_never_sends_again_writes_once_and_knows_nothing_of_a_fifth() -> None:
    found = sent("")
    assert found.value("load", "record", "marked.written") == 1.0
    assert found.value("load", "record", "marked.again") == 0.0
    holds(each(found, "record", "refused"), 0.2, 0.02)


def test_who_sends_again_writes_a_fifth_twice() -> None:
    found = sent(f", else: {SEND}")
    assert found.value("load", "record", "refused") == 0.0
    assert found.value("load", "record", "marked.written") == 1.0
    holds(each(found, "record", "marked.again"), 0.2, 0.02)


def test_a_sink_that_knows_what_it_has_writes_once() -> None:
    known = SEND.replace("hit: [{mark: again, n: size}]", "hit: []")
    found = sent(f", else: {known}")
    assert found.value("load", "record", "marked.written") == 1.0
    assert found.value("load", "record", "marked.again") == 0.0


PIPELINE = shipped()["batch-pipeline"].read_text()
ALONE = ["load={at_once: 1, mix: {record: 100%}, keys: {count: 9}}", "events=[{at: 0s, stall: sink, for: 1500ms}]",
         "run={replications: 1}"]  # fmt: skip
HEARD = PIPELINE.replace("chance: 0.5%", "chance: 0%")
FIRST = "visit: network.hop\n                    - chance: 0%"


def becomes(text: str, *sets: str) -> dict[str, tuple[float, float, int]]:
    """What each way of loading makes of one record: how often it is written, and again, and if nobody hears of it."""
    plays = {s.label: play_once(s, 0, "compiled").ops["record"] for s in settings(load_scenario(text, [*ALONE, *sets]))}
    return {
        name: (op.marked.get("written", 0), op.marked.get("again", 0), op.refused + op.timed_out)
        for name, op in plays.items()
    }


def test_what_becomes_of_a_record_whose_sink_stalls_when_it_comes() -> None:
    """It is sent at 51 ms and, as nothing is heard, at 1.051 s; at 1.5 s the sink does both. To look first is no help,
    as both copies look before either has written; what looks and writes in one is.
    """
    assert becomes(HEARD) == {
        "at-most-once": (1, 0, 1), "naive": (1, 1, 0), "idempotent": (1, 0, 0), "checked": (1, 1, 0),
        "transactional": (1, 0, 0), "refusing": (1, 0, 0),
    }  # fmt: skip
    assert set(becomes(HEARD, "events=[]").values()) == {(1, 0, 0)}, "a mutant whose sink does not stall"


def test_what_becomes_of_a_record_that_never_arrives() -> None:
    """Sent three times or once, and lost each time: never written, and nobody believes that it was."""
    assert set(becomes(HEARD.replace(FIRST, FIRST.replace("0%", "100%"))).values()) == {(0, 0, 1)}


# -- the first of two to end ------------------------------------------------------------------------------------------


def mean_of_first(also: str) -> list[float]:
    steps = "{within: 500ms, do: [{visit: stay.while}]" + also + "}"
    stay = "{exponential: {mean: 1s}}"
    return each(
        run(world(steps, "rate: 10/s", stay=stay, replications=10, until="requests: 20k"), jobs=1),
        "record", "latency_mean",
    )  # fmt: skip


def test_a_copy_that_begins_later_shortens_the_mean_as_the_first_of_two_does() -> None:
    """Until x one of them can end, afterwards either: 1 - e^-x, and e^-x / 2."""
    holds(mean_of_first(", also: [{visit: stay.while}]"), 1 - exp(-0.5) / 2, 0.01)


def test_a_copy_that_is_not_begun_shortens_nothing() -> None:
    with pytest.raises(AssertionError):
        holds(mean_of_first(", also: [{visit: stay.while, n: 1000}]"), 1 - exp(-0.5) / 2, 0.01)


# -- BATCH-1: a sort of a terabyte, with and without copies of what is late -------------------------------------------

SORT = shipped()["stragglers"].read_text()
WITHOUT, WITH, ALL_BUT_FIVE = 1283.0, 891.0, 960.0


def sorts(text: str, strategy: int) -> list[float]:
    """Seconds that a sort takes, in each replication."""
    setting = settings(load_scenario(text))[strategy]
    return [play_once(setting, r, "compiled").ops["sort"].latency.mean or 0.0 for r in range(10)]


def ratios(text: str, strategy: int) -> list[float]:
    return [a / b for a, b in zip(sorts(text, 0), sorts(text, strategy), strict=True)]


def test_the_sort_without_copies_is_the_published_one() -> None:
    """What the times were chosen by: the five, and all others."""
    holds(sorts(SORT, 0), WITHOUT, 0.01 * WITHOUT)
    holds(sorts(SORT.replace("chance: 0.125%", "chance: 0%"), 0), ALL_BUT_FIVE, 0.05 * ALL_BUT_FIVE)


@pytest.mark.parametrize(("limit", "is_so"), [("400s", True), ("2h", False)])
def test_copies_shorten_the_sort_as_published(limit: str, is_so: bool) -> None:
    """What was not chosen: 1,283 s to 891 s, within 0.15. Copies that begin too late shorten nothing."""
    found = ratios(SORT.replace("within: 400s", f"within: {limit}"), 2)
    assert 3 * stdev(found) / sqrt(len(found)) < 0.15
    assert (abs(fmean(found) - WITHOUT / WITH) < 0.15) is is_so
