"""Events and the window: what may happen when, and what the engine is told."""

from __future__ import annotations

import pytest
from scenario_texts import FEED, FLOW, cases, changed, problems

from simsys.scenario import load_scenario

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

{at: 5s, down: timelines, shard: 31, for: 1s}
  nothing

{at: 5s, down: timelines, shard: 32, for: 1s}
  11:43: events.0.shard: expected a shard that there is; those of 'timelines' are 0 to 31

{at: 5s, down: feed, shard: 0, for: 1s}
  11:38: events.0.shard: expected a shard that there is; only stations have shards (copies)

{at: 5s, down: timelines, copies: 1, for: 1s}
  11:44: events.0.copies: expected copies that there are; only caches have copies (shard)

{at: 5s, empty: feed, shard: 0}
  11:10: events.0: 'shard' goes with down, stall and slow, not with empty

{at: 5s, down: feed, for: 1s, back: warm}
  nothing

{at: 5s, down: timelines, for: 1s, back: warm}
  11:51: events.0.back: only a cache holds what could be there afterwards; a station goes on as it
  was

{at: 5s, empty: feed, back: warm}
  11:10: events.0: 'back' goes with down, not with empty

{at: 5s, request: {op: lick}}
  8:14: strategies.pull: it has no plan for the operation 'lick'

{at: 5s, request: {op: post, folowers: 5}}
  11:39: events.0.request.folowers: unknown key (followers)

{at: 5s, request: {op: post, key: 5}}
  11:44: events.0.request.key: requests have no column 'key'

{at: 5s, request: {op: post, followers: 11M}}
  11:50: events.0.request.followers: more followers than users (10,000,000)

{at: 5s, down: network, for: 1s}
  11:25: events.0.down: 'network' is a delay: it has no servers that could be down, stalled or slow

{at: 5s, slow: {station: network, by: 2}, for: 1s}
  11:25: events.0.slow: 'network' is a delay: it has no servers that could be down, stalled or slow

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


def test_shards_stall_each_for_itself() -> None:
    first, second = "{at: 10s, stall: timelines, shard: 1, for: 5s}", "{at: 12s, stall: timelines, shard: %s, for: 1s}"
    assert problems(f"{FEED}events: [{first}, {second % 2}]\n") == []
    for same in (second % 1, second.replace("shard: %s, ", "")):
        assert problems(f"{FEED}events: [{first}, {same}]\n") == [
            "11:58: events.1: 'timelines' is stalled or slow already: such events must not overlap"
        ]


def test_a_cache_is_down_once_at_a_time() -> None:
    first, second = "{at: 10s, down: feed, for: 5s}", "{at: %ss, down: feed, for: 1s}"
    assert problems(f"{FEED}events: [{first}, {second % 15}]\n") == []
    assert problems(f"{FEED}events: [{first}, {second % 14}]\n") == [
        "11:42: events.1: 'feed' is down already: such events must not overlap"
    ]


@pytest.mark.parametrize(
    ("given", "on_expiry", "kind"),
    [("lease: 2s", "none", "single_flight"), ("grace: 2s", "single_flight", "stale"),
     ("recompute: 2s", "stale", "early"), ("beta: 2", "none", "early")],
)  # fmt: skip
def test_a_number_that_nobody_asks_for_is_a_mistake(given: str, on_expiry: str, kind: str) -> None:
    hot = "caches: {hot: {entries: 1k, ttl: 1s, start: cold, on_expiry: %s, %s}}"
    key = given.partition(":")[0]
    found = problems(changed(FLOW, ("caches: {hot: {entries: 1k, ttl: 1s}}", hot % (on_expiry, given))))
    column = (hot % (on_expiry, given)).index(given) + len(key) + 3
    assert found == [
        f"5:{column}: caches.hot.{key}: nobody asks for it with on_expiry: {on_expiry} (on_expiry: {kind})"
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
