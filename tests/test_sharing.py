"""S4, the third case: processes keep the lists of celebrities for all their readers, and reads move nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from simsys.distributions import QuantileTable
from simsys.engines.rows import row_type
from simsys.experiment.curves import axis, cheapest, curves
from simsys.experiment.evaluate import evaluate
from simsys.experiment.points import axes_of, points_of, scenarios_at
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.experiment.sweep import Sweep, sweep_of
from simsys.report.sweep_words import sentences
from simsys.scenario import Scenario, ScenarioError, load_scenario, shipped
from simsys.theory import threshold
from simsys.workload import Population

FILE = "kept-lists"
TWICE = ("load.rate=1830/s", "load.read_write_ratio=60:1")
"""The same posts, and twice the reads."""
ALONE = ("strategies.hybrid.kept=false",)
"""The mutant: nobody keeps a list, every reader asks for itself."""
BRIEF = ("run.duration=200ms", "run.warmup=0s", "run.replications=2", "slo=[]")


@cache
def swept(*sets: str) -> Sweep:
    """The sweep of the scenario; its bill needs no long play."""
    given = [*BRIEF, *sets]
    points = points_of(axes_of(load_scenario(FILE, given), ()))
    scenarios = scenarios_at(shipped()[FILE].read_text(), given, points, FILE)
    return sweep_of(points, scenarios, evaluate(scenarios, 1, engine="compiled"))


def best(sweep: Sweep) -> str:
    """The cheapest threshold that was tried."""
    (curve,) = curves(sweep, axis(sweep))
    place = cheapest(sweep, curve)
    assert place is not None
    return sweep.points[curve.at[place]][axis(sweep).path]


def test_s4_the_sweep_says_sharing_and_the_best_threshold_stays_if_reads_double() -> None:
    now, then = swept(), swept(*TWICE)
    for sweep in (now, then):
        (told,) = sentences(sweep)
        assert "Sharing puts it there" in told and "sharing binds" in told
        assert told.endswith("If everybody read twice as much, it would stay.")
    assert best(now) == best(then) == "1010"


def test_s4_mutant_where_nobody_keeps_a_list_work_binds_and_the_best_threshold_moves_up() -> None:
    now, then = swept(*ALONE), swept(*ALONE, *TWICE)
    (told,) = sentences(now)
    assert "Work puts it there" in told and "it would move up" in told and "sharing" not in told
    assert (best(now), best(then)) == ("10100", "101000")


def test_the_closed_form_is_that_of_the_story() -> None:
    """Asked for once a second at most: followers · posts · push = once · pull."""
    feed = swept().theory["hybrid"].by_traffic
    assert feed.pulls == 4 / 4
    assert threshold(feed).binds == "sharing"
    followers = threshold(feed).followers
    assert followers ** (1 + feed.exponent) * feed.scale * feed.push == pytest.approx(feed.pull, rel=1e-9)
    assert swept("caches.lists.copies=8").theory["hybrid"].by_traffic.by_sharing() > 1.5 * followers


# What is played


def processes(number: int) -> Scenario:
    text = [f"caches.lists.copies={number}", "caches.lists.ttl=1s", "run.duration=4s", "run.warmup=1s"]
    return load_scenario(FILE, text)


def test_a_list_is_there_as_often_as_a_cache_of_one_process_says() -> None:
    row = run(processes(4), 1, engine="compiled").row("hybrid", "lists", "hit_ratio")
    assert row is not None and row.value is not None
    deviations = np.array(row.deviations)
    errors = 3 * float(np.sqrt((deviations**2).sum() / (deviations.size - 1) / deviations.size))
    four, forty = (settings(processes(number))[0].hit_ratios["lists"] for number in (4, 40))
    assert errors < 0.01
    assert abs(row.value - four) < errors
    assert abs(row.value - forty) > 0.2  # the mutant: as if it were asked of ten times the processes


# Who is followed

TINY = Population.model_validate({"users": 12, "followers": {"zipf": {"max": 6, "exponent": 1}}})


def test_a_follow_edge_leads_to_an_author_in_proportion_to_its_followers() -> None:
    table = TINY.authors_followed
    assert table is not None
    followers = np.array([6, 3, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0])
    assert table.pieces[:, 1].tolist() == list(range(np.count_nonzero(followers)))
    assert np.diff(table.pieces[:, 0], prepend=0.0) == pytest.approx(followers[followers > 0] / followers.sum())


def test_in_a_crowd_the_groups_have_as_many_edges_as_their_authors() -> None:
    crowd = Population.model_validate(
        {"users": "50M", "followers": {"pareto": {"mean": 50, "tail": 1.2, "max": "10M"}}, "following": 50}
    )
    share, each = crowd.followed_above(1000)
    assert (share * each).sum() == pytest.approx(1.0, rel=1e-9)
    assert each.sum() == pytest.approx(crowd.users * crowd.share_above(1000), rel=0.02)
    table = crowd.authors_followed
    assert table is not None
    assert table.pieces[-1, 2] == crowd.users and len(table.pieces) < 6_000
    thousandth = float(table.pieces[np.searchsorted(table.pieces[:, 1], 999), 0])  # of 50 M: above the 0.99998 quantile
    top = 1 - 1000 / 50e6
    followers = crowd._ranks.users.quantile(np.array([top]))[0]  # type: ignore[union-attr]
    assert thousandth == pytest.approx(crowd.edge_share_above(followers), rel=0.01)


class Told:
    """A luck that follows the author of rank 1 at an even number, and says above which threshold."""

    authors = QuantileTable(np.array([[0.5, 0, 0, 1], [1.0, 1, 1, 1]], np.float64))

    def edge_share(self, threshold: float) -> float:
        return 0.5 if threshold > 3 else 1.0

    def stream(self, name: str) -> int:
        return 7 if name == "author" else 0


def followed(threshold: float, children: Sequence[int]) -> list[float]:
    row = row_type(())()
    row._luck, row._token = Told(), 5  # type: ignore[assignment]
    return [row.child(index, None).followed(threshold) for index in children]


def test_each_child_follows_somebody_of_its_own_and_always_the_same() -> None:
    once = followed(1, range(200))
    assert once == followed(1, range(200))
    assert 70 < sum(once) < 130
    assert set(followed(4, range(200))) == {0.0}  # only the first has so many followers


def test_what_is_kept_at_first_is_not_known() -> None:
    with pytest.raises(ScenarioError, match=r"it keeps the lists of those that readers follow.*say start: cold"):
        load_scenario(FILE, ["caches.lists.start=warm"])


def test_without_a_cache_for_the_lists_the_scenario_is_wrong() -> None:
    with pytest.raises(ScenarioError, match="there is no cache 'lists'"):
        load_scenario("threshold", ["strategies.hybrid.kept=true"])
