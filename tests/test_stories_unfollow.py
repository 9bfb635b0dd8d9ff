"""Unfollowed and blocked: who still sees the author, and what it costs to clean or to filter.

A reader's timeline that holds something of the author is a key in the set `left`, until it is cleaned or has scrolled
out; what was under way when it was cleaned comes in afterwards.
"""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
from bands import each, holds
from kept import rows

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.scenario import load_scenario

READERS, POSTS, BREAKS, READS = 2500, 0.01, 0.002, 0.01
"""Per reader and second: posts of the author, unfollows, reads."""
CLEANED, LOOKS, LAG, SCROLLED = 1.0, 5.0, 4.0, 50.0
WORLD = """
load:
  rate: {rate}/s
  mix: {{read: {read}, post: {post}, unfollow: {unfollow}}}
  keys: {{count: 2500, popularity: uniform}}
stations:
  fan_out: {{servers: unlimited, ops: {{lag: {{exponential: {{mean: {lag}s}}}}}}}}
  cleaners: {{servers: unlimited, ops: {{turn: {{exponential: {{mean: {cleaned}s}}}}}}}}
  reader: {{servers: unlimited, ops: {{pause: {{exponential: {{mean: {looks}s}}}}}}}}
caches:
  gone: {{entries: 1M, ttl: 50s, start: cold}}
  left: {{entries: 1M, ttl: 50s, start: cold}}
strategies:
  - flow:
      name: plan
      read: [{{lookup: left, hit: [{{mark: seen}}]}}]
      post: [{{lookup: gone, miss: [{{start: [{{visit: fan_out.lag}}, {{lookup: gone, hit: [{{mark: stray}}]}}]}}]}}]
      unfollow:
        - {{drop: gone}}
        - {{fill: gone}}
        - {{drop: left}}
        - {{fill: left}}
        - {{start: [{cleans}]}}
        - {{start: [{{visit: reader.pause}}, {{lookup: left, hit: [{{mark: seen}}]}}]}}
run: {{duration: 400s, warmup: 25%, replications: 10, seed: 5}}
"""
CLEAN = "{visit: cleaners.turn}, {drop: left}"


def played(cleans: str = CLEAN, lag: float = LAG, cleaned: float = CLEANED) -> Result:
    total = READS + POSTS + BREAKS
    shares = {"read": READS, "post": POSTS, "unfollow": BREAKS}
    text = WORLD.format(
        rate=READERS * total, lag=lag, cleaned=cleaned, looks=LOOKS, cleans=cleans,
        **{op: f"{100 * share / total:.9f}%" for op, share in shares.items()},
    )  # fmt: skip
    return run(load_scenario(text, [], "unfollow"), jobs=1, engine="compiled")


@pytest.fixture(scope="module")
def cleaned() -> Result:
    return played()


def test_who_looks_sooner_than_the_cleaner_still_sees_the_author(cleaned: Result) -> None:
    """P(clean later than the look), both exponential."""
    holds(each(cleaned, "unfollow", "marked.seen"), CLEANED / (CLEANED + LOOKS), band=0.03)


def test_a_stray_was_under_way_when_the_author_was_unfollowed(cleaned: Result) -> None:
    """Of one author as many are under way as come within a lag (Little), from before the last time: exp(-BREAKS ·
    SCROLLED) of the readers had nobody gone.
    """
    strays, posts = each(cleaned, "post", "marked.stray"), each(cleaned, "post", "offered")
    breaks = each(cleaned, "unfollow", "offered")
    per_unfollow = [stray * post / unfollow for stray, post, unfollow in zip(strays, posts, breaks, strict=True)]
    holds(per_unfollow, POSTS * LAG * exp(-BREAKS * SCROLLED), band=0.02)


def test_unfiltered_and_uncleaned_it_is_there_until_it_has_scrolled_out() -> None:
    """As M/G/∞: something is left where one of the last SCROLLED seconds had an unfollow."""
    result = played(cleans="{visit: cleaners.turn}")
    holds(each(result, "read", "marked.seen"), 1 - exp(-BREAKS * SCROLLED), band=0.01)
    assert min(each(result, "unfollow", "marked.seen")) > 0.99


def work(strategy: str, op: str) -> float:
    return rows("unfollow")[strategy, op, "work"].value or 0.0


def test_to_clean_costs_a_look_at_800_entries_and_to_filter_one_at_whom_at_every_read() -> None:
    """Twice through the ids, and their objects from eight shards, instead of a row of relations; in seconds."""
    entries = 2 * (7.5e-6 + 800 * 0.06e-6) + 8 * 5.3e-6 + 800 * 1.13e-6
    assert work("clean", "unfollow") - work("filter", "unfollow") == pytest.approx(entries - 6.4e-6, abs=1e-9)
    assert work("filter", "read") - work("clean", "read") == pytest.approx(6.4e-6, abs=1e-9)


def test_a_deleted_post_is_searched_for_in_every_timeline_or_left_to_the_reads() -> None:
    found = 40 * (7.5e-6 + 800 * 0.06e-6)
    assert work("clean", "delete") - work("filter", "delete") == pytest.approx(found - 6.4e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("mutant", "op", "mark"),
    [({"lag": 0.0001}, "post", "stray"), ({"cleaned": 0.0001}, "unfollow", "seen")],
    ids=["nothing is under way", "cleaned at once"],
)
def test_mutants(mutant: dict[str, Any], op: str, mark: str) -> None:
    assert max(each(played(**mutant), op, f"marked.{mark}"), default=0.0) < 0.001
