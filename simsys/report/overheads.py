"""What storage engines pay for reads, for changes and in bytes, on one picture: less of one is more of another.

Source: Athanassoulis et al., Designing access methods: the RUM conjecture, EDBT 2016.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from simsys.experiment.result import Result
from simsys.measure.storage import STORAGE
from simsys.report import style
from simsys.report.canvas import canvas, legend
from simsys.report.style import three

LARGEST = 900.0
"""The area of the point of most bytes, in square points."""


class Overhead(NamedTuple):
    """Of one strategy: its place, blocks looked at per look-up, bytes written per byte changed, and bytes on the device
    and in memory per live byte.
    """

    number: int
    read: float
    update: float
    memory: float


def overheads_of(result: Result) -> list[Overhead]:
    """The three overheads of every strategy that has them."""
    metrics = ("touched", "write_amplification", "space_amplification", "memory")
    found = []
    for number, played in enumerate(result.played):
        values = [result.value(played.strategy, STORAGE, metric) for metric in metrics]
        if None not in values:
            read, update, kept, memory = (value or 0.0 for value in values)
            found.append(Overhead(number, read, update, kept + memory))
    return found


def overheads(result: Result) -> Any:
    """Reads across, changes upwards, bytes as the area of a point."""
    points = overheads_of(result)
    if not points:
        return None
    figure, (panel,) = canvas(8, 4.6)
    most = max(point.memory for point in points)
    for point in points:
        area = LARGEST * point.memory / most
        panel.scatter(point.read, point.update, s=area, color=style.colour(point.number), alpha=0.75, linewidths=0)
        said = {"xytext": (7 + area**0.5 / 2, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
        panel.annotate(f"{three(point.memory)} B", (point.read, point.update), **said)
    panel.set_xlim(0, 1.25 * max(point.read for point in points))
    panel.set_ylim(0, 1.25 * max(point.update for point in points))
    panel.set_xlabel("read: blocks looked at per look-up, in memory or not")
    panel.set_ylabel("update: bytes written per byte changed")
    title = "area: bytes on the device and in memory per live byte"
    panel.set_title(title, fontweight="normal", fontsize=10)
    figure.suptitle("Read, update, memory: who pays what?", x=0.01, ha="left", fontsize=11, fontweight="bold")
    legend(figure, result)
    return figure
