"""Caches in scenarios: what is played of a trace is what the trace alone gives; what is foreseen is played."""

from __future__ import annotations

import csv
import gzip
import lzma
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from realdata import real
from test_caches import POLICIES, spec_of
from worlds import logged

from simsys.engines.rows import Luck
from simsys.experiment.evaluate import evaluate
from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.scenario import Scenario, ScenarioError, load_scenario
from simsys.structures.traces import lru_misses, replay
from simsys.theory import che_lru, zipf

WORLD = """
question: How many look-ups miss?
load: {{trace: {{file: {file}, {trace}}}, mix: {{get: 100%}}}}
stations: {{memory: {{servers: unlimited, ops: {{get: 0s}}}}}}
caches: {{objects: {{{cache}, start: cold}}}}
strategies:
  - flow:
      name: read-through
      get: [{{lookup: objects, key: key, miss: [{{fill: objects, key: key}}]}}, {{visit: memory.get}}]
run: {{replications: 1, warmup: 0s, seed: 1}}
"""
LINES = 20_000
TRACES = {
    "cache_twitter_cluster52_first1m.csv.xz": ("time: dt_s, key: key, size: size_b", "key", "size_b"),
    "cache_cache2k_web12.csv.xz": ("every: 1ms, key: key", "key", None),
    "block_cloudphysics_2h.csv.gz": ("time: t_us, key: lba_512, size: size_b", "lba_512", "size_b"),
}


def world(file: Path, trace: str, cache: str, *sets: str) -> Scenario:
    return load_scenario(WORLD.format(file=file, trace=trace, cache=cache), sets, name="world")


def beginning(name: str, folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """A file with the first lines of a real trace, and the lines."""
    with (lzma if name.endswith(".xz") else gzip).open(real(name), "rt") as file:
        text = list(islice(file, LINES + 1))
    (folder / "trace.csv").write_text("".join(text))
    return folder / "trace.csv", list(csv.DictReader(text))


def misses(scenario: Scenario) -> int:
    """Those of the cache in a play by the compiled engine."""
    (setting,) = settings(scenario)
    count = logged(setting).caches["objects"][-1]
    return count.lookups - count.hits


@pytest.mark.parametrize("name", TRACES)
def test_a_scenario_misses_as_often_as_the_trace_alone(name: str, tmp_path: Path) -> None:
    trace, key, size = TRACES[name]
    file, lines = beginning(name, tmp_path)
    keys = np.array([int(line[key]) for line in lines])
    sizes = np.array([float(line[size]) if size else 300.0 for line in lines])
    luck = Luck(1, 0).stream("evict objects")
    for policy in POLICIES:
        for word, room, unit in (("entries", 1000, ""), ("bytes", int(sizes.sum()) // 100, "B")):
            alone = replay(spec_of(policy=policy, start="cold", **{word: room}), keys, sizes, stream=luck)
            played = misses(world(file, trace, f"{word}: {room}{unit}, policy: {policy}"))
            assert played == alone.sum() > 0, (policy, word)


def test_points_of_a_sweep_are_a_curve_of_misses(tmp_path: Path) -> None:
    """The hit ratio over the size, from one scenario at many points, is Mattson's curve; so is the one foreseen."""
    name = "cache_cache2k_web12.csv.xz"
    file, lines = beginning(name, tmp_path)
    keys = np.array([int(line["key"]) for line in lines])
    rooms = [10, 100, 1000, 10_000]
    scenarios = [world(file, TRACES[name][0], "entries: 1", f"caches.objects.entries={room}") for room in rooms]
    found = [result.value("read-through", "objects", "hit_ratio") for result in evaluate(scenarios)]
    curve = [1 - misses / len(keys) for misses in lru_misses(rooms, keys)]
    assert found == pytest.approx(curve, abs=1e-9)
    assert [settings(s)[0].hit_ratios["objects"] for s in scenarios] == pytest.approx(curve, abs=1e-12)
    assert curve == sorted(curve) and curve[0] < 0.5 < curve[-1]


CLOCKED = """
question: What does a clock keep?
load: {rate: 1k/s, mix: {get: 100%}, keys: {count: 1000, popularity: {zipf: 0.9}}}
stations: {memory: {servers: unlimited, ops: {get: 1ms}}}
caches: {objects: {entries: 100, policy: clock, start: cold}}
strategies:
  - flow:
      name: read-through
      get: [{lookup: objects, key: key, miss: [{visit: memory.get}, {fill: objects, key: key}]}]
run: {replications: 1, requests: 20k, warmup: 0s, seed: 1}
"""


def test_a_policy_without_a_law_is_foreseen_by_playing_it() -> None:
    for policy in ("clock", "sieve", "lru"):
        scenario = load_scenario(CLOCKED, [f"caches.objects.policy={policy}"], name="clocked")
        (result,) = evaluate([scenario])
        played, foreseen = (
            result.value("read-through", "objects", "hit_ratio"),
            settings(scenario)[0].hit_ratios["objects"],
        )
        assert played == pytest.approx(foreseen, abs=0.01) and 0.3 < foreseen < 0.7


@pytest.mark.parametrize("policy", ["clock", "sieve"])
def test_a_warm_start_without_a_law_is_refused(policy: str) -> None:
    for start in ("warm", "null"):
        sets = [f"caches.objects.policy={policy}", f"caches.objects.start={start}"]
        with pytest.raises(ScenarioError, match=f"such a {policy} cache holds in the long run is not known: say"):
            load_scenario(CLOCKED, sets, name="clocked")


def test_a_trace_cannot_start_warm(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("k\n1\n2\n1\n")
    file = tmp_path / "t.csv"
    assert misses(world(file, "every: 1ms, key: k", "entries: 1")) == 3
    with pytest.raises(ScenarioError, match=r"caches.objects: nobody says how popular the keys of this load are"):
        world(file, "every: 1ms, key: k", "entries: 1", "caches.objects.start=warm")


TWO = """
question: What is left for the cache beneath?
load: {rate: 5k/s, mix: {get: 100%}, keys: {count: 20k, popularity: {zipf: 0.9}}}
stations: {memory: {servers: unlimited, ops: {get: 0s}}}
caches: {edge: {entries: 200, start: cold}, inner: {entries: 4k, start: cold}}
strategies:
  - flow:
      name: two
      get:
        - lookup: edge
          key: key
          miss:
            - {lookup: inner, key: key, miss: [{visit: memory.get}, {fill: inner, key: key}]}
            - {fill: edge, key: key}
run: {duration: 30s, warmup: 15s, replications: 1}
"""


def test_a_cache_beneath_another_is_asked_for_what_that_one_misses() -> None:
    """Key by key. A mutant that leaves it the popularity of all look-ups foresees a third too much."""
    (setting,) = settings(load_scenario(TWO, name="two"))
    caches = play_once(setting, 0, "compiled").caches
    played = {name: cache.hits / cache.lookups for name, cache in caches.items()}
    assert setting.hit_ratios == pytest.approx(played, abs=0.01)
    missed = 5000 * (1 - setting.hit_ratios["edge"])
    assert setting.layers["inner"].rate == pytest.approx(missed, rel=1e-12)
    unfiltered = che_lru(zipf(20_000, 0.9), missed, 4000).hit_ratio
    assert unfiltered > 1.2 * played["inner"]


def test_who_lies_beneath_another_or_is_told_cannot_start_warm() -> None:
    for cache, why in (("inner", "it lies beneath another cache"), ("noted", "plans fill it with what they have not")):
        noted = TWO.replace("get:\n        - lookup", "get:\n        - {fill: noted, key: key}\n        - lookup")
        noted = noted.replace("caches: {", "caches: {noted: {entries: 9, start: cold}, ")
        assert set(settings(load_scenario(noted, name="two"))[0].hit_ratios) == {"edge", "inner"}
        with pytest.raises(ScenarioError, match=f"caches.{cache}.start: {why}.* say start: cold"):
            load_scenario(noted, [f"caches.{cache}.start=warm"], name="two")
    warm = load_scenario(TWO, ["caches.edge.start=warm"], name="two")
    assert settings(warm)[0].layers["edge"].warm


COPIES = """
question: What does a cache in each of eight processes hold?
load: {rate: 4k/s, mix: {get: 100%}, keys: {count: 20k, popularity: {zipf: 0.9}}}
stations: {memory: {servers: unlimited, ops: {get: 0s}}}
caches: {own: {entries: 200, copies: 8, start: cold}}
strategies:
  - flow:
      name: in-process
      get: [{lookup: own, key: key, miss: [{visit: memory.get}, {fill: own, key: key}]}]
run: {duration: 20s, warmup: 10s, replications: 1}
"""
AT_KEY = COPIES.replace("own, key: key", "own, key: key, at: key")


def test_copies_know_nothing_of_each_other() -> None:
    """Eight small caches of everything, or, where a key has its copy, one that is eight times as large."""
    keys = zipf(20_000, 0.9)
    for text, expected in ((COPIES, che_lru(keys, 500, 200)), (AT_KEY, che_lru(keys, 4000, 1600))):
        (setting,) = settings(load_scenario(text, name="copies"))
        own = play_once(setting, 0, "compiled").caches["own"]
        assert own.hits / own.lookups == pytest.approx(expected.hit_ratio, abs=0.01)
        assert own.occupancy == 8 * 200
        foreseen = {} if text is AT_KEY else {"own": pytest.approx(expected.hit_ratio, rel=1e-9)}
        assert setting.hit_ratios == foreseen


def test_all_copies_are_emptied_and_start_warm() -> None:
    (setting,) = settings(load_scenario(COPIES, ["caches.own.start=warm", "run.warmup=0s", "run.duration=1s"], "warm"))
    own = play_once(setting, 0, "compiled").caches["own"]
    assert own.hits / own.lookups == pytest.approx(setting.hit_ratios["own"], abs=0.02)
    emptied = COPIES + "events: [{at: 20s, empty: own}]\n"
    (setting,) = settings(load_scenario(emptied, ["run.duration=20001ms"], "emptied"))
    assert play_once(setting, 0, "compiled").caches["own"].occupancy < 10
    with pytest.raises(ScenarioError, match=r"plans say which of its copies they ask: .* say start: cold"):
        load_scenario(AT_KEY, ["caches.own.start=warm"], name="copies")
