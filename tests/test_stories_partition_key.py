"""What the shipped `partition-key` asks of its shards, in closed form: visits per operation, hops, and a lost zone.

The visits are added up from the very columns of the requests: a scatter over the s shards of a zone for n entries
visits least(s, n rounded up) of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bands import holds
from scipy.integrate import quad
from scipy.stats import lognorm, norm

from simsys import draws
from simsys.experiment.jobs import play_once
from simsys.experiment.setting import Setting, settings
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario, shipped

TEXT = shipped()["partition-key"].read_text()
ZONES, SHARDS = ("zone-a", "zone-b", "zone-c"), 8
CALM = ["events=[]", "run.duration=2s", "run.warmup=0s", "run.replications=5"]
FIVE = "run.replications=5"
LOST = ["run.duration=3s", FIVE, "events=[{at: 1s, down: zone-b, for: 1s}]"]
SHARD = ["run.duration=3s", FIVE, "events=[{at: 1s, down: zone-a, shard: 3, for: 1s}]"]


def setting(strategy: str, changes: list[str], *replaced: tuple[str, str]) -> Setting:
    text = TEXT
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return next(one for one in settings(load_scenario(text, changes)) if one.label == strategy)


def plays(one: Setting) -> list[Summary]:
    return [play_once(one, r, "compiled") for r in range(5)]


def columns(one: Setting, op: str, name: str) -> Any:
    """A column of all requests of an operation in the first replication."""
    chunks = list(one.workload(0).chunks())
    ours = one.ops.index(op)
    return np.concatenate([chunk.columns[name][chunk.op == ours] for chunk in chunks])


def scattered(n: Any) -> float:
    """Shards that requests for n entries visit if a third is asked of each zone."""
    return float(3 * np.minimum(SHARDS, np.ceil(0.333333 * n)).sum())


# -- visits per operation ----------------------------------------------------------------------------------------------


def expected(strategy: str, one: Setting) -> float:
    followers, following = columns(one, "post", "followers"), columns(one, "read", "following")
    if strategy == "by-reader":
        return following.size + scattered(followers)
    if strategy == "by-author":
        return followers.size + scattered(following)
    return float(following.size + followers.size)


def visits(one: Setting) -> float:
    found = play_once(one, 0, "compiled")
    return sum(sum(found.stations[zone].throughput) for zone in ZONES) * found.length


@pytest.mark.parametrize("strategy", ["by-reader", "by-author", "by-time"])
def test_every_shard_that_is_asked_for_is_visited(strategy: str) -> None:
    one = setting(strategy, CALM)
    assert visits(one) == pytest.approx(expected(strategy, one), rel=2e-3)


def test_a_read_by_author_visits_sixteen_shards_and_one_by_reader_a_single_one() -> None:
    following = columns(setting("by-author", CALM), "read", "following")
    assert scattered(following) / following.size == pytest.approx(16, abs=0.5)


@pytest.mark.parametrize(
    ("strategy", "old", "new"),
    [("by-author", "0.333333 * following, key: spread", "0.333333 * following, key: any"),
     ("by-author", "0.333333 * following, key: spread", "0.1 * following, key: spread"),
     ("by-reader", "0.333333 * followers", "0.666667 * followers")],
    ids=["one shard of each zone", "fewer authors", "every timeline twice"],
)  # fmt: skip
def test_mutants_visit_others(strategy: str, old: str, new: str) -> None:
    mutant = setting(strategy, CALM, (old, new))
    assert visits(mutant) != pytest.approx(expected(strategy, mutant), rel=2e-3)


# -- how busy ----------------------------------------------------------------------------------------------------------


def busy(one: Setting, zone: str, shard: int) -> list[float]:
    return [found.stations[zone].utilization[shard] for found in plays(one)]


def test_by_time_one_shard_has_nine_reads_in_ten_and_all_posts() -> None:
    one, newest = setting("by-time", CALM), draws.shard_of(1.0, SHARDS)
    reads, posts = one.rate("read"), one.rate("post")
    asked = 0.9 * reads * (100e-6 + 50e-6) + posts * 20e-6
    assert asked == pytest.approx(0.797, abs=0.001)
    holds(busy(one, "zone-b", newest), asked, 0.03)
    found = play_once(one, 0, "compiled").stations["zone-b"].utilization
    assert [share for shard, share in enumerate(found) if shard != newest] == [0.0] * 7
    with pytest.raises(AssertionError):
        holds(busy(setting("by-time", CALM, ("chance: 90%", "chance: 50%")), "zone-b", newest), asked, 0.03)


def test_by_reader_all_shards_share_the_reads_evenly() -> None:
    one = setting("by-reader", CALM)
    entries = 20e-6 * one.rate("post") * 50 / 3
    per_shard = (one.rate("read") / 3 * 150e-6 + entries) / SHARDS
    for zone in ZONES:
        found = [float(np.mean(play.stations[zone].utilization)) for play in plays(one)]
        assert float(np.mean(found)) == pytest.approx(per_shard, rel=0.1)


# -- hops --------------------------------------------------------------------------------------------------------------

SLOW = ["load.rate=300/s", "run.duration=40s", "events=[]", "run.warmup=0s", "run.replications=5"]
WITHIN, BETWEEN = (0.2e-3, 1e-3), (0.8e-3, 2e-3)


def hop(law: tuple[float, float]) -> Any:
    """The lognormal law of a hop, from mean and p99."""
    mean, p99 = law
    sigma = norm.ppf(0.99) - np.sqrt(norm.ppf(0.99) ** 2 - 2 * np.log(p99 / mean))
    return lognorm(sigma, scale=mean * np.exp(-(sigma**2) / 2))


def latencies(strategy: str, *replaced: tuple[str, str]) -> list[float]:
    return [found.ops["read"].latency.mean or 0.0 for found in plays(setting(strategy, SLOW, *replaced))]


def test_a_read_of_one_shard_has_one_hop_and_two_of_three_go_to_another_zone() -> None:
    mean = WITHIN[0] / 3 + 2 * BETWEEN[0] / 3 + 150e-6
    holds(latencies("by-reader"), mean, 0.02 * mean)
    with pytest.raises(AssertionError):
        holds(latencies("by-reader", ("chance: 33.333333%", "chance: 50%")), mean, 0.02 * mean)


def test_a_scatter_waits_for_the_slowest_of_its_hops() -> None:
    """E[max] of one hop within and two between the zones: 1.00 ms, not 0.60; then a shard, which few wait for."""
    slowest = quad(lambda t: 1 - hop(WITHIN).cdf(t) * hop(BETWEEN).cdf(t) ** 2, 0, 0.05, limit=200, points=[1e-3])[0]
    assert slowest == pytest.approx(1.0e-3, rel=0.05)
    asked = 100e-6 + 1e-6 * float(np.mean(columns(setting("by-author", SLOW), "read", "following"))) / 24
    holds(latencies("by-author"), slowest + asked, 0.02 * (slowest + asked))


# -- a zone is lost ----------------------------------------------------------------------------------------------------

REFUSED = {
    ("by-reader", "read"): 1 / 3, ("by-reader", "post"): 1, ("by-author", "read"): 1, ("by-author", "post"): 1 / 3,
    ("by-time", "read"): 0.9, ("by-time", "post"): 1, ("partial", "read"): 0,
    ("twice", "read"): 0, ("twice", "post"): 0,
}  # fmt: skip


def refused(one: Setting, op: str) -> list[float]:
    return [found.ops[op].refused / found.ops[op].offered for found in plays(one)]


@pytest.mark.parametrize(("strategy", "op"), REFUSED)
def test_who_is_refused_while_a_zone_is_down(strategy: str, op: str) -> None:
    """A third of the time, whoever needs the zone."""
    found, share = refused(setting(strategy, LOST), op), REFUSED[strategy, op] / 3
    assert float(np.mean(found)) == pytest.approx(share, abs=0.06 if op == "post" else 0.01)


SHARD_REFUSED = {("by-reader", "read"): 1 / 24, ("by-author", "post"): 1 / 24, ("by-time", "read"): 1 / 160}


@pytest.mark.parametrize(("strategy", "op"), SHARD_REFUSED)
def test_who_is_refused_while_a_shard_is_down(strategy: str, op: str) -> None:
    """One of 24 has a reader's timeline or an author's posts; of what is old, one of 16."""
    share = SHARD_REFUSED[strategy, op] / 3
    found = refused(setting(strategy, SHARD), op)
    assert float(np.mean(found)) == pytest.approx(share, rel=0.5 if op == "post" else 0.15)
    elsewhere = refused(setting(strategy, [*SHARD[:2], SHARD[2].replace("shard: 3, ", "")]), op)
    assert float(np.mean(elsewhere)) > 4 * share


def test_a_scatter_fails_where_a_shard_of_it_does() -> None:
    """Of those who ask eight shards of the zone everybody; who follows fewer than 24 asks fewer of them."""
    one = setting("by-author", SHARD)
    asked = np.minimum(SHARDS, np.ceil(0.333333 * columns(one, "read", "following"))) / SHARDS
    assert float(np.mean(refused(one, "read"))) == pytest.approx(float(asked.mean()) / 3, rel=0.05)


@pytest.mark.parametrize("changes", [LOST, SHARD], ids=["a zone", "a shard"])
def test_every_request_is_done_refused_given_up_or_still_inside(changes: list[str]) -> None:
    for strategy in ("by-reader", "by-author", "partial"):
        for found in plays(setting(strategy, changes)):
            for op in found.ops.values():
                assert op.offered == op.latency.count + op.refused + op.timed_out + op.unfinished > 0


def test_partial_pages_lack_what_the_lost_zone_has() -> None:
    lacking = [found.ops["read"].marked["lacking"] / found.ops["read"].offered
               for found in plays(setting("partial", LOST))]  # fmt: skip
    assert float(np.mean(lacking)) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("strategy", "old", "new", "share"),
    [("twice", "refused: [{visit: network.between}, {visit: zone-c.read, n: page}]", "refused: [{visit: zone-b.read}]",
      1 / 9), ("by-reader", "chance: 33.333333%", "chance: 66.666667%", 1 / 18)],
    ids=["nobody asks elsewhere", "the lost zone has fewer readers"],
)  # fmt: skip
def test_mutants_of_the_loss(strategy: str, old: str, new: str, share: float) -> None:
    found = float(np.mean(refused(setting(strategy, LOST, (old, new)), "read")))
    assert found == pytest.approx(share, abs=0.01)
    assert found != pytest.approx(REFUSED[strategy, "read"] / 3, abs=0.01)
