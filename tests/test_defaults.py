"""The shipped figures: each has a source, a grade and a range around it, and every name in a plan has one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from simsys.units import parse_count, parse_duration, parse_size

FEED = Path(__file__).parents[1] / "simsys" / "strategies" / "feed"


@pytest.fixture
def defaults() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FEED / "defaults.yaml").read_text())
    return loaded


def figures(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every entry with a source, and every time or size without one, by its path."""
    if isinstance(node, dict) and "value" in node:
        yield path, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from figures(child, f"{path}.{key}".lstrip("."))
    elif not re.search(r"\.(servers|shards|vcpu|policy|replicated)$", path):
        yield path, node


def number(text: str) -> float:
    readers = {"s": parse_duration, "h": parse_duration, "B": parse_size}
    return readers.get(text[-1], parse_count)(text)


def wrong(defaults: dict[str, Any]) -> list[str]:
    found = []
    for path, entry in figures(defaults):
        if not isinstance(entry, dict) or not {"value", "source", "grade"} <= entry.keys():
            found.append(f"{path}: no source")
        elif entry["grade"] not in {"A", "B", "C", "D"} or entry.keys() - {
            "value",
            "range",
            "source",
            "grade",
        }:
            found.append(f"{path}: no grade, or an unknown key")
        elif "range" in entry:
            value, bounds = entry["value"], entry["range"]
            if isinstance(bounds, dict):
                ((part, bounds),) = bounds.items()
                value = value[part]
            value = value["lognormal"]["mean"] if isinstance(value, dict) else value
            low, high = map(number, bounds)
            if not low <= number(value) <= high or low == high:
                found.append(f"{path}: {value} is not in {bounds}")
    return found


GIVEN = ("lists",)
"""Caches that a scenario has to give: how many there are is how many processes it has."""


def named(folder: Path) -> set[tuple[str, ...]]:
    """What the plans name: (station, op), (station,) held, (cache,) asked, (item,) kept."""
    calls = (
        (node.func.id, [arg.value for arg in node.args if isinstance(arg, ast.Constant)])
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    take = {
        "Visit": slice(0, 2),
        "Hold": slice(0, 1),
        "Lookup": slice(0, 1),
        "Fill": slice(0, 1),
        "Keep": slice(2, 3),
    }
    return {
        (word, *map(str, texts[take[word]])) for word, texts in calls if word in take and texts[take[word]]
    }


def missing(defaults: dict[str, Any], plans: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    there = {
        ("Visit", name, op) for name, station in defaults["stations"].items() for op in station.get("ops", ())
    }
    there |= {("Hold", name) for name in defaults["stations"]} | {
        ("Keep", item) for item in defaults["sizes"]
    }
    there |= {(word, name) for name in (*defaults["caches"], *GIVEN) for word in ("Lookup", "Fill")}
    return plans - there


def test_every_figure_has_a_source_a_grade_and_lies_in_its_range(defaults: dict[str, Any]) -> None:
    assert len(list(figures(defaults))) > 30
    assert wrong(defaults) == []


@pytest.mark.parametrize(
    "entry",
    ["5ms", {"value": "5ms"}, {"value": "5ms", "source": "x", "grade": "E"},
     {"value": "5ms", "range": ["6ms", "7ms"], "source": "x", "grade": "A"}],
)  # fmt: skip
def test_a_figure_without_them_is_noticed(entry: Any) -> None:
    assert len(wrong({"stations": {"api": {"servers": 1, "ops": {"read": entry}}}})) == 1


def test_the_plans_name_nothing_that_has_no_default(defaults: dict[str, Any]) -> None:
    plans = named(FEED)
    assert {("Visit", "timelines", "push"), ("Keep", "post_row"), ("Lookup", "feed")} <= plans
    assert missing(defaults, plans) == set()
    del defaults["stations"]["timelines"]["ops"]["push"], defaults["sizes"]["post_row"]  # the mutant
    assert missing(defaults, plans) == {("Visit", "timelines", "push"), ("Keep", "post_row")}


def test_a_page_is_what_it_holds(defaults: dict[str, Any]) -> None:
    sizes = {name: parse_size(entry["value"]) for name, entry in defaults["sizes"].items()}
    assert sizes["feed_page"] == 50 * sizes["object"]
    assert sizes["post_row"] == 345 + 31 + 22


@pytest.mark.parametrize(
    ("station", "op", "n", "measured"),  # seconds, as measured
    [
        ("timelines", "range", 50, 9.2e-6),
        ("timelines", "range", 100, 14.4e-6),
        ("timelines", "range", 200, 21e-6),
        ("timelines", "range", 800, 56e-6),
        ("objects", "get", 20, 28e-6),
        ("objects", "get", 50, 62e-6),
        ("database", "gather", 49_549, 94.9e-3),
        ("database", "newest", 500, 11.2e-3),
        ("database", "newest", 200, 4.5e-3),
        ("timelines", "push", 1_000_000, 5.2),
        ("authors", "recent", 500, 1.75e-3),
    ],
)
def test_the_formulas_give_what_was_measured(
    defaults: dict[str, Any], station: str, op: str, n: int, measured: float
) -> None:
    entry = defaults["stations"][station]["ops"][op]
    entry = entry.get("value", entry)
    parts = [entry.get(part, "0s") for part in ("fixed", "per_item")]
    fixed, item = (parse_duration(part["value"] if isinstance(part, dict) else part) for part in parts)
    assert fixed + item * n == pytest.approx(measured, rel=0.15)
