"""A B-tree behind a buffer pool and a log: what it reads and writes, a dict as a twin, and what a crash leaves."""

from __future__ import annotations

import inspect
import math
import re
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from btree_twin import WRITES, Twin
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import real

from simsys import theory
from simsys.structures.btree import NOTHING
from simsys.structures.kernel import pool
from simsys.structures.storage import DELETE, READ, SCAN, UPDATE, btree
from simsys.structures.storage.btree import BtreeStorage, Rules

ROW, PAGE = 128, 16 * 1024
FOREVER = 1 << 60


def play(storage: BtreeStorage, kind: int, keys: Any, length: int = 1) -> dict[str, list[float]]:
    """The counts of one request per key."""
    keys = np.asarray(keys, np.int64)
    told = storage.play(np.full(len(keys), kind), keys, np.full(len(keys), length))
    return {name: column.tolist() for name, column in told.items()}


def table(rows: int = 2000, **rules: Any) -> BtreeStorage:
    """Rows in order, 64 a leaf, as half of a leaf stays when it is split: keys 0 to 63 in the first, and so on."""
    return BtreeStorage(np.arange(rows), Rules(**{"page": PAGE, "entry": ROW, "pool": 1000, "limit": FOREVER} | rules))


def mutant(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Play with one mistake, in Python."""
    source, wrong = inspect.getsource(pool), ModuleType("mutant")
    assert source.count(old) == 1
    for compiled in (r"^@compiled.*\n", "^@a?part\n"):
        source = re.sub(compiled, "", source, flags=re.MULTILINE)
    exec(source.replace(old, new), vars(wrong))
    monkeypatch.setattr(btree, "of", wrong)


# ---- the pool


def test_a_page_is_read_when_it_is_not_in_memory() -> None:
    """Room for the root and one more: the other leaf is missed each time, the root never."""
    storage = table(pool=2)
    assert storage.tree.height == 2
    assert play(storage, READ, [0, 1, 64, 0, 63])["missed"] == [0, 0, 1, 1, 0]
    assert play(table(), READ, [0, 1, 64, 0, 63])["missed"] == [0, 0, 0, 0, 0]
    assert play(storage, SCAN, [0], 64)["missed"] == [0]
    assert play(storage, SCAN, [1], 64)["missed"] == [1]
    assert play(storage, SCAN, [0], 200)["missed"] == [5]  # the last one went over the root


def test_the_upper_levels_stay_as_they_are_asked_for_most() -> None:
    """Room for a tenth of the leaves and all above them: nine of ten reads miss a leaf, and nothing else."""
    assert misses() == pytest.approx(0.9, abs=0.01)


def misses() -> float:
    """Per read, where there are 624 leaves and 10 pages above them."""
    storage = table(20_000, page=8192, pool=10 + 62)
    assert (storage.tree.height, storage.tree.pages, storage.tree.leaves) == (3, 634, 624)
    return float(np.mean(play(storage, READ, np.random.default_rng(1).integers(0, 20_000, 10_000))["missed"]))


def test_first_in_first_out_misses_more(monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch, "        leave(frames, OLDER, frame)\n    else:", "        return\n    else:")
    assert misses() != pytest.approx(0.9, abs=0.03)


# ---- BT-2


def test_a_change_writes_its_page() -> None:
    """16 KiB / 128 B = 128, where every change is of another leaf than the one before and the pool has room for one."""
    for copies in (1, 2):
        storage = table(pool=1, copies=copies)
        play(storage, UPDATE, [0])
        before = storage.totals()
        told = play(storage, UPDATE, np.arange(64, 64 * 31, 64))
        done = storage.totals().since(before)
        assert set(told["evicted"]) == {1.0} and set(told["flushed"]) == {0.0}
        assert done.written / done.received == theory.page_writes(PAGE, ROW, copies) == 128.0 * copies
        assert done.log == 30 * (ROW + 24)


def test_changes_of_a_page_in_memory_share_a_write() -> None:
    storage = table()
    assert sum(play(storage, UPDATE, range(2000))["evicted"]) == 0.0
    assert storage.totals().written == 0.0 and storage.dirty == storage.tree.leaves


# ---- checkpoints


def test_a_sharp_checkpoint_writes_all_changed_pages_at_once() -> None:
    """A record has 152 bytes, so that the tenth is beyond 1,400; ten leaves are changed by then."""
    storage = table(limit=1400)
    assert play(storage, UPDATE, np.arange(20) * 64)["flushed"] == [0.0] * 9 + [10.0] + [0.0] * 9 + [10.0]
    assert storage.checkpoints == 2 and storage.dirty == 0
    assert play(table(limit=1400), UPDATE, [0] * 10)["flushed"] == [0.0] * 9 + [1.0]


def test_a_fuzzy_checkpoint_writes_a_page_when_its_change_is_old() -> None:
    storage = table(limit=1400, fuzzy=True)
    assert play(storage, UPDATE, np.arange(20) * 64)["flushed"] == [0.0] * 9 + [1.0] * 11
    assert storage.dirty == 9
    assert storage.crash().records == 9


def test_the_same_log_is_done_again_after_either() -> None:
    """A hundred records at most. A leaf is written if it was changed since the last time, or a hundred changes after it
    was changed first; so the fuzzy one writes less: L (1 - exp(-n / L)) in n changes of L leaves, and L n / (n + L).
    """
    leaves, n = table().tree.leaves, 100
    for fuzzy, law in ((False, leaves * (1 - math.exp(-n / leaves))), (True, leaves * n / (n + leaves))):
        storage, most = table(limit=n * (ROW + 24), fuzzy=fuzzy), 0
        for keys in np.random.default_rng(1).integers(0, 2000, (300, 10)):
            play(storage, UPDATE, keys)
            most = max(most, storage.crash().records)
        assert 90 <= most <= 100
        assert storage.totals().written / PAGE == pytest.approx(law * 3000 / n, rel=0.05)


# ---- a dict as a twin, and a crash

requests = st.lists(st.tuples(st.integers(READ, DELETE), st.integers(0, 60)), max_size=150)


def after(start: int, wanted: list[tuple[int, int]], changes: int) -> dict[int, int]:
    """What a dict has after so many changes."""
    found = dict.fromkeys(range(start), 0)
    for n, (kind, key) in enumerate([each for each in wanted if each[0] in WRITES][:changes], 1):
        found |= {key: n}
        if kind == DELETE:
            del found[key]
    return found


def played(wanted: list[tuple[int, int]], start: int = 20, **rules: Any) -> BtreeStorage:
    storage = BtreeStorage(np.arange(start), Rules(**{"page": 128, "entry": 32, "link": 32} | rules))
    kinds, keys = np.array(wanted, np.int64).reshape(-1, 2).T
    storage.play(kinds, keys, np.full(len(keys), 7))
    return storage


sizes = {
    "pool": st.integers(1, 30), "limit": st.integers(50, 3000), "fuzzy": st.booleans(),
    "page": st.sampled_from([64, 128, 256]),
}  # fmt: skip


@settings(max_examples=100)
@given(requests, st.integers(0, 30), st.fixed_dictionaries(sizes), st.integers(0, 150))
def test_no_change_that_was_acknowledged_is_lost(wanted, start, rules, acknowledged) -> None:
    storage = played(wanted, start, **rules)
    done = sum(kind in WRITES for kind, _ in wanted)
    everything = after(start, wanted, done)
    assert storage.crash().entries == everything
    tree = dict(zip(*(each.tolist() for each in storage.tree.scan(-100, 1000)), strict=True))
    assert {key: value for key, value in tree.items() if value != NOTHING} == everything
    assert storage.totals().live == 32 * len(everything)
    found = storage.crash(min(acknowledged, done)).entries
    assert found in [after(start, wanted, n) for n in range(min(acknowledged, done), done + 1)]
    assert storage.crash().records * 24 <= rules["limit"] * 2


def as_the_twin(storage: BtreeStorage, wanted: list[tuple[int, int]]) -> bool:
    """Whether each request is told what its twin is told."""
    twin, same = Twin(storage), True
    for kind, key in wanted:
        told = [column[0] for column in play(storage, kind, [key], 7).values()]
        same = same and told == twin.ask(kind, key, 7)
    return same


@settings(max_examples=60)
@given(requests, st.integers(0, 30), st.fixed_dictionaries(sizes))
def test_a_request_at_a_time(wanted, start, rules) -> None:
    assert as_the_twin(played([], start, **rules), wanted)


def test_a_block_trace() -> None:
    """TPC-C as a block device saw it: the same pages are missed, evicted and flushed as by the twin."""
    trace = pd.read_csv(real("block_mqsim_tpcc.csv.gz"), nrows=300)
    keys = (trace.lba_512 // 8).to_numpy()
    wanted = [(UPDATE if op == "W" else READ, int(key)) for op, key in zip(trace.op, keys, strict=True)]
    for fuzzy in (False, True):
        rules = Rules(page=1024, entry=32, pool=20, limit=5000, link=32, fuzzy=fuzzy)
        storage = BtreeStorage(np.unique(keys), rules)
        assert as_the_twin(storage, wanted)
        assert storage.crash().entries.keys() == set(keys.tolist())


def test_without_a_log_changes_are_lost() -> None:
    wanted = [(UPDATE, key) for key in range(60)]
    kept = played(wanted, pool=100, limit=FOREVER, log=False).crash()
    assert kept.entries == after(20, [], 0) and kept.records == 0
    some = played(wanted, pool=5, limit=FOREVER, log=False).crash().entries
    assert some != after(20, wanted, 60) and any(some.values())
    assert played(wanted, pool=5, limit=FOREVER).crash().entries == after(20, wanted, 60)
    assert played(wanted, pool=5, limit=FOREVER, log=False).totals().log == 0.0


LOSSES = {
    "a page is written before its log": ("    store.state[FORCED] = store.state[END]\n", ""),
    "the log begins with the youngest change": ("if frames[LATER, 0] else state[END]", "if False else state[END]"),
    "a checkpoint forgets what it should write": ("        while frames[LATER, 0]:\n            save(store,",
                                                 "        while frames[LATER, 0]:\n            leave(frames, SOONER,"),
    "a page that leaves is not written": ("save(store, victim)", "leave(frames, SOONER, victim)"),
    "a new page is not in the log": ("record_page(store, used + i, i == 0)", "pass"),
    "what moves is not cut": ("record(store, CUT,", "record(store, PUT,"),
    "the new root is not in the log": ("record(store, TOP,", "record(store, PUT,"),
    "a deleted key is in the log": ("wanted[n], value[0],", "wanted[n], state[CHANGES],"),
}  # fmt: skip


def losses() -> int:
    """How many states are found, of those after a crash of 15 trees with 300 changes, in which some are missing."""
    lost = 0
    for seed in range(5):
        for rules in ({"limit": 900, "fuzzy": True}, {"limit": 900}, {"limit": FOREVER, "pool": 99}):
            keys = np.random.default_rng(seed).integers(0, 200, 300).tolist()
            wanted = [(DELETE if n % 5 == 4 else UPDATE, key) for n, key in enumerate(keys)]
            storage = played(wanted, **{"pool": 8} | rules)
            found = storage.crash().entries
            lost += found != after(20, wanted, 300) or list(found) != sorted(found)
            lost += storage.crash(250).entries not in [after(20, wanted, n) for n in range(250, 301)]
    return lost


@pytest.mark.parametrize("name", ["none", *LOSSES])
def test_any_mistake_loses_what_was_acknowledged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "none":
        assert losses() == 0
    else:
        mutant(monkeypatch, *LOSSES[name])
        assert losses() > 0


@given(requests, st.fixed_dictionaries(sizes), st.integers(0, 150))
@settings(max_examples=30)
def test_requests_may_come_in_pieces(wanted, rules, cut) -> None:
    kinds, keys = np.array(wanted, np.int64).reshape(-1, 2).T
    whole, pieces = played([], **rules), played([], **rules)
    told = whole.play(kinds, keys, np.full(len(keys), 7))
    parts = [pieces.play(kinds[s], keys[s], np.full(len(keys[s]), 7)) for s in (slice(cut), slice(cut, None))]
    for name, column in told.items():
        assert column.tolist() == [*parts[0][name], *parts[1][name]]
    assert whole.totals() == pieces.totals()


def test_a_scan_passes_over_ghosts() -> None:
    """64 rows a leaf, of which half are deleted: 64 of those that are left are two leaves, and a bit of the third."""
    storage = table(pool=3)
    play(storage, DELETE, range(0, 192, 2))
    play(storage, READ, [1999])
    assert play(storage, SCAN, [0], 64)["missed"] == [2]
    assert play(storage, SCAN, [0], 65)["missed"] == [1]
    assert storage.totals().live == (2000 - 96) * ROW and storage.tree.ghosts == 96
