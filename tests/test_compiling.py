"""Compiled code that is kept: found again, compiled afresh where it is damaged, half written, or cannot be kept."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba import config
from numba.core.caching import CompileResultCacheImpl, IndexDataCacheFile

from simsys.draws import compiling
from simsys.draws.compiling import kept, prepare
from simsys.sources import sources

TIMES = """
from simsys.draws.compiling import compiled

@compiled("int64(int64)")
def times(x):
    return {factor} * x
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that numba may keep anything in."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path


def times(folder: Path, factor: int = 2) -> Any:
    """The function of a process that has just begun."""
    path = folder / "made.py"
    text = TIMES.format(factor=factor)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        os.utime(path, (factor, factor))
    spec = importlib.util.spec_from_file_location("made", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.times


def files(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "kept").rglob(f"*.{kind}"))


def test_what_was_compiled_once_is_found_again(folder: Path) -> None:
    first = times(folder)
    assert kept(first) is False and files(folder, "nbc") == []
    prepare(first)
    assert kept(first) is True and len(files(folder, "nbc")) == 1 and first(21) == 42
    again = times(folder)
    assert kept(again) is True and again(21) == 42
    assert again.stats.cache_hits and not again.stats.cache_misses
    assert kept(times(folder, factor=3)) is False, "other text"


def test_what_is_kept_is_loaded_without_a_compiler(repository: Path) -> None:
    """Numba imports what makes arrays where code asks for its globals, and compiles its runtime where it compiles."""
    script = """
import sys
import numpy
from numba.core.runtime.nrt import rtsys
from simsys.draws import exps
print(exps(numpy.zeros(2)), "numba.np.arrayobj" in sys.modules, rtsys._init)
"""
    told = [subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, check=True)
            for _ in range(2)]  # fmt: skip
    assert told[-1].stdout == "[1. 1.] False False\n"


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 20, None])
def test_a_damaged_file_is_no_fault(folder: Path, kind: str, left: int | None) -> None:
    prepare(times(folder))
    (path,) = files(folder, kind)
    path.write_bytes(path.read_bytes()[:left] if left is not None else b"nothing of the kind")
    function = times(folder)
    kept(function)
    assert function(21) == 42


def test_a_file_that_is_gone_is_not_kept(folder: Path) -> None:
    prepare(times(folder))
    files(folder, "nbc")[0].unlink()
    assert kept(times(folder)) is False and times(folder)(21) == 42


def test_killed_between_the_index_and_the_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old code must not be taken for the new."""
    assert times(folder)(21) == 42

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, "_save_data", killed)
        with pytest.raises(KeyboardInterrupt):
            times(folder, factor=3)(21)
    assert kept(times(folder, factor=3)) is False
    assert times(folder, factor=3)(21) == 63


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(30, "Read-only file system")])
def test_a_full_disk_is_no_fault(folder: Path, error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(IndexDataCacheFile, "_save_index", full)
    assert times(folder)(21) == 42


def test_where_nothing_can_be_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])
    function = times(folder)
    assert kept(function) is None
    prepare(function)
    assert kept(function) is True and function(21) == 42


def test_folders_that_are_links_count_as_those_they_lead_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp, package = compiling._stamp(), Path(compiling.__file__).parents[1]
    for item in package.iterdir():
        (tmp_path / item.name).symlink_to(item)
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "draws" / "compiling.py"))
    assert compiling._stamp.__wrapped__() == stamp
    (tmp_path / "engines").unlink()
    sources.cache_clear()
    assert compiling._stamp.__wrapped__() != stamp
