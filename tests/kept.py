"""The results that are kept in the repository: what each shipped scenario printed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from simsys.experiment.result import Row
from simsys.report import pairs
from simsys.report.files import NAMES, PAGE

RESULTS = Path(__file__).parents[1] / "results"
SWEPT = ("rows.csv", "table.txt", "sweep.svg", "throughput.svg")
"""What is kept of a sweep."""
KEPT = {name for name in NAMES if name not in ("manifest.json", PAGE, pairs.NAME) and not name.endswith(".png")}
"""Not kept: the manifest, which differs from run to run; PNG, which says what SVG says; the page, which is large; the
replications behind the figures."""


def rows(scenario: str) -> dict[tuple[str, str, str], Row]:
    """The rows of a scenario by (strategy, subject, metric); those of its sweep by strategy@value(@value …)."""
    found = {(row.strategy, row.subject, row.metric): row for row in table(RESULTS / scenario)}
    for row in table(RESULTS / f"{scenario}-sweep"):
        found["@".join([row.strategy, *map(str, row.point.values())]), row.subject, row.metric] = row
    return found


def table(folder: Path) -> list[Row]:
    """The rows in a folder of results; none if it is not there."""
    if not folder.exists():
        return []
    with (folder / "rows.csv").open(newline="") as file:
        return [Row(*(read(name, cell) for name, cell in line.items())) for line in csv.DictReader(file)]


def read(name: str, cell: str) -> object:
    if name in ("value", "low", "high"):
        return float(cell) if cell else None
    return json.loads(cell) if name == "point" else cell
