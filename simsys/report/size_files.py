"""The files of a sizing: the JSON object, the tidy rows, the page, and the cost per strategy as a chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simsys import __version__
from simsys.experiment.knee import Knee
from simsys.experiment.result import Row
from simsys.experiment.rows import constant
from simsys.experiment.size import Sized
from simsys.report import files
from simsys.report.charts import drawn
from simsys.report.size import Sizes
from simsys.report.size_chart import chart
from simsys.scenario import Scenario


def told(scenario: Scenario, sizes: Sizes) -> dict[str, Any]:
    """What `--json` prints; `rows` are of the play at the peak, with servers and cost of the fleet to buy."""
    sized = sizes.sized
    return {
        "scenario": scenario.name, "version": __version__, "seed": scenario.run.seed,
        "size": None if scenario.size is None else scenario.size.model_dump(mode="json"),
        "budget": sizes.budget,
        "notes": list(dict.fromkeys(note for each in sized for note in each.result.notes)),
        "saturated": [each.strategy for each in sized if each.result.saturated],
        "slo": [{**v._asdict(), "strategy": each.strategy} for each in sized for v in each.result.slo],
        "sized": [_sized(sizes, number) for number in range(len(sized))],
        "rows": [files.told_row(row) for row in rows(sizes)],
    }  # fmt: skip


def _sized(sizes: Sizes, number: int) -> dict[str, Any]:
    each = sizes.sized[number]
    return {
        "strategy": each.strategy, "keeps": each.keeps, "cost": each.cost, "bought": dict(each.bought),
        "left": dict(each.fleet), "one_less_breaks": {name: list(rules) for name, rules in each.holds.items()},
        "never": [verdict.rule for verdict in each.never], "binding": each.binding or None,
        "limit": sizes.limits[number] if sizes.limits else None,
        "knee": None if (knee := sizes.knees[number]) is None else knee._asdict(),
    }  # fmt: skip


def rows(sizes: Sizes) -> Iterator[Row]:
    """The tidy rows of all strategies."""
    for each, knee in zip(sizes.sized, sizes.knees, strict=True):
        yield from (row._replace(strategy=each.strategy) for row in each.result.rows)
        yield from _knee(each, knee)


def _knee(sized: Sized, knee: Knee | None) -> Iterator[Row]:
    if knee is not None and knee.rate is not None:
        note = f"of the fleet as given; broken beyond: {', '.join(knee.broken) or 'it saturates'}"
        row = constant(sized.strategy, "knee", knee.rate, "/s", note)
        yield row._replace(high=None if knee.beyond is None else float(f"{knee.beyond:.12g}"))


def contents(scenario: Scenario, sizes: Sizes, resolved: str, page: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file but the manifest."""
    yield "scenario.yaml", resolved.encode()
    yield "rows.csv", files.to_csv(rows(sizes)).encode()
    yield "metrics.json", files.to_json(told(scenario, sizes)).encode()
    yield "table.txt", page.encode()
    yield from drawn("size", lambda: chart(sizes))
