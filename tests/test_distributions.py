"""Distributions: the mean, spread and p99 that they promise, their tables, and how they are written."""

import csv
import gzip
import json
import lzma
import math
import pickle
import re

import jsonschema
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from realdata import real
from scipy import integrate, stats

from simsys import distributions, draws
from simsys.distributions import (
    CountDistribution,
    DurationDistribution,
    QuantileTable,
    grammar,
    mixture,
    parse_distribution,
)
from simsys.units import Spec

LAWS = {
    "constant": "2s",
    "exponential": {"exponential": {"mean": "2s"}},
    "lognormal_p99": {"lognormal": {"mean": "2s", "p99": "16s"}},
    "lognormal_cv": {"lognormal": {"mean": "2s", "cv": 0.5}},
    "uniform": {"uniform": {"low": "1s", "high": "3s"}},
    "erlang": {"erlang": {"mean": "2s", "k": 20}},
    "hyperexponential": {"hyperexponential": {"mean": "2s", "cv": 3}},
    "pareto": {"pareto": {"mean": "2s", "tail": 1.6, "max": "100s"}},
    "quantiles": {"quantiles": {"min": "0s", "p50": "1s", "p99": "9s", "max": "20s"}},
    "mixture": {"mixture": [{"share": "90%", "constant": "1s"}, {"share": "10%", "exponential": {"mean": "11s"}}]},
}
SIGMA = 2.3263478740408408 - math.sqrt(2.3263478740408408**2 - 2 * math.log(8))
LOGNORMAL = stats.lognorm(SIGMA, scale=2 * math.exp(-SIGMA * SIGMA / 2))
SIGMA_CV = math.sqrt(math.log(1.25))
ORACLES = {
    "exponential": stats.expon(scale=2),
    "lognormal_p99": LOGNORMAL,
    "lognormal_cv": stats.lognorm(SIGMA_CV, scale=2 * math.exp(-SIGMA_CV * SIGMA_CV / 2)),
    "uniform": stats.uniform(1, 2),
    "erlang": stats.gamma(20, scale=0.1),
}
U = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.99, 0.999999])
# of variance / mean² by law: what the scenario promises
CV2 = {
    "constant": 0,
    "exponential": 1,
    "lognormal_cv": 0.25,
    "uniform": 1 / 12,
    "erlang": 0.05,
    "hyperexponential": 9,
}


def law(name):
    return parse_distribution(LAWS[name]).variate()


def test_the_widest_log_normal_law():
    assert draws.normal_quantile(0.99) == grammar.Z99
    assert draws.exp(0.5 * grammar.Z99 * grammar.Z99) == grammar.WIDEST


def test_the_bits_never_change():
    assert {name: law(name).draw(7, 12, 1).hex() for name in LAWS} == {
        "constant": "0x1.0000000000000p+1",
        "exponential": "0x1.8033ea456180fp-4",
        "lognormal_p99": "0x1.d93e0a0853c25p+2",
        "lognormal_cv": "0x1.fbfa34bad3c97p+1",
        "uniform": "0x1.7445570be5a1cp+1",
        "erlang": "0x1.d96e1234b6df0p+0",
        "hyperexponential": "0x1.959d1a379e146p-5",
        "pareto": "0x1.5ab9b86826e62p+2",
        "quantiles": "0x1.ea8958cf94679p+2",
        "mixture": "0x1.12bd9480df789p+3",
    }


@pytest.mark.parametrize("name", LAWS)
def test_the_promised_mean_is_kept(name):
    promised = {"quantiles": None, "mixture": 2.0}.get(name, 2.0)
    variate = law(name)
    sample = variate.draws(draws.stream(1, 0, name), np.arange(200_000), 0)
    error = math.sqrt(variate.variance / sample.size)
    if promised is not None:
        assert variate.mean == pytest.approx(promised, rel=1e-12 if name != "mixture" else 1e-6)
    assert abs(sample.mean() - variate.mean) <= 3 * error
    assert 3 * error <= 0.03 * variate.mean


@pytest.mark.parametrize("name", LAWS)
def test_the_spread_and_the_p99_are_kept(name):
    variate = law(name)
    sample = variate.draws(draws.stream(2, 0, name), np.arange(200_000), 0)
    squares = (sample - variate.mean) ** 2
    assert abs(squares.mean() - variate.variance) <= 4 * squares.std() / math.sqrt(sample.size)
    if name in CV2:
        assert variate.variance == pytest.approx(CV2[name] * variate.mean**2, rel=1e-12)
    if name != "constant":
        beyond = np.mean(sample > variate.quantile(0.99)[0])
        assert abs(beyond - 0.01) <= 3 * math.sqrt(0.01 * 0.99 / sample.size)


@pytest.mark.parametrize("name", ORACLES)
def test_laws_agree_with_scipy(name):
    variate, oracle = law(name), ORACLES[name]
    assert variate.quantile(U) == pytest.approx(oracle.ppf(U), rel=1e-9)
    assert variate.variance == pytest.approx(oracle.var(), rel=1e-9)
    sample = variate.draws(draws.stream(3, 0, name), np.arange(20_000), 0)
    assert stats.kstest(sample, oracle.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", [*ORACLES, "hyperexponential"])
def test_smooth_laws_become_tables_almost_exactly(name):
    variate = law(name)
    table = variate.quantile_table()
    assert table.mean == pytest.approx(variate.mean, rel=1e-6)
    assert table.variance == pytest.approx(variate.variance, rel=1e-5)
    assert table.quantile(U) == pytest.approx(variate.quantile(U), rel=1e-5)


def test_lognormal_takes_the_smaller_sigma():
    variate = parse_distribution({"lognormal": {"mean": "1ms", "p99": "8ms"}}).variate()
    assert variate.b == pytest.approx(SIGMA, rel=1e-12) and variate.b < 2.3263
    assert variate.quantile(0.99)[0] == pytest.approx(0.008, rel=1e-12)
    at_the_limit = parse_distribution({"lognormal": {"mean": "1s", "p99": "14.968s"}}).variate()
    assert at_the_limit.b == pytest.approx(2.3263, abs=0.01)
    constant = parse_distribution({"lognormal": {"mean": "1s", "p99": "1s"}}).variate()
    assert (constant.mean, constant.variance) == (1.0, 0.0)


def test_hyperexponential_has_balanced_means():
    variate = law("hyperexponential")
    assert variate.a * variate.b == pytest.approx((1 - variate.a) * variate.c, rel=1e-12)
    x = variate.quantile(U)
    survival = variate.a * np.exp(-x / variate.b) + (1 - variate.a) * np.exp(-x / variate.c)
    assert survival == pytest.approx(1 - U, rel=1e-9)


@given(st.floats(0.05, 20), st.floats(1.01, 1e6))
def test_pareto_finds_the_least_value_for_its_mean(tail, reach):
    table = QuantileTable.from_pareto(1.0, tail, reach)
    (_, low, high, _), *_ = table.pieces
    assert table.mean == pytest.approx(1.0, rel=1e-9) and low < 1.0 < high
    x = np.array([low, math.sqrt(low), math.sqrt(low * high), high])
    assume(low**tail > 1e-200)
    expected = (1 - (low / x) ** tail) / (1 - (low / high) ** tail)
    assert [1 - table.share_above(v) for v in x[:3]] == pytest.approx(list(expected[:3]), abs=1e-9)


def test_a_pareto_population_has_its_edges_in_few_hands():
    """Tail 1.1, mean 200, at most 10 M followers: above 10,000 are 0.14 % of users, 37.8 % of edges."""
    table = QuantileTable.from_pareto(200.0, 1.1, 10e6)
    assert table.share_above(10e3) == pytest.approx(0.0014, abs=5e-5)
    shares = [table.edge_share_above(x) for x in (10e3, 100e3, 1e6)]
    assert [200 * share for share in shares] == pytest.approx([75.7, 44.5, 19.7], abs=0.1)


def test_draws_one_by_one_and_in_arrays_are_the_same_bits():
    tokens = np.array([*range(301), 2**61 + 3], dtype=np.int64)
    for name in LAWS:
        variate = law(name)
        assert variate.draws(9, tokens, 4).tolist() == [variate.draw(9, int(t), 4) for t in tokens]
        assert isinstance(variate.draw(9, 0, 4), float)
        again = pickle.loads(pickle.dumps(variate))
        assert again.draw(9, 5, 4) == variate.draw(9, 5, 4)


def test_the_compiled_function_can_be_called_by_a_kernel():
    v = law("lognormal_p99")
    drawn = distributions.variate(v.kind, v.a, v.b, v.c, v.table, 9, 5, 4)
    assert drawn == v.draw(9, 5, 4)


# Tables


def test_points_are_joined_by_straight_lines_in_log_x():
    table = QuantileTable.from_points([0, 0.5, 1], [1, 1, math.e])
    assert table.quantile([0.2, 0.5, 0.75, 1]) == pytest.approx([1, 1, math.exp(0.5), math.e], rel=1e-12)
    assert table.mean == pytest.approx(0.5 + 0.5 * (math.e - 1), rel=1e-12)
    assert table.moment_below(math.exp(0.5)) == pytest.approx(0.5 + 0.5 * (math.exp(0.5) - 1), rel=1e-12)
    assert (table.share_above(1), table.share_above(3)) == (1, 0)
    assert table.share_above(math.exp(0.5)) == pytest.approx(0.25, rel=1e-12)


just_below_a_guide = st.integers(2, 64).map(lambda n: [math.nextafter(k / n, 0) for k in range(1, n)])


@given(st.lists(st.floats(0, 1), max_size=40) | just_below_a_guide, st.lists(st.floats(0, 1)))
def test_the_guide_of_a_table_leads_to_its_pieces(ends, us):
    ends = np.unique([*(end for end in ends if end > 0), 1.0])
    values = np.arange(ends.size, dtype=np.float64)
    table = QuantileTable(np.column_stack((ends, values, values, np.ones(ends.size))))
    u = np.concatenate((ends, np.nextafter(ends[:-1], 1), np.nextafter(ends, 0), us, [0.0]))
    assert table.quantile(u).tolist() == np.searchsorted(ends, u).tolist()
    one_by_one = [distributions.laws.table_quantile(table.prepared, x) for x in u.tolist()]
    assert one_by_one == np.searchsorted(ends, u).tolist()


def test_counts_may_start_at_zero():
    table = QuantileTable.from_points([0, 0.25, 0.5, 1], [0, 0, 4, 8], straight=True)
    assert table.quantile([0.1, 0.375, 0.75]).tolist() == [0, 2, 6]
    assert table.mean == pytest.approx(0.25 * 2 + 0.5 * 6, rel=1e-12)
    assert (table.share_above(0), table.share_above(2)) == (1, 0.625)
    assert table.tilt(1.0).mean == pytest.approx(table.moment(2) / table.mean, rel=1e-12)
    with pytest.raises(ValueError, match="above -1"):
        table.tilt(-1.0)
    logarithmic = QuantileTable.from_points([0, 0.5, 1], [0, 4, 8])
    assert logarithmic.quantile([0.25, 0.75]) == pytest.approx([2, math.sqrt(32)], rel=1e-12)


def test_rows_make_steps():
    table = QuantileTable.from_rows([7, 0, 2, 2])
    assert table.quantile([0.1, 0.25, 0.26, 0.75, 0.76, 1]).tolist() == [0, 0, 2, 2, 7, 7]
    assert (table.mean, table.variance) == (pytest.approx(2.75), pytest.approx(6.6875))
    assert (table.share_above(2), table.share_above(2.1)) == (0.75, 0.25)
    assert table.edge_share_above(7) == pytest.approx(7 / 11)
    assert table.moment_below(7) == 1.0
    assert table.tilt(1.0).mean == pytest.approx((4 + 4 + 49) / 11)
    assert table.tilt([1.0, 0.0, 3.0]).mean == pytest.approx(21 / 4)
    assert QuantileTable.from_rows([7, 0, 2, 2], [1, 1, 0, 2]).mean == pytest.approx(11 / 4)
    with pytest.raises(ValueError, match="add up to zero"):
        QuantileTable.from_rows([1, 2], [0, 0])


values = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=6).map(sorted)
tables = values.flatmap(
    lambda x: st.booleans().map(lambda straight: QuantileTable.from_points(np.linspace(0, 1, len(x)), x, straight))
)


@given(tables, st.floats(0.001, 2e6), st.floats(0, 1.5))
def test_moments_are_those_of_the_quantile_function(table, x, power):
    u = (np.arange(40_000) + 0.5) / 40_000
    sample = table.quantile(u)
    assert (np.diff(sample) >= 0).all()
    assert table.mean == pytest.approx(sample.mean(), rel=1e-3)
    assert table.moment(power) == pytest.approx(np.mean(sample**power), rel=1e-2)
    assert table.share_above(x) == pytest.approx(np.mean(sample >= x), abs=1e-4)
    assert table.moment_below(x) == pytest.approx(np.mean(sample * (sample < x)), rel=1e-3, abs=1e-3 * table.mean)
    assert table.edge_share_above(x) == pytest.approx(np.sum(sample * (sample >= x)) / sample.sum(), abs=1e-3)


@pytest.mark.parametrize("g", [-3.0, -1.0, -0.5, -1e-9, 0.0, 1e-9, 0.4, 1.0, 2.5])
@pytest.mark.parametrize("p", [-2.0, -0.4, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("low", [0.0, 0.5, 1.9])
def test_a_piece_has_the_moments_and_shares_of_its_density(g, p, low):
    if low == 0.0 and min(g, g + p) < 0.1:
        return  # no such law, or one that the reference cannot integrate
    whole, _ = integrate.quad(lambda x: x ** (g - 1), low, 2)
    part, _ = integrate.quad(lambda x: x ** (g - 1 + p), low, 2)
    table = QuantileTable(np.array([[1.0, low, 2.0, g]]))
    assert table.moment(p) == pytest.approx(part / whole, rel=1e-6)
    below, _ = integrate.quad(lambda x: x ** (g - 1), low, 1.95)
    assert 1 - table.share_above(1.95) == pytest.approx(below / whole, rel=1e-6)
    assert table.quantile(below / whole)[0] == pytest.approx(1.95, rel=1e-6)
    assert table.tilt(0.5).pieces.tolist() == [[1.0, low, 2.0, g + 0.5]]


@given(tables, st.floats(-2, 2), st.floats(-2, 2))
def test_tilting_is_choosing_in_proportion(table, by, further):
    tilted = table.tilt(by)
    assert tilted.mean == pytest.approx(table.moment(1 + by) / table.moment(by), rel=1e-6)
    assert tilted.tilt(further).mean == pytest.approx(table.tilt(by + further).mean, rel=1e-6)
    assert tilted.tilt(-by).mean == pytest.approx(table.mean, rel=1e-6)


@given(tables, st.floats(0.001, 0.999))
def test_quantile_and_share_above_are_inverse(table, u):
    x = float(table.quantile(u)[0])
    assert table.share_above(x * (1 - 1e-9)) >= 1 - u - 1e-6
    assert table.share_above(x * (1 + 1e-9)) <= 1 - u + 1e-6


@given(st.lists(st.tuples(st.floats(0.01, 1), tables), min_size=1, max_size=3), st.floats(0.001, 2e6))
def test_a_mixture_has_the_mixed_moments(parts, x):
    total = sum(share for share, _ in parts)
    parts = [(share / total, table) for share, table in parts]
    mixed = mixture(parts)
    assert mixed.mean == pytest.approx(sum(share * table.mean for share, table in parts), rel=1e-3)
    shares = sum(share * table.share_above(x) for share, table in parts)
    assert mixed.share_above(x) == pytest.approx(shares, abs=6e-3)
    assert mixed.pieces[-1, 0] == 1.0
    assert (mixed.pieces[1:, 1] >= mixed.pieces[:-1, 2]).all()


def test_a_mixture_without_overlap_is_exact():
    rows = QuantileTable.from_rows([1, 2, 1000])
    smooth = QuantileTable.from_pareto(50.0, 1.5, 900.0)
    mixed = mixture([(0.25, rows), (0.75, smooth)])
    assert mixed.mean == pytest.approx(0.25 * rows.mean + 0.75 * 50, rel=1e-12)
    assert mixed.moment(2) == pytest.approx(0.25 * rows.moment(2) + 0.75 * smooth.moment(2), rel=1e-12)
    assert len(mixed.pieces) == 4


def test_one_write_in_ten_thousand_is_slow():
    slow = parse_distribution(
        {"mixture": [{"share": "99.99%", "constant": "0.6ms"}, {"share": "0.01%", "constant": "1.5s"}]}
    )
    variate = slow.variate()
    assert variate.mean == pytest.approx(0.9999 * 0.6e-3 + 0.0001 * 1.5, rel=1e-12)
    assert variate.quantile([0.5, 0.99985, 0.99995]).tolist() == [0.0006, 0.0006, 1.5]


def test_a_rank_law_by_integration():
    table = QuantileTable.from_points([0, 0.9, 1], [3, 30, 3000])
    mean, _ = integrate.quad(lambda u: float(table.quantile(u)[0]), 0, 1, points=[0.9])
    assert table.mean == pytest.approx(mean, rel=1e-9)


# Grammar


@pytest.mark.parametrize("written", LAWS.values(), ids=LAWS)
def test_what_is_read_is_written_again(written):
    read = parse_distribution(written)
    assert parse_distribution(read.model_dump()) == read
    again = DurationDistribution.model_validate(json.loads(read.model_dump_json()))
    assert again == read
    assert again.variate().draw(1, 2, 3) == read.variate().draw(1, 2, 3)


def test_constants_are_written_plainly():
    assert parse_distribution("250us").model_dump() == "250us"
    assert parse_distribution({"constant": "250us"}).model_dump() == "250us"
    assert parse_distribution(300, "count").model_dump() == 300
    assert parse_distribution("300B", "size").variate().mean == 300.0


REFUSED = [
    (5, (), "expected a duration like 250us, 10ms or 1m30s; the unit is missing"),
    ("1e3s", (), "exponents are not read"),
    (None, (), "expected one of constant"),
    ([1], (), "expected a duration"),
    ({}, (), "expected one of constant, exponential, lognormal"),
    ({"exponential": {"mean": "1s"}, "constant": "1s"}, (), "found constant and exponential"),
    ({"lognorml": {}}, ("lognorml",), "Extra inputs"),
    ({"exponential": {"mean": "0s"}}, ("exponential", "mean"), "greater than 0"),
    ({"exponential": {"mean": 5}}, ("exponential", "mean"), "the unit is missing"),
    ({"exponential": {"maen": "5s"}}, ("exponential", "mean"), "Field required"),
    ({"lognormal": {"mean": "1ms", "p99": "14.97ms"}}, ("lognormal",), "14.97 times the mean"),
    ({"lognormal": {"mean": "1ms", "p99": "0.9ms"}}, ("lognormal",), "0.9 times the mean"),
    ({"lognormal": {"mean": "1ms"}}, ("lognormal",), "give either p99 or cv"),
    ({"lognormal": {"mean": "1ms", "p99": "2ms", "cv": 1}}, ("lognormal",), "give either p99 or cv"),
    ({"lognormal": {"mean": "1ms", "cv": "nan"}}, ("lognormal", "cv"), "expected a count"),
    ({"uniform": {"low": "2s", "high": "1s"}}, ("uniform",), "low < high"),
    ({"erlang": {"mean": "2s", "k": 0}}, ("erlang", "k"), "greater than or equal to 1"),
    ({"erlang": {"mean": "2s", "k": 1.5}}, ("erlang", "k"), "whole number"),
    ({"hyperexponential": {"mean": "2s", "cv": 1}}, ("hyperexponential", "cv"), "greater than 1"),
    ({"pareto": {"mean": "2s", "tail": 1, "max": "1s"}}, ("pareto",), "mean < max"),
    ({"pareto": {"mean": "2s", "tail": 0, "max": "9s"}}, ("pareto", "tail"), "greater than 0"),
    ({"quantiles": {"p50": "1s"}}, ("quantiles",), "expected the largest value too"),
    ({"quantiles": {}}, ("quantiles",), "give either points"),
    ({"quantiles": {"q50": "1s", "max": "2s"}}, ("quantiles",), "expected min, max, or a level like p50"),
    ({"quantiles": {"p100": "1s", "p0": "1s", "max": "2s"}}, ("quantiles",), "between p0 and p100"),
    ({"quantiles": {"p50": "3s", "max": "2s"}}, ("quantiles",), "do not fall"),
    ({"quantiles": {"p999": "1s", "p99.9": "1s", "max": "2s"}}, ("quantiles",), "each level once"),
    ({"quantiles": {"p50": 1, "max": "2s"}}, ("quantiles", "p50"), "the unit is missing"),
    ({"quantiles": {"file": "gone.csv"}}, ("quantiles",), "no such file: gone.csv"),
    ({"file": {"path": "gone.csv", "column": "x"}}, ("file",), "no such file: gone.csv"),
    ({"mixture": [{"share": "50%", "constant": "1s"}]}, (), "add up to 50%; expected 100%"),
    ({"mixture": []}, (), "add up to 0%"),
    ({"mixture": [{"constant": "1s"}]}, ("mixture", 0, "share"), "Field required"),
    ({"mixture": [{"share": "100%"}]}, ("mixture", 0), "expected one of constant"),
]


@pytest.mark.parametrize(("written", "place", "words"), REFUSED)
def test_refuses(written, place, words):
    with pytest.raises(ValidationError) as error:
        parse_distribution(written)
    first = error.value.errors()[0]
    assert first["loc"] == place
    assert words in first["msg"]


def test_levels():
    written = {"min": 1, "p50": 2, "p99.9": 3, "p9999": 4, "max": 5}
    table = parse_distribution({"quantiles": written}, "count").variate()
    assert table.quantile([0.5, 0.999, 0.9999]) == pytest.approx([2, 3, 4], rel=1e-9)
    assert table.quantile(1e-9)[0] == pytest.approx(1, rel=1e-6)
    without_min = parse_distribution({"quantiles": {"p50": 2, "max": 5}}, "count").variate()
    assert without_min.quantile([0.01, 0.5]) == pytest.approx([2, 2])


class Holder(Spec):
    """A duration, a count and nothing else."""

    time: DurationDistribution | None = None
    page: CountDistribution | None = None


@pytest.mark.parametrize("written", [*LAWS.values(), *(written for written, _, _ in REFUSED[:7])])
def test_the_schema_tells_right_from_wrong(written):
    try:
        Holder.model_validate({"time": written})
        accepted = True
    except ValidationError:
        accepted = False
    schema = Holder.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({"time": written}) == accepted


def test_the_schema_does_not_flag_counts():
    validator = jsonschema.Draft202012Validator(Holder.model_json_schema())
    for page in (
        "5k",
        50,
        {"exponential": {"mean": "5k"}},
        {"quantiles": {"p50": 3, "p99.9": "5k", "max": "9M"}},
    ):
        assert validator.is_valid({"page": page})
    for page in ("5kk", -1, {"quantiles": {"q50": 3, "max": 5}}):
        assert not validator.is_valid({"page": page})


def test_the_schema_names_every_law_for_completion():
    schema = TypeAdapter(DurationDistribution).json_schema()
    texts = json.dumps(schema)
    for name in (
        "exponential",
        "lognormal",
        "uniform",
        "erlang",
        "hyperexponential",
        "pareto",
        "quantiles",
        "file",
    ):
        assert f'"{name}"' in texts
    assert "patternProperties" in texts and "Lognormal of Duration" in texts


# Files


@pytest.fixture
def folder(tmp_path):
    rows = "name,wait_us,weight\na,10,1\nb,30,0\nc,20,3\n"
    (tmp_path / "rows.csv").write_text(rows)
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "rows.csv.xz").write_bytes(lzma.compress(rows.encode()))
    (tmp_path / "table.csv").write_text("u,followers\n0,0\n0.5,10\n1,30\n")
    return tmp_path


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.csv.xz"])
def test_files_of_rows(folder, name):
    written = {"file": {"path": name, "column": "wait_us", "activity": "weight", "unit": "1us"}}
    read = parse_distribution(written, folders=[folder / "nowhere", folder])
    assert read.variate().mean == pytest.approx(20e-6)
    assert read.variate().quantile([0.2, 0.9]) == pytest.approx([10e-6, 30e-6])
    values, weights = read.file.rows()
    assert values.tolist() == pytest.approx([10e-6, 30e-6, 20e-6]) and weights.tolist() == [1, 0, 3]
    assert parse_distribution(read.model_dump(), folders=[folder]) == read


def test_files_of_quantiles(folder):
    read = parse_distribution({"quantiles": {"file": "table.csv"}}, "count", [folder])
    assert read.variate().quantile([0.25, 0.5, 0.75]).tolist() == [5, 10, 20]
    assert read.variate().mean == pytest.approx(0.5 * 5 + 0.5 * 20)
    assert read.model_dump() == {"quantiles": {"file": "table.csv"}}
    in_ms = parse_distribution({"quantiles": {"file": "table.csv", "unit": "1ms"}}, folders=[folder])
    assert in_ms.variate().quantile(0.5)[0] == pytest.approx(0.010)


BROKEN = [
    ("u,x\n", "no rows"),
    ("u,x\n0,1\n0.5,oops\n1,3\n", "line 3, column 'x': expected a number that is not negative, not 'oops'"),
    ("u,x\n0,1\n1\n", "line 3, column 'x'"),
    ("u,x\n0,-1\n1,3\n", "not negative"),
    ("u,x\n0,nan\n1,3\n", "not negative"),
    ("u,x,y\n0,1,2\n", "just one more column"),
    ("v,x\n0,1\n", "expected the column 'u'; its columns are v, x"),
    ("", "its columns are missing"),
    ("u,x\n0,1\n0.9,3\n", "from 0 to 1"),
    ("u,x\n0,3\n1,1\n", "neither may fall"),
    ("u,x\n0,1\n0.6,2\n0.5,2\n1,3\n", "neither may fall"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN)
def test_broken_files_are_told(tmp_path, text, words):
    (tmp_path / "broken.csv").write_text(text)
    with pytest.raises(ValidationError, match=re.escape(words)):
        parse_distribution({"quantiles": {"file": "broken.csv"}}, "count", [tmp_path])


@pytest.mark.parametrize("name", ["broken.csv", "broken.csv.gz", "broken.csv.xz"])
def test_files_that_are_no_text_are_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x1f\x8b\xff\xfe not a table")
    with pytest.raises(ValidationError, match="cannot be read"):
        parse_distribution({"quantiles": {"file": name}}, "count", [tmp_path])


def test_a_file_that_changed_is_read_again(tmp_path):
    written = {"file": {"path": "rows.csv", "column": "x"}}
    for content, mean in (("x\n1\n3\n", 2), ("x\n5\n", 5)):
        (tmp_path / "rows.csv").write_text(content)
        assert parse_distribution(written, "count", [tmp_path]).variate().mean == mean


def test_activity_that_adds_up_to_zero_is_told(tmp_path):
    (tmp_path / "rows.csv").write_text("x,w\n1,0\n2,0\n")
    with pytest.raises(ValidationError, match="'w' adds up to zero"):
        parse_distribution({"file": {"path": "rows.csv", "column": "x", "activity": "w"}}, "count", [tmp_path])


@pytest.mark.parametrize(
    ("name", "activity", "people", "factor"),
    [
        ("followers_github_spain_2017", "contributions", lambda row: True, 4.62),
        ("followers_twitter_2017_celebrities_bots", "tweets", lambda row: row["is_bot"] == "0", 1.99),
    ],
)
def test_real_authors_post_more_the_more_followers_they_have(tmp_path, name, activity, people, factor):
    with gzip.open(real(f"{name}.csv.gz"), "rt", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if people(row) and row[activity] and row["followers"]]
    text = "\n".join(["followers,posts", *(f"{row['followers']},{row[activity]}" for row in rows)])
    (tmp_path / "rows.csv").write_text(text)
    written = {"file": {"path": "rows.csv", "column": "followers", "activity": "posts"}}
    values, weights = parse_distribution(written, "count", [tmp_path]).file.rows()
    plain, posting = QuantileTable.from_rows(values), QuantileTable.from_rows(values, weights)
    assert posting.mean / plain.mean == pytest.approx(factor, abs=0.005)
    shuffled = QuantileTable.from_rows(values, np.random.default_rng(1).permutation(weights))
    assert shuffled.mean / plain.mean == pytest.approx(1.0, abs=0.5)
