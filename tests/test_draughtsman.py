"""The process that draws: the same charts as without it, a fault that comes through, and an end with its parent."""

import os
import signal
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import hand_made
import pytest

from simsys.experiment.workers import WorkerError
from simsys.report import charts
from simsys.report.draughtsman import draughtsman


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """One chart, which says who asked for how much."""
    monkeypatch.setattr(charts, "get_ready", lambda: None)
    told = b"%d processes"
    monkeypatch.setattr(charts, "charts", lambda result, jobs: iter([(f"{result.scenario}.svg", told % jobs)]))


@pytest.mark.parametrize("jobs", [1, 2])
def test_it_draws_what_it_is_given(no_matplotlib: None, jobs: int) -> None:
    before = active_children()
    with draughtsman(jobs) as draw:
        assert len(active_children()) - len(before) == jobs - 1
        assert list(draw(hand_made.result())) == [(f"{hand_made.result().scenario}.svg", b"%d processes" % jobs)]
    assert active_children() == before


def test_the_charts_are_the_same_bytes() -> None:
    with draughtsman(2) as draw:
        assert list(draw(hand_made.result())) == list(charts.charts(hand_made.result()))


def test_a_fault_of_a_chart_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "get_ready", lambda: None)
    monkeypatch.setattr(charts, "charts", lambda *_: [][0])
    with draughtsman(2) as draw, pytest.raises(IndexError, match="list index out of range"):
        list(draw(hand_made.result()))


def test_who_is_killed_is_a_fault(no_matplotlib: None) -> None:
    with draughtsman(2) as draw:
        (process,) = active_children()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="the process that draws was killed"):
            list(draw(hand_made.result()))


def test_a_process_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(WorkerError, match="workers cannot be started: Resource"), draughtsman(2):
        pass


def test_it_ends_with_its_parent(repository: Path) -> None:
    """Standard output closes when both are gone; a mutant that keeps its end of the pipe waits for ever."""
    script = """
import os, signal
from simsys.report.draughtsman import draughtsman
with draughtsman(2):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository, stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
