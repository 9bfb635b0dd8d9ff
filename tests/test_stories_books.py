"""A story: books must balance, and what the tool says where they do not."""

from __future__ import annotations

import subprocess
import sys
from math import log
from pathlib import Path

import pytest

from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import ScenarioError, load_scenario

CELEBRITIES = """
load: {rate: 20.02k/s, read_write_ratio: 1000:1}
population: {users: 200M, followers: {quantiles: {p50: 4352, p99: 32M, max: 96.3M}}}
strategies: [pull]
run: {requests: 5, replications: 1}
"""
IMPOSSIBLE = [
    ("population.users=90M", "the largest number is 96.3M, more than the 90M users there are"),
    ("population.following=200", "do not balance: .* off by a factor of 1.17e.04; expected at most 1.1"),
]


@pytest.mark.parametrize(("change", "message"), IMPOSSIBLE)
def test_s6_books_that_do_not_balance_are_an_error(change: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario(CELEBRITIES, [change])
    (tmp_path / "s.yaml").write_text(CELEBRITIES)
    command = [sys.executable, "-m", "simsys", "check", str(tmp_path / "s.yaml"), "--set", change]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (2, "")


def test_s6_deliveries_per_post_stand_beside_twitters() -> None:
    """20 posts/s of authors with a median of 4,352 followers and a p99 of 32 M would be 135 times Twitter's deliveries.

    Followers are interpolated by equal factors: .49 (32 M - 4,352)/ln(32 M/4,352) + .01 (96.3 M - 32 M)/ln(96.3/32).
    """
    by_hand = 0.49 * (32e6 - 4352) / log(32e6 / 4352) + 0.01 * (96.3e6 - 32e6) / log(96.3 / 32)
    setting = settings(load_scenario(CELEBRITIES))[0]
    people = setting.first.people
    assert people is not None and people.mean_followers == pytest.approx(by_hand, rel=0.01)
    assert setting.rate("post") * people.mean_followers / 347_000 == pytest.approx(135, rel=0.01)
    assert "2.35M deliveries per post; Twitter reported 75 in 2012" in run(setting.scenario, jobs=1).notes
    same = load_scenario(CELEBRITIES, ["population.followers=1.8M"])
    assert "1.8M deliveries per post; Twitter reported 75 in 2012" in run(same, jobs=1).notes


def test_s6_mutant_a_network_like_twitters_is_not_remarked_upon() -> None:
    quiet = load_scenario(CELEBRITIES, ["population.followers=75"])
    assert not any("deliveries per post" in note for note in run(quiet, jobs=1).notes)
