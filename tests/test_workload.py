"""The workload: requests by chunk, by index and on average; and the grammar of a load."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats  # type: ignore[import-untyped]

from simsys.distributions import variate
from simsys.workload import Chunk, Load, Population, TraceError, Workload
from simsys.workload import requests as requests_
from simsys.workload.popularity import Keys, zipf_keys

MIX: dict[str, Any] = {"mix": {"read": "70%", "post": "20%", "like": "10%"}}
READS: dict[str, Any] = {"mix": {"read": "100%"}}
PEOPLE = Population.model_validate(
    {"users": "10M", "online": "10%", "following": {"lognormal": {"mean": 50, "p99": 400}}}
)
KEYS = {"count": "100k", "popularity": {"zipf": 0.99}}


def workload(load: dict[str, Any], people: Population | None = None, **more: Any) -> Workload:
    return Workload(Load.model_validate(load), people, **more)


def trace_folder(folder: Path) -> Path:
    lines = [f"{7 * i * i},{'RWR'[i % 3]},{i * i % 11},{100 + i}" for i in range(1000)]
    (folder / "t.csv").write_text("\n".join(["t_us,kind,block,bytes", *lines]) + "\n")
    return folder


TRACE = {"file": "t.csv", "time": "t_us", "op": "kind", "ops": {"R": "read", "W": "post"}, "key": "block"}
LOADS: dict[str, dict[str, Any]] = {
    "poisson": {"rate": "1k/s", **MIX, "keys": KEYS},
    "regular": {"rate": "1k/s", "arrivals": "regular", **MIX},
    "bursty": {"rate": "1k/s", "arrivals": {"bursty": {"cv": 3, "burst": "20ms"}}, **MIX, "keys": KEYS},
    "stages": {
        "stages": [
            {"for": "300ms", "rate": "1k/s"}, {"for": "1s", "rate": "0/s"}, {"for": "1s", "rate": "3k/s"},
        ],
        **MIX,
    },
    "at_once": {"at_once": 2500, **MIX, "size": {"exponential": {"mean": "1kB"}}},
    "trace": {"trace": TRACE},
    "trace with a mix": {"trace": {"file": "t.csv", "time": "t_us", "size": "bytes"}, **MIX, "keys": KEYS},
}  # fmt: skip


def joined(chunks: Iterator[Chunk]) -> Chunk:
    parts = list(chunks)
    assert [part.first for part in parts] == np.cumsum([0, *(part.op.size for part in parts)])[:-1].tolist()
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    arrival = np.concatenate([part.arrival for part in parts])
    return Chunk(0, arrival, np.concatenate([part.op for part in parts]), columns)


def same(a: Chunk, b: Chunk) -> None:
    assert a.arrival.tolist() == b.arrival.tolist()
    assert a.op.tolist() == b.op.tolist()
    assert list(a.columns) == list(b.columns)
    for name in a.columns:
        assert a.columns[name].tolist() == b.columns[name].tolist()


def close(values: Any, expected: float, band: float) -> None:
    """Within three standard errors, which are within the band."""
    error = 3 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert error <= band, f"3 se {error:g} is more than the band of {band:g}: too few"
    assert abs(np.mean(values) - expected) <= error


# One workload, whatever the chunks


@pytest.mark.parametrize("name", LOADS)
@settings(max_examples=5)
@given(st.integers(1, 3000))
def test_columns_do_not_depend_on_the_chunk_size(
    name: str, tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    folder = trace_folder(tmp_path_factory.mktemp("trace"))
    requests = workload(LOADS[name], PEOPLE, requests=2000, duration=2.0, folder=folder)
    whole = joined(requests.chunks())
    same(joined(requests.chunks(size)), whole)
    assert all(chunk.op.size <= size for chunk in requests.chunks(size))
    assert np.all(np.diff(whole.arrival) >= 0)
    assert set(whole.columns) == set(requests.columns)


@pytest.mark.parametrize("name", LOADS)
def test_rows_by_index_are_the_rows_of_the_chunks(name: str, tmp_path: Path) -> None:
    folder = trace_folder(tmp_path)
    requests = workload(LOADS[name], PEOPLE, seed=3, replication=2, requests=900, folder=folder, duration=9.0)
    whole = joined(requests.chunks(100))
    some = np.array([5, 899, 17, 5])
    rows = requests.rows(some)
    assert rows.op.tolist() == whole.op[some].tolist()
    for column, values in rows.columns.items():
        assert values.tolist() == whole.columns[column][some].tolist()
    posts = requests.rows(some, requests.ops.index("post"))
    assert set(posts.op) == {requests.ops.index("post")}


@pytest.mark.parametrize("name", LOADS)
def test_only_what_is_needed_is_drawn_and_it_has_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = workload(LOADS[name], PEOPLE, requests=900, duration=9.0, folder=trace_folder(tmp_path))
    whole, some = joined(requests.chunks(100)), np.array([5, 899, 17, 5])
    asked: list[str] = []
    stream_of = requests._stream
    monkeypatch.setattr(requests, "_stream", lambda name: asked.append(name) or stream_of(name))
    for count in range(3):
        for needed in map(frozenset, combinations(("index", *requests.columns), count)):
            names = [column for column in requests.columns if column in needed]
            part = joined(requests.chunks(100, needed))
            same(part, whole._replace(columns={column: whole.columns[column] for column in names}))
            rows = requests.rows(some, needed=needed).columns
            assert {column: values.tolist() for column, values in rows.items()} == {
                column: whole.columns[column][some].tolist() for column in names
            }
            users = {"user"} if needed & {"user", "followers", "following"} else set[str]()
            assert set(asked) <= {"op", *(needed - {"active"})} | users
            asked.clear()


@pytest.mark.parametrize("name", LOADS)
def test_a_workload_that_keeps_draws_the_first_chunks_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_, "KEPT", 3)
    bounds: dict[str, Any] = {"requests": 900, "duration": 9.0, "folder": trace_folder(tmp_path)}
    asked: list[str] = []

    def drawn(requests: Workload, *names: str) -> list[set[str]]:
        """What is drawn for each chunk."""
        stream_of = type(requests)._stream
        monkeypatch.setattr(requests, "_stream", lambda name: asked.append(name) or stream_of(requests, name))
        parts, told = [], []
        for part in requests.chunks(100, frozenset(names) if names else None):
            parts.append(part)
            told.append(set(asked))
            asked.clear()
        same(joined(iter(parts)), whole._replace(columns={n: whole.columns[n] for n in names or whole.columns}))
        return told

    whole = joined(workload(LOADS[name], PEOPLE, **bounds).chunks())
    alone, keeps = (workload(LOADS[name], PEOPLE, keeps=keeps, **bounds) for keeps in (False, True))
    all_ = drawn(alone)
    assert drawn(keeps, "size", "page") == drawn(alone, "size", "page")
    assert drawn(keeps) == [each - {"op", "size", "page"} for each in all_[:3]] + all_[3:]
    assert drawn(keeps) == [set[str]()] * 3 + all_[3:]


def test_the_only_operation_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for mix in ({"b": "100%"}, {"a": "0%", "b": "100%", "c": "0%"}):
        requests = workload({"rate": "1k/s", "mix": mix}, requests=10, events=("d",))
        monkeypatch.setattr(requests, "_stream", {}.__getitem__)
        assert set(joined(requests.chunks(4, frozenset())).op.tolist()) == {requests.ops.index("b")}


def test_seed_and_replication_change_everything_and_the_load_changes_no_columns() -> None:
    first = joined(workload(LOADS["poisson"], seed=1, requests=500).chunks())
    for seed, replication in ((2, 0), (1, 1)):
        other = joined(workload(LOADS["poisson"], seed=seed, replication=replication, requests=500).chunks())
        assert not np.any(first.arrival == other.arrival)
        assert np.mean(first.op == other.op) < 0.8
        assert np.mean(first.columns["key"] == other.columns["key"]) < 0.2
    slower = joined(workload(LOADS["poisson"] | {"rate": "10/s"}, requests=500).chunks())
    assert slower.op.tolist() == first.op.tolist()
    assert slower.columns["key"].tolist() == first.columns["key"].tolist()
    assert slower.arrival == pytest.approx(100 * first.arrival)


def test_memory_does_not_grow_with_the_duration() -> None:
    def peak(duration: float) -> int:
        requests = workload(LOADS["bursty"], PEOPLE, duration=duration)
        tracemalloc.start()
        for _ in requests.chunks(4096):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(400) < 1.2 * peak(20)


# The end


@pytest.mark.parametrize(
    ("load", "limits", "count", "stop"),
    [
        ({"rate": "100/s", "arrivals": "regular"}, {"duration": 2.0}, 200, 2.0),
        ({"rate": "100/s", "arrivals": "regular"}, {"requests": 50}, 50, 0.49),
        ({"rate": "100/s", "arrivals": "regular"}, {"requests": 50, "duration": 2.0}, 50, 0.49),
        ({"rate": "100/s", "arrivals": "regular"}, {"requests": 500, "duration": 2.0}, 200, 2.0),
        ({"stages": [{"for": "2s", "rate": "5/s"}], "arrivals": "regular"}, {}, 10, 2.0),
        ({"stages": [{"for": "2s", "rate": "5/s"}], "arrivals": "regular"}, {"duration": 1.0}, 5, 1.0),
        ({"stages": [{"for": "2s", "rate": "5/s"}], "arrivals": "regular"}, {"duration": 9.0}, 10, 2.0),
        ({"stages": [{"for": "2s", "rate": "5/s"}], "arrivals": "regular"}, {"requests": 3}, 3, 0.4),
        ({"at_once": 70}, {}, 70, 0.0),
        ({"at_once": 70}, {"requests": 30}, 30, 0.0),
        ({"at_once": 70}, {"duration": 30.0}, 70, 30.0),
        ({"trace": {"file": "t.csv", "time": "t_us"}}, {}, 1000, 6.986007),
        ({"trace": {"file": "t.csv", "time": "t_us"}}, {"duration": 7e-4}, 10, 7e-4),
        ({"trace": {"file": "t.csv", "time": "t_us"}}, {"requests": 3}, 3, 28e-6),
        ({"trace": {"file": "t.csv", "time": "t_us"}}, {"duration": 60.0}, 1000, 6.986007),
    ],
)
def test_arrivals_stop(load: dict[str, Any], limits: dict[str, Any], count: int, stop: float, tmp_path: Path) -> None:
    requests = workload(load | READS, folder=trace_folder(tmp_path), **limits)
    assert sum(chunk.op.size for chunk in requests.chunks(7)) == count
    assert requests.expected_requests == pytest.approx(count)
    assert requests.stop == pytest.approx(stop)


def test_a_load_without_an_end_is_an_error() -> None:
    for load in ({"rate": "1/s"}, {"clients": 3}):
        with pytest.raises(ValueError, match="never ends"):
            workload(load | READS)
    for limits in ({"duration": 0.0}, {"requests": 0}, {"duration": -1.0}, {"duration": math.nan}):
        with pytest.raises(ValueError, match="above zero"):
            workload({"rate": "1/s", **READS}, **limits)


# When


def gaps(load: dict[str, Any], replication: int, **more: Any) -> Any:
    chunks = workload(load | READS, replication=replication, **more).chunks()
    return np.diff(np.concatenate([chunk.arrival for chunk in chunks]))


def test_regular_arrivals_do_not_drift() -> None:
    requests = workload({"rate": "7/s", "arrivals": "regular", **READS}, requests=100_000)
    arrival = joined(requests.chunks(999)).arrival
    assert arrival.tolist() == (np.arange(100_000) / 7).tolist()


def test_poisson_gaps_are_exponential() -> None:
    found = gaps({"rate": "250/s"}, 0, requests=200_000)
    close(found, 1 / 250, 0.01 / 250)
    assert stats.kstest(found * 250, "expon").pvalue > 0.001
    counts = np.histogram(np.cumsum(found), bins=np.arange(0, 700, 0.1))[0]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.06)


def test_stages_follow_one_another() -> None:
    load = {"stages": [{"for": "2s", "rate": "1k/s"}, {"for": "1s", "rate": "0/s"}, {"for": "2s", "rate": "3k/s"}]}
    requests = workload(load | READS)
    counts = [
        np.histogram(joined(workload(load | READS, replication=r).chunks()).arrival, [0, 2, 3, 5])[0] for r in range(30)
    ]
    for stage, expected in enumerate((2000, 0, 6000)):
        close(np.array(counts)[:, stage], expected, 0.02 * expected)
    assert (requests.mean_rate, requests.stop, requests.expected_requests) == (1600, 5, 8000)
    regular = joined(workload(load | READS | {"arrivals": "regular"}).chunks()).arrival
    assert np.histogram(regular, [0, 2, 3, 5])[0].tolist() == [2000, 0, 6000]
    assert regular[[1999, 2000, 2001]].tolist() == pytest.approx([1.999, 3, 3 + 1 / 3000])


def test_a_trace_keeps_its_times_and_its_mix(tmp_path: Path) -> None:
    requests = workload(LOADS["trace"], folder=trace_folder(tmp_path))
    whole = joined(requests.chunks(64))
    assert whole.arrival.tolist() == (7 * np.arange(1000.0) ** 2 / 1e6).tolist()
    assert [requests.ops[op] for op in whole.op[:4]] == ["read", "post", "read", "read"]
    assert whole.columns["key"][:5].tolist() == [0, 1, 4, 9, 5]
    assert requests.shares == {"read": 0.667, "post": 0.333}
    assert requests.rate("post") == pytest.approx(333 / 6.986007)
    assert requests.rows(np.array([1001])).columns["key"].tolist() == [1]


def test_a_bad_trace_is_an_error_before_anything_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("t_us,kind,block,bytes\n0,R,1,1\n1,R,1,1\nnan,R,1,1\n")
    with pytest.raises(TraceError, match=r"t\.csv:4: column t_us"):
        workload(LOADS["trace"], folder=tmp_path)


# What


def test_operations_come_by_their_shares() -> None:
    requests = workload({"rate": "1/s", **MIX, "keys": KEYS}, requests=1)
    op = requests.rows(np.arange(300_000)).op
    assert requests.ops == ("read", "post", "like")
    assert stats.chisquare(np.bincount(op), np.array([0.7, 0.2, 0.1]) * op.size).pvalue > 0.001
    assert requests.mean_rate == 1
    assert requests.rate("post") == pytest.approx(0.2)


def test_a_ratio_of_reads_to_writes() -> None:
    requests = workload({"rate": "1001/s", "read_write_ratio": "1000:1"}, requests=1)
    assert requests.ops == ("read", "post")
    assert requests.rate("read") == pytest.approx(1000)
    assert requests.rate("post") == pytest.approx(1)


def test_an_operation_without_share_never_comes() -> None:
    requests = workload({"rate": "1/s", "mix": {"a": "0%", "b": "100%", "c": "0%"}}, requests=1, events=("d", "b"))
    assert requests.ops == ("a", "b", "c", "d")
    assert requests.rate("d") == 0
    assert set(requests.rows(np.arange(100_000)).op) == {1}
    assert set(requests.rows(np.arange(3), 3).op) == {3}


def test_pages_and_sizes() -> None:
    plain = workload({"rate": "1/s", **READS}, requests=1)
    assert plain.columns == ("size", "page")
    assert {name: column.tolist() for name, column in plain.rows(np.arange(2)).columns.items()} == {
        "size": [300, 300], "page": [50, 50],
    }  # fmt: skip
    load = {
        "rate": "1/s",
        **READS,
        "page": {"exponential": {"mean": 20}},
        "size": {"lognormal": {"mean": "1kB", "cv": 1}},
    }
    drawn = workload(load, requests=1)
    columns = drawn.rows(np.arange(200_000)).columns
    assert np.all(columns["page"] == np.rint(columns["page"]))
    close(columns["page"], 20, 0.3)
    close(columns["size"], 1000, 20)
    assert np.corrcoef(columns["page"], columns["size"])[0, 1] == pytest.approx(0, abs=0.01)
    weights, grid = drawn.grid("read")
    assert (weights * grid["page"]).sum() == pytest.approx(20, rel=1e-6)
    assert (weights * grid["size"]).sum() == pytest.approx(drawn.mean_size, rel=1e-6)
    assert drawn.grid("read") is drawn.grid("read"), "worked out once"


def test_the_grid_of_a_trace_has_its_means(tmp_path: Path) -> None:
    folder = trace_folder(tmp_path)
    requests = workload({"trace": TRACE | {"size": "bytes", "columns": ["bytes"]}}, folder=folder)
    assert requests.columns == ("key", "size", "page", "bytes")
    assert requests.mean_size == 100 + 499.5
    for op, first in (("read", 0), ("post", 1)):
        weights, grid = requests.grid(op)
        lines = [100 + i for i in range(1000) if (i % 3 == 1) == (first == 1)]
        assert (weights * grid["bytes"]).sum() == pytest.approx(np.mean(lines))
        assert (weights * grid["size"]).sum() == pytest.approx(np.mean(lines))


# Closed loops


def test_clients_think() -> None:
    load = {"clients": 10, "think": {"exponential": {"mean": "9s"}}, **READS}
    requests = workload(load, duration=60.0)
    assert (requests.clients, requests.stop, requests.mean_think) == (10, 60.0, 9.0)
    thoughts = [requests.think(client, k) for client in range(10) for k in range(2000)]
    assert len(set(thoughts)) == len(thoughts)
    close(thoughts, 9, 0.3)
    assert requests.think(3, 5) == workload(load, requests=7).think(3, 5)
    assert requests.think(3, 5) != workload(load, replication=1, requests=7).think(3, 5)
    with pytest.raises(ValueError, match="no chunks"):
        next(requests.chunks())
    assert workload({"clients": 10, **READS}, requests=5).think(0, 0) == 0


def test_a_compiled_engine_draws_the_same_thoughts() -> None:
    requests = workload({"clients": 10, "think": {"lognormal": {"mean": "9s", "cv": 2}}, **READS}, seed=5, requests=7)
    law = requests.think_law
    assert law is not None
    for client, k in ((0, 0), (3, 5), (9, 1)):
        thought = variate(law.kind, law.a, law.b, law.c, law.table, requests.think_stream, client, k)
        assert thought == requests.think(client, k) > 0
    assert requests.think(3, 5).hex() == "0x1.16ac3a9c610d8p+3"
    assert workload({"clients": 10, **READS}, requests=5).think_law is None


# Popularity


def test_the_bits_of_a_workload_never_change() -> None:
    """Also where a key is not sure at the first attempt (one in 60 of zipf 0.99), and in phases."""
    answers = {}
    for name in ("poisson", "bursty", "regular", "stages"):
        whole = joined(workload(LOADS[name], PEOPLE, seed=3, replication=1, requests=20_000).chunks(4999))
        columns = [whole.arrival, whole.op.astype(np.int64), *whole.columns.values()]
        answers[name] = sha256(b"".join(column.tobytes() for column in columns)).hexdigest()[:12]
    for zipf in (0.0, 0.5, 1.0, 2.5):
        answers[str(zipf)] = sha256(zipf_keys(1e6, zipf, 12345, np.arange(20_000), 2).tobytes()).hexdigest()[:12]
    assert answers == {
        "poisson": "f11720759e38",
        "bursty": "3fd00d090646",
        "regular": "51b3301b9596",
        "stages": "ad34dad315cd",
        "0.0": "35c7c29d1c93",
        "0.5": "e59212503e93",
        "1.0": "738c544357f2",
        "2.5": "0cf35b2f0f68",
    }


@pytest.mark.parametrize("zipf", [0.5, 0.8, 0.99, 1.0, 1.5])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_keys_follow_zipfs_law(zipf: float, count: int) -> None:
    keys = zipf_keys(float(count), zipf, 12345, np.arange(200_000), 0).astype(np.int64)
    weights = np.arange(1.0, count + 1) ** -zipf
    found = np.bincount(keys, minlength=count)
    assert found.size == count
    if count > 1:
        assert stats.chisquare(found, weights / weights.sum() * keys.size).pvalue > 0.001


@pytest.mark.parametrize("zipf", [0.5, 1.0, 1.2])
def test_the_head_of_ten_million_keys(zipf: float) -> None:
    count = 10**7
    keys = zipf_keys(float(count), zipf, 777, np.arange(400_000), 0)
    weights = np.arange(1.0, count + 1) ** -zipf
    for head in (100, 10_000, 1_000_000):
        expected = weights[:head].sum() / weights.sum()
        error = 3 * math.sqrt(expected * (1 - expected) / keys.size)
        assert (keys < head).mean() == pytest.approx(expected, abs=error)
        assert error < 0.01


def test_uniform_keys() -> None:
    requests = workload({"rate": "1/s", **READS, "keys": {"count": 50}}, requests=1)
    keys = requests.rows(np.arange(100_000)).columns["key"].astype(np.int64)
    assert stats.chisquare(np.bincount(keys, minlength=50)).pvalue > 0.001


def test_popularity() -> None:
    requests = workload({"rate": "1/s", **READS, "keys": KEYS}, PEOPLE, requests=1)
    assert requests.popularity("key") == (100_000, 0.99)
    assert requests.popularity("user") == (1_000_000, 0)
    assert requests.popularity("page") is None
    assert workload({"rate": "1/s", **READS}, requests=1).popularity("user") is None
    assert Keys(count=3).exponent == 0


# The grammar


GOOD: dict[str, Any] = {"rate": "5/s", **READS}
ERRORS: list[tuple[dict[str, Any], str]] = [
    (READS, "exactly one of rate, stages, trace, at_once, clients; found none"),
    (GOOD | {"at_once": 5}, "found rate and at_once"),
    ({"rate": "5/s"}, "exactly one of mix, read_write_ratio; found none"),
    (GOOD | {"read_write_ratio": "5:1"}, "found mix and read_write_ratio"),
    (GOOD | {"mix": {"read": "90%", "post": "9%"}}, "add up to 99 %"),
    (GOOD | {"mix": {"read": "90%", "post": "10.5%"}}, "add up to 100.5 %"),
    (GOOD | {"mix": {}}, "add up to 0 %"),
    (GOOD | {"mix": {"Read": "100%"}}, "pattern"),
    (GOOD | {"rate": "0/s"}, "above zero"),
    (GOOD | {"rate": "-5/s"}, "a rate like"),
    (GOOD | {"rate": 5}, "the unit is missing"),
    ({"at_once": 0, **READS}, "greater than or equal to 1"),
    ({"clients": 1.5, **READS}, "whole number"),
    ({"stages": [], **READS}, "at least 1 item"),
    ({"stages": [{"for": "5s", "rate": "0/s"}], **READS}, "at least one stage needs a rate above zero"),
    ({"stages": [{"for": "0s", "rate": "1/s"}], **READS}, "above zero"),
    ({"stages": [{"for": "5s", "rate": "-1/s"}], **READS}, "a rate like"),
    (GOOD | {"think": "5s"}, "does not go with rate"),
    ({"clients": 5, "arrivals": "regular", **READS}, "does not go with clients"),
    (GOOD | {"arrivals": "uniform"}, "poisson"),
    (GOOD | {"arrivals": {"bursty": {"cv": 0.5, "burst": "1s"}}}, "greater than or equal to 1"),
    (GOOD | {"arrivals": {"bursty": {"cv": 20, "burst": "1s"}}}, "cv must be from 1 .* to 9.06"),
    (GOOD | {"arrivals": {"bursty": {"cv": 2, "burst": "0s"}}}, "above zero"),
    (
        {"stages": [{"for": "5s", "rate": "1/s"}], "arrivals": {"bursty": {"cv": 2, "burst": "1s"}}, **READS},
        "bursty goes with rate",
    ),
    ({"rate": "5/s", "read_write_ratio": "1000"}, "such as 1000:1"),
    ({"rate": "5/s", "read_write_ratio": "0:0"}, "such as 1000:1"),
    ({"rate": "5/s", "read_write_ratio": "-1:2"}, "a count like"),
    ({"rate": "5/s", "read_write_ratio": "1:"}, "a count like"),
    (GOOD | {"keys": {"count": 0}}, "greater than or equal to 1"),
    (GOOD | {"keys": {"count": 5, "popularity": {"zipf": -1}}}, "greater than or equal to 0"),
    (GOOD | {"keys": {"count": 5, "popularity": "even"}}, "uniform"),
    ({"trace": {"file": "x", "time": "t_us", "op": "op"}, **READS}, "names the operations: leave out mix"),
    ({"trace": {"file": "x", "time": "t_us"}}, "exactly one of mix, read_write_ratio"),
    ({"trace": {"file": "x", "time": "t_us", "key": "k"}, "keys": {"count": 5}, **READS}, "not from both"),
    ({"trace": {"file": "x", "time": "at"}, **READS}, "ends in its unit"),
    (GOOD | {"burst": 3}, "Extra inputs"),
]


@pytest.mark.parametrize(("load", "message"), ERRORS)
def test_loads_that_are_errors(load: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Load.model_validate(load)


@pytest.mark.parametrize("name", LOADS)
def test_a_load_is_written_as_it_was_read(name: str) -> None:
    load = Load.model_validate(LOADS[name])
    written = load.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert Load.model_validate(written) == load
