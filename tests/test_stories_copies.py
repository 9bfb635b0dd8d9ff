"""An author's new name: 200,000 copies written anew in the background, or one object that every page asks for."""

from __future__ import annotations

import pytest
from bands import holds

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario
from simsys.theory.feeds import break_even

COPIES, BATCH, SHARDS, REWRITE = 200_000, 500, 8, 5.2e-6
TRIP, BEFORE = 0.2e-3, 2.2e-3
"""A round trip; a rename until its row is written: the API, a trip and the database, a millisecond each."""
PLAIN = ("stations.network.ops.trip=0.2ms", "stations.database.ops.update=1ms", "run.replications=1")
ALONE = (
    "load={at_once: 1, mix: {rename: 100%, read: 0%}, keys: {count: 10}}",
    "run={requests: 1, replications: 1, warmup: 0s}",
)


def played(*sets: str) -> Result:
    return run(load_scenario("profile-change", [*PLAIN, *sets]), jobs=1, engine="compiled")


def last(*sets: str) -> float:
    seconds = played(*ALONE, *sets).value("copied", "rename", "fresh_max")
    assert seconds is not None
    return seconds


def test_the_shards_say_when_no_copy_is_old_any_more() -> None:
    """Four workers are enough to keep them busy from the first trip on."""
    shards = COPIES * REWRITE / SHARDS
    assert last() == pytest.approx(BEFORE + TRIP + shards, rel=1e-6)
    assert last("stations.workers.servers=100") == pytest.approx(BEFORE + TRIP + shards, rel=1e-6)


def test_a_single_worker_waits_for_every_batch() -> None:
    """A mutant: with one worker held, each batch takes its trip and its share of the shards, one after the other."""
    each = TRIP + BATCH * REWRITE / SHARDS
    assert last("stations.workers.servers=1") == pytest.approx(BEFORE + COPIES / BATCH * each, rel=1e-6)


def test_every_copy_is_written_once() -> None:
    """200,000 deliveries per rename, a row besides: the write amplification."""
    (copied,) = [s for s in settings(load_scenario("profile-change")) if s.label == "copied"]
    rename = copied.demands["rename"]
    assert rename.marks["fresh"] == pytest.approx(COPIES)
    assert rename.units["timelines", "rewrite"] == pytest.approx(COPIES)
    assert rename.units["database", "update"] == 1


def test_reads_meet_an_old_name_as_long_as_copies_are_written() -> None:
    """Ten authors, alike; twenty of them rename, a second apart: each tenth read within 130 ms of each."""
    events = ", ".join(f"{{at: {1 + k}s, request: {{op: rename}}}}" for k in range(20))
    world = ("load={rate: 2k/s, mix: {read: 100%}, keys: {count: 10}}", f"events=[{events}]",
             "run={duration: 22s, replications: 10, seed: 3}")  # fmt: skip
    row = run(load_scenario("profile-change", [*PLAIN[:2], *world]), jobs=1, engine="compiled").row(
        "copied", "read", "marked.old"
    )
    assert row is not None and row.value is not None
    while_written = TRIP + COPIES * REWRITE / SHARDS
    share = 20 * while_written / 22 / 10
    holds([row.value + each for each in row.deviations], share, 0.07 * share)
    assert 2 * share > row.value > 0, "a mutant that forgets to take the author out again would see one in two"


def test_copies_pay_from_six_thousand_reads_per_rename_on() -> None:
    """The closed form of the work of both: what a read saves, against what a rename costs."""
    fetched, copied = settings(load_scenario("profile-change", PLAIN))
    write, read = (
        tuple(sum(s.demands[op].busy(name) for name in s.demands[op].stations if name != "workers")
              for s in (copied, fetched))
        for op in ("rename", "read")
    )  # fmt: skip
    pages = break_even((write[0], write[1]), (read[0], read[1]))
    assert pages == pytest.approx(6_100, rel=0.05)
    assert pages == pytest.approx((write[0] - write[1]) / (read[1] - read[0]))
