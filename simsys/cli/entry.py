"""The command line as a program: its commands, signals, and an end that is never a traceback.

Exit status: 0 all promises kept, 1 a fault, 2 the scenario or the command is wrong, 5 the results folder
is in use, 99 no strategy surely kept every promise, 130 and 143 stopped by a signal. What is slow to import
is imported when a command needs it.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType
from typing import Annotated, NoReturn

import typer

from simsys.cli.app import FAULT, INTERRUPTED, TERMINATED, Stop
from simsys.cli.compare import compare
from simsys.cli.doubt import doubt
from simsys.cli.look import check, explain, list_, schema
from simsys.cli.report import report
from simsys.cli.run import run
from simsys.cli.size import size
from simsys.cli.sweep import merge, sweep
from simsys.cli.terminal import say, whisper
from simsys.cli.tune import tune

PATIENCE = 3.0
"""Seconds from a signal to the end."""

app = typer.Typer(
    name="simsys", help="Play designs of read-heavy and write-heavy systems against the same load.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback(invoke_without_command=True)
def simsys(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        from simsys import __version__

        say(f"simsys {__version__}\n")
        raise typer.Exit


for command_ in (run, sweep, merge, tune, size, compare, doubt, report, check, explain, list_, schema):
    app.command(command_.__name__.rstrip("_"))(command_)


def _stopped(number: int, _: FrameType | None) -> NoReturn:
    """End at a signal: workers first, so that nobody waits for them; at once if another follows, or if the end does not
    come.
    """
    status = INTERRUPTED if number == signal.SIGINT else TERMINATED
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, lambda *_: os._exit(status))
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    if "multiprocessing" in sys.modules:
        from multiprocessing import active_children

        for worker in active_children():
            worker.kill()
    raise SystemExit(status)


def main() -> NoReturn:
    """Run the command that was given; never a traceback, unless SIMSYS_TRACEBACK is set."""
    signal.signal(signal.SIGINT, _stopped)
    signal.signal(signal.SIGTERM, _stopped)
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Stop as stop:
        from simsys.units import printable

        whisper("".join(f"{printable(line, 2000)}\n" for line in str(stop).splitlines()))
        sys.exit(stop.status)
    except MemoryError:
        whisper("simsys: out of memory\n")
        sys.exit(FAULT)
    except Exception as error:
        if os.environ.get("SIMSYS_TRACEBACK"):
            traceback.print_exc()
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        whisper(f"simsys: internal fault: {said} (please report it; SIMSYS_TRACEBACK=1 shows where)\n")
        sys.exit(FAULT)
    sys.exit(0)


def command() -> NoReturn:
    """`main` as a program: it leaves no cycle that matters, so it looks for none, and ends at once, as taking the
    interpreter down takes longer than many a run.
    """
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # there are none, and looking for them is slow
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing is left to them, and each spins for 0.05 s
    try:
        main()
    except SystemExit as end:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(int(end.code or 0))
