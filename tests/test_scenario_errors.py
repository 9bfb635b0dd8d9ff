"""What is wrong with a scenario: said in words, at its place, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenario_texts import FEED, FLOW, cases, changed, problems

from simsys.scenario import ScenarioError, load_scenario

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
  7:18: caches.feed.policy: expected 'lru', 'fifo', 'clock', 'sieve', 'random', 'bloom' or 'hyperloglog',
  not 'lur' (lru)

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

read p99 < 100ms
write_amplification < 5
  9:7: slo.0: 'write_amplification' is a metric of storage engines: no strategy is one

read p99 <
write_amplificaton <
  9:7: slo.0: there is no metric 'write_amplificaton' (write_amplification)

read p99 <
database p99 <
  9:7: slo.0: 'database' has no metric 'latency_p99'

read p99 < 100ms
read marked.frehs < 1%
  9:7: slo.0: no plan marks 'frehs' (fresh)

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
precision: {}
  10:6: run: precision names a percentile, as in {p99: 5%}

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
  10:6: run: exactly one of replications, precision; found both
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


def test_of_two_alternatives_the_one_meant_is_spoken_of() -> None:
    """Neither "expected 'uniform'" nor anything else about the alternative that nobody tried to write."""
    assert problems(changed(FLOW, ("zipf: 0.99", "zpf: 0.99"))) == [
        "1:72: load.keys.popularity: 'zipf' is missing",
        "1:73: load.keys.popularity.zpf: unknown key (zipf)",
    ]
    assert problems(changed(FLOW, ("{zipf: 0.99}", "zipf"))) == [
        "1:72: load.keys.popularity: expected 'uniform' or a mapping of keys to values, not 'zipf'"
    ]


def test_a_list_of_wrong_elements_is_not_called_empty() -> None:
    assert problems(changed(FEED, ("rate: 2k/s", "stages: [{for: 5s, rate: 5}]"))) == [
        "2:33: load.stages.0.rate: 5: expected a rate like 20k/s or 300/m; the unit is missing"
    ]
    assert problems(changed(FEED, ("rate: 2k/s", "stages: []"))) == ["2:16: load.stages: expected at least 1 element"]


def test_a_strategy_that_stands_twice_is_named_by_its_number() -> None:
    twice = changed(FEED, ("[pull, {hybrid: {celebrity: 10k}}]", "[hybrid, {hybrid: {celebrty: 10k}}]"))
    assert problems(twice) == ["8:32: strategies.1.celebrty: unknown key (celebrity)"]


def test_a_cache_that_says_how_it_begins_may_outlive_the_run() -> None:
    for start in ("warm", "cold"):
        assert problems(changed(FLOW, ("ttl: 1s", f"ttl: 1h, start: {start}"))) == []
    assert problems(changed(FLOW, ("ttl: 1s", "ttl: 12s"))) == []
    unused = changed(FEED, ("{ttl: 5s}", "{ttl: 1h}"))
    assert problems(unused) == [], "nobody asks this cache"
    assert len(problems(unused, "strategies=[cached_pull]")) == 1
    unsaid = changed(FEED, ("caches:\n  feed: {ttl: 5s}\n", ""))
    (found,) = problems(unsaid, "strategies=[cached_pull]")
    assert found.startswith("1:1: caches.feed: its ttl of 5 min"), "not a line of the defaults' file"


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
