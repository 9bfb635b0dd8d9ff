"""The commands that play nothing: check, explain, list, schema."""

from __future__ import annotations

from simsys.cli.app import File, Sets, loaded
from simsys.cli.terminal import say


def check(file: File, sets: Sets = None) -> None:
    """Say whether a scenario can be played, and all that is wrong with it."""
    scenario = loaded(file, sets)
    from simsys.report.explain import slower

    strategies, promises = len(scenario.strategies), len(scenario.slo)
    counted = f"{strategies} strateg{'y' if strategies == 1 else 'ies'}, {promises} promise{'s'[: promises != 1]}"
    say("".join(f"{line}\n" for line in [f"{scenario.name}: can be played; {counted}", *slower(scenario)]))


def explain(file: File, sets: Sets = None) -> None:
    """Show plans, demand, load and bill of a scenario before anything is played."""
    from simsys.report.explain import explain as told

    say(told(loaded(file, sets)))


def list_() -> None:
    """List the shipped scenarios and the question of each."""
    from textwrap import fill

    from simsys.scenario import load_scenario, shipped

    for name, path in shipped().items():
        indent = " " * 16
        head = f"{name:<16}" if len(name) < 16 else f"{name}\n{indent}"
        say(head + fill(load_scenario(path).question, 80, initial_indent=indent, subsequent_indent=indent)[16:] + "\n")


def schema() -> None:
    """Print the JSON Schema of scenarios, for editors."""
    import json

    from simsys.scenario import scenario_schema

    say(json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n")
