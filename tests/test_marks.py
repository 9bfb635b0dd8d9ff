"""Marks wait for their requests: whatever the numbers, and however they come in batches, none is lost or moved."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simsys.measure.log import MARK, REQUEST, Batch
from simsys.measure.marks import Waiting, _table

NAMES = ["this", "other"]
NUMBERS = st.sampled_from([*range(8), *range(16, 400, 16), 2**40, 2**40 + 16, 2**41])
"""Some whose last bits are the same, so that they ask for the same places of the table."""


def batch(numbers: list[int], marks: list[tuple[int, int, float, float, int]]) -> Batch:
    requests = np.zeros(len(numbers), dtype=REQUEST)
    requests["number"] = numbers
    return Batch(requests, np.zeros((len(numbers), 0, 2)), np.array(marks, dtype=MARK), 0.0, inf)


@given(st.lists(st.tuples(st.integers(0, 1), NUMBERS), max_size=40), st.lists(st.integers(0, 3), min_size=40))
def test_each_mark_comes_out_with_its_request(given: list[tuple[int, int]], when: list[int]) -> None:
    """Four batches; a request settles with the last mark of it; those of another name are no matter."""
    marks = [(name, number, float(time), time % 3, time % 5 - 1) for time, (name, number) in enumerate(given)]
    came = sorted(zip(when, marks, strict=False), key=lambda both: both[0])
    last = {mark[1]: turn for turn, mark in came}
    waiting = Waiting("this")
    for turn in range(4):
        settling = [number for number, its in last.items() if its == turn]
        out = waiting.settle(batch(settling, [mark for its, mark in came if its == turn]), NAMES)
        expected = [(row, *mark[2:]) for row, n in enumerate(settling) for _, mark in came if mark[:2] == (0, n)]
        assert list(zip(*(column.tolist() for column in out), strict=True)) == expected
    assert waiting._parts == []


def test_marks_of_a_request_that_never_settles_are_kept_as_they_are() -> None:
    waiting = Waiting("this")
    waiting.settle(batch([], [(0, 5, 1.0, 2.0, -1), (0, 6, 2.0, 1.0, -1)]), NAMES)
    assert waiting.settle(batch([6, 7], []), NAMES).time.tolist() == [2.0]
    assert waiting.settle(batch([5], [(0, 5, 3.0, 1.0, -1)]), NAMES).time.tolist() == [1.0, 3.0]


def test_whose_request_has_not_settled_is_soon_seen_not_to_be_there() -> None:
    """Requests settle about in order, and a search goes on until a place is free: neighbours must not lie side by side,
    as they do by their last bits (a mutant).
    """

    def longest(table: Any) -> int:
        free = np.flatnonzero(np.append(table, -1) < 0)
        return int(np.diff(free, prepend=-1).max()) - 1

    numbers = np.arange(5_000, 21_384)
    table = _table(numbers)
    assert longest(table) < 8
    by_last_bits = np.full_like(table, -1)
    by_last_bits[numbers & (table.size - 1)] = 0
    assert longest(by_last_bits) == len(numbers)
