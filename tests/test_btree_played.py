"""B-trees as storage engines of scenarios: what a request waits for, stalls, both engines, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from same_log import same_log
from test_storage import BOTH
from worlds import logged

from simsys import theory
from simsys.experiment.run import run
from simsys.experiment.setting import Setting, settings
from simsys.scenario import load_scenario

WORLD = """
load:
  stages: [{for: 1s, rate: 10/s}, {for: 30s, rate: 0/s}]
  arrivals: regular
  mix: {update: 100%}
  keys: {count: 300}
  size: 128B
stations:
  cpu: {ops: {read: 0s, write: 0s}}
  ssd: {servers: 1, ops: {read: {fixed: 1ms, per_item: 0s}, write: {fixed: 2ms, per_item: 0s}, sync: 0.1ms}}
batches: {commit: {size: 1, linger: 1s}}
strategies: [{btree: {pool: 16KiB}}]
run: {replications: 1}
"""


def setting(text: str, *sets: str) -> Setting:
    return settings(load_scenario(text, list(sets)))[0]


def waited(*sets: str) -> list[float]:
    """The latencies (ms) of ten requests, one after the other."""
    return [round(1e3 * (one.end - one.arrival), 6) for one in logged(setting(WORLD, *sets)).requests]


def test_what_a_change_waits_for() -> None:
    """Room for one page: the root and a leaf are read, the leaf of the change before is written, twice, and the log."""
    assert waited() == [2 * 2 + 2 * 1 + 0.1] * 10
    assert waited("strategies.btree.double=false") == [2 + 2 + 0.1] * 10
    assert waited("strategies.btree.double=false", "strategies.btree.log=false") == [2 + 2] * 10
    assert waited("strategies.btree.pool=1MiB") == [0.1] * 10


def test_what_a_read_waits_for() -> None:
    reads = "load.mix={read: 100%}"
    assert waited(reads) == [2.0] * 10
    assert waited(reads, "strategies.btree.pool=32KiB") != waited(reads)
    assert waited(reads, "strategies.btree.pool=1MiB") == [0.0] * 10
    scans = "load.mix={scan: 100%}"
    assert waited(scans, "load.page=1") == waited(reads)
    assert max(waited(scans, "load.page=300")) == 1.0 + 4.0  # the root and four leaves
    assert waited("load.mix={modify: 100%}") == waited()


def test_who_makes_the_log_too_long_waits_for_the_checkpoint_before_and_all_behind_it() -> None:
    """Every second change, of 152 B of log each, writes the only page, which takes 2 s; one checkpoint at a time."""
    one_page = ("load.keys.count=4", "stations.ssd.ops.write.fixed=2s", "strategies.btree.log=false")
    rules = ("strategies.btree.redo=300B", "strategies.btree.double=false", "strategies.btree.pool=1MiB")
    sharp = waited(*one_page, *rules, "strategies.btree.checkpoint=sharp")[:8]
    assert sharp == pytest.approx([0, 0, 0, 1800, 1700, 3600, 3500, 5400])
    assert waited(*one_page, *rules, "strategies.btree.checkpoint=sharp", "stations.room.servers=9") == [0.0] * 10
    assert waited(*one_page, *rules)[:6] == [0.0] * 6  # fuzzy: four at a time
    result = run(load_scenario(WORLD, [*one_page, *rules, "strategies.btree.checkpoint=sharp"]), jobs=1)
    assert 0.2 < result.value("btree", "storage", "stalled") < 0.4


DISK = """
load: {rate: 60/s, mix: {read: 80%, update: 20%}, keys: {count: 4k}, size: 1kB}
strategies: [{btree: {device: hdd, pool: 3MiB, redo: 100kB}}]
run: {requests: 3k, replications: 1}
"""


def read_p99(checkpoint: str, double: str) -> float:
    """In s, on a disk that is busy more often than not."""
    one = setting(DISK, f"strategies.btree.checkpoint={checkpoint}", f"strategies.btree.double={double}")
    log = logged(one)
    return float(np.percentile([each.end - each.arrival for each in log.requests if each.op == "read"], 99))


def test_what_a_checkpoint_does_to_everybody_else() -> None:
    """Reads queue behind eight pages at once; page by page they do not, but then a double write is a seek more each."""
    sharp, fuzzy, twice = read_p99("sharp", "false"), read_p99("fuzzy", "false"), read_p99("fuzzy", "true")
    assert sharp > 1.5 * fuzzy
    assert twice > 1.3 * fuzzy
    assert read_p99("sharp", "true") == pytest.approx(sharp, rel=0.15)  # its copies are written in a row


BTREES = """strategies=
  - {btree: {pool: 4MB, redo: 1MB}}
  - {btree: {pool: 2MB, redo: 1MB, checkpoint: sharp, device: volume}}
  - {btree: {pool: 4MB, page: 4KiB, double: false, log: false, device: hdd}}
"""


def test_both_engines_write_the_same_log() -> None:
    for one in settings(load_scenario(BOTH, [BTREES])):
        assert not isinstance(one.program, str)
        same_log(one)


def test_rows_tell_what_was_done() -> None:
    scenario = load_scenario(BOTH, ["run.requests=2k", "strategies=[btree: {pool: 200kB, double: false, log: false}]"])
    one, other = run(scenario, jobs=1, engine="simpy"), run(scenario, jobs=1)
    assert one.rows == other.rows
    found = {row.metric: row.value for row in one.rows if row.subject == "storage"}
    assert found["read_amplification"] <= found["touched"] <= 6
    assert found["space_amplification"] == pytest.approx(1 / theory.BTREE_FILL, rel=0.15)


def test_a_page_that_is_changed_once_is_written_once_or_twice() -> None:
    """BT-2, of a run: 16 KiB / 128 B, as uniform keys find their page changed by nobody else; and the log."""
    text = WORLD.replace("stages: [{for: 1s, rate: 10/s}, {for: 30s, rate: 0/s}]", "rate: 100/s")
    text = text.replace("count: 300", "count: 300k")
    for double, law in (("false", 128.0), ("true", 256.0)):
        result = run(load_scenario(text, ["run.requests=2k", f"strategies.btree.double={double}"]), jobs=1)
        assert result.value("btree", "storage", "write_amplification") == pytest.approx(law + 152 / 128, rel=0.01)
