"""Scenarios: what a file means, what is wrong with it and where, defaults, options, and back to YAML."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from simsys.scenario import (
    Problem,
    Scenario,
    ScenarioError,
    figures,
    find_scenario,
    load_scenario,
    scenario_schema,
    shipped,
    write_scenario,
)  # fmt: skip
from simsys.scenario.guard import read_tree
from simsys.scenario.schema import allowed
from simsys.strategies import label
from simsys.strategies.feed.hybrid import Hybrid
from simsys.strategies.feed.push import Push

FEED = """\
question: Who should pay?
load: {rate: 2k/s, mix: {read: 99.5%, post: 0.5%}}
population: {users: 10M, active: 20%, online: 3%, followers: {lognormal: {mean: 200, p99: 2k}}}
stations:
  database: {servers: 32, ops: {insert: 1ms}}
caches:
  feed: {ttl: 5s}
strategies: [pull, {hybrid: {celebrity: 10k}}]
slo: ["read p99 < 100ms", "cost < 40k$/month"]
run: {duration: 60s, seed: 7}
"""
FLOW = """\
load: {rate: 300/s, mix: {read: 100%}, keys: {count: 100k, popularity: {zipf: 0.99}}}
stations:
  api: {servers: 8, ops: {read: {exponential: {mean: 1ms}}}}
  database: {servers: 10, ops: {query: 5ms}}
caches: {hot: {entries: 1k, ttl: 1s}}
strategies:
  - flow:
      name: cache-aside
      read: [{hold: api, do: [{visit: api.read}, {lookup: hot, miss: [{visit: database.query}, {fill: hot}]}]}]
run: {duration: 60s}
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with pieces replaced, each of which must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems(text: str, *sets: str) -> list[str]:
    """`line:column: path: message (hint)` of all that is wrong; nothing wrong is an empty list."""
    try:
        load_scenario(text, sets)
    except ScenarioError as error:
        return [short(problem) for problem in error.problems]
    return []


def short(problem: Problem) -> str:
    file = "" if problem.file == "scenario" else f"{problem.file} "
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{file}{problem.line}:{problem.column}: {problem.path}: {problem.message}{hint}"


def cases(table: str) -> list[tuple[str, ...]]:
    """The cases of a table: lines as they are, then what is expected, indented, on one line or more."""
    rows = [block.split("\n") for block in table.strip("\n").split("\n\n")]
    told = [" ".join(line.strip() for line in row if line.startswith("  ")) for row in rows]
    return [(*(line for line in row if not line.startswith("  ")), end) for row, end in zip(rows, told, strict=True)]


# What a file means


def test_a_scenario_in_units_of_seconds_bytes_and_dollars() -> None:
    scenario = load_scenario(FEED)
    assert scenario.load.rate == 2000 and scenario.load.shares == {"read": 0.995, "post": 0.005}
    assert scenario.population is not None and scenario.population.users == 10_000_000
    assert scenario.stations["database"].servers == 32
    assert scenario.caches["feed"].ttl == 5.0
    assert [(r.subject, r.metric, r.op, r.value) for r in scenario.slo] == [
        ("read", "latency_p99", "<", 0.1),
        ("system", "cost", "<", 40_000.0),
    ]
    assert (scenario.run.duration, scenario.run.seed, scenario.run.replications) == (60.0, 7, 10)
    assert scenario.prices.vcpu == 12.5 and scenario.sizes["follow_edge"] == 59.0
    assert scenario.retention.posts == 365 * 86400
    assert (scenario.name, scenario.transient, scenario.has_rate) == ("scenario", False, True)


def test_strategies_are_objects_with_their_knobs() -> None:
    scenario = load_scenario(FEED, ["strategies=[push, {hybrid: {celebrity: 1M, push: {batch: 5, page: 1k}}}]"])
    push, hybrid = scenario.strategies
    assert push == Push()
    assert hybrid == dataclasses.replace(Hybrid(), celebrity=1e6, push=Push(batch=5, page=1000))
    assert isinstance(hybrid, Hybrid) and hybrid.pull.source == "lists", "the defaults of the inner strategy stay"
    assert isinstance(hybrid.push.batch, int)


def test_flows_have_their_name_and_their_text() -> None:
    scenario = load_scenario(FLOW)
    assert [label(strategy, alone=True) for strategy in scenario.strategies] == ["cache-aside"]
    assert scenario.flows["cache-aside"]["read"][0]["hold"] == "api"
    assert scenario.sizes == {} and set(scenario.stations) == {"api", "database"}


# Defaults


def test_a_station_states_only_what_differs() -> None:
    plain = load_scenario(changed(FEED, ("  database: {servers: 32, ops: {insert: 1ms}}\n", "  {}\n")))
    scenario = load_scenario(FEED)
    assert scenario.stations["database"].ops["insert"].mean(1) == 0.001
    assert scenario.stations["database"].ops["newest"] == plain.stations["database"].ops["newest"]
    assert {k: v for k, v in scenario.stations.items() if k != "database"} == {
        k: v for k, v in plain.stations.items() if k != "database"
    }


@pytest.mark.parametrize(
    ("given", "fixed", "per_item", "size"),
    [
        ("{bytes: 8B}", 7.5e-6, 0.06e-6, 8),
        ("{per_item: 1us}", 0, 1e-6, 20),
        ("1us", 0, 1e-6, 20),
        ("{exponential: {mean: 1us}}", 0, 1e-6, 20),
        ("{fixed: 1us, per_item: 2us, bytes: 0B}", 1e-6, 2e-6, 0),
    ],
)
def test_the_time_of_an_operation_is_replaced_as_a_whole(
    given: str, fixed: float, per_item: float, size: float
) -> None:
    """Mutant: merging key by key would leave the default's `fixed` under a scenario's `per_item`."""
    service = load_scenario(changed(FEED, ("database: {", f"timelines: {{ops: {{range: {given}}}}}\n  database: {{")))
    range_ = service.stations["timelines"].ops["range"]
    assert range_.mean(0) == pytest.approx(fixed) and range_.mean(1) == pytest.approx(fixed + per_item)
    assert range_.bytes == size


def test_alternatives_replace_the_default_of_a_family() -> None:
    cache = load_scenario(changed(FEED, ("{ttl: 5s}", "{ttl: 5s, bytes: 4GiB}"))).caches["feed"]
    assert (cache.entries, cache.bytes) == (None, 4 * 2**30)
    assert load_scenario(FEED).caches["feed"].entries == 1e6


@pytest.mark.parametrize(
    ("load", "run", "duration", "requests"),
    [
        ("rate: 5/s", "{}", 60, None),
        ("clients: 5", "{}", 60, None),
        ("clients: 5", "{requests: 9}", None, 9),
        ("at_once: 5", "{}", None, None),
        ("stages: [{for: 5s, rate: 1/s}]", "{}", None, None),
        ("stages: [{for: 5s, rate: 1/s}]", "{duration: 3s}", 3, None),
    ],
)
def test_only_a_load_without_an_end_gets_one(load: str, run: str, duration: float | None, requests: int | None) -> None:
    text = changed(FLOW, ("rate: 300/s", load), ("{duration: 60s}", run), ("ttl: 1s", "ttl: 1s, start: cold"))
    scenario = load_scenario(text)
    assert (scenario.run.duration, scenario.run.requests) == (duration, requests)


def test_precision_takes_the_place_of_replications() -> None:
    run = load_scenario(changed(FEED, ("seed: 7", "precision: {p99: 5%}"))).run
    assert (run.replications, run.precision) == (None, {"p99": 0.05})


def test_figures_are_the_defaults_that_were_not_changed() -> None:
    def grades(scenario: Scenario) -> dict[str, str]:
        return {".".join(figure.path): figure.grade for figure in figures(scenario)}

    here = grades(load_scenario(FEED))
    assert here["stations.timelines.ops.push.per_item"] == "A" and here["retention.hot"] == "D"
    assert here["prices.usable"] == "C" and here["caches.feed.entries"] == "D"
    assert "stations.database.ops.insert" not in here and "caches.feed.ttl" not in here
    gone = grades(load_scenario(FEED, ["prices.usable=80%", "retention.hot=2d"]))
    assert here.keys() - gone.keys() == {"prices.usable", "retention.hot"}
    again = grades(load_scenario(write_scenario(load_scenario(FEED))))
    assert again == here, "a default that is written out is still a default"
    assert "stations.api.ops.read" not in grades(load_scenario(FLOW))


# What is wrong, and where


FAULTS = """
rate:
rte:
  2:8: load.rte: unknown key (rate)

2k/s
20000
  2:14: load.rate: 20000: expected a rate like 20k/s or 300/m; the unit is missing

2k/s
-5/s
  2:14: load.rate: '-5/s': expected a rate like 20k/s or 300/m

99.5%
98.5%
  2:25: load.mix: the shares must add up to 100 %; they add up to 99 %

10M
0
  3:21: population.users: must be at least 1

10M, a
1k, a
  3:13: population: followers: the largest number is 7.93k, more than the 1k users there are

question
qestion
  1:1: qestion: unknown key (question)

database: {
Database: {
  5:3: stations.Database: expected a name: a small letter, then small letters, digits, _ and -

32
2.5
  5:23: stations.database.servers: expected a whole number or 'unlimited', not 2.5

32
unlimted
  5:23: stations.database.servers: expected a whole number or 'unlimited', not 'unlimted'
  (unlimited)

32
[]
  5:23: stations.database.servers: expected a whole number or 'unlimited', not a list

1ms
1mss
  5:41: stations.database.ops.insert: '1mss': expected a duration like 250us, 10ms or 1m30s; no unit
  'mss', did you mean 'ms'?

1ms
{lognormal: {mean: 1ms, p98: 2ms}}
  5:65: stations.database.ops.insert.lognormal.p98: unknown key (p99)

1ms
{lognormal: {mean: 1ms, p99: 20ms}}
  5:53: stations.database.ops.insert.lognormal: p99 is 20 times the mean; expected 1 to 14.97 times,
  which is all a log-normal law can do

1ms
{exponental: {mean: 1ms}}
  5:42: stations.database.ops.insert.exponental: unknown key (exponential)

1ms
{exponential: {}}
  5:55: stations.database.ops.insert.exponential: 'mean' is missing

database: {servers: 32, ops: {insert: 1ms}}
databse: {servers: 32}
  5:12: stations.databse: no strategy uses 'databse' (database)

insert
insret
  5:41: stations.database.ops.insret: no strategy uses 'insret' (insert)

ttl: 5s
tll: 5s
  7:10: caches.feed.tll: unknown key (ttl)

ttl: 5s
policy: lur
  7:18: caches.feed.policy: expected 'lru' or 'fifo', not 'lur' (lru)

ttl: 5s
entries: 1k, bytes: 1GiB
  7:9: caches.feed: a cache needs its room: either entries or bytes

[pull,
[pul,
  8:14: strategies: there is no strategy 'pul' (pull)

[pull,
[7,
  8:14: strategies.0: expected the name of a strategy, or one name with its knobs, as in {hybrid:
  {celebrity: 10k}}

[pull,
[hybrid: {celebrity: 10k},
  8:40: strategies: 'hybrid' stands twice: rows could not tell them apart

celebrity
celebrty
  8:30: strategies.hybrid.celebrty: unknown key (celebrity)

10k}
ten}
  8:41: strategies.hybrid.celebrity: 'ten': expected a count like 5k, 90M or 1.5B, or a plain number

celebrity: 10k
push: {batch: 2.5}
  8:44: strategies.hybrid.push.batch: 2.5: expected a whole number like 8, 5k or 90M

celebrity: 10k
pull: {source: row}
  8:45: strategies.hybrid.pull.source: expected 'rows', 'index' or 'lists', not 'row' (rows)

[pull, {hybrid: {celebrity: 10k}}]
pull
  8:13: strategies: expected a list of strategies, as in [pull, push]

[pull, {hybrid: {celebrity: 10k}}]
[]
  8:13: strategies: expected a list of strategies, as in [pull, push]

read p99 <
read p98 <
  9:7: slo.0: there is no metric 'p98' (p99)

read p99 <
raed p99 <
  9:7: slo.0: there is no operation, station or cache 'raed' (read)

read p99 <
p99 <
  9:7: slo.0: 'latency_p99' is a metric of an operation: say of which, as in 'read p99 < 100ms'

read p99 <
database p99 <
  9:7: slo.0: 'database' has no metric 'latency_p99'

read p99 <
read p99 <=
  9:7: slo.0: expected a promise like 'read p99 < 100ms' or 'cost < 40k$/month'

< 100ms
< 100
  9:7: slo.0: '100': expected a duration like 250us, 10ms or 1m30s; the unit is missing

60s
60s, requests: 5
  10:6: run: give duration or requests, not both

seed: 7
seed: -7
  10:28: run.seed: must be at least 0

seed: 7
sed: 7
  10:22: run.sed: unknown key (seed)

seed: 7
warmup: 2m
  10:30: run.warmup: the run is over after 1 min

seed: 7
warmup: atuo
  10:30: run.warmup: expected auto, or a share or duration of the run like 10% or 5s (auto)

seed: 7
precision: {p99: 5%}, replications: 3
  10:6: run: give replications or precision, and not both
"""


@pytest.mark.parametrize(("old", "new", "expected"), cases(FAULTS))
def test_one_fault(old: str, new: str, expected: str) -> None:
    assert problems(changed(FEED, (old, new))) == [expected]


FLOW_FAULTS = """
visit: api.read
visit: apo.read
  9:39: strategies.cache-aside.read.0.do.0.visit: there is no station 'apo' (api)

visit: api.read
visit: api.raed
  9:39: strategies.cache-aside.read.0.do.0.visit: the station 'api' has no operation 'raed'
  (read)

lookup: hot
lookup: hit
  9:59: strategies.cache-aside.read.0.do.1.lookup: there is no cache 'hit' (hot)

{visit: api.read}
{vist: api.read}
  9:32: strategies.cache-aside.read.0.do.0.vist: a step has one word of: visit, hold, all, each,
  start, lookup, fill, drop, join, within, when, chance, mark (visit)

read: 100%
raed: 100%
  8:7: strategies.cache-aside: it has no plan for the operation 'raed'

name: cache-aside
name: push
  7:5: strategies: 'push' stands twice: rows could not tell them apart

ttl: 1s
ttl: 13s
  5:15: caches.hot: its ttl of 13 s is not much shorter than the run of 1 min, so it matters how it
  begins: say start: warm or start: cold

, ttl: 1s}
}
  5:15: caches.hot: it has no ttl, so it matters how it begins: say start: warm or start: cold

visit: api.read
visit: api.read, n: followers
  8:7: strategies.cache-aside: its plan for 'read' fails: requests have no column 'followers'
"""


@pytest.mark.parametrize(("old", "new", "expected"), cases(FLOW_FAULTS))
def test_one_fault_in_a_flow(old: str, new: str, expected: str) -> None:
    found = problems(changed(FLOW, (old, new)))
    assert found[:1] == [expected]


def test_a_cache_that_says_how_it_begins_may_outlive_the_run() -> None:
    for start in ("warm", "cold"):
        assert problems(changed(FLOW, ("ttl: 1s", f"ttl: 1h, start: {start}"))) == []
    assert problems(changed(FLOW, ("ttl: 1s", "ttl: 12s"))) == []
    unused = changed(FEED, ("{ttl: 5s}", "{ttl: 1h}"))
    assert problems(unused) == [], "nobody asks this cache"
    assert len(problems(unused, "strategies=[cached_pull]")) == 1


EVENTS = """
{at: 50%, request: {op: post, followers: 9M}}
  nothing

{at: 5s, request: {op: post, followers: 9M}, brings: {op: read, share: 2%, after: 30s}}
  nothing

{at: 5s, down: feed, for: 1s}
  nothing

{at: 5s, slow: {station: database, by: 5}, for: 1s}
  nothing

{at: 5s, empty: feed}
  nothing

{request: {op: post}}
  11:10: events.0: 'at' is missing

{at: 50, empty: feed}
  11:15: events.0.at: 50: expected a duration like 250us, 10ms or 1m30s; the unit is missing

{at: 61s, empty: feed}
  11:15: events.0.at: the run is over after 1 min

{at: 5s}
  11:10: events.0: an event has exactly one of request, down, stall, slow, empty; found none

{at: 5s, down: feed, empty: feed}
  11:10: events.0: an event has exactly one of request, down, stall, slow, empty; found down and
  empty

{at: 5s, down: feed}
  11:10: events.0: 'for' is missing: how long down lasts

{at: 5s, empty: feed, for: 1s}
  11:10: events.0: 'for' goes with down, stall and slow, not with empty

{at: 5s, down: fed, for: 1s}
  11:25: events.0.down: there is no station or cache 'fed' (feed)

{at: 5s, stall: feed, for: 1s}
  11:26: events.0.stall: there is no station 'feed'

{at: 5s, empty: database}
  11:26: events.0.empty: there is no cache 'database'

{at: 5s, slow: {station: databas, by: 5}, for: 1s}
  11:35: events.0.slow.station: there is no station 'databas' (database)

{at: 5s, slow: {station: database, by: 1}, for: 1s}
  11:49: events.0.slow.by: must be above 1

{at: 5s, request: {op: lick}}
  8:14: strategies.pull: it has no plan for the operation 'lick'

{at: 5s, request: {op: post, folowers: 5}}
  11:39: events.0.request.folowers: unknown key (followers)

{at: 5s, request: {op: post, key: 5}}
  11:44: events.0.request.key: requests have no column 'key'

{at: 5s, request: {op: post, followers: 11M}}
  11:50: events.0.request.followers: more followers than users (10,000,000)

{at: 5s, request: {op: post}, brings: {op: read, share: 2%, after: 30s}}
  11:10: events.0: 'brings' needs a request that gives its followers

{at: 5s, request: {op: post, followers: 9M}, brings: {op: reed, share: 2%, after: 30s}}
  11:68: events.0.brings.op: the load has no operation 'reed' (read)
"""


@pytest.mark.parametrize(("event", "expected"), cases(EVENTS))
def test_events(event: str, expected: str) -> None:
    found = problems(f"{FEED}events: [{event}]\n".replace("events: [", "events: [", 1))
    assert found[:1] == ([] if expected == "nothing" else [expected])


def test_stalls_of_one_station_must_not_overlap() -> None:
    first, second = "{at: 10s, stall: database, for: 5s}", "{at: 12s, slow: {station: %s, by: 2}, for: 1s}"
    assert problems(f"{FEED}events: [{first}, {second % 'api'}]\n") == []
    assert problems(f"{FEED}events: [{first}, {second % 'database'}]\n") == [
        "11:47: events.1: 'database' is stalled or slow already: such events must not overlap"
    ]


def test_a_share_of_a_run_needs_a_length() -> None:
    closed = changed(FLOW, ("rate: 300/s", "clients: 3, think: 1s"), ("{duration: 60s}", "{requests: 9}"))
    closed = changed(closed, ("ttl: 1s", "ttl: 1s, start: cold"))
    assert problems(closed) == []
    event = closed + "events: [{at: 50%, empty: hot}]\n"
    assert problems(event) == ["11:15: events.0.at: a share of the run needs a run with a duration"]


def test_events_say_what_the_engine_needs() -> None:
    scenario = load_scenario(
        FEED + "events: [{at: 50%, request: {op: post, followers: 9M}, brings: {op: read, share: 2%, after: 30s, "
        "notify: delivered}}, {at: 40s, slow: {station: database, by: 5}, for: 2s}, {at: 10s, empty: feed}]\n"
    )
    post, slow, empty = scenario.events
    assert post.request is not None and post.brings is not None
    assert (post.kind, post.time(60), post.request.op, post.request.columns) == (
        "request",
        30,
        "post",
        {"followers": 9e6},
    )
    assert (post.brings.share, post.brings.notify, post.brings.after.variate().mean) == (
        0.02,
        "delivered",
        30,
    )
    assert (slow.kind, slow.station, slow.slow_by, slow.lasts, slow.time(60)) == (
        "slow",
        "database",
        5,
        2,
        40,
    )
    assert (empty.kind, empty.station, empty.lasts) == ("empty", "feed", 0)
    assert scenario.transient and scenario.disturbed(60) == 10


@pytest.mark.parametrize(
    ("warmup", "transient", "begin"),
    [("auto", False, 6), ("auto", True, 0), ("25%", True, 15), ("7s", False, 7), ("0s", False, 0)],
)
def test_where_the_window_opens(warmup: str, transient: bool, begin: float) -> None:
    run = load_scenario(FEED, [f"run.warmup={warmup}"]).run
    assert run.begin(60.0, transient) == begin


def test_stages_disturb_when_the_first_ends() -> None:
    stages = load_scenario(FEED, ["load.stages=[{for: 20s, rate: 5/s}, {for: 9s, rate: 9/s}]"])
    assert stages.transient and stages.disturbed(29) == 20
    assert load_scenario(FEED).disturbed(60) is None


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    text = changed(FEED, ("rate:", "rte:"), ("32", "x"), ("[pull,", "[pul,"), ("seed: 7", "seed: .nan"))
    text = changed(text, ("question: Who", "question: !x Who"))
    places = [line.partition(": ")[0] for line in problems(text, "run.sed=3", "load=")]
    assert places == ["--set load 1:1", "--set run.sed 1:1", "1:11", "2:8", "5:23", "8:14", "10:28"]


def test_an_error_names_the_file_and_shows_the_line(tmp_path: Path) -> None:
    path = tmp_path / "My Feed.yaml"
    path.write_text(changed(FEED, ("celebrity", "celebrty")))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == (
        f"{path}:8:30: strategies.hybrid.celebrty: unknown key; did you mean 'celebrity'?\n"
        "    strategies: [pull, {hybrid: {celebrty: 10k}}]\n"
        "                                 ^"
    )


def test_missing_parts() -> None:
    assert problems("run: {seed: 1}\n\n") == [
        "1:1: : 'load' is missing",
        "1:1: : 'strategies' is missing: the designs to compare, as in [pull, push]",
    ]
    assert problems("[1]\n\n") == ["1:1: : expected keys with values, such as load: {rate: 5k/s}"]
    assert problems(changed(FEED, ("{ttl: 5s}", ""))) == [
        "7:8: caches.feed: expected a mapping of keys to values, and there is nothing"
    ]


# Files


def test_file_names_start_at_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("u,x\n0,1\n1,399\n")
    path = tmp_path / "a.yaml"
    path.write_text(changed(FEED, ("{lognormal: {mean: 200, p99: 2k}}", "{quantiles: {file: t.csv}}")))
    scenario = load_scenario(path)
    assert scenario.population is not None and scenario.population.mean_followers == pytest.approx(200, rel=1e-3)
    assert (scenario.name, scenario.folder) == ("a", tmp_path)
    results = tmp_path / "results" / "a"
    results.mkdir(parents=True)
    (results / "scenario.yaml").write_text(write_scenario(scenario, results))
    again = load_scenario(results / "scenario.yaml")
    assert again.population is not None and again.population.mean_followers == scenario.population.mean_followers
    assert "../../t.csv" in write_scenario(scenario, results)


def test_a_missing_table_or_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(changed(FEED, ("{lognormal: {mean: 200, p99: 2k}}", "{quantiles: {file: t.csv}}")))
    with pytest.raises(ScenarioError, match="no such file") as caught:
        load_scenario(path)
    assert [(p.line, p.column, p.path) for p in caught.value.problems] == [(3, 74, "population.followers.quantiles")]
    path.write_text(changed(FLOW, ("rate: 300/s", "trace: {file: nope.csv, time: t_s}"), ("{duration: 60s}", "{}")))
    with pytest.raises(ScenarioError, match=r"nope\.csv") as caught:
        load_scenario(path)
    assert [p.line for p in caught.value.problems] == [1]


def test_a_trace_with_a_nan_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t_s\n0\nnan\n")
    path = tmp_path / "a.yaml"
    path.write_text(changed(FLOW, ("rate: 300/s", "trace: {file: x.csv, time: t_s}"), ("{duration: 60s}", "{}")))
    with pytest.raises(ScenarioError, match=r"x\.csv:3: column t_s"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nobody.yaml", "there is no such file, and no shipped scenario of that name"),
        ("../../etc/nothing", "there is no such file"),
        ("a\0b", "there is no such file"),
        ("x" * 5000, "there is no such file"),
        (".", "this is not a file"),
        ("", "this is not a file"),
        ("celebrty", "did you mean 'celebrity'"),
        ("celebrity.yml", "did you mean 'celebrity'"),
    ],
)
def test_what_cannot_be_found(what: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario(what)


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_scenario("celebrity") == shipped()["celebrity"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "celebrity").write_text(FEED)
    assert find_scenario("celebrity") == Path("celebrity")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="Is a directory"):
        load_scenario(tmp_path)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ScenarioError, match="larger than 1 MiB"):
        load_scenario(huge)


def test_names_are_safe_as_folders(tmp_path: Path) -> None:
    for stem, name in (("A b", "a-b"), ("..", "scenario"), ("-x_y-", "x_y"), ("é", "scenario")):
        path = tmp_path / f"{stem}.yaml"
        path.write_text(FEED)
        assert load_scenario(path).name == name


# --set


def test_set_reaches_every_part() -> None:
    sets = ["load.rate=5/s", "stations.timelines.ops.range.per_item=1us", "strategies.hybrid.celebrity=1M"]
    scenario = load_scenario(FEED, [*sets, "strategies.pull.source=lists", "run.seed=9", "slo.0=read p50 < 1ms"])
    assert scenario.load.rate == 5
    assert scenario.stations["timelines"].ops["range"].mean(0) == pytest.approx(7.5e-6), (
        "the default's fixed part stays"
    )
    assert scenario.strategies[1] == Hybrid(celebrity=1e6)
    assert scenario.strategies[0].source == "lists"  # type: ignore[attr-defined]
    assert scenario.run.seed == 9 and scenario.slo[0].value == 0.001


def test_set_of_an_alternative() -> None:
    assert load_scenario(FEED, ["run.requests=5k"]).run.duration is None
    assert load_scenario(FEED, ["run.precision={p99: 5%}"]).run.replications is None
    assert load_scenario(FEED, ["load.at_once=5"]).load.kind == "at_once"
    assert load_scenario(FEED, ["caches.feed.bytes=1GiB"]).caches["feed"].entries is None


WRONG_SETS = """
load.rate
  --set 1:1: : expected path=value, as in load.rate=5k/s

=5
  --set 1:1: : a path such as load.rate is needed, not ''

load..rate=5
  --set 1:1: : a path such as load.rate is needed, not 'load..rate'

strategies.hybird.celebrity=5
  --set 1:1: strategies: there is no 'hybird' (hybrid)

strategies.hybrid.celebrty=5
  --set strategies.hybrid.celebrty 1:1: strategies.hybrid.celebrty: unknown key (celebrity)

load.rate=5
  --set load.rate 1:1: load.rate: 5: expected a rate like 20k/s or 300/m; the unit is missing

load.rte=5
  --set load.rte 1:1: load.rte: unknown key (rate)

run.seed=[1
  --set run.seed 1:1: : this is not YAML: while parsing a flow sequence, did not find expected ','
  or ']'

run.seed=!x 1
  --set run.seed 1:1: : the tag !x is not allowed

events.0.at=5s
  --set 1:1: events: there is no '0'

run.seed.x=1
  --set 1:1: run.seed: there is only a single value
"""


@pytest.mark.parametrize(("option", "expected"), cases(WRONG_SETS))
def test_set_that_is_wrong(option: str, expected: str) -> None:
    assert problems(FEED, option) == [expected]


# Sweeps are checked for their form


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("{strategies.hybrid.celebrity: {log: [100, 10M], points: 25}}", []),
        ("{load.rate: [1/s, 2/s], stations.timelines.servers: [1, 2]}", []),
        ("{strategies.hybrid.celebrty: [1]}", ["11:37: sweep.\"strategies.hybrid.celebrty\": unknown key (celebrity)"]),
        ("{load.rte: [1/s]}", ["11:19: sweep.\"load.rte\": there is no 'rte' (rate)"]),
        ("{load.: [1/s]}", ["11:16: sweep.\"load.\": a path such as load.rate is needed, not 'load.'"]),
    ],
)  # fmt: skip
def test_sweeps(sweep: str, expected: list[str]) -> None:
    assert problems(f"{FEED}sweep: {sweep}\n") == expected


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
    assert told["stations"]["timelines"]["ops"]["push"] == {"per_item": "5.2us", "bytes": "120B"}
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
    assert {"celebrity", "push", "pull"} == knobs.keys() and knobs["celebrity"]["default"] == 10000
