"""Log-structured merge trees: published run sizes and writes to the entry, a dict as a twin, filters, and RUM."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutants import Mutant

from simsys import theory
from simsys.structures.compactions import Fifo, Leveled, Leveling, Tiering, Universal
from simsys.structures.lsm import NOTHING, Lsm, Run

COMPACTIONS = "structures.compactions:"


def filled(tree: Lsm, keys: Any) -> Lsm:
    """The tree when these keys have been put, each with itself as its value."""
    tree.put(keys, keys)
    return tree


def sizes(tree: Lsm) -> list[list[int]]:
    return [[len(run) for run in level] for level in tree.levels]


# ---- LSM-1: universal compaction of unit flushes (RocksDB wiki)


def states(compaction: Universal, flushes: int = 150) -> list[list[int]]:
    """The run sizes after every compaction."""
    tree, found = Lsm(1, compaction), []
    for key in range(flushes):
        runs = len(tree.levels[0]) if tree.levels else 0
        filled(tree, np.array([key]))
        if len(tree.levels[0]) <= runs:
            found.append(sizes(tree)[0])
    return found


PUBLISHED = [
    [8], [7, 8], [6, 7, 8], [26], [7, 26], [6, 7, 26], [5, 6, 7, 26], [4, 5, 6, 7, 26], [3, 4, 5, 6, 7, 26],
    [2, 3, 4, 5, 6, 7, 26], [55],
]  # fmt: skip


def test_run_sizes_of_universal_compaction() -> None:
    found = states(Universal(trigger=8, size_ratio=1, amplification=200))
    assert found[: len(PUBLISHED)] == PUBLISHED
    assert [29, 55] in found and [22, 29, 55] in found
    assert [runs for runs in found if len(runs) == 1] == [[8], [26], [55], [148]]


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant(COMPACTIONS + "Universal.pick", "< self.trigger", "<= self.trigger"),
        Mutant(COMPACTIONS + "Universal.pick", "sum(sizes[:-1])", "sum(sizes)"),
        Mutant(COMPACTIONS + "Universal.pick", "* sum(sizes[first:end])", "* sizes[end - 1]"),
        Mutant(COMPACTIONS + "Universal.pick", "(100 + self.size_ratio)", "2 * 100"),
    ],
    ids=["one run more", "the oldest counts as waste", "only the last is compared", "twice as large is as large"],
)
def test_another_rule_has_other_run_sizes(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.put_in(monkeypatch)
    test = states(Universal(trigger=8, size_ratio=1, amplification=200))
    assert test[: len(PUBLISHED)] != PUBLISHED


def test_what_is_beyond_the_trigger_becomes_one() -> None:
    """Sizes of which each is far above all before it: neither waste nor a sequence, so the third rule is asked."""
    rules = Universal(trigger=3, amplification=1000)
    found = [rules.pick(each) for each in ([1, 10, 100], [1, 3, 10, 100], [1, 3, 9, 30, 100])]
    assert found == [range(0), range(0), range(2)]


def test_a_sequence_may_begin_after_the_newest_run() -> None:
    """The newest is far below the next, but that one is as large as those after it."""
    assert Universal(trigger=4).pick([1, 50, 3, 5, 1000]) == range(1, 4)


# ---- LSM-4: writes of full merges

WRITTEN = [(10, 5, 26.39, 4.89), (4, 5, 11.18, 4.67), (2, 5, 5.74, 4.16)]


@pytest.mark.parametrize(("ratio", "levels", "leveling", "tiering"), WRITTEN)
def test_writes_of_leveling_and_tiering(ratio: int, levels: int, leveling: float, tiering: float) -> None:
    keys = np.random.default_rng(1).permutation(ratio**levels - 1)
    one, other = filled(Lsm(1, Leveling(ratio)), keys), filled(Lsm(1, Tiering(ratio)), keys)
    assert one.write_amplification == theory.leveling_writes(ratio, levels) == pytest.approx(leveling, abs=0.005)
    assert other.write_amplification == theory.tiering_writes(ratio, levels) == pytest.approx(tiering, abs=0.005)
    assert sizes(one) == [[(ratio - 1) * ratio**j] for j in range(levels)]
    assert sizes(other) == [[ratio**j] * (ratio - 1) for j in range(levels)]


@pytest.mark.parametrize(
    ("kind", "mutant"),
    [
        (Leveling, Mutant(COMPACTIONS + "Leveling.receive", "len(run) < room", "len(run) <= room")),
        (Leveling, Mutant(COMPACTIONS + "Leveling.receive", "[run, *level]", "[run]")),
        (Tiering, Mutant(COMPACTIONS + "Tiering.receive", "== self.ratio", "> self.ratio")),
    ],
    ids=["a run more", "the level is lost", "a run more per level"],
)
def test_another_tree_writes_as_much_as_another(kind: Any, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.put_in(monkeypatch)
    law = theory.leveling_writes(4, 5) if kind is Leveling else theory.tiering_writes(4, 5)
    assert filled(Lsm(1, kind(4)), np.arange(1023)).write_amplification != pytest.approx(law, rel=0.01)


def test_per_level_in_the_long_run() -> None:
    """(T + 1) / 2 and 1: the next level of ten adds 5.5, and 1."""
    for law, each in ((theory.leveling_writes, 5.5), (theory.tiering_writes, 1.0)):
        assert law(10, 9) - law(10, 8) == pytest.approx(each, abs=1e-6)


# ---- LSM-2: leveled with files


def test_space_and_writes_of_a_leveled_tree() -> None:
    """RocksDB: 512 MB at level 1, ten times as much at each of three more, 500 GB; here a key for every 500 kB.

    33 writes are the worst case, of files that overlap ten others each: half of it to a little more is what may come.
    """
    assert theory.leveled_space(0.512, 4, 500.0) == pytest.approx(1.14, rel=0.01)
    worst = theory.leveled_writes(4)
    assert worst == 33
    keys, rng = np.arange(1_000_000) * 7919 % 1_000_003, np.random.default_rng(3)
    tree = filled(Lsm(256, Leveled(first=1024, file=256)), keys)
    written, received = tree.written, tree.received
    filled(tree, rng.choice(keys, 300_000))
    assert 0.5 * worst < (tree.written - written) / (tree.received - received) < 1.05 * worst
    assert 1.10 < tree.entries / len(keys) < theory.leveled_space(0.512, 4, 500.0)
    assert [sum(level) <= 1024 * 10**j for j, level in enumerate(sizes(tree)[1:])] == [True] * 4
    for level in tree.levels[1:]:
        assert all(one.keys[-1] < other.keys[0] for one, other in pairwise(level))
    one_by_one = filled(Lsm(256, Leveled(first=1024, file=256)), np.arange(20_000))
    assert one_by_one.write_amplification < 3  # mutant: keys in order overlap nothing, and files only move


# ---- scale


@pytest.mark.parametrize(
    "kind",
    [lambda n: Leveling(4), lambda n: Tiering(4), lambda n: Universal(4), lambda n: Fifo(60 * n),
     lambda n: Leveled(4 * n, n)],
    ids=["leveling", "tiering", "universal", "fifo", "leveled"],
)  # fmt: skip
def test_a_tree_is_a_scale_model_of_a_larger_one(kind: Any) -> None:
    """A memtable of 50 and 9,950 new keys, and sixteen times as many of both: run by run sixteen times as large, but
    where files overlap as it comes.
    """
    found = []
    for memtable in (50, 800):
        tree, rng = Lsm(memtable, kind(memtable)), np.random.default_rng(2)
        filled(tree, rng.permutation(199 * memtable)).get(rng.integers(0, 199 * memtable, 9000))
        found.append((tree.write_amplification, tree.entries / memtable, tree.searched / tree.looked_up))
    exact = not isinstance(kind(1), Leveled)
    assert found[0][:2] == pytest.approx(found[1][:2], rel=1e-12 if exact else 0.05)
    assert found[0][2] == pytest.approx(found[1][2], rel=0.1)  # a small run leaves out more of the keys at its ends
    other = filled(Lsm(50, kind(50)), np.arange(199 * 800) * 7919 % (199 * 800))  # mutant: the memtable as it was
    assert (other.write_amplification, other.entries / 800) != pytest.approx(found[1][:2], rel=0.1)


# ---- a dict as a twin

KINDS: list[Callable[[], Any]] = [
    lambda: Leveling(2), lambda: Leveling(3), lambda: Tiering(2), lambda: Tiering(3), lambda: Universal(2),
    lambda: Universal(4, 50, 100), lambda: Universal(3, 0, 10_000), lambda: Leveled(4, 2, 2, 2),
    lambda: Leveled(6, 3, 3, 3),
]  # fmt: skip
changes = st.lists(
    st.lists(st.tuples(st.integers(-3, 12), st.none() | st.integers(0, 99)), min_size=1, max_size=9), max_size=12
)


@given(st.sampled_from(KINDS), st.integers(1, 4), st.sampled_from([0.0, 3.0]), changes)
def test_a_tree_is_a_dict(kind, memtable, bits, changes) -> None:
    tree, twin = Lsm(memtable, kind(), lambda level: bits), {}
    everything = np.arange(-4, 14)
    for some in changes:
        twin |= dict(some)
        keys = np.array([key for key, _ in some])
        tree.put(keys, np.array([NOTHING if value is None else value for _, value in some]))
        found = [None if value == NOTHING else value for value in tree.get(everything).tolist()]
        assert found == [twin.get(key) for key in everything.tolist()]
        for run in tree.runs():
            assert len(run) and (np.diff(run.keys) > 0).all()
    tree.flush()
    assert tree.received == sum(map(len, changes))
    assert tree.entries >= sum(value is not None for value in twin.values())
    if isinstance(tree.compaction, Leveling):
        assert all(NOTHING not in run.values for run in list(tree.runs())[-1:])  # nothing older has to be hidden


@given(st.sampled_from(KINDS), st.integers(1, 9), changes, st.integers(0, 9), changes)
def test_a_crash_loses_what_is_not_in_the_log(kind, memtable, before, unsynced, after) -> None:
    """With a log that has all acknowledged changes none of them is lost, and those before a lost one neither; without
    one all since the last flush are. What comes after the crash is as if nothing had happened.
    """
    whole = [change for some in before for change in some]
    young = len(whole) % memtable
    logged, unlogged = (Lsm(memtable, kind()) for _ in range(2))
    for tree in (logged, unlogged):
        for key, value in whole:
            tree.put(np.array([key]), np.array([NOTHING if value is None else value]))
    unlogged.crash()
    logged.crash(logged=young - min(unsynced, young))
    acknowledged = len(whole) - min(unsynced, young)
    for tree, kept in ((logged, acknowledged), (unlogged, len(whole) - young)):
        assert tree.received == kept
        assert contents(tree) == dict_of(whole[:kept])
        for key, value in [change for some in after for change in some]:
            tree.put(np.array([key]), np.array([NOTHING if value is None else value]))
        assert contents(tree) == dict_of(whole[:kept] + [change for some in after for change in some])


def contents(tree: Lsm) -> dict[int, int]:
    keys = np.arange(-4, 14)
    return {key: value for key, value in zip(keys.tolist(), tree.get(keys).tolist(), strict=True) if value != NOTHING}


def dict_of(some: Any) -> dict[int, int]:
    return {key: value for key, value in dict(some).items() if value is not None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self._used = min(logged, self._used)", "self._used = 0"),
        ("self._used = min(logged, self._used)", "self._used = logged and self._used"),
    ],
    ids=["the log is not read", "the log has what was never written to it"],
)
def test_another_recovery_has_other_contents(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Mutant("structures.lsm:Lsm.crash", old, new).put_in(monkeypatch)
    tree = filled(Lsm(8, Tiering(2)), np.arange(1, 6))
    tree.crash(logged=3)
    assert contents(tree) != {1: 1, 2: 2, 3: 3}


@given(st.integers(1, 3), st.integers(1, 9), changes)
def test_fifo_forgets_the_oldest_runs(memtable, room, changes) -> None:
    """The twin keeps the memtables that were flushed, and drops the oldest while there are too many entries."""
    tree, flushed, young = Lsm(memtable, Fifo(room)), [], []
    for key, value in (change for some in changes for change in some):
        tree.put(np.array([key]), np.array([NOTHING if value is None else value]))
        young.append((key, NOTHING if value is None else value))
        if len(young) == memtable:
            flushed.append(dict(young))
            young = []
            while len(flushed) > 1 and sum(map(len, flushed)) > room:
                flushed.pop(0)
        wanted = {key: value for some in [*flushed, dict(young)] for key, value in some.items()}
        assert tree.get(np.arange(-3, 13)).tolist() == [wanted.get(key, NOTHING) for key in range(-3, 13)]
    assert sizes(tree)[0] == [len(some) for some in reversed(flushed)] if flushed else not tree.levels
    assert tree.written == tree.entries + tree.forgotten


def test_a_mistake_in_a_merge_shows() -> None:
    """Of a key that two runs have, the older value; and a deleted key that nothing hides any more."""
    tree = Lsm(2, Tiering(2))
    tree.put(np.array([1, 2, 1, 3]), np.array([10, 20, 11, NOTHING]))
    assert tree.get(np.array([1, 2, 3])).tolist() == [11, 20, NOTHING]
    assert sizes(tree) == [[], [2]]
    backwards = tree.write([Run(np.array([1]), np.array([10])), Run(np.array([1]), np.array([11]))], bottom=True)
    assert backwards.values.tolist() == [10]


# ---- LSM-5 and LSM-6: filters


@pytest.mark.parametrize(("bits", "hashes", "published"), [(5, 3, 0.0918), (8, 6, 0.02158), (10, 7, 0.00819)])
def test_false_positives_of_a_run(bits: int, hashes: int, published: float) -> None:
    """LSM-5; the keys that are not there lie between those that are."""
    run = Run(np.arange(0, 200_000, 2), np.zeros(100_000, np.int64))
    assert run.may_have(run.keys, bits).all()
    wrong = run.may_have(run.keys[:-1] + 1, bits).mean()
    assert wrong == pytest.approx(published, rel=0.05)
    assert wrong == pytest.approx(theory.bloom_false_positives(bits, hashes), rel=0.05)
    assert run.may_have(np.array([-1, 200_000]), bits).tolist() == [False, False]


def searches(bits: Callable[[int], float], levels: int = 5) -> tuple[float, float]:
    """Runs that a look-up of what is not there searches, and bits per key, in a tree whose levels grow by ten."""
    tree, rng, first = Lsm(1, Leveling(10), bits), np.random.default_rng(1), 20
    whole = rng.permutation(first * (10**levels - 1) // 9) * 2
    for number in range(levels):
        keys, whole = np.sort(whole[: first * 10**number]), whole[first * 10**number :]
        tree.level(number).append(Run(keys, keys))
    assert (tree.get(np.arange(1, 200_001, 2)) == NOTHING).all()
    spent = sum(bits(number) * len(run) for number, (run,) in enumerate(tree.levels)) / tree.entries
    return tree.searched / tree.looked_up, spent


def test_optimal_filters_spare_searches() -> None:
    """LSM-6, Monkey: five levels, 5 bits per key on average. A filter has whole hash functions: up to a tenth worse."""
    assert theory.uniform_searches(5, 5.0) == pytest.approx(0.4526, rel=0.02)
    best = theory.optimal_filters([10.0**level for level in range(5)], 5.0)
    assert sum(best) == pytest.approx(0.1299, rel=0.02)
    uniform, same = searches(lambda level: 5.0)
    optimal, spent = searches(lambda level: -np.log(best[level]) / np.log(2) ** 2)
    assert same == 5.0 and spent == pytest.approx(5.0, rel=1e-3)
    assert uniform == pytest.approx(0.4526, rel=0.1)
    assert optimal == pytest.approx(0.1299, rel=0.15)
    mutant, spent = searches(lambda level: 5.0 * 11_111 / 10_000 if level == 4 else 0.0)
    assert mutant > 4 and spent == pytest.approx(5.0, rel=1e-3)  # all bits where the most keys are


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.floats(0, 12), st.randoms())
def test_no_other_filters_of_as_many_bits_search_less(sizes, bits, rng) -> None:
    best = theory.optimal_filters([float(size) for size in sizes], bits)
    assert sum(-size * np.log(p) for size, p in zip(sizes, best, strict=True)) == pytest.approx(
        bits * sum(sizes) * np.log(2) ** 2, rel=1e-6, abs=1e-6
    )
    giver, taker = rng.randrange(len(sizes)), rng.randrange(len(sizes))
    moved = min(0.01, -sizes[giver] * np.log(best[giver]))
    other = list(best)
    other[giver] *= np.exp(moved / sizes[giver])
    other[taker] *= np.exp(-moved / sizes[taker])
    assert sum(other) >= sum(best) - 1e-9


# ---- RUM


def overheads(compaction: Any, bits: float) -> tuple[float, float, float]:
    """Runs searched per key that is there, writes per change, and entries and filters per live entry of 16 bytes."""
    rng = np.random.default_rng(5)
    keys = rng.integers(0, 20_000, 60_000)
    tree = filled(Lsm(64, compaction, lambda level: bits), keys)
    tree.get(rng.choice(keys, 5000))
    return tree.searched / tree.looked_up, tree.write_amplification, tree.entries / 20_000 * (1 + bits / 128)


def test_no_tree_is_the_best_in_reads_updates_and_memory_at_once() -> None:
    """RUM: Athanassoulis et al., Designing access methods: the RUM conjecture, EDBT 2016."""
    trees = [kind(ratio) for kind in (Leveling, Tiering) for ratio in (2, 4, 8)] + [Universal(4), Universal(8)]
    found = np.array([overheads(tree, bits) for tree in trees for bits in (0.0, 5.0, 10.0)])
    best = found == found.min(axis=0)
    assert not best.all(axis=1).any()
    assert best.any(axis=0).all()
    assert (found >= 1.0 - 0.06).all()
    assert best[:, :2].all(axis=1).sum() == 0  # nor in reads and updates
