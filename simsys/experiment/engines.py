"""Which engine plays which strategy. The figures are the same; only the time that it takes differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing.context import ForkProcess
from typing import Literal

from simsys.draws.compiling import kept, prepare
from simsys.experiment.setting import Setting
from simsys.experiment.workers import WorkerError, beside, cores

Wanted = Literal["auto", "simpy", "compiled"]
COMPILATION = 12.0
"""Seconds that it takes to compile the kernel, once."""
_ahead: list[ForkProcess] = []
"""Who compiles it meanwhile, if anybody does."""


class NotCompiled(ValueError):
    """The compiled engine is asked for and cannot play a strategy."""


def engines(ready: Sequence[Setting], wanted: Wanted, seconds: dict[str, float]) -> tuple[str, ...]:
    """The engine of each strategy; `seconds` is how long the run would take with each of the two.

    "auto" is the compiled engine, unless SimPy is done sooner because the other must be compiled first. A plan that
    cannot be compiled is played by SimPy; NotCompiled if it must not be.
    """
    for setting in ready:
        if wanted == "compiled" and isinstance(setting.program, str):
            raise NotCompiled(f"--engine compiled cannot play '{setting.label}': {setting.program}")
    if wanted == "auto":
        compilation = 0.0 if kernel_is_ready() else COMPILATION
        wanted = "compiled" if seconds["compiled"] + compilation <= seconds["simpy"] else "simpy"
    if wanted == "simpy":
        for process in _ahead:
            process.kill()
    return tuple("simpy" if isinstance(setting.program, str) else wanted for setting in ready)


def kernel_is_ready() -> bool | None:
    """Whether the kernel needs no compiler: it is here already, or in numba's cache. None if it can be kept nowhere."""
    states = {kept(door) for door in _doors()}
    return None if None in states else False not in states


@contextmanager
def compiling_ahead(wanted: Wanted) -> Iterator[None]:
    """While the caller finds out what is to be played, another process compiles the kernel, if that must be done, can
    be kept, and is not left to SimPy.
    """
    if wanted == "simpy" or cores() == 1 or kernel_is_ready() is not False:
        yield
        return
    with ExitStack() as processes:
        with suppress(WorkerError):
            _ahead.append(processes.enter_context(beside(partial(prepare, _doors()[0]))))
        try:
            yield
        finally:
            _ahead.clear()


def compile_kernel() -> None:
    """Compile the kernel, or load it from numba's cache; workers that are forked later have it, too."""
    first, *others = _doors()
    for door in others:
        prepare(door)
    for process in _ahead:
        process.join()
    prepare(first)


def _doors() -> Sequence[object]:
    """What every play calls; the first takes most of the time."""
    from simsys.engines.kernel import entry
    from simsys.measure.tallies import add_batch
    from simsys.structures.kernel.store import enter_all

    return entry.run, entry.tell, enter_all, add_batch


def summed_up(names: Sequence[str], engines: Sequence[str]) -> str:
    """The engine of all strategies as one word, or who is played by which."""
    by_engine = {engine: [n for n, e in zip(names, engines, strict=True) if e == engine] for engine in engines}
    if len(by_engine) == 1:
        return engines[0]
    return ", ".join(f"{engine} ({', '.join(mine)})" for engine, mine in by_engine.items())
