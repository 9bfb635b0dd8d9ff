"""Reads at replicas that lag: who does not find the own write, and what the cures cost.

A set of keys is a cache without a ttl: `behind` holds what has been written but has not reached the replica, where the
writer looks after a pause. It misses the write if the replica lags for longer than the pause: P(L > G).
"""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
from bands import holds

from simsys.experiment.jobs import play_once
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario

LAG, PAUSE, KEPT = 0.5, 1.0, 2.0
WORLD = """
load: {{rate: 100/s, mix: {{edit: 100%}}, keys: {{count: 1M}}}}
stations:
  primary: {{servers: unlimited, ops: {{write: 1ms, read: 1ms}}}}
  replica: {{servers: unlimited, ops: {{read: 1ms}}}}
  replication: {{servers: unlimited, ops: {{lag: {{exponential: {{mean: {lag}s}}}}}}}}
  writer: {{servers: unlimited, ops: {{pause: {{exponential: {{mean: {pause}s}}}}}}}}
caches:
  behind: {{entries: 1M, start: cold}}
  recent: {{entries: 1M, ttl: {kept}s, start: cold}}
strategies:
  - flow:
      name: look
      edit: [{{visit: primary.write}}, {write}, {{visit: writer.pause}}, {look}]
slo: [edit marked.missed < 1%]
run: {{duration: 100s, replications: 5}}
"""
WRITE = "{fill: behind}, {start: [{visit: replication.lag}, {drop: behind}]}, {fill: recent}"
REPLICA = "{visit: replica.read}, {lookup: behind, hit: [{mark: missed}]}"
PINNED = f"{{lookup: recent, hit: [{{visit: primary.read}}, {{mark: pinned}}], miss: [{REPLICA}]}}"


def marked(name: str, write: str = WRITE, look: str = REPLICA, lag: float = LAG) -> list[float]:
    """Replication by replication, how many edits in a hundred are marked."""
    text = WORLD.format(write=write, look=look, lag=lag, pause=PAUSE, kept=KEPT)
    one = settings(load_scenario(text))[0]
    edits = [play_once(one, k, "compiled").ops["edit"] for k in range(5)]
    return [edit.marked[name] / edit.offered for edit in edits]


def test_a_write_is_missed_where_the_replica_lags_for_longer_than_its_author_waits() -> None:
    holds(marked("missed"), LAG / (LAG + PAUSE), band=0.015)


def test_a_while_at_the_primary_leaves_those_who_wait_for_longer() -> None:
    """P(T < G < L), as both are exponential. So many of the looks are the primary's: P(G < T)."""
    rest = exp(-KEPT / LAG - KEPT / PAUSE)
    holds(marked("missed", look=PINNED), rest * LAG / (LAG + PAUSE), band=0.001)
    holds(marked("pinned", look=PINNED), 1 - exp(-KEPT / PAUSE), band=0.01)


def test_who_waits_for_the_replica_finds_it_and_pays_in_time() -> None:
    """A look that comes too early lasts until the write is there: E[max(L, G)] instead of E[G]."""
    both = "{all: [[{visit: replication.lag}, {drop: behind}], [{visit: writer.pause}]]}"
    text = WORLD.format(write="{fill: behind}", look=REPLICA, lag=LAG, pause=PAUSE, kept=KEPT)
    text = text.replace("{visit: writer.pause}", both)
    result = run(load_scenario(text), jobs=1)
    assert result.value("look", "edit", "marked.missed") == 0.0
    mean = result.value("look", "edit", "latency_mean")
    assert mean == pytest.approx(LAG + PAUSE - LAG * PAUSE / (LAG + PAUSE) + 0.002, rel=0.02)


@pytest.mark.parametrize(
    ("mutant", "missed"),
    [
        ({"write": WRITE.replace(", {drop: behind}", "")}, 1.0),
        ({"write": WRITE.replace("{start: [", "").replace("]}", "")}, 0.0),
        ({"lag": 0.0001}, 0.0),
    ],
    ids=["nothing arrives", "the writer waits for the replica", "no lag"],
)
def test_mutants(mutant: dict[str, Any], missed: float) -> None:
    assert marked("missed", **mutant) == pytest.approx([missed] * 5, abs=0.001)


def test_a_promise_about_a_mark_is_judged_by_its_interval() -> None:
    text = WORLD.format(write=WRITE, look=REPLICA, lag=LAG, pause=PAUSE, kept=KEPT)
    verdicts = {
        rule: run(load_scenario(text, [f"slo.0=edit marked.missed {rule}", "run.duration=20s"]), jobs=1).slo[0].verdict
        for rule in ("< 30%", "> 30%", "< 40%")
    }
    assert verdicts == {"< 30%": "missed", "> 30%": "kept", "< 40%": "kept"}


# A cache before the replica: whoever reads it meanwhile leaves the old copy there

BEFORE = """
load: {{rate: {rate}/s, mix: {{read: {reads}, edit: {edits}}}, keys: {{count: 500}}}}
stations:
  primary: {{servers: unlimited, ops: {{write: 0s}}}}
  replica: {{servers: unlimited, ops: {{read: 0s}}}}
  replication: {{servers: unlimited, ops: {{lag: {{exponential: {{mean: {lag}s}}}}}}}}
  author: {{servers: unlimited, ops: {{pause: {{exponential: {{mean: {pause}s}}}}}}}}
caches: {{cache: {{entries: 1k, start: cold}}, behind: {{entries: 1k, start: cold}}, old: {{entries: 1k, start: cold}}}}
strategies:
  - flow:
      name: look
      read: &read
        - lookup: cache
          miss:
            - {{visit: replica.read}}
            - {{lookup: behind, hit: [{{fill: old}}], miss: [{{drop: old}}]}}
            - {{fill: cache}}
      edit:
        - {{visit: primary.write}}
        - {{drop: cache}}
        - {{fill: behind}}
        - {{start: [{{visit: replication.lag}}, {{drop: behind}}{again}]}}
        - {{visit: author.pause}}
        - lookup: cache
          hit: [{{lookup: old, hit: [{{mark: missed}}]}}]
          miss: [{{lookup: behind, hit: [{{mark: missed}}]}}]
run: {{duration: 400s, replications: 5}}
"""


def missed(readers: float, again: str = "") -> list[float]:
    """Of the authors, of whose page there are so many readers a second; it is edited every 100 s."""
    edits = 0.01 / (readers + 0.01)
    rate, share = 500 * (readers + 0.01), f"{100 * edits:.10f}%"
    text = BEFORE.format(rate=rate, reads=f"{100 - 100 * edits:.10f}%", edits=share, again=again, lag=LAG, pause=PAUSE)
    one = settings(load_scenario(text))[0]
    plays = [play_once(one, k, "compiled").ops["edit"] for k in range(5)]
    return [play.marked["missed"] / play.offered for play in plays]


def test_a_cache_remembers_the_lag() -> None:
    """The old copy is what the author finds, if the first of the readers and the author comes within the lag."""
    readers = 1.0
    soon = readers + 1 / PAUSE
    holds(missed(readers), soon / (soon + 1 / LAG), band=0.03)


def test_dropped_again_at_the_arrival_it_forgets() -> None:
    """Then the lag alone is missed, as if nobody else had read. Without readers there is no more to it."""
    holds(missed(1.0, again=", {drop: cache}"), LAG / (LAG + PAUSE), band=0.03)
    holds(missed(0.001), LAG / (LAG + PAUSE), band=0.03)
