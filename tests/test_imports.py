"""Imports point down (docs/design.md): every import of every file is compared with the levels below."""

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LEVELS = {  # room: (level, why it stands there). A room may import rooms of its own level and below.
    "__init__": (0, "the version, and nothing else"),
    "sources": (0, "what simsys itself is made of"),
    "units": (0, "text to numbers and back"),
    "draws": (0, "randomness as a function"),
    "distributions": (1, "needs units to read and draws to sample"),
    "expressions": (2, "columns as a plan sees them; knows no request"),
    "steps": (2, "what a plan may yield; says nothing about how it is played"),
    "workload": (2, "requests as columns; knows no strategy and no station"),
    "measure": (2, "takes numbers, gives numbers"),
    "theory": (2, "closed forms, independent of what they judge"),
    "money": (2, "bytes and prices, told what was measured"),
    "structures": (3, "their own contents, in counts; no clock"),
    "stations": (3, "counts into time; knows no key and no plan"),
    "strategies": (4, "plans over steps; know no seconds, engines, YAML or metrics"),
    "engines": (5, "the clock; plays any plan, knows no strategy by name"),
    "scenario": (6, "the file: assembles all nouns, plays nothing"),
    "experiment": (7, "plays scenarios: strategies by replications to rows"),
    "report": (8, "tells what the rows say"),
    "cli": (9, "commands, a file for each or a few, and nothing else"),
    "__main__": (10, "python -m simsys"),
}
SLOW = {"pandas", "matplotlib", "numba", "scipy", "pydantic", "plotly"}  # each costs 0.1 to 1 s to import


def imports(path: Path, package: Path) -> list[tuple[int, str]]:
    """(line, room) of each import of simsys in the file, also inside functions and under TYPE_CHECKING."""
    here = ("simsys", *path.relative_to(package).with_suffix("").parts)
    names: list[tuple[int, list[str]]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [(node.lineno, alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            names += [(node.lineno, [*base, alias.name]) for alias in node.names]
    return [(line, [*name, "__init__"][1]) for line, name in names if name[0] == "simsys"]


def rooms(package: Path) -> dict[Path, str]:
    """The room of each file: the first part of its path."""
    return {path: path.relative_to(package).with_suffix("").parts[0] for path in package.rglob("*.py")}


def upward(package: Path) -> list[str]:
    """Each import of a higher room, and each room without a level."""
    wrong = []
    for path, room in rooms(package).items():
        where = path.relative_to(package.parent)
        if room not in LEVELS:
            wrong.append(f"{where}: the room {room!r} has no level; give it one in LEVELS, with a reason")
            continue
        level, _ = LEVELS[room]
        wrong += [
            f"{where}:{line}: {room} imports {other}"
            for line, other in imports(path, package)
            if other in LEVELS and LEVELS[other][0] > level
        ]
    return sorted(wrong)


def circle(package: Path) -> list[str]:
    """Rooms that import each other, round to the first; empty if there are none."""
    edges: dict[str, set[str]] = {}
    for path, room in rooms(package).items():
        edges.setdefault(room, set()).update(other for _, other in imports(path, package) if other != room)
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_import_points_down(repository: Path) -> None:
    assert upward(repository / "simsys") == []


def test_no_two_rooms_import_each_other(repository: Path) -> None:
    assert circle(repository / "simsys") == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("draws.py", "import simsys.cli"),
        ("draws.py", "from simsys import report"),
        ("units.py", "def late():\n    from simsys.distributions import Variate"),
        ("strategies/feed/push.py", "from simsys.engines.reference import play"),
        ("strategies/feed/push.py", "from ...engines import reference"),
        ("measure/__init__.py", "from .. import stations"),
        ("theory.py", "import typing\nif typing.TYPE_CHECKING:\n    from .scenario import Scenario"),
        ("utils.py", "import math"),
    ],
)
def test_the_walk_catches(tmp_path: Path, file: str, text: str) -> None:
    """Mutants: each of these files must be reported, and the same file without the line must not."""
    path = tmp_path / "simsys" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert len(upward(tmp_path / "simsys")) == 1
    path.write_text("from simsys import __version__\nimport math")
    assert upward(tmp_path / "simsys") == [] or file == "utils.py"


def test_the_walk_catches_a_circle_on_one_level(tmp_path: Path) -> None:
    (tmp_path / "simsys").mkdir()
    (tmp_path / "simsys" / "steps.py").write_text("from simsys.expressions import least")
    (tmp_path / "simsys" / "expressions.py").write_text("")
    assert circle(tmp_path / "simsys") == []
    (tmp_path / "simsys" / "expressions.py").write_text("from . import steps")
    assert upward(tmp_path / "simsys") == []
    assert set(circle(tmp_path / "simsys")) == {"expressions", "steps"}


def loaded(code: str, folder: Path) -> set[str]:
    """Which of the slow libraries a fresh Python has loaded after the code."""
    after = f"""
import atexit, sys
atexit.register(lambda: print("\\nloaded", *sorted({SLOW!r} & set(sys.modules))))
{code}
"""
    command = [sys.executable, "-c", after]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_loads_no_slow_library(repository: Path) -> None:
    entry = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["scripts"]["simsys"]
    module, function = entry.split(":")
    assert loaded(f"import {module}", repository) == set()
    help_ = f"sys.argv = ['simsys', '--help']\nfrom {module} import {function} as main\nsys.exit(main())"
    assert loaded(help_, repository) == set()


def test_who_draws_is_there_before_what_is_slow(repository: Path) -> None:
    """It imports matplotlib while the others are imported for the run; what it is told is made of pydantic's."""
    forked = """
import os, sys
from simsys.cli.entry import main
os.fork = sys.exit
sys.argv = ["simsys", "run", "celebrity"]
main()
"""
    assert loaded(forked, repository) == {"pydantic"}


def test_a_slow_library_is_noticed(tmp_path: Path) -> None:
    """Mutant: a package whose report room imports (a stand-in for) pandas when it is imported."""
    (tmp_path / "pandas.py").write_text("")
    (tmp_path / "simsys").mkdir()
    (tmp_path / "simsys" / "__init__.py").write_text("")
    (tmp_path / "simsys" / "report.py").write_text("import pandas")
    (tmp_path / "simsys" / "cli.py").write_text("from simsys import report")
    assert loaded("import simsys.cli", tmp_path) == {"pandas"}
