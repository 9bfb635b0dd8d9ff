"""Storage engines that are played: a request at a time as a twin, the laws of their trees, stalls, both engines."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutants import Mutant
from realdata import real
from same_log import same_log
from scenario_texts import changed, problems
from worlds import logged

from simsys import theory
from simsys.experiment.jobs import play_once
from simsys.experiment.run import run
from simsys.experiment.setting import Setting, settings
from simsys.measure.storage import StorageTotals
from simsys.scenario import load_scenario, write_scenario
from simsys.structures.compactions import Fifo, Leveled, Leveling, Tiering, Universal
from simsys.structures.lsm import NOTHING, Lsm
from simsys.structures.storage import CHANGES, DELETE, INSERT, MODIFY, READ, SCAN, UPDATE, Data
from simsys.structures.storage.lsm import LsmStorage

STORED = "structures.storage.lsm:LsmStorage."
Asked = list[tuple[int, int, int]]
"""(kind, key, length of a scan)."""


def engine(
    compaction: Any, memtable: int = 4, keys: int = 40, block: int = 3, cached: int = 0, bits: float = 0.0
) -> Any:
    """A storage of the keys 0, 2, 4 …, each with an entry of 1 B, in blocks of so many of them, so many in memory."""
    data = Data(np.arange(keys, dtype=np.int64) * 2, 1.0)
    return LsmStorage(Lsm(memtable, compaction, lambda level: bits), data, block, cached * block)


def counts(storage: LsmStorage, asked: Asked) -> list[tuple[float, ...]]:
    """The counts of each request."""
    kinds, keys, lengths = np.array(asked, np.int64).reshape(-1, 3).T.copy()
    found = storage.play(kinds, keys, lengths)
    return list(zip(*(found[name].tolist() for name in LsmStorage.COUNTS), strict=True))


class Twin:
    """The same, a request and a block at a time: the tree tells only which runs there are."""

    def __init__(self, compaction: Any, memtable: int, keys: int, block: int, cached: int, bits: float) -> None:
        self.tree, self.block, self.cached = Lsm(memtable, compaction, lambda level: bits), block, cached
        self.keys, self.young = sorted(range(0, 2 * keys, 2)), dict[int, bool]()
        self.tree.put(np.array(self.keys), np.array(self.keys))
        self.keys = self.there()
        self.cache = OrderedDict[Any, None]()

    def ask(self, kind: int, key: int, length: int) -> tuple[float, ...]:
        fetched: dict[int, int] = {}
        runs = list(self.tree.runs())
        levels = [n for n, level in enumerate(self.tree.levels) for _ in level]
        if kind in (READ, MODIFY) and key not in self.tree.changed:
            for rank, run_ in enumerate(runs):
                if run_.may_have(np.array([key]), self.tree.bits(levels[rank])).all():
                    place = min(sum(run_.keys < key), len(run_) - 1)
                    self._touch(run_, place // self.block, rank, fetched)
                    if key in run_.keys:
                        break
        if kind == SCAN:
            after = [each for each in self.keys if each >= key]
            until = after[length - 1] if len(after) >= length else [key, *self.keys][-1]
            for rank, run_ in enumerate(runs):
                inside = [i for i, each in enumerate(run_.keys) if key <= each <= until]
                inside = inside or [i for i in [sum(run_.keys < key)] if i < len(run_) and i % self.block]
                for block in sorted({i // self.block for i in inside}):
                    self._touch(run_, block, rank, fetched)
        written, merged, flushed = self.tree.written, self.tree.merged, self.tree.flushed
        if kind in CHANGES:
            self.tree.put(np.array([key]), np.array([NOTHING if kind == DELETE else key]))
            self.young[key] = kind != DELETE
        if self.tree.flushed > flushed:
            self.keys, self.young = self.there(), {}
        new = self.tree.flushed - flushed
        rest = (self.tree.merged - merged, self.tree.written - written - new)
        stretch = sum(fetched.values()) / len(fetched) if fetched else 0.0
        return len(fetched), stretch, *(-(-each // self.block) for each in (new, *rest))

    def there(self) -> list[int]:
        """Those that were put and not deleted, but for what the tree has forgotten."""
        there = dict.fromkeys(self.keys, True) | self.young
        kept = [key for key in there if not self.tree.forgotten or self.tree.get(np.array([key]))[0] != NOTHING]
        return sorted(key for key in kept if there[key])

    def _touch(self, run_: Any, block: int, rank: int, fetched: dict[int, int]) -> None:
        name = (run_.at, block)
        if name in self.cache:
            self.cache.move_to_end(name)
            return
        fetched[rank] = fetched.get(rank, 0) + 1
        if self.cached:
            self.cache[name] = None
            if len(self.cache) > self.cached:
                self.cache.popitem(last=False)


KINDS = [
    lambda: Leveling(2), lambda: Tiering(3), lambda: Universal(3), lambda: Leveled(8, 4, 2, 2),
    lambda: Fifo(60), lambda: Fifo(20),
]  # fmt: skip
requests = st.lists(
    st.tuples(st.integers(READ, DELETE), st.integers(0, 90), st.integers(1, 9)), max_size=40
)
worlds = st.tuples(
    st.integers(1, 5), st.integers(1, 40), st.integers(1, 4), st.integers(0, 6), st.sampled_from([0.0, 4.0])
)


@given(st.sampled_from(KINDS), worlds, requests, st.lists(st.integers(0, 40), max_size=4))
def test_a_stretch_of_requests_is_one_after_the_other(kind, world, asked: Asked, cuts: list[int]) -> None:
    """However they are cut into pieces; and the totals are the sums of what was said to each."""
    twin, storage = Twin(kind(), *world), engine(kind(), *world)
    wanted = [twin.ask(*one) for one in asked]
    edges = [0, *sorted(min(cut, len(asked)) for cut in cuts), len(asked)]
    found = [one for a, b in pairwise(edges) for one in counts(storage, asked[a:b])]
    assert found == wanted
    done = storage.totals()
    looked = [one for one, (kind_, *_) in zip(found, asked, strict=True) if kind_ in (READ, SCAN, MODIFY)]
    assert done.accesses == len(looked)
    assert done.fetched == pytest.approx(sum(seeks * stretch for seeks, stretch, *_ in found))
    assert done.touched >= done.fetched
    assert done.received == sum(kind_ in CHANGES for kind_, *_ in asked) == done.log
    assert done.live == len(twin.there())
    assert done.written <= world[2] * sum(flushed + rewritten for *_, flushed, _, rewritten in found)


EXAMPLE: Asked = [(READ, 2 * n % 80, 1) for n in range(40)] + [(UPDATE, 2 * n, 1) for n in range(9)] + [
    (READ, 4, 1), (READ, 16, 1), (SCAN, 7, 9), (MODIFY, 30, 1), (READ, 30, 1), *[(UPDATE, 2 * n, 1) for n in range(9)],
    (SCAN, 0, 30),
]  # fmt: skip


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant(STORED + "_young", "< asked", "<= asked"),
        Mutant(STORED + "_look_up", "(block, rank, who)", "(block, who, rank)"),
        Mutant(STORED + "_points", "left[~there]", "left"),
        Mutant(STORED + "_scans", '(run.keys, until, side="right")', "(run.keys, until)"),
        Mutant(STORED + "_change", "blocks[2] -= blocks[0]", "pass"),
        Mutant(STORED + "_change", "[last]", "[last - 1]"),
    ],
    ids=[
        "its own change",
        "run by run",
        "found, and searched on",
        "one too few",
        "flushed twice",
        "the one before fills it",
    ],
)
def test_another_storage_costs_as_much_as_another(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    world = (4, 40, 3, 2, 0.0)
    twin = Twin(Tiering(3), *world)
    wanted = [twin.ask(*one) for one in EXAMPLE]
    assert counts(engine(Tiering(3), *world), EXAMPLE) == wanted
    mutant.put_in(monkeypatch)
    assert counts(engine(Tiering(3), *world), EXAMPLE) != wanted


def test_what_a_tree_has_forgotten_is_not_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for 8 of 12 keys that were there; then four new ones push four more out, and all that is kept is live."""

    def kept() -> list[tuple[float, float]]:
        storage = engine(Fifo(8), memtable=4, keys=12)
        before = storage.totals()
        counts(storage, [(INSERT, key, 1) for key in (1, 3, 5, 7)])
        return [(done.kept, done.live) for done in (before, storage.totals())]

    assert kept() == [(8, 8), (8, 8)]
    Mutant(STORED + "_change", "tree.forgotten > forgotten", "False").put_in(monkeypatch)
    assert kept() == [(8, 8), (8, 12)]


# ---- the laws of the structures, of the engine that is played


def inserted(compaction: Any, count: int) -> tuple[LsmStorage, list[tuple[float, ...]]]:
    """An empty storage with a memtable for one change, after so many distinct inserts; and their counts."""
    storage = engine(compaction, memtable=1, keys=0, block=1)
    order = np.random.default_rng(1).permutation(count)
    return storage, counts(storage, [(INSERT, int(key), 1) for key in order])


def test_what_universal_compaction_rewrites() -> None:
    """LSM-1: the run that is written after each of the first merges of the RocksDB wiki."""
    _, found = inserted(Universal(trigger=8), 56)
    rewritten = [rewritten for *_, rewritten in found if rewritten]
    assert rewritten[:11] == [8, 7, 6, 26, 7, 6, 5, 4, 3, 2, 55]


@pytest.mark.parametrize(("ratio", "levels"), [(10, 3), (4, 5), (2, 5)])
def test_what_full_merges_write(ratio: int, levels: int) -> None:
    """LSM-4."""
    for kind, law in ((Leveling, theory.leveling_writes), (Tiering, theory.tiering_writes)):
        storage, found = inserted(kind(ratio), ratio**levels - 1)
        done = storage.totals()
        assert done.written / done.received == law(ratio, levels)
        assert sum(flushed + rewritten for *_, flushed, _, rewritten in found) == done.written


@pytest.mark.parametrize(("bits", "hashes", "published"), [(5, 3, 0.0918), (8, 6, 0.02158), (10, 7, 0.00819)])
def test_what_filters_let_through(bits: int, hashes: int, published: float) -> None:
    """LSM-5: a block is fetched in vain as often as a filter is wrong."""
    storage = engine(Leveling(10), memtable=100_000, keys=100_000, block=40, bits=bits)
    storage.play(np.full(99_999, READ), np.arange(1, 199_999, 2), np.ones(99_999, np.int64))
    done = storage.totals()
    assert done.fetched / done.accesses == pytest.approx(published, rel=0.05)


# ---- scale

SCALED = """
load: {rate: 1k/s, mix: {read: 50%, update: 50%}, keys: {count: 60k, popularity: {zipf: 0.99}}, size: 100B}
strategies:
  - {lsm: {memtable: 150kB, compaction: leveling, ratio: 4, block: 1kB, cache: 600kB, bits: 2}}
  - {lsm: {memtable: 150kB, compaction: tiering, ratio: 3, block: 1kB, cache: 600kB, bits: 2}}
  - {lsm: {memtable: 50kB, first: 200kB, file: 50kB, ratio: 4, block: 1kB, cache: 600kB, bits: 2}}
  - {btree: {page: 4kB, pool: 1MB, redo: 500kB}}
  - {btree: {page: 4kB, pool: 1MB, redo: 500kB, checkpoint: sharp}}
run: {requests: 60k, replications: 1, warmup: 0s}
"""


def amplifications(number: int, scale: int) -> list[float]:
    """Blocks looked at and fetched per look-up, bytes written per byte changed, bytes kept per live byte."""
    sets = [f"run.scale={scale}", f"run.requests={60_000 // scale}"]
    done = chunked(settings(load_scenario(SCALED, sets))[number])
    per_look_up = [done.touched / done.accesses, done.fetched / done.accesses]
    return [*per_look_up, done.written / done.received, done.kept / done.live]


@pytest.mark.parametrize("number", range(5), ids=["leveling", "tiering", "leveled", "fuzzy", "sharp"])
def test_a_storage_is_a_scale_model_of_a_larger_one(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the keys, of each room and of the requests: what each costs is the same to a tenth."""
    whole = amplifications(number, 1)
    assert amplifications(number, 10) == pytest.approx(whole, rel=0.1)
    Mutant("structures.storage.accesses:Ranks.keys", "else ranks // self.scale", "else ranks % self.there").put_in(
        monkeypatch
    )
    assert amplifications(number, 10) != pytest.approx(whole, rel=0.1)  # as if the keys beyond were others


# ---- scenarios

STALL = """
load:
  stages: [{for: 0.8s, rate: 10/s}, {for: 20s, rate: 0/s}]
  arrivals: regular
  mix: {insert: 100%}
  keys: {count: 4}
  size: 4KiB
stations: {ssd: {servers: 1, ops: {write: {fixed: 0s, per_item: 1s}}}, cpu: {ops: {write: 0s}}}
strategies: [{lsm: {memtable: 8KiB, compaction: tiering, ratio: 100, log: false}}]
run: {replications: 1}
"""


BOTH = """
load:
  rate: 2k/s
  mix: {read: 40%, update: 20%, insert: 10%, scan: 10%, modify: 10%, delete: 10%}
  keys: {count: 20k, popularity: {zipf: 0.99}}
  page: 20
  size: 1kB
stations: {ssd: {servers: 2}}
strategies:
  - {lsm: {memtable: 1MB, first: 4MB, file: 1MB}}
  - {lsm: {memtable: 1MB, compaction: tiering, ratio: 3, filters: optimal, bits: 5, device: volume}}
  - {lsm: {memtable: 500kB, compaction: leveling, ratio: 4, log: false, cache: 0B, device: hdd}}
run: {requests: 3k, replications: 2, scale: 10}
"""


def setting(text: str, *sets: str) -> Setting:
    return settings(load_scenario(text, list(sets)))[0]


def test_who_fills_the_memory_waits_for_room_and_all_behind_it() -> None:
    """Two changes fill a memtable, which takes 2 s to write; there is room for one besides the one that fills up.

    The second change, at 0.1 s, begins to write the first out, until 2.1 s. The fourth, at 0.3, fills the other: it
    waits until 2.1, and the fifth behind it. The sixth fills the next, and waits until 4.1, and so on.
    """
    log = logged(setting(STALL))
    waited = [request.end - request.arrival for request in log.requests]
    assert waited == pytest.approx([0, 0, 0, 1.8, 1.7, 3.6, 3.5, 5.4], abs=1e-9)
    result = run(load_scenario(STALL), jobs=1)
    assert result.value("lsm", "storage", "stalled") == pytest.approx((6.1 - 0.3) / 20.8)
    assert result.value("lsm", "storage", "write_amplification") == 1.0
    roomy = logged(setting(STALL, "stations.room.servers=4"))
    assert all(request.end - request.arrival < 1e-9 for request in roomy.requests)  # mutant: nobody waits


SLOW = """
load:
  stages: [{for: 1s, rate: 10/s}, {for: 1.5s, rate: 0/s}, {for: 0.5s, rate: 10/s}, {for: 27s, rate: 0/s}]
  arrivals: regular
  mix: {insert: 100%}
  keys: {count: 5}
  size: 4KiB
stations:
  ssd: {servers: 9, ops: {read: {fixed: 1s, per_item: 0s}, write: {fixed: 10ms, per_item: 0s}}}
  cpu: {ops: {write: 0s}}
  compactors: {servers: 1}
  pace: {ops: {write: {fixed: 50ms, per_item: 0s}}}
  debt: {servers: 100}
strategies: [{lsm: {memtable: 8KiB, compaction: leveling, ratio: 100, log: false}}]
run: {replications: 1}
"""


def slowed(merges: int = 2) -> list[int]:
    """Which changes take 50 ms longer than the others, where so many merges are due when writers are slowed down."""
    sets = (f"stations.{station}.servers={merges}" for station in ("slack", "brake"))
    waited = [round(request.end - request.arrival, 6) for request in same_log(setting(SLOW, *sets)).requests]
    assert set(waited) <= {0.0, 0.05}
    return [number for number, seconds in enumerate(waited) if seconds]


def test_writers_are_slowed_down_while_many_merges_are_due() -> None:
    """Every second change makes a merge due, which takes 1.01 s in its turn: at 0.11 s, 0.31, 0.56, 0.76 and 0.96.

    So two are due when the fifth change comes, at 0.4 s, and four for those at 0.8 and 0.9. When the others come, at
    2.5 s, three are left; another one is due from 2.61 s on.
    """
    assert slowed(2) == list(range(4, 15))
    assert slowed(4) == [8, 9, 12, 13, 14]
    assert slowed(9) == []
    result = run(load_scenario(SLOW), jobs=1)
    assert result.value("lsm", "storage", "slowed") == pytest.approx(5 * 0.05 / 30)
    assert result.value("lsm", "storage", "stalled") == 0.0


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("take", "if not (yield", "if (yield"),
        ("be_due", "self.on_the_brake", "self.in_turn"),
        ("compact", "self.be_due", "self.on_the_brake"),
    ],
    ids=["the others are slowed", "nobody brakes", "who found no place never brakes"],
)
def test_another_rule_slows_others_down(function: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Mutant(f"strategies.storage.lsm:Lsm.{function}", old, new).put_in(monkeypatch)
    assert slowed(2) != list(range(4, 15))


YCSB = """
load: {rate: 1k/s, ycsb: A, keys: {count: 1k}, size: 1kB}
strategies: [{lsm: {memtable: 10kB}}]
run: {requests: 2k, replications: 1}
"""


def chunk_of(one: Setting) -> dict[str, list[float]]:
    """How often each operation comes, and the mean of every column."""
    load = one.workload(0)
    (chunk,) = load.chunks()
    found = {op: [float((chunk.op == number).mean())] for number, op in enumerate(load.ops)}
    return found | {name: values.tolist() for name, values in chunk.columns.items()}


@pytest.mark.parametrize(
    ("name", "mix"),
    [
        ("A", {"read": 0.5, "update": 0.5}), ("B", {"read": 0.95, "update": 0.05}), ("C", {"read": 1.0}),
        ("D", {"read": 0.95, "insert": 0.05}), ("E", {"scan": 0.95, "insert": 0.05}),
        ("F", {"read": 0.5, "modify": 0.5}),
    ],
)  # fmt: skip
def test_workloads_of_ycsb_by_name(name: str, mix: dict[str, float]) -> None:
    one = setting(YCSB, f"load.ycsb={name}")
    load = one.scenario.load
    assert load.shares == mix
    assert load.keys is not None and (load.keys.exponent, load.keys.latest) == (0.99, name == "D")
    assert load_scenario(write_scenario(one.scenario)).load.model_dump() == load.model_dump()
    found = chunk_of(one)
    assert {op: found[op][0] for op in mix} == pytest.approx(mix, abs=0.03)
    if name == "E":
        assert {min(found["page"]), max(found["page"])} == {1.0, 100.0} and max(found["stretch"]) > 2.0
    assert setting(YCSB.replace("ycsb: A", "ycsb: A, mix: {read: 100%}")).scenario.load.shares == {"read": 1.0}


def test_the_latest_keys_are_still_in_memory() -> None:
    """YCSB D reads what was inserted last; with the same mix and fixed popular keys, more has to be fetched."""
    latest = play_once(setting(YCSB, "load.ycsb=D"), 0).storage
    fixed = play_once(setting(YCSB.replace("ycsb: A", "ycsb: D"), "load.keys.popularity={zipf: 0.99}"), 0).storage
    assert latest.touched / latest.accesses < 0.8 * fixed.touched / fixed.accesses


IN_ORDER = """
load: {rate: 1k/s, mix: {insert: 100%}, keys: {count: 2k}, size: 100B}
strategies: [{btree: {page: 4kB, fill: 1}}, {lsm: {memtable: 10kB, first: 40kB, file: 10kB}}]
run: {requests: 2k, replications: 1, warmup: 0s}
"""


def test_keys_that_are_inserted_in_their_order() -> None:
    """Leaves are full, 40 entries each, where others are so to ln 2; and a file of the tree overlaps none, so that it
    is written, merged once with those beside it, and moved from then on.
    """
    leaf, merged = settings(load_scenario(IN_ORDER, ["load.keys.order=inserted"]))
    other, rewritten = settings(load_scenario(IN_ORDER))
    full, random = (play_once(one, 0).storage for one in (leaf, other))
    assert full.live == random.live == 6000 * 100  # those at first, and as many twice
    assert full.kept == 155 * 4000  # 150 leaves, four pages with up to 64 links, of which half stay in a split, and one
    assert random.kept / random.live == pytest.approx(1 / theory.BTREE_FILL, rel=0.05)
    once, often = (play_once(one, 0).storage for one in (merged, rewritten))
    assert once.written / once.received == 2.0
    assert often.written / often.received > 4.0


def test_keys_of_a_trace(tmp_path: Path) -> None:
    """All are there at first, in their own order: a scan of neighbours is one stretch of blocks."""
    lines = ["t_s,op,lba", *(f"{n},{'W' if n % 3 else 'S'},{1000 + n % 50}" for n in range(200))]
    (tmp_path / "blocks.csv").write_text("\n".join(lines))
    text = """
load: {trace: {file: blocks.csv, time: t_s, op: op, ops: {W: update, S: scan}, key: lba}, page: 40, size: 1kB}
strategies: [{lsm: {memtable: 1MB, cache: 0B}}]
run: {replications: 1, warmup: 0s}
"""
    (tmp_path / "traced.yaml").write_text(text)
    one = settings(load_scenario(tmp_path / "traced.yaml"))[0]
    done = play_once(one, 0, "simpy").storage
    assert done.live == 50 * 1000.0 and done.received == 133 * 1000.0
    assert done.fetched == 0  # all in memory: 50 keys of 1 kB, and their changes
    small = replace(one, strategy=replace(one.strategy, memtable=10_000.0))
    found = chunk_of(small)
    scans = [stretch for stretch, seeks in zip(found["stretch"], found["seeks"], strict=True) if seeks == 1]
    assert max(found["seeks"]) >= 1 and all(stretch <= 13 for stretch in scans)


def test_a_block_trace_as_keys() -> None:
    """CloudPhysics, two hours: three in five are writes; merges in order write more, those in tiers keep more."""
    text = f"""
load:
  trace: {{file: {real("block_cloudphysics_2h.csv.gz")}, time: t_us, op: op, ops: {{R: read, W: update}}, key: lba_512}}
  size: 14kB
strategies: [{{lsm: {{compaction: leveling, ratio: 4}}}}, {{lsm: {{compaction: tiering, ratio: 4}}}}]
run: {{replications: 1, scale: 10}}
"""
    merged, tiered = (chunked(one) for one in settings(load_scenario(text)))
    assert merged.accesses == tiered.accesses and merged.received == tiered.received
    assert merged.written > 1.2 * tiered.written and merged.kept < tiered.kept


def chunked(one: Setting) -> StorageTotals:
    """What a storage does under a load, without an engine."""
    load = one.workload(0)
    for _ in load.chunks(needed=frozenset()):
        pass
    assert load.counted is not None
    return load.counted.totals


def test_both_engines_write_the_same_log() -> None:
    for one in settings(load_scenario(BOTH)):
        assert not isinstance(one.program, str)
        same_log(one)


def test_rows_tell_what_was_done() -> None:
    """The rows of a run are those of its accesses, whatever the engine."""
    scenario = load_scenario(BOTH, ["run.requests=1k"])
    one, other = run(scenario, jobs=1, engine="simpy"), run(load_scenario(write_scenario(scenario)), jobs=1)
    assert one.rows == other.rows
    found = {
        row.metric: row.value for row in one.rows if row.subject == "storage" and row.strategy == one.strategies[0]
    }
    assert found["read_amplification"] <= found["touched"]
    assert found["write_amplification"] > 2.0 and found["space_amplification"] >= 1.0 and found["memory"] > 0.0
    name = one.strategies[0]
    assert found["life_used"] == pytest.approx(found["bytes_written"] * 730 * 3600 / 3.5e15)
    assert [row.metric for row in one.rows if row.metric == "life_used"] == ["life_used"]  # only the SSD wears out
    on_disk = one.value(name, "system", "storage_bytes.ssd")
    assert on_disk == pytest.approx(3 * found["space_amplification"] * 20_000 * 1000, rel=0.1)
    assert one.value(name, "system", "cost.disk") == pytest.approx(on_disk * 0.08e-9)


@pytest.mark.parametrize(
    ("key", "said"),
    [("popularity: {latest: 0.9}", "which key is the latest"), ("order: inserted", "in which order keys are")],
)
def test_what_of_keys_only_a_storage_engine_knows(key: str, said: str) -> None:
    text = f"""
load: {{rate: 1k/s, mix: {{get: 100%}}, keys: {{count: 10, {key}}}}}
stations: {{server: {{ops: {{get: 1ms}}}}}}
strategies: [{{flow: {{name: plain, get: [{{visit: server.get}}]}}}}]
run: {{requests: 100}}
"""
    (found,) = problems(text)
    assert f"{said} only a storage engine knows" in found


def test_what_a_storage_engine_did_can_be_promised() -> None:
    """Of all strategies that are one; the verdict of its own row."""
    rules = "write_amplification > 1k, storage space_amplification > 0.1, memory < 1k, bytes_written > 1GB/s"
    result = run(load_scenario(BOTH, ["run.requests=1k", f"slo=[{rules}]"]), jobs=1)
    assert [v.verdict for v in result.slo] == ["missed"] * 3 + ["kept"] * 6 + ["missed"] * 3
    for verdict in result.slo:
        assert verdict.value == result.value(verdict.strategy, "storage", verdict.rule.split()[-3])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("storage write_amplificaton < 5", "there is no metric 'write_amplificaton' (write_amplification)"),
        ("storge write_amplification < 5", "there is no operation, station or cache 'storge' (storage)"),
        ("storage p99 < 5ms", "'storage' has no metric 'latency_p99'"),
        ("bytes_written < 5MB", "expected bytes per second like 20MB/s"),
        ("stalled < 5", "expected a share"),
    ],
)
def test_what_of_a_storage_engine_cannot_be_promised(rule: str, said: str) -> None:
    (found,) = problems(f"{BOTH}slo: [{rule}]\n")
    assert said in found


def test_a_knob_is_no_file_name(tmp_path: Path) -> None:
    """`file` of an lsm stays a size, wherever the text of its scenario is put."""
    scenario = load_scenario(BOTH)
    assert load_scenario(write_scenario(scenario, tmp_path)).strategies == scenario.strategies


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate: 2k/s", "clients: 5", "that of clients is not known before"),
        ("popularity: {zipf: 0.99}", "order: insertd", "'inserted'"),
        ("  keys: {count: 20k, popularity: {zipf: 0.99}}\n", "", "a storage engine needs keys"),
        ("count: 20k", "count: 20B", "is too large to be played, at most 20M: say run: {scale: 100}"),
        ("run:", "events: [{at: 1s, request: {op: read}}]\nrun:", "events bring it none"),
    ],
)
def test_what_a_storage_engine_cannot_be_played_with(old: str, new: str, message: str) -> None:
    found = problems(changed(BOTH, (old, new)))
    assert any(message in one for one in found), found
