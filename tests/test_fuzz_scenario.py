"""Mutated scenarios: whatever a file holds, it is a scenario or a `ScenarioError` that prints."""

from __future__ import annotations

import random
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from simsys.scenario import Scenario, ScenarioError, load_scenario, write_scenario
from simsys.scenario.load import read_scenario

REPOSITORY = Path(__file__).parents[1]
TOKENS = [
    "{", "}", "[", "]", ":", ",", "- ", "\n", "  ", "#", "'", '"', "&a ", "*a", "!x ", "|", ">", "%", "? ",
    "<<: *a", "---\n", "\t", "\0", "é", "\u202e", "~", "0", "-1", "1e3", "5k", "10ms", "99%", "100%", "null",
    "true", ".nan", "9" * 30, "read", "post", "feed", "hybrid", "flow", "zipf", "file", "../x", "[[[[",
    "{a: " * 40, "__class__",
]  # fmt: skip
FLOW = """
load: {rate: 300/s, mix: {read: 90%, post: 10%}, keys: {count: 100k, popularity: {zipf: 0.99}}}
stations:
  api: {servers: 8, ops: {read: &fast {exponential: {mean: 1ms}}, post: *fast}}
  database: {servers: 10, queue: 5, ops: {query: {fixed: 5ms, per_item: {uniform: {low: 1us, high: 2us}}}}}
caches: {feed: {entries: 1k, ttl: 1s}}
batches: {commit: {size: 10, linger: 5ms}}
strategies:
  - flow:
      name: cache-aside
      read: [{hold: api, do: [{lookup: feed, miss: [{visit: database.query, n: 2 * page}, {fill: feed}]}]}]
      post: [{join: commit, do: [{within: 1s, do: [{visit: api.post, refused: []}], else: [{mark: late}]}]}]
  - flow:
      name: plain
      read: [{chance: 5%, then: [{all: [[{visit: api.read}], [{each: 3, do: [{visit: api.read}]}]]}]}]
      post: [{when: size < 10k, then: [{start: [{drop: feed}], n: 10, batch: 2}], else: [{visit: api.post}]}]
events: [{at: 50%, stall: database, for: 2s}, {at: 1s, empty: feed}]
slo: ["read p99 < 100ms", "database utilization < 70%", "feed hit_ratio > 50%"]
run: {duration: 60s, warmup: 5s, precision: {p99: 5%}, seed: 7}
sweep: {load.rate: [100/s, 200/s], stations.api.servers: {linear: [1, 8], points: 8}}
"""


def texts() -> list[str]:
    """The shipped scenarios, with their tables in place, and two with the rest of the grammar."""
    shipped = [path.read_text() for path in sorted((REPOSITORY / "scenarios").glob("*.yaml"))]
    tables = str(REPOSITORY / "scenarios" / "tables") + "/"
    return [FLOW, *(text.replace("tables/", tables) for text in shipped)]


def mutated(luck: random.Random, text: str) -> str | bytes:
    """The text with a few bytes, tokens, words or pieces changed."""
    for _ in range(luck.choice((1, 1, 2, 4))):
        begin = luck.randrange(len(text) + 1)
        end = begin + luck.randrange(12)
        change = luck.randrange(6)
        if change == 0:
            text = text[:begin] + chr(luck.randrange(256)) + text[begin + 1 :]
        elif change == 1:
            text = text[:begin] + text[end:]
        elif change == 2:
            text = text[:begin] + luck.choice(TOKENS) + text[begin:]
        elif change == 3:
            text = text[:begin] + luck.choice(TOKENS) + text[end:]
        elif change == 4:
            text = text[:begin] + text[luck.randrange(len(text) + 1) :][: luck.randrange(60)] + text[begin:]
        else:
            words = text.split(" ")
            one, other = luck.randrange(len(words)), luck.randrange(len(words))
            words[one], words[other] = words[other], words[one]
            text = " ".join(words)
    if luck.random() < 0.02:
        raw = bytearray(text.encode())
        raw[luck.randrange(len(raw))] ^= 1 << luck.randrange(8)
        return bytes(raw)
    return text + "\n\n"


def fuzz(seed: int, count: int) -> tuple[int, float]:
    """How many of `count` mutants are still scenarios, and the CPU seconds; other exceptions go through."""
    luck, originals = random.Random(seed), texts()
    begin, played = time.process_time(), 0
    for _ in range(count):
        text = mutated(luck, luck.choice(originals))
        try:
            played += isinstance(read_scenario(text, (), "mutant", Path()), Scenario)
        except ScenarioError as error:
            assert error.problems and all(problem.message and problem.line >= 1 for problem in error.problems)
            told = str(error)
            assert told.isprintable() or "\n" in told
        except Exception as error:
            error.add_note(f"the mutant: {text!r}")
            raise
    return played, time.process_time() - begin


def test_the_originals_are_scenarios() -> None:
    for text in texts():
        assert isinstance(load_scenario(text), Scenario)


def test_two_thousand_mutants() -> None:
    played, _ = fuzz(seed=1, count=2000)
    assert 100 < played < 1500, "too few, or too many, mutants are still scenarios to say anything"


@pytest.mark.long
def test_a_hundred_thousand_mutants_within_a_minute_on_two_cores() -> None:
    with ProcessPoolExecutor(2) as pool:
        seconds = [spent for _, spent in pool.map(fuzz, (2, 3), (50_000, 50_000))]
    assert max(seconds) < 60


@pytest.mark.parametrize("text", texts())
def test_a_resolved_scenario_says_the_same_when_read_again(text: str) -> None:
    resolved = write_scenario(load_scenario(text))
    assert write_scenario(load_scenario(resolved)) == resolved
