"""Every post that is accepted reaches each follower with a timeline exactly once, or is counted as lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import Setting, settings
from simsys.measure.summary import OpSummary
from simsys.scenario import load_scenario
from simsys.steps import Hold, Mark
from simsys.strategies.feed.push import Push

WORLD = """
load: {{rate: 100/s, read_write_ratio: 4:1}}
population:
  users: 5k
  active: {active}
  followers: {{lognormal: {{mean: 50, p99: 500}}}}
  following: {{lognormal: {{mean: 50, p99: 200}}}}
stations: {{workers: {{servers: 8}}, celebrity_workers: {{servers: 2}}, timelines: {{shards: 2}}}}
strategies: [{strategy}]
events: [{events}]
run: {{duration: 20s, replications: 1, warmup: 0s}}
"""
PUSHES = [
    "push", "{push: {batch: 20}}", "{push: {page: 30, batch: 7}}", "{push: {lane: 100}}", "{push: {inactive: push}}",
    "{push: {inactive: try}}", "{hybrid: {celebrity: 200}}",
]  # fmt: skip
OUTAGES = ["", "{at: 5s, down: timelines, for: 5s}", "{at: 5s, down: workers, for: 5s}"]


def world(strategy: str, outage: str = "", active: str = "100%") -> Setting:
    return settings(load_scenario(WORLD.format(strategy=strategy, events=outage, active=active)))[0]


def followers(setting: Setting) -> float:
    """Of all posts together."""
    load = setting.workload(0)
    post = load.ops.index("post")
    return float(sum(chunk.columns["followers"][chunk.op == post].sum() for chunk in load.chunks()))


def posts(setting: Setting) -> OpSummary:
    return play_once(setting, 0, "compiled").ops["post"]


@pytest.mark.parametrize("strategy", PUSHES)
@pytest.mark.parametrize("outage", OUTAGES, ids=["all is well", "timelines are down", "workers are down"])
def test_once_or_lost(strategy: str, outage: str) -> None:
    setting = world(strategy, outage)
    told = posts(setting)
    assert told.fresh.count + told.marked["lost"] == followers(setting)
    assert (told.marked["lost"] > 0) == bool(outage)


@pytest.mark.parametrize(("strategy", "share"), [("push", 0.6), ("{push: {inactive: push}}", 1.0)])
def test_who_has_no_timeline_is_left_out_or_given_one(strategy: str, share: float) -> None:
    """A batch that is no whole number of followers is rounded."""
    setting = world(strategy, active="60%")
    told = posts(setting)
    assert told.fresh.count == pytest.approx(share * followers(setting), abs=0.5 * told.offered)


def test_a_post_that_is_down_with_its_workers_is_not_seen() -> None:
    """All its batches are lost, so none of its followers counts as one who sees it when it has been accepted."""
    told = posts(world("push", "{at: 0s, down: workers, for: 30s}"))
    assert told.fresh.count == 0 and told.latency.count == told.offered > 0


def twice(self: Push, b: Any) -> Iterator[Any]:
    yield Hold("workers", self.write)
    yield Hold("workers", self.write)


def silent(self: Push, b: Any) -> Iterator[Any]:
    yield Hold("workers", self.write)


def uncounted(self: Push, b: Any) -> Iterator[Any]:
    if not (yield Hold("workers", self.write, ask=True)):
        yield Mark("lost", n=1)
        yield Mark("fresh", n=0)


@pytest.mark.parametrize("mutant", [twice, silent, uncounted])
def test_mutants(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is written twice; one whose loss nobody tells, as before; one that counts batches."""
    monkeypatch.setattr(Push, "deliver", mutant)
    setting = world("{push: {batch: 20}}", OUTAGES[1])
    told = posts(setting)
    assert told.fresh.count + told.marked.get("lost", 0) != followers(setting) or told.marked.get("lost", 0) == 0
