"""Every shipped scenario prints what `results/` holds, byte for byte: tables, rows, charts, resolved scenario.

Whoever changes a default or a plan on purpose runs `make results`, and sees in the difference what it moved.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kept import KEPT, RESULTS

from simsys.experiment.run import run
from simsys.experiment.workers import cores
from simsys.report import files
from simsys.report.page import page
from simsys.scenario import load_scenario, shipped, write_scenario


def jobs() -> int:
    """The cores that the other workers of the tests leave, and one's own."""
    return max(1, cores() + 1 - int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def played(name: str, folder: Path) -> dict[str, bytes]:
    """What a run of the scenario would write to the folder, without the files that are not kept."""
    scenario = load_scenario(name)
    result = run(scenario, jobs())
    contents = files.contents(result, write_scenario(scenario, folder), page(scenario, result))
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


def test_they_are_small() -> None:
    sizes = {path: path.stat().st_size for path in RESULTS.glob("*/*") if path.name in KEPT}
    assert sum(sizes.values()) < 4e6
