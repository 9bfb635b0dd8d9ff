"""Intervals over replications, and the rules for how long is long enough."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from simsys.measure.intervals import Interval, interval, paired, ratio, section, t_quantile
from simsys.measure.runlength import enough_samples, mser5, run_length_needed

numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("freedom", [*range(1, 31), 49, 50, 99, 100, 999, 1000])
@pytest.mark.parametrize("p", [0.005, 0.3, 0.5, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9995])
def test_t_quantiles_are_those_of_scipy(p, freedom):
    assert t_quantile(p, freedom) == pytest.approx(scipy.stats.t.ppf(p, freedom), rel=1e-9, abs=1e-9)


def test_t_quantiles_of_the_printed_table():
    assert [round(t_quantile(0.975, freedom), 3) for freedom in (1, 4, 9, 29)] == [
        12.706,
        2.776,
        2.262,
        2.045,
    ]


@pytest.mark.parametrize(("p", "freedom"), [(0, 9), (1, 9), (math.nan, 9), (0.975, 0)])
def test_t_quantiles_that_do_not_exist(p, freedom):
    with pytest.raises(ValueError, match="degree of freedom"):
        t_quantile(p, freedom)


def test_the_mean_of_replications():
    value, low, high, _ = interval([9, 10, 11, 10])
    half = 3.182446305284264 * math.sqrt(2 / 3) / 2
    assert (value, low, high) == pytest.approx((10, 10 - half, 10 + half), rel=1e-12)
    assert interval([9, 10, 11, 10]).relative == pytest.approx(half / 10)


@given(st.lists(numbers, min_size=2, max_size=30))
def test_the_mean_of_replications_is_that_of_scipy(values):
    error = scipy.stats.sem(values)
    value, low, high, _ = interval(values)
    assert low <= value <= high
    assert value == pytest.approx(np.mean(values), abs=1e-6)
    assert high - value == pytest.approx(
        scipy.stats.t.ppf(0.975, len(values) - 1) * error, rel=1e-6, abs=1e-6
    )


def test_one_replication_has_no_interval():
    assert interval([3.0]) == (3.0, None, None, (0.0,))
    assert section(3.0, [3.0]) == (3.0, None, None, (0.0,))
    assert ratio([3.0], [6.0]) == (0.5, None, None, (0.0,))
    assert paired(interval([3.0]), interval([1.0])) == (2.0, None, None, (0.0,))
    assert interval([3.0]).relative is None


def test_what_is_missing_is_not_made_up():
    nothing = Interval(None, None, None)
    assert interval([]) == interval([1.0, None, 3.0]) == nothing
    assert section(None, [1.0, 2.0]) == nothing
    assert section(2.0, [1.0, None, 3.0]) == Interval(2.0, None, None)
    assert paired(nothing, interval([1.0, 1.0])) == paired(interval([1.0, 1.0]), nothing) == nothing
    assert paired(Interval(3.0, 2.0, 4.0), interval([1.0, 1.0])) == Interval(2.0, None, None)
    assert ratio([0, 0], [0, 0]) == ratio([], []) == nothing
    assert interval([0.0, 0.0]).relative is None


def test_sections_spread_about_the_pooled_value_not_about_their_mean():
    value, low, high, _ = section(5.0, [3.0, 4.0, 5.0])
    half = t_quantile(0.975, 2) * math.sqrt((4 + 1 + 0) / 2) / math.sqrt(3)
    assert (value, low, high) == pytest.approx((5, 5 - half, 5 + half))
    assert high - low > interval([3.0, 4.0, 5.0]).high - interval([3.0, 4.0, 5.0]).low


def test_a_ratio_is_pooled_not_averaged():
    value, low, high, _ = ratio([1, 90], [10, 100])
    residual = 10 * 91 / 110 - 1
    half = t_quantile(0.975, 1) * math.sqrt(2 * residual**2) / math.sqrt(2) / 55
    assert (value, low, high) == pytest.approx((91 / 110, 91 / 110 - half, 91 / 110 + half))


@given(st.lists(numbers, min_size=2, max_size=10), st.floats(0.1, 1e6))
def test_a_ratio_with_equal_denominators_is_a_mean(values, below):
    assert ratio(values, [below] * len(values))[:3] == pytest.approx(
        interval([v / below for v in values])[:3], rel=1e-6, abs=1e-6
    )


def test_pairs_cancel_what_both_have_met():
    """Percentiles, means, ratios: a difference of pooled figures, with the spread of the differences about it."""
    assert paired(interval([11.0, 22.0, 33.0]), interval([10.0, 21.0, 32.0])) == (1.0, 1.0, 1.0, (0.0, 0.0, 0.0))
    pooled = paired(section(16.5, [11.0, 22.0]), section(15.0, [10.0, 20.0]))
    assert pooled == section(1.5, [1.0, 2.0])
    hits, asked = [50.0, 60.0], [100.0, 100.0]
    assert paired(ratio(hits, asked), ratio([40.0, 50.0], asked))[:3] == pytest.approx((0.1, 0.1, 0.1))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=10))
def test_a_paired_difference_is_the_mean_of_the_differences(pairs):
    first, second = zip(*pairs, strict=True)
    scale = max(map(abs, first + second))
    assert paired(interval(first), interval(second))[:3] == pytest.approx(
        interval([a - b for a, b in pairs])[:3], rel=1e-6, abs=1e-6 * scale + 1e-6
    )


def test_bad_estimates_are_refused():
    for values in ([1.0, math.nan], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="finite"):
            interval(values)
        with pytest.raises(ValueError, match="finite"):
            section(1.0, values)
    with pytest.raises(ValueError, match="finite"):
        section(math.nan, [1.0, 2.0])
    with pytest.raises(ValueError, match="as many"):
        ratio([1, 2], [1])
    with pytest.raises(ValueError, match="negative"):
        ratio([1, 2], [3, -1])
    with pytest.raises(ValueError, match="as many"):
        paired(interval([1, 2]), interval([1]))


def test_mser_cuts_the_ramp_and_nothing_more():
    rising, level = np.linspace(0, 1, 50), np.tile([0.99, 1.01], 100)
    assert mser5(np.concatenate([rising, level])) == 50
    assert mser5(level) == 0
    assert mser5(5 - np.concatenate([rising, level])) == 50


def test_mser_says_when_a_series_has_not_settled():
    assert mser5(np.arange(200)) is None
    assert mser5(np.minimum(np.arange(200), 150)) is None
    assert mser5(np.minimum(np.arange(200), 50)) == 50
    assert mser5([1.0] * 9) is None
    assert mser5([]) is None


@given(st.lists(numbers, min_size=20, max_size=100), st.integers(-1000, 1000))
def test_mser_is_the_definition(values, shift):
    """By hand: the cut at which the squared standard error of the mean of what is left is least."""
    values = [float(round(value)) for value in values]
    batches = np.array([np.mean(values[at : at + 5]) for at in range(0, len(values) // 5 * 5, 5)])
    errors = [np.var(batches[cut:]) / (len(batches) - cut) for cut in range(len(batches) // 2 + 1)]
    cut = mser5(values)
    halfway = len(errors) - 1
    assert errors[halfway if cut is None else cut // 5] == pytest.approx(min(errors), abs=1e-3)
    assert cut is None or cut < 5 * halfway
    assert mser5(-np.array(values)) == cut


@pytest.mark.parametrize("series", [[1.0, math.nan] * 10, [[1.0] * 10] * 2, [math.inf] * 10])
def test_mser_refuses_what_is_no_series(series):
    with pytest.raises(ValueError, match="flat series of finite numbers"):
        mser5(series)


def test_the_run_length_rule():
    assert [round(run_length_needed(rho)) for rho in (0, 0.5, 0.8, 0.9)] == [1000, 4000, 25_000, 100_000]


@pytest.mark.parametrize("utilization", [1, 1.2, -0.1, math.nan])
def test_no_run_is_long_enough_at_saturation(utilization):
    with pytest.raises(ValueError, match="no run is long enough"):
        run_length_needed(utilization)


def test_a_percentile_needs_ten_samples_beyond_it():
    assert [enough_samples(count, 0.99) for count in (0, 10, 999, 1000, 1001)] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert [enough_samples(count, 0.9) for count in (99, 100)] == [False, True]
    assert [enough_samples(count, 0.999) for count in (9_999, 10_000)] == [False, True]
    assert not enough_samples(10**9, 1)
