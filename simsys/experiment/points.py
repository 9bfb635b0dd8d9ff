"""The points of a sweep: which values it tries, and the scenario at each of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from simsys.experiment.quantities import NUMBER, QUANTITIES
from simsys.scenario import Scenario, load_scenario
from simsys.scenario.errors import Problem, ScenarioError, Source
from simsys.scenario.paths import PathError, parse_path, show_path
from simsys.scenario.sweep import Grid, Step, Values, below, climbed
from simsys.units import UnitError, parse_count

Point = Mapping[str, str]
"""Values as `--set` takes them, by path."""
Axes = Mapping[str, Sequence[str]]
"""The values that each path takes."""

STEP = "step"
"""What a point calls the step of a sweep that it is at."""
MOST_POINTS = 10_000
_GRID = re.compile(r"(log|linear)\((.*)\)", re.DOTALL)


def axes_of(scenario: Scenario, vary: Sequence[str]) -> Axes:
    """The values of each path: those of `--vary PATH=VALUES`, or else of the scenario's `sweep` block, whose steps are
    the values of `STEP`.

    VALUES are `a,b,c`, `log(first,last,points)` or `linear(first,last,points)`. ScenarioError if one cannot be read.
    """
    sweep = scenario.sweep
    steps = [(STEP, [step.name for step in sweep.steps])] if sweep.steps else []
    given = [_read(text) for text in vary] or [*steps, *((p, _listed(v, p)) for p, v in sweep.paths.items())]
    if not given:
        raise _wrong("--vary", "nothing is varied: give --vary PATH=VALUES, as in --vary load.rate=5k/s,10k/s")
    twice = next((path for n, (path, _) in enumerate(given) if path in dict(given[:n])), None)
    if twice is not None:
        raise _wrong(twice, "varied twice: give all its values at once")
    return dict(given)


def points_of(axes: Axes, zipped: bool = False) -> list[Point]:
    """All combinations of the values, the last path changing first; or the first of each, the second of each …"""
    lengths = {path: len(values) for path, values in axes.items()}
    if zipped and len(set(lengths.values())) > 1:
        told = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise _wrong("--zip", f"in step, all paths need as many values: {told}")
    if not zipped and math.prod(lengths.values()) > MOST_POINTS:
        raise _wrong("--vary", f"{math.prod(lengths.values()):,} points; at most {MOST_POINTS:,} are played")
    combined = zip(*axes.values(), strict=True) if zipped else product(*axes.values())
    return [dict(zip(axes, values, strict=True)) for values in combined]


def scenarios_at(file: Any, sets: Sequence[str], points: Sequence[Point], name: str | None = None) -> list[Scenario]:
    """The scenario at each point, in their order. ScenarioError with all that is wrong at any of them."""
    scenarios, problems = [], []
    steps = load_scenario(file, sets, name).sweep.steps if any(STEP in point for point in points) else ()
    for point in points:
        given = [*sets, *(f"{path}={value}" for path, value in point.items() if path != STEP)]
        try:
            stands_on = climbed(steps, point[STEP]) if STEP in point else ()
            scenarios.append(load_scenario(file, given, name, stands_on))
        except ScenarioError as error:
            problems += [replace(p, file=re.sub(r"^--set\b", "--vary", p.file)) for p in error.problems]
    if problems:
        raise ScenarioError(problems)
    return scenarios


def beneath(points: Sequence[Point], steps: Sequence[Step]) -> list[int | None]:
    """The number of the point that each is compared to: that of the step it stands on, or else the one before."""
    names = [step.name for step in steps]
    found: list[int | None] = []
    for number, point in enumerate(points):
        if STEP not in point:
            found.append(number - 1 if number else None)
            continue
        lower = below(steps, names.index(point[STEP]))
        other = None if lower is None else {**point, STEP: names[lower]}
        found.append(points.index(other) if other in points else None)
    return found


def shown(point: Point) -> dict[str, Any]:
    """A point as results show it: plain numbers, also those with k or M, as numbers; all else as it was given."""
    return {path: _number(value) for path, value in point.items()}


def key(point: Mapping[str, Any]) -> str:
    """A point as a row has it, to be looked up by."""
    return json.dumps(point, sort_keys=True)


def quantity(value: object) -> float | None:
    """A value of a point in the unit used inside (s, B, 1/s, $/month); None if it is no quantity."""
    return next((read for read, *_ in _readings(str(value))), None)


def _number(value: str) -> Any:
    if re.fullmatch(r"\d+(\.\d+)?[kM]?", value, re.ASCII):
        number = parse_count(value)
        return int(number) if number == int(number) else number
    return value


def _read(text: str) -> tuple[str, list[str]]:
    path, equals, values = text.partition("=")
    try:
        path = show_path(parse_path(path.strip()))
    except PathError as error:
        raise _wrong(text, str(error)) from None
    if not equals or not values.strip():
        raise _wrong(text, "expected PATH=VALUES, as in load.rate=5k/s,10k/s or load.rate='log(1k/s,100k/s,10)'")
    grid = _GRID.fullmatch(values.strip())
    if grid is None:
        return path, _split(values)
    ends = _split(grid[2])
    if len(ends) != 3 or not ends[2].isdecimal() or not 2 <= int(ends[2]) <= MOST_POINTS:
        raise _wrong(text, f"expected {grid[1]}(first,last,points), with 2 to {MOST_POINTS:,} points")
    return path, _spaced(path, ends[0], ends[1], int(ends[2]), grid[1] == "log")


def _listed(values: Values, path: str) -> list[str]:
    """The values that a `sweep` block gives for a path."""
    if not isinstance(values, Grid):
        return [_text(value) for value in values]
    first, last = values.log or values.linear or ("", "")
    return _spaced(path, _text(first), _text(last), values.points, values.log is not None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _spaced(path: str, first: str, last: str, points: int, log: bool) -> list[str]:
    """So many values from the first to the last; those of a log scale with three digits, and none twice."""
    for low, high, write in _both(first, last):
        if log and not (low > 0 and high > 0):
            raise _wrong(path, "a log scale needs a first and a last value above 0")
        inner = [_between(low, high, n / (points - 1), log) for n in range(1, points - 1)]
        if low == int(low) and high == int(high) and write is NUMBER.write:
            inner = [float(round(value)) for value in inner]
        return list(dict.fromkeys([first, *map(write, inner), last]))
    raise _wrong(path, f"'{first}' and '{last}' are not two quantities of one kind, as in log(100,10M,25)")


def _between(low: float, high: float, share: float, log: bool) -> float:
    if log:
        return float(f"{low * (high / low) ** share:.3g}")
    return float(f"{low + (high - low) * share:.12g}")


def _readings(text: str) -> Iterator[tuple[float, Callable[[float], str]]]:
    """What a text means as a quantity, by each kind of quantity that it may be."""
    for read, _, write in QUANTITIES:
        try:
            yield read(text), write
        except UnitError:
            continue


def _both(first: str, last: str) -> Iterator[tuple[float, float, Callable[[float], str]]]:
    lasts = {write: value for value, write in _readings(last)}
    yield from ((value, lasts[write], write) for value, write in _readings(first) if write in lasts)


def _split(text: str) -> list[str]:
    """The values between the commas that stand in no bracket and in no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote or character in "\"'":
            quote = "" if character == quote else quote or character
        depth += (character in "[{(") - (character in ")}]") if not quote else 0
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _wrong(text: str, message: str) -> ScenarioError:
    return ScenarioError([Problem.at(Source("--vary", text), 1, 1, "", message)])
