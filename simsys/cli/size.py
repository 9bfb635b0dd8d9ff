"""simsys size: the smallest fleet of every strategy that keeps the promises, what it costs, and how much the one as
given carries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsys.cli.app import (
    NOT_KEPT,
    WRONG,
    By,
    Cluster,
    Engine,
    File,
    Insecure,
    Jobs,
    Json,
    Quiet,
    Seed,
    Sets,
    Stop,
    changes,
    loaded,
)
from simsys.cli.crew import crew
from simsys.cli.judge import judge
from simsys.cli.results import keep, played_into
from simsys.cli.run import estimated, fits
from simsys.cli.terminal import say, whisper

if TYPE_CHECKING:
    from simsys.cli.judge import Judge
    from simsys.experiment.size import Sized
    from simsys.report.size import Sizes
    from simsys.scenario import Scenario

Budget = Annotated[
    str | None, typer.Option(metavar="MONEY", help="How tight a promise does so much buy, as in 40k$/month?")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Else results/SCENARIO-size.")]


def size(
    context: typer.Context,
    file: File,
    budget: Budget = None,
    sets: Sets = None,
    engine: By = Engine.auto,
    seed: Seed = None,
    jobs: Jobs = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    cluster: Cluster = None,
    insecure: Insecure = False,
) -> None:
    """Find the smallest fleet of each strategy that surely keeps every promise, and its cost."""
    scenario = loaded(file, changes(sets, seed))
    money = _money(scenario, budget)
    who = context.with_resource(crew(cluster, insecure, jobs))
    fits(estimated(scenario, who.size, engine), who)
    from simsys.report import files
    from simsys.report import size as words
    from simsys.report.size_files import contents, told
    from simsys.scenario import write_scenario

    started = datetime.now(UTC)
    with played_into(out or Path("results") / f"{scenario.name}-size", quiet) as (folder, journal):
        sizes = _sized(scenario, money, judge(journal, who, engine, quiet), quiet)
        page = words.page(scenario, sizes)
        written = dict(contents(scenario, sizes, write_scenario(scenario, folder), page))
        keep(folder, written, started, engine.value)
        journal.prune()
    say(files.to_json(told(scenario, sizes)) if json else page)
    if scenario.slo and not any(each.keeps for each in sizes.sized):
        raise Stop(NOT_KEPT)


def _money(scenario: Scenario, budget: str | None) -> float | None:
    from simsys.experiment.budget import promise
    from simsys.units import UnitError, parse_money

    if budget is None:
        return None
    try:
        money = parse_money(budget)
    except UnitError as error:
        raise Stop(WRONG, f"--budget: {error}") from None
    if promise(scenario) is None:
        raise Stop(WRONG, "--budget: no promise in slo keeps a time below a limit, as in read p99 < 100ms")
    return money


def _sized(scenario: Scenario, money: float | None, play: Judge, quiet: bool) -> Sizes:
    from simsys.experiment.budget import bought, promise
    from simsys.experiment.knee import knee
    from simsys.experiment.setting import settings
    from simsys.experiment.size import size as smallest
    from simsys.report.size import Sizes

    rule = promise(scenario) if money is not None else None
    sized, limits, knees = [], [], []
    for number, setting in enumerate(settings(scenario)):
        if not quiet:
            whisper(f"{scenario.name}: sizing {setting.label}\n")
        if rule is not None and money is not None:
            found = bought(scenario, rule, money, partial(_smallest, number, play))
            limits.append(found.limit)
            sized.append(found.sized)
        else:
            sized.append(smallest(scenario, number, play))
        knees.append(knee(scenario, number, play, sized[-1].never))
    return Sizes(tuple(sized), tuple(knees), money, rule, tuple(limits))


def _smallest(number: int, play: Judge, scenario: Scenario) -> Sized:
    from simsys.experiment.size import size as smallest

    return smallest(scenario, number, play)
