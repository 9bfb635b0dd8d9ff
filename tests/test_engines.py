"""Both engines write the same log to the last bit, in random worlds and in every shipped scenario; a mistake shows."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from mutants import MUTANTS
from random_worlds import Requests, World, make
from realdata import real
from same_log import assert_equal, difference, same_log
from shrinking import shrink
from test_scenarios import CSV, RAW

from simsys.engines import agents, arrivals, clock, facilities, leases, lookups, outages, play, reference, rows, servers
from simsys.engines.clock import ARRIVAL, END, TIMER, Clock
from simsys.engines.trace import Do, If, Tree, steps_of, trace
from simsys.experiment.setting import settings
from simsys.measure.log import BROUGHT, DONE, FROM_EVENT, FROM_LOAD, INSIDE, REFUSED, TIMED_OUT, Log
from simsys.scenario import load_scenario
from simsys.scenario.shipped import shipped
from simsys.steps import STEPS, All, Each, Start
from simsys.structures import caches, policies, sketches
from simsys.workload import Load, Workload

WORLDS, BLOCK, FEW = 2_000, 100, 300


@lru_cache(maxsize=FEW)
def known(seed: int) -> tuple[World, Log]:
    """A world, and what the compiled engine writes of it."""
    world = make(seed)
    return world, world.play("compiled")


@pytest.mark.parametrize("block", range(WORLDS // BLOCK))
def test_random_worlds(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        world = make(seed)
        found = difference(world.play("simpy"), world.play("compiled"))
        assert found is None, f"{found}\n\n{world}"


# -- what random worlds reach ------------------------------------------------------------------------------------------

PLAYERS = (
    reference, lookups, servers, facilities, agents, leases, outages, clock, play, rows, caches, policies, sketches,
)  # fmt: skip
REACHED = [str(m.__file__) for m in PLAYERS]
NOT_PLAYED = ("__len__", "__getattr__", "down", "play")
"""Functions that a play has no use for."""
Place = tuple[str, int]


def statements(file: str) -> Iterator[tuple[Place, set[Place]]]:
    """The statements of a file's functions: where each begins, and the lines of which one is passed when it is
    executed. Not those that only say what is wrong.
    """
    for function in ast.walk(ast.parse(Path(file).read_text())):
        if not isinstance(function, ast.FunctionDef) or function.name in NOT_PLAYED:
            continue
        for node in chain.from_iterable(ast.walk(statement) for statement in function.body):
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, ast.stmt) and not isinstance(node, ast.Raise | ast.Nonlocal) and not text:
                last = node.body[0].lineno - 1 if hasattr(node, "body") else node.end_lineno
                yield (file, node.lineno), {(file, line) for line in range(node.lineno, max(node.lineno, last) + 1)}


@pytest.fixture
def passed() -> Iterator[set[Place]]:
    """The lines of the reference engine and of the caches that were executed."""
    seen: set[Place] = set()

    def local(frame: Any, event: str, _: Any) -> Any:
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def enter(frame: Any, event: str, _: Any) -> Any:
        return local if frame.f_code.co_filename in REACHED else None

    before = sys.gettrace()
    sys.settrace(enter)
    yield seen
    sys.settrace(before)


def test_worlds_reach_every_statement_of_the_reference_engine(passed: set[Place]) -> None:
    for seed in range(FEW // 3):
        make(seed).play("simpy")
    wanted = list(chain.from_iterable(map(statements, REACHED)))
    assert len(wanted) > 500
    missed = [f"{Path(file).name}:{line}" for (file, line), lines in wanted if not lines & passed]
    assert not missed


FORKS = (All, Each, Start)


def forks(tree: Tree) -> Iterator[tuple[type, type]]:
    """The kinds of a fork and of one within its plans."""
    if isinstance(tree, If):
        yield from chain(forks(tree.yes), forks(tree.no))
    elif isinstance(tree, Do):
        inner = {type(step) for plan in tree.plans for step in steps_of(plan)}.intersection(FORKS)
        yield from ((type(tree.step), kind) for kind in inner if isinstance(tree.step, FORKS))
        yield from chain(forks(tree.then), *map(forks, tree.plans))


def test_worlds_have_every_kind_of_end_cause_and_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    met, at, pending = set(), Clock.at, dict[Any, set[int]]()

    def watch(self: Clock, time: float, kind: int, number: int) -> Any:
        others = pending.setdefault((id(self), time), set())
        met.update((min(kind, other), max(kind, other)) for other in others)
        others.add(kind)
        return at(self, time, kind, number)

    monkeypatch.setattr(Clock, "at", watch)
    ends, causes, steps, nested = set(), set(), "", set()
    for seed in range(FEW // 3):
        pending.clear()
        world = make(seed)
        log = world.play("simpy")
        ends |= {r.status for r in log.requests}
        causes |= {r.cause for r in log.requests}
        steps += world.source
        nested |= {pair for plan in world.plans.values() for pair in forks(trace(plan, world.load.columns))}
    assert ends == {DONE, REFUSED, TIMED_OUT, INSIDE}
    assert causes == {FROM_LOAD, FROM_EVENT, BROUGHT}
    assert met == {(a, b) for a in (END, ARRIVAL, TIMER) for b in (END, ARRIVAL, TIMER) if a <= b}
    assert all(f"yield {step.__name__}(" in steps for step in STEPS)
    assert nested == {(outer, inner) for outer in FORKS for inner in FORKS}


# -- a mistake shows ---------------------------------------------------------------------------------------------------


def differs(world: World, log: Log) -> bool:
    """Whether the reference engine, mistaken as it is, writes another log, or none."""
    try:
        return difference(world.play("simpy"), log) is not None
    except (RuntimeError, TypeError, KeyError, IndexError):
        return True


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as mistaken:
        for world, log in map(known, range(FEW)):
            MUTANTS[name].put_in(mistaken)
            if differs(world, log):
                return
            mistaken.undo()
    pytest.fail(f"in {FEW} worlds nobody noticed")


def test_a_difference_is_told_and_cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(world: World) -> bool:
        log = world.play("compiled")
        with monkeypatch.context() as mistaken:
            MUTANTS["fifo moves"].put_in(mistaken)
            return difference(world.play("simpy"), log) is not None

    world = next(world for world in map(make, range(FEW)) if len(world.source) < 1500 and fails(world))
    small = shrink(world, fails)
    assert fails(small)
    assert len(small.source) < len(world.source) / 2
    assert "'policy': 'fifo'" in str(small) and "Lookup(" in str(small)


# -- the same again ----------------------------------------------------------------------------------------------------


def test_the_compiled_engine_repeats_itself_whatever_the_chunks() -> None:
    for world, log in map(known, range(FEW // 5)):
        assert_equal(world.play("compiled"), log)
        if isinstance(world.load, Requests):
            for piece in (1, 5, 65536):
                assert_equal(replace(world, load=replace(world.load, piece=piece)).play("compiled"), log)


# -- more at once, and for longer, than tables have room for -----------------------------------------------------------


@pytest.mark.parametrize("seed", [seed for seed in range(30) if getattr(make(seed).load, "times", ())][:8])
def test_crowds(seed: int) -> None:
    world = make(seed)
    times = tuple(time for time in world.load.times for _ in range(50))
    crowded = replace(world, load=replace(world.load, times=times))
    found = difference(crowded.play("simpy"), crowded.play("compiled"))
    assert found is None, f"{found}\n\n{world}"


def test_clients_ask_more_often_than_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "ROWS_AT_ONCE", 1)
    worlds = [world for world in map(make, range(FEW // 3)) if world.load.clients]
    longer = [
        replace(world, load=replace(world.load, requests=100)) for world in worlds if hasattr(world.load, "times")
    ]
    assert len(longer) > 5
    for world in longer:
        assert_equal(world.play("simpy"), world.play("compiled"))


def test_a_log_of_several_batches() -> None:
    """Batches of 16,384 requests or marks, whichever is reached first: here 35,000 marks and half as many requests."""
    load = Load.model_validate({"rate": "1000/s", "mix": {"get": "100%"}})
    source = """
def later(b):
    yield Visit("server", "get")

def get(r):
    yield Mark("come", n=2)
    yield Start(later)
    yield Mark("gone")
"""
    station = {"servers": 4, "ops": {"get": {"exponential": {"mean": "3ms"}}}}
    world = World(1, source, {"server": station}, {}, {}, Workload(load, requests=17_500), {})
    one, other = world.play("simpy"), world.play("compiled")
    assert len(one.batches) == 3
    assert_equal(one, other)


def test_a_crowds_first_visit_of_no_units_draws_no_shard_for_the_next() -> None:
    """The first child of each crowd, of index 0, asks nothing of the station whose shard was drawn with the crowd's."""
    load = Load.model_validate({"rate": "100/s", "mix": {"get": "100%"}})
    source = """
def part(b):
    yield Visit("near", "get", n=b.index, key=ANY)
    yield Visit("far", "get", key=ANY)

def get(r):
    yield Start(part, n=20)
"""
    ops = {"get": {"exponential": {"mean": "3ms"}}}
    stations = {"near": {"servers": 1, "shards": 2, "ops": ops}, "far": {"servers": 1, "shards": 100, "ops": ops}}
    world = World(1, source, stations, {}, {}, Workload(load, requests=300), {})
    assert_equal(world.play("simpy"), world.play("compiled"))


@pytest.mark.parametrize("law", [
    {"exponential": {"mean": "3ms"}}, "3ms", {"lognormal": {"mean": "3ms", "p99": "9ms"}},
    {"fixed": "1ms", "per_item": {"exponential": {"mean": "1ms"}}},
    {"fixed": {"exponential": {"mean": "1ms"}}, "per_item": "1ms"},
])  # fmt: skip
@pytest.mark.parametrize("key", ["ANY", "SPREAD", "r.index"])
@pytest.mark.parametrize("n", ["1", "r.size", "r.index", "3, over=2"])
def test_what_a_crowd_does_first(law: Any, key: str, n: str) -> None:
    """Children by the hundred, whose first visits are drawn together, and the last of whom is smaller, in every way."""
    load = Load.model_validate({"at_once": 2, "mix": {"get": "100%"}})
    source = f"""
def part(r):
    yield Visit("shards", "get", n={n}, key={key})
    yield Visit("shards", "get", key=ANY)
    yield Mark("done", n=r.size)

def get(r):
    yield Each(part, n=290, batch=2.1)
    yield Start(part, n=30)
"""
    stations = {"shards": {"servers": 1, "shards": 5, "ops": {"get": law}}}
    world = World(1, source, stations, {}, {}, Workload(load, requests=2), {})
    assert_equal(world.play("simpy"), world.play("compiled"))


def test_a_limit_without_end_is_none() -> None:
    """A timer at the end of time would come, and time be infinite; the looks at the stations would go on until then."""
    source = """
def work(b):
    yield Visit("server", "get")

def get(r):
    done = yield Within(float("inf"), work)
    yield Mark("done", n=2 if done else 1)
"""
    ops = {"get": {"exponential": {"mean": "3ms"}}}
    load = Load.model_validate({"rate": "100/s", "mix": {"get": "100%"}})
    world = World(1, source, {"server": {"servers": 1, "ops": ops}}, {}, {}, Workload(load, requests=50), {})
    log = world.play("simpy")
    assert 0.3 < log.end < 1.0 and [mark.n for mark in log.marks] == [2.0] * 50
    assert_equal(log, world.play("compiled"))


def test_a_truth_is_a_key() -> None:
    """As the numbers 1 and 0, for a visit, for one of several shards and for a hold."""
    source = """
def part(r):
    yield Visit("near", "get", key=True)

def get(r):
    yield Visit("near", "get", key=r.key > 1)
    yield Visit("near", "get", n=2, key=r.key > 1, over=2)
    yield Hold("held", part, key=r.key > 1)
"""
    ops = {"get": {"exponential": {"mean": "3ms"}}}
    load = Load.model_validate({"rate": "100/s", "mix": {"get": "100%"}, "keys": {"count": 4, "popularity": "uniform"}})
    stations = {"near": {"servers": 1, "shards": 4, "ops": ops}, "held": {"servers": 2, "shards": 3}}
    log, other = (
        World(1, s, stations, {}, {}, Workload(load, requests=50), {}).play("simpy")
        for s in (source, source.replace("r.key > 1", "1 * (r.key > 1)").replace("True", "1.0"))
    )
    assert len(log.requests) == 50 and sum(visits > 0 for visits in log.stations["held"].visits) == 2
    assert_equal(log, other)
    assert_equal(log, World(1, source, stations, {}, {}, Workload(load, requests=50), {}).play("compiled"))


# -- shipped scenarios -------------------------------------------------------------------------------------------------

SHORTER = {
    "stampede": ["load.rate=200/s", "run.requests=4000"],
    "stragglers": ["load.size=2.5GB", "load.rate=1k/s", "run.requests=1100"],
    "checkpoints": ["strategies.checkpointed.work=3h", "run.requests=1100"],
    "batch-pipeline": ["load.rate=1k/s", "run.duration=4s", "events.0.at=1s"],
    "cache-down": ["load.stages.0.for=1s", "load.stages.1.for=1s", "load.stages.2.for=1s", "events.0.at=1s",
                   "events.0.for=1s", "events.1.at=1s", "events.1.for=1s"],
    "celebrity": ["run.requests=2000", "events.0.request.followers=300k"],
    "cqrs": ["run.duration=10s", "events.0.at=1s", "events.1.at=2s", "events.2.at=4s"],
    "kept-lists": ["run.duration=2s", "run.warmup=0s"],
    "metastable": ["run.duration=20s", "events.0.at=4s", "events.1.at=4s"],
    "openers": ["run.duration=6s", "events.0.at=1s", "events.0.request.followers=36k"],
    "resharding": ["load.stages=[{for: 2s, rate: 1k/s}]", "load.keys.count=300", "run.warmup=0s"]
    + [f"events.{i}.at=1s" for i in range(3)],
    "partition-key": ["run.duration=400ms", "events.0.at=100ms", "events.0.for=100ms", "events.1.at=250ms",
                      "events.1.for=100ms"],
    "view-counter": ["run.duration=6s", "events.0.at=1s", "events.0.for=1s"],
    "ten-million": ["run.requests=2000", "events.0.at=10ms", "events.0.for=10ms"],
    "photo-feed": ["run.duration=6s", "events.0.at=1s", "events.1.at=1s", "events.1.for=1s", "events.2.at=3s",
                   "events.2.for=1s"],
    "leaderboard": ["run.duration=6s", "events=[{at: 1s, stall: sets, for: 1s}, {at: 3s, stall: ranker, for: 1s}]"],
    "llm-monitor": ["run.duration=6s", "events.0.at=1s", "events.0.for=1s"],
    "million-at-once": ["load.stages=[{for: 200ms, rate: 10k/s}]", "events=[{at: 100ms, stall: orders, for: 100ms}]"],
    "million-writes": ["load.stages=[{for: 200ms, rate: 10k/s}]", "stations.scaled.autoscale.every=50ms",
                       "stations.scaled.autoscale.delay=100ms"],
    "url-shortener": ["run.duration=6s", "events.0.at=1s", "events.1.at=1s", "events.2.at=3s", "events.2.for=1s"],
    "spike": ["load.stages.0.for=2s", "load.stages.1.for=1s", "load.stages.2.for=3s"],
}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_scenarios(name: str) -> None:
    changes = SHORTER.get(name, ["run.requests=2000"])
    for setting in settings(load_scenario(name, [*changes, "run.replications=1"])):
        assert same_log(setting).arrived > 1000


def test_the_raw_scenario(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(real(CSV), tmp_path / "data")
    scenario = load_scenario(shutil.copy(RAW, tmp_path), ["run.duration=2s", "run.replications=1"])
    for setting in settings(scenario):
        assert same_log(setting).arrived > 1000
