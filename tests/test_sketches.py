"""Sketches: rule by rule, beside naive twins, and the closed forms of their errors (LSM-5)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_caches import spec_of

from simsys import draws, theory
from simsys.structures import sketches
from simsys.structures.caches import make_cache
from simsys.structures.sketches import HyperLogLog, Sketch
from simsys.structures.traces import replay


def sketch(stream: int = 1, **spec) -> Sketch:
    made = make_cache(spec_of(start="cold", **spec), stream)
    assert isinstance(made, Sketch)
    return made


def bloom(stream: int = 1, **spec) -> Sketch:
    return sketch(stream, policy="bloom", **{"entries": 1000, **spec})


# ---- the rules, one by one


def test_a_filter_knows_what_it_was_given_and_turns_away_its_fills_while_down():
    seen = bloom()
    assert not seen.lookup(7, 0.0)
    seen.fill(7, 0.0)
    assert seen.lookup(7, 0.0) and not seen.lookup(8, 0.0)
    assert (seen.lookups, seen.hits, seen.occupancy(0.0), seen.age(7, 5.0)) == (3, 1, 1.0, 0.0)
    seen.clear()
    seen.down = True
    seen.fill(9, 1.0)
    assert not seen.lookup(7, 1.0)
    seen.down = False
    assert not seen.lookup(9, 1.0) and seen.occupancy(1.0) == 0.0


def test_a_key_is_known_for_one_ttl_at_least_and_two_at_most():
    """The young filter is 10 s old at 10, 20, …: a key of 0 s is gone at 20 s, one of 9 s as well."""
    for filled in (0.0, 9.0):
        seen = bloom(ttl=10.0)
        seen.fill(1, filled)
        assert [seen.lookup(1, now) for now in (9.5, 10.0, 19.9, 20.0)] == [True, True, True, False]
    seen = bloom(ttl=10.0)
    seen.fill(1, 10.0)
    assert seen.lookup(1, 29.0) and not seen.lookup(1, 30.0)


def test_who_finds_the_filter_full_makes_it_the_old_one():
    """Room for two: the third key turns the filter, the fifth makes it forget the first two."""
    seen = bloom(entries=2, bits=64)
    for key in (1, 2, 3, 4):
        seen.fill(key, 0.0)
    assert [seen.lookup(key, 0.0) for key in (1, 2, 3, 4)] == [True] * 4
    seen.fill(5, 0.0)
    assert [seen.lookup(key, 0.0) for key in (1, 2, 3, 4, 5)] == [False, False, True, True, True]
    assert (seen.evictions, seen.occupancy(0.0)) == (2, 3.0)


def test_memory():
    assert bloom(entries=1000, bits=10).weight(0.0) == 2500  # two filters
    assert sketch(policy="hyperloglog", bytes=12 * 1024).weight(0.0) == 16384 * 6 / 8
    assert sketch(policy="hyperloglog", bytes=12 * 1024 - 1).weight(0.0) == 8192 * 6 / 8


@pytest.mark.parametrize(
    "spec",
    [
        {"policy": "bloom", "bytes": 100},
        {"policy": "bloom", "entries": 100, "start": "warm"},
        {"policy": "bloom", "entries": 100, "ttl": 1, "renew": True},
        {"policy": "bloom", "entries": 100, "bits": 65},
        {"policy": "hyperloglog", "entries": 100},
        {"policy": "hyperloglog", "bytes": 100, "ttl": 1},
        {"policy": "hyperloglog", "bytes": 100, "bits": 4},
        {"policy": "lru", "entries": 100, "bits": 4},
        {"policy": "lru", "entries": 100, "hashes": 4},
    ],
)
def test_a_sketch_that_makes_no_sense_is_refused(spec):
    with pytest.raises(ValidationError):
        spec_of(**{"start": "cold"} | spec)


# ---- naive twins


class Filters:
    """Sets of bits, the young one last, and when each was begun."""

    def __init__(self, entries: int, bits: int, hashes: int, ttl: float, stream: int) -> None:
        self.entries, self.places, self.hashes, self.ttl, self.stream = entries, entries * bits, hashes, ttl, stream
        self.sets, self.sizes, self.begun = [set(), set()], [0, 0], 0.0

    def turn(self) -> None:
        self.sets, self.sizes = [self.sets[1], set()], [self.sizes[1], 0]

    def lookup(self, key: int, now: float) -> bool:
        late = now - self.begun >= self.ttl
        if now - self.begun >= 2 * self.ttl:
            self.turn()
        if late:
            self.turn()
            self.begun = now if now - self.begun >= 2 * self.ttl else self.begun + self.ttl
        bits = {int(draws.uniform(self.stream, key, i) * self.places) for i in range(self.hashes)}
        return any(bits <= known for known in self.sets)

    def fill(self, key: int, now: float) -> None:
        if not self.lookup(key, now):
            if self.sizes[1] == self.entries:
                self.turn()
                self.begun = now
            self.sizes[1] += 1
            self.sets[1] |= {int(draws.uniform(self.stream, key, i) * self.places) for i in range(self.hashes)}


calls = st.lists(st.tuples(st.sampled_from("lf"), st.integers(-2, 9), st.sampled_from([0, 1, 2, 5])), max_size=60)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.sampled_from([None, 2.0, 4.0]), calls)
def test_a_filter_is_its_naive_twin(entries, bits, hashes, ttl, calls) -> None:
    real = bloom(3, entries=entries, bits=bits, hashes=hashes, ttl=ttl)
    twin, now = Filters(entries, bits, hashes, ttl or math.inf, 3), 0.0
    for call, key, later in calls:
        now += later
        if call == "l":
            assert real.lookup(key, now) == twin.lookup(key, now)
        else:
            real.fill(key, now)
            twin.fill(key, now)
            assert real.lookup(key, now)  # no false negatives
        assert real.occupancy(now) == sum(twin.sizes)


@given(st.integers(1, 4), st.integers(1, 20), st.sampled_from([None, 2.0, 4.0]), calls, st.integers(0, 99))
def test_a_filter_replays_the_same_in_compiled_code(entries, bits, ttl, calls, stream) -> None:
    if not calls:
        return
    keys, times = np.array([key for _, key, _ in calls]), np.cumsum([later for *_, later in calls], dtype=np.float64)
    real, missed = bloom(stream, entries=entries, bits=bits, ttl=ttl), []
    for key, now in zip(keys.tolist(), times.tolist(), strict=True):
        missed.append(not real.lookup(key, now))
        real.fill(key, now)
    spec = spec_of(policy="bloom", entries=entries, bits=bits, ttl=ttl, start="cold")
    assert replay(spec, keys, times=times, stream=stream).tolist() == missed


@given(st.lists(st.integers(-5, 500)), st.sampled_from([3, 12, 100]))
def test_registers_hold_the_most_tosses_of_their_keys(keys, room) -> None:
    """The twin finds the rank of a key in the digits of its draw, and the largest per register at the end."""
    real = HyperLogLog(room, 5)
    for key in keys:
        real.add(key, 0.0)
    wanted = [0] * real.registers
    for key in keys:
        place = int(draws.uniform(5, key, 0) * real.registers)
        wanted[place] = max(wanted[place], 1 - math.frexp(draws.uniform(5, key, 1))[1])
    assert real.ranks == wanted


# ---- LSM-5: false positives


def false_positives(bits: int, keys: int = 20_000, hashes: int | None = None) -> float:
    """The share of new keys that a filter takes for old ones which is as full as it gets."""
    seen = bloom(entries=keys, bits=bits, hashes=hashes)
    for key in range(keys):
        seen.fill(key, 0.0)
    return float(np.mean([seen.lookup(key, 0.0) for key in range(keys, 3 * keys)]))


@pytest.mark.parametrize(("bits", "hashes", "published"), [(5, 3, 0.0918), (8, 6, 0.02158), (10, 7, 0.00819)])
def test_false_positives_of_a_full_filter(bits: int, hashes: int, published: float) -> None:
    law = theory.bloom_false_positives(bits, hashes)
    assert law == pytest.approx(published, rel=0.002)
    found = false_positives(bits)
    spread = 3 * math.sqrt(law / 40_000)
    assert found == pytest.approx(law, abs=0.05 * law + spread)
    mutant = false_positives(bits, hashes=1)
    assert mutant > 1.5 * law  # one bit of each key


# ---- HyperLogLog


@pytest.mark.parametrize("keys", [10, 300, 3000, 30_000])
def test_the_error_of_an_estimate(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty sketches of 256 registers: the root of the mean squared error is that of the law, or less for few keys."""

    def errors() -> np.ndarray:
        return np.array([registers(stream, keys) / keys - 1.0 for stream in range(40)])

    def registers(stream: int, keys: int) -> float:
        numbers = np.arange(keys)
        places = (draws.uniforms(stream, numbers, 0) * 256).astype(int)
        ranks = np.zeros(256, np.int64)
        np.maximum.at(ranks, places, 1 - np.frexp(draws.uniforms(stream, numbers, 1))[1])
        return sketches.distinct(ranks)

    law = theory.hyperloglog_error(256)
    assert law == 0.065
    error = math.sqrt((errors() ** 2).mean())
    assert error < 1.3 * law
    assert abs(errors().mean()) < 3 * law / math.sqrt(40)
    if keys >= 3000:
        assert error > 0.7 * law
    if keys <= 300:
        monkeypatch.setattr(sketches, "_sigma", lambda x: x)  # mutant: as if all registers were full
        assert abs(errors().mean()) > 2 * law


def test_an_empty_sketch_and_one_that_cannot_tell():
    views = sketch(policy="hyperloglog", bytes=96)
    assert views.occupancy(0.0) == 0.0
    views.fill(1, 0.0)
    assert views.occupancy(0.0) == pytest.approx(1.0, rel=0.01)
    assert not views.lookup(1, 0.0)
