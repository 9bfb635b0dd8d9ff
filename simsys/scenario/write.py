"""A resolved scenario as YAML: everything it rests on, defaults included, to be run as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from simsys.scenario.guard import read_scalar
from simsys.scenario.knobs import written
from simsys.scenario.model import Scenario
from simsys.strategies import strategy_name
from simsys.strategies.flow import Flow

_FILES = ("file", "path")
"""The keys of file names; no knob of a strategy is one."""


def write_scenario(scenario: Scenario, folder: Path | None = None, renamed: Callable[[str], str] | None = None) -> str:
    """The text of a scenario; its file names start at `folder` (at its own, if none is given), or are `renamed`."""
    data = scenario.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"strategies", "events"})
    data["strategies"] = [plain_strategy(scenario, strategy) for strategy in scenario.strategies]
    data["events"] = [
        event.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for event in scenario.events
    ]
    told = {key: value for key, value in data.items() if value not in ("", [], {})}
    if folder is not None and folder != scenario.folder:
        renamed = partial(_relative, scenario.folder, folder)
    if renamed is not None:
        told |= with_files({key: value for key, value in told.items() if key != "strategies"}, renamed)
    return yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def plain_strategy(scenario: Scenario, strategy: Any) -> Any:
    """A strategy as a scenario names it, with all its knobs."""
    if isinstance(strategy, Flow):
        return {"flow": scenario.flows[strategy.name]}
    return {strategy_name(type(strategy)): written(strategy)}


def with_files(value: Any, name: Callable[[str], str]) -> Any:
    """The plain value with something else in the place of each file name."""
    if isinstance(value, list):
        return [with_files(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: name(item) if key in _FILES and isinstance(item, str) else with_files(item, name)
        for key, item in value.items()
    }


def _relative(old: Path, new: Path, file: str) -> str:
    return file if Path(file).is_absolute() else Path(os.path.relpath((old / file).resolve(), new.resolve())).as_posix()


class _Dumper(yaml.CSafeDumper):
    """Writes so that the guard reads the same: text that would be read as something else is quoted."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    try:
        is_plain = read_scalar(text) == text
    except ValueError:
        is_plain = False
    style = "|" if "\n" in text else None if is_plain else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
