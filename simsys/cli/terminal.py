"""What is said where: results on standard output, the rest on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from simsys.cli.app import FAULT, Stop


def say(text: str) -> None:
    """Print to standard output; a reader who has left is no fault."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Stop(FAULT, f"simsys: cannot print: {error.strerror}") from None


def whisper(text: str) -> None:
    """Print to standard error, if anybody listens."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def progress() -> Callable[[int, int], None] | None:
    """Counts the plays on one line of a terminal, and tells the time left; None where standard error is not one."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None

    begun = time.monotonic()

    def show(done: int, total: int) -> None:
        left = (time.monotonic() - begun) / done * (total - done)
        filled = "█" * (20 * done // total)
        whisper(f"\r{filled:░<20} {done} of {total} plays, {spoken(left)} left\x1b[K" if done < total else "\r\x1b[K")

    return show


def spoken(seconds: float) -> str:
    """A time as one would say it: seconds up to two minutes, then minutes."""
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def colour() -> bool:
    """Whether somebody looks at standard output who sees colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
