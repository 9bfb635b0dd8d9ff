"""simsys tune: the best value of a dial among those that keep every promise."""

from __future__ import annotations

from collections.abc import Sequence
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
    from simsys.experiment.dials import Dial
    from simsys.experiment.tune import Trial, Values
    from simsys.scenario import Scenario, SloRule

Vary = Annotated[list[str], typer.Option("--vary", metavar="PATH=LOW..HIGH", help="A dial to turn; up to three.")]
Minimise = Annotated[str, typer.Option(metavar="METRIC", help="What to make small, as in cost or 'read p99'.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Else results/SCENARIO-tune.")]


def tune(
    context: typer.Context,
    file: File,
    vary: Vary,
    minimise: Minimise = "cost",
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
    """Find the value of a dial that makes a figure small and keeps every promise."""
    given = changes(sets, seed)
    scenario = loaded(file, given)
    dials, objective = _dials(vary), _objective(scenario, minimise)
    _ends(file, given, dials)
    numbers = _strategies(scenario, dials)
    who = context.with_resource(crew(cluster, insecure, jobs))
    fits(estimated(scenario, who.size, engine), who)
    from simsys.experiment.setting import settings
    from simsys.experiment.tune import tune as tuned
    from simsys.report import files
    from simsys.report import tune as words
    from simsys.scenario import write_scenario

    started = datetime.now(UTC)
    with played_into(out or Path("results") / f"{scenario.name}-tune", quiet) as (folder, journal):
        play = judge(journal, who, engine, quiet)
        found = []
        for number in numbers:
            own = any(dial.path.startswith("strategies.") for dial in dials)  # its label would tell the knob's value
            name = settings(_alone(scenario, number) if own else scenario)[0 if own else number].label
            if not quiet:
                whisper(f"{scenario.name}: {name} at {words.grid(dials)} values first, then finer around the best\n")
            found.append(tuned(name, dials, partial(_at, file, given, dials, number, objective, play)))
        page = words.page(scenario, found, objective)
        written = dict(words.contents(scenario, found, objective, write_scenario(scenario, folder), page))
        keep(folder, written, started, engine.value)
        journal.prune()
    say(files.to_json(words.told(scenario, found, objective)) if json else page)
    if all(each.best is None for each in found):
        raise Stop(NOT_KEPT)


def _dials(vary: Sequence[str]) -> list[Dial]:
    from simsys.experiment.dials import read_dial
    from simsys.experiment.tune import GRID

    dials = []
    for text in vary:
        try:
            dials.append(read_dial(text))
        except ValueError as error:
            raise Stop(WRONG, f"--vary {text}: {error}") from None
    if len(dials) > max(GRID) or len({dial.path for dial in dials}) < len(dials):
        raise Stop(WRONG, f"--vary: at most {max(GRID)} dials, each once")
    return dials


def _objective(scenario: Scenario, text: str) -> SloRule:
    from simsys.experiment.setting import settings
    from simsys.scenario.promises import read_objective, resolved

    try:
        ops = settings(scenario)[0].ops
        stores = any(strategy.counts for strategy in scenario.strategies)
        return resolved(read_objective(text), ops, list(scenario.stations), list(scenario.caches), stores)
    except ValueError as error:
        hint = getattr(error, "hint", "")
        raise Stop(WRONG, f"--minimise {text}: {error}{hint and f'; did you mean {hint!r}?'}") from None


def _ends(file: str, given: Sequence[str], dials: Sequence[Dial]) -> None:
    """The scenario must be there at both ends, or none of it is played."""
    for dial in dials:
        for value in (dial.low, dial.high):
            loaded(file, [*given, f"{dial.path}={dial.text(value)}"])


def _strategies(scenario: Scenario, dials: Sequence[Dial]) -> list[int]:
    """Which strategies are tuned, by their place: the one whose knobs are turned, or all."""
    from simsys.scenario.paths import parse_path
    from simsys.strategies import label

    heads = {parse_path(dial.path)[1] for dial in dials if dial.path.startswith("strategies.")}
    named = [
        number
        for number, strategy in enumerate(scenario.strategies)
        if {str(number), label(strategy, alone=True)} & heads
    ]
    if heads and len(named) != 1:
        raise Stop(WRONG, "--vary: the knobs of one strategy at a time, as every strategy is tuned on its own")
    return named or list(range(len(scenario.strategies)))


def _alone(scenario: Scenario, number: int) -> Scenario:
    """The scenario with one of its strategies only."""
    return scenario.model_copy(update={"strategies": (scenario.strategies[number],)})


def _at(
    file: str,
    given: Sequence[str],
    dials: Sequence[Dial],
    number: int,
    objective: SloRule,
    play: Judge,
    asked: Sequence[Values],
) -> list[Trial]:
    from simsys.experiment.tune import trial

    points = [
        [f"{dial.path}={dial.text(value)}" for dial, value in zip(dials, values, strict=True)] for values in asked
    ]
    scenarios = [_alone(loaded(file, [*given, *point]), number) for point in points]
    return [
        trial(values, result, objective, scenario.slo)
        for values, scenario, result in zip(asked, scenarios, play(scenarios), strict=True)
    ]
