"""Whole traces through compiled caches: exact counts on real ones, the reference as a twin, LRU's curve, and Belady."""

from __future__ import annotations

import csv
import lzma
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from realdata import real
from test_caches import POLICIES, ROOMS, Twin, spec_of

from simsys.structures.caches import make_cache
from simsys.structures.kernel.loops import play
from simsys.structures.kernel.store import row_of, store_of
from simsys.structures.traces import belady, lru_misses, replay

MIB = 2**20


# ---- CACHE-1: figures of libCacheSim's test suite

MISSES = {
    "lru": [93374, 89783, 83572, 81722, 72494, 72104, 71972, 71704],
    "fifo": [93403, 89386, 84387, 84025, 72498, 72228, 72182, 72140],
    "clock": [93313, 89775, 83411, 81328, 74815, 72283, 71927, 64456],
    "sieve": [91699, 86720, 78578, 76707, 69945, 66221, 64445, 64376],
}
ROW = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])


def cloudphysics() -> tuple[Any, Any]:
    """Keys, and sizes: of each key the last."""
    with lzma.open(real("cloudphysics_oraclegeneral.bin.xz")) as file:
        trace = np.frombuffer(file.read(), ROW)
    last = dict(zip(trace["key"].tolist(), trace["size"].tolist(), strict=True))
    return trace["key"].astype(np.int64), np.array([last[key] for key in trace["key"].tolist()], np.float64)


def test_misses_on_the_cloudphysics_trace() -> None:
    keys, sizes = cloudphysics()
    rooms = [eighth * 128 * MIB for eighth in range(1, 9)]
    found = {
        policy: [int(replay(spec_of(bytes=room, policy=policy, start="cold"), keys, sizes).sum()) for room in rooms]
        for policy in MISSES
    }
    assert found == MISSES  # each is the others' mutant
    least = np.array([belady(room, keys, sizes).sum() for room in rooms])
    assert (least < np.min(list(MISSES.values()), axis=0)).all()


@pytest.mark.parametrize("policy", MISSES)
def test_the_reference_misses_as_often_on_the_cloudphysics_trace(policy: str) -> None:
    keys, sizes = cloudphysics()
    pages = make_cache(spec_of(bytes=512 * MIB, policy=policy, start="cold"))
    for key, size in zip(keys.tolist(), sizes.tolist(), strict=True):
        if not pages.lookup(key, 0.0):
            pages.fill(key, 0.0, size)
    assert pages.lookups - pages.hits == MISSES[policy][3]


def test_all_policies_on_a_million_look_ups() -> None:
    """Twitter's cluster 52: where all fits, every policy misses each key once; where not, nobody beats Belady."""
    with lzma.open(real("cache_twitter_cluster52_first1m.csv.xz")) as file:
        keys = np.loadtxt(file, delimiter=",", skiprows=1, usecols=1).astype(np.int64)
    distinct = len(np.unique(keys))
    assert (keys.size, distinct) == (1_000_000, 143_542)
    rooms = [1000, 10_000, 50_000, distinct]
    lru = lru_misses(rooms, keys)
    least = [int(belady(room, keys).sum()) for room in rooms]
    for policy in POLICIES:
        misses = [int(replay(spec_of(entries=room, policy=policy, start="cold"), keys).sum()) for room in rooms]
        assert policy != "lru" or misses == lru
        assert misses[-1] == least[-1] == distinct
        assert all(np.diff(misses) < 0) and all(best < found for best, found in zip(least[:-2], misses, strict=False))


def test_what_a_warm_start_left_is_found_and_nothing_else() -> None:
    warm = make_cache(spec_of(entries=5000))
    warm.warm((20_000, 0.0), 1.0, 3)
    inside = np.array(sorted(warm.entries))
    outside = np.setdiff1d(np.arange(20_000), inside)
    assert (inside.size, outside.size) == (5000, 15_000)
    for keys, misses in (inside, 0), (outside, 15_000):
        row, missed, done = row_of(warm), np.zeros(keys.size, np.bool_), 0
        row["capacity"] = np.inf  # nobody has to leave
        store = store_of(warm, row)
        while (done := play(store.address, keys, np.ones(keys.size), np.zeros(keys.size), missed, done)) < keys.size:
            store.enlarge()
        assert missed.sum() == misses


# ---- tiny traces: each beside a definition that takes no thought

traces = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 6), st.sampled_from([0, 0.5, 2])), min_size=1, max_size=80
)


@given(ROOMS, st.sampled_from([None, 2.0, 5.0]), st.booleans(), st.sampled_from(POLICIES), traces, st.integers(0, 99))
def test_a_replay_is_the_reference_and_its_twin(room, ttl, renew, policy, trace, stream) -> None:
    spec = spec_of(**room, ttl=ttl, renew=renew and ttl is not None, policy=policy, start="cold")
    keys, sizes, gaps = map(np.array, zip(*trace, strict=True))
    times = np.cumsum(gaps, dtype=np.float64)
    wanted = []
    for each in (make_cache(spec, stream), Twin(spec, stream)):
        missed = []
        for key, size, now in zip(keys.tolist(), sizes.tolist(), times.tolist(), strict=True):
            missed.append(not each.lookup(key, now))
            if missed[-1]:
                each.fill(key, now, size)
        wanted.append(missed)
    assert replay(spec, keys, sizes, times, stream).tolist() == wanted[0] == wanted[1]


@given(traces)
def test_one_pass_is_a_pass_for_every_size(trace) -> None:
    keys = np.array([key for key, _, _ in trace])
    rooms = range(1, 12)
    assert lru_misses(rooms, keys) == [int(replay(spec_of(entries=room), keys).sum()) for room in rooms]


def farthest_leaves(room: float, keys: list[int], sizes: list[float]) -> list[bool]:
    """Belady by looking ahead afresh each time; among those never asked for again the one touched last leaves."""
    held, missed, touched = {}, [], {}
    for i, (key, size) in enumerate(zip(keys, sizes, strict=True)):
        missed.append(key not in held)
        touched[key] = i

        def due(k: int, i: int = i) -> tuple[bool, int]:
            again = [j for j in range(i, len(keys)) if keys[j] == k]
            return (False, again[0]) if again else (True, touched[k])

        if key not in held and size <= room:
            while sum(held.values()) + size > room:
                del held[max(held, key=due)]
            held[key] = size
    return missed


@given(st.integers(1, 12), traces, st.booleans())
def test_belady_looks_ahead(room, trace, by_bytes) -> None:
    keys, sizes, _ = map(list, zip(*trace, strict=True))
    weights = sizes if by_bytes else [1] * len(keys)
    found = belady(room, np.array(keys), np.array(sizes, np.float64) if by_bytes else None)
    assert found.tolist() == farthest_leaves(room, keys, weights)


def fewest(room: int, keys: tuple[int, ...], held: frozenset[int] = frozenset()) -> int:
    """The least misses there can be if every key that is missed is kept, by trying everything."""
    if not keys:
        return 0
    if keys[0] in held:
        return fewest(room, keys[1:], held)
    left = [held] if len(held) < room else [held - {gone} for gone in held]
    return 1 + min(fewest(room, keys[1:], each | {keys[0]}) for each in left)


@given(st.integers(1, 3), st.lists(st.integers(0, 5), min_size=1, max_size=10))
def test_nobody_does_better_than_belady(room, keys) -> None:
    assert int(belady(room, np.array(keys)).sum()) == fewest(room, tuple(keys))
    assert int(replay(spec_of(entries=room), np.array(keys)).sum()) >= fewest(room, tuple(keys))


def test_what_a_trace_has_to_tell() -> None:
    keys = np.array([1, 2, 1])
    with pytest.raises(ValueError, match="needs the sizes"):
        replay(spec_of(bytes=5), keys)
    with pytest.raises(ValueError, match="with a ttl its times"):
        replay(spec_of(entries=5, ttl=1.0), keys)
    nothing = np.array([], np.int64)
    assert lru_misses([1], nothing) == [0]
    assert belady(1, nothing).size == replay(spec_of(entries=1), nothing).size == 0


# ---- CACHE-4: what of 54 production caches can be told from their parameters alone
#
# The curves themselves cannot: Che's law over the tabled number of objects, Zipf exponent and ttl is off by a few
# thousandths for some of them and by half for others, whose look-ups come in bursts of one key.

TABLE = "params_twitter_osdi20_tracestat.csv"


def production_caches() -> list[dict[str, str]]:
    with real(TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("policy", POLICIES)
def test_compulsory_misses_are_one_in_the_mean_frequency(policy: str) -> None:
    """A cache with room for all misses each key once, however often: a small trace with the mean frequency of each."""
    for row in production_caches():
        frequency = float(row["mean_freq"])
        assert int(row["objects"]) / int(row["requests"]) == pytest.approx(1 / frequency, rel=0.01)
        objects = int(np.ceil(2000 / frequency))
        rng = np.random.default_rng(1)
        again = rng.integers(objects, size=round(objects * frequency) - objects)
        keys = rng.permutation(np.concatenate([np.arange(objects), again]))
        roomy, tight = (
            replay(spec_of(entries=room, policy=policy, start="cold"), keys).mean()
            for room in (objects, (objects + 1) // 2)
        )
        assert roomy == pytest.approx(1 / frequency, rel=0.01)
        assert tight > 1.01 / frequency or frequency < 1.5 or objects == 1, row["cache"]  # mutant: too little room
