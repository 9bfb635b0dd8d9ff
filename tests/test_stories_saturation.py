"""A story in closed form: where gathering saturates, four ways to ask one question.

32 cores, readers who follow 500. Saturation is 32 / S exactly, where S is the service of one read.
"""

from __future__ import annotations

from statistics import fmean
from typing import NamedTuple

import pytest
from bands import holds
from worlds import logged

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import Setting, settings
from simsys.scenario import load_scenario
from simsys.theory import erlang_c

EXACT = 1e-9

FEEDS = """
load: {rate: 20k/s, arrivals: regular, mix: {read: 100%}}
population: {users: 10M, followers: 500, following: 500}
stations:
  database: {servers: 32, ops: {gather: 1.898us, newest: 22.4us}}
  authors: {shards: 32, ops: {recent: 3.5us}}
  timelines: {shards: 32, ops: {range: {fixed: 9.2us}}}
  objects: {shards: 1, servers: 32, ops: {get: {fixed: 62us}}}
strategies: [STRATEGY]
run: {duration: 1s, replications: 1}
"""
CORES, READS = 32, 20_000
SCAN = "stations.database.ops.gather={fixed: 2ms, per_item: 1.5us}"
WAYS = [
    ("{pull: {source: rows}}", (), "database", 94.9e-3, 337, 1_898),
    ("{pull: {source: rows}}", (SCAN,), "database", 77e-3, 416, 1_540),
    ("{pull: {source: index}}", (), "database", 11.2e-3, 2_857, 224),
    ("{pull: {source: lists}}", (), "authors", 1.75e-3, 18_286, 35),
    ("{push: {hydrate: false}}", (), "timelines", 9.2e-6, 3.48e6, 0.2),
]  # fmt: skip


def feed(strategy: str, *sets: str) -> Setting:
    return settings(load_scenario(FEEDS.replace("STRATEGY", strategy), sets))[0]


def cores_for_20k(strategy: str, station: str, *sets: str) -> float:
    """Busy servers of the station at 20,000 reads/s."""
    load = next(load for load in feed(strategy, *sets).loads if load.station == station)
    assert load.servers == CORES
    return load.utilization * load.servers


@pytest.mark.parametrize(("strategy", "sets", "station", "service", "saturates", "cores"), WAYS)
def test_s3_four_ways_to_ask_saturate_at_32_over_s(
    strategy: str, sets: tuple[str, ...], station: str, service: float, saturates: float, cores: float
) -> None:
    busy = cores_for_20k(strategy, station, *sets)
    assert busy == pytest.approx(READS * service, rel=EXACT)
    assert CORES / (busy / READS) == pytest.approx(saturates, rel=2e-3)
    assert busy == pytest.approx(cores, abs=0.5 if cores > 1 else 0.05)


def test_s3_mutants_a_visit_counted_once_and_a_round_trip_counted_as_service() -> None:
    """Both miss 32/S: 500 followed at the price of one, and database servers held while the answer travels."""
    once = "{flow: {name: once, read: [{visit: database.newest}]}}"
    trip = "[{visit: network.same_zone}, {visit: timelines.range}]"
    held = f"{{flow: {{name: held, read: [{{hold: database, do: {trip}}}]}}}}"
    network = "stations.network={servers: unlimited, ops: {same_zone: 0.2ms}}"
    assert cores_for_20k(once, "database") == pytest.approx(224 / 500, rel=EXACT)
    assert cores_for_20k(held, "database", network) == pytest.approx(20_000 * 209.2e-6, rel=EXACT)


def test_s3_push_pays_hydration_too() -> None:
    """A list of ids costs 9.2 us, its page of posts 62 us more: 7.7 times what the bare list costs."""
    reading = feed("push").demands["read"]
    page = reading.seconds["timelines"] + reading.seconds["objects"]
    assert page == pytest.approx(71.2e-6, rel=EXACT)
    assert page / 9.2e-6 == pytest.approx(7.7, abs=0.05)
    assert "objects" not in feed("{push: {hydrate: false}}").demands["read"].seconds


BEYOND = ("load.rate=1.1k/s", "stations.api={servers: 64, vcpu: 1, ops: {read: 1ms}}", "run.duration=10s")
"""32 servers of 32 ms saturate at 1,000/s."""


def overloaded(servers: int) -> Result:
    sets = (*BEYOND, f"stations.database.servers={servers}", "stations.database.ops.newest={fixed: 32ms}")
    return run(load_scenario(FEEDS.replace("STRATEGY", "pull"), sets), jobs=1)


def test_s3_a_tenth_above_saturation_is_called_saturated() -> None:
    result = overloaded(CORES)
    assert result.saturated == ("pull",)
    assert result.value("pull", "read", "throughput") == pytest.approx(1_000, rel=2e-3)
    assert result.value("pull", "system", "backlog_growth") == pytest.approx(100, rel=0.02)
    assert result.value("pull", "read", "offered") == pytest.approx(1_100, rel=2e-3)
    for metric in ("latency_mean", "latency_p50", "latency_p99", "latency_max", "wait_mean"):
        row = result.row("pull", "read", metric)
        assert row is not None and row.value is None and "saturated" in row.note


def test_s3_mutant_a_tenth_more_servers_is_not_saturated() -> None:
    result = overloaded(36)
    assert result.saturated == ()
    assert result.value("pull", "read", "throughput") == pytest.approx(1_100, rel=2e-3)
    assert result.value("pull", "read", "latency_p99") is not None


LINE = """
load: {{rate: {rate}/s, mix: {{get: 100%}}}}
stations: {{database: {{servers: {servers}, shards: {shards}, ops: {{join: {{exponential: {{mean: {mean}s}}}}}}}}}}
strategies: [{{flow: {{name: line, get: [{{visit: database.join, key: any}}]}}}}]
run: {{requests: {requests}, replications: 10}}
"""


class Waits(NamedTuple):
    """Replication by replication: the share that waits, and the mean wait in services."""

    share: list[float]
    mean: list[float]


def waits(rho: float, requests: int, servers: int = CORES, shards: int = 1, mean: float = 1.0) -> Waits:
    text = LINE.format(rate=CORES * rho, requests=requests, servers=servers, shards=shards, mean=mean)
    setting = settings(load_scenario(text))[0]
    out = Waits([], [])
    for replication in range(10):
        log = logged(setting, replication=replication)
        waited = [request.wait for request in log.requests[requests // 10 :]]
        out.share.append(fmean(wait > EXACT for wait in waited))
        out.mean.append(fmean(waited))
    return out


@pytest.mark.parametrize(
    ("rho", "waiting", "wait"), [(0.8, 0.1606, 0.0251), (0.9, 0.4582, 0.1432), (0.95, 0.6957, 0.4348)]
)
def test_s3_erlang_c_below_saturation(rho: float, waiting: float, wait: float) -> None:
    share = erlang_c(CORES, CORES * rho)
    assert share == pytest.approx(waiting, abs=5e-5)
    assert share / (CORES * (1 - rho)) == pytest.approx(wait, abs=5e-5)


def test_s3_waiting_before_32_cores() -> None:
    """rho .9, 40,000 requests: within 20 %. Mutants: a line before each core, and one core that is 32 times as fast."""
    truth = erlang_c(CORES, CORES * 0.9)
    holds(waits(0.9, 4_000).share, truth, band=0.2 * truth)
    for mutant in (waits(0.9, 500, servers=1, shards=CORES), waits(0.9, 500, servers=1, mean=1 / CORES)):
        assert fmean(mutant.share) > 1.3 * truth


@pytest.mark.long
@pytest.mark.parametrize(("rho", "requests"), [(0.8, 500_000), (0.9, 200_000)])
def test_s3_waiting_before_32_cores_at_length(rho: float, requests: int) -> None:
    """2 to 5 M requests: the share that waits within 3 %, the mean wait (3 % would take 10 M and more) within 10 %."""
    truth = erlang_c(CORES, CORES * rho)
    measured = waits(rho, requests)
    mean = truth / (CORES * (1 - rho))
    holds(measured.share, truth, band=0.03 * truth)
    holds(measured.mean, mean, band=0.1 * mean)
