"""Figures in prose: each is a row of `results/` as it is printed, or a value of the scenario, and none is left over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simsys.experiment.result import Row
from simsys.report.style import half_width, text

Rows = Mapping[tuple[str, str, str], Row]


def sources(figures: str) -> list[tuple[str, str]]:
    """What is said, and where that stands, from lines of `1.16k$/month   pull system cost`."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in figures.strip().splitlines()]
    return [(said, where) for said, where in lines]


def number(where: str, kept: Rows, given: Any) -> str:
    """The figure of a row (`pull system cost`, half its interval with `±` before) or of a place in the scenario."""
    words = where.removeprefix("± ").split()
    if len(words) == 3:
        row = kept[words[0], words[1], words[2]]
        return half_width(row) if where.startswith("±") else text(row)
    for step in where.split("/"):
        given = given[int(step) if step.isdecimal() else step]
    return str(given)


def wrong(told: str, figures: str, kept: Rows, given: Any = None) -> list[str]:
    """What is not told, or is told otherwise than where it stands."""
    stands = [(said, where, number(where, kept, given)) for said, where in sources(figures)]
    return [
        f"{said}: {where} is {figure}"
        for said, where, figure in stands
        if said not in told or re.match(rf"{re.escape(figure)}(?![\d.])", said) is None
    ]


def unchecked(told: str, figures: str) -> list[str]:
    """The numbers in a text that are none of the figures."""
    for words in sorted((said for said, _ in sources(figures)), key=len, reverse=True):
        told = re.sub(rf"(?<![\d.]){re.escape(words)}(?!\d)", "", told)
    return re.findall(r"(?<![a-z])\d[\d.,]*", re.sub(r"p(?:50|99)\b", "", told))
