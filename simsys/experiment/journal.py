"""The journal: what became of every play that is done, kept so that a kill at any moment loses nothing of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from simsys import __version__
from simsys.experiment.identity import code

FORMAT = 1
IS_JOURNAL = 0x51_35_15_59
"""SQLite's application_id of a journal."""
_BEGIN = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS code (version TEXT, hash TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plays (key TEXT PRIMARY KEY, summary BLOB NOT NULL);
"""


class JournalError(Exception):
    """A journal that cannot be used or written."""


class Journal:
    """Summaries (encoded) by the key of their job, in a file; in memory if there is no path.

    JournalError if the file is something else, damaged, or cannot be written; what it holds is never touched then.
    A journal of another version is set aside as `aside` (None if there was none), as its plays are not the same.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._asked: set[str] = set()
        self.aside: Path | None = None
        self._open()
        if path is not None and self._is_of_another_version():
            self.close()
            self.aside = path.with_name(f"{path.name}.old")
            _move(path, self.aside)
            self._open()
        with self._telling():
            self._file.executescript(_BEGIN)
            self._file.execute("INSERT OR IGNORE INTO code VALUES (?, ?)", (__version__, code()))
            self._file.execute(f"PRAGMA application_id = {IS_JOURNAL}")
            self._file.execute(f"PRAGMA user_version = {FORMAT}")
            self._file.execute("COMMIT")

    def _open(self) -> None:
        with self._telling():
            self._file = sqlite3.connect(self._path or ":memory:", timeout=1.0, isolation_level=None)

    def _is_of_another_version(self) -> bool:
        with self._telling():
            (tables,) = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (kind,) = self._file.execute("PRAGMA application_id").fetchone()
            if not tables:
                return False
            if kind != IS_JOURNAL:
                raise JournalError(f"{self._path} is not a journal of simsys; move it away")
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            return version != FORMAT or self._file.execute("SELECT hash FROM code").fetchall() != [(code(),)]

    def __contains__(self, key: str) -> bool:
        self._asked.add(key)
        with self._telling():
            return self._file.execute("SELECT 1 FROM plays WHERE key = ?", (key,)).fetchone() is not None

    def __getitem__(self, key: str) -> bytes:
        self._asked.add(key)
        with self._telling():
            found = self._file.execute("SELECT summary FROM plays WHERE key = ?", (key,)).fetchone()
        if found is None:
            raise KeyError(key)
        return bytes(found[0])

    def __setitem__(self, key: str, summary: bytes) -> None:
        self._asked.add(key)
        with self._telling():
            self._file.execute("INSERT OR REPLACE INTO plays VALUES (?, ?)", (key, summary))

    def __len__(self) -> int:
        with self._telling():
            return int(self._file.execute("SELECT count(*) FROM plays").fetchone()[0])

    def prune(self) -> None:
        """Forget what nobody has asked for since the journal was opened: plays of what the scenario was before."""
        with self._telling():
            left = {key for (key,) in self._file.execute("SELECT key FROM plays")} - self._asked
            self._file.executemany("DELETE FROM plays WHERE key = ?", [(key,) for key in sorted(left)])

    def to_bytes(self) -> bytes:
        """The journal as one file, without what nobody has asked for."""
        self.prune()
        with self._telling(), Journal() as copy:
            for key in sorted(self._asked):
                if key in self:
                    copy[key] = self[key]
            return copy._file.serialize()

    def take(self, path: Path) -> None:
        """Add the plays of another journal. JournalError if it is something else, damaged, or of another version."""
        with Journal() as other, other._telling():
            other.close()
            other._path = path
            other._file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            if other._is_of_another_version():
                raise JournalError(f"{path} holds plays of another version of simsys, which are not the same")
            rows = other._file.execute("SELECT key, summary FROM plays").fetchall()
        with self._telling():
            self._file.executemany("INSERT OR REPLACE INTO plays VALUES (?, ?)", rows)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What SQLite complains about, in words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            told = f"{error}; what it holds is kept"
            raise JournalError(f"{self._path} cannot be written or read: {told}") from None
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{self._path} is damaged ({error}); move it away to begin anew") from None


def _move(old: Path, new: Path) -> None:
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{old}{end}"):
            os.replace(f"{old}{end}", f"{new}{end}")
