"""The closed forms about money, against published figures."""

from __future__ import annotations

import pytest

from simsys.theory.costs import break_even_interval, break_even_utilization

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
PAGES = 256
"""Of 4 KB in a megabyte."""


@pytest.mark.parametrize(
    ("iops", "drive", "memory", "published"),
    [
        (67_000, 415, 80 / 16_384, 5 * MINUTE),
        (200, 49, 80 / 16_384, 4 * HOUR),
        (200, 49, 415 / 819_200, 1.5 * DAY),
    ],
    ids=["memory or SSD", "memory or disk", "SSD or disk"],
)
def test_cost_1_the_five_minute_rule_of_2018(iops: float, drive: float, memory: float, published: float) -> None:
    """DRAM 80 $ per 16 GB; SSD 415 $ for 800 GB and 67,000 reads/s; disk 49 $ and 200 reads/s (Appuswamy 2019)."""
    seconds = break_even_interval(PAGES, iops, drive, memory)
    assert seconds == pytest.approx(published, rel=0.15)
    assert break_even_interval(PAGES, iops, memory, drive) != pytest.approx(published, rel=0.5), (
        "a mutant: the prices swapped"
    )


def test_cost_1_a_page_read_that_often_costs_as_much_either_way() -> None:
    """At the break-even, the share of a drive that its reads take costs what its memory does; within 2 %."""
    seconds = break_even_interval(PAGES, 67_000, 415, 80 / 16_384)
    memory, reads = 80 / 16_384 / PAGES, 415 / 67_000 / seconds
    assert reads == pytest.approx(memory, rel=0.02)


def test_cost_2_a_unit_pays_from_a_seventh_of_its_use_on() -> None:
    """1.25 $ per million writes; a unit that does one a second costs 0.00065 $ an hour: 14.4 %."""
    share = break_even_utilization(1.25e-6, 0.00065 / HOUR)
    assert share == pytest.approx(0.144, abs=0.001)
    assert break_even_utilization(1.25e-6, 0.00065 / MINUTE) > 1, "a mutant: a minute for an hour"


def test_nothing_for_nothing_has_no_break_even() -> None:
    with pytest.raises(ValueError, match="must"):
        break_even_interval(PAGES, 0, 415, 1)
    with pytest.raises(ValueError, match="must"):
        break_even_utilization(0, 1)
