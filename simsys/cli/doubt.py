"""simsys doubt: which assumption changes the winner, and at which factor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsys.cli.app import (
    WRONG,
    By,
    Cluster,
    Engine,
    File,
    Insecure,
    Jobs,
    Json,
    Out,
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
from simsys.cli.terminal import say

if TYPE_CHECKING:
    from simsys.scenario import Scenario

Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=LOW..HIGH", help="Doubt this value, too; may be repeated."),
]


def doubt(
    context: typer.Context,
    file: File,
    sets: Sets = None,
    vary: Vary = None,
    engine: By = Engine.auto,
    seed: Seed = None,
    jobs: Jobs = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    cluster: Cluster = None,
    insecure: Insecure = False,
) -> None:
    """Move every default of grade C and D through its range, and say what changes the winner."""
    scenario = loaded(file, changes(sets, seed))
    who = context.with_resource(crew(cluster, insecure, jobs))
    fits(estimated(scenario, who.size, engine), who)
    from simsys.experiment.assumptions import asked
    from simsys.experiment.doubt import doubt as doubted
    from simsys.report import doubt as words
    from simsys.report import files
    from simsys.report.doubt_files import contents, told
    from simsys.scenario import write_scenario

    try:
        given = asked(scenario, vary or ())
    except ValueError as error:
        raise Stop(WRONG, f"--vary {error}") from None
    started = datetime.now(UTC)
    with played_into(out or Path("results") / f"{scenario.name}-doubt", quiet) as (folder, journal):
        play = judge(journal, who, engine, quiet)
        doubts = doubted(scenario, partial(_changed, file, changes(sets, seed)), play, given)
        written = dict(contents(doubts, write_scenario(scenario, folder), words.page(doubts)))
        keep(folder, written, started, doubts.result.engine)
        journal.prune()
    say(files.to_json(told(doubts)) if json else words.page(doubts))


def _changed(file: str, sets: Sequence[str], more: Sequence[str]) -> Scenario:
    from simsys.scenario import load_scenario

    return load_scenario(file, [*sets, *more])
