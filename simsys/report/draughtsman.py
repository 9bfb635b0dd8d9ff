"""Draws the charts in a process of its own, which gets ready while the run is played: importing matplotlib takes longer
than many a run.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

import numpy  # noqa: F401  (for both processes, once)

from simsys.experiment.result import Result
from simsys.experiment.workers import WorkerError, heed_signals, undisturbed
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
    process = multiprocessing.get_context("fork").Process(target=_wait_and_draw, args=(here, there, jobs))
    try:
        with undisturbed():
            process.start()
    except OSError as error:
        raise WorkerError(f"workers cannot be started: {error.strerror}") from None
    there.close()
    try:
        yield lambda result: _asked(here, result)
    finally:
        process.kill()
        process.join()
        here.close()


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
    """It ends when the parent does, and the other end of the pipe with it."""
    heed_signals()
    parents.close()
    sys.modules["mpl_toolkits.mplot3d"] = None  # type: ignore[assignment]  # else matplotlib loads it, and no chart is in space
    try:
        charts.get_ready()
        import simsys.money  # noqa: F401  (of which a result is made, too)

        parent.send(list(charts.charts(parent.recv(), jobs)))
    except (EOFError, ConnectionError):
        pass
    except Exception as error:
        parent.send(error)
