"""Push or pull, edge by edge: the best threshold, the crossover, and pulls per push; all against closed forms."""

from __future__ import annotations

from itertools import product
from math import log as ln
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from graphs import FREE, PULL, PUSH, designs
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from worlds import logged

from simsys.experiment.along import expected_work, least_work
from simsys.experiment.setting import Setting, settings
from simsys.measure.log import Log
from simsys.scenario import load_scenario

EXACT = 1e-9

EDGES = """
load: {{rate: {rate}/s, read_write_ratio: {ratio}}}
population: {{users: 1M, followers: {followers}, following: {following}, activity: {{exponent: {gamma}}}}}
stations: {free}
  timelines: {{ops: {{push: 5.2us, range: 0s}}}}
  authors: {{ops: {{recent: 3.5us}}}}
strategies: [{strategy}]
run: {{duration: {duration}, warmup: 0s, replications: 1}}
"""
"""Only what an edge costs costs anything: a push to a timeline, or a pull of an author's list."""


def caused(log: Log, op: str) -> dict[str, float]:
    """The seconds of service at each station that an operation caused."""
    return dict(zip(log.stations, log.work[log.ops.index(op)].tolist(), strict=True))


def edges(
    strategy: str, reads: float, posts: float, duration: str = "1s", gamma: float = 0.37,
    followers: str = "{lognormal: {mean: 50, p99: 500}}", following: str = "{lognormal: {mean: 50, p99: 300}}",
) -> Setting:  # fmt: skip
    text = EDGES.format(
        rate=reads + posts, ratio=f"{reads}:{posts}", followers=followers, following=following, gamma=gamma,
        free=FREE, strategy=strategy, duration=duration,
    )  # fmt: skip
    return settings(load_scenario(text))[0]


def hybrid(threshold: float, reads: float = 80, posts: float = 30, duration: str = "1s") -> Setting:
    return edges(f"{{hybrid: {{celebrity: {threshold:.6f}}}}}", reads, posts, duration)


def work(setting: Setting) -> float:
    """Seconds of service per second that the tool expects."""
    return sum(setting.rate(op) * sum(needed.seconds.values()) for op, needed in setting.demands.items())


# FEED-2, the part of the threshold: against the best choice for every edge, by quadrature of the lognormal law

READS, POSTS, GAMMA = 80.0, 30.0, 0.37


class Optimum:
    """Push or pull per edge, by (posts of its author × push) against (reads of its reader × pull)."""

    def __init__(self) -> None:
        sigma = 2.326347874 - sqrt(2.326347874**2 - 2 * ln(500 / 50))
        z = np.linspace(-8.5, 8.5, 400_001)
        weight = np.exp(-(z**2) / 2)
        self.weight = weight / weight.sum()
        self.followers = 50 * np.exp(sigma * z - sigma**2 / 2)
        activity = self.followers**GAMMA
        pushes = PUSH * POSTS * activity / (self.weight * activity).sum()
        self.push, self.pull = self.followers * pushes, self.followers / 50 * READS * 50 * PULL
        self.best = float((self.weight * np.minimum(self.push, self.pull)).sum())
        self.threshold = float(self.followers[np.argmax(self.push > self.pull)])

    def at(self, threshold: float) -> float:
        """Work per second with that threshold, author by author."""
        return float((self.weight * np.where(self.followers < threshold, self.push, self.pull)).sum())


@pytest.fixture(scope="module")
def optimum() -> Optimum:
    return Optimum()


def test_feed_2_work_at_any_threshold_is_a_sum_over_edges(optimum: Optimum) -> None:
    for threshold in [0, 1, 10, 50, optimum.threshold, 200, 1_000, 10_000, 1e6]:
        assert work(hybrid(threshold)) == pytest.approx(optimum.at(threshold), rel=0.01)
        assert work(hybrid(threshold)) >= optimum.best * (1 - 1e-3)


def test_feed_2_the_best_threshold_is_the_optimum_and_beats_both_extremes(optimum: Optimum) -> None:
    best = work(hybrid(optimum.threshold))
    assert best == pytest.approx(optimum.best, rel=1e-3)
    assert best < 0.97 * min(work(hybrid(0)), work(hybrid(1e6)))


def test_feed_2_mutant_a_share_of_users_instead_of_edges_would_beat_the_optimum(optimum: Optimum) -> None:
    setting = hybrid(optimum.threshold)
    people = setting.first.people
    assert people is not None
    pulled = PULL * READS * people.mean_following
    shares = people.edge_share_above(optimum.threshold), people.share_above(optimum.threshold)
    mutant = work(setting) + pulled * (shares[1] - shares[0])
    assert mutant < 0.8 * optimum.best


def test_feed_2_metered_work_of_the_hybrid_is_less_than_either(optimum: Optimum) -> None:
    """30 s under the same requests: pushed is what the posts of ordinary authors reach, to the last follower."""
    metered = {}
    for threshold in (0.0, optimum.threshold, 1e6):
        setting = hybrid(threshold, duration="30s")
        log = logged(setting)
        posts = [r.followers for r in log.requests if r.op == "post"]
        reads = [r.following for r in log.requests if r.op == "read"]
        pushed = caused(log, "post").get("timelines", 0.0) / PUSH
        pulled = caused(log, "read").get("authors", 0.0) / PULL
        assert pushed == pytest.approx(sum(f for f in posts if f < threshold), rel=EXACT)
        share = setting.edge_share(threshold)
        assert pulled == pytest.approx(sum(reads) * share, abs=3 * sqrt(sum(reads) * share * (1 - share)) + EXACT)
        metered[threshold] = pushed * PUSH + pulled * PULL
    assert metered[optimum.threshold] < min(metered[0.0], metered[1e6])


# FEED-3: sweep the read rate

SWEEP = (0.1, 0.3, 1.0, 3.0, 10.0)
CROSSING = 20 * 50 * PUSH / (50 * PULL)
"""Reads per second at which 20 posts/s of authors with 50 followers cost what readers who follow 50 pull."""
PUSHES = "post: [{start: [{visit: timelines.push, n: followers}]}]"
PULLS = "read: [{visit: authors.recent, n: following}]"
BOTH_PAY = f"{{flow: {{name: both, {PUSHES}, {PULLS}}}}}"


def costs(strategy: str, factor: float) -> float:
    """Metered work per second: what a request of each operation cost when played, at the rates asked for."""
    setting = edges(strategy, factor * CROSSING, 20, "20s", 0, "50", "50")
    log = logged(setting)
    number = {op: sum(r.op == op for r in log.requests) for op in setting.ops}
    return sum(setting.rate(op) * sum(caused(log, op).values()) / number[op] for op in setting.ops)


def test_feed_3_push_is_flat_pull_is_linear_and_they_cross() -> None:
    push = [costs("push", factor) for factor in (0.1, 1.0, 3.0)]
    pull = [costs("{pull: {source: lists}}", factor) for factor in (0.1, 1.0, 3.0)]
    assert push == pytest.approx([20 * 50 * PUSH] * 3, rel=EXACT)
    assert pull == pytest.approx([factor * CROSSING * 50 * PULL for factor in (0.1, 1.0, 3.0)], rel=EXACT)
    crossing = (push[0] - pull[0]) / (pull[2] - pull[0]) * 2.9 + 0.1
    assert crossing == pytest.approx(1.0, rel=0.02)


def test_feed_3_the_expected_work_of_the_whole_sweep() -> None:
    for factor in SWEEP:
        reads = factor * CROSSING
        assert work(edges("push", reads, 20, gamma=0)) == pytest.approx(20 * 50 * PUSH, rel=0.01)
        assert work(edges("{pull: {source: lists}}", reads, 20)) == pytest.approx(reads * 50 * PULL, rel=0.01)


def test_feed_3_mutant_a_push_that_pulls_too_is_not_flat() -> None:
    assert costs(BOTH_PAY, 3.0) > 2 * costs(BOTH_PAY, 0.1)


# S6: pulls to pushes

GRAPHS = ["200", "{lognormal: {mean: 200, p99: 2500}}", "{pareto: {mean: 200, tail: 1.1, max: 1M}}"]


def pulls_per_push(reads: float, posts: float, followers: str, gamma: float) -> float:
    """Authors' lists that are pulled by one design, per timeline that is pushed to by the other."""
    law = {"gamma": gamma, "followers": followers, "following": "{lognormal: {mean: 200, p99: 2000}}"}
    pull, push = (edges(strategy, reads, posts, **law) for strategy in ("{pull: {source: lists}}", "push"))  # type: ignore[arg-type]
    pulled = pull.rate("read") * pull.demands["read"].units["authors", "recent"]
    return pulled / (push.rate("post") * push.demands["post"].units["timelines", "push"])


@pytest.mark.parametrize(("reads", "posts", "ratio"), [(2_000_000, 5_700, 351), (1_000, 1, 1_000)])
@pytest.mark.parametrize("followers", GRAPHS)
def test_s6_pulls_to_pushes_are_as_reads_to_writes(reads: float, posts: float, ratio: float, followers: str) -> None:
    """Whatever the graph; with posts that grow with the followers (a mutant) they are fewer than that."""
    assert pulls_per_push(reads, posts, followers, 0) == pytest.approx(reads / posts, rel=1e-6)
    assert reads / posts == pytest.approx(ratio, rel=1e-3)
    if followers != GRAPHS[0]:
        assert pulls_per_push(reads, posts, followers, 0.37) < 0.8 * ratio


# FEED-1 and FEED-2 edge by edge: networks whose edges are known, as they are played


@st.composite
def small_networks(draw: st.DrawFn) -> tuple[list[tuple[str, str]], dict[str, tuple[float, float]]]:
    """Up to eight edges among four users, and how often each user posts and reads."""
    pairs = [(a, b) for a in "abcd" for b in "abcd" if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8, unique=True))
    rates = st.tuples(st.sampled_from([0.0, 1.0, 2.0, 5.0]), st.sampled_from([0.0, 1.0, 3.0, 7.0]))
    users = dict.fromkeys(user for edge in chosen for user in edge)
    found = {user: draw(rates) for user in users}
    assume(any(p for p, _ in found.values()) and any(r for _, r in found.values()))
    return chosen, found


def every_choice(edges: list[tuple[str, str]], rates: dict[str, tuple[float, float]], each: float) -> list[float]:
    """The work per second of each choice of which edges to push, where `each` posts and reads come per second."""
    posts, reads = (sum(rate[kind] for rate in rates.values()) for kind in (0, 1))
    push = [PUSH * each * rates[whom][0] / posts for _, whom in edges]
    pull = [PULL * each * rates[who][1] / reads for who, _ in edges]
    choices = product((False, True), repeat=len(edges))
    return [sum(a if pushed else b for pushed, a, b in zip(chosen, push, pull, strict=True)) for chosen in choices]


@given(small_networks())
@hypothesis_settings(max_examples=25, deadline=None)
def test_feed_1_per_edge_asks_for_the_least_that_any_choice_can_do(made: Any) -> None:
    """Equal to brute force over all choices of pushed edges, and so is the row in the report."""
    rule = f"{{per_edge: {{worth: {PULL / PUSH}}}}}"
    with TemporaryDirectory() as folder:
        ready = designs(Path(folder), made[0], f"push, {{pull: {{source: lists}}}}, {rule}", made[1])
    best = min(every_choice(*made, each=50.0))
    assert expected_work(ready[2]) == pytest.approx(best, rel=EXACT, abs=1e-15)
    bound = least_work(ready[0].scenario)
    if bound is not None:
        assert bound == pytest.approx(best, rel=EXACT, abs=1e-15)


@given(small_networks(), st.integers(0, 4))
@hypothesis_settings(max_examples=25, deadline=None)
def test_feed_2_no_threshold_beats_the_rule_per_edge_as_plans_are_traced(made: Any, celebrity: int) -> None:
    with TemporaryDirectory() as folder:
        ready = designs(Path(folder), made[0], f"{{hybrid: {{celebrity: {celebrity}}}}}", made[1])
    assert expected_work(ready[0]) >= min(every_choice(*made, each=50.0)) * (1 - EXACT)


def test_feed_1_mutants_that_weigh_a_pull_wrong_or_look_at_authors_only_do_more() -> None:
    designs = "[per_edge, {per_edge: {worth: 3}}, {hybrid: {celebrity: 300}}, push]"
    scenario = load_scenario("per-edge", [f"strategies={designs}"])
    right, *wrong = [expected_work(setting) for setting in settings(scenario)]
    least = least_work(scenario)
    assert least is not None and least == pytest.approx(right, rel=1e-4)
    assert min(wrong) > 1.2 * least


def test_feed_2_metered_work_along_edges_is_a_sum_over_edges() -> None:
    """The shipped network: what was metered of each design is the sum over its edges, and never less than the best
    choice for those very requests.
    """
    scenario = load_scenario("per-edge", ["run.replications=1", "run.duration=5s"])
    for setting in settings(scenario):
        log, graph = logged(setting), setting.first.graph
        assert graph is not None
        load = setting.workload(0)
        came = {op: np.zeros(graph.users) for op in ("post", "read")}
        for op, times in came.items():
            indices = np.array([r.index for r in log.requests if r.op == op])
            np.add.at(times, load.users(indices, op), 1)
        pushes, pulls = PUSH * came["post"][graph.author], PULL * came["read"][graph.follower]
        never = graph.reads[graph.follower] == 0
        by_design = {
            "pull": pulls, "push": np.where(never, 0.0, pushes),
            "hybrid": np.where(graph.along["followers"] >= 60, pulls, np.where(never, 0.0, pushes)),
            "per_edge": np.where(graph.along["posts"] < 0.67 * graph.along["reads"], pushes, pulls),
        }  # fmt: skip
        metered = caused(log, "post").get("timelines", 0.0) + caused(log, "read").get("authors", 0.0)
        assert metered == pytest.approx(float(by_design[setting.label].sum()), rel=EXACT)
        assert metered >= float(np.minimum(pushes, pulls).sum()) * (1 - EXACT)
        assert metered / 5 == pytest.approx(expected_work(setting), rel=0.1)
