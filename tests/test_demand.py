"""The closed form of what a strategy asks for against what a run's ledgers show: within 3 standard errors ≤ band."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from worlds import station

from simsys.engines.play import play
from simsys.engines.reference import Player
from simsys.engines.trace import trace
from simsys.experiment.demand import Demand, Surroundings, demand
from simsys.experiment.setting import Setting, settings
from simsys.measure.log import Log
from simsys.measure.meter import summarise
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario
from simsys.steps import Each, Start, Visit

WORLD = """
question: Is the demand what the plans ask for?
load: {rate: 150/s, read_write_ratio: 2:1}
population:
  users: 200k
  active: 60%
  online: 10%
  followers: {lognormal: {mean: 50, p99: 300}}
  following: {lognormal: {mean: 50, p99: 200}}
stations:
  api: {servers: 1}
  database: {servers: 2}
  workers: {servers: 2}
  celebrity_workers: {servers: 1}
  graph: {shards: 2}
  authors: {shards: 2}
  timelines: {shards: 2}
  objects: {shards: 2}
  cache: {shards: 2}
caches: {feed: {entries: 20k, ttl: 200s, start: warm}}
strategies: [STRATEGY]
run: {duration: 3s, replications: 10, seed: 1}
"""
STRATEGIES = [
    "pull",
    "{pull: {source: rows, history: 10}}",
    "{pull: {source: lists}}",
    "cached_pull",
    "{cached_pull: {pull: {source: lists}}}",
    "{push: {batch: 20}}",
    "{push: {inactive: try, batch: 20}}",
    "{push: {inactive: push, batch: 20}}",
    "{push: {page: 30, batch: 20}}",
    "{push: {lane: 50, batch: 30, hydrate: false}}",
    "{hybrid: {celebrity: 100, push: {batch: 20}}}",
    "{hybrid: {celebrity: 300}}",
]
BAND = 0.25
"""Followers vary by more than their mean, and of some 1,500 posts in all few go to the rarer stations."""

Counts = Counter[tuple[str, str, str]]
Playing = tuple[Setting, list[tuple[Log, Counts, Summary]]]


@cache
def played(strategy: str) -> Playing:
    """Ten replications with their ledgers, and how often each operation took each (station, service)."""
    (setting,) = settings(load_scenario(WORLD.replace("STRATEGY", strategy)))
    return setting, [one(setting, replication) for replication in range(10)]


def one(setting: Setting, replication: int) -> tuple[Log, Counts, Summary]:
    counts: Counts = Counter()
    load = setting.workload(replication)
    luck = setting.luck(replication)
    with pytest.MonkeyPatch.context() as patch:
        count_steps(patch, counts)
        log = play(setting.model(replication, load), load, luck)
    capacity = {name: spec.capacity for name, spec in setting.scenario.stations.items()}
    return log, counts, summarise(log, setting.scope(), capacity)


def count_steps(patch: pytest.MonkeyPatch, counts: Counts) -> None:
    """Let the engine count visits and holds by the operation that causes them."""
    for method in ("_visit", "_hold"):
        take = getattr(Player, method)

        def counted(self: Player, step: Any, agent: Any, take: Callable[..., Any] = take) -> Any:
            service = getattr(step, "op", "hold")
            counts[agent.request.op, step.station, service] += getattr(step, "n", 1) > 0
            return (yield from take(self, step, agent))

        patch.setattr(Player, method, counted)


def misses(values: Sequence[float], reference: float) -> str:
    """Why the mean of the replications is not the reference; empty if it is."""
    mean, errors = float(np.mean(values)), 3 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    if errors > BAND * max(abs(reference), abs(mean)):
        return f"the run is too short: {mean:g} ± {errors:g}"
    close = abs(mean - reference) <= max(errors, 1e-9 * abs(reference))
    return "" if close else f"{mean:g} ± {errors:g}, not {reference:g}"


def faults(playing: Playing) -> dict[str, str]:
    """All that differs between the closed form and the ledgers, per request of each operation."""
    setting, plays = playing
    found: dict[str, str] = {}
    for op, needed in setting.demands.items():
        requests = [sum(r.op == op for r in log.requests) for log, *_ in plays]
        shown: dict[Any, list[float]] = defaultdict(list)
        for (_, counts, _), n in zip(plays, requests, strict=True):
            for key in {key[1:] for _, each, _ in plays for key in each if key[0] == op} | set(needed.visits):
                shown[key].append(counts[op, *key] / n)
        found |= {f"{op} {key}": misses(values, needed.visits[key]) for key, values in shown.items()}
        for name in {*needed.seconds, *(s for *_, summary in plays for s in summary.work[op])}:
            seconds = [summary.work[op].get(name, 0.0) for *_, summary in plays]
            found[f"{op} {name}"] = misses(seconds, needed.seconds[name])
    return {what: why for what, why in found.items() if why}


def idle_or_busy(playing: Playing) -> dict[str, str]:
    """Stations whose measured utilization is not the analytic one."""
    setting, plays = playing
    found = {}
    for load in setting.loads:
        measured = [float(np.mean(summary.stations[load.station].utilization)) for *_, summary in plays]
        found[load.station] = misses(measured, load.utilization)
    return {what: why for what, why in found.items() if why}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_demand_is_what_the_ledgers_show(strategy: str) -> None:
    assert faults(played(strategy)) == {}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_analytic_utilization_is_what_is_measured(strategy: str) -> None:
    assert len(played(strategy)[0].loads) >= 2
    assert idle_or_busy(played(strategy)) == {}


# -- mutants -------------------------------------------------------------------------------------------------------


def against(strategy: str, other: Setting) -> dict[str, str]:
    """The faults of another setting's demand, held against the ledgers of this strategy."""
    return faults((other, played(strategy)[1]))


def anew(strategy: str) -> Setting:
    return Setting(played(strategy)[0].scenario, played(strategy)[0].strategy)


def test_the_demand_of_another_strategy_is_not_what_the_ledgers_show() -> None:
    """Mutants: other rows, another batch, another threshold."""
    for mine, other in (
        ("pull", "{pull: {source: lists}}"),
        ("{push: {batch: 20}}", "{push: {page: 30, batch: 20}}"),
        ("{push: {batch: 20}}", "{push: {inactive: push, batch: 20}}"),
        ("{hybrid: {celebrity: 300}}", "{hybrid: {celebrity: 100, push: {batch: 20}}}"),
    ):
        assert against(mine, played(other)[0])


def test_a_wrong_hit_ratio_is_noticed() -> None:
    """Mutant: as if the cache were never warm."""
    setting = anew("cached_pull")
    setting.__dict__["hit_ratios"] = {"feed": 0.0}
    assert {"read database", "read ('database', 'newest')"} <= against("cached_pull", setting).keys()


def test_a_reader_may_follow_no_celebrity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: whoever is expected to follow a tenth of one is taken to follow some."""
    monkeypatch.setattr("simsys.experiment.demand._asks_for_any", lambda left, right: False)
    assert "read ('authors', 'recent')" in against("{hybrid: {celebrity: 300}}", anew("{hybrid: {celebrity: 300}}"))


def test_a_busier_station_is_noticed() -> None:
    """Mutant: the loads of a scenario whose database takes twice as long."""
    setting, plays = played("pull")
    twice = load_scenario(WORLD.replace("STRATEGY", "pull"), ["stations.database.ops.newest=44.8us"])
    assert "database" in idle_or_busy((settings(twice)[0], plays))
    assert idle_or_busy((setting, plays)) == {}


# -- by hand -------------------------------------------------------------------------------------------------------


def wire(b: Any) -> Iterator[Any]:
    yield Visit("wire", "trip", n=b.size)
    yield Visit("server", "get", n=b.size)


def asked(step: Any) -> Demand:
    """The demand of one request with n = 5 that takes this step."""

    def plan(r: Any) -> Iterator[Any]:
        yield step

    stations = {"wire": station("unlimited", trip="1s"), "server": station(2, get={"fixed": "0.5s", "per_item": "0s"})}
    tree = trace(plan, ("size",))
    return demand(tree, np.ones(1), {"size": np.array([5.0])}, Surroundings(stations, {}, lambda followers: 0.0))


@pytest.mark.parametrize(("width", "time"), [(None, 2.5), (2, 2.5 + 1.5), (1, 2.5 + 2.5 + 1.5), (3, 2.5)])
def test_batches_of_two_two_and_one(width: int | None, time: float) -> None:
    """The last batch is smaller, and takes a round of its own where it is left over."""
    needed = asked(Each(wire, n=5, batch=2, width=width))
    assert needed.time == pytest.approx(time)
    assert needed.visits == {("wire", "trip"): 3, ("server", "get"): 3}
    assert needed.units == {("wire", "trip"): 5, ("server", "get"): 5}
    assert needed.seconds == {"server": pytest.approx(1.5)}


def early(b: Any) -> Iterator[Any]:
    if b.index < 3:
        yield Visit("wire", "trip", n=b.index)
        yield Visit("server", "get", n=b.size)


@pytest.mark.parametrize(("n", "batch", "served", "units"), [(2, 1, 2, 2), (5, 1, 3, 3), (9000, 1, 3, 3), (5, 4, 2, 5)])
def test_what_a_child_does_by_its_index(n: int, batch: int, served: int, units: int) -> None:
    """The first three only, and each waits for as many trips as there are before it; of the last what is left."""
    needed = asked(Each(early, n=n, batch=batch))
    assert (needed.visits["server", "get"], needed.units["server", "get"]) == (served, units)
    assert needed.time == served - 1 + 0.5
    assert asked(Each(early, n=n, batch=batch, width=1)).time == sum(range(served)) + 0.5 * served


def test_a_mutant_whose_children_are_all_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simsys.experiment.demand.asks", lambda plan, column: False)
    assert asked(Each(early, n=5)).visits["server", "get"] != 3


def late(b: Any) -> Iterator[Any]:
    if b.index >= 4_321:
        yield Visit("server", "get")


def test_children_of_many_are_told_apart_by_a_twentieth() -> None:
    assert asked(Start(late, n=9_000)).visits["server", "get"] == pytest.approx(9_000 - 4_321, rel=0.025)
    assert asked(Start(late, n=4_321)).visits == {}


def test_background_work_counts_and_takes_no_time() -> None:
    needed = asked(Start(wire, n=5, batch=2))
    assert (needed.time, needed.visits["wire", "trip"]) == (0, 3)
    assert needed.seconds["server"] == pytest.approx(1.5)
    assert asked(Start(wire, n=0)).visits == {}


def test_the_share_of_edges_pulled() -> None:
    """Push pulls none and pull all, exactly; a hybrid those above its threshold."""
    shares = {strategy: played(strategy)[0].edges_pulled for strategy in STRATEGIES}
    assert shares["pull"] == shares["cached_pull"] == 1.0
    assert shares["{push: {batch: 20}}"] == shares["{push: {inactive: push, batch: 20}}"] == 0.0
    setting = played("{hybrid: {celebrity: 300}}")[0]
    assert setting.edges_pulled == pytest.approx(setting.edge_share(300.0), rel=0.01)
