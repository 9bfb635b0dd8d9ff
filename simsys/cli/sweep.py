"""simsys sweep: one scenario at many points; and simsys merge: the shards of a sweep together."""

from __future__ import annotations

import json as js
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simsys.cli.app import (
    FAULT,
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
    Quiet,
    Seed,
    Sets,
    Stop,
    Vary,
    Zip,
    changes,
    limits,
)
from simsys.cli.crew import crew
from simsys.cli.results import keep, played_into
from simsys.cli.run import compilation, estimated, fits
from simsys.cli.terminal import progress, say, whisper

if TYPE_CHECKING:
    from simsys.experiment.estimate import Estimate
    from simsys.experiment.journal import Journal
    from simsys.experiment.points import Point
    from simsys.experiment.result import Result
    from simsys.experiment.shards import Shard
    from simsys.experiment.sweep import Sweep
    from simsys.scenario import Scenario

PLAYS = "plays.sqlite"
Shards = Annotated[str | None, typer.Option(metavar="I/N", help="Play every N-th play only, for simsys merge.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Else results/SCENARIO-sweep.")]


def sweep(
    context: typer.Context,
    file: File,
    sets: Sets = None,
    vary: Vary = None,
    zip_: Zip = False,
    engine: By = Engine.auto,
    seed: Seed = None,
    jobs: Jobs = None,
    shard: Shards = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    limit: Limit = None,
    cluster: Cluster = None,
    insecure: Insecure = False,
) -> None:
    """Play a scenario at every point of its sweep block, or of --vary."""
    from simsys.experiment.engines import compiling_ahead

    context.with_resource(compiling_ahead(engine.value))
    base, points, scenarios = _points(file, changes(sets, seed), vary or [], zip_)
    part = _shard(shard)
    who = context.with_resource(crew(cluster, insecure, jobs, limit))
    plan = estimated(scenarios, who.size, engine)
    told = _forecast(base, points, scenarios, plan)
    if dry_run:
        return say(told)
    fits(plan, who)
    if not quiet:
        whisper(told)
    most = limits(limit, plan.limits)
    started = datetime.now(UTC)
    name = f"{base.name}-sweep" + (f"-{part.number}-of-{part.of}" if part else "")
    show = None if quiet else progress()
    with played_into(out or Path("results") / name, quiet) as (folder, journal):
        if part is not None:
            from simsys.experiment.shards import play_shard

            try:
                failed = play_shard(scenarios, part, who.size, show, engine.value, journal, most, who.players)
            except ValueError as error:
                raise Stop(WRONG, f"simsys: {error}") from None
            _write_shard(folder, base, points, part, journal, started)
        else:
            from simsys.experiment.evaluate import evaluate

            results = evaluate(scenarios, who.size, show, engine.value, journal, most, who.players)
            whole = _written(folder, base, points, scenarios, results, started)
            journal.prune()
            failed = [str(failure) for result in results for failure in result.failed]
            _tell(whole, json)
    if failed:
        raise Stop(FAULT, f"simsys: {len(failed)} plays failed: {failed[0]}{' …' if len(failed) > 1 else ''}")


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="The folders of all shards of a sweep.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the result goes.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the result of a sweep from the folders of its shards."""
    from simsys.experiment.evaluate import evaluate
    from simsys.experiment.points import scenarios_at
    from simsys.experiment.shards import lacking
    from simsys.scenario import ScenarioError, load_scenario

    told = [_manifest(folder) for folder in folders]
    first = told[0]
    if any((each["points"], each["of"]) != (first["points"], first["of"]) for each in told):
        raise Stop(WRONG, "simsys: these are shards of different sweeps")
    source = folders[0] / "scenario.yaml"
    try:
        base = load_scenario(source, (), first["scenario"])
        scenarios = scenarios_at(source, (), first["points"], first["scenario"])
    except ScenarioError as error:
        raise Stop(WRONG, str(error)) from None
    started = datetime.now(UTC)
    with played_into(out, quiet) as (folder, journal):
        for each in folders:
            journal.take(each / PLAYS)
        missing = lacking(scenarios, first["of"], journal)
        if missing:
            each_ = ", ".join(f"shard {shard} lacks {count} plays" for shard, count in missing.items())
            raise Stop(WRONG, f"simsys: not all plays are here: {each_}")
        results = evaluate(scenarios, 1, None, "simpy", journal)
        whole = _written(folder, base, first["points"], scenarios, results, started)
        journal.prune()
    _tell(whole, json)


def _points(file: str, sets: list[str], vary: list[str], zipped: bool) -> tuple[Scenario, list[Point], list[Scenario]]:
    """The scenario, the points, and the scenario at each of them."""
    from simsys.experiment.points import STEP, axes_of, points_of, scenarios_at
    from simsys.scenario import ScenarioError, load_scenario
    from simsys.scenario.sweep import Sweep

    try:
        base = load_scenario(file, sets)
        axes = axes_of(base, vary)
        in_step = zipped or (base.sweep.zip and not vary)
        points = points_of(axes, in_step)
        scenarios = scenarios_at(file, sets, points)
    except ScenarioError as error:
        raise Stop(WRONG, str(error)) from None
    given = {path: tuple(values) for path, values in axes.items() if path != STEP}
    kept = {"steps": base.sweep.steps} if STEP in axes else {}
    also = {"zip": True} if in_step else {}
    swept = Sweep.model_validate(kept | given | also)
    return base.model_copy(update={"sweep": swept}), points, scenarios


def _shard(text: str | None) -> Shard | None:
    from simsys.experiment.shards import Shard

    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise Stop(WRONG, f"--shard: {error}") from None


def _forecast(base: Scenario, points: Sequence[Point], scenarios: Sequence[Scenario], plan: Estimate) -> str:
    """What the sweep would take, and where a station cannot carry the load."""
    from simsys.experiment.setting import settings
    from simsys.report.explain import about
    from simsys.report.sweep import named

    strategies, replications = len(base.strategies), base.run.replications or 10
    count = len(points) * strategies * replications
    counted = f"{strategies} strateg{'y' if strategies == 1 else 'ies'}"
    each = f"{len(points)} points × {counted} × {replications} replications = {count:,} plays"
    lines = [f"{base.name}: {each}, {plan.plays:,} of them different, about {about(plan.seconds)}", *compilation(plan)]
    saturated: dict[tuple[str, ...], list[Point]] = {}
    for point, scenario in zip(points, scenarios, strict=True):
        for setting in settings(scenario):
            if setting.saturated:
                saturated.setdefault((setting.label, *setting.saturated), []).append(point)
    for (label, *stations), where in saturated.items():
        more = f" and at {len(where) - 3} more points" if len(where) > 3 else ""
        told = "; ".join(map(named, where[:3]))
        lines.append(f"{label} is saturated, as {', '.join(stations)} cannot carry the load, at {told}{more}")
    return "".join(f"{line}\n" for line in lines)


def _written(
    folder: Path,
    base: Scenario,
    points: Sequence[Point],
    scenarios: Sequence[Scenario],
    results: Sequence[Result],
    started: datetime,
) -> Sweep:
    """The sweep, written to its folder."""
    from simsys.experiment.sweep import sweep_of
    from simsys.report.sweep import contents
    from simsys.scenario import write_scenario

    whole = sweep_of(points, scenarios, results)
    written = dict(contents(whole, write_scenario(base, folder)))
    keep(folder, written, started, ", ".join(dict.fromkeys(result.engine for result in results)))
    return whole


def _write_shard(
    folder: Path, base: Scenario, points: Iterable[Point], shard: Shard, journal: Journal, started: datetime
) -> None:
    from simsys.report import files
    from simsys.scenario import write_scenario

    written = {"scenario.yaml": write_scenario(base, folder).encode(), PLAYS: journal.to_bytes()}
    told = {"scenario": base.name, "shard": shard.number, "of": shard.of, "points": [dict(point) for point in points]}
    manifest = told | js.loads(files.manifest(sys.argv, started, "", written))
    files.write(folder, {**written, "manifest.json": files.to_json(manifest).encode()})


def _manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a shard says."""
    try:
        told = js.loads((folder / "manifest.json").read_bytes())
        points = [{str(path): str(value) for path, value in point.items()} for point in told["points"]]
        return {"scenario": str(told["scenario"]), "of": int(told["of"]), "points": points}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise Stop(WRONG, f"simsys: {folder} is not the folder of a shard") from None


def _tell(whole: Sweep, json: bool) -> None:
    from simsys.report import files
    from simsys.report.sweep import metrics, page

    say(files.to_json(metrics(whole)) if json else page(whole))
