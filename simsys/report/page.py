"""What a run prints: the answer, the table, the slowest, the reasons, and the figures that all of it rests on."""

from __future__ import annotations

import re
import textwrap

from simsys.experiment.result import Result
from simsys.report.explain import grades
from simsys.report.reasons import reasons
from simsys.report.table import WIDTH, table
from simsys.report.tail import tail
from simsys.report.words import answer
from simsys.scenario import Scenario
from simsys.units import printable


def page(scenario: Scenario, result: Result, colour: bool = False) -> str:
    """The text of a run, the answer first, at most 80 columns wide."""
    paragraphs = [textwrap.fill(answer(result), WIDTH), table(result, colour).rstrip("\n"), tail(result, colour)]
    kinds = {kind for played in result.played for kind, _, _ in played.bill}
    weak = grades(scenario, {row.subject for row in result.rows}, kinds)
    paragraphs += [textwrap.fill(reasons(result), WIDTH), weak]
    return _visible("\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n", colour)


def _visible(text: str, colour: bool) -> str:
    """The text without what a name could do to a terminal, but for the colours if there are some."""
    parts = re.split(r"(\n|\x1b\[\d+m)" if colour else r"(\n)", text)
    return "".join(part if i % 2 else printable(part, len(part)) for i, part in enumerate(parts))
