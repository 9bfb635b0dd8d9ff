"""A shard more or less: how many keys move by modulo, on a ring and by rendezvous, and how many loads that makes.

In a cache of nine shards that has all of K uniform keys, an event that empties c of them loses c K / 9 entries: each is
loaded once more if it is asked for again, which T seconds at λ look-ups a second do with probability 1 - exp(-λ T / K).
"""

from __future__ import annotations

from bisect import bisect
from functools import cache
from math import exp

import pytest
from bands import holds

from simsys import draws
from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.scenario import ScenarioError, load_scenario

KEYS, RATE, POINTS = 900, 1_000, 400
WORLD = """
load: {{rate: 1k/s, arrivals: regular, mix: {{get: 100%}}, keys: {{count: {keys}}}}}
stations: {{api: {{servers: 1, ops: {{get: 1us}}}}}}
caches: {{feed: {{entries: 1k, copies: 9, start: cold}}}}
strategies: [{{flow: {{name: nine, get: [{{visit: api.get}}, {lookup}]}}}}]
events: [{{at: 20s, {event}}}]
run: {{duration: {seconds}s, replications: 10, seed: 4}}
"""
LOOKUP = "{lookup: feed, key: key, at: key, miss: [{mark: missed}, {fill: feed, key: key, at: key}]}"


def hashed(key: int, other: int = 0) -> int:
    return int(draws.random_bits(draws.name_id("shard"), key, other)[0])


def modulo(key: int, shards: int) -> int:
    return hashed(key) % shards


def rendezvous(key: int, shards: int) -> int:
    return max(range(shards), key=lambda shard: hashed(key, 1 + shard))


@cache
def points(shards: int) -> list[tuple[int, int]]:
    return sorted((hashed(10**6 + shard, point), shard) for shard in range(shards) for point in range(POINTS))


def ring(key: int, shards: int) -> int:
    """The shard of the first point at or behind the key's."""
    found = points(shards)
    return found[bisect(found, (hashed(key), 0)) % len(found)][1]


@pytest.mark.parametrize(("place", "moved"), [(modulo, 8 / 9), (rendezvous, 1 / 9), (ring, 1 / 9)])
def test_the_keys_that_a_ninth_shard_moves(place, moved) -> None:  # type: ignore[no-untyped-def]
    keys = range(4_000)
    before, after = [place(key, 8) for key in keys], [place(key, 9) for key in keys]
    share = sum(a != b for a, b in zip(before, after, strict=True)) / len(keys)
    assert share == pytest.approx(moved, abs=0.02)
    assert moved > 0.5 or {b for a, b in zip(before, after, strict=True) if a != b} == {8}, "to the ninth, nowhere else"


def missed(event: str, seconds: float = 40, lookup: str = LOOKUP, keys: int = KEYS) -> list[float]:
    """Look-ups that miss, per replication; the first 20 s fill the cache."""
    setting = settings(load_scenario(WORLD.format(event=event, seconds=seconds, lookup=lookup, keys=keys)))[0]
    return [float(play_once(setting, r, "compiled").ops["get"].marked["missed"]) for r in range(10)]


@pytest.mark.parametrize("copies", [1, 3, 8])
def test_every_entry_that_is_lost_is_loaded_once_more(copies: int) -> None:
    """After 20 s at 22 look-ups per key all are there."""
    assert missed(f"empty: feed, copies: {copies}") == [KEYS + KEYS * copies / 9] * 10


def test_all_copies_where_nothing_is_said() -> None:
    assert missed("empty: feed") == [2 * KEYS] * 10 == missed("empty: feed, copies: 9")


def test_soon_after_only_those_who_were_asked_for() -> None:
    """A time K / λ after the event a key has been asked for with probability 1 - 1/e."""
    wanted = KEYS + KEYS * 8 / 9 * (1 - exp(-1))
    holds(missed("empty: feed, copies: 8", 20 + KEYS / RATE), wanted, 0.02 * wanted)


def test_a_shard_that_is_down_misses_all_its_keys_until_it_is_back() -> None:
    """A ninth of the look-ups of 5 s, and once more each of its keys."""
    wanted = KEYS + RATE * 5 / 9 + KEYS / 9
    holds(missed("down: feed, copies: 1, for: 5s"), wanted, 0.02 * wanted)


@pytest.mark.parametrize(
    "mutant", ["at: 0", "at: 8"], ids=["a copy that is not emptied has all", "one that is emptied has all"]
)
def test_mutants_by_another_shard(mutant: str) -> None:
    lookup = LOOKUP.replace("at: key", mutant)
    assert missed("empty: feed, copies: 1", lookup=lookup) == [KEYS * (1 + (mutant == "at: 8"))] * 10


@pytest.mark.parametrize(
    ("event", "message"),
    [("empty: feed, copies: 10", "'feed' has 9 of them"),
     ("stall: api, copies: 1, for: 1s", "only caches have copies")],
)  # fmt: skip
def test_copies_are_those_that_there_are(event: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario(WORLD.format(event=event, seconds=40, lookup=LOOKUP, keys=KEYS))
