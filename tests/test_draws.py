"""Draws: known answers, bits that never change, accuracy of the arithmetic, and laws."""

import ast
import math
import subprocess
import sys
from decimal import Decimal, localcontext
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numba.core.caching
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from simsys import draws
from simsys.draws import compiling
from simsys.sources import sources

INTS = st.integers(0, 2**62 - 1)
WORDS = st.integers(0, 2**32 - 1)

# Random123's kat_vectors for philox4x32-10: counter, key, answer.
KNOWN_ANSWERS = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(counter, key, answer):
    words = [np.uint64(word) for word in counter + key]
    assert [int(word) for word in draws.philox(*words)] == answer


def test_counter_and_key_stand_where_the_paper_puts_them():
    low, high = 0x85A308D3_243F6A88, 0x03707344_13198A2E
    first, second = draws.random_bits(0x299F31D0_A4093822, low - 2**64, high)
    assert (int(first), int(second)) == (0x94FDCCEB_D16CFE09, 0x24126EA1_5001E420)


def test_the_bits_never_change():
    key = draws.stream(7, 3, "database.insert")
    assert (draws.name_id("database.insert"), key) == (2285004289698352858, 994812586577563076)
    assert draws.child_token(12, draws.name_id("deliver"), 5) == 4087445451183362766
    assert draws.uniform(key, 12, 1).hex() == "0x1.209b3521894c0p-7"
    assert draws.uniform(key, 12, 1, 2).hex() == "0x1.ecd100b505f8fp-1"
    assert draws.count_below(key, 12, 1000, 0.3) == 290
    assert [draws.shard_of(user, 8) for user in range(8)] == [5, 0, 4, 4, 4, 7, 2, 3]


def test_the_bits_of_the_arithmetic_never_change():
    u = draws.uniforms(1, np.arange(100_000), 0)
    normal = np.array([draws.normal_quantile(x) for x in u.tolist()])
    small = np.array([draws.expm1(x) for x in (u - 0.5).tolist()])
    answers = [draws.logs(u), draws.exps(50 * u - 25), draws.powers(u, -3.7), normal, small]
    assert [sha256(answer.tobytes()).hexdigest()[:12] for answer in answers] == [
        "008db2a5f650",
        "fd6eac442b38",
        "b35f18525fc9",
        "f1220e255bb8",
        "0ba61c584b89",
    ]


PRODUCTS = {
    f"np.{name}"
    for name in ("dot", "vdot", "inner", "matmul", "tensordot", "einsum", "linalg", "convolve", "correlate", "cov",
                 "corrcoef", "polyfit")
}  # fmt: skip


def left_to_blas(text: str) -> list[int]:
    """The lines whose sums of products are numpy's BLAS's."""
    nodes = list(ast.walk(ast.parse(text)))
    matrices = [n.lineno for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult)]
    named = [n for n in nodes if isinstance(n, ast.Attribute)]
    return matrices + [n.lineno for n in named if ast.unparse(n) in PRODUCTS or n.attr == "dot"]


def test_no_sum_is_left_to_blas(repository):
    """Its last bits depend on the processor, and beyond 10,000 products on the number of cores."""
    assert left_to_blas("a = b @ c\nd = np.inner(a, b)\ne = a.dot(b) + (a * b).sum() + tree.inner") == [1, 2, 3]
    files = (repository / "simsys").rglob("*.py")
    assert [path.name for path in files if left_to_blas(path.read_text(encoding="utf-8"))] == []


@given(INTS, INTS, WORDS, st.integers(0, 2**31 - 1))
def test_every_part_of_the_counter_matters(key, token, visit, sub):
    value = draws.uniform(key, token, visit, sub)
    assert 0.0 < value < 1.0
    others = [
        (key ^ 1, token, visit, sub),
        (key, token ^ (1 << 61), visit, sub),
        (key, token ^ 1, visit, sub),
    ]
    others += [(key, token, visit ^ 1, sub), (key, token, visit, sub ^ 1)]
    assert len({value, *(draws.uniform(*other) for other in others)}) == 6


@given(INTS, st.lists(INTS, max_size=20), WORDS)
def test_arrays_give_the_same_bits(key, tokens, visit):
    array = np.array(tokens, dtype=np.int64)
    assert [draws.uniform(key, t, visit, 0) for t in tokens] == [draws.uniform(key, t, visit) for t in tokens]
    assert draws.uniforms(key, array, visit).tolist() == [draws.uniform(key, t, visit) for t in tokens]


def test_uniforms_are_uniform_and_uncorrelated():
    count = 100_000
    key = draws.stream(1, 0, "test")
    tokens = np.arange(count)
    columns = [draws.uniforms(key, tokens, visit) for visit in (0, 1, 1 << 31)]
    columns.append(np.array([draws.uniform(key, token, 0, 1) for token in tokens.tolist()]))
    columns.append(draws.uniforms(draws.stream(1, 1, "test"), tokens, 0))
    for column in columns:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    correlation = np.corrcoef([*columns, np.roll(columns[0], 1)])
    assert np.abs(correlation - np.eye(6)).max() < 4 / math.sqrt(count)


def test_streams_differ_by_seed_replication_and_name():
    keys = {
        draws.stream(seed, replication, name) for seed in range(20) for replication in range(20) for name in "abcde"
    }
    assert len(keys) == 2000
    assert all(0 <= key < 2**62 for key in keys)


@given(INTS, INTS, INTS)
def test_children_are_never_requests(parent, plan, index):
    assert 2**61 <= draws.child_token(parent, plan, index) < 2**62
    assert draws.child_token(parent, plan, index) != draws.child_token(parent, plan, index ^ 1)
    assert draws.child_token(parent, plan, index) != draws.child_token(parent, plan ^ 1, index)
    assert draws.child_token(parent, plan, index) != draws.child_token(parent ^ 1, plan, index)
    assert draws.request_token(index & (2**61 - 1)) == index & (2**61 - 1)


def test_shards_are_even_and_a_key_is_a_number():
    shards = [draws.shard_of(user, 10) for user in range(100_000)]
    assert shards == [draws.shard_of(float(user), 10) for user in range(100_000)]
    assert stats.chisquare(np.bincount(shards, minlength=10)).pvalue > 1e-3
    assert draws.shard_of(-0.0, 1 << 30) == draws.shard_of(0, 1 << 30)


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.5), (63, 0.5), (127, 0.5), (5, 0.9), (64, 0.75), (200, 0.3), (130, 2**-9), (300, 1 - 2**-7)],
)
def test_counts_are_binomial(n, p):
    counts = [draws.count_below(11, token, n, p) for token in range(20_000)]
    law = stats.binom(n, p)
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 12)))
    expected = np.diff(law.cdf([-1, *edges, n])) * len(counts)
    seen = np.histogram(counts, [-1, *(edges + 0.5), n + 1])[0]
    cells = expected > 0
    assert stats.chisquare(seen[cells], expected[cells]).pvalue > 1e-3


@given(INTS, INTS, st.integers(0, 500), st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_counts_are_monotone_in_p(key, token, n, p, q):
    low, high = draws.count_below(key, token, n, min(p, q)), draws.count_below(key, token, n, max(p, q))
    assert 0 <= low <= high <= n
    assert draws.count_below(key, token, n, 0.0) == 0
    assert draws.count_below(key, token, n, 1.0) == n


def test_counts_of_two_intervals_are_those_of_one_set_of_uniforms():
    """For i.i.d. uniforms the counts below a and between a and b covary as -n a (b - a)."""
    n, runs = 40, 20_000
    for a, b in ((0.25, 0.5), (0.3, 0.9), (0.125, 0.625)):
        below = np.array([draws.count_below(5, token, n, a) for token in range(runs)])
        between = np.array([draws.count_below(5, token, n, b) for token in range(runs)]) - below
        products = (below - n * a) * (between - n * (b - a))
        assert abs(products.mean() + n * a * (b - a)) < 4 * products.std() / math.sqrt(runs)


def test_beyond_31_digits_the_remaining_uniforms_are_met_one_by_one():
    key, token, n, node = 3, 26, 1 << 27, 1 << 31
    tails = [draws.uniform(key, token, node, i) for i in range(2)]
    assert draws.count_below(key, token, n, 2.0**-31) == 2
    for share in (min(tails), math.nextafter(min(tails), 1), max(tails), math.nextafter(max(tails), 1)):
        expected = sum(tail < share for tail in tails)
        assert draws.count_below(key, token, n, share * 2.0**-31) == expected
        tokens, ns = np.array([0, token, 0]), np.array([0, n, -1])
        assert draws.counts_below(key, tokens, ns, share * 2.0**-31).tolist() == [0, expected, 0]


@given(INTS, st.lists(st.tuples(INTS, st.integers(-1, 500)), max_size=9), st.floats(-0.5, 1.5))
def test_counts_side_by_side_are_the_same(key, pairs, p):
    tokens, ns = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    expected = [draws.count_below(key, token, n, p) for token, n in pairs]
    assert draws.counts_below(key, tokens, ns, p).tolist() == expected


def ulps(value: float, exact: Decimal) -> float:
    return abs(float((Decimal(value) - exact) / Decimal(math.ulp(float(exact)))))


@given(st.floats(5e-324, 1.7e308))
def test_log_is_within_one_ulp(x):
    with localcontext(prec=50):
        assert x == 1.0 or ulps(draws.log(x), Decimal(x).ln()) < 1.0


@given(st.floats(0.7, 1.42))
def test_log_is_within_one_ulp_near_one(x):
    with localcontext(prec=50):
        assert x == 1.0 or ulps(draws.log(x), Decimal(x).ln()) < 1.0


@given(st.floats(-708.0, 709.7) | st.floats(-1.0, 1.0))
def test_exp_is_within_one_ulp(x):
    with localcontext(prec=50):
        assert ulps(draws.exp(x), Decimal(x).exp()) < 1.0


@given(st.floats(-40.0, 700.0) | st.floats(-1.0, 1.0) | st.floats(-1e-9, 1e-9))
def test_expm1_is_within_a_few_ulps(x):
    with localcontext(prec=400):
        assert x == 0.0 or ulps(draws.expm1(x), Decimal(x).exp() - 1) < 4.0


@given(st.floats(1e-300, 1e300) | st.floats(0.7, 1.42), st.floats(-700.0, 700.0))
def test_power_is_within_a_few_ulps(x, exponent_of_e):
    y = exponent_of_e / max(abs(math.log(x)), 0.3)
    with localcontext(prec=50):
        exact = (Decimal(x).ln() * Decimal(y)).exp()
        assert ulps(draws.power(x, y), exact) < 2 + abs(exponent_of_e) / 10


def test_the_ends_of_the_arithmetic():
    assert [draws.log(x) for x in (0.0, 1.0, math.inf)] == [-math.inf, 0.0, math.inf]
    assert [draws.exp(x) for x in (-math.inf, -1e9, -0.0, 1e9, math.inf)] == [0, 0, 1, math.inf, math.inf]
    assert draws.exp(-745.0) == 5e-324
    assert [draws.power(0.0, y) for y in (-1.0, 0.0, 2.0)] == [math.inf, 1.0, 0.0]
    assert [draws.power(math.inf, y) for y in (-1.0, 0.0, 2.0)] == [0.0, 1.0, math.inf]
    assert [draws.power(x, 1.0) for x in (0.0, 3.0, 1e-310)] == [0.0, 3.0, 1e-310]
    assert [draws.power(x, math.inf) for x in (0.5, 1.0, 2.0)] == [0.0, 1.0, math.inf]
    assert [draws.power(x, -math.inf) for x in (0.5, 1.0, 2.0)] == [math.inf, 1.0, 0.0]
    assert [draws.power(2.0, y) for y in (1e30, -1e30, 10.0)] == [math.inf, 0.0, 1024.0]
    assert all(map(math.isnan, (draws.log(-1.0), draws.log(math.nan), draws.exp(math.nan))))
    assert all(map(math.isnan, (draws.power(-2.0, 2.0), draws.power(-2.0, 1.0), draws.power(math.nan, 1.0))))


@given(st.floats(1e-300, 1 - 1e-15))
def test_normal_quantile_agrees_with_scipy(u):
    assert draws.normal_quantile(u) == pytest.approx(special.ndtri(u), rel=1e-13, abs=0)


@given(st.lists(st.floats(1e-300, 1e300), max_size=20), st.floats(-3.0, 3.0))
def test_vectorised_arithmetic_gives_the_same_bits(xs, y):
    array = np.array(xs)
    assert draws.logs(array).tolist() == [draws.log(x) for x in xs]
    assert draws.exps(draws.logs(array)).tolist() == [draws.exp(draws.log(x)) for x in xs]
    assert draws.powers(array, y).tolist() == [draws.power(x, y) for x in xs]
    assert draws.expm1s(draws.logs(array)).tolist() == [draws.expm1(draws.log(x)) for x in xs]
    u = np.minimum(array / (1.0 + array), 1.0 - 2.0**-53)
    assert draws.normal_quantiles(u).tolist() == [draws.normal_quantile(x) for x in u.tolist()]


def twice(x: float) -> float:
    return 2.0 * x


def test_compiles_without_a_place_for_the_cache(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit("float64(float64)", cache=True)(twice)
    assert draws.compiled("float64(float64)")(twice)(4.0) == 8.0


def test_compiles_where_the_cache_cannot_be_written(monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    with pytest.raises(OSError, match="No space"):
        numba.njit("float64(int32)", cache=True)(twice)
    assert draws.compiled("float64(int32)")(twice)(4) == 8.0


def test_nothing_is_compiled_that_is_not_called(tmp_path):
    """In a fresh process: at the import nothing; at a call this function and those that it calls."""
    code = """
import numba.core.dispatcher as d
compiled, compile_ = [], d.Dispatcher.compile
d.Dispatcher.compile = lambda self, sig: compiled.append(self.py_func.__name__) or compile_(self, sig)
import simsys.distributions, simsys.draws as draws
assert compiled == []
assert draws.log(1) == 0.0 and draws.log(draws.log(1.0) + 1) == 0.0
print(*compiled)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"log", "_exponent_and_fraction", "_log_tail", "impl"}
    assert done.stdout.split().count("log") == 1


def test_what_is_kept_is_compiled_again_when_a_callee_in_another_file_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the files change within a second
    package = tmp_path / "small"
    texts = {
        "draws/compiling.py": Path(compiling.__file__).read_text(),
        "low/inner.py": "from small.draws.compiling import compiled\n@compiled('int64()')\ndef inner(): return 1",
        "low/constant.py": "TEN = 10",
        "high/outer.py": "from small.draws.compiling import compiled\nfrom small.low.inner import inner\n"
        "from small.low.constant import TEN\n@compiled('int64()')\ndef outer(): return TEN + inner()",
        "report/words.py": "",
    }
    for name, text in texts.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)

    def answer() -> str:
        sources.cache_clear()
        for name in [name for name in sys.modules if name.partition(".")[0] == "small"]:
            del sys.modules[name]
        outer = import_module("small.high.outer").outer
        return f"{outer()} {sum(outer.stats.cache_hits.values())}"

    assert [answer(), answer()] == ["11 0", "11 1"]
    (package / "low/inner.py").write_text(texts["low/inner.py"].replace("1", "2"))
    assert [answer(), answer()] == ["12 0", "12 1"]
    (package / "low/constant.py").write_text("TEN = 20")
    assert [answer(), answer()] == ["22 0", "22 1"]
    (package / "report/words.py").write_text("WORDS = 3")
    assert answer() == "22 1"
