"""How far each replication was from each figure, as a file, so that figures of two folders can be compared in pairs."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from io import StringIO

from simsys.experiment.points import key as point_key
from simsys.experiment.result import Row
from simsys.experiment.rows import rounded

NAME = "replications.csv"
Key = tuple[str, str, str, str]
"""(strategy, point, subject, metric)"""
_COLUMNS = ("strategy", "point", "subject", "metric", "deviations")


def key(row: Row) -> Key:
    """Where a figure stands in the file."""
    return row.strategy, point_key(row.point), row.subject, row.metric


def to_csv(rows: Iterable[Row]) -> str:
    """A line per figure that differs from replication to replication: the deviations in their order, with blanks."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        if row.deviations:
            told = " ".join(repr(rounded(each)) for each in row.deviations)
            writer.writerow([*key(row), told])
    return file.getvalue()


def from_csv(text: str) -> dict[Key, tuple[float, ...]]:
    """Read it again; ValueError if it is damaged."""
    try:
        head, *lines = csv.reader(StringIO(text), strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if tuple(head) != _COLUMNS or any(len(line) != len(_COLUMNS) for line in lines):
        raise ValueError(f"expected the columns {', '.join(_COLUMNS)}")
    found = {(line[0], line[1], line[2], line[3]): tuple(map(float, line[4].split())) for line in lines}
    if not all(math.isfinite(each) for deviations in found.values() for each in deviations):
        raise ValueError("a deviation is no number")
    return found
