"""Populations: balanced books, who posts, who reads, and traits that are functions of the user's number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from realdata import real
from scipy import stats  # type: ignore[import-untyped]

from simsys.workload import Load, Population, Workload
from simsys.workload.grid import axis, point_weights
from simsys.workload.scatter import scattered, spread

TWO = {"mixture": [{"share": "90%", "constant": 10}, {"share": "10%", "constant": 1000}]}
HEAVY = {"pareto": {"mean": 200, "tail": 1.1, "max": "10M"}}
LOGNORMAL = {"lognormal": {"mean": 200, "p99": 2000}}


def population(folder: Path = Path(), /, **given: Any) -> Population:
    return Population.model_validate({"users": "200M"} | given, context={"folders": (folder,)})


def workload(people: Population, mix: dict[str, str] | None = None, **more: Any) -> Workload:
    load = Load.model_validate({"rate": "1k/s", "mix": mix or {"read": "50%", "post": "50%"}})
    return Workload(load, people, requests=10, **more)


def sample(people: Population, op: str, count: int = 200_000, replication: int = 0) -> dict[str, Any]:
    load = workload(people, replication=replication)
    return load.rows(np.arange(count), load.ops.index(op)).columns


def close(values: Any, expected: float, band: float) -> None:
    """Within three standard errors, which are within the band."""
    error = 3 * np.std(values) / math.sqrt(len(values))
    assert error <= band * expected, f"3 se {error:g} is more than the band of {band * expected:g}: too few"
    assert abs(np.mean(values) - expected) <= error


# The facts


def test_facts_of_a_population_of_two_kinds() -> None:
    people = population(users="1M", active="20%", online="3%", followers=TWO, activity={"exponent": 1})
    assert (people.users, people.active_users, people.online_users) == (1_000_000, 200_000, 30_000)
    assert people.mean_followers == pytest.approx(109)
    assert people.mean_following == pytest.approx(109)
    assert people.activity_weighted_mean_followers == pytest.approx((0.9 * 10**2 + 0.1 * 1000**2) / 109)
    assert people.share_above(11) == pytest.approx(0.1)
    assert people.edge_share_above(11) == pytest.approx(100 / 109)
    assert people.edge_share_above(1000) == pytest.approx(100 / 109)
    assert people.edge_share_above(1001) == 0


def test_the_share_of_edges_is_not_the_share_of_users() -> None:
    people = population(followers=HEAVY, following=LOGNORMAL)
    assert people.mean_followers == pytest.approx(200, rel=1e-9)
    assert people.share_above(10_000) == pytest.approx(0.0014, abs=5e-5)
    assert people.edge_share_above(10_000) == pytest.approx(0.378, abs=5e-4)
    pulled = [people.edge_share_above(x) * people.mean_following for x in (1e4, 1e5, 1e6)]
    assert pulled == pytest.approx([75.7, 44.5, 19.7], abs=0.05)


def test_one_side_of_the_edges_makes_the_other() -> None:
    for side in ("followers", "following"):
        given: dict[str, Any] = {side: LOGNORMAL}
        people = population(**given)
        assert people.mean_followers == pytest.approx(200, rel=1e-6)
        assert people.mean_following == pytest.approx(200, rel=1e-6)


def test_followers_by_rank() -> None:
    people = population(users="1M", followers={"zipf": {"exponent": 0.9, "max": "100k"}})
    everybody = 1e5 * np.arange(1.0, 1e6 + 1) ** -0.9
    assert people.mean_followers == pytest.approx(everybody.mean(), rel=1e-6)
    for x in (0.5, 1, 30, 5000, 99_999):
        assert people.share_above(x) == pytest.approx((everybody >= x).mean(), abs=1e-6)
        edges = everybody[everybody >= x].sum() / everybody.sum()
        assert people.edge_share_above(x) == pytest.approx(edges, abs=3e-6)
    few = population(users=3, followers={"zipf": {"exponent": 1, "max": 3}})
    assert few.mean_followers == pytest.approx((3 + 3 / 2 + 3 / 3) / 3, abs=0.5 / 3 + 1e-9)
    with pytest.raises(ValidationError, match="the largest number is 2M, more than the 1M users"):
        population(users="1M", followers={"zipf": {"exponent": 1, "max": "2M"}})


def test_a_population_without_a_graph() -> None:
    people = population(users=500)
    assert people.columns == ("user", "active")
    assert (people.mean_followers, people.edge_share_above(1)) == (0, 0)
    users = sample(people, "read", 5000)["user"]
    assert set(users) == set(range(500))


def test_few_users_are_counted_one_by_one() -> None:
    people = population(users=500, followers={"lognormal": {"mean": 20, "p99": 100}})
    columns = sample(people, "read", 20_000)
    followers = dict(zip(columns["user"], columns["followers"], strict=True))
    assert len(followers) == 500
    assert sum(followers.values()) == 500 * 20
    assert people.mean_followers == pytest.approx(20)
    assert people.share_above(max(followers.values())) == pytest.approx(1 / 500)


# Books must balance


def test_reads_and_writes_make_pulls_and_pushes_in_the_same_ratio() -> None:
    """Activity apart, pulls : pushes = reads : writes, whatever the graph: 2,000,000 to 5,700 is 351."""
    share = 2_000_000 / 2_005_700
    for followers in (LOGNORMAL, HEAVY, TWO | {"mixture": [{"share": "100%", "constant": 200}]}):
        people = population(followers=followers, following=LOGNORMAL)
        load = Load.model_validate({"rate": "2005700/s", "read_write_ratio": "2000000:5700"})
        requests = Workload(load, people, requests=1)
        assert requests.shares["read"] == pytest.approx(share)
        edges = {}
        for op, column in (("read", "following"), ("post", "followers")):
            weights, columns = requests.grid(op)
            edges[op] = requests.rate(op) * float((weights * columns[column]).sum())
        assert edges["read"] / edges["post"] == pytest.approx(350.877, rel=1e-5)


def test_drawn_requests_balance_too() -> None:
    people = population(followers=LOGNORMAL, following=LOGNORMAL)
    close(sample(people, "post")["followers"], 200, 0.02)
    close(sample(people, "read")["following"], 200, 0.02)


@pytest.mark.parametrize(("mean", "factor"), [(100, "2"), (300, "1.5"), (225, "1.12")])
def test_edges_off_by_more_than_a_tenth_are_an_error(mean: int, factor: str) -> None:
    with pytest.raises(ValidationError, match=f"off by a factor of {factor};"):
        population(followers=LOGNORMAL, following={"exponential": {"mean": mean}})


def test_edges_off_by_less_than_a_tenth_are_not() -> None:
    people = population(followers=LOGNORMAL, following={"exponential": {"mean": 215}})
    assert people.mean_following == 215


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"users": 0}, "greater than or equal to 1"),
    ({"users": "9M", "followers": HEAVY}, "followers: the largest number is 10M, more than the 9M users"),
    (
        {"users": 1000, "following": {"lognormal": {"mean": 200, "p99": 2000}}},
        "more than the 1,000 users|more than the 1k users",
    ),
    ({"users": 50, "followers": TWO}, "followers: the largest number is 1k, more than the 50 users"),
    ({"active": "10%", "online": "20%"}, "online must not be above active"),
    ({"active": "0%"}, "greater than 0"),
    ({"online": "0%"}, "greater than 0"),
    ({"activity": {"exponent": 1}}, "give followers too"),
    ({"followers": LOGNORMAL, "activity": {"exponent": -1}}, "greater than or equal to 0"),
    ({"followers": 0, "activity": {"exponent": 1}}, "nobody posts"),
    ({"followers": {"lognormal": {"mean": 200}}}, "p99 or cv"),
    ({"followers": LOGNORMAL, "followed": 3}, "Extra inputs"),
]


@pytest.mark.parametrize(("given", "message"), ERRORS)
def test_impossible_populations(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        population(**given)


def test_as_many_followers_as_users_is_possible() -> None:
    assert population(users="10M", followers=HEAVY, following=LOGNORMAL).users == 10_000_000


# Real followers


def rows(name: str, activity: str, keep: str = "") -> pd.DataFrame:
    frame = pd.read_csv(real(name))
    kept = frame.query(keep) if keep else frame
    return pd.DataFrame({"followers": kept["followers"], "activity": kept[activity]})


def from_rows(frame: pd.DataFrame, folder: Path, users: int) -> Population:
    frame.to_csv(folder / "rows.csv", index=False)
    file = {"path": "rows.csv", "column": "followers", "activity": "activity"}
    return population(folder, users=users, followers={"file": file})


SAMPLES = [
    ("followers_github_spain_2017.csv.gz", "contributions", "", 4.62),
    ("followers_twitter_2017_celebrities_bots.csv.gz", "tweets", "is_bot == 0", 1.99),
]


@pytest.mark.parametrize(("name", "activity", "keep", "ratio"), SAMPLES)
def test_activity_that_grows_with_followers_multiplies_push(
    name: str, activity: str, keep: str, ratio: float, tmp_path: Path
) -> None:
    frame = rows(name, activity, keep)
    people = from_rows(frame, tmp_path, len(frame) * 100_000)
    assert people.mean_followers == pytest.approx(frame["followers"].mean(), rel=1e-12)
    assert people.activity_weighted_mean_followers / people.mean_followers == pytest.approx(ratio, abs=0.005)
    posts = sample(people, "post", 1_000_000)["followers"]
    close(posts / people.mean_followers, people.activity_weighted_mean_followers / people.mean_followers, 0.02)
    assert set(np.unique(posts)) <= set(frame["followers"])
    reads = sample(people, "read", 1_000_000)["followers"]
    close(reads / people.mean_followers, 1.0, 0.02)


def test_shuffled_columns_lose_the_factor(tmp_path: Path) -> None:
    frame = rows("followers_github_spain_2017.csv.gz", "contributions")
    ratios = []
    for seed in range(60):
        shuffled = frame.assign(activity=frame["activity"].sample(frac=1, random_state=seed).to_numpy())
        people = from_rows(shuffled, tmp_path, 1_000_000)
        ratios.append(people.activity_weighted_mean_followers / people.mean_followers)
    close(ratios, 1.0, 0.1)


def test_a_hand_picked_sample_is_not_a_population(tmp_path: Path) -> None:
    """People of the Twitter sample: median 4,352, p99 32 M; 20 posts/s would be 36.5 M deliveries/s."""
    frame = rows("followers_twitter_2017_celebrities_bots.csv.gz", "tweets", "is_bot == 0")
    frame[["followers"]].to_csv(tmp_path / "rows.csv", index=False)
    people = population(tmp_path, followers={"file": {"path": "rows.csv", "column": "followers"}})
    assert 20 * people.activity_weighted_mean_followers == pytest.approx(36.5e6, rel=0.01)


def test_activity_comes_from_one_place(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("followers,activity\n1,2\n3,0\n")
    file = {"file": {"path": "rows.csv", "column": "followers", "activity": "activity"}}
    with pytest.raises(ValidationError, match="not from both"):
        population(tmp_path, followers=file, activity={"exponent": 1})
    parts = [{"share": "50%", **file}, {"share": "50%", "constant": 2}]
    with pytest.raises(ValidationError, match="not with a mixture"):
        population(tmp_path, followers={"mixture": parts})
    people = population(tmp_path, followers=file)
    assert (people.mean_followers, people.activity_weighted_mean_followers) == (2, 1)
    assert set(sample(people, "post")["followers"]) == {1}


# Users


@given(st.integers(1, 10**11), st.integers(0, 10**11))
def test_numbers_and_ranks_are_one_to_one(users: int, number: int) -> None:
    there, back = spread(users)
    numbers = np.array([number % users])
    ranks = scattered(numbers, there, users)
    assert int(ranks[0]) == number % users * there % users
    assert scattered(ranks, back, users).tolist() == numbers.tolist()


@pytest.mark.parametrize("users", [1, 2, 3, 500, 10_007, 65_536])
def test_the_first_numbers_are_a_fair_sample(users: int) -> None:
    ranks = scattered(np.arange(users), spread(users)[0], users)
    assert sorted(ranks.tolist()) == list(range(users))
    for some in (users // 50, users // 7, users // 3):
        parts = (np.sort(ranks[:some]) + 0.5) / users
        even = (np.arange(some) + 0.5) / max(some, 1)
        assert np.abs(parts - even).max(initial=0) <= (2 + math.log2(some + 1)) / max(some, 1)


def test_a_users_traits_are_functions_of_the_users_number() -> None:
    people = population(users=5000, online="10%", followers=TWO, following={"exponential": {"mean": 109}})
    seen: dict[float, set[tuple[float, float]]] = {}
    for op in ("read", "post"):
        for replication in (0, 1):
            columns = sample(people, op, 20_000, replication)
            traits = zip(columns["followers"], columns["following"], strict=True)
            for user, trait in zip(columns["user"], traits, strict=True):
                seen.setdefault(user, set()).add(trait)
            numbers = columns["user"]
            assert numbers.min() >= 0
            assert numbers.max() < (500 if op == "read" else 5000)
    assert len(seen) > 4000
    assert all(len(traits) == 1 for traits in seen.values())


def test_all_who_are_online_read_alike() -> None:
    people = population(users=5000, online="2%", followers=TWO)
    read = np.bincount(sample(people, "read", 100_000)["user"].astype(np.int64))
    assert read.size == people.online_users == 100
    assert stats.chisquare(read).pvalue > 0.001


@pytest.mark.parametrize("exponent", [0.0, 0.37, 1.0])
def test_authors_are_drawn_by_activity(exponent: float) -> None:
    followers = {"pareto": {"mean": 20, "tail": 1.5, "max": 2000}}
    people = population(users="1M", followers=followers, activity={"exponent": exponent})
    posts = sample(people, "post", 400_000)["followers"]
    close(posts, people.activity_weighted_mean_followers, 0.02)
    everybody = np.rint(people.followers.variate().quantile((np.arange(1_000_000) + 0.5) / 1e6))  # type: ignore[union-attr]
    weights = everybody**exponent
    for x in (10, 100, 1000):
        expected = weights[everybody >= x].sum() / weights.sum()
        assert (posts >= x).mean() == pytest.approx(expected, abs=3 * math.sqrt(expected / 400_000))


# The grid


@pytest.mark.parametrize("followers", [LOGNORMAL, HEAVY, TWO, {"exponential": {"mean": 200}}])
@pytest.mark.parametrize("exponent", [0.0, 0.37, 0.7])
def test_the_grid_has_the_exact_means(followers: dict[str, Any], exponent: float) -> None:
    following = {"lognormal": {"mean": 109 if followers is TWO else 200, "p99": 1500}}
    people = population(followers=followers, following=following, activity={"exponent": exponent})
    assert math.fsum(point_weights()) == pytest.approx(1, rel=1e-12)
    for op, mean in (("read", people.mean_followers), ("post", people.activity_weighted_mean_followers)):
        weights, columns = workload(people).grid(op)
        assert (weights * columns["followers"]).sum() == pytest.approx(mean, rel=1e-6)
        assert (weights * columns["following"]).sum() == pytest.approx(people.mean_following, rel=1e-6)


def test_the_grid_sees_thresholds_far_in_the_tail() -> None:
    people = population(followers=HEAVY, following=LOGNORMAL)
    weights, columns = workload(people).grid("post")
    for x in (300, 1e4, 1e5, 1e6, 9e6):
        above = columns["followers"] >= x
        assert weights[above].sum() == pytest.approx(people.share_above(x), rel=0.01)
        edges = (weights * columns["followers"])[above].sum() / people.mean_followers
        assert edges == pytest.approx(people.edge_share_above(x), rel=0.01)


def test_columns_of_the_grid_are_all_but_independent() -> None:
    weights, columns = workload(population(followers=LOGNORMAL, following=LOGNORMAL)).grid("read")
    product = (weights * columns["followers"] * columns["following"]).sum()
    assert product == pytest.approx(200 * 200, rel=0.02)


@pytest.mark.parametrize("number", range(5))
def test_every_axis_visits_every_point(number: int) -> None:
    cells = axis(number)
    assert sorted(cells.point.tolist()) == list(range(point_weights().size))
    assert cells.means(lambda v: v) == pytest.approx(np.ones(point_weights().size), rel=1e-9)
    assert np.diff(cells.edges) == pytest.approx(point_weights()[cells.point], rel=1e-2)
