"""Users without a timeline: how many of the opens are cold, and how long these wait."""

from __future__ import annotations

from functools import cache
from math import exp
from statistics import fmean

import numpy as np
import pytest
from bands import holds, of

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.scenario import load_scenario

USERS, OPENS, MONTH = 5_000, 505 * 0.99, 60.0
START, GATHER = 0.3, 0.1
POPULAR = 1 / np.arange(1, USERS + 1)
SHARES = POPULAR / POPULAR.sum()
A_MONTH = OPENS * SHARES * MONTH
"""Opens of each user within a month."""


@cache
def played(*changes: str) -> Result:
    return run(load_scenario("cold-users", list(changes)), jobs=1, engine="compiled")


def test_an_open_is_cold_where_the_last_one_was_more_than_a_month_ago() -> None:
    """The time since the last open is exponential; users count as often as they come."""
    cold = float(SHARES @ np.exp(-A_MONTH))
    assert f"{100 * cold:.2f}%" == "4.44%"
    for strategy in ("at-read", "first-page", "ahead"):
        holds(of(played(), strategy, "open", "marked.cold"), cold, band=0.003)


def test_with_a_month_from_the_first_open_more_are() -> None:
    """Mutant: opens do not renew. Then one open in 1 + λ is cold, as the month begins with a cold one."""
    result = played("caches.month.renew=false", "stations.database.ops.gather=1us")
    holds(of(result, "at-read", "open", "marked.cold"), float(SHARES @ (1 / (1 + A_MONTH))), band=0.004)


def test_what_is_kept_is_of_those_who_came_within_a_month() -> None:
    kept = of(played(), "at-read", "month", "occupancy")
    holds(kept, float((1 - np.exp(-A_MONTH)).sum()), band=60)


def test_begun_ahead_a_gathering_is_waited_for_only_as_far_as_it_outlasts_the_start() -> None:
    """E[max(start, gathering)], here with an exponential one, and E[start + gathering] without."""
    law = f"stations.database.ops.gather={{exponential: {{mean: {GATHER}s}}}}"
    result = played(law, "stations.database.servers=200")
    rest = fmean(of(result, "for-ever", "open", "latency_mean")) - START
    for strategy, together in (("at-read", START + GATHER), ("ahead", START + GATHER * exp(-START / GATHER))):
        holds(of(result, strategy, "open", "fresh_mean"), together + rest, band=0.01)


def test_new_users_have_it_when_they_have_chosen() -> None:
    ahead, later = (fmean(of(played(), strategy, "join", "latency_mean")) for strategy in ("ahead", "at-read"))
    assert later - ahead == pytest.approx(GATHER, rel=0.1)
    slow = played("stations.database.ops.gather=6s", "stations.database.servers=2000", "run.duration=20s")
    assert min(of(slow, "ahead", "join", "latency_mean")) > 6, "mutant: it takes longer than the choosing"
