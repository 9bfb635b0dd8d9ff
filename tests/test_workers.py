"""Workers that die, hang, or eat all memory: each loses its own task only."""

from __future__ import annotations

import gc
import os
import signal
import time
from multiprocessing import active_children, get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from simsys.experiment import workers
from simsys.experiment.workers import Failed, Limits, side_by_side


def squares(jobs: int) -> dict[int, object]:
    return dict(side_by_side(lambda n: n * n, range(20), jobs))


def test_every_task_is_done_once_whoever_does_it() -> None:
    assert squares(1) == squares(3) == squares(50) == {n: n * n for n in range(20)}
    assert list(side_by_side(str, [], 3)) == [] and active_children() == []


def test_a_task_that_kills_its_worker_is_tried_once_more(tmp_path: Path) -> None:
    def do(n: int) -> int:
        if n in (3, 5):
            with (tmp_path / str(n)).open("a") as file:
                file.write("x")
            if n == 5 or (tmp_path / "3").read_text() == "x":
                os.kill(os.getpid(), signal.SIGKILL)
        return n

    done = dict(side_by_side(do, range(8), 2))
    failed = done.pop(5)
    assert done == {n: n for n in range(8) if n != 5}, "3 died once only, 5 twice"
    assert failed == Failed("its worker was killed by SIGKILL (out of memory?)")
    assert (tmp_path / "5").read_text() == "xx"


def test_tasks_of_a_kind_are_done_by_one_worker_while_there_are_others_for_the_rest() -> None:
    turn = get_context("fork").Barrier(2)

    def do(task: str) -> int:
        turn.wait(60)
        return os.getpid()

    by = dict(side_by_side(do, ["a1", "b1", "c1", "a2", "b2", "c2"], 2, kind=lambda task: task[0]))
    assert by["a1"] == by["a2"] != by["b1"] == by["b2"]
    by = dict(side_by_side(do, ["a1", "a2", "a3", "b1"], 2, kind=lambda task: task[0]))
    assert by["a1"] != by["b1"] and {by["a2"], by["a3"]} == {by["a1"], by["b1"]}, "nobody is idle"


def test_a_worker_that_leaves_is_dead_too() -> None:
    assert dict(side_by_side(os._exit, [7], 1)) == {7: Failed("its worker was ended with status 7")}


def test_what_raises_fails_and_is_not_tried_again(tmp_path: Path) -> None:
    def do(n: int) -> float:
        with (tmp_path / "tries").open("a") as file:
            file.write(str(n))
        return 1 / n

    done = dict(side_by_side(do, [1, 0, 2], 1))
    assert done == {1: 1.0, 0: Failed("ZeroDivisionError: division by zero"), 2: 0.5}
    assert (tmp_path / "tries").read_text() == "102"


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands until all the others are done."""
    done: dict[int, object] = {}
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: 0.3 if len(done) == 2 else 0.0))
    for task, answer in side_by_side(lambda n: time.sleep(60 * (n == 1)), [0, 1, 2], 2, Limits(seconds=0.3)):
        done[task] = answer
    assert done == {0: None, 2: None, 1: Failed("it took longer than 0.3 s")}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="nobody knows how much memory there is in use")
def test_what_needs_too_much_is_ended() -> None:
    def do(megabytes: int) -> int:
        return int(np.ones(megabytes * 2**17).nbytes)

    done = dict(side_by_side(do, [1, 3000, 2], 1, Limits(bytes=1e9)))
    assert done == {1: 2**20, 3000: Failed("it needs more than 1 GB of memory"), 2: 2**21}


def test_nothing_is_left_of_a_task_even_if_nobody_looks_for_cycles() -> None:
    class Knot:
        def __init__(self) -> None:
            self.self = self

    def do(_: int) -> int:
        Knot()
        return sum(isinstance(each, Knot) for each in gc.get_objects())

    gc.disable()
    try:
        assert list(side_by_side(do, [0, 1, 2], 1)) == [(0, 1), (1, 1), (2, 1)]
    finally:
        gc.enable()


def test_who_stops_listening_leaves_nobody_behind() -> None:
    for _ in side_by_side(time.sleep, [0, 60, 60], 3):
        break
    assert active_children() == []
