"""Draws the charts in a process of its own, which gets ready while the run is played: importing matplotlib takes longer
than many a run.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection

import numpy.ma  # noqa: F401

import simsys.money  # noqa: F401  (of which a result is made: both for both processes, once)
from simsys.experiment.result import Result
from simsys.experiment.workers import WorkerError, beside
from simsys.report import charts

Charts = Iterator[tuple[str, bytes]]
"""(file name, content) of each."""


@contextmanager
def draughtsman(jobs: int) -> Iterator[Callable[[Result], Charts]]:
    """Draws the charts of a result, so many side by side, while the caller goes on; for one job no process waits.

    WorkerError if the process cannot be started, or is killed.
    """
    if jobs <= 1:
        yield lambda result: charts.charts(result, jobs)
        return
    here, there = multiprocessing.Pipe()
    with here, beside(partial(_wait_and_draw, here, there, jobs)):
        there.close()
        yield lambda result: _asked(here, result)


def _asked(process: Connection, result: Result) -> Charts:
    """Ask at once, and wait when the first chart is wanted."""
    with suppress(ConnectionError):  # it is dead, which shows when it is to answer
        process.send(result)
    return _answered(process)


def _answered(process: Connection) -> Charts:
    try:
        answer: list[tuple[str, bytes]] | Exception = process.recv()
    except (EOFError, ConnectionError):
        raise WorkerError("the process that draws was killed (out of memory?)") from None
    if isinstance(answer, Exception):
        raise answer
    yield from answer


def _wait_and_draw(parents: Connection, parent: Connection, jobs: int) -> None:
    parents.close()
    sys.modules["mpl_toolkits.mplot3d"] = None  # type: ignore[assignment]  # else matplotlib loads it, and no chart is in space
    try:
        charts.get_ready()
        parent.send(list(charts.charts(parent.recv(), jobs)))
    except (EOFError, ConnectionError):
        pass
    except Exception as error:
        parent.send(error)
