"""Cimba for Python: a process that arrives, eight that serve, and a store between them.

This is its fastest way; one run per stretch, as a trial gives back one number and not a list.
"""

from __future__ import annotations

import cimba as cb
import systems as s
from cimba import inputs
from systems import Played


class Servers(cb.Model):
    requests: cb.Param[int]
    gap: cb.Input[float] = inputs.dist.exponential(mean=1 / s.W1_RATE)
    service: cb.Input[float] = inputs.dist.exponential(mean=s.W1_SERVICE)
    line: cb.Store[float]
    latency: cb.Output[float]

    @cb.on_start
    def begin(self):
        self.latency = 0.0

    @cb.process
    def arrivals(self):
        for _ in range(self.requests):
            cb.hold(self.gap.next())
            self.line.put(cb.now())

    @cb.process(copies=s.W1_SERVERS)
    def server(self):
        while True:
            arrived = self.line.get()
            cb.hold(self.service.next())
            self.latency += cb.now() - arrived


def w1(n: int, seed: int) -> Played:
    model = Servers()
    model.requests = n // s.STRETCHES
    experiment = cb.Experiment(model, replications=s.STRETCHES, window=cb.Window.until_idle(), seed=seed)
    results = experiment.run(workers=1)
    return Played((results[model].latency.values.ravel() / model.requests).tolist())


if __name__ == "__main__":
    s.main({"W1": w1})
