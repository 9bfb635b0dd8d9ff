"""The files of a doubt: the JSON object, a line of CSV per factor that was tried, the page, and the tornado."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from math import isfinite
from typing import Any

from simsys.experiment.doubt import Doubt, Doubts
from simsys.experiment.work import Turn
from simsys.report import files
from simsys.report.charts import drawn
from simsys.report.doubt import shown
from simsys.report.doubt_chart import tornado


def told(doubts: Doubts) -> dict[str, Any]:
    """What `--json` prints. `lead` is null where the winner keeps its promises alone, 0 where it misses one."""
    result = doubts.result
    return {
        "scenario": result.scenario, "version": result.version, "seed": result.seed, "winner": doubts.winner or None,
        "verdict": "undecided" if doubts.open else "stands", "lead": _finite(doubts.lead),
        "least_work": doubts.least_work, "doubts": [_doubt(one) for one in doubts.doubts],
        "break_even": None if doubts.ratio is None else _doubt(doubts.ratio),
    }  # fmt: skip


def contents(doubts: Doubts, resolved: str, page: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file but the manifest."""
    yield "scenario.yaml", resolved.encode()
    yield "doubt.csv", _csv(doubts).encode()
    yield "metrics.json", files.to_json(told(doubts)).encode()
    yield "table.txt", page.encode()
    yield from drawn("doubt", lambda: tornado(doubts))


def _doubt(one: Doubt) -> dict[str, Any]:
    a = one.assumption
    return {
        "path": a.path, "value": shown(a.value), "low": a.low, "high": a.high, "grade": a.grade or None,
        "source": a.source or None, "range_stated": a.stated,
        "tried": [
            {"factor": p.factor, "winner": p.winner or None, "lead": _finite(p.lead), "problem": p.problem or None}
            for p in one.probes
        ],
        "turns": [_turn(turn) for turn in one.turns], "by_work": [_turn(turn) for turn in one.by_work],
    }  # fmt: skip


def _turn(turn: Turn) -> dict[str, Any]:
    return {"factor": float(f"{turn.factor:.6g}"), "winner": turn.winner or None}


def _csv(doubts: Doubts) -> str:
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("path", "assumed", "grade", "factor", "value", "winner", "lead"))
    every = [*doubts.doubts, *([doubts.ratio] if doubts.ratio is not None else [])]
    for one in every:
        a = one.assumption
        for p in one.probes:
            cells = (a.path, shown(a.value), a.grade, p.factor, shown(a.at(p.factor)), p.winner, _finite(p.lead))
            writer.writerow([files.cell(each) for each in cells])
    return file.getvalue()


def _finite(value: float) -> float | None:
    return float(f"{value:.12g}") if isfinite(value) else None
