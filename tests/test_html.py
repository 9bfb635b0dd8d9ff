"""The page of a results folder: one file, the answer first, nothing in it that its policy does not know."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib import util
from itertools import pairwise
from pathlib import Path
from typing import Any

import hand_made
import pytest
from browser import Browser, browser, needs_chromium

from simsys.experiment.result import Audit, Result, Row
from simsys.experiment.sweep import sweep_of
from simsys.measure.anatomy import Anatomy
from simsys.measure.storage import STORAGE
from simsys.report import files, played
from simsys.report.files import NotResults
from simsys.report.html.charts import Chart, tail
from simsys.report.html.folder import kept
from simsys.report.html.page import NoPlotly, _data, page
from simsys.report.page import page as printed
from simsys.report.sweep import contents
from simsys.scenario import load_scenario, write_scenario

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a page consists of; every element must be closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []
        self.sheets: list[str] = []
        self.policy = ""
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.attributes |= told.keys()
        self.ids += [told["id"] or ""] if "id" in told else []
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""
        if tag not in VOID:
            self.open.append(tag if told.get("type") != "application/json" else "data")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() in (tag, "data"), tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            (self.scripts if self.open[-1] == "script" else self.sheets).append(data)


def folder_of(folder: Path, result: Result, name: str = "small") -> Path:
    """A results folder as a run writes it, without the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = load_scenario(name)
    resolved = write_scenario(scenario, folder)
    for file, content in files.contents(result, resolved, printed(scenario, result), drawn=()):
        (folder / file).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("results") / "celebrity", hand_made.result())


@pytest.fixture(scope="module")
def text(made: Path) -> str:
    return page(kept(made))


def drawn_of(text: str) -> list[dict[str, Any]]:
    """The charts that a page holds."""
    found = re.search(r'<script type="application/json" id="drawn">(.*?)</script>', text)
    assert found is not None
    charts: list[dict[str, Any]] = json.loads(found[1])
    return charts


def hashed(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_the_policy_knows_every_script_and_style_and_allows_nothing_else(text: str) -> None:
    read = Page(text)
    rules = dict(rule.split(" ", 1) for rule in read.policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["base-uri"] == "'none'" and rules["form-action"] == "'none'"
    assert rules["script-src"].split() == [hashed(script) for script in read.scripts] and len(read.scripts) == 2
    assert rules["style-src"].split() == [hashed(read.sheets[0]), hashed("")] and len(read.sheets) == 1
    assert not {"style", "src", "onload", "onclick", "onerror"} & read.attributes
    assert len(set(read.ids)) == len(read.ids)


def test_data_ends_no_element() -> None:
    shown = [Chart("", "", [{"name": "</script><!--"}], {})]
    assert "<" not in _data(shown) and json.loads(_data(shown))[0]["data"] == shown[0].data


def test_only_waiting_is_drawn_full_where_the_slowest_spent_their_time() -> None:
    made = hand_made.result()
    slow = Anatomy(165, 0.2, {"database": (0.05, 0.05), "network": (0.0, 0.1)}, 0.0)
    one = replace(made, played=tuple(replace(each, tail={"read": slow}, whole={"read": slow}) for each in made.played))
    bars = {trace["name"]: trace["marker"]["color"] for trace in tail(one, "read").data}
    assert {name: len(colour) > len("#rrggbb") for name, colour in bars.items()} == {
        "database: wait": False, "database: served": True, "network": True, "elsewhere": False
    }  # fmt: skip


def test_the_answer_comes_first(text: str) -> None:
    body = text.partition("<body>")[2]
    first = re.search(r"<h1>(.*?)</h1>", body)
    assert first is not None and first[1].startswith("cached_pull wins: it surely keeps every promise")
    assert body.index("<h1>") < body.index("<p>") < body.index("<h2>")


def test_the_same_folder_gives_the_same_bytes(made: Path, text: str) -> None:
    assert page(kept(made)) == text


def test_figures_stand_with_their_units_and_notes(text: str) -> None:
    assert '<td data-key="0.12" class="n"><b>120</b><i>ms</i><small>±2</small></td>' in text
    assert "fewer than 10 observations beyond it" in text
    assert "96 vCPU × 12.5 $/month" in text and "1.83 TB × 16 $/GB/month" in text
    assert "<li>visit database.newest × following</li>" in text, "the plans of the scenario"


def test_what_a_storage_engine_paid_stands_in_a_table(tmp_path: Path) -> None:
    told = {"touched": 1.5, "write_amplification": 4.0, "bytes_written": 2e6}
    rows = [Row("push", {}, STORAGE, metric, value, None, None, "", "") for metric, value in told.items()]
    text = page(kept(folder_of(tmp_path, hand_made.result(rows=(*hand_made.rows(), *rows)))))
    (found,) = re.findall(r"<h3>storage engine</h3>(.*?)</table>", text, re.DOTALL)
    heads = re.findall(r"<button[^>]*>([^<]*)<", found)
    assert heads == ["strategy", "blocks looked at", "write amplification", "written"]
    assert re.findall(r'<td data-key="([^"]*)"', found) == ["1.5", "4.0", "2000000.0"]


def test_the_shards_of_a_station_stand_side_by_side_where_one_is_hot(text: str) -> None:
    (chart,) = [one for one in drawn_of(text) if one["layout"]["xaxis"]["title"]["text"].startswith("shards")]
    assert {trace["meta"]: trace["y"] for trace in chart["data"]} == {2: [0.9, 0.1, 0, 0], 3: [0.05, 0.05, 0.05, 0.04]}
    assert "Which shard of timelines is busy?" in text


def test_a_broken_law_is_said_before_all_else(tmp_path: Path) -> None:
    broken = hand_made.result(audits=(Audit("little", "push", False, "1 = 2"),))
    body = page(kept(folder_of(tmp_path, broken))).partition("<body>")[2]
    assert 0 < body.index("Do not trust this run") < body.index("<h1>")


def test_a_scenario_that_cannot_be_read_again_leaves_the_rest(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, hand_made.result())
    resolved = (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(resolved.replace("- hybrid", "- mine_alone"))
    made = page(kept(folder))
    assert "scenario.yaml cannot be read here" in made and "cached_pull wins" in made


def test_curves_keep_what_the_eye_sees() -> None:
    whole = hand_made.result()
    read = played.from_json(played.to_json(whole).encode())
    assert read.replications == 10 and len(read.strategies) == 4
    x, _ = read.strategies[0].ccdf["read"]
    full = dict(zip(*whole.played[0].ccdf["read"], strict=True))
    assert 100 < len(x) < len(full)
    points = list(full.items())
    for (a, left), (b, right) in pairwise(points):
        near = min(range(len(x)), key=lambda i: abs(x[i] - a))
        assert abs(x[near] / a - 1) < 0.03 and a < b and left > right
    assert read.strategies[0].loads[2].servers == float("inf")
    assert [one.shards for one in read.strategies] == [one.shards for one in whole.played]
    assert read.strategies[0].tail == whole.played[0].tail and read.strategies[2].napkin == whole.played[2].napkin


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [("metrics.json", None, "is not a folder of results: it has no metrics.json"),
     ("played.json", None, "is not a folder of results: it has no played.json"),
     ("metrics.json", b"{", "metrics.json is damaged: Expecting property name"),
     ("metrics.json", b"[" * 100_000, "metrics.json is damaged: "),
     ("metrics.json", b"[1]", "metrics.json is damaged: "),
     ("metrics.json", b'{"version": "0.0.9"}', r"is of simsys 0\.0\.9, and this is "),
     ("played.json", b'{"replications": 3, "strategies": [{}]}', r"played\.json is damaged: strategies\.0\.strategy"),
     ("played.json", b"\xff", "played.json is damaged: Invalid JSON"),
     ("table.txt", b"\xff\xfe", "table.txt is damaged: ")],
)  # fmt: skip
def test_what_is_damaged_is_named(tmp_path: Path, file: str, content: bytes | None, message: str) -> None:
    folder = folder_of(tmp_path, hand_made.result())
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(NotResults, match=message):
        kept(folder)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b'"much"', b"{}"])
def test_a_figure_is_a_number(tmp_path: Path, number: bytes) -> None:
    folder = folder_of(tmp_path, hand_made.result())
    metrics = (folder / "metrics.json").read_bytes()
    (folder / "metrics.json").write_bytes(metrics.replace(b'"value": 1650.0', b'"value": ' + number, 1))
    with pytest.raises(NotResults, match=r"metrics\.json is damaged"):
        kept(folder)


def test_a_promise_that_none_can_read_is_damage(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, hand_made.result())
    metrics = (folder / "metrics.json").read_text()
    (folder / "metrics.json").write_text(metrics.replace("read p99 < 100ms", "read p99 = fine"))
    with pytest.raises(NotResults, match=r"metrics\.json is damaged"):
        kept(folder)


def test_there_is_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotResults, match="there is no such folder"):
        kept(tmp_path / "nowhere")
    with pytest.raises(NotResults, match="a file, not a folder"):
        kept(tmp_path / "file")


def test_without_plotly_the_extra_is_named(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(NoPlotly, match=r"pip install 'simsys\[html\]'"):
        page(kept(made))


def swept(folder: Path, celebrity: Sequence[str]) -> Path:
    """The folder of a sweep over this threshold, in which the second point is twice as dear, and misses a promise."""
    dear = hand_made.result(
        rows=tuple(r._replace(value=2 * r.value) if r.value and r.metric == "cost" else r for r in hand_made.rows()),
        slo=tuple(v._replace(verdict="missed") if v.strategy == "hybrid" else v for v in hand_made.slo()),
    )
    points = [{"strategies.hybrid.celebrity": value} for value in celebrity]
    folder.mkdir(exist_ok=True)
    scenario = load_scenario("small")
    sweep = sweep_of(points, [scenario] * 2, [hand_made.result(), dear])
    for file, content in contents(sweep, write_scenario(scenario, folder)):
        (folder / file).write_bytes(content)
    return folder


def test_a_sweep_says_where_it_is_cheapest_and_draws_over_its_points(tmp_path: Path) -> None:
    text = page(kept(swept(tmp_path, ["10k", "1M"])))
    answer = "cached_pull: the cheapest that surely keeps every promise is celebrity 10k, 6.57k$/month."
    assert f"<h1>{answer}</h1>" in text
    table = text.partition('id="promises"')[2].partition("</table>")[0]
    assert table.count("<tr data-strategy=") == 8 and table.count(">missed<") == 1 + 3 + 1
    chart = next(chart for chart in drawn_of(text) if chart["layout"]["yaxis"]["title"]["text"] == "$/month")
    assert [(trace["x"], trace["mode"]) for trace in chart["data"]] == [([10_000, 1_000_000], "lines+markers")] * 4
    assert [trace["y"] for trace in chart["data"]][:2] == [[3211.0, 6422.0], [6571.0, 13142.0]]
    assert chart["layout"]["xaxis"]["ticktext"] == ["10k", "1M"] and chart["layout"]["xaxis"]["type"] == "log"
    assert Page(text).scripts and '<td data-key="10000.0"' in text


def test_values_that_are_no_numbers_stand_in_their_order(tmp_path: Path) -> None:
    charts = drawn_of(page(kept(swept(tmp_path, ["push", "pull"]))))
    places = [[-0.1875, 0.8125], [-0.0625, 0.9375], [0.0625, 1.0625], [0.1875, 1.1875]]
    assert [(trace["x"], trace["mode"]) for trace in charts[0]["data"]] == [(x, "markers") for x in places]
    assert charts[0]["layout"]["xaxis"]["ticktext"] == ["push", "pull"]
    assert charts[0]["layout"]["xaxis"]["tickvals"] == [0, 1]


@pytest.mark.parametrize("broken", ['"points": [3]', '"points": [{}]', '"points": []'])
def test_a_damaged_sweep_is_named(tmp_path: Path, broken: str) -> None:
    folder = swept(tmp_path, ["10k", "1M"])
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | json.loads(f"{{{broken}}}")))
    with pytest.raises(NotResults, match=r"metrics\.json is damaged"):
        kept(folder)


@pytest.fixture(scope="module")
def seen(made: Path, text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The page, open in Chromium."""
    (made / "report.html").write_text(text)
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        tab.size(1200)
        tab.open(made / "report.html")
        yield tab


def drawn(tab: Browser) -> list[list[Any]]:
    """(strategy, whether it is shown) of the traces of the first chart."""
    tab.js("document.getElementById('plot-0').scrollIntoView()")
    traces = "document.getElementById('plot-0').data.map((t) => [t.meta, t.visible])"
    found: list[list[Any]] = tab.js(f"new Promise((done) => setTimeout(() => done({traces}), 300))")
    return found


@needs_chromium
def test_a_browser_draws_it_asks_for_nothing_and_has_no_complaint(seen: Browser) -> None:
    assert seen.draw() == 10
    seen.js("scrollTo(0, 0)")
    assert len(seen.requests()) == 1 and seen.complaints() == []


@needs_chromium
def test_no_button_sends_a_chart_elsewhere(seen: Browser) -> None:
    titles = seen.js("[...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title)")
    assert set(titles) == {"Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}


@needs_chromium
def test_a_click_sorts_a_table(seen: Browser) -> None:
    column = "[...document.querySelectorAll('#promises tbody tr')].map((row) => row.cells[1].dataset.key)"
    click = "document.querySelectorAll('#promises th button')[1].click()"
    before = seen.js(column)
    assert before == ["0.12", "0.0401", "0.00312", "0.003"]
    assert seen.js(f"{click}, {column}") == before[::-1]
    assert seen.js(f"{click}, {column}") == before


@needs_chromium
def test_a_click_hides_a_strategy_everywhere(seen: Browser) -> None:
    assert {shown for _, shown in drawn(seen)} == {True}
    seen.js("document.querySelector('.chip[data-strategy=\"2\"]').click()")
    assert {(whose, shown) for whose, shown in drawn(seen)} == {(0, True), (1, True), (2, False), (3, True)}
    assert seen.js("[...document.querySelectorAll('tr[data-strategy=\"2\"]')].every((r) => !r.checkVisibility())")
    seen.js("document.querySelector('.chip[data-strategy=\"2\"]').click()")
    assert {shown for _, shown in drawn(seen)} == {True}


@needs_chromium
def test_a_click_turns_an_axis(seen: Browser) -> None:
    kind = "new Promise((done) => setTimeout(() => done(document.getElementById('plot-0').layout.xaxis.type), 100))"
    assert seen.js(kind) == "log"
    seen.js("document.querySelector('.switch[data-chart=\"0\"][data-axis=x]').click()")
    assert seen.js(kind) == "linear"
    labels = "[...document.querySelectorAll('#plot-0 .xtick text')].map((t) => t.textContent)"
    assert all(label.endswith("s") for label in seen.js(labels)), "every number on an axis of time has its unit"
    seen.js("document.querySelector('.switch[data-chart=\"0\"][data-axis=x]').click()")
    assert seen.js(kind) == "log" and all(label.endswith("s") for label in seen.js(labels))


@needs_chromium
def test_it_is_no_wider_than_a_phone(seen: Browser) -> None:
    seen.size(390)
    fits = "document.documentElement.scrollWidth <= 390"
    assert seen.js(f"new Promise((done) => setInterval(() => {fits} && done(true), 50))"), "once the charts have shrunk"
    seen.size(1200)


def test_its_data_is_that_of_the_folder(made: Path, text: str) -> None:
    first = drawn_of(text)[0]
    x, p = played.from_json((made / "played.json").read_bytes()).strategies[0].ccdf["read"]
    assert first["data"][0]["x"] == list(x) and first["data"][0]["y"] == list(p)
    assert first["data"][1]["x"] == [0.12], "the p99 is that of the rows"
