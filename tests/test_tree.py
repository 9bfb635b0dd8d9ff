"""Plans as trees and Mermaid text: every step once, what is shared told once, and nothing that breaks the syntax."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from simsys.engines.trace import trace
from simsys.report.explain import about, dry_run, explain
from simsys.report.outline import Item, outline
from simsys.report.tree import mermaid, text_tree
from simsys.scenario import load_scenario
from simsys.steps import SPREAD, All, Chance, Each, Hold, Join, Lookup, Mark, Start, Visit, Within
from simsys.strategies.feed.cached_pull import CachedPull
from simsys.strategies.feed.hybrid import Hybrid
from simsys.strategies.flow import parse

COLUMNS = ("user", "page", "followers", "following", "active", "size")


def told(plan: Any) -> tuple[Item, ...]:
    return outline(trace(plan, COLUMNS))


def test_a_branch_that_joins_again_is_told_once() -> None:
    plan = CachedPull().plan("read")
    assert (
        text_tree("read", told(plan))
        == """\
read
├─ visit api.read
├─ visit network.same_zone
├─ visit cache.get
├─ look up feed, by user
└─ hit in feed?
   └╴no:
      ├─ visit network.same_zone
      ├─ visit database.newest × following
      ├─ fill feed, by user
      └─ visit cache.set"""
    )


def test_the_fan_out_hangs_in_the_background() -> None:
    text = text_tree("post", told(Hybrid(celebrity=10_000).plan("post")))
    assert text.endswith("""\
└─ followers < 10,000?
   └╴yes:
      └─ start deliver × followers * active in batches of 500
         └╴in the background:
            ├─ hold workers
            │  └╴meanwhile:
            │     ├─ visit network.same_zone
            │     ├─ visit timelines.push × size, over all shards
            │     └─ mark fresh × size
            └─ served by workers?
               └╴no:
                  ├─ mark lost × size
                  └─ mark fresh × 0""")


def test_every_word_of_the_vocabulary_has_a_line() -> None:
    def inner(b: Any) -> Iterator[Any]:
        yield Mark("fresh", n=b.size)

    def whole(b: Any) -> Iterator[Any]:
        yield Visit("api", "read", n=2, key=SPREAD)

    def plan(r: Any) -> Iterator[Any]:
        yield Hold("api", whole)
        yield All(whole, whole)
        yield Each(inner, n=r.followers, batch=500, width=2)
        yield Start(inner, n=3)
        yield Join("commit", whole)
        yield Within(1.5, whole)
        yield Within(2.5, whole, also=whole)
        yield Chance(0.01, "cold")

    text = text_tree("read", told(plan))
    for words in (
        "hold api", "meanwhile:", "all of", "side by side:", "each inner × followers in batches of 500, 2 at a time",
        "each:",
        "start inner × 3", "in the background:", "join commit", "once for all:", "within 1.5 s", "in that time:",
        "within 2.5 s", "first:", "after that, beside it:",
        "chance cold, 1%", "visit api.read × 2, over all shards", "mark fresh × size",
    ):  # fmt: skip
        assert words in text, words


def steps(items: tuple[Item, ...]) -> int:
    """How many steps and questions an outline has."""
    return sum(1 + sum(steps(inner) for _, inner in item.parts) for item in items)


@pytest.mark.parametrize("op", ["read", "post"])
def test_an_early_end_is_shown(op: str) -> None:
    flow = parse(
        {"name": "x", op: [{"visit": "api.read", "refused": []}, {"within": "1s", "do": [{"visit": "api.read"}]}]}
    )
    items = told(flow.plan(op))
    text = text_tree(op, items)
    assert text.splitlines()[-3:] == ["└─ done in time?", "   └╴no:", "      └─ end with False"]
    assert "served by api" not in text, "refused or not, the rest is the same: no question"
    chart = mermaid(op, items)
    end = re.search(r'(n\d+)\["end with False"\]', chart)
    assert end and f"{end[1]} -->" not in chart


def test_mermaid_has_an_arrow_for_every_way() -> None:
    def plan(r: Any) -> Iterator[Any]:
        yield Visit("api", "read")
        if (yield Lookup("feed", r.user)):
            yield Visit("cache", "get")
        else:
            yield Visit("database", "join")
        yield Visit("api", "render")

    assert (
        mermaid("read", told(plan))
        == """\
flowchart TD
    n0(["read"])
    n1["visit api.read"]
    n0 --> n1
    n2["look up feed, by user"]
    n1 --> n2
    n3{"hit in feed?"}
    n2 --> n3
    n4["visit cache.get"]
    n3 -->|yes| n4
    n5["visit database.join"]
    n3 -->|no| n5
    n6["visit api.render"]
    n4 --> n6
    n5 --> n6"""
    )


def test_mermaid_draws_every_step_and_escapes_labels() -> None:
    items = told(Hybrid().plan("post"))
    chart = mermaid('say "<b>#1"', items)
    nodes = re.findall(r"^    (n\d+)[(\[{]", chart, re.M)
    assert len(nodes) == len(set(nodes)) == steps(items) + 1
    assert '(["say #quot;#lt;b#gt;#35;1#quot;"])' in chart
    assert "-.->|in the background|" in chart and "-.->|meanwhile|" in chart
    targets = {target for _, target in re.findall(r"(n\d+) -.*?(n\d+)$", chart, re.M)}
    assert targets == set(nodes) - {"n0"}, "everything but the start is reached"


SMALL = """\
question: Is it enough?
load: {rate: 320/s, mix: {get: 100%}}
stations:
  server: {servers: 4, vcpu: 1, ops: {get: {exponential: {mean: 10ms}}}}
strategies: [{flow: {name: mm4, get: [{visit: server.get}]}}]
slo: [get p99 < 100ms]
run: {requests: 1k, replications: 2}
"""


def test_explain_has_demand_load_and_bill_in_closed_form() -> None:
    text = explain(load_scenario(SMALL))
    assert text.startswith("Is it enough?\n\nmm4\n===\n\nget\n└─ visit server.get\n")
    assert re.search(r"^  get: server.get +1 +1$", text, re.M)
    assert "load, in seconds of a server per request (get 320/s)" in text
    assert "  server                     4       10 ms       80.0%" in text
    assert "cpu: server: 4 servers × 1 vCPU × 12.5 $/month = 50$/month" in text
    assert "```mermaid\nflowchart TD\n" in text


def test_a_dry_run_names_what_no_server_can_carry() -> None:
    from simsys.experiment.estimate import estimate
    scenario = load_scenario(SMALL, ["load.rate=440/s"])
    text = dry_run(scenario, estimate(scenario, jobs=1))
    assert "1k requests in each of 2 plays" in text
    assert "server                     4 servers      110% busy" in text
    assert "saturated: server cannot carry this load" in text


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (119.0, "119 s"), (150.0, "2 minutes"), (600.0, "10 minutes")]
)
def test_about(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_a_planned_request_may_ask_for_nothing() -> None:
    text = explain(load_scenario("cqrs"))
    assert "event: rebuild: no work" in text
    assert "event: rebuild: 80 s of work / 4 servers of model = 20 s" in text


def test_what_is_foreseen_too_high_says_so() -> None:
    """The cache lies beneath the CDN, of which nobody stands in front."""
    lines = explain(load_scenario("read-path")).splitlines()
    told = [after.strip().startswith("less if") for line, after in pairwise(lines) if "hit ratio of cache" in line]
    above = [after.strip().startswith("less if") for line, after in pairwise(lines) if "hit ratio of cdn" in line]
    assert told and all(told) and above and not any(above)
