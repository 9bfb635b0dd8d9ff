"""What `pip install` and the Makefile promise: all ships, versions are exact, old Pythons are told."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with simsys installed from a wheel, built without the network."""
    target = tmp_path_factory.mktemp("installed")
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, str(repository)], check=True)
    return target


def shipped(folder: Path, *endings: str) -> set[str]:
    found = (
        path for path in folder.rglob("*") if path.name.endswith(endings) and "__pycache__" not in path.parts
    )
    return {path.relative_to(folder).as_posix() for path in found}


def test_the_wheel_holds_all_modules_defaults_scenarios_and_tables(repository: Path, installed: Path) -> None:
    package = shipped(repository / "simsys", ".py", ".yaml", "py.typed")
    scenarios = shipped(repository / "scenarios", ".yaml", ".csv")
    assert {"strategies/feed/defaults.yaml", "py.typed"} <= package
    assert {"celebrity.yaml", "tables/followers.csv"} <= scenarios
    assert package <= shipped(installed / "simsys", "")
    assert scenarios <= shipped(installed / "simsys" / "data" / "scenarios", "")


def test_an_installed_simsys_knows_its_scenarios_without_the_repository(
    installed: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    for arguments in (["check", "celebrity"], ["explain", "celebrity"]):
        command = [str(installed / "bin" / "simsys"), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def pins(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9.-]", requirement)[0].lower()


def test_every_dependency_is_locked_and_both_locks_agree(repository: Path, project: dict[str, Any]) -> None:
    run = pins((repository / "requirements.lock").read_text())
    test = pins((repository / "requirements-dev.lock").read_text())
    assert {name(each) for each in project["dependencies"]} <= run.keys()
    assert {name(each) for each in project["optional-dependencies"]["dev"]} <= test.keys()
    assert run.items() <= test.items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_exact_versions_and_names_no_host(repository: Path, lock: str) -> None:
    text = (repository / lock).read_text()
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*|#.*|", line) for line in text.splitlines())
    assert not re.search(r"://|--", text)


def test_the_newest_entry_of_the_changelog_is_this_version(repository: Path, project: dict[str, Any]) -> None:
    entries = re.findall(r"^## (\S+)", (repository / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries[0] == project["version"]


def make(repository: Path, folder: Path, python: str) -> "subprocess.CompletedProcess[str]":
    """Makes the first step of the environment, in the folder, from the named Python."""
    command = [
        "make",
        "-f",
        str(repository / "Makefile"),
        f"PYTHONS=no-such-python {python}",
        ".venv/python.done",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_an_old_python_is_told_what_is_needed(repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make(repository, tmp_path, str(old))
    assert done.returncode != 0
    assert "simsys needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_first_python_that_is_new_enough_makes_the_environment(repository: Path, tmp_path: Path) -> None:
    done = make(repository, tmp_path, sys.executable)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / "bin" / "python").exists()
