"""The results that are kept in the repository: what each shipped scenario printed."""

from __future__ import annotations

import csv
from pathlib import Path

from simsys.experiment.result import Row
from simsys.report.files import NAMES

RESULTS = Path(__file__).parents[1] / "results"
KEPT = {name for name in NAMES if name != "manifest.json" and not name.endswith(".png")}
"""Not kept: the manifest, which differs from run to run, and PNG, which says what SVG says."""


def rows(scenario: str) -> dict[tuple[str, str, str], Row]:
    """The rows of a scenario by (strategy, subject, metric)."""
    with (RESULTS / scenario / "rows.csv").open(newline="") as file:
        found = [Row(*(read(name, cell) for name, cell in line.items())) for line in csv.DictReader(file)]
    return {(row.strategy, row.subject, row.metric): row for row in found}


def read(name: str, cell: str) -> object:
    if name in ("value", "low", "high"):
        return float(cell) if cell else None
    return {} if name == "point" else cell
