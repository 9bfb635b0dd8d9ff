"""The results that are kept in the repository: what each shipped scenario printed."""

from __future__ import annotations

import csv
from pathlib import Path

from simsys.experiment.result import Row
from simsys.report.files import NAMES, PAGE

RESULTS = Path(__file__).parents[1] / "results"
KEPT = {name for name in NAMES if name not in ("manifest.json", PAGE) and not name.endswith(".png")}
"""Not kept: the manifest, which differs from run to run; PNG, which says what SVG says; the page, which is large."""


def rows(scenario: str) -> dict[tuple[str, str, str], Row]:
    """The rows of a scenario by (strategy, subject, metric)."""
    with (RESULTS / scenario / "rows.csv").open(newline="") as file:
        found = [Row(*(read(name, cell) for name, cell in line.items())) for line in csv.DictReader(file)]
    return {(row.strategy, row.subject, row.metric): row for row in found}


def read(name: str, cell: str) -> object:
    if name in ("value", "low", "high"):
        return float(cell) if cell else None
    return {} if name == "point" else cell
