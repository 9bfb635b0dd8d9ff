"""The programs of benchmarks/ play what they say: each at a small size, its figures compared with theory.

Nothing here measures time. What is not installed (a compiler, another simulator) is skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import import_module
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from packaging.requirements import Requirement

FOLDER = Path(__file__).parents[1] / "benchmarks"
MADE = FOLDER.parent / ".venv-bench"
PEERS = MADE / "bin" / "python"
OTHERS = ("cimba", "ciw", "happysim", "salabim")
SMALL = {"W1": 20_000, "W2": 60_000, "W3": 50_000}
BAND = 0.12
"""Four standard errors are at most this share of a figure: with less, a wrong one would not be seen."""


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """The modules of benchmarks/ are scripts, which import each other by name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


def lines(call, system, options=(), seeds=(1, 2)) -> list[dict[str, Any]]:
    """What a program prints, for each seed."""
    commands = [[*map(str, call), system, str(SMALL[system]), str(seed), *options] for seed in seeds]
    return [json.loads(subprocess.check_output(command, text=True, timeout=300)) for command in commands]


def off(system: str, runs: list[dict[str, Any]]) -> list[str]:
    """The figures that do not agree with theory."""
    figures = import_module("expected").figures(system, runs)
    assert all(4 * figure.error <= BAND * figure.theory for figure in figures)
    return [f"{figure.name}: {figure.off:+.1f} standard errors" for figure in figures if not figure.agrees]


@pytest.mark.parametrize("system", SMALL)
@pytest.mark.parametrize("program", ["by_simpy", "by_callbacks"])
def test_simpy_by_hand_plays_the_systems(program, system):
    assert not off(system, lines([sys.executable, FOLDER / f"{program}.py"], system))


@pytest.mark.parametrize("system", SMALL)
@pytest.mark.parametrize("engine", [pytest.param("simpy", marks=pytest.mark.long), "compiled"])
def test_simsys_plays_the_systems(engine, system):
    seeds = (1, 2) if system == "W1" else (1,)
    runs = lines([sys.executable, FOLDER / "by_simsys.py"], system, [engine], seeds)
    assert not off(system, runs)
    assert all(run[part] > 0 for run in runs for part in ("seconds", "drawing"))


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
def test_the_loop_plays_the_systems(tmp_path):
    loop = tmp_path / "loop"
    subprocess.run(["g++", "-O1", "-Wall", "-Wextra", "-Werror", "-o", loop, FOLDER / "loop.cpp"], check=True)
    for system in SMALL:
        assert not off(system, lines([loop], system, seeds=range(1, 11)))


def missing(peer: str) -> str | None:
    """Why nobody expects a peer here; None if it is there or ought to be."""
    if not MADE.is_dir():
        return "there is no .venv-bench here, which `make bench` makes"
    told = [Requirement(line) for line in (FOLDER / "requirements.txt").read_text().splitlines()]
    (asked,) = (each for each in told if each.name == peer)
    version = subprocess.check_output([PEERS, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"], text=True)
    here = {"python_version": version.strip()}
    return None if asked.marker is None or asked.marker.evaluate(here) else f"{asked}, and this is {version}"


def w1_by(peer: str, folder: Path) -> list[str]:
    """What is off where a peer plays; one that did not install fails, as its program cannot import it."""
    if why := missing(peer):
        pytest.skip(why)
    return off("W1", lines([PEERS, folder / f"by_{peer}.py"], "W1"))


@pytest.mark.parametrize("peer", OTHERS)
def test_peers_play_w1(peer):
    assert not w1_by(peer, FOLDER)


@pytest.mark.long
@pytest.mark.parametrize("peer", OTHERS)
def test_a_peer_that_plays_another_system_is_noticed(peer, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "benchmarks")
    told = (FOLDER / "systems.py").read_text()
    assert told.count("640.0, 8, 10e-3") == 1
    (folder / "systems.py").write_text(told.replace("640.0, 8, 10e-3", "640.0, 9, 10e-3"))
    assert w1_by(peer, folder)


class Fifo(dict):
    """A mutant of the LRU: what is used does not move."""

    def move_to_end(self, key):
        pass

    def popitem(self, last=True):
        key = next(iter(self))
        return key, self.pop(key)


MUTANTS = [
    ("W1", "systems", "W1_SERVERS", 9),
    ("W1", "systems", "W1_SERVICE", 9.5e-3),
    ("W2", "by_callbacks", "OrderedDict", Fifo),
    ("W2", "systems", "W2_ENTRIES", 8_000),
    ("W2", "systems", "W2_DATABASE_SERVICE", 5.5e-3),
    ("W3", "systems", "W3_SHARDS", 28),
    ("W3", "systems", "W3_WORKERS", 2),
]


@pytest.mark.parametrize(("system", "module", "name", "wrong"), MUTANTS)
def test_another_system_is_noticed(system, module, name, wrong, monkeypatch):
    play = getattr(import_module("by_callbacks"), system.lower())
    with monkeypatch.context() as patch:
        patch.setattr(import_module(module), name, wrong)
        runs = [{"requests": SMALL[system]} | play(SMALL[system], seed).figures() for seed in (1, 2)]
    assert off(system, runs)


def last_of(workers: int, engine: str, seed: int) -> float:
    """The last of 10,000 deliveries by so many workers."""
    by_simsys = import_module("by_simsys")
    setting = by_simsys.read("W3", 10_000, seed, f"stations.workers.servers={workers}")
    return by_simsys.whole(setting, engine).ops["post"].fresh.max


@pytest.mark.parametrize("engine", [pytest.param("simpy", marks=pytest.mark.long), "compiled"])
def test_one_worker_takes_the_longest_shard_of_each_batch(engine):
    expected = import_module("expected")
    truth = 10_000 / 500 * expected.lone_worker()
    recursion, spread = expected.last_delivery(10_000, workers=1)
    times = [last_of(1, engine, seed) for seed in range(1, 6)]
    assert recursion == pytest.approx(truth, abs=4 * spread / sqrt(expected.RECURSIONS))
    assert fmean(times) == pytest.approx(truth, abs=4 * spread / sqrt(len(times)))
    assert 4 * spread / sqrt(len(times)) < 0.05 * truth
    assert last_of(2, engine, 1) < 0.8 * truth


def test_the_table_says_what_is_off_and_what_is_not_there():
    speed = import_module("speed")
    truth = import_module("expected").w1_latency()
    simpy = {"requests": 1000, "seconds": 1.0, "latency": [0.999 * truth, 1.001 * truth] * 10}
    wrong = {"requests": 1000, "seconds": 0.1, "latency": [1.009 * truth, 1.011 * truth] * 10}
    missing = {("Ciw", "W1"): speed.reason(FileNotFoundError()), ("salabim", "W1"): speed.reason(failure("ValueError"))}
    table = {row[0]: row for row in speed.rows("W1", {(speed.SIMPY, "W1"): [simpy], ("Cimba", "W1"): [wrong]}, missing)}
    assert table.keys() == {speed.SIMPY, "Cimba", "Ciw", "salabim"}
    assert speed.OFF in table["Cimba"][-1] and speed.OFF not in table[speed.SIMPY][-1]
    assert table["Cimba"][4] == "10" and table["Ciw"][1] == "not installed" and speed.FAILED in table["salabim"][1]
    assert speed.reason(failure("ModuleNotFoundError")) == "not installed"


def failure(error: str) -> subprocess.CalledProcessError:
    return subprocess.CalledProcessError(1, "program", stderr=f"Traceback:\n  somewhere\n{error}: what was wrong\n")


def test_the_road_has_its_parts(monkeypatch):
    road = import_module("road")
    for owner, methods in road.PARTS.values():
        for method in methods:
            monkeypatch.setattr(owner, method, getattr(owner, method))
    table = {row[0]: [float(cell) for cell in row[1:]] for row in road.plays(100_000, 1)}
    assert list(table) == ["pull", "cached_pull", "push", "hybrid"]
    for whole, *parts, _ in table.values():
        assert sum(parts) == pytest.approx(whole, abs=0.03) and min(parts[0], parts[2]) > 0


def test_caches_tell_the_miss_ratio_of_every_policy():
    caches = import_module("caches")
    keys = caches.drawn()[:20_000]
    table = {row[0]: row[1:] for row in caches.rows(keys, 1)}
    ratios = {name: float(cells[0].partition("(")[2].removesuffix(" %)")) for name, cells in list(table.items())[:6]}
    assert list(ratios) == ["lru", "fifo", "clock", "sieve", "random", "Belady"]
    assert min(ratios, key=ratios.get) == "Belady" and ratios["sieve"] < ratios["lru"] < ratios["fifo"]


def test_structures_tell_what_they_write():
    structures = import_module("structures")
    table = {row[0]: [float(cell) for cell in row[1:]] for row in structures.rows(100_000, 1)}
    assert table["LSM tree, leveling"][1] > table["LSM tree, tiering"][1] > table["LSM tree, FIFO"][1] == 1.0
    assert 1.0 <= table["B-tree"][1] < 1.1
    assert table["LSM tree, leveled, in files"][3] < table["LSM tree, leveled, in files"][1]


def test_tables_have_a_place_in_the_readme(tmp_path, monkeypatch):
    page = import_module("page")
    before = page.README.read_text(encoding="utf-8")
    monkeypatch.setattr(page, "README", tmp_path / "README.md")
    for name in ("speed", "road", "growth", "caches", "structures", "start"):
        page.README.write_text(before, encoding="utf-8")
        page.write(name, "| first |")
        page.write(name, "| second |")
        after = page.README.read_text(encoding="utf-8")
        assert "| second |" in after and "| first |" not in after
        assert after.count("<!-- ") == before.count("<!-- ") == 12
    with pytest.raises(ValueError, match="no place for nothing"):
        page.write("nothing", "text")
