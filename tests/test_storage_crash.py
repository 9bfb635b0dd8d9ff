"""A crash in the middle of a play: what was answered is there again with a log, and some of it is not without one.

What is in a storage is that of the order of arrival; what was answered by then is what the engine played.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mutants import Mutant
from worlds import logged

from simsys.experiment.setting import Setting, settings
from simsys.experiment.storage import accesses
from simsys.scenario import load_scenario
from simsys.steps import Mark
from simsys.strategies.storage.btree import Btree
from simsys.strategies.storage.device import visit
from simsys.strategies.storage.lsm import Lsm
from simsys.structures.storage import ACCESS, CHANGES, DELETE, INSERT

WORLD = """
load:
  rate: 5k/s
  mix: {read: 20%, update: 40%, insert: 10%, scan: 5%, modify: 10%, delete: 15%}
  keys: {count: 200, popularity: {zipf: 0.8}}
  size: 100B
  page: 5
strategies:
  - {lsm: {memtable: 2kB, compaction: leveled, first: 8kB, file: 2kB, trigger: 2}}
  - {lsm: {memtable: 3kB, compaction: tiering, ratio: 3}}
  - {btree: {page: 1kB, pool: 10kB, redo: 3kB}}
  - {btree: {page: 1kB, pool: 20kB, redo: 6kB, checkpoint: sharp}}
run: {requests: 150, replications: 1}
"""
NAMES = ["leveled", "tiering", "fuzzy", "sharp"]


def of(number: int, log: bool) -> Setting:
    one = settings(load_scenario(WORLD))[number]
    return replace(one, strategy=replace(one.strategy, log=log))


def contents(storage: Any, acknowledged: int | None = None) -> dict[int, int]:
    found = storage.crash(acknowledged)
    return getattr(found, "entries", found)


def losses(one: Setting) -> list[bool]:
    """After each request in the order of arrival, just before the next one: whether a change that was answered by then
    is lost, that is, whether what is found is not what a dict has after all changes up to the last that was answered,
    and perhaps some of those that were still under way.
    """
    ends = [request.end for request in logged(one).requests]
    load = one.workload(0)
    (chunk,) = load.chunks(needed=frozenset({"key", "page"}))
    met = accesses(one.scenario, one.strategy, load)
    whole = accesses(one.scenario, replace(one.strategy, log=True), load)
    kinds = np.array([ACCESS[op] for op in load.ops])[chunk.op]
    keys = met.order.keys(chunk.columns["key"].astype(np.int64), kinds == INSERT).tolist()
    changes = round(met.storage.totals().received / 100)
    first, state, answers, lost = changes, contents(whole.storage), [], []
    states = [state]
    for n, kind in enumerate(kinds.tolist()):
        some = slice(n, n + 1)
        met.play(chunk.arrival[some], chunk.op[some], {name: column[some] for name, column in chunk.columns.items()})
        if kind in CHANGES:
            changes += 1
            state = {key: value for key, value in state.items() if key != keys[n]}
            state |= {} if kind == DELETE else {keys[n]: changes}
            states.append(state)
            answers.append(ends[n])
        now = chunk.arrival[n + 1] if n + 1 < len(kinds) else np.inf
        last = max((number for number, end in enumerate(answers, 1) if end <= now), default=0)
        lost.append(contents(met.storage, first + last) not in states[last:])
    return lost


@pytest.mark.parametrize("number", range(4), ids=NAMES)
def test_a_crash_at_any_request_loses_nothing_that_was_answered(number: int) -> None:
    assert not any(losses(of(number, log=True)))


@pytest.mark.parametrize("number", range(4), ids=NAMES)
def test_without_a_log_what_was_answered_is_lost(number: int) -> None:
    """At most moments: all but those at which everything has just been written out."""
    assert np.mean(losses(of(number, log=False))) > 0.5


def witnessed(self: Any, b: Any) -> Iterator[Any]:
    yield from visit(self.device, "sync")
    yield Mark("synced", n=b.size)


def answered_before_the_log(number: int, monkeypatch: pytest.MonkeyPatch, log: bool = True) -> int:
    """The most changes that were answered at any moment beyond those that were in the log by then."""
    for strategy in (Lsm, Btree):
        monkeypatch.setattr(strategy, "sync", witnessed)
    log_ = logged(of(number, log))
    synced = sorted((mark.time, mark.n) for mark in log_.marks)
    times, count = [time for time, _ in synced], np.cumsum([0, *(n for _, n in synced)])
    ends = sorted(request.end for request in log_.requests if ACCESS[request.op] in CHANGES)
    return max(n - int(count[bisect_right(times, end)]) for n, end in enumerate(ends, 1))


@pytest.mark.parametrize("number", range(4), ids=NAMES)
def test_nothing_is_answered_before_it_is_in_the_log(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered_before_the_log(number, monkeypatch) == 0
    assert answered_before_the_log(number, monkeypatch, log=False) > 100


@pytest.mark.parametrize(("number", "plan"), [(0, "lsm:Lsm.update"), (2, "btree:Btree.change")], ids=["lsm", "btree"])
def test_who_does_not_wait_for_the_log_is_found_out(number: int, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Mutant(f"strategies.storage.{plan}", 'Join("commit", self.sync)', "Start(self.sync)").put_in(monkeypatch)
    assert answered_before_the_log(number, monkeypatch) > 0


@pytest.mark.parametrize(
    ("number", "where", "old", "new"),
    [
        (0, "structures.storage.lsm:LsmStorage.crash", "if self.log", "if not self.log"),
        (0, "structures.storage.lsm:LsmStorage.crash", "+ len(tree.changed)", "+ len(tree.changed) - 1"),
        (2, "structures.storage.recovery:_redo", "page.links[key] = link", "page.links.setdefault(key, link)"),
    ],
    ids=["the log is not read", "its last record is not", "a page keeps what it had"],
)
def test_another_recovery_loses_what_was_answered(
    number: int, where: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Mutant(where, old, new).put_in(monkeypatch)
    assert any(losses(of(number, log=True)))
