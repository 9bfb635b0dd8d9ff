"""Run one scenario: every strategy meets the same requests, replication by replication, side by side."""

from __future__ import annotations

from simsys.experiment.engines import Wanted
from simsys.experiment.evaluate import Progress, evaluate
from simsys.experiment.jobs import Players
from simsys.experiment.journal import Journal
from simsys.experiment.result import Result
from simsys.experiment.workers import Limits
from simsys.scenario import Scenario


class RunError(Exception):
    """What kept a run from ending, and only shows while it is played."""


def run(
    scenario: Scenario,
    jobs: int | None = None,
    progress: Progress | None = None,
    engine: Wanted = "auto",
    journal: Journal | None = None,
    limits: Limits | None = None,
    players: Players | None = None,
) -> Result:
    """Evaluate one scenario (see `evaluate`). RunError if a play failed: a strategy less is half a result."""
    (result,) = evaluate([scenario], jobs, progress, engine, journal, limits, players)
    if result.failed:
        raise RunError("\n".join(map(str, result.failed)))
    return result
