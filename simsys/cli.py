"""The command line: run, check, explain, list, schema.

Exit status: 0 all promises kept, 1 a fault, 2 the scenario or the command is wrong, 5 the results folder
is in use, 99 no strategy surely kept every promise, 130 and 143 stopped by a signal. What is slow to import
is imported when a command needs it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from simsys import __version__

if TYPE_CHECKING:
    from simsys.experiment.estimate import Estimate
    from simsys.experiment.result import Result
    from simsys.scenario import Scenario

FAULT, WRONG, IN_USE, NOT_KEPT, INTERRUPTED, TERMINATED = 1, 2, 5, 99, 130, 143

app = typer.Typer(
    name="simsys", help="Play designs of read-heavy and write-heavy systems against the same load.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

File = Annotated[str, typer.Argument(metavar="FILE", help="A scenario: a file, or the name of a shipped one.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value, as in load.rate=5k/s; may be repeated."),
]


class Stop(Exception):
    """End with this status; the message goes to standard error."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status


class Engine(StrEnum):
    """Who plays a run."""

    auto = "auto"
    simpy = "simpy"
    compiled = "compiled"


@app.callback(invoke_without_command=True)
def simsys(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        _say(f"simsys {__version__}\n")
        raise typer.Exit


@app.command()
def run(
    file: File,
    sets: Sets = None,
    engine: Annotated[Engine, typer.Option(help="The figures are the same; auto is the sooner.")] = Engine.auto,
    seed: Annotated[int | None, typer.Option(min=0, help="The luck; else run.seed, else 1.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Plays side by side; else all cores.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Else results/SCENARIO.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on standard error but errors.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    require: Annotated[
        str | None, typer.Option(metavar="NAME", help="Exit 99 unless this strategy keeps every promise.")
    ] = None,
) -> None:
    """Play every strategy of a scenario under the same requests."""
    scenario = _load(file, [*(sets or ()), *([] if seed is None else [f"run.seed={seed}"])])
    _known(scenario, require)
    plan = _estimated(scenario, jobs, engine)
    if dry_run:
        from simsys.report.explain import dry_run as told

        return _say(told(scenario, plan))
    _fits(plan)
    if not quiet:
        _whisper(_forecast(scenario, plan))
    result = _played(scenario, jobs, engine, out, json, quiet)
    if not all(audit.ok for audit in result.audits):
        raise Stop(FAULT, "simsys: an audit failed, the figures are not to be trusted; see 'audits'")
    if result.slo and not _kept(result, require):
        raise Stop(NOT_KEPT)


@app.command()
def check(file: File, sets: Sets = None) -> None:
    """Say whether a scenario can be played, and all that is wrong with it."""
    scenario = _load(file, sets)
    from simsys.report.explain import slower

    strategies, promises = len(scenario.strategies), len(scenario.slo)
    counted = f"{strategies} strateg{'y' if strategies == 1 else 'ies'}, {promises} promise{'s'[: promises != 1]}"
    _say("".join(f"{line}\n" for line in [f"{scenario.name}: can be played; {counted}", *slower(scenario)]))


@app.command()
def explain(file: File, sets: Sets = None) -> None:
    """Show plans, demand, load and bill of a scenario before anything is played."""
    from simsys.report.explain import explain as told

    _say(told(_load(file, sets)))


@app.command("list")
def list_() -> None:
    """List the shipped scenarios and the question of each."""
    from textwrap import fill

    from simsys.scenario import load_scenario, shipped

    for name, path in shipped().items():
        indent = " " * 16
        _say(fill(load_scenario(path).question, 80, initial_indent=f"{name:<16}", subsequent_indent=indent) + "\n")


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenarios, for editors."""
    import json

    from simsys.scenario import scenario_schema

    _say(json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n")


def _load(file: str, sets: list[str] | None) -> Scenario:
    from simsys.experiment.setting import settings
    from simsys.scenario import ScenarioError, load_scenario

    try:
        scenario = load_scenario(file, sets or ())
    except ScenarioError as error:
        raise Stop(WRONG, str(error)) from None
    for setting in settings(scenario):
        setting.trees  # noqa: B018  (drives every plan once)
    return scenario


def _known(scenario: Scenario, strategy: str | None) -> None:
    from simsys.experiment.setting import settings

    names = [setting.label for setting in settings(scenario)]
    if strategy is not None and strategy not in names:
        raise Stop(WRONG, f"--require: there is no strategy '{strategy}' here, but {', '.join(names)}")


def _estimated(scenario: Scenario, jobs: int | None, engine: Engine) -> Estimate:
    from simsys.experiment.engines import NotCompiled
    from simsys.experiment.estimate import estimate

    try:
        return estimate(scenario, jobs, engine.value)
    except NotCompiled as error:
        raise Stop(WRONG, f"simsys: {error}") from None


def _fits(plan: Estimate) -> None:
    """A run that needs much more than all memory is not begun."""
    from simsys.experiment.estimate import memory
    from simsys.units import show_count, show_size

    room = memory()
    if plan.memory > 2 * room:
        needs = f"{show_count(plan.requests)} requests per play need about {show_size(plan.memory)} of memory"
        raise Stop(WRONG, f"simsys: {needs}, and there are {show_size(room)}: give fewer run.requests or --jobs")


def _forecast(scenario: Scenario, plan: Estimate) -> str:
    from simsys.experiment.engines import COMPILATION, kernel_is_ready
    from simsys.report.explain import about, slower

    strategies = len(scenario.strategies)
    each = f"{strategies} strateg{'y' if strategies == 1 else 'ies'} × {plan.plays // strategies} replications"
    lines = [f"{scenario.name}: {each} = {plan.plays} plays, about {about(plan.seconds)}", *slower(scenario)]
    if plan.compiles:
        when = "once" if kernel_is_ready() is not None else "in every run, as its cache cannot be written"
        lines.append(f"compiling the engine, {when}: about {about(COMPILATION)}")
    return "".join(f"{line}\n" for line in lines)


def _played(scenario: Scenario, jobs: int | None, engine: Engine, out: Path | None, json: bool, quiet: bool) -> Result:
    """Play, write the results, and print them."""
    from simsys.experiment.run import RunError
    from simsys.experiment.run import run as play
    from simsys.experiment.workers import WorkerError, cores
    from simsys.report import files
    from simsys.report.page import page
    from simsys.scenario import write_scenario
    from simsys.scenario.errors import printable

    started = datetime.now(UTC)
    with ExitStack() as stack:
        folder = _reserved(out or Path("results") / scenario.name, stack)
        try:
            result = play(scenario, jobs, None if quiet else _progress(), engine.value)
            text = page(scenario, result)
            written = dict(files.contents(result, write_scenario(scenario, folder), text, jobs or cores()))
            manifest = files.manifest(sys.argv, started, result.engine, written)
            files.write(folder, {**written, "manifest.json": manifest})
        except (RunError, WorkerError, OSError) as error:
            raise Stop(FAULT, f"simsys: {error}") from None
    if not quiet:
        _whisper(f"written to {printable(str(folder), 2000)}\n")
    _say(files.to_json(files.told(result)) if json else page(scenario, result, _colour()))
    return result


def _reserved(folder: Path, stack: ExitStack) -> Path:
    """The results folder, ours until the stack closes."""
    from simsys.report import files

    try:
        return stack.enter_context(files.reserved(folder))
    except files.InUse as error:
        raise Stop(IN_USE, f"simsys: {error}") from None
    except (files.NotResults, OSError) as error:
        raise Stop(WRONG, f"simsys: {error}") from None


def _kept(result: Result, strategy: str | None) -> bool:
    """Whether some strategy, or the one that is asked for, surely keeps every promise."""
    names = {verdict.strategy for verdict in result.slo} if strategy is None else {strategy}
    return any(all(v.verdict == "kept" for v in result.slo if v.strategy == name) for name in names)


def _progress() -> Callable[[int, int], None] | None:
    """Counts the plays on one line of a terminal; None where standard error is not one."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None

    def show(done: int, total: int) -> None:
        _whisper(f"\r{done} of {total} plays" if done < total else "\r\x1b[K")

    return show


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _say(text: str) -> None:
    """Print to standard output; a reader who has left is no fault."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Stop(FAULT, f"simsys: cannot print: {error.strerror}") from None


def _whisper(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _stopped(number: int, _: FrameType | None) -> NoReturn:
    """End at a signal: workers first, so that nobody waits for them; at once if another follows."""
    status = INTERRUPTED if number == signal.SIGINT else TERMINATED
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: os._exit(status))
    if "multiprocessing" in sys.modules:
        from multiprocessing import active_children

        for worker in active_children():
            worker.kill()
    raise SystemExit(status)


def main() -> NoReturn:
    """Run the command that was given; never a traceback, unless SIMSYS_TRACEBACK is set."""
    signal.signal(signal.SIGINT, _stopped)
    signal.signal(signal.SIGTERM, _stopped)
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Stop as stop:
        from simsys.scenario.errors import printable

        _whisper("".join(f"{printable(line, 2000)}\n" for line in str(stop).splitlines()))
        sys.exit(stop.status)
    except MemoryError:
        _whisper("simsys: out of memory\n")
        sys.exit(FAULT)
    except Exception as error:
        if os.environ.get("SIMSYS_TRACEBACK"):
            traceback.print_exc()
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        _whisper(f"simsys: internal fault: {said} (please report it; SIMSYS_TRACEBACK=1 shows where)\n")
        sys.exit(FAULT)
    sys.exit(0)


def command() -> NoReturn:
    """`main` as a program: it ends at once, as taking the interpreter down takes longer than many a run."""
    try:
        main()
    except SystemExit as end:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(int(end.code or 0))
