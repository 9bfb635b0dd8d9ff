"""A long job that writes down, now and then, how far it is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from simsys.steps import Each, Mark, Visit, Within
from simsys.strategies import Strategy
from simsys.units import Duration

ATTEMPTS = 40


class Checkpointed(Strategy):
    """Do a job in stretches, each ended by a checkpoint; a failure loses the stretch it falls into.

    Wins where a job takes longer than its machines hold out; pays with the checkpoints. Stretch and failure run a race,
    and whichever ends first is what has happened; failures forget how long nothing has failed. After forty of them in
    one stretch the job is given up.

    Demand per job of W seconds, where one fails every M seconds and a checkpoint takes C: W/every stretches, each e^x
    attempts and e^x - 1 restarts, with x = (every + C) / M. Source: Daly, A higher order estimate of the optimum
    checkpoint interval, 2006; Young, A first order approximation, CACM 1974.
    """

    operations = ("job",)

    work: Duration = 86_400.0  # of a job if nothing fails, checkpoints not included
    every: Duration = 3_600.0  # work between two checkpoints

    def job(self, r: Any) -> Generator[Any, Any, bool]:
        return bool((yield Each(self.stretch, n=self.work, batch=self.every, width=1)))

    def stretch(self, b: Any) -> Generator[Any, Any, bool]:
        for _ in range(ATTEMPTS):
            if (yield Within(0.0, self.progress, also=self.failure)):
                return True
            yield Mark("failed")
            yield Visit("spares", "restart")
        return False

    def progress(self, b: Any) -> Iterator[Any]:
        yield Visit("machines", "work", n=b.size)
        yield Visit("store", "checkpoint")

    def failure(self, b: Any) -> Generator[Any, Any, bool]:
        yield Visit("failures", "next")
        return False
