"""simsys compare: two runs, or two strategies, figure by figure."""

from __future__ import annotations

from collections.abc import Collection
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsys.cli.app import WRONG, Json, Stop
from simsys.cli.terminal import say

if TYPE_CHECKING:
    from simsys.experiment.result import Result, Row

Run = Annotated[str, typer.Argument(metavar="RUN", help="A folder of results, or DIR:STRATEGY.")]


def compare(first: Run, second: Run, json: Json = False) -> None:
    """Compare the second run or sweep with the first: ratio and difference of every figure, and whether it is sure."""
    from simsys.experiment.compare import compare as compared
    from simsys.experiment.compare import partners
    from simsys.report import compare_sweeps, files
    from simsys.report.compare import Pair, page, told
    from simsys.report.compare_sweeps import Swept

    (one, name), (other, its) = _read(first), _read(second)
    here, there = _by_point(one), _by_point(other)
    points = _common(first, here, second, there)
    whom = [(name or its, its or name)] if name or its else list(partners(one, other))
    for result, run, wanted in ((one, first, {a for a, _ in whom}), (other, second, {b for _, b in whom})):
        if not whom or not wanted <= set(result.strategies):
            known = f"{run} has the strategies {', '.join(result.strategies)}"
            raise Stop(WRONG, f"simsys: nothing to compare: {known}; name one, as in DIR:STRATEGY")
    if points:
        left_out = len(here.keys() ^ there.keys())
        swept = [
            Swept(_called(first, a), _called(second, b), tuple(
                (loads(at), tuple(compared((here[at], a), (there[at], b)))) for at in points), left_out)
            for a, b in whom
        ]  # fmt: skip
        say(files.to_json(compare_sweeps.told(swept)) if json else compare_sweeps.page(swept))
        return
    pairs = [
        Pair(_called(first, a), _called(second, b), tuple(compared((one, a), (other, b)))) for a, b in whom
    ]  # fmt: skip
    say(files.to_json(told(pairs)) if json else page(pairs))


def _common(first: str, here: Collection[str], second: str, there: Collection[str]) -> list[str]:
    """The points that two sweeps have in common, in the order of the first; none of two runs."""
    if bool(here) != bool(there):
        raise Stop(WRONG, f"simsys: {first if here else second} is of a sweep and the other of a run")
    points = [at for at in here if at in there]
    if here and not points:
        raise Stop(WRONG, f"simsys: {first} and {second} have no point in common")
    return points


def _by_point(result: Result) -> dict[str, Result]:
    """The figures at each point of a sweep; of a run there is none."""
    from dataclasses import replace

    from simsys.experiment.points import key

    rows: dict[str, list[Row]] = {}
    for row in result.rows:
        if row.point:
            rows.setdefault(key(row.point), []).append(row)
    return {at: replace(result, rows=tuple(mine)) for at, mine in rows.items()}


def _called(run: str, strategy: str) -> str:
    return f"{run.removesuffix(f':{strategy}')}:{strategy}"


def _read(run: str) -> tuple[Result, str]:
    """The result of a folder, and the strategy that is named; else empty."""
    from simsys.report.files import NotResults
    from simsys.report.html.searches import Search, read

    folder, colon, strategy = run.rpartition(":")
    if not colon or Path(run).exists():
        folder, strategy = run, ""
    try:
        kept = read(Path(folder))
    except NotResults as error:
        raise Stop(WRONG, f"simsys: {error}") from None
    if isinstance(kept, Search):
        raise Stop(WRONG, f"simsys: {folder} is of a search; runs and sweeps are compared")
    return kept.result, strategy
