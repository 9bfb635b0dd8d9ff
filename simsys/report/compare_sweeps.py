"""What a comparison of two sweeps says: point by point, at how many of them a figure differs surely."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from simsys import __version__
from simsys.experiment.compare import Compared
from simsys.report.compare import SAID, WIDTH, named
from simsys.report.style import listed, short
from simsys.report.sweep import named as at

MOST = 4
"""Figures that are printed; JSON has all."""


class Swept(NamedTuple):
    """Two strategies, as they are called, and their figures at every point that both sweeps have."""

    first: str
    second: str
    points: tuple[tuple[Mapping[str, Any], tuple[Compared, ...]], ...]
    left_out: int
    """Points that only one of them has."""


def page(found: Sequence[Swept]) -> str:
    """A sentence and a table per pair of strategies."""
    parts = []
    for each in found:
        parts += [textwrap.fill(answer(each), WIDTH, break_on_hyphens=False), "\n".join(_table(each))]
    return "\n\n".join(parts) + "\n"


def answer(swept: Swept) -> str:
    """Of the figures that matter most, at how many points they differ, and between which ratios."""
    told = "; ".join(_told(swept, label) for label in _labels(swept)) or "no figure in common"
    alone = f" {swept.left_out} points are in one of them only." if swept.left_out else ""
    pairs = all(each.paired for _, figures in swept.points for each in figures if each.metric in SAID)
    how = "in pairs" if pairs else "not all in pairs, as the replications are not the same"
    return f"{swept.second} against {swept.first}, at {len(swept.points)} points: {told} ({how}).{alone}"


def _told(swept: Swept, label: str) -> str:
    mine = [each for _, figures in swept.points for each in figures if named(each) == label]
    words = {"less": "surely less", "more": "surely more", "same": "the same", "cannot tell": "not to be told apart"}
    counts = {word: sum(each.verdict == verdict for each in mine) for verdict, word in words.items()}
    ratios = [each.ratio for each in mine if each.ratio is not None]
    ends = list(dict.fromkeys(f"{end:.3g}" for end in (min(ratios), max(ratios)))) if ratios else []
    span = f", {' to '.join(ends)} times as large" if ends not in ([], ["1"]) else ""
    return f"{label} is {listed([f'{word} at {count}' for word, count in counts.items() if count])}{span}"


def _labels(swept: Swept) -> list[str]:
    """The figures that matter most, the usual order of metrics first."""
    every = [each for _, figures in swept.points for each in figures]
    found = dict.fromkeys(named(each) for metric in SAID for each in every if each.metric == metric)
    cost = [label for label in found if label == "cost"]
    return [label for label in found if label != "cost"][: MOST - len(cost)] + cost


def _table(swept: Swept) -> Iterator[str]:
    """A line per point: the ratio of each figure, and what can be said of the difference."""
    labels = _labels(swept)
    lines = [["", *(short(label, 16) for label in labels)]]
    for point, figures in swept.points:
        known = {named(each): each for each in figures}
        where = short(at({path: str(value) for path, value in point.items()}), 28)
        lines.append([where, *(_cell(known.get(label)) for label in labels)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        aligned = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield f"{name:<{widths[0]}}  {aligned}".rstrip()


def _cell(each: Compared | None) -> str:
    if each is None or each.ratio is None:
        return "–"
    return f"× {each.ratio:.3g} {each.verdict if each.verdict != 'cannot tell' else '?'}"


def told(found: Sequence[Swept]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "version": __version__,
        "pairs": [
            {
                "first": each.first, "second": each.second, "point": dict(point),
                "figures": [figure._asdict() for figure in figures],
            }
            for each in found
            for point, figures in each.points
        ],
    }  # fmt: skip
