"""200 names by somebody who means harm: in the table, the CSV, the charts and the page they are text, no more."""

from __future__ import annotations

import csv
import re
import socket
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import hand_made
import pytest
from browser import browser, needs_chromium
from test_html import Page, folder_of

from simsys.experiment.result import Audit, Result, Row, Verdict
from simsys.measure.tail import Anatomy
from simsys.report import charts, files
from simsys.report.html.folder import kept
from simsys.report.html.page import page
from simsys.report.page import page as printed
from simsys.scenario import load_scenario

HARM = "document.title='owned';window.owned=1;fetch('http://127.0.0.1:PORT/x')"
SHAPES = (
    "<script>HARM</script>", "</script><script>HARM</script>", "</title><script>HARM</script>",
    "</style><script>HARM</script>", "</pre><script>HARM</script>", "<!--<script>HARM", "]]><script>HARM</script>",
    '<img src=x onerror="HARM">', "\"><svg onload='HARM'>", "' onmouseover='HARM' x='", "javascript:HARM",
    '<a href="javascript:HARM">x</a>', '<iframe srcdoc="<script>HARM</script>">', "<base href=http://127.0.0.1:PORT/>",
    "<link rel=stylesheet href=http://127.0.0.1:PORT/x>", "<style>@import 'http://127.0.0.1:PORT/x'</style>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:PORT/'>", "&lt;script&gt;HARM&lt;/script&gt;",
    "\\u003cscript\\u003eHARM\\u003c/script\\u003e", "${HARM}", "%{x}%{customdata[0]}<extra>HARM</extra>",
    "[/red]HARM[bold]", r"$x_{ \frac{", "=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-1+1", "\t=1", "2024-01-01", "1e5",
    "NaN", "null", "__proto__", "constructor", "\u202egnirts\u202c", "\u2066x\u2069\u200f", "a\0b", "\ufeff\u2028",
    "a\x1b[31mred\x1b]0;owned\x07", "a\r\nb", "👩‍👩‍👧‍👦🏴‍☠️", "ア\u0301" * 40, "x" * 10_000, "<b>" * 3_400, " ", "",
)  # fmt: skip
SVG = {
    "svg", "metadata", "RDF", "Work", "type", "format", "Agent", "creator", "title", "defs", "style", "g", "path",
    "use", "clipPath", "rect",
}  # fmt: skip
"""The elements that a chart is made of."""
UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def names(port: int) -> list[str]:
    """200 different names, of every shape several."""
    filled = [shape.replace("HARM", HARM).replace("PORT", str(port)) for shape in SHAPES]
    return [filled[i % len(filled)] + (f"#{i}" if i >= len(filled) else "") for i in range(200)]


def hostile(names: list[str]) -> Result:
    """A result in which strategies, stations, operations, units, notes, laws and formulas have such names.

    All are in its rows; each shape of them is played once, and so is in the charts.
    """
    rows, playing = [], []
    op, stations = names[0], names[1:9]
    for number, name in enumerate(names):
        unit = name if number % 7 == 0 else "s"
        rows += [Row(name, {}, op, "latency_mean", 1.0 + number, 0.9, 1.1, unit, name),
                 Row(name, {}, op, "latency_p99", None, None, None, "s", name),
                 Row(name, {}, op, "throughput", 10.0, None, None, "/s", ""),
                 Row(name, {}, stations[number % 8], "utilization", 0.5, 0.4, 0.6, "", ""),
                 Row(name, {}, name, "hit_ratio", 0.5, None, None, "", ""),
                 Row(name, {}, "system", "cost", 10.0, None, None, "$/month", "")]  # fmt: skip
        if number >= len(SHAPES):
            continue
        one = hand_made.played(name, 0)
        slowest = Anatomy(100, 1.0, dict.fromkeys(stations, (0.06, 0.06)), 0.04)
        playing.append(replace(
            one, time={op: 0.1}, ccdf={op: ((0.1, 0.2 + number), (1.0, 0.5))}, work={op: {stations[0]: 0.5}},
            samples=((0.0, 1.0), {stations[0]: (1.0, 2.0 + number)}), bill=((name, name, 5.0),),
            stores=((name, name, name, 9.0),), napkin=None, tail={op: slowest}, whole={op: slowest},
            shards={stations[0]: (0.9, 0.1, 0.0, 0.0)}, growth={"ram": hand_made.played(name, 2).growth["ram"]},
        ))  # fmt: skip
    return Result(
        scenario=names[1], version=hand_made.result().version, engine="simpy", seed=1, replications=2,
        notes=tuple(names), saturated=tuple(names[:3]),
        audits=tuple(Audit(name, name, number > 0, name) for number, name in enumerate(names)),
        slo=tuple(Verdict("cost < 40k$/month", name, "kept", 10.0) for name in names),
        rows=tuple(rows), played=tuple(playing),
    )  # fmt: skip


def test_they_are_two_hundred_and_differ() -> None:
    assert len(set(names(80))) == 200


def test_the_table_holds_no_control_characters() -> None:
    text = printed(load_scenario("small"), hostile(names(80)))
    assert UNSAFE.search(text) is None


def test_a_spreadsheet_finds_no_formula_and_every_row() -> None:
    result = hostile(names(80))
    cells = list(csv.reader(StringIO(files.to_csv(result.rows), newline="")))
    assert len(cells) == 1 + len(result.rows) and all(len(line) == 9 for line in cells)
    texts = [cell for line in cells[1:] for place, cell in enumerate(line) if place not in (4, 5, 6)]
    assert not any(text.startswith(("=", "+", "-", "@", "\t")) for text in texts)


def test_charts_are_drawn() -> None:
    result = hostile(names(80)[: len(SHAPES) : 3])
    drawn = dict(charts.charts(result))
    assert set(drawn) == set(charts.NAMES) - {"overheads.svg", "overheads.png"}
    for name, content in drawn.items():
        if name.endswith(".svg"):
            elements = list(ElementTree.fromstring(content).iter())
            assert {element.tag.partition("}")[2] for element in elements} <= SVG, name


@pytest.fixture
def listener() -> socket.socket:
    """A server that nobody may call."""
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    return server


@needs_chromium
def test_a_browser_runs_none_of_them_and_asks_for_nothing(tmp_path: Path, listener: socket.socket) -> None:
    mean = names(listener.getsockname()[1])
    result = hostile(mean)
    folder = folder_of(tmp_path / "results", result)
    scenario = "\n".join(f"# {name}" for name in mean) + "\n" + (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(scenario)
    text = page(kept(folder))
    assert len(Page(text).scripts) == 2
    assert UNSAFE.search(re.sub(r"<script>.*?</script>", "", text, flags=re.S)) is None
    (folder / "report.html").write_text(text)
    with browser(tmp_path / "profile") as tab:
        tab.open(folder / "report.html")
        title = tab.js("document.title")
        plots = tab.draw()
        for curve in range(0, 80, 2):
            tab.js(f"Plotly.Fx.hover('plot-0', [{{curveNumber: {curve}, pointNumber: 0}}])")
            tab.js(f"Plotly.Fx.hover('plot-1', [{{curveNumber: {curve}, pointNumber: 0}}])")
        tab.js("document.querySelectorAll('th button, summary').forEach((button) => button.click())")
        heads = tab.js("[...document.querySelectorAll('#promises tbody th')].map((head) => head.textContent)")
        assert tab.js("window.owned") is None and tab.js("document.title") == title != "owned"
        assert plots == 7 and len(tab.requests()) == 1 and tab.complaints() == []
        assert tab.js("document.querySelectorAll('a:not([href^=\"#note-\"]), img, iframe, object, embed').length") == 0
    assert len(heads) == 200 and any(head.startswith("<script>") for head in heads)
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()
