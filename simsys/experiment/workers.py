"""Work side by side, in processes that die with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Any, TypeVar

Task = TypeVar("Task", bound=Hashable)


class WorkerError(Exception):
    """Workers cannot be started, or one was killed."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(do: Callable[[Task], Any], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Any]]:
    """(task, do(task)) as they are done, by so many processes, or one after the other by this one.

    The processes inherit `do` instead of being sent it where the system can fork.
    """
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        yield from ((task, do(task)) for task in tasks)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    try:
        pool = ProcessPoolExecutor(jobs, multiprocessing.get_context(method), _begin, (do,))
        futures = {pool.submit(_do, task): task for task in tasks}
    except OSError as error:
        raise WorkerError(f"workers cannot be started ({error.strerror}); --jobs 1 needs none") from None
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        raise WorkerError("a worker process was killed (out of memory?); try fewer --jobs") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_work: list[Callable[[Any], Any]] = []


def _begin(do: Callable[[Any], Any]) -> None:
    """What a worker does first. It dies at once when told to, and with its parent, however that dies; Ctrl-C is the
    parent's business.
    """
    _work[:] = [do]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(task: Any) -> Any:
    return _work[0](task)
