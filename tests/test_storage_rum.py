"""RUM and real block traces, of storage engines as they are played: rows of runs, not structures by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mutants import Mutant
from realdata import real
from same_log import same_log

from simsys.experiment.jobs import play_once
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.report.overheads import overheads_of
from simsys.scenario import load_scenario

GRID = """
load: {rate: 2k/s, mix: {read: 50%, update: 50%}, keys: {count: 4k, popularity: {zipf: 0.5}}, size: 100B}
strategies:
  - {lsm: {memtable: 5kB, compaction: leveling, ratio: 2}}
  - {lsm: {memtable: 5kB, compaction: leveling, ratio: 2, bits: 0}}
  - {lsm: {memtable: 5kB, compaction: leveling, ratio: 8}}
  - {lsm: {memtable: 5kB, compaction: tiering, ratio: 3}}
  - {lsm: {memtable: 5kB, compaction: tiering, ratio: 8}}
  - {lsm: {memtable: 5kB, compaction: tiering, ratio: 8, bits: 0}}
  - {lsm: {memtable: 5kB, compaction: universal, bits: 5}}
  - {lsm: {memtable: 5kB, first: 20kB, file: 5kB}}
  - {btree: {page: 1kB, pool: 40kB, redo: 100kB}}
  - {btree: {page: 4kB, pool: 40kB, redo: 100kB, double: false}}
run: {requests: 4k, replications: 1, warmup: 0s}
"""


def bests() -> tuple[np.ndarray, list[str]]:
    """Which of the three overheads is the least, by strategy; and the strategies."""
    result = run(load_scenario(GRID), jobs=1)
    found = np.array([(point.read, point.update, point.memory) for point in overheads_of(result)])
    return found == found.min(axis=0), result.strategies


def test_no_engine_is_the_best_in_reads_updates_and_memory_at_once() -> None:
    """RUM: Athanassoulis et al., Designing access methods: the RUM conjecture, EDBT 2016; nor are two of a kind."""
    best, names = bests()
    assert len(best) == len(names) == 10
    assert not best.all(axis=1).any()
    assert best.any(axis=0).all()


def test_an_engine_whose_filters_cost_nothing_would_be_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    Mutant("structures.storage.lsm:LsmStorage.totals", "self._done._replace(", "self._done._replace(touched=0,").put_in(
        monkeypatch
    )
    assert bests()[0].sum() > 3


BLOCKS = """
load:
  trace: {file: blocks.csv, time: t_us, op: op, ops: {R: read, W: update}, key: lba_512}
  size: 4kB
strategies: [{lsm: {memtable: 256kB, first: 1MB, file: 256kB}}, {btree: {page: 16kB, pool: 1MB, redo: 256kB}}]
run: {replications: 1, warmup: 0s}
"""


@pytest.mark.parametrize(("name", "first"), [("block_cloudphysics_2h", 60_000), ("block_mqsim_tpcc", 0)])
def test_a_block_trace_drives_both_engines(name: str, first: int, tmp_path: Path) -> None:
    """A thousand lines of it: each is a request, and SimPy and the kernel write the same log of them."""
    lines = pd.read_csv(real(f"{name}.csv.gz")).iloc[first : first + 1000]
    lines.to_csv(tmp_path / "blocks.csv", index=False)
    (tmp_path / "blocks.yaml").write_text(BLOCKS)
    reads, writes = (int((lines.op == op).sum()) for op in "RW")
    assert min(reads, writes) > 100
    for one in settings(load_scenario(tmp_path / "blocks.yaml")):
        log = same_log(one)
        assert [sum(request.op == op for request in log.requests) for op in ("read", "update")] == [reads, writes]
        done = play_once(one, 0, "compiled").storage
        assert (done.accesses, done.received) == (reads, 4000 * writes)
        assert done.touched > 0 and done.kept >= done.live == 4000 * lines.lba_512.nunique()
