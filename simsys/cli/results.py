"""Where results go: the folder is ours while we play, and what is done is kept in the journal beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simsys.cli.app import FAULT, IN_USE, WRONG, Stop
from simsys.cli.terminal import whisper

if TYPE_CHECKING:
    from simsys.experiment.journal import Journal


@contextmanager
def played_into(folder: Path, quiet: bool) -> Iterator[tuple[Path, Journal]]:
    """The folder and its journal, `.NAME.journal` beside it; whatever goes wrong on the way is said in a line."""
    from simsys.experiment.journal import Journal, JournalError
    from simsys.experiment.run import RunError
    from simsys.experiment.workers import WorkerError
    from simsys.report import files
    from simsys.units import printable

    try:
        with files.reserved(folder) as ours, Journal(ours.with_name(f".{ours.name}.journal")) as journal:
            if journal.aside is not None:
                whisper(f"{journal.aside} holds plays of another version of simsys; all are played anew\n")
            try:
                yield ours, journal
            except SystemExit:
                whisper(f"stopped with {len(journal)} plays done; the same command goes on from there\n")
                raise
            except (RunError, WorkerError, JournalError, OSError) as error:
                raise Stop(FAULT, f"simsys: {error}") from None
    except files.InUse as error:
        raise Stop(IN_USE, f"simsys: {error}") from None
    except (files.NotResults, JournalError, OSError) as error:
        raise Stop(WRONG, f"simsys: {error}") from None
    if not quiet:
        whisper(f"written to {printable(str(ours), 2000)}\n")


def keep(folder: Path, contents: Mapping[str, bytes], started: datetime, engine: str) -> None:
    """Write results to their folder, and how they came about into its manifest."""
    from simsys.report import files

    files.write(folder, {**contents, "manifest.json": files.manifest(sys.argv, started, engine, contents)})
