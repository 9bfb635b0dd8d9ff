"""Push or pull: the closed forms against stories, against brute force over every choice, and against each other."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simsys.theory import Edges, Feed, Promise, break_even, read_twice, threshold
from simsys.workload.population import Population

H, L, RANGE = 5.2e-6, 3.5e-6, 9.2e-6
"""Seconds of a push, of pulling one author, and of reading one timeline."""
DAY = 86_400.0
TWITTER, GITHUB = (Feed(H, L, reads=20, scale=0.2, exponent=gamma) for gamma in (0.37, 0.70))
KEPT = Feed(H, L, reads=20 / DAY, scale=2 / DAY, pulls=200 / 1.0)
EXACT = 1e-9


# S4.1: all post alike


@pytest.mark.parametrize("posts", [0.01, 1.0, 30.0])
def test_s4_followers_cancel_where_all_post_alike(posts: float) -> None:
    even = posts * H / L
    assert even / posts == pytest.approx(1.486, abs=5e-4)
    for reads, best in ((0.999 * even, 0.0), (even, math.inf), (1.001 * even, math.inf)):
        assert threshold(Feed(H, L, reads, posts)) == (best, "work")
    alike = graph(posts, even)
    flat = [alike.work(H, L, where) for where in (0, 2, 10, 1e3, 1e5, math.inf)]
    assert flat == pytest.approx([flat[0]] * 6, rel=EXACT)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(1, 1e7))
def test_s4_no_threshold_in_between_beats_both_ends_where_all_post_alike(posts, reads, where) -> None:
    edges = graph(posts, reads)
    ends = min(edges.work(H, L, 0), edges.work(H, L, math.inf))
    assert edges.work(H, L, where) >= ends * (1 - EXACT)
    assert edges.least_work(H, L) == pytest.approx(ends, rel=EXACT)


def test_s4_mutant_a_cost_per_author_instead_of_per_edge_invents_an_optimum_in_between() -> None:
    followers = np.geomspace(1, 1e6, 200)
    per_author = [float(np.where(followers < w, 20 * followers, 1e5).sum()) for w in np.geomspace(1, 1e6, 50)]
    assert 0 < int(np.argmin(per_author)) < 49


def graph(posts: float, reads: float, exponent: float = 0.0) -> Edges:
    """Followers at 400 quantiles of a power law, each standing for all edges of its authors."""
    followers = np.repeat(np.geomspace(1, 1e6, 400), np.geomspace(100, 1, 400).astype(int))
    return Edges(posts * followers**exponent, np.full(followers.size, reads), followers)


# S4.2: posts grow with followers


def test_s4_work_puts_the_threshold_where_the_rates_are_equal_and_moves_it_up_with_reads() -> None:
    assert threshold(TWITTER) == (pytest.approx(87_240, rel=1e-4), "work")
    assert threshold(GITHUB) == (pytest.approx(409, rel=1e-3), "work")
    assert read_twice(TWITTER) == (pytest.approx(567_950, rel=2e-4), "work")
    for feed, factor in ((TWITTER, 6.51), (GITHUB, 2.69)):
        now = threshold(feed).followers
        assert read_twice(feed).followers / now == pytest.approx(factor, rel=1e-3)
        more = feed._replace(scale=2 * feed.scale)
        assert now / threshold(more).followers == pytest.approx(factor, rel=1e-3)


@given(st.floats(0.1, 2), st.floats(0.5, 50), st.floats(0.05, 5))
def test_s4_the_closed_form_is_the_best_of_all_thresholds(exponent, reads, posts) -> None:
    """And, as all readers are alike, as good as the best choice for each edge."""
    edges = graph(posts, reads, exponent)
    best = threshold(Feed(H, L, reads, posts, exponent)).followers
    others = [edges.work(H, L, where) for where in [*np.geomspace(0.5, 2e6, 60), math.inf]]
    assert edges.work(H, L, best) <= min(others) * (1 + EXACT)
    assert edges.work(H, L, best) == pytest.approx(edges.least_work(H, L), rel=EXACT)


# S4.3: lists of celebrities are shared


def test_s4_sharing_puts_the_threshold_where_reads_do_not_move_it() -> None:
    assert threshold(KEPT) == (pytest.approx(5.82e6, rel=1e-3), "sharing")
    assert read_twice(KEPT) == threshold(KEPT)
    half = KEPT._replace(scale=KEPT.scale / 2)
    assert threshold(half).followers == pytest.approx(2 * threshold(KEPT).followers, rel=EXACT)
    mutant = KEPT._replace(pulls=math.inf)  # each reader asks for itself
    assert threshold(mutant) == (math.inf, "work")


def test_s4_sharing_that_costs_a_merge_per_read_moves_again() -> None:
    costly = KEPT._replace(merge=0.1e-6)
    assert threshold(costly) == (pytest.approx(700e-6 / (2 * H - 20 * 0.1e-6) * DAY, rel=EXACT), "sharing")
    assert read_twice(costly).followers > 1.3 * threshold(costly).followers
    assert threshold(KEPT._replace(merge=H)).followers == math.inf  # S4.1 with the merge as pull: all push


@given(
    st.floats(0, 1.5), st.floats(0.1, 100), st.floats(0.05, 5), st.floats(1, 1e6), st.sampled_from([0.0, 1e-7, 3e-6])
)
def test_s4_an_author_is_pushed_exactly_below_the_threshold(exponent, reads, posts, pulls, merge) -> None:
    feed = Feed(H, L, reads, posts, exponent, pulls, merge)
    best = threshold(feed).followers
    for followers in np.geomspace(0.01, 1e9, 100):
        assume(abs(feed.pushed(followers) / feed.pulled(followers) - 1) > 1e-6)
        assert (feed.pushed(followers) < feed.pulled(followers)) == (followers < best)


# S4.4: a promise binds


@pytest.mark.parametrize(("reads", "most"), [(0, 30.77e6), (300_000, 28.12e6), (600_000, 25.46e6)])
def test_s4_freshness_puts_the_threshold_where_reads_move_it_down(reads: float, most: float) -> None:
    promise = Promise(limit=5, servers=32, push=H, busy=reads * RANGE)
    feed = Feed(H, L, reads=20, scale=0.2, exponent=0.2)
    assert promise.by_freshness() == pytest.approx(most, rel=2e-4)
    assert threshold(feed, promise) == (promise.by_freshness(), "freshness")
    if reads:
        assert read_twice(feed, promise).followers < threshold(feed, promise).followers
        mutant = Promise(limit=5, servers=32, push=H, busy=0)  # a push that does not wait behind reads
        assert mutant.by_freshness() > 1.09 * most
    assert Promise(5, 32, H, busy=40).by_freshness() == 0


def test_s4_the_least_of_the_three_binds() -> None:
    promise = Promise(limit=5, servers=32, push=H, busy=300_000 * RANGE)
    assert threshold(TWITTER, promise).binds == "work"
    assert threshold(KEPT, promise).binds == "sharing"
    assert threshold(KEPT._replace(pulls=2_000), promise).binds == "freshness"


# Shares of edges, not of users

TAIL = {"users": "200M", "followers": {"pareto": {"mean": 200, "tail": 1.1, "max": "10M"}}, "following": 200}


def test_s4_few_authors_hold_many_of_the_edges() -> None:
    people = Population.model_validate(TAIL)
    assert people.share_above(10_000) == pytest.approx(0.0014, rel=0.05)
    assert people.edge_share_above(10_000) == pytest.approx(0.378, rel=0.002)
    for followers, pulled in ((10e3, 75.7), (100e3, 44.5), (1e6, 19.7)):
        assert 200 * people.edge_share_above(followers) == pytest.approx(pulled, rel=0.003)
        assert 200 * people.share_above(followers) < 0.3  # mutant: the share of users


# FEED-1, FEED-2


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[float], list[float]]:
    """(author, follower) of up to nine edges among four users, and how often each user posts and reads."""
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    edges = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=9, unique=True))
    rates = st.lists(st.floats(0, 100), min_size=4, max_size=4)
    return edges, draw(rates), draw(rates)


def as_edges(edges: list[tuple[int, int]], posts: list[float], reads: list[float]) -> Edges:
    followers = [sum(a == author for a, _ in edges) for author, _ in edges]
    return Edges(
        np.array([posts[a] for a, _ in edges]), np.array([reads[b] for _, b in edges]), np.array(followers, float)
    )


def cost(edges, posts, reads, pushed, push: float, pull: float) -> float:
    """Counted by user: a post goes to those it is pushed to, a read asks those it pulls from."""
    posting = sum(posts[u] * sum(p for (a, _), p in zip(edges, pushed, strict=True) if a == u) for u in range(4))
    reading = sum(reads[u] * sum(not p for (_, b), p in zip(edges, pushed, strict=True) if b == u) for u in range(4))
    return posting * push + reading * pull


@given(networks(), st.floats(0.1, 10), st.floats(0.1, 10))
def test_feed_1_the_rule_per_edge_is_the_best_of_all_choices(network, push, pull) -> None:
    every = [cost(*network, choice, push, pull) for choice in product((False, True), repeat=len(network[0]))]
    assert as_edges(*network).least_work(push, pull) == pytest.approx(min(every), rel=EXACT, abs=1e-12)


@given(networks(), st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0, 5))
def test_feed_2_no_threshold_beats_the_rule_per_edge(network, push, pull, where) -> None:
    edges = as_edges(*network)
    least = edges.least_work(push, pull)
    assert edges.work(push, pull, where) >= least * (1 - EXACT)
    assert least <= min(edges.work(push, pull, 0), edges.work(push, pull, math.inf)) * (1 + EXACT)


def test_feed_2_where_readers_differ_every_threshold_is_worse_than_the_rule_per_edge() -> None:
    """Two followers of one author: one reads all day, one never. So the mutant "rule per author" is not the best."""
    edges = as_edges([(0, 1), (0, 2)], [10, 0, 0, 0], [0, 1_000, 0, 0])
    assert edges.least_work(H, L) == pytest.approx(10 * H)
    assert [edges.work(H, L, w) for w in (0, 2, 3)] == pytest.approx([1_000 * L, 1_000 * L, 20 * H])


# Break-even (A20)


def test_the_break_even_of_push_and_pull_is_h_over_l_whatever_the_graph() -> None:
    for mean in (50, 200):
        assert break_even((mean * H, 0), (0, mean * L)) == pytest.approx(H / L)
    assert break_even((200 * H, 0), (71e-6, 200 * L)) == pytest.approx(200 * H / (200 * L - 71e-6))


def test_where_one_design_is_never_dearer_there_is_no_break_even() -> None:
    assert break_even((2, 1), (5, 4)) == math.inf
    assert break_even((1, 1), (5, 4)) == 0
