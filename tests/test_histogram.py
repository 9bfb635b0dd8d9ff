"""The histogram against sorted data, against HdrHistogram, and against itself in another order."""

import itertools
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from simsys.measure.histogram import BUCKETS, LONGEST_S, Histogram, _edges, bucket_of, rank_of

PS = 10**12
durations = st.one_of(
    st.floats(0, LONGEST_S * 0.999), st.floats(1e-9, 100), st.integers(0, 5000).map(lambda ps: ps / PS)
)
quantiles = st.integers(0, 1000).map(lambda k: k / 1000)


def histogram(values, counts=None):
    made = Histogram()
    made.add(values, counts)
    return made


def whole(seconds):
    return round(seconds * PS)


def test_a_constant_comes_back_exactly():
    made = histogram([0.005] * 1000)
    assert [made.mean, made.min, made.max, made.quantile(0.5), made.quantile(0.999)] == [0.005] * 5


def test_nothing_counted_is_none_not_zero():
    empty = Histogram()
    empty.add([])
    empty.add([1.0, 2.0], [0, 0])
    assert (empty.count, empty.mean, empty.min, empty.max, empty.quantile(0.5)) == (0, None, None, None, None)
    assert [axis.tolist() for axis in empty.ccdf()] == [[], []]


def test_the_percentile_is_the_smallest_value_that_the_share_does_not_exceed():
    made = histogram(np.arange(1, 11) * 1e-10)  # 100 to 1000 ps: below 2048 ps every bucket is one picosecond
    assert made.quantile(0.5) == 500 / PS
    assert made.quantile(0.500001) == 600 / PS
    assert made.quantile(0.1) == made.quantile(0) == 100 / PS
    assert made.quantile(0.9) == 900 / PS
    assert made.quantile(1) == 1000 / PS


def test_a_rank_reads_the_share_as_the_decimal_it_is_written_as():
    assert rank_of(0.07, 100) == 7  # 0.07 * 100 is 7.000000000000001
    assert rank_of(0.9, 10**17) == 9 * 10**16
    assert rank_of(np.float64(0.99), 1000) == 990


@given(st.lists(durations, min_size=1, max_size=60), quantiles)
def test_quantiles_of_sorted_data(values, q):
    made, ordered = histogram(values), sorted(map(whole, values))
    exact = ordered[max(1, math.ceil(Fraction(str(q)) * len(ordered))) - 1]
    assert abs(whole(made.quantile(q)) - exact) <= exact / 2048 + 1
    assert ordered[0] <= whole(made.quantile(q)) <= ordered[-1]
    assert (made.min, made.max) == (ordered[0] / PS, ordered[-1] / PS)


@given(st.lists(st.integers(1, 2**52), min_size=1, max_size=40), st.integers(1, 1000))
def test_quantiles_of_hdrhistogram(values, k):
    """HdrHistogram with three digits has the same buckets and gives their upper ends."""
    oracle, values = HdrHistogram(1, 2**53, 3), list(itertools.islice(itertools.cycle(values), 1000))
    for value in values:
        oracle.record_value(value)
    made = histogram(np.array(values) / PS)
    upper = oracle.get_value_at_percentile(k / 10)
    lower = oracle.get_lowest_equivalent_value(upper)
    assert lower <= whole(made.quantile(k / 1000)) <= upper
    assert made.count == oracle.get_total_count()


@given(st.integers(0, 2**53))
def test_a_value_lies_in_its_bucket_and_the_bucket_is_narrow(value):
    low, width = (int(edge[0]) for edge in _edges(np.array([bucket_of(value)])))
    assert low <= value < low + width
    assert (width - 1) * 1024 <= value


def test_buckets_leave_no_gap():
    low, width = _edges(np.arange(54_000))
    assert np.array_equal(low[:-1] + width[:-1], low[1:])
    assert [bucket_of(edge) for edge in low.tolist()] == list(range(54_000))
    assert bucket_of(int(LONGEST_S * PS)) < BUCKETS


@given(st.lists(st.tuples(durations, st.integers(0, 10**9)), min_size=1, max_size=60), st.randoms())
def test_merging_in_any_order_gives_the_same_bits(pairs, luck):
    values, counts = zip(*pairs, strict=True)
    at_once, parts = histogram(values, counts), []
    shuffled = luck.sample(pairs, len(pairs))
    while shuffled:
        cut = luck.randint(1, len(shuffled))
        part, shuffled = shuffled[:cut], shuffled[cut:]
        parts.append(histogram(*zip(*part, strict=True)))
    while len(parts) > 1:
        taken = parts.pop(luck.randrange(len(parts)))
        parts[luck.randrange(len(parts))].merge(taken)
    assert parts[0] == at_once
    assert parts[0].mean == at_once.mean
    assert pickle.loads(pickle.dumps(at_once)) == at_once


def test_histograms_that_differ_in_one_picosecond_are_not_equal():
    assert histogram([1.0, 2.0]) != histogram([1.0, 2.0 + 1e-12])
    assert histogram([1.0]) != histogram([1.0], [2])


def test_merging_takes_nothing_from_the_other():
    first, second = histogram([1.0, 3.0]), histogram([2.0])
    first.merge(second)
    first.add([5.0])
    assert second == histogram([2.0])
    assert first == histogram([5.0, 3.0, 2.0, 1.0])


def test_the_sum_is_exact_where_64_bits_are_not_enough():
    made = Histogram()
    for _ in range(4):
        made.add([10.0, 9.999999999999], [90_000_000, 90_000_000])
    assert made.total_ps == 4 * 90_000_000 * (2 * 10**13 - 1)
    assert made.total_ps > 2**63
    assert made.mean == 9.9999999999995


@given(st.lists(st.tuples(durations, st.integers(0, 2**30)), min_size=1, max_size=40))
def test_the_sum_is_that_of_whole_picoseconds(pairs):
    made = histogram(*zip(*pairs, strict=True))
    assert made.total_ps == sum(int(np.rint(value * PS)) * count for value, count in pairs)
    assert made.count == sum(count for _, count in pairs)


def test_a_count_is_the_same_as_repeating():
    assert histogram([1.0, 0.25], [3, 2]) == histogram([0.25, 1.0, 1.0, 0.25, 1.0])
    assert histogram([1.0], np.array([3.0])) == histogram([1.0] * 3)
    assert histogram([1.0, 0.001, 9.0], [1, 0, 0]) == histogram(1.0)


@given(st.lists(durations, min_size=1, max_size=60))
def test_the_complementary_distribution(values):
    x, above = histogram(values).ccdf()
    assert np.all(np.diff(x) > 0)
    assert x[-1] == max(map(whole, values)) / PS
    for at, share in zip(x, above, strict=True):
        assert share == pytest.approx(np.mean([whole(value) > whole(at) for value in values]), abs=1e-12)


def test_a_window_with_few_values_takes_little_memory():
    luck = random.Random(1)
    made = histogram([luck.expovariate(100) for _ in range(100)])
    assert made.buckets.nbytes + made.counts.nbytes <= 1600


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, -math.inf, LONGEST_S])
def test_bad_durations_are_refused_and_nothing_is_counted(value):
    made = histogram([1.0])
    with pytest.raises(ValueError, match="at least 0 and below 9000000 s"):
        made.add([2.0, value])
    assert made == histogram([1.0])


@pytest.mark.parametrize("counts", [[-1], [0.5], [math.nan], [math.inf], [2**43], [1, 2]])
def test_bad_counts_are_refused(counts):
    with pytest.raises(ValueError, match="count"):
        histogram([1.0], counts)


def test_too_many_observations_in_one_call_are_refused():
    with pytest.raises(ValueError, match="in one call"):
        histogram([1.0, 1.0], [2**41, 2**41 + 1])


@pytest.mark.parametrize("q", [-0.01, 1.01, 99, math.nan])
def test_a_quantile_lies_within_0_and_1(q):
    with pytest.raises(ValueError, match="within 0 and 1"):
        histogram([1.0]).quantile(q)
