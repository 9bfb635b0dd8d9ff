"""The page of what `tune`, `size` and `doubt` have written: their answer, a chart and tables of what was tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import browser, needs_chromium
from test_cli import Call, call, tiny  # noqa: F401  (fixtures)
from test_html import Page, drawn_of

from simsys.report.files import NotResults
from simsys.report.html.page import page
from simsys.report.html.searches import read

OWNED = "<img src=x onerror=\"document.title='owned'\">"


def paged(folder: Path) -> str:
    return page(read(folder))


@pytest.fixture
def tuned(tiny: Path, call: Call) -> Path:  # noqa: F811
    done = call("tune", "tiny.yaml", "--vary", "stations.slow.servers=1..3", "--engine", "simpy", "--quiet")
    assert done.status in (0, 99), done.err
    return tiny / "results" / "tiny-tune"


def test_a_dial_is_drawn_over_its_values_and_every_value_stands_in_a_table(tuned: Path, call: Call) -> None:  # noqa: F811
    told = json.loads((tuned / "metrics.json").read_text())["tuned"]
    (chart,) = drawn_of(paged(tuned))
    values = [float(tried["point"]["stations.slow.servers"]) for tried in told[0]["tried"]]
    assert chart["data"][0]["x"] == values == [1, 2, 3]
    assert chart["data"][0]["y"] == [tried["value"] for tried in told[0]["tried"]]
    assert call("report", tuned, "--quiet").status == 0
    text = (tuned / "report.html").read_text()
    assert text == paged(tuned) and "<h1>" in text and text.count('<th scope="col"') >= 4 * len(told)
    assert Page(text).policy.startswith("default-src 'none'")


def test_a_value_that_does_not_surely_keep_every_promise_is_an_open_circle(tuned: Path) -> None:
    told = json.loads((tuned / "metrics.json").read_text())
    for tried, verdict in zip(told["tuned"][0]["tried"], ("missed", "kept", "undecided"), strict=True):
        tried["verdict"] = verdict
    (tuned / "metrics.json").write_text(json.dumps(told))
    (chart,) = drawn_of(paged(tuned))
    assert chart["data"][0]["marker"]["symbol"] == ["circle-open", "circle", "circle-open"]


def test_the_fleets_are_stacked_by_what_they_cost(tiny: Path, call: Call) -> None:  # noqa: F811
    assert call("size", "tiny.yaml", "--engine", "simpy", "--quiet").status in (0, 99)
    folder = tiny / "results" / "tiny-size"
    told = json.loads((folder / "metrics.json").read_text())["sized"]
    (chart,) = drawn_of(paged(folder))
    assert [trace["name"] for trace in chart["data"]] == ["RAM", "CPU", "disk", "network"]
    sums = [sum(bars) for bars in zip(*(trace["x"] for trace in chart["data"]), strict=True)]
    assert sums == pytest.approx([each["cost"] for each in told])
    assert "to keep the same promises?" in paged(folder)
    bought = call("size", "tiny.yaml", "--engine", "simpy", "--quiet", "--budget", "100$/month", "--out", "bought")
    assert bought.status in (0, 99) and "to keep the tightest promise that the money buys?" in paged(tiny / "bought")
    assert all(f'<td data-key="{station}">' in paged(folder) for each in told for station in each["bought"])


def test_an_assumption_is_drawn_at_every_factor_in_the_colour_of_who_wins(tiny: Path, call: Call) -> None:  # noqa: F811
    vary = ("--vary", "stations.slow.ops.get=1ms..2s")
    done = call("doubt", "tiny.yaml", *vary, "--engine", "simpy", "--quiet")
    assert done.status == 0, done.err
    folder = tiny / "results" / "tiny-doubt"
    told = json.loads((folder / "metrics.json").read_text())
    who = drawn_of(paged(folder))[0]
    tried = [(p["factor"], p["winner"]) for one in told["doubts"] for p in one["tried"] if not p["problem"]]
    tried += [(1.0, told["winner"])] * len(told["doubts"])
    shown = [(x, trace["name"]) for trace in who["data"] for x in trace["x"]]
    assert sorted(shown) == sorted((factor, winner or "nobody") for factor, winner in tried)


def test_what_is_damaged_is_named(tuned: Path) -> None:
    told = json.loads((tuned / "metrics.json").read_text())
    for broken in ({"tuned": [3]}, {"tuned": [{}]}, {"minimise": None}, {"seed": "x"}):
        (tuned / "metrics.json").write_text(json.dumps(told | broken))
        with pytest.raises(NotResults, match=r"metrics\.json is damaged"):
            read(tuned)


@needs_chromium
def test_a_browser_draws_it_runs_no_name_and_asks_for_nothing(tuned: Path, tmp_path: Path) -> None:
    told = json.loads((tuned / "metrics.json").read_text())
    for each in told["tuned"]:
        each["strategy"] = OWNED
        each["tried"] = [t | {"missed": [OWNED], "verdict": OWNED} for t in each["tried"]]
    (tuned / "metrics.json").write_text(json.dumps(told | {"scenario": OWNED}))
    (tuned / "table.txt").write_text(f"{OWNED}: the best.\n\n  a  table\n")
    (tuned / "report.html").write_text(paged(tuned))
    with browser(tmp_path / "profile") as tab:
        tab.open(tuned / "report.html")
        assert tab.draw() == 1
        tab.js("Plotly.Fx.hover('plot-0', [{curveNumber: 0, pointNumber: 0}])")
        tab.js("document.querySelectorAll('th button, summary').forEach((button) => button.click())")
        assert tab.js("document.title") != "owned" and tab.js("document.querySelectorAll('img').length") == 0
        assert len(tab.requests()) == 1 and tab.complaints() == []
