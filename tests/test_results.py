"""Every shipped scenario prints what `results/` holds, byte for byte: tables, rows, charts, resolved scenario.

Whoever changes a default or a plan on purpose runs `make results`, and sees in the difference what it moved.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kept import KEPT, RESULTS, SWEPT
from matplotlib.backends.backend_agg import FigureCanvasAgg

from simsys.experiment.evaluate import evaluate
from simsys.experiment.journal import Journal
from simsys.experiment.points import axes_of, points_of, scenarios_at
from simsys.experiment.run import run
from simsys.experiment.sweep import sweep_of
from simsys.experiment.workers import cores
from simsys.report import charts, files
from simsys.report.page import page
from simsys.report.sweep import contents
from simsys.scenario import load_scenario, shipped, write_scenario

PLAYS = Journal()
"""What a scenario and its sweep have in common is played once, if the same process tests both."""


@pytest.fixture(autouse=True)
def no_png(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not kept is not drawn."""
    monkeypatch.setattr(FigureCanvasAgg, "print_png", lambda *_, **__: None)


def jobs() -> int:
    """The cores that the other workers of the tests leave, and one's own."""
    return max(1, cores() + 1 - int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def played(name: str, folder: Path) -> dict[str, bytes]:
    """What a run of the scenario would write to the folder, without the files that are not kept."""
    scenario = load_scenario(name)
    result = run(scenario, jobs(), journal=PLAYS)
    contents = files.contents(result, write_scenario(scenario, folder), page(scenario, result), charts.charts(result))
    return {name: content for name, content in contents if name in KEPT}


def test_there_is_a_folder_for_every_shipped_scenario() -> None:
    assert shipped().keys() <= {path.name for path in RESULTS.iterdir()}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_scenario_prints_what_is_kept(name: str) -> None:
    folder = RESULTS / name
    new = played(name, folder)
    kept = {file: (folder / file).read_bytes() for file in sorted(KEPT) if (folder / file).exists()}
    text = "table.txt"
    assert new[text].decode() == kept[text].decode()
    assert new.keys() == kept.keys()
    assert [file for file in new if new[file] != kept[file]] == []


SWEEPS = [name for name in sorted(shipped()) if load_scenario(name).sweep]


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_prints_what_is_kept(name: str) -> None:
    scenario, folder = load_scenario(name), RESULTS / f"{name}-sweep"
    points = points_of(axes_of(scenario, ()))
    scenarios = scenarios_at(name, (), points)
    sweep = sweep_of(points, scenarios, evaluate(scenarios, jobs(), journal=PLAYS))
    new = {file: content for file, content in contents(sweep, "") if file in SWEPT}
    assert new["table.txt"].decode() == (folder / "table.txt").read_text()
    assert new == {file: (folder / file).read_bytes() for file in SWEPT if (folder / file).exists()}


@pytest.mark.parametrize("folder", sorted(path for path in RESULTS.iterdir() if path.is_dir()), ids=lambda p: p.name)
def test_they_are_small(folder: Path) -> None:
    kept = SWEPT if folder.name.endswith("-sweep") else KEPT
    assert sum(path.stat().st_size for path in folder.iterdir() if path.name in kept) < 1e6
