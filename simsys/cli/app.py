"""What all commands share: statuses, the end of a command, common options, the scenario."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simsys.experiment.workers import Limits
    from simsys.scenario import Scenario

FAULT, WRONG, IN_USE, NOT_KEPT, INTERRUPTED, TERMINATED = 1, 2, 5, 99, 130, 143


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


File = Annotated[str, typer.Argument(metavar="FILE", help="A scenario: a file, or the name of a shipped one.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value, as in load.rate=5k/s; may be repeated."),
]
By = Annotated[Engine, typer.Option(help="The figures are the same; auto is the sooner.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The luck; else run.seed, else 1.")]
Jobs = Annotated[int | None, typer.Option(min=1, max=256, help="Plays side by side; else all cores.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Else results/SCENARIO.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(metavar="TIME|SIZE", help="End a play that takes longer or needs more; may be given for both."),
]
Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Play on a Dask cluster: tcp://HOST:PORT or tls://HOST:PORT."),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure-cluster", help="Even by tcp beyond this machine; who reaches it can run anything."),
]
Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=VALUES", help="Values a,b,c or log(first,last,points) or linear(…)."),
]
Zip = Annotated[bool, typer.Option("--zip", help="All --vary in step, instead of all combinations.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Nothing on standard error but errors.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")]


def changes(sets: list[str] | None, seed: int | None) -> list[str]:
    """What `--set` and `--seed` change, the latter last."""
    return [*(sets or ()), *([] if seed is None else [f"run.seed={seed}"])]


def limits(given: list[str] | None, usual: Limits) -> Limits:
    """What one play may take: what `--limit` says, else the usual."""
    from simsys.experiment.workers import Limits
    from simsys.units import UnitError, parse_duration, parse_size

    seconds, room = usual
    for text in given or ():
        try:
            seconds = parse_duration(text)
        except UnitError:
            try:
                room = parse_size(text)
            except UnitError:
                raise Stop(WRONG, f"--limit: '{text}' is neither a time like 10m nor a size like 4GB") from None
        if not (seconds and room):
            raise Stop(WRONG, f"--limit: '{text}' leaves nothing to play in; give a time or a size above zero")
    return Limits(seconds, room)


def loaded(file: str, sets: list[str] | None) -> Scenario:
    """The scenario that a command is about, all its plans driven once."""
    from simsys.experiment.setting import settings
    from simsys.scenario import ScenarioError, load_scenario

    try:
        scenario = load_scenario(file, sets or ())
    except ScenarioError as error:
        raise Stop(WRONG, str(error)) from None
    for setting in settings(scenario):
        setting.trees  # noqa: B018  (drives every plan once)
    return scenario
