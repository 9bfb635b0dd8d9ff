"""Counting once: what comes twice, how long it is remembered, and what of it is counted again or not at all.

A set that forgets nothing, `truth`, tells whether a view has been counted before.
"""

from __future__ import annotations

import math

import pytest

from simsys import theory
from simsys.experiment.run import run
from simsys.scenario import load_scenario
from simsys.scenario.errors import ScenarioError

WORLD = """
load: {{rate: 1k/s, size: 64B, mix: {{view: 100%}}, keys: {{count: {keys}}}}}
stations: {{client: {{servers: unlimited, ops: {{again: {{exponential: {{mean: 2s}}}}}}}}}}
caches: {{seen: {cache}, truth: {{entries: 1B, start: cold}}}}
strategies:
  - flow:
      name: once
      view:
        - all:
            - &once
              - lookup: seen
                key: key
                miss:
                  - {{fill: seen, key: key}}
                  - lookup: truth
                    key: key
                    hit: [{{mark: again}}]
                    miss: [{{fill: truth, key: key}}, {{mark: counted}}]
        - {{chance: {again}, then: [{{start: [{{visit: client.again}}, {{all: [*once]}}]}}]}}
run: {{duration: {seconds}s, warmup: 0s, replications: 2, seed: 4}}
"""
UNIQUE = "1000000B"


def counted(cache: str, again: str = "20%", keys: str = UNIQUE, seconds: int = 40) -> dict[str, float]:
    """The figures of the views, and what the cache held."""
    text = WORLD.format(cache=cache, again=again, keys=keys, seconds=seconds)
    rows = run(load_scenario(text, [], "counting"), jobs=1, engine="compiled").rows
    return {row.metric: row.value for row in rows if row.subject in ("view", "seen") and row.value is not None}


def test_a_store_that_forgets_nothing_counts_once() -> None:
    """Whatever comes twice is found; its mutant is a store with room for one entry, which finds nothing."""
    exact = counted("{bytes: 1GiB, start: cold}")
    assert (exact["marked.counted"], exact["marked.again"]) == (1.0, 0.0)
    forgetful = counted("{bytes: 64B, start: cold}")
    assert forgetful["marked.again"] == pytest.approx(0.2, abs=0.006)
    assert forgetful["marked.counted"] == 1.0


@pytest.mark.parametrize("window", [0.5, 1.0, 4.0])
def test_a_window_shorter_than_the_delay_lets_through_what_comes_later(window: float) -> None:
    """P(delay > window) of those that come twice; half a window more or less would be seen."""
    found = counted(f"{{bytes: 1GiB, ttl: {window}s, policy: fifo, start: cold}}")
    law = 0.2 * math.exp(-window / 2)
    assert found["marked.again"] == pytest.approx(law, abs=0.006)
    assert abs(0.2 * math.exp(-1.5 * window / 2) - law) > 0.012
    assert found["marked.counted"] == 1.0
    assert found["bytes"] == pytest.approx((64 + law) * 1000 * window, rel=0.1)  # a copy in the background has 1 B


def test_a_filter_does_not_count_whom_it_takes_for_another() -> None:
    """Both halves of the filter are asked: what is lost is between one full filter's share and that of two."""
    full = theory.bloom_false_positives(5, 3)
    found = counted("{entries: 2000, bits: 5, policy: bloom, start: cold}", again="0%")
    assert full < 1 - found["marked.counted"] < 1 - (1 - full) ** 2
    assert found["marked.again"] == 0.0
    assert found["bytes"] == 2 * 2000 * 5 / 8
    better = counted("{entries: 2000, bits: 10, policy: bloom, start: cold}", again="0%")
    assert 1 - better["marked.counted"] < 0.2 * (1 - found["marked.counted"])


@pytest.mark.parametrize("cache", ["entries: 9, policy: bloom", "bytes: 96B, policy: hyperloglog"])
def test_who_drops_a_key_of_a_sketch_is_told_that_it_cannot(cache: str) -> None:
    policy = cache.split()[-1]
    text = WORLD.format(cache=f"{{{cache}, start: cold}}", again="0%", keys=UNIQUE, seconds=1)
    with pytest.raises(ScenarioError, match=rf"caches.seen.policy: a {policy} cannot drop a key"):
        load_scenario(text.replace("hit: [{mark: again}]", "hit: [{drop: seen, key: key}]"), [], "counting")
    assert load_scenario(text, [], "counting").strategies


def test_identities_that_are_not_unique_lose_views() -> None:
    """A thousand identities for 40,000 views: all but the first of each are lost, though the store is exact."""
    found = counted("{bytes: 1GiB, start: cold}", keys="1000")
    assert found["marked.counted"] == pytest.approx(1000 / 40_000, abs=0.001)


def test_a_sketch_estimates_how_many_there_were() -> None:
    """The sketch counts alone: its look-ups never hit. 16,384 registers, within three standard errors."""
    found = counted("{bytes: 12KiB, policy: hyperloglog, start: cold}")
    views = 1000 * 40
    assert found["occupancy"] == pytest.approx(views, rel=3 * theory.hyperloglog_error(16384) + 0.01)
    assert found["marked.again"] == pytest.approx(0.2, abs=0.006)
    assert found["bytes"] == 12288
