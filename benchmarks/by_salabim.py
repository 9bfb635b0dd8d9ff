"""salabim: a component per request, and a resource."""

from __future__ import annotations

import salabim
import systems as s
from systems import Played


def w1(n: int, seed: int) -> Played:
    env, played = salabim.Environment(random_seed=seed, yieldless=False, trace=False), Played()
    servers = salabim.Resource(capacity=s.W1_SERVERS, monitor=False)
    gap, service = salabim.Exponential(rate=s.W1_RATE), salabim.Exponential(mean=s.W1_SERVICE)

    class Request(salabim.Component):
        def process(self):
            arrived = env.now()
            yield self.request(servers)
            yield self.hold(service.sample())
            self.release()
            played.latencies.append(env.now() - arrived)

    class Arrivals(salabim.Component):
        def process(self):
            for _ in range(n):
                yield self.hold(gap.sample())
                Request()

    Arrivals()
    env.run()
    return played


if __name__ == "__main__":
    s.main({"W1": w1})
