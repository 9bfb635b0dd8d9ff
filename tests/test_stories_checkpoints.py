"""Checkpoints: how long an interrupted job takes, against Daly's closed form, and where its best interval lies, against
Young's.
"""

from __future__ import annotations

from math import exp

import pytest
from bands import holds

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario
from simsys.theory.checkpoints import best_interval, interrupted

HOUR, MINUTE = 3600.0, 60.0
WORK, COST, MTBF, RESTART = 24 * HOUR, 5 * MINUTE, 526 * MINUTE, 10 * MINUTE
EVERY = {"10m": 10.0, "40m": 40.0, "80m": 80.0, "4h": 240.0}


def plays(every: str, *sets: str, engine: str = "compiled", requests: int = 400) -> list[Summary]:
    changes = [f"strategies.checkpointed.every={every}", f"run.requests={requests}", *sets]
    setting = settings(load_scenario("checkpoints", changes))[0]
    return [play_once(setting, r, engine) for r in range(10)]


def means(found: list[Summary]) -> list[float]:
    return [one.ops["job"].latency.mean or 0.0 for one in found]


@pytest.mark.parametrize("every", EVERY)
def test_an_interrupted_job_takes_as_long_as_daly_says(every: str) -> None:
    truth = interrupted(WORK, EVERY[every] * MINUTE, COST, MTBF, RESTART)
    holds(means(plays(every)), truth, 0.03 * truth)


def redone(play: Summary) -> float:
    """Seconds of a job that a failure has undone, on average."""
    anatomy = play.ops["job"].tail.whole()
    assert anatomy is not None
    return anatomy.stations["failures"][1]


@pytest.mark.parametrize("every", EVERY)
def test_what_is_done_again_is_what_the_failures_undo(every: str) -> None:
    """Of the mean time until something fails, M, what lies within a stretch of work and checkpoint of length L: it is
    M - L / (e^x - 1) a failure, with x = L / M, of which there are e^x - 1 a stretch.
    """
    length = EVERY[every] * MINUTE + COST
    undone = WORK / (EVERY[every] * MINUTE) * (MTBF * (exp(length / MTBF) - 1) - length)
    found = plays(every)
    lost = [redone(one) for one in found]
    holds(lost, undone, 0.1 * undone)
    rest = [mean - again for mean, again in zip(means(found), lost, strict=True)]
    restarts = [one.ops["job"].marked["failed"] / one.ops["job"].offered * RESTART for one in found]
    steady = WORK + WORK / (EVERY[every] * MINUTE) * COST
    assert [a - b for a, b in zip(rest, restarts, strict=True)] == pytest.approx([steady] * 10, rel=1e-3)


def test_it_fails_as_often_as_the_stretch_is_long() -> None:
    """A day in 18 stretches of 80 min: each fails e^x - 1 times."""
    found = [one.ops["job"].marked["failed"] / one.ops["job"].offered for one in plays("80m")]
    holds(found, 18 * (exp((80 * MINUTE + COST) / MTBF) - 1), 0.15)


def test_a_job_that_loses_nothing_is_quicker() -> None:
    """The mutant: who fails goes on where it was."""
    truth = interrupted(WORK, 240 * MINUTE, COST, MTBF, RESTART)
    with pytest.raises(AssertionError):
        holds(means(plays("4h", "stations.failures.ops.next=1000h")), truth, 0.03 * truth)


def test_the_best_interval_is_where_young_puts_it() -> None:
    """72.5 min: of intervals that differ by a third, both neighbours take longer; and so says the exact form."""
    best = best_interval(COST, MTBF)
    assert best / MINUTE == pytest.approx(72.5, abs=0.1)
    took = {m: interrupted(WORK, m * MINUTE, COST, MTBF, RESTART) for m in range(10, 300)}
    exact = min(took, key=lambda m: took[m])
    assert exact == pytest.approx(best / MINUTE, rel=0.05)
    here, earlier, later = (means(plays(every)) for every in ("72m", "24m", "216m"))
    assert all(a < b for a, b in zip(here, earlier, strict=True))
    assert all(a < b for a, b in zip(here, later, strict=True))


def test_both_engines_agree() -> None:
    assert means(plays("2h", requests=5)) == means(plays("2h", engine="simpy", requests=5))


@pytest.mark.parametrize("times", [(0, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, 0, 1)])
def test_times_that_cannot_be(times: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="positive"):
        interrupted(*times)
