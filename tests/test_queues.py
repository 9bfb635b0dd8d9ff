"""Queues with a closed form, played by the reference engine: |simulated − reference| ≤ 3 standard errors ≤ band.

An open queue is played three times. The engine and Kiefer and Wolfowitz's recursion, fed with the same draws, must
agree on every single wait; the recursion, fed with millions of requests, must meet the figure within its band; and so
must the engine, in a wider band by default and in the same one in the long tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pytest
from worlds import Arrivals, Clients, checks, run_plan, station

from simsys import draws
from simsys.engines.outages import Outage
from simsys.engines.servers import Plain, Queued
from simsys.measure.histogram import Histogram
from simsys.measure.log import Log, StationLog
from simsys.measure.writer import Writer
from simsys.steps import All, Chance, Each, Start, Visit
from simsys.theory import MMc, erlang_b, fork_join_2, harmonic, mva_closed, pollaczek_khinchine
from simsys.workload import Workload
from simsys.workload.load import Load

Array = npt.NDArray[np.float64]
SEEDS = range(1, 11)
EXPONENTIAL = {"exponential": {"mean": "1s"}}
LAWS: dict[str, tuple[float, Any]] = {
    "constant": (0.0, "1s"),
    "exponential": (1.0, EXPONENTIAL),
    "cv 2": (4.0, {"hyperexponential": {"mean": "1s", "cv": 2}}),
    "cv 4": (16.0, {"hyperexponential": {"mean": "1s", "cv": 4}}),
}


def met(values: Sequence[float], reference: float, band: float) -> bool:
    """One value per replication: the mean is within 3 standard errors, and they are at most `band` of the reference."""
    errors = 3 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert errors <= band * reference, f"the runs are too short: 3 se = {errors:g}, {errors / reference:.1%}"
    return bool(abs(np.mean(values) - reference) <= errors)


def replications(play: Callable[[int], float]) -> list[float]:
    return [play(seed) for seed in SEEDS]


def visit(r: Any) -> Any:
    yield Visit("server", "get")


class Queue(NamedTuple):
    """Poisson arrivals at `rate` (/s), services of mean 1 s by `law`; `lost`: nobody may wait."""

    servers: int
    rate: float
    law: str
    lost: bool = False

    def requests(self, count: int, seed: int) -> Workload:
        load = {"rate": f"{self.rate!r}/s", "mix": {"get": "100%"}}
        return Workload(Load.model_validate(load), seed=seed, requests=count)

    def engine(self, count: int, seed: int) -> tuple[Array, Array]:
        """The waits (s; infinite: lost) and services of so many requests, as the engine plays them."""
        room = {"queue": 0} if self.lost else {}
        servers = station(self.servers, get=LAWS[self.law][1], **room)
        log = run_plan(visit, {"server": servers}, self.requests(count, seed), seed=seed)
        lost = np.array([r.status != 0 for r in log.requests])
        service = self.services(count, seed)
        waits = np.array([r.end - r.arrival for r in log.requests]) - service
        return np.where(lost, np.inf, waits), service

    def recursion(self, count: int, seed: int) -> tuple[Array, Array]:
        """The same by Kiefer and Wolfowitz's recursion."""
        arrival = np.concatenate([chunk.arrival for chunk in self.requests(count, seed).chunks()])
        service = self.services(count, seed)
        return kiefer_wolfowitz(arrival, service, self.servers, self.lost), service

    def services(self, count: int, seed: int) -> Array:
        law = station(1, get=LAWS[self.law][1]).ops["get"].per_item
        assert law is not None
        return law.variate().draws(draws.stream(seed, 0, "server.get"), np.arange(count), 0)


@numba.njit
def kiefer_wolfowitz(arrival: Array, service: Array, servers: int, lost: bool) -> Array:
    free, waits = np.zeros(servers), np.empty(arrival.size)
    for i in range(arrival.size):
        first = np.argmin(free)
        waits[i] = max(free[first] - arrival[i], 0.0)
        if lost and waits[i] > 0:
            waits[i] = np.inf
        else:
            free[first] = arrival[i] + waits[i] + service[i]
    return waits


def mean_wait(waits: Array, service: Array) -> float:
    return float(waits.mean())


def waited(waits: Array, service: Array) -> float:
    return float((waits > 1e-9).mean())


def sojourn(waits: Array, service: Array) -> float:
    return float((waits + service).mean())


def sojourn_p99(waits: Array, service: Array) -> float:
    return float(np.quantile(waits + service, 0.99))


def lost(waits: Array, service: Array) -> float:
    return float(np.isinf(waits).mean())


@lru_cache(maxsize=1)
def played(queue: Queue, player: str, count: int) -> list[tuple[Array, Array]]:
    """Waits and services of each replication, without the first tenth of the requests."""
    plays = (getattr(queue, player)(count, seed) for seed in SEEDS)
    return [(waits[count // 10 :], service[count // 10 :]) for waits, service in plays]


class Figure(NamedTuple):
    """What a queue must show: `value` as printed, `theory` the closed form, `requests` per replication."""

    queue: Queue
    measure: Callable[[Array, Array], float]
    value: float
    theory: float
    band: float
    requests: int

    def met(self, player: str, count: int, band: float) -> bool:
        return met([self.measure(*play) for play in played(self.queue, player, count)], self.theory, band)


def one_server(law: str, value: float, count: int) -> Figure:
    return Figure(Queue(1, 0.8, law), mean_wait, value, pollaczek_khinchine(0.8, 1.0, LAWS[law][0]), 0.03, count)


def loss(law: str, offered: int, servers: int, value: float, count: int) -> Figure:
    return Figure(Queue(servers, float(offered), law, True), lost, value, erlang_b(servers, offered), 0.02, count)


FOUR, MM4 = Queue(4, 3.2, "exponential"), MMc(4, 3.2, 1.0)
SIXTEEN, MM16 = Queue(16, 12.8, "exponential"), MMc(16, 12.8, 1.0)
FIGURES = {
    "M/D/1": one_server("constant", 2.0, 110_000),
    "M/M/1": one_server("exponential", 4.0, 150_000),
    "M/H/1, c² = 4": one_server("cv 2", 10.0, 650_000),
    "M/H/1, c² = 16": one_server("cv 4", 34.0, 1_800_000),
    "M/M/10/10": loss("exponential", 10, 10, 0.214582, 60_000),
    "M/M/15/15": loss("exponential", 10, 15, 0.036497, 420_000),
    "M/M/30/30": loss("exponential", 20, 30, 0.008457, 600_000)._replace(band=0.04),
    "M/M/30/30 in full": loss("exponential", 20, 30, 0.008457, 2_500_000),
    "M/M/50/50": loss("exponential", 50, 50, 0.104787, 150_000),
    "M/D/10/10": loss("constant", 10, 10, 0.214582, 60_000),
    "M/D/15/15": loss("constant", 10, 15, 0.036497, 200_000),
    "M/M/4 waited": Figure(FOUR, waited, 0.59643, MM4.wait_probability, 0.03, 200_000),
    "M/M/4 wait": Figure(FOUR, mean_wait, 0.74554, MM4.wait, 0.03, 200_000),
    "M/M/4 mean": Figure(FOUR, sojourn, 1.7455, MM4.sojourn, 0.03, 200_000),
    "M/M/4 p99": Figure(FOUR, sojourn_p99, 6.893, MM4.sojourn_quantile(0.99), 0.03, 200_000),
    "M/M/16 waited": Figure(SIXTEEN, waited, 0.30488, MM16.wait_probability, 0.03, 480_000),
    "M/M/16 wait": Figure(SIXTEEN, mean_wait, 0.09528, MM16.wait, 0.03, 480_000),
}
QUEUES = dict.fromkeys(figure.queue for figure in FIGURES.values())
PLAYED = {"M/D/1": 0.25, "M/M/1": 0.35, "M/M/10/10": 0.15, "M/M/4 mean": 0.2, "M/M/4 waited": 0.15}
"""What the engine itself must meet: the band of the default run, of so many requests in each replication."""
SHORT = 3_000


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: "-".join(map(str, queue)))
def test_the_engine_waits_as_the_recursion_does(queue: Queue) -> None:
    (engine, _), (recursion, _) = queue.engine(1_000, 1), queue.recursion(1_000, 1)
    assert np.array_equal(np.isinf(engine), np.isinf(recursion))
    assert engine == pytest.approx(recursion, abs=1e-9)
    assert (recursion > 1e-9).any(), "nobody waits or is lost: nothing was compared"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name.endswith("in full") else ()) for name in FIGURES]
)
def test_figures(name: str) -> None:
    figure = FIGURES[name]
    assert figure.theory == pytest.approx(figure.value, rel=1e-4)
    assert figure.met("recursion", figure.requests, figure.band)


@pytest.mark.parametrize("name", PLAYED)
def test_figures_of_the_engine(name: str) -> None:
    assert FIGURES[name].met("engine", SHORT, PLAYED[name])


@pytest.mark.long
@pytest.mark.parametrize("name", PLAYED)
def test_figures_of_the_engine_in_full(name: str) -> None:
    figure = FIGURES[name]
    assert figure.met("engine", figure.requests, figure.band)


def test_a_figure_is_not_met_by_another_queue() -> None:
    """Mutants: a service of another variance, a little less load, a server too few."""
    for name, queue in {
        "M/M/1": Queue(1, 0.8, "constant"),
        "M/H/1, c² = 4": Queue(1, 0.8, "exponential"),
        "M/M/4 wait": Queue(4, 3.1, "exponential"),
        "M/M/10/10": Queue(9, 10.0, "exponential", True),
    }.items():
        figure = FIGURES[name]._replace(queue=queue)
        assert not figure.met("recursion", figure.requests, 1.0), name


def _one_server_more(monkeypatch: pytest.MonkeyPatch) -> None:
    init: Any = Plain.__init__
    monkeypatch.setattr(Plain, "__init__", lambda self, clock, log, shards, n: init(self, clock, log, shards, n + 1))


def _one_place_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    init: Any = Queued.__init__

    def with_a_place(self: Queued, clock: Any, log: Any, spec: Any, outages: Any) -> None:
        init(self, clock, log, spec.model_copy(update={"queue": 1}), outages)

    monkeypatch.setattr(Queued, "__init__", with_a_place)


@pytest.mark.parametrize(
    ("name", "mutate"),
    [("M/M/1", _one_server_more), ("M/M/4 mean", _one_server_more), ("M/M/10/10", _one_place_to_wait)],
)
def test_the_engine_misses(name: str, mutate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: a server more than the scenario says, and a place to wait where there is none."""
    mutate(monkeypatch)
    figure = FIGURES[name]
    engine, recursion = figure.queue.engine(1_000, 1)[0], figure.queue.recursion(1_000, 1)[0]
    assert engine != pytest.approx(recursion, abs=1e-9)
    plays = [figure.queue.engine(SHORT, seed) for seed in SEEDS]
    assert not met([figure.measure(*play) for play in plays], figure.theory, 1.0)


# -- forks, clients, outages ------------------------------------------------------------------------------------------


def both(r: Any) -> Any:
    yield All(left, right)


def left(r: Any) -> Any:
    yield Visit("left", "get")


def right(r: Any) -> Any:
    yield Visit("right", "get")


def one_of_both(r: Any) -> Any:
    yield Start(left)
    yield Visit("right", "get")


def fork_join(plan: Any, count: int, seed: int) -> float:
    """Mean response of two parallel servers at 50 %."""
    stations = {"left": station(1, get=EXPONENTIAL), "right": station(1, get=EXPONENTIAL)}
    log = run_plan(plan, stations, Queue(1, 0.5, "").requests(count, seed), seed=seed)
    return float(np.mean([r.end - r.arrival for r in log.requests[count // 10 :]]))


@pytest.mark.parametrize(("count", "band"), [(1_500, 0.10), pytest.param(15_000, 0.03, marks=pytest.mark.long)])
def test_fork_and_join_of_two(count: int, band: float) -> None:
    reference = fork_join_2(0.5, 1.0)
    assert reference == pytest.approx(2.875)
    assert met(replications(partial(fork_join, both, count)), reference, band)


def test_a_join_that_does_not_wait_for_both() -> None:
    assert not met(replications(partial(fork_join, one_of_both, 1_500)), fork_join_2(0.5, 1.0), 0.1)


class Network(NamedTuple):
    """Throughput (/s) and mean response (s) of clients who think for 9 s and ask a server that takes 1 s."""

    throughput: float
    response: float


def clients(count: int, length: float, seed: int, server: Any = None) -> Network:
    think = {"exponential": {"mean": "9s"}}
    load = Load.model_validate({"clients": count, "think": think, "mix": {"get": "100%"}})
    requests = Workload(load, seed=seed, duration=length)
    log = run_plan(visit, {"server": server or station(1, get=EXPONENTIAL)}, requests, begin=length / 10, seed=seed)
    seen = [r for r in log.requests if log.begin <= r.arrival <= log.stop]
    left = sum(log.begin <= r.end <= log.stop for r in log.requests)
    return Network(left / (log.stop - log.begin), float(np.mean([r.end - r.arrival for r in seen])))


@pytest.mark.parametrize(("count", "throughput", "response"), [(10, 0.8320, 3.0187), (20, 0.9994, 11.012)])
@pytest.mark.parametrize(("length", "band"), [(1_500.0, 0.08), pytest.param(20_000.0, 0.02, marks=pytest.mark.long)])
def test_clients_who_think(count: int, throughput: float, response: float, length: float, band: float) -> None:
    theory = mva_closed([1.0], count, think=9.0)
    assert theory[:2] == pytest.approx((throughput, response), rel=1e-4)
    plays = [clients(count, length, seed) for seed in SEEDS]
    assert met([play.throughput for play in plays], theory.throughput, band)
    assert met([play.response for play in plays], theory.response, band)


def test_clients_who_meet_another_server() -> None:
    """Mutants: nobody waits; the service is constant."""
    theory = mva_closed([1.0], 10, think=9.0)
    for other in (station("unlimited", get=EXPONENTIAL), station(1, get="1s")):
        assert not met([clients(10, 500.0, seed, other).response for seed in SEEDS], theory.response, 0.5)


def part(b: Any) -> Any:
    yield Visit("leaf", "get")


def longest(n: int, width: int | None, count: int, seed: int) -> float:
    """Mean time until the last of n exponential services, side by side, is over."""

    def scatter(r: Any) -> Any:
        yield Each(part, n=n, width=width)

    log = run_plan(scatter, {"leaf": station("unlimited", get=EXPONENTIAL)}, Arrivals(range(count)), seed=seed)
    return float(np.mean([r.end - r.arrival for r in log.requests]))


@pytest.mark.parametrize(
    ("n", "value", "count", "band"),
    [
        (10, 2.929, 250, 0.03),
        (100, 5.187, 50, 0.04),
        pytest.param(10, 2.929, 2_500, 0.01, marks=pytest.mark.long),
        pytest.param(100, 5.187, 1_000, 0.01, marks=pytest.mark.long),
    ],
)
def test_the_longest_of_n(n: int, value: float, count: int, band: float) -> None:
    assert harmonic(n) == pytest.approx(value, rel=1e-4)
    assert met(replications(partial(longest, n, None, count)), harmonic(n), band)


def test_the_longest_of_n_that_share_their_luck_or_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: all children of a request draw the same; two at a time."""
    assert not met(replications(partial(longest, 10, 2, 100)), harmonic(10), 0.2)
    monkeypatch.setattr(draws, "child_token", lambda parent, plan, index: parent)
    assert not met(replications(partial(longest, 10, None, 100)), harmonic(10), 0.3)


def percentiles(log: Log) -> tuple[float, ...]:
    """Mean, p50, p75 and p99.99 of the latency as simsys measures it."""
    latency = Histogram()
    latency.add(np.array([r.end - r.arrival for r in log.requests]))
    return (latency.mean or 0.0, *(latency.quantile(q) or 0.0 for q in (0.5, 0.75, 0.9999)))


def test_a_stall_is_seen_by_all_who_meant_to_come() -> None:
    """100 s at 1 ms, 100 s of stall, 100 requests/s: omitting those that could not be sent says 1 ms."""
    stall = {"server": [Outage(100.0, 200.0)]}
    intended = Arrivals((np.arange(20_000) / 100).tolist(), stop=200.0)
    log = run_plan(visit, {"server": station(20_000, get="1ms")}, intended, outages=stall)
    exact = [0.001] * 10_000 + [100.001 - k / 100 for k in range(10_000)]
    assert sorted(r.end - r.arrival for r in log.requests) == pytest.approx(sorted(exact), abs=1e-9)
    assert percentiles(log) == pytest.approx((25.0, 0.001, 50.0, 100.0), rel=0.001)
    one_at_a_time = Clients(1, pause=0.009, stop=200.0)
    omitted = run_plan(visit, {"server": station(20_000, get="1ms")}, one_at_a_time, outages=stall)
    assert percentiles(omitted) == pytest.approx((0.011, 0.001, 0.001, 0.001), rel=0.01)


# -- identities on the run's own log ----------------------------------------------------------------------------------


def everything(r: Any) -> Any:
    """A visit that may be refused, a fork, a child in the background."""
    yield Visit("server", "get")
    yield All(left, right)
    if (yield Chance(0.3, "more")):
        yield Start(left, n=2)


def network(seed: int) -> Log:
    stations = {
        "server": station(2, get=EXPONENTIAL, queue=2),
        "left": station(1, get=EXPONENTIAL),
        "right": station(1, get={"fixed": "0.2s", "per_item": EXPONENTIAL}),
    }
    return run_plan(everything, stations, Queue(1, 0.6, "").requests(1_500, seed), seed=seed)


def test_identities_hold_on_the_log() -> None:
    """L = λW for the system and every station, ρ = λS against the draws themselves, and nobody is lost."""
    log = network(1)
    inside = sorted([(r.arrival, 1) for r in log.requests] + [(r.end, -1) for r in log.requests])
    times, steps = np.array([t for t, _ in inside]), np.cumsum([step for _, step in inside])
    area = float((np.diff(times) * steps[:-1]).sum())
    assert log.area == pytest.approx(area, rel=1e-9)
    assert log.area == pytest.approx(sum(r.end - r.arrival for r in log.requests), rel=1e-9)
    for name in ("server", "left", "right"):
        assert log.stations[name].area == pytest.approx(log.stations[name].sojourns, rel=1e-9)
    served = [r.index for r in log.requests if r.status == 0]
    assert 0 < log.stations["server"].refused == len(log.requests) - len(served)
    services = Queue(1, 0.6, "exponential").services(1_500, 1)[served].sum()
    assert sum(log.stations["server"].busy) == pytest.approx(services, rel=1e-9)
    held = checks(log)
    assert {"flow balance", "little", "little server", "utilization left"} <= {check.name for check in held}
    assert all(check.ok for check in held)


def _leave(self: StationLog, now: float, sojourn: float) -> None:
    self.inside -= 1
    self.sojourns += sojourn


def _depart(self: Writer, request: Any, now: float, status: int) -> None:
    request.end, request.status = now, status


def _charge(self: Writer, request: Any, station: str, seconds: float) -> None:
    self.log.work[0, list(self.log.stations).index(station)] = seconds


@pytest.mark.parametrize(
    ("of", "method", "mutant", "broken"),
    [
        (StationLog, "leave", _leave, {"little server", "little left", "little right"}),
        (Writer, "depart", _depart, {"flow balance", "little"}),
        (Writer, "charge", _charge, {"utilization server", "utilization left", "utilization right"}),
    ],
)
def test_a_broken_ledger_breaks_its_identity(
    of: type, method: str, mutant: Any, broken: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of, method, mutant)
    assert {check.name for check in checks(network(1)) if not check.ok} == broken
