"""The guard against hostile YAML: what it reads, what it refuses, and where it says the fault is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsys.scenario.errors import Problem, ScenarioError, Source, nearest
from simsys.scenario.guard import MAX_DEPTH, MAX_NODES, Node, read_scalar, read_tree
from simsys.scenario.paths import find, parse_path
from simsys.units import printable


def read(text: str | bytes) -> Any:
    """The plain value of a text without faults."""
    node, problems = read_tree(text, "x.yaml")
    assert problems == []
    return node.plain()


def faults(text: str | bytes) -> list[Problem]:
    """All faults of a text, whether it has a tree or not."""
    try:
        return read_tree(text, "x.yaml")[1]
    except ScenarioError as error:
        return list(error.problems)


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = (
        "[no, yes, on, 1:30, 0o17, 0x1F, 007, -3, +4, 1.5, 1e3, .5, true, ~, '', 5k, 1_000, 2026-11-01, '12']"
    )
    assert read(text) == [
        "no", "yes", "on", "1:30", 15, 31, 7, -3, 4, 1.5, 1000.0, 0.5, True, None, "",
        "5k", "1_000", "2026-11-01", "12",
    ]  # fmt: skip
    assert [type(x) for x in read("[7, 7.0, true]")] == [int, float, bool]


def test_keys_are_words_as_written() -> None:
    assert read("{no: 1, 12: 2, 'a b': 3, null: 4}") == {"no": 1, "12": 2, "a b": 3, "null": 4}


PLACES = {"load": 203, "load.rate": 209, "load.mix": 308, "load.mix.read": 315}


def test_every_value_and_key_knows_its_place() -> None:
    node, _ = read_tree("load:\n  rate: 5k/s   # note\n  mix: {read: 100%}\n", "x.yaml")
    places = {path: (m := find(node, parse_path(path)).mark).line * 100 + m.column + 101 for path in PLACES}
    assert places == PLACES
    marks = find(node, ("load",)).marks.items()
    assert {key: (mark.line + 1, mark.column + 1) for key, mark in marks} == {"rate": (2, 3), "mix": (3, 3)}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "the key 'a' stands twice"),
        ("a: {x: 1, x: 2}", 1, 11, "the key 'x' stands twice"),
        ("a: &x {p: 1}\nb:\n  <<: *x", 3, 3, "merge keys (<<) are not allowed; write the keys out"),
        (
            "a: !!python/object:os.system x",
            1,
            4,
            "the tag tag:yaml.org,2002:python/object:os.system is not allowed",
        ),
        ("a: !x {}", 1, 4, "the tag !x is not allowed"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document; a scenario is one"),
        ("a: .nan", 1, 4, "a number must be finite"),
        ("a: [1, -.inf]", 1, 8, "a number must be finite"),
        ("a: 1e999", 1, 4, "a number must be finite"),
        ("a: " + "9" * 101, 1, 4, "a number has at most 100 digits"),
        ("a: 1\nb: \x00", 2, 4, "a control character is not allowed"),
        ("a: 1\r\nb: \x1b[31m", 2, 4, "a control character is not allowed"),
        ("a: \u202egnirts", 1, 4, "a control character is not allowed"),
        ('a: "\\e[31m"', 1, 4, "a control character is not allowed"),
        ('"a\\0": 1', 1, 1, "a control character is not allowed"),
        ("%YAML 1.1\n---\na: 1", 1, 1, "a line that begins with % is not allowed"),
        ("a: *b", 1, 4, "nothing above is called &b"),
        ("a: &b [*b]", 1, 8, "nothing above is called &b"),
        ("? [a]\n: 1", 1, 3, "a key must be a word"),
        ("&x a: 1", 1, 1, "a key has no tag and no anchor"),
        ("", 1, 1, "it is empty"),
        ("# only a comment\n", 2, 1, "it is empty"),
        (b"a: 1\nb: \xff", 2, 4, "the text is not UTF-8"),
        ("a: 1".encode("utf-16"), 1, 1, "the text is not UTF-8"),
        ("a" * (2**20 + 1), 1, 1, "the file is larger than 1 MiB"),
    ],
)
def test_refused(text: str | bytes, line: int, column: int, message: str) -> None:
    (problem,) = faults(text)
    assert (problem.file, problem.line, problem.column, problem.message) == ("x.yaml", line, column, message)


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1, 2", 1), ("a: 1\n\tb: 2", 2), ("a: b: c", 1), ("b: 1\na: 'x\n", 2)]
)
def test_what_is_not_yaml_says_where(text: str, line: int) -> None:
    (problem,) = faults(text)
    assert problem.message.startswith("this is not YAML: ") and problem.line == line


def test_all_faults_at_once() -> None:
    assert [p.line for p in faults("a: .nan\nb: !x 1\nc: 1\nc: 2\n---\nd: 1")] == [1, 2, 4, 5]


def test_faults_of_hopeless_files_are_bounded() -> None:
    assert len(faults("[" + ".nan," * 5000 + "]")) == 200


def test_aliases_share_and_are_counted() -> None:
    assert read("a: &x {p: 1}\nb: *x\nc: [*x, *x]") == {
        "a": {"p": 1},
        "b": {"p": 1},
        "c": [{"p": 1}, {"p": 1}],
    }
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    (problem,) = faults(laughs)
    assert problem.message == f"more than {MAX_NODES} values, aliases written out"
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100))
    (problem,) = faults(chain)
    assert problem.message == f"nested more than {MAX_DEPTH} levels deep"
    deep_first = "a: &x [" + "[" * 40 + "]" * 40 + ", &y [0], 1]\nb: " + "[" * 30 + "*x" + "]" * 30
    (problem,) = faults(deep_first)
    assert problem.message == f"nested more than {MAX_DEPTH} levels deep"


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_depth_is_exact(depth: int) -> None:
    assert bool(faults("[" * depth + "]" * depth)) == (depth > MAX_DEPTH)
    assert bool(faults("- " * (depth - 1) + "x")) == (depth > MAX_DEPTH)
    assert bool(faults("".join(" " * i + "a:\n" for i in range(depth - 1)))) == (depth > MAX_DEPTH)


NASTY = {
    "flow": "[" * 2**20,
    "flow with comments": "[ # ]\n" * 100_000,
    "mappings": "{a: " * 200_000,
    "dashes": "- " * 2**19,
    "questions": "? " * 2**19,
    "anchors": "&a " * 200_000,
    "tags": "!a " * 200_000,
    "quote": '"' + "a" * 1_000_000,
    "pairs": "[" + "a: b," * 200_000 + "]",
    "documents": "---\n" * 200_000,
    "handles": "".join(f"%TAG !a{i}! tag:\n" for i in range(40_000)),
    "blank literal": "a: |\n" + " \n" * 300_000,
    "plain over lines": "a: " + "b\n " * 300_000,
    "one key": "a" * 1_000_000 + ": 1",
    "long number": "a: " + "1" * 1_000_000,
    "colons": ":" * 1_000_000,
    "aliases": "a: &a [" + "b," * 40_000 + "]\nc: [" + "*a," * 40_000 + "]",
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_files_are_over_within_two_seconds(name: str) -> None:
    begin = time.process_time()
    faults(NASTY[name])
    assert time.process_time() - begin < 2.0


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE | st.integers(-(10**50), 10**50))
def test_numbers_are_read_to_the_bit(number: float) -> None:
    assert read_scalar(repr(number)) == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text("abc no:1-.~#'\"", max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abn1", min_size=1), inner),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_json_is_yaml(value: Any) -> None:
    assert read(json.dumps(value)) == value


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_other_error_than_its_own(content: bytes | str) -> None:
    for problem in faults(content):
        assert problem.message and "\x1b" not in str(problem) and str(problem).count("\n") <= 2


def test_a_problem_prints_its_line_with_a_caret() -> None:
    source = Source("s.yaml", "load:\n  rtae: 5k/s\n")
    problem = Problem.at(source, 2, 3, "load.rtae", "unknown key", "rate")
    assert (
        str(problem) == "s.yaml:2:3: load.rtae: unknown key; did you mean 'rate'?\n      rtae: 5k/s\n      ^"
    )


def test_far_columns_are_brought_near() -> None:
    first, line, caret = str(Problem.at(Source("s", "x" * 500 + "!" + "y" * 500), 1, 501, "p", "m")).split(
        "\n"
    )
    assert line[caret.index("^")] == "!" and len(line) <= 110 and first == "s:1:501: p: m"


def test_an_error_has_all_problems_sorted_and_once() -> None:
    problems = [
        Problem("b", 1, 1, "", "m"),
        Problem("a", 2, 1, "", "m"),
        Problem("a", 1, 9, "", "m"),
        Problem("a", 2, 1, "", "m"),
    ]
    error = ScenarioError(problems)
    assert [str(p) for p in error.problems] == ["a:1:9: m", "a:2:1: m", "b:1:1: m"]
    assert str(error) == "a:1:9: m\na:2:1: m\nb:1:1: m"


def test_nearest_word() -> None:
    assert nearest("celebrty", ["celebrity", "batch"]) == "celebrity"
    assert nearest("xyz", ["celebrity", "batch"]) == ""


def test_printable_hides_what_a_terminal_obeys() -> None:
    assert printable("a\x1b[31m\u202e\n\tb") == "a\ufffd[31m\ufffd\ufffd\ufffdb"
    assert printable("é × 日本") == "é × 日本"


def test_nodes_know_their_keys() -> None:
    node, _ = read_tree("a: 1", "x.yaml")
    assert (
        isinstance(node, Node)
        and node.problem("a", "m", key="a").column == 1
        and node.problem("", "m").line == 1
    )
