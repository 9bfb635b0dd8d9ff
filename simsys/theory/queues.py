"""Closed forms for queues.

Rates are per second, times are seconds, `service` is the mean time of one service at one server. ValueError
outside the range where a formula holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simsys.theory.solve import root, within


def stable(rho: float) -> None:
    """ValueError unless a queue at this utilization comes to rest."""
    within(0 <= rho < 1, f"the utilization must lie in [0, 1), not at {rho:g}: the queue would grow for ever")


def erlang_b(servers: int, offered: float) -> float:
    """Share of arrivals that `servers` without a queue lose; `offered` is rate × service, of any service law.

    Source: Erlang 1917, by the recursion over servers.
    """
    within(servers >= 0 and offered >= 0, "the loss formula needs servers and offered load of at least 0")
    lost = 1.0
    for k in range(1, servers + 1):
        lost = offered * lost / (k + offered * lost)
    return lost


def erlang_c(servers: int, offered: float) -> float:
    """Share of arrivals that wait in an M/M/c queue; `offered` is rate × service. Source: Erlang 1917."""
    within(servers >= 1, "a queue needs at least one server")
    stable(offered / servers)
    lost = erlang_b(servers, offered)
    return lost / (1 - offered / servers * (1 - lost))


@dataclass(frozen=True, slots=True)
class MMc:
    """One queue, Poisson arrivals, `servers` with exponential service, first in first out.

    Source: Kleinrock, Queueing Systems I, 1975.
    """

    servers: int
    rate: float
    service: float

    def __post_init__(self) -> None:
        within(
            self.servers >= 1 and self.rate >= 0 and self.service > 0,
            "an M/M/c queue needs c ≥ 1, λ ≥ 0, S > 0",
        )
        stable(self.utilization)

    @property
    def utilization(self) -> float:
        """Share of the servers that are busy."""
        return self.rate * self.service / self.servers

    @property
    def wait_probability(self) -> float:
        """Share of arrivals that wait."""
        return erlang_c(self.servers, self.rate * self.service)

    @property
    def wait(self) -> float:
        """Mean time in the queue, those that do not wait included."""
        return self.wait_probability / self._drain

    @property
    def queue(self) -> float:
        """Mean number of those waiting."""
        return self.rate * self.wait

    @property
    def sojourn(self) -> float:
        """Mean time from arrival to the end of service."""
        return self.wait + self.service

    def wait_quantile(self, q: float) -> float:
        """The q-quantile of the time in the queue, 0 ≤ q < 1."""
        within(0 <= q < 1, "a quantile of an unbounded time needs 0 ≤ q < 1")
        return max(0.0, math.log(self.wait_probability / (1 - q)) / self._drain) if self.rate else 0.0

    def sojourn_quantile(self, q: float) -> float:
        """The q-quantile of the time from arrival to the end of service, 0 ≤ q < 1."""
        within(0 <= q < 1, "a quantile of an unbounded time needs 0 ≤ q < 1")
        return root(lambda t: 1 - self.sojourn_above(t), q, self.service)

    def sojourn_above(self, time: float) -> float:
        """P(sojourn > time): an exponential service, after an exponential wait for those that wait."""
        serve = 1 / self.service
        slower, apart = min(self._drain, serve), abs(self._drain - serve) * time
        both = math.exp(-slower * time) * time * (-math.expm1(-apart) / apart if apart else 1.0)
        return math.exp(-serve * time) + self.wait_probability * serve * both

    @property
    def _drain(self) -> float:
        """Rate at which the queue empties while all servers are busy, less the rate at which it fills."""
        return self.servers / self.service - self.rate


def pollaczek_khinchine(rho: float, service: float, scv: float) -> float:
    """Mean wait of M/G/1; `scv` is the variance of the service time over its mean squared.

    Source: Pollaczek 1930, Khinchine 1932.
    """
    stable(rho)
    within(service >= 0 and scv >= 0, "a service time and its variance are at least 0")
    return rho / (1 - rho) * (1 + scv) / 2 * service


def mm1(rho: float, service: float) -> float:
    """Mean sojourn of M/M/1: S/(1 − ρ)."""
    return service + pollaczek_khinchine(rho, service, 1)


def md1(rho: float, service: float) -> float:
    """Mean sojourn of M/D/1: constant service, half the wait of M/M/1."""
    return service + pollaczek_khinchine(rho, service, 0)


def fork_join_2(rho: float, service: float) -> float:
    """Mean response of two parallel M/M/1 queues whose jobs fork to both and end with the later part.

    Source: Nelson and Tantawi, Approximate analysis of fork/join synchronization in parallel queues, IEEE
    Transactions on Computers 1988.
    """
    return (12 - rho) / 8 * mm1(rho, service)


def harmonic(n: int) -> float:
    """H_n = 1 + 1/2 + … + 1/n: the mean of the longest of n exponential times of mean 1."""
    within(n >= 1, "a harmonic number needs n ≥ 1")
    return math.fsum(1 / k for k in range(1, n + 1))


def power_of_d(load: float, choices: int) -> float:
    """Mean sojourn, in services, if each arrival joins the shortest of d random queues among very many.

    Source: Mitzenmacher, The power of two choices in randomized load balancing, IEEE Transactions on Parallel
    and Distributed Systems 2001.
    """
    stable(load)
    within(choices >= 1, "a choice needs at least one queue")
    total, exponent, term = 0.0, 0, 1.0
    while term > 1e-17 * total:
        total += term
        exponent = choices * exponent + choices if choices > 1 else exponent + 1
        term = load**exponent
    return total


class ClosedNetwork(NamedTuple):
    """Throughput per second, mean response without the think time, and its part at each station."""

    throughput: float
    response: float
    residence: tuple[float, ...]


def mva_closed(demands: Sequence[float], clients: int, think: float = 0.0) -> ClosedNetwork:
    """Clients who think, then visit single-server stations; a demand is visits × service. Exact.

    Source: Reiser and Lavenberg, Mean-value analysis of closed multichain queuing networks, JACM 1980.
    """
    within(clients >= 1 and think >= 0, "a closed network needs a client, and a think time of at least 0")
    within(
        min(demands, default=-1) >= 0 and sum(demands) + think > 0,
        "a closed network needs demands of at least 0",
    )
    queues = [0.0] * len(demands)
    for population in range(1, clients + 1):
        residence = [demand * (1 + queue) for demand, queue in zip(demands, queues, strict=True)]
        throughput = population / (think + sum(residence))
        queues = [throughput * time for time in residence]
    return ClosedNetwork(throughput, sum(residence), tuple(residence))
