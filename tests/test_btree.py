"""B-trees: how full their leaves are, what a change writes, and a dict as a twin."""

from __future__ import annotations

import inspect
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsys import theory
from simsys.structures import btree
from simsys.structures.btree import NOTHING, Btree
from simsys.structures.kernel import pages


def filled(keys: Any, leaf: int = 64, stays: float = 0.5) -> Btree:
    """A tree of these keys, each with itself as its value."""
    tree = Btree(leaf, stays=stays)
    tree.put(keys, keys)
    return tree


def at_random(count: int) -> Any:
    return np.random.default_rng(1).permutation(count)


# ---- BT-1: fill


def fill_at_random() -> float:
    """The mean of several sizes, as the fill goes up and down between one generation of splits and the next."""
    return float(np.mean([filled(at_random(count)).fill for count in (100_000, 120_000, 145_000, 170_000)]))


def test_leaves_are_full_to_ln_2_after_inserts_at_random_and_to_half_in_order() -> None:
    assert fill_at_random() == pytest.approx(theory.BTREE_FILL, abs=0.01)
    assert filled(np.arange(100_000)).fill == pytest.approx(0.5, abs=0.01)
    assert filled(np.arange(100_000)[::-1]).fill == pytest.approx(0.5, abs=0.02)


def test_what_stays_when_the_last_page_is_split_is_a_dial() -> None:
    """PostgreSQL leaves nine tenths; it is for keys beyond all others, so that those at random do not feel it."""
    assert filled(np.arange(100_000), stays=0.9).fill == pytest.approx(0.9, abs=0.02)
    assert filled(at_random(100_000), stays=0.9).fill == pytest.approx(filled(at_random(100_000)).fill, abs=0.002)


MUTANTS = {
    "three quarters stay": ("kept = counts[page] >> 1", "kept = 3 * counts[page] >> 2"),
    "a full page is split before it is full": ("counts[page] > room", "counts[page] > room // 2"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_another_split_leaves_other_pages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, (old, new) = inspect.getsource(pages), MUTANTS[name]
    assert source.count(old) == 1
    mutant = ModuleType("mutant")
    exec(source.replace(old, new), vars(mutant))
    monkeypatch.setattr(btree, "of", mutant)
    assert fill_at_random() != pytest.approx(theory.BTREE_FILL, abs=0.03)


# ---- BT-2: writes


def test_a_change_writes_a_page() -> None:
    """16 KiB / 128 B = 128, and twice as much with a double write; rows that are there already split nothing."""
    keys = at_random(50_000)
    tree = filled(keys, leaf=16 * 1024 // 128)
    written, received = tree.written, tree.received
    tree.put(keys[::-1], keys)
    per_change = (tree.written - written) * 16 * 1024 / ((tree.received - received) * 128)
    assert per_change == theory.page_writes(16 * 1024, 128) == 128.0
    assert theory.page_writes(16 * 1024, 128, copies=2) == 256.0
    splits = tree.pages - tree.height
    assert written == received + 2 * splits  # the mutant: without the new page and the one above
    assert len(tree) == 50_000


def test_a_look_up_reads_as_many_pages_as_the_tree_is_high() -> None:
    tree = filled(at_random(30_000), leaf=8)
    read = tree.read
    assert tree.get(np.arange(100)).tolist() == list(range(100))
    assert tree.read - read == 100 * tree.height
    assert 8**3 < 30_000 / 8 < 9 ** (tree.height - 1)
    read = tree.read
    keys, _ = tree.scan(5000, 1000)
    assert keys.tolist() == list(range(5000, 6000))
    leaves = tree.read - read - (tree.height - 1)
    assert 1000 / 8 <= leaves <= 1 + 1000 / 4


# ---- a dict as a twin


def checked(tree: Btree) -> list[int]:
    """The keys of a tree in order, page by page; every page is where its keys belong, and full to a half, but two."""
    at = SimpleNamespace(keys=tree._keys, links=tree._links, counts=tree._counts)
    leaves: list[int] = []

    def walk(page: int, depth: int, low: int, high: int) -> list[int]:
        count = int(at.counts[page])
        keys = at.keys[page, :count].tolist()
        assert keys == sorted(set(keys)) and all(low <= key < high for key in keys)
        if depth == tree.height:
            leaves.append(page)
            assert count <= tree.leaf
            return keys
        assert 1 <= count <= tree.inner
        edges = [low, *keys, high]
        inside = (walk(int(at.links[page, i]), depth + 1, edges[i], edges[i + 1]) for i in range(count + 1))
        return [key for some in inside for key in some]

    found = walk(int(tree._place[pages.ROOT]), 1, -(10**9), 10**9)
    assert len(leaves) == tree.leaves and len(found) == len(tree)
    assert [int(tree._after[page]) for page in leaves] == [*leaves[1:], pages.LAST]
    return found


changes = st.lists(st.tuples(st.integers(-30, 30), st.none() | st.integers(0, 99)), max_size=120)


@given(st.integers(2, 6), st.integers(2, 4), st.sampled_from([0.5, 0.8, 1.0]), st.lists(changes, max_size=3))
def test_a_tree_is_a_dict(leaf, inner, stays, several) -> None:
    tree, twin = Btree(leaf, inner, stays), {}
    everything = np.arange(-31, 32)
    for some in several:
        keys = np.array([key for key, _ in some], np.int64)
        tree.put(keys, np.array([NOTHING if value is None else value for _, value in some], np.int64))
        twin |= {key: NOTHING if value is None else value for key, value in some}
        assert tree.get(everything).tolist() == [twin.get(key, NOTHING) for key in everything.tolist()]
        assert checked(tree) == sorted(twin)
    for first, most in ((-40, 100), (0, 5), (31, 3)):
        found, values = tree.scan(first, most)
        wanted = sorted(key for key in twin if key >= first)[:most]
        assert found.tolist() == wanted
        assert values.tolist() == [twin[key] for key in wanted]
    assert tree.received == sum(map(len, several))


@pytest.mark.parametrize(
    "wrong", [{"leaf": 1}, {"leaf": 4, "inner": 1}, {"leaf": 4, "stays": 0.0}, {"leaf": 4, "stays": 1.1}]
)
def test_a_tree_that_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="a page needs room for two"):
        Btree(**wrong)


# ---- RUM, beside log-structured trees


def test_a_page_in_place_reads_least_and_writes_most() -> None:
    """One page of 64 rows per change: no tree of runs writes as much, and none without filters reads as little."""
    from test_lsm import filled as runs_of

    from simsys.structures.compactions import Leveling, Tiering
    from simsys.structures.lsm import Lsm

    keys = at_random(60_000)
    tree = filled(keys)
    trees = [runs_of(Lsm(64, kind(ratio)), keys) for kind in (Leveling, Tiering) for ratio in (2, 4, 8)]
    pages_written = tree.written / tree.received * 64
    for other in trees:
        other.get(keys[:5000])
        assert other.write_amplification < pages_written
        assert other.searched > other.looked_up
