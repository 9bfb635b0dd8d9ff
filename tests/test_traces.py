"""Trace files: what is read, in which unit, and how a bad line is reported."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from realdata import real

from simsys.workload.traces import Trace, TraceError, read_trace, scan_trace


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    data = text.encode()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    if name.endswith(".xz"):
        data = lzma.compress(data)
    (folder / name).write_bytes(data)
    return folder


FILE = "t_ms,kind,block,bytes,spare\n5,R,7,512,a\n6,W,8,1024,\n6,R,7,512,c\n1006,R,9,100,d\n"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.xz"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_trace_is_read_the_same_in_chunks_of_any_size(tmp_path: Path, name: str, size: int) -> None:
    trace = Trace(file=name, time="t_ms", op="kind", ops={"R": "read", "W": "post"}, key="block", size="bytes")
    chunks = list(read_trace(trace, write(tmp_path, FILE, name), size))
    assert [len(chunk.arrival) for chunk in chunks] == {1: [1] * 4, 2: [2, 2], 3: [3, 1], 100: [4]}[size]
    assert np.concatenate([chunk.arrival for chunk in chunks]).tolist() == [0.0, 0.001, 0.001, 1.001]
    assert [op for chunk in chunks for op in chunk.op] == ["read", "post", "read", "read"]
    assert np.concatenate([chunk.columns["key"] for chunk in chunks]).tolist() == [7, 8, 7, 9]
    assert np.concatenate([chunk.columns["size"] for chunk in chunks]).tolist() == [512, 1024, 512, 100]


@pytest.mark.parametrize(("unit", "second"), [("s", 3.0), ("ms", 3e-3), ("us", 3e-6), ("ns", 3e-9)])
def test_the_unit_is_the_suffix_of_the_column(tmp_path: Path, unit: str, second: float) -> None:
    folder = write(tmp_path, f"at_{unit}\n4\n7\n")
    (chunk,) = read_trace(Trace(file="t.csv", time=f"at_{unit}"), folder)
    assert chunk.arrival.tolist() == [0.0, second]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_dt_column_holds_gaps(tmp_path: Path, size: int) -> None:
    folder = write(tmp_path, "dt_s\n2\n0\n3\n4\n")
    chunks = read_trace(Trace(file="t.csv", time="dt_s"), folder, size)
    assert [time for chunk in chunks for time in chunk.arrival] == [0, 0, 3, 7]


def test_a_scan_counts(tmp_path: Path) -> None:
    trace = Trace(file="t.csv", time="t_ms", op="kind", ops={"R": "read", "W": "post", "D": "drop"})
    facts = scan_trace(trace, write(tmp_path, FILE))
    assert (facts.requests, facts.last) == (4, 1.001)
    assert list(facts.ops.items()) == [("read", 3), ("post", 1), ("drop", 0)]
    write(tmp_path, FILE + "2006,W,1,1,e\n")
    assert scan_trace(trace, tmp_path).requests == 5


BAD = [
    ("t_us,n\n1,2\n,3\n", 3, "t_us", "the cell is empty"),
    ("t_us,n\n1,2\n2,\n", 3, "n", "the cell is empty"),
    ("t_us,n\n1,nan\n", 2, "n", "found 'nan'"),
    ("t_us,n\n1,inf\n", 2, "n", "found 'inf'"),
    ("t_us,n\n1,x\n", 2, "n", "found 'x'"),
    ("t_us,n\n1,0\n3,0\n2,0\n", 4, "t_us", "must not fall"),
    ("t_us,n\n1,0\n2\n", 3, None, "1 cells, but the header has 2"),
    ("t_us,n\n1,0\n\n2,0\n", 3, None, "0 cells, but the header has 2"),
    ("t_us,n\n1,0\n2,0,0\n", 3, None, "3 cells, but the header has 2"),
    ("t_us,m\n1,0\n", 1, "n", "must stand in the header once; the header is: t_us, m"),
    ("t_us,n,n\n1,0,0\n", 1, "n", "must stand in the header once"),
    ("t_us,n\n", None, None, "at least one line"),
    ("", None, None, "at least one line"),
]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(("text", "line", "column", "message"), BAD)
def test_a_bad_line_is_named(
    tmp_path: Path, text: str, line: int | None, column: str | None, message: str, size: int
) -> None:
    trace = Trace(file="t.csv", time="t_us", columns=("n",))
    write(tmp_path, text)
    with pytest.raises(TraceError) as caught:
        if line is None:
            scan_trace(trace, tmp_path)
        list(read_trace(trace, tmp_path, size))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in str(caught.value)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        ("R,1.5,1", "block", "whole number"),
        ("R,-1,1", "block", "must not be negative"),
        ("R,9007199254740993,1", "block", "whole number below"),
        ("R,1,-1", "bytes", "must not be negative"),
        ("X,1,1", "kind", "one of R, W is needed, found 'X'"),
    ],
)
def test_a_bad_key_size_or_operation_is_named(tmp_path: Path, cells: str, column: str, message: str) -> None:
    trace = Trace(file="t.csv", time="t_s", op="kind", ops={"R": "r", "W": "w"}, key="block", size="bytes")
    write(tmp_path, f"t_s,kind,block,bytes\n0,R,1,1\n1,{cells}\n")
    with pytest.raises(TraceError, match=message) as caught:
        scan_trace(trace, tmp_path)
    assert (caught.value.line, caught.value.column) == (3, column)


def test_a_negative_gap_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"t\.csv:3: column dt_s: .*negative, found '-1'"):
        scan_trace(Trace(file="t.csv", time="dt_s"), write(tmp_path, "dt_s\n1\n-1\n"))


def test_operations_without_a_map_must_be_names(tmp_path: Path) -> None:
    folder = write(tmp_path, "t_s,op\n0,write\n1,get\n")
    assert list(scan_trace(Trace(file="t.csv", time="t_s", op="op"), folder).ops) == ["get", "write"]
    write(tmp_path, "t_s,op\n0,GET\n")
    with pytest.raises(TraceError, match="lower-case letters"):
        scan_trace(Trace(file="t.csv", time="t_s", op="op"), folder)


def test_a_missing_or_broken_file_is_an_error(tmp_path: Path) -> None:
    trace = Trace(file="t.csv.gz", time="t_s")
    with pytest.raises(TraceError, match=r"(?i)no such file"):
        scan_trace(trace, tmp_path)
    with pytest.raises(TraceError, match="no such file"):
        next(read_trace(trace, tmp_path))
    for data in (
        b"t_s\n1\n",
        gzip.compress(b"t_s\n" + b"1\n" * 9999)[:30],
        gzip.compress(b"t_s\n\xff\xfe\n"),
    ):
        (tmp_path / "t.csv.gz").write_bytes(data)
        with pytest.raises(TraceError, match="cannot be read"):
            scan_trace(trace, tmp_path)
    (tmp_path / "t.csv.xz").write_bytes(b"t_s\n1\n")
    with pytest.raises(TraceError, match="cannot be read"):
        scan_trace(Trace(file="t.csv.xz", time="t_s"), tmp_path)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_file_without_times_has_a_line_every_so_often(tmp_path: Path, size: int) -> None:
    trace = Trace.model_validate({"file": "t.csv", "every": "10ms", "key": "k"})
    folder = write(tmp_path, "k\n5\n6\n5\n")
    assert [time for chunk in read_trace(trace, folder, size) for time in chunk.arrival] == [0.0, 0.01, 0.02]
    assert scan_trace(trace, folder).last == 0.02
    for both in ({"file": "t.csv"}, {"file": "t.csv", "every": "1s", "time": "t_s"}):
        with pytest.raises(ValidationError, match="a trace needs its times"):
            Trace.model_validate(both)


@pytest.mark.parametrize("time", ["time", "t_min", "s", ""])
def test_a_time_column_without_unit_is_an_error(time: str) -> None:
    with pytest.raises(ValidationError, match="ends in its unit"):
        Trace(file="t.csv", time=time)


@pytest.mark.parametrize(
    ("name", "requests", "last", "cv"),
    [
        ("arrivals_azure_llm_2023_conv.csv.gz", 19_366, 3501.721937, 1.09),
        ("arrivals_azure_llm_2023_code.csv.gz", 8_819, 3435.948056, 13.15),
        ("block_mqsim_tpcc.csv.gz", 6_999, 0.136489, 1.07),
    ],
)
def test_real_arrivals(name: str, requests: int, last: float, cv: float) -> None:
    trace = Trace(file=name, time="t_us")
    folder = real(name).parent
    assert scan_trace(trace, folder).requests == requests
    assert scan_trace(trace, folder).last == pytest.approx(last, abs=1e-9)
    gaps = np.diff(np.concatenate([chunk.arrival for chunk in read_trace(trace, folder, 1000)]))
    assert gaps.std() / gaps.mean() == pytest.approx(cv, abs=0.005)


def test_a_real_block_trace() -> None:
    name = "block_cloudphysics_2h.csv.gz"
    trace = Trace(file=name, time="t_us", op="op", ops={"R": "read", "W": "write"}, key="lba_512", size="size_b")
    facts = scan_trace(trace, real(name).parent)
    assert facts.requests == 113_872
    assert facts.ops["write"] / facts.requests == pytest.approx(0.59, abs=0.005)
