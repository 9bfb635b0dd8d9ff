"""What is said where: results on standard output, the rest on standard error."""

from __future__ import annotations

import os
import sys
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
    """Counts the plays on one line of a terminal; None where standard error is not one."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None

    def show(done: int, total: int) -> None:
        whisper(f"\r{done} of {total} plays" if done < total else "\r\x1b[K")

    return show


def colour() -> bool:
    """Whether somebody looks at standard output who sees colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
