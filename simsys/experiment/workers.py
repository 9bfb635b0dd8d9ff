"""Work side by side, in processes that die with their parent; one that dies takes nothing along but its own task."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from threading import Thread
from typing import Any, NamedTuple, TypeVar

Task = TypeVar("Task")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
TRIES = 2
"""How often a task is begun whose worker dies: the death may not have been its fault."""


class WorkerError(Exception):
    """Workers cannot be started, or work that cannot be done without failed."""


class Failed(NamedTuple):
    """A task that could not be done, and why."""

    reason: str


class Limits(NamedTuple):
    """What a task may take: seconds, and bytes beyond what a worker has at its begin."""

    seconds: float = math.inf
    bytes: float = math.inf


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(
    do: Callable[[Task], Any],
    tasks: Sequence[Task],
    jobs: int,
    limits: Limits | None = None,
    kind: Callable[[Task], object] = lambda _: None,
) -> Iterator[tuple[Task, Any]]:
    """(task, do(task)) as they are done, by so many processes; `Failed` for what raises, takes too much, or kills its
    worker twice.

    The processes inherit `do` and the tasks; only answers are sent. Tasks of a kind are done by the same process, as
    long as no other would be idle for it. WorkerError if none can be started.
    """
    waiting = deque((number, 0) for number in range(len(tasks)))
    kinds = [*map(kind, tasks), object()]
    crew: list[_Worker] = []
    given = limits or Limits()
    try:
        while waiting or any(worker.busy for worker in crew):
            for worker in crew:
                if waiting and not worker.busy:
                    worker.begin(*_taken(waiting, kinds, worker, crew))
            while waiting and len(crew) < jobs:
                crew.append(_Worker(do, tasks, given))
                crew[-1].begin(*_taken(waiting, kinds, crew[-1], crew))
            for worker in _next(crew, given.seconds):
                answer = worker.answer(given.seconds)
                if worker.gone:
                    crew.remove(worker)
                if isinstance(answer, _Died) and worker.tries + 1 < TRIES:
                    waiting.appendleft((worker.number, worker.tries + 1))
                else:
                    told = Failed(answer.reason) if isinstance(answer, _Died) else answer
                    yield tasks[worker.number], told
    finally:
        for worker in crew:
            worker.end()


def _taken(
    waiting: deque[tuple[int, int]], kinds: Sequence[object], worker: _Worker, crew: Sequence[_Worker]
) -> tuple[int, int]:
    """The first task of the kind that a worker did last, or else of a kind that no other is at, or else of all."""
    others = [kinds[other.number] for other in crew if other.busy]
    alike = (place for place, (number, _) in enumerate(waiting) if kinds[number] == kinds[worker.number])
    fresh = (place for place, (number, _) in enumerate(waiting) if kinds[number] not in others)
    place = next(chain(alike, fresh), 0)
    taken = waiting[place]
    del waiting[place]
    return taken


class _Died(NamedTuple):
    reason: str


class _Worker:
    """A process that does one task after the other, the one of this `number`; -1 before the first."""

    def __init__(self, do: Callable[[Any], Any], tasks: Sequence[Any], limits: Limits) -> None:
        self._pipe, its = multiprocessing.Pipe()
        self._process = _started(partial(_work, its, do, tasks, limits.bytes), daemon=True)
        its.close()
        self.number, self.tries = -1, 0
        self.busy, self.gone = False, False
        self._since = 0.0

    def begin(self, number: int, tries: int) -> None:
        """Give it a task; if it is dead, that shows when its answer is asked for."""
        self.number, self.tries, self.busy, self._since = number, tries, True, time.monotonic()
        with suppress(OSError):
            self._pipe.send(number)

    @property
    def pipe(self) -> Connection:
        return self._pipe

    def left(self, seconds: float) -> float:
        """Seconds left for its task, if it may take so many."""
        return max(0.0, self._since + seconds - time.monotonic())

    def answer(self, seconds: float) -> Any:
        """What became of its task."""
        self.busy = False
        try:
            if self._pipe.poll():
                return self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            return _Died(f"its worker was {_cause(self._process.exitcode)}")
        self.end()
        return Failed(f"it took longer than {seconds:g} s")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self.gone = True


@contextmanager
def beside(do: Callable[[], object]) -> Iterator[ForkProcess]:
    """A process of its own does something, unheard, and ends with the caller's block at the latest. WorkerError if it
    cannot be started.
    """
    process = _started(partial(_unheard, do), daemon=False)
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _unheard(do: Callable[[], object]) -> None:
    with suppress(Exception):
        do()


def _started(do: Callable[[], object], daemon: bool) -> ForkProcess:
    """A process that does something, and dies with its parent, however it dies. WorkerError if it cannot be started."""
    process = multiprocessing.get_context("fork").Process(target=_begin, args=(do,), daemon=daemon)
    try:
        with _undisturbed():
            process.start()
    except OSError as error:
        raise WorkerError(f"workers cannot be started: {error.strerror}") from None
    return process


def _begin(do: Callable[[], object]) -> None:
    _heed_signals()
    Thread(target=_end_with_parent, daemon=True).start()
    do()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait: what they raise inside of a fork would be lost, or be raised in the child."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heed_signals() -> None:
    """What a process that was started undisturbed does first: it dies when told to; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _next(crew: Sequence[_Worker], seconds: float) -> list[_Worker]:
    """Those that have an answer, have died, or have had their time; waits until there are some."""
    busy = [worker for worker in crew if worker.busy]
    first = min(worker.left(seconds) for worker in busy)
    ready = wait([worker.pipe for worker in busy], None if math.isinf(first) else first)
    return [worker for worker in busy if worker.pipe in ready or worker.left(seconds) == 0.0]


def _cause(code: int | None) -> str:
    """How a process ended, from its exit code."""
    if code is None or code >= 0:
        return f"ended with status {code}"
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{hint}"


def _work(pipe: Connection, do: Callable[[Any], Any], tasks: Sequence[Any], room: float) -> None:
    """What a worker does.

    The command line looks for no cycles; here whatever a task has left is found, and nothing else is looked at.
    """
    _confine(room)
    gc.freeze()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(attempt(do, tasks[pipe.recv()], room))
            gc.collect()


def attempt(do: Callable[[Any], Any], task: Any, room: float = math.inf) -> Any:
    """do(task), or `Failed` if that raises; `room` is how many bytes it was given."""
    try:
        return do(task)
    except MemoryError:
        return Failed("out of memory" if math.isinf(room) else f"it needs more than {room / 1e9:.2g} GB of memory")
    except Exception as error:
        if os.environ.get("SIMSYS_TRACEBACK"):
            traceback.print_exc()
        told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return Failed(" ".join(told.split()))


def _confine(room: float) -> None:
    """No more memory than so many bytes beyond what there is already."""
    if math.isinf(room):
        return
    with suppress(OSError, ValueError):  # where nobody knows how much that is, there is no limit
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = used + int(room)
        resource.setrlimit(resource.RLIMIT_AS, (limit if most < 0 else min(limit, most), most))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
