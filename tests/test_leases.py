"""What is counted of loads: in all, in the busiest second of a window, and over all copies of a cache."""

from __future__ import annotations

from simsys.engines.leases import Loads
from simsys.measure.summary import CacheSummary


def test_the_peak_is_that_of_a_second_and_begins_anew() -> None:
    told = Loads()
    for now in (0.2, 0.9, 1.0, 1.1, 1.9, 2.5):
        told.load(now)
    assert (told.loads, told.peak) == (6, 3)
    told.peak = told.burst = 0
    told.load(2.9)
    assert (told.loads, told.peak) == (7, 1)


def test_copies_together_are_as_old_as_the_oldest() -> None:
    one = CacheSummary(10, 6, 1, 2, 0, 3, 2, 1, 5.0, 3.0, 4.0, None)
    other = CacheSummary(20, 9, 0, 1, 1, 0, 0, 2, 6.0, 2.5, 5.0, None)
    assert one.plus(other) == CacheSummary(30, 15, 1, 3, 1, 3, 2, 3, 11.0, 3.0, 9.0, None)
