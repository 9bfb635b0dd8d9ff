"""Authors who go up and down over the threshold, and readers who follow more than a timeline can take."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from bands import holds, of
from scipy.linalg import expm

from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.scenario import load_scenario

LEVELS, THRESHOLD = 5, 2
STEPS, POSTS, PAGE = 0.231 * 0.2 / 400, 0.231 * 0.2 / 400, 3 * 3600.0
"""Of an author, per second: hundreds won (and as many lost), and posts; how long a post is on a page, s."""


@cache
def played(name: str, *changes: str) -> Result:
    return run(load_scenario(name, list(changes)), jobs=1, engine="compiled")


def crossed() -> Result:
    return played("crossing", "run.replications=10")


# -- the walk over the threshold ---------------------------------------------------------------------------------------


def walk(up: int, down: int) -> tuple[Any, Any]:
    """Rates between the states (level, above), and who is above, if one goes up at level `up` and down at `down`."""
    states = [(level, above) for above in (0, 1) for level in range(LEVELS)]
    rates = np.zeros((len(states), len(states)))
    for i, (level, above) in enumerate(states):
        for to in (min(level + 1, LEVELS - 1), max(level - 1, 0)):
            now = 1 if to >= up else 0 if to <= down else above
            rates[i, states.index((to, now))] += STEPS
    return rates - np.diag(rates.sum(axis=1)), np.array([above for _, above in states], dtype=float)


def long_run(rates: Any) -> Any:
    """The share of time in each state."""
    system = np.vstack([rates.T, np.ones(len(rates))])
    return np.linalg.lstsq(system, np.append(np.zeros(len(rates)), 1.0), rcond=None)[0]


def faults(up: int, down: int) -> tuple[float, float]:
    """The shares of reads that find a post twice, and that lack one: posted on one side within the life of a page, and
    now read on the other. A post within that time is a death of the chain at the rate of the posts.
    """
    rates, above = walk(up, down)
    shares = long_run(rates)
    alive = [shares @ expm((rates - POSTS * np.diag(side)) * PAGE) for side in (1 - above, above)]
    return float((shares - alive[0]) @ above), float((shares - alive[1]) @ (1 - above))


@pytest.mark.parametrize(("strategy", "up", "down"), [("sharp", 2, 1), ("band", 4, 0)])
def test_posts_that_crossed_are_doubled_or_missed(strategy: str, up: int, down: int) -> None:
    doubled, missed = faults(up, down)
    holds(of(crossed(), strategy, "read", "marked.doubled"), doubled, band=0.004)
    holds(of(crossed(), strategy, "read", "marked.missed"), missed, band=0.004)


def test_merged_by_id_none_is_and_as_many_reads_ask_for_one_list_more() -> None:
    result = crossed()
    marks = {row.metric for row in result.rows if (row.strategy, row.subject) == ("by-id", "read")}
    assert {"marked.doubled", "marked.missed"}.isdisjoint(marks)
    holds(of(result, "by-id", "read", "marked.extra"), faults(2, 1)[1], band=0.004)


def test_a_band_is_crossed_as_often_as_the_walk_goes_from_end_to_end() -> None:
    """All five levels are equally likely; from level k to the next takes 2 (k + 1) steps, half of them upwards."""
    ends = sum(2 * (k + 1) for k in range(LEVELS - 1))
    for strategy, share in (("sharp", 1 / LEVELS), ("band", 1 / ends)):
        holds(of(crossed(), strategy, "gain", "marked.crossed"), share, band=0.005)
        holds(of(crossed(), strategy, "lose", "marked.crossed"), share, band=0.005)


@pytest.mark.parametrize("mutant", ["caches.pushed.ttl=1h", "load.mix={gain: 10%, lose: 30%, post: 20%, read: 40%}"])
def test_mutants_of_the_walk(mutant: str) -> None:
    """A page that is turned over sooner; more lost than won."""
    doubled = of(played("crossing", mutant, "run.duration=2d"), "sharp", "read", "marked.doubled")
    assert max(doubled) < 0.7 * faults(2, 1)[0]


# -- readers who follow 100,000 ----------------------------------------------------------------------------------------

READERS = 10_000
KEPT = {1: 0.02, 4: 0.05, 12: 0.15, 24: 0.35, 50: 0.72, READERS: 1.0}
"""Up to which reader, which share of the entries is kept."""


def of_all(first: int, last: int) -> float:
    """Of all entries, those of the readers from `first` to `last`, counted from 0."""
    weights = 1 / np.arange(1, READERS + 1)
    return float(weights[first:last].sum() / weights.sum())


def lost() -> float:
    firsts = [0, *KEPT]
    return sum((1 - kept) * of_all(first, last) for first, (last, kept) in zip(firsts, KEPT.items(), strict=False))


def test_a_lossy_timeline_loses_what_its_steps_say() -> None:
    result = played("lossy", "run.duration=20s")
    holds(of(result, "lossy", "entry", "marked.lost"), lost(), band=0.01)
    holds(of(result, "gathered", "entry", "marked.gathered"), of_all(0, 50), band=0.01)
    writes = of(result, "lossy", "timelines", "throughput")
    everything = of(result, "all", "timelines", "throughput")
    holds([a / b for a, b in zip(writes, everything, strict=True)], 1 - 0.95 * lost(), band=0.02)


def test_what_is_kept_is_about_what_a_reader_of_2000_gets() -> None:
    for reader in range(50):
        kept = next(part for last, part in KEPT.items() if reader < last)
        assert 1_000 < 100_000 / (reader + 1) * kept <= 3_000


def test_unless_chance_keeps_all() -> None:
    """Mutant: the first reader's entries are all written."""
    result = played("lossy", "run.duration=20s", "strategies.lossy.entry.0.then.0.chance=0%")
    assert max(of(result, "lossy", "entry", "marked.lost")) < lost() - 0.9 * 0.98 * of_all(0, 1)
