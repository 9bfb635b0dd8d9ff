"""When a figure that was drawn agrees with one that was derived."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

import pytest

from simsys.experiment.result import Result


def holds(values: Sequence[float], truth: float, band: float) -> None:
    """One value per replication: within three standard errors of the truth, and these within the band (absolute)."""
    error = 3 * stdev(values) / sqrt(len(values))
    assert error <= band, f"three standard errors of {error:.3g} are more than the band of {band:.3g}"
    assert fmean(values) == pytest.approx(truth, abs=error)


def each(result: Result, subject: str, metric: str) -> list[float]:
    """The figure of each replication, of a run with one strategy."""
    (strategy,) = {row.strategy for row in result.rows}
    return of(result, strategy, subject, metric)


def of(result: Result, strategy: str, subject: str, metric: str) -> list[float]:
    """The figure of each replication, of one strategy."""
    (row,) = (row for row in result.rows if (row.strategy, row.subject, row.metric) == (strategy, subject, metric))
    assert row.value is not None
    return [row.value + deviation for deviation in row.deviations]
