"""The journal: what is done is kept, and a file that is not one is left as it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from simsys.experiment import identity, journal
from simsys.experiment.journal import Journal, JournalError
from simsys.sources import sources


def filled(path: Path) -> Path:
    with Journal(path) as one:
        one["a"], one["b"] = b"1", b"2"
    return path


def test_it_keeps_what_it_was_given(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "j")) as again:
        assert (len(again), again["a"], again["b"], "a" in again, "c" in again) == (2, b"1", b"2", True, False)
        with pytest.raises(KeyError):
            again["c"]
    assert os.listdir(tmp_path) == ["j"], "closed, it is one file"


def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    code = "from simsys.experiment.journal import Journal; from pathlib import Path; import os\n"
    code += "j = Journal(Path('j')); j['a'] = b'1'; print('kept', flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "kept\n")
    with Journal(tmp_path / "j") as again:
        assert again["a"] == b"1"


def test_it_forgets_what_nobody_asked_for(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "j")) as one:
        assert "b" in one
        one["c"] = b"3"
        one.prune()
        assert ["a" in one, one["b"], one["c"]] == [False, b"2", b"3"]


def test_one_of_another_version_is_set_aside_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path / "j")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "code", lambda: "another")
        with Journal(path) as new:
            assert (len(new), new.aside) == (0, tmp_path / "j.old")
            with pytest.raises(JournalError, match="holds plays of another version of simsys"):
                new.take(tmp_path / "j.old")
    with Journal(tmp_path / "j.old") as old:
        assert (len(old), old.aside) == (2, None)
    monkeypatch.setattr(journal, "FORMAT", 2)
    with Journal(tmp_path / "j.old") as new:
        assert len(new) == 0 and new.aside is not None


def test_what_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    text, other, broken = tmp_path / "text", tmp_path / "other", filled(tmp_path / "broken")
    text.write_text("my thesis\n" * 1000)
    with sqlite3.connect(other) as file:
        file.execute("CREATE TABLE mine (x)")
    file.close()
    broken.write_bytes(broken.read_bytes()[:5000] + b"\xff" * 5000)
    for path, told in ((text, "is damaged"), (other, "is not a journal of simsys"), (broken, "is damaged")):
        before = path.read_bytes()
        with pytest.raises(JournalError, match=told), Journal(path) as one:
            one["c"] = b"3"
        assert path.read_bytes() == before
    with pytest.raises(JournalError, match="is damaged"), Journal() as one:
        one.take(text)


def test_a_full_disk_is_said_and_what_there_is_stays(tmp_path: Path) -> None:
    path = filled(tmp_path / "j")
    with Journal(path) as one:
        (pages,) = one._file.execute("PRAGMA page_count").fetchone()
        one._file.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalError, match="database or disk is full; what it holds is kept"):
            one["c"] = b"3" * 100_000
        assert len(one) == 2


def test_as_bytes_it_is_taken_by_another(tmp_path: Path) -> None:
    with Journal() as one, Journal() as other:
        one["a"], one["b"] = b"1", b"2"
        (tmp_path / "plays").write_bytes(one.to_bytes())
        other["b"], other["c"] = b"2", b"3"
        other.take(tmp_path / "plays")
        assert [other[key] for key in "abc"] == [b"1", b"2", b"3"]


def code() -> str:
    """What simsys is made of by now, which a process finds out once."""
    sources.cache_clear()
    return identity.code.__wrapped__()


def test_the_code_that_played_is_part_of_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "simsys"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "draws.py").write_text("1")
    monkeypatch.setattr(identity.simsys, "__file__", str(package / "__init__.py"))
    hashes = [code()]
    for name in ("cli/run.py", "draws.py"):
        (package / name).write_text("2")
        hashes.append(code())
    assert hashes[0] == hashes[1] != hashes[2], "how results are printed is not"


def test_code_behind_a_link_is_part_of_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "simsys"
    (package / "engines").mkdir(parents=True)
    (package / "engines" / "play.py").write_text("1")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "engines").symlink_to(package / "engines")
    hashes = []
    for folder in ("simsys", "linked"):
        monkeypatch.setattr(identity.simsys, "__file__", str(tmp_path / folder / "__init__.py"))
        hashes.append(code())
    (package / "engines" / "play.py").write_text("2")
    assert hashes[0] == hashes[1] != code()
