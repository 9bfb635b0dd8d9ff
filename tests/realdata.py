"""Real input, which lies beside the project and is no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "realdata"


def real(name: str) -> Path:
    """A file of it. Without the folder the test is skipped, and says so; in the folder no file may be missing."""
    if not FOLDER.is_dir():
        pytest.skip(f"there is no real data in {FOLDER}")
    assert (FOLDER / name).is_file(), f"{name} is missing in {FOLDER}"
    return FOLDER / name
