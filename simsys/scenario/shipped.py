"""The scenarios that come with simsys, by name."""

from __future__ import annotations

import re
from pathlib import Path

import simsys
from simsys.scenario.errors import Problem, ScenarioError, nearest
from simsys.units import printable

_PACKAGE = Path(simsys.__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def shipped() -> dict[str, Path]:
    """The shipped scenarios: name to file. In a working copy they stand beside the package."""
    folders = (_PACKAGE / "data" / "scenarios", _PACKAGE.parent / "scenarios")
    folder = next((folder for folder in folders if folder.is_dir()), None)
    files = sorted(folder.glob("*.yaml")) if folder is not None else []
    return {file.stem: file for file in files if _NAME.fullmatch(file.stem)}


def find_scenario(what: str) -> Path:
    """The file of this path, or of the shipped scenario of this name. Raises ScenarioError."""
    try:
        path = Path(what)
        if path.is_file():
            return path
        is_there = path.exists()
    except (OSError, ValueError):
        is_there = False
    known = shipped()
    if what in known:
        return known[what]
    message = "this is not a file" if is_there else "there is no such file, and no shipped scenario of that name"
    hint = "" if is_there else nearest(Path(what.replace("\0", "")).stem, known)
    raise ScenarioError([Problem(printable(what), 1, 1, "", message, hint)])
