"""The steps of a sweep: settings on top of settings, each compared to the step it stands on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scenario_texts import changed
from test_cli import Call, call, tiny  # noqa: F401  (fixtures)
from test_html import drawn_of

from simsys.experiment import points as at_points
from simsys.experiment.evaluate import evaluate
from simsys.experiment.points import axes_of, beneath, points_of, scenarios_at
from simsys.experiment.sweep import Sweep, sweep_of
from simsys.report.html import steps as on_a_page
from simsys.report.html.folder import kept
from simsys.report.html.page import page as html
from simsys.report.sweep import contents, page
from simsys.scenario import ScenarioError, load_scenario, write_scenario

WORLD = """
question: Which dial?
load: {rate: 100/s, mix: {get: 100%}}
stations: {slow: {servers: 4, ops: {get: 20ms}}}
strategies: [{flow: {name: web, get: [{visit: slow.get}]}}]
slo: [p50 < 15ms]
run: {requests: 400, replications: 3}
sweep:
  steps:
    - {name: as-it-is}
    - {name: more, set: {stations.slow.servers: 8}}
    - name: memory
      set: {stations.fast: {servers: 2, ops: {get: 1ms}}, strategies.web.get.0: {visit: fast.get}}
    - {name: quick, after: as-it-is, set: {stations.slow.ops.get: 10ms}}
"""


def swept(text: str = WORLD) -> Sweep:
    scenario = load_scenario(text)
    points = points_of(axes_of(scenario, ()))
    scenarios = scenarios_at(text, (), points)
    return sweep_of(points, scenarios, evaluate(scenarios, 1))


def test_each_step_is_on_top_of_those_it_stands_on() -> None:
    made = scenarios_at(WORLD, [], points_of(axes_of(load_scenario(WORLD), ())))
    assert [each.stations["slow"].servers for each in made] == [4, 8, 8, 4]
    assert [each.stations["slow"].ops["get"].mean(1) for each in made] == [0.02, 0.02, 0.02, 0.01]
    assert ["fast" in each.stations for each in made] == [False, False, True, False]


def test_what_is_set_by_hand_comes_last() -> None:
    made = scenarios_at(WORLD, ["stations.slow.servers=3"], [{"step": "as-it-is"}, {"step": "more"}])
    assert [each.stations["slow"].servers for each in made] == [3, 3]


def test_steps_are_one_axis_among_others() -> None:
    text = f"{WORLD}  load.rate: [50/s, 100/s]\n"
    points = points_of(axes_of(load_scenario(text), ()))
    assert points[:3] == [{"step": "as-it-is", "load.rate": "50/s"}, {"step": "as-it-is", "load.rate": "100/s"},
                          {"step": "more", "load.rate": "50/s"}]  # fmt: skip
    assert beneath(points, load_scenario(text).sweep.steps) == [None, None, 0, 1, 2, 3, 0, 1]
    assert [each.load.rate for each in scenarios_at(text, [], points)] == [50.0, 100.0] * 4
    with pytest.raises(ScenarioError, match=r"step has 4, load\.rate has 2"):
        points_of(axes_of(load_scenario(text), ()), zipped=True)


def test_the_resolved_scenario_has_the_same_steps() -> None:
    scenario = load_scenario(WORLD)
    again = load_scenario(write_scenario(scenario))
    assert again.sweep.steps == scenario.sweep.steps and len(again.sweep.steps) == 4


def test_what_each_gained_and_what_it_cost() -> None:
    """Nobody waits: 20 ms, then 1 ms, then 10 ms; 4 servers of one vCPU, 8, two, and 4 again."""
    told = page(swept())
    lines = told.split("\n\n")[2].splitlines()
    assert [line.split() for line in lines] == [
        ["web", "get"],
        ["p50", "change", "cost", "change"],
        ["as-it-is", "20.0", "ms", "50.0$/month"],
        ["more", "20.0", "ms", "0", "100$/month", "+50.0$/month"],
        ["memory", "1.00", "ms", "-19.0", "ms", "±0.017", "25.0$/month", "-75.0$/month"],
        ["quick", "←", "as-it-is", "10.0", "ms", "-10.0", "ms", "50.0$/month", "0"],
    ]
    assert max(map(len, told.splitlines())) <= 80


def bars(folder: Path, text: str = WORLD) -> list[list[tuple[float, float]]]:
    """From where to where the bars of each chart of the page go, step by step."""
    for name, content in contents(swept(text), write_scenario(load_scenario(text), folder)):
        (folder / name).write_bytes(content)
    found = [[trace for trace in chart["data"] if trace["type"] == "bar"] for chart in drawn_of(html(kept(folder)))]
    return [[(round(a, 4), round(a + way, 4)) for trace in traces
             for a, way in zip(trace["base"], trace["x"], strict=True)] for traces in found]  # fmt: skip


def test_a_page_has_a_bar_from_the_step_that_each_stands_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times, dollars = [(0.02, 0.02), (0.02, 0.001), (0.02, 0.01)], [(50.0, 100.0), (100.0, 25.0), (50.0, 50.0)]
    assert bars(tmp_path)[::2] == [times, dollars]  # the p50 and the cost
    monkeypatch.setattr(on_a_page, "below", lambda steps, number: number - 1 if number else None)
    assert bars(tmp_path)[-1] == [(50.0, 100.0), (100.0, 25.0), (25.0, 50.0)], "a mutant"


def test_a_page_tells_what_a_step_gained_and_what_it_cost(tmp_path: Path) -> None:
    bars(tmp_path)
    words = [trace["text"] for chart in drawn_of(html(kept(tmp_path))) for trace in chart["data"]
             if trace.get("mode") == "text"]  # fmt: skip
    assert words[-1] == ["  50.0$/month", "  100$/month  +50.0$/month", "  25.0$/month  -75.0$/month",
                         "  50.0$/month  0"]  # fmt: skip
    assert words[0][2] == "  1.00 ms  -19.0 ms ±0.017"
    assert words[1][3].startswith("  12.8 ms  -20.6 ms ±"), "in pairs, as in the table"
    (tmp_path / "replications.csv").unlink()
    bare = drawn_of(html(kept(tmp_path)))[1]["data"][2]["text"]
    assert bare[3] != words[1][3], "a mutant that has lost the pairs"
    (tmp_path / "scenario.yaml").write_text("question: [\n")
    assert {trace["type"] for trace in drawn_of(html(kept(tmp_path)))[0]["data"]} == {"scatter"}, "nobody knows below"


def test_strategies_and_other_paths_stand_side_by_side(tmp_path: Path) -> None:
    found = bars(tmp_path, f"{WORLD}  load.rate: [50/s, 100/s]\n")
    assert found[-1] == 2 * [(50.0, 100.0), (100.0, 25.0), (50.0, 50.0)]


def test_a_step_that_forgets_what_it_stands_on_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    def quick_less(sweep: Sweep) -> dict[str, str]:
        (told,) = (each.less_point for each in sweep.differences
                   if each.point == {"step": "quick"} and each.metric == "latency_mean")  # fmt: skip
        return told

    assert quick_less(swept()) == {"step": "as-it-is"}
    monkeypatch.setattr(at_points, "below", lambda steps, number: number - 1 if number else None)
    assert quick_less(swept()) == {"step": "memory"}, "a mutant"
    monkeypatch.undo()
    monkeypatch.setattr(at_points, "climbed", lambda steps, name: [[s.name for s in steps].index(name)])
    (made,) = scenarios_at(WORLD, [], [{"step": "memory"}])
    assert made.stations["slow"].servers == 4, "a mutant that plays each step alone"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{stations.slow.servers: 8}", "{stations.slow.server: 8}",
         '11:48: sweep.steps.1.set."stations.slow.server": there is no \'server\'; did you mean \'servers\'?'),
        ("{stations.slow.servers: 8}", "{strategies.web.get.7: {visit: slow.get}}",
         '11:48: sweep.steps.1.set."strategies.web.get.7": there is no element 7: the list has 1'),
        ("after: as-it-is", "after: as-it-was",
         "10:5: sweep.steps: above 'quick' there is no step 'as-it-was'; did you mean 'as-it-is'?"),
        ("name: more", "name: as-it-is", "there are two steps 'as-it-is'"),
        ("{name: more,", "{nam: more,", "11:8: sweep.steps.1.nam: unknown key; did you mean 'name'?"),
        ("{name: more,", "{name: As it is,", "sweep.steps.1.name: expected a name"),
        ("    - {name: as-it-is}\n", "", "above 'quick' there is no step 'as-it-is'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_step_is_said_where_it_stands(old: str, new: str, told: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(changed(WORLD, (old, new)))
    assert told in str(error.value)


def test_what_a_step_makes_of_the_scenario_is_checked_before_anything_is_played() -> None:
    text = WORLD.replace("servers: 8", "servers: -8")
    with pytest.raises(ScenarioError) as error:
        scenarios_at(text, [], points_of(axes_of(load_scenario(text), ())))
    assert "11:49: stations.slow.servers: must be at least 1" in str(error.value)
    text = WORLD.replace("fast.get}", "fast.put}")
    with pytest.raises(ScenarioError, match=r"13:.*there is no 'put'|13:.*'fast' has no operation 'put'"):
        scenarios_at(text, [], points_of(axes_of(load_scenario(text), ())))


def test_the_same_bytes_for_any_shards(tiny: Path, call: Call) -> None:  # noqa: F811
    (tiny / "steps.yaml").write_text(WORLD)
    assert call("sweep", "steps.yaml", "--out", "whole", "--engine", "simpy").status == 0
    for n in (1, 2):
        assert call("sweep", "steps.yaml", "--shard", f"{n}/2", "--engine", "simpy").status == 0
    assert call("merge", "results/steps-sweep-2-of-2", "results/steps-sweep-1-of-2", "--out", "merged").status == 0
    names = ("rows.csv", "differences.csv", "metrics.json", "table.txt", "sweep.svg")
    assert all((tiny / "whole" / n).read_bytes() == (tiny / "merged" / n).read_bytes() for n in names)
    again = call("sweep", "whole/scenario.yaml", "--out", "again", "--engine", "simpy", "--quiet")
    assert again.status == 0 and (tiny / "again/rows.csv").read_bytes() == (tiny / "whole/rows.csv").read_bytes()
    data = json.loads((tiny / "whole" / "metrics.json").read_text())
    assert data["points"] == [{"step": name} for name in ("as-it-is", "more", "memory", "quick")]
    assert call("report", "whole").status == 0
