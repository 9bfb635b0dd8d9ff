"""happysim: a Poisson source, a server of eight, a sink."""

from __future__ import annotations

import random

import systems as s
from happysimulator import Instant, Server, Simulation, Sink, Source
from happysimulator.distributions import ExponentialLatency
from systems import Played


def w1(n: int, seed: int) -> Played:
    random.seed(seed)
    sink = Sink()
    servers = Server(
        "servers", concurrency=s.W1_SERVERS, service_time=ExponentialLatency(s.W1_SERVICE), downstream=sink
    )
    source = Source.poisson(rate=s.W1_RATE, target=servers)
    end = Instant.from_seconds(n / s.W1_RATE)
    Simulation(sources=[source], entities=[servers, sink], end_time=end).run()
    return Played(sink.latencies_s)


if __name__ == "__main__":
    s.main({"W1": w1})
