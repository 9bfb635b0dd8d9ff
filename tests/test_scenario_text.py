"""Scenarios as text: resolved and read again, and the schema that an editor completes and checks by."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from scenario_texts import FEED, FLOW, changed

from simsys.scenario import load_scenario, scenario_schema, shipped, write_scenario
from simsys.scenario.guard import read_tree
from simsys.scenario.schema import allowed

# There and back


def test_the_resolved_scenario_has_everything() -> None:
    told = yaml.safe_load(write_scenario(load_scenario(FEED)))
    assert told["run"] == {
        "duration": "1m",
        "warmup": "auto",
        "replications": 10,
        "most_replications": 100,
        "seed": 7,
    }
    assert told["strategies"][1]["hybrid"]["push"]["batch"] == 500
    assert told["stations"]["timelines"]["ops"]["push"].items() >= {"per_item": "5.2us", "bytes": "120B"}.items()
    assert told["slo"] == ["read p99 < 100ms", "cost < 40k$/month"]


@pytest.mark.parametrize("text", [FEED, FLOW])
def test_the_resolved_scenario_is_the_scenario(text: str) -> None:
    scenario = load_scenario(text)
    again = load_scenario(write_scenario(scenario))
    assert again.model_dump(mode="json", exclude={"strategies"}) == scenario.model_dump(
        mode="json", exclude={"strategies"}
    )
    assert again.strategies == scenario.strategies
    assert again.flows == scenario.flows


def test_shipped_scenarios_can_be_played_and_say_what_they_ask() -> None:
    assert {"celebrity", "mm4", "small", "spike", "timeline-2012", "web-cache-db"} <= shipped().keys()
    for name in shipped():
        scenario = load_scenario(name)
        assert scenario.name == name and scenario.question.endswith("?")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Cn", "Co"]), max_size=40))
def test_every_text_survives(text: str) -> None:
    scenario = load_scenario(FEED).model_copy(update={"question": text})
    assert load_scenario(write_scenario(scenario)).question == text


@pytest.mark.parametrize("text", ["1e3", "0x1F", "1:30", "no", "null", "~", "007", ".nan", "9" * 200, "a\nb", "'", "#"])
def test_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    scenario = load_scenario(FEED).model_copy(update={"question": text})
    assert load_scenario(write_scenario(scenario)).question == text


def test_the_one_operation_there_is_needs_no_name() -> None:
    (rule,) = load_scenario(FLOW + 'slo: ["p99 <  100ms"]\n').slo
    assert (rule.subject, rule.metric, rule.value, rule.text) == (
        "read",
        "latency_p99",
        0.1,
        "read p99 < 100ms",
    )


# For editors


def plain(text: str) -> Any:
    """What an editor that knows YAML 1.2 sees."""
    return read_tree(text, "x.yaml")[0].plain()


@pytest.fixture(scope="module")
def editor() -> Draft202012Validator:
    schema = scenario_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_an_editor_accepts_what_simsys_accepts(editor: Draft202012Validator) -> None:
    for path in shipped().values():
        assert [error.message for error in editor.iter_errors(plain(path.read_text()))] == []
    for text in (FEED, FLOW, write_scenario(load_scenario(FEED)), write_scenario(load_scenario(FLOW))):
        assert [error.message for error in editor.iter_errors(plain(text))] == []


@pytest.mark.parametrize("value", ["5k", "5000", "1M", "2.5k"])
def test_an_editor_does_not_flag_counts(editor: Draft202012Validator, value: str) -> None:
    text = changed(FEED, ("10k", value), ("10M", "1B"))
    assert list(editor.iter_errors(plain(text))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rate:", "rte:"),
        ("2k/s", "20000"),
        ("1ms", "5"),
        ("1ms", "{exponental: {mean: 1ms}}"),
        ("celebrity", "celebrty"),
        ("[pull,", "[pul,"),
        ("seed: 7", "sed: 7"),
        ("ttl: 5s", "policy: lur"),
        ("read p99 <", "read p99"),
    ],
)
def test_an_editor_flags_slips(editor: Draft202012Validator, old: str, new: str) -> None:
    assert list(editor.iter_errors(plain(changed(FEED, (old, new))))) != []


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ((), {"load", "stations", "strategies", "slo", "run", "events"}),
        (("run",), {"duration", "requests", "warmup", "seed", "replications", "precision"}),
        (("stations", "api"), {"servers", "shards", "queue", "ops", "vcpu"}),
        (("stations", "api", "ops", "read"), {"fixed", "per_item", "bytes"}),
        (("events", "0", "request"), {"op", "followers"}),
        (("events", "0"), {"at", "for", "down"}),
        (("population", "followers"), {"pareto", "quantiles", "file", "lognormal"}),
    ],
)
def test_an_editor_completes_keys(path: tuple[str, ...], keys: set[str]) -> None:
    assert keys <= allowed(path)


def test_an_editor_knows_the_knobs() -> None:
    knobs: dict[str, Any] = scenario_schema()["$defs"]["HybridKnobs"]["properties"]
    assert {"celebrity", "push", "pull", "kept"} == knobs.keys() and knobs["celebrity"]["default"] == 10000
