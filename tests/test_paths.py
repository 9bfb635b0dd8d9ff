"""Paths: one grammar for errors, --set and sweeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsys.scenario.guard import Node, read_tree
from simsys.scenario.paths import PathError, find, parse_path, remove, set_value, show_path

TEXT = """
load: {rate: 5k/s, arrivals: poisson, mix: {read: 1}}
caches: {feed: {entries: 1M, ttl: 5s}}
strategies:
  - pull
  - hybrid: {celebrity: 10k}
  - flow: {name: cache-aside, read: [{visit: api.read}]}
  - push
  - push: {batch: 9}
events: [{at: 5s}, {at: 6s}]
run: {duration: 60s, replications: 10}
"""


def tree(text: str = TEXT) -> Node:
    return read_tree(text, "x.yaml")[0]


def after(path: str, value: Any) -> Any:
    """The plain tree after `--set path=value`."""
    return set_value(tree(), parse_path(path), read_tree(str(value), "--set")[0]).plain()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("load.rate", ("load", "rate")),
        ("events.0.at", ("events", "0", "at")),
        ("strategies.cache-aside", ("strategies", "cache-aside")),
        ('sweep."load.rate"', ("sweep", "load.rate")),
    ],
)
def test_read_and_shown(text: str, path: tuple[str, ...]) -> None:
    assert parse_path(text) == path
    assert show_path(path) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a b", 'a."', "a.b=c", "a\n", "é", "../x"])
def test_not_a_path(text: str) -> None:
    with pytest.raises(PathError, match=r"a path such as load.rate is needed"):
        parse_path(text)


@given(
    st.lists(
        st.text(st.characters(blacklist_characters='"', min_codepoint=32, max_codepoint=126), min_size=1),
        min_size=1,
    )
)
def test_every_path_is_shown_so_that_it_reads_back(steps: list[str]) -> None:
    path = tuple(step[:60] for step in steps)
    assert parse_path(show_path(path)) == path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("load.rate", "5k/s"),
        ("events.1.at", "6s"),
        ("strategies.hybrid.celebrity", "10k"),
        ("strategies.1.celebrity", "10k"),
        ("strategies.cache-aside.read.0.visit", "api.read"),
        ("strategies.2.name", "cache-aside"),
        ("strategies.pull", {}),
        ("strategies.4.batch", 9),
    ],
)
def test_found(path: str, value: Any) -> None:
    assert find(tree(), parse_path(path)).plain() == value


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("lod.rate", "there is no 'lod'", "load"),
        ("load.rtae", "there is no 'rtae'", "rate"),
        ("strategies.hybird.celebrity", "there is no 'hybird'", "hybrid"),
        ("strategies.push.batch", "'push' stands more than once: use its number, the first is 3", ""),
        ("events.7", "there is no element 7: the list has 2", ""),
        ("load.rate.x", "there is only a single value", ""),
        ("strategies.hybrid.celebrty", "there is no 'celebrty'", "celebrity"),
    ],
)
def test_not_found(path: str, message: str, hint: str) -> None:
    with pytest.raises(PathError) as caught:
        find(tree(), parse_path(path))
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_set_replaces_and_leaves_the_rest() -> None:
    before = tree().plain()
    changed = after("load.rate", "9k/s")
    assert changed["load"] == {**before["load"], "rate": "9k/s"}
    assert {k: v for k, v in changed.items() if k != "load"} == {
        k: v for k, v in before.items() if k != "load"
    }
    assert tree().plain() == before


def test_set_makes_what_is_missing() -> None:
    assert after("stations.database.servers", 64)["stations"] == {"database": {"servers": 64}}
    assert after("run.seed", 3)["run"] == {"duration": "60s", "replications": 10, "seed": 3}


def test_set_in_strategies() -> None:
    assert after("strategies.hybrid.celebrity", "1M")["strategies"][1] == {"hybrid": {"celebrity": "1M"}}
    assert after("strategies.1.celebrity", "1M")["strategies"][1] == {"hybrid": {"celebrity": "1M"}}
    assert after("strategies.pull.source", "rows")["strategies"][0] == {"pull": {"source": "rows"}}
    assert after("strategies.hybrid", "{batch: 1}")["strategies"][1] == {"hybrid": {"batch": 1}}
    assert after("strategies.cache-aside.read", "[]")["strategies"][2] == {
        "flow": {"name": "cache-aside", "read": []}
    }
    assert after("strategies", "[pull]")["strategies"] == ["pull"]


def test_set_in_lists() -> None:
    assert after("events.1.at", "7s")["events"] == [{"at": "5s"}, {"at": "7s"}]
    assert after("events.0", "{at: 1s}")["events"] == [{"at": "1s"}, {"at": "6s"}]


@pytest.mark.parametrize(
    ("path", "value", "place", "keys"),
    [
        ("load.rate", "1/s", "load", {"rate", "arrivals", "mix"}),
        ("load.stages", "[]", "load", {"stages", "arrivals", "mix"}),
        ("load.trace", "{file: x}", "load", {"trace", "mix"}),
        ("load.at_once", "5", "load", {"at_once", "mix"}),
        ("load.clients", "5", "load", {"clients", "mix"}),
        ("load.read_write_ratio", "9:1", "load", {"rate", "arrivals", "read_write_ratio"}),
        ("run.requests", "5", "run", {"requests", "replications"}),
        ("run.precision", "{p99: 5%}", "run", {"duration", "precision"}),
        ("run.seed", "5", "run", {"duration", "replications", "seed"}),
    ],
)
def test_setting_an_alternative_removes_the_others(path: str, value: str, place: str, keys: set[str]) -> None:
    assert after(path, value)[place].keys() == keys


def test_alternatives_of_caches() -> None:
    assert after("caches.feed.bytes", "4GiB")["caches"] == {"feed": {"ttl": "5s", "bytes": "4GiB"}}
    assert after("caches.feed.ttl", "9s")["caches"] == {"feed": {"entries": "1M", "ttl": "9s"}}


def test_a_closed_loop_thinks_and_an_open_one_does_not() -> None:
    closed = tree("load: {clients: 5, think: 1s, mix: {read: 1}}")
    rate = read_tree("5/s", "--set")[0]
    assert set_value(closed, ("load", "rate"), rate).plain()["load"] == {"mix": {"read": 1}, "rate": "5/s"}
    assert set_value(closed, ("load", "think"), rate).plain()["load"]["clients"] == 5


def test_remove() -> None:
    assert remove(tree(), parse_path("run.duration")).plain()["run"] == {"replications": 10}
    assert remove(tree(), parse_path("events.0")).plain()["events"] == [{"at": "6s"}]
    assert remove(tree(), parse_path("strategies.hybrid.celebrity")).plain()["strategies"][1] == {
        "hybrid": {}
    }
    assert remove(tree(), parse_path("strategies.hybrid")).plain()["strategies"][1] != {"hybrid": {}}
    with pytest.raises(PathError, match="there is no 'x'"):
        remove(tree(), parse_path("run.x"))


@pytest.mark.parametrize(
    "path", ["load.rate.x", "events.5.at", "strategies.nobody.x", "load.rate.x.y", "strategies.push.batch"]
)
def test_cannot_be_set(path: str) -> None:
    with pytest.raises(PathError):
        after(path, 1)
