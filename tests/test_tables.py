"""The shipped table of follower counts: balanced, possible, and what the public data give."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from realdata import real


@pytest.fixture(scope="module")
def make(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make", repository / "scenarios" / "tables" / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table(repository: Path) -> "tuple[np.ndarray, np.ndarray]":
    rows = np.loadtxt(repository / "scenarios" / "tables" / "followers.csv", delimiter=",", skiprows=1)
    return rows[:, 0], rows[:, 1]


def test_the_table_is_a_quantile_function_that_balances(table: "tuple[np.ndarray, np.ndarray]") -> None:
    u, followers = table
    assert (u[0], u[-1]) == (0.0, 1.0)
    assert np.all(np.diff(u) > 0) and np.all(np.diff(followers) >= 0)
    assert np.trapezoid(followers, u) == pytest.approx(200, rel=1e-3)  # so many as they follow
    assert followers[0] == 0 and followers[-1] == 96_321_564 < 200e6
    assert np.interp(1 - 0.5 / 200e6, u, followers) == 96_321_564  # the first of 200 M users


def test_shares_of_edges_are_those_of_the_readme(repository: Path, make: ModuleType) -> None:
    u, followers = np.loadtxt(repository / "scenarios/tables/followers.csv", delimiter=",", skiprows=1).T
    readme = (repository / "scenarios" / "tables" / "README.md").read_text()
    for threshold in (1e3, 1e4, 1e5, 1e6, 1e7):
        users, edges = make.above(1 - u, followers, threshold)
        percent = np.format_float_positional(100 * users, precision=2, fractional=False)
        row = f"| {threshold:,.0f} | {percent} % | {100 * edges:.1f} % | {200 * edges:.1f} |"
        assert row in readme
        fine = np.concatenate([np.linspace(0, 0.999, 10**6), 1 - np.geomspace(1e-3, 1e-9, 10**6)[1:], [1]])
        x = np.interp(fine, u, followers)
        assert np.trapezoid(x * (x >= threshold), fine) == pytest.approx(200 * edges, rel=1e-3)


def test_the_network_is_the_one_that_is_made_up(repository: Path, make: ModuleType, tmp_path: Path) -> None:
    make.__file__ = str(tmp_path / "make.py")
    make.make_network()
    for name in ("network.csv", "network-rates.csv"):
        assert (tmp_path / name).read_text() == (repository / "scenarios" / "tables" / name).read_text()
    follower, followed = zip(*make.network(), strict=True)
    assert len(set(follower)) == 400 and len(follower) == 4800
    assert np.mean([reads == "0" for _, _, reads in make.rates()]) == pytest.approx(0.25, abs=0.05)
    assert len(set(followed)) > 300


def test_hill_and_the_body_keep_what_they_promise(make: ModuleType) -> None:
    u = (np.arange(20_000) + 0.5) / 20_000
    assert make.hill(u**-0.8) == pytest.approx(1 / 0.8, rel=0.01)  # a Pareto law with exponent 1.25
    counts = np.array([3.0, 1, 1, 0])
    assert make.body(counts, np.array([1.0, 0.75, 0.5, 0.25, 0.0])).tolist() == [0, 0.5, 1.0, 1.5, 3.5]


def test_the_table_is_made_from_the_public_data(repository: Path, make: ModuleType, tmp_path: Path) -> None:
    data = real("followers_github_spain_2017.csv.gz").parent
    script = tmp_path / "make.py"
    shutil.copy(repository / "scenarios" / "tables" / "make.py", script)
    make.__file__ = str(script)
    make.main(data)
    shipped, made = (
        np.loadtxt(folder / "followers.csv", delimiter=",", skiprows=1)
        for folder in (repository / "scenarios" / "tables", tmp_path)
    )
    np.testing.assert_allclose(made, shipped, rtol=1e-3)  # four digits; the last may differ by processor
