"""simsys run: every strategy of a scenario under the same requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsys.cli.app import (
    FAULT,
    NOT_KEPT,
    WRONG,
    By,
    Cluster,
    DryRun,
    Engine,
    File,
    Insecure,
    Jobs,
    Json,
    Limit,
    Out,
    Quiet,
    Seed,
    Sets,
    Stop,
    changes,
    limits,
    loaded,
)
from simsys.cli.crew import Crew, crew
from simsys.cli.results import keep, played_into
from simsys.cli.terminal import colour, progress, say, whisper

if TYPE_CHECKING:
    from simsys.experiment.estimate import Estimate
    from simsys.experiment.result import Result
    from simsys.experiment.workers import Limits
    from simsys.report.draughtsman import Charts
    from simsys.scenario import Scenario


def run(
    context: typer.Context,
    file: File,
    sets: Sets = None,
    engine: By = Engine.auto,
    seed: Seed = None,
    jobs: Jobs = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    limit: Limit = None,
    cluster: Cluster = None,
    insecure: Insecure = False,
    require: Annotated[
        str | None, typer.Option(metavar="NAME", help="Exit 99 unless this strategy keeps every promise.")
    ] = None,
) -> None:
    """Play every strategy of a scenario under the same requests."""
    with nullcontext() if dry_run else _draughtsman(jobs) as draw:
        from simsys.experiment.engines import compiling_ahead

        context.with_resource(compiling_ahead(engine.value))
        scenario = loaded(file, changes(sets, seed))
        _known(scenario, require)
        who = context.with_resource(crew(cluster, insecure, jobs, limit))
        plan = estimated(scenario, who.size, engine)
        if draw is None:
            from simsys.report.explain import dry_run as told

            return say(told(scenario, plan))
        fits(plan, who)
        if not quiet:
            whisper(_forecast(scenario, plan))
        result = _played(scenario, draw, who, engine, out, json, quiet, limits(limit, plan.limits))
    if not all(audit.ok for audit in result.audits):
        raise Stop(FAULT, "simsys: an audit failed, the figures are not to be trusted; see 'audits'")
    if result.slo and not _kept(result, require):
        raise Stop(NOT_KEPT)


@contextmanager
def _draughtsman(jobs: int | None) -> Iterator[Callable[[Result], Charts]]:
    """Who draws the charts; called before all else is imported, as it takes time to get ready."""
    from simsys.experiment.workers import WorkerError, cores
    from simsys.report.draughtsman import draughtsman

    try:
        with draughtsman(jobs or cores()) as draw:
            yield draw
    except WorkerError as error:
        raise Stop(FAULT, f"simsys: {error}") from None


def _known(scenario: Scenario, strategy: str | None) -> None:
    from simsys.experiment.setting import settings

    names = [setting.label for setting in settings(scenario)]
    if strategy is not None and strategy not in names:
        raise Stop(WRONG, f"--require: there is no strategy '{strategy}' here, but {', '.join(names)}")


def estimated(scenario: Scenario | Sequence[Scenario], jobs: int | None, engine: Engine) -> Estimate:
    """What the run would take."""
    from simsys.experiment.engines import NotCompiled
    from simsys.experiment.estimate import estimate

    try:
        return estimate(scenario, jobs, engine.value)
    except NotCompiled as error:
        raise Stop(WRONG, f"simsys: {error}") from None


def fits(plan: Estimate, who: Crew) -> None:
    """A run that needs much more than all memory of this machine is not begun on it."""
    from simsys.experiment.estimate import memory
    from simsys.units import show_count, show_size

    room = memory()
    if who.players is None and plan.memory > 2 * room:
        needs = f"{show_count(plan.requests)} requests per play need about {show_size(plan.memory)} of memory"
        raise Stop(WRONG, f"simsys: {needs}, and there are {show_size(room)}: give fewer run.requests or --jobs")


def _forecast(scenario: Scenario, plan: Estimate) -> str:
    from simsys.report.explain import about, slower

    strategies = len(scenario.strategies)
    each = f"{strategies} strateg{'y' if strategies == 1 else 'ies'} × {plan.plays // strategies} replications"
    lines = [f"{scenario.name}: {each} = {plan.plays} plays, about {about(plan.seconds)}", *slower(scenario)]
    return "".join(f"{line}\n" for line in [*lines, *compilation(plan)])


def compilation(plan: Estimate) -> list[str]:
    """A line that says how long it takes to compile the engine, if that must be done."""
    from simsys.experiment.engines import COMPILATION, kernel_is_ready
    from simsys.report.explain import about

    when = "once" if kernel_is_ready() is not None else "in every run, as its cache cannot be written"
    return [f"compiling the engine, {when}: about {about(COMPILATION)}"] if plan.compiles else []


def _played(
    scenario: Scenario,
    draw: Callable[[Result], Charts],
    who: Crew,
    engine: Engine,
    out: Path | None,
    json: bool,
    quiet: bool,
    most: Limits,
) -> Result:
    """Play, write the results, and print them."""
    from simsys.experiment.run import run as play
    from simsys.report import files
    from simsys.report.page import page
    from simsys.scenario import write_scenario

    started = datetime.now(UTC)
    with played_into(out or Path("results") / scenario.name, quiet) as (folder, journal):
        result = play(scenario, who.size, None if quiet else progress(), engine.value, journal, most, who.players)
        drawn = draw(result)
        text = page(scenario, result)
        written = dict(files.contents(result, write_scenario(scenario, folder), text, drawn))
        keep(folder, written, started, result.engine)
        journal.prune()
    say(files.to_json(files.told(result)) if json else page(scenario, result, colour()))
    return result


def _kept(result: Result, strategy: str | None) -> bool:
    """Whether some strategy, or the one that is asked for, surely keeps every promise."""
    names = {verdict.strategy for verdict in result.slo} if strategy is None else {strategy}
    return any(all(v.verdict == "kept" for v in result.slo if v.strategy == name) for name in names)
