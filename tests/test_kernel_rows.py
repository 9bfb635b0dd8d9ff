"""Rows in compiled code are the records of NumPy, field by field."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from simsys.draws import compiled
from simsys.draws.parts import part
from simsys.draws.rows import CACHE_LINE, LARGE, SPARE, copies, longer, prefetch, row_after, row_at, table_of
from simsys.engines.kernel import state

INNER = np.dtype([("count", np.int32), ("name", np.int32), ("weight", np.float64), ("key", np.uint64), ("v", np.int64)])
OUTER = np.dtype([("n", np.int64), ("at_inner", np.int64)])
owner, owner_at = row_at("test_owner", OUTER)
inner = table_of(owner, "at_inner", "test_inner", INNER)
signature = numba.float64(numba.int64)


def tables() -> tuple[Any, Any]:
    rows, globals_ = np.zeros(3, INNER), np.zeros(1, OUTER)
    globals_["at_inner"] = rows.ctypes.data
    return rows, globals_


@part
def turn(g: Any, place: int) -> float:
    one = inner(g, place)
    one.count, one.name = one.count - 1, 1 << 40
    one.weight += one.count
    one.key = one.key | np.uint64(1 << 63)
    one.v = 2.9
    g.n += 1
    return one.weight


@compiled(signature)
def twice(address: int) -> float:
    g = owner_at(address)
    prefetch(inner(g, 1), 8)
    return turn(g, 1) + 10.0 * turn(g, 1)


def test_fields_are_read_and_written_as_numpy_lays_them_out() -> None:
    rows, globals_ = tables()
    rows[1] = (-5, 7, 0.5, 3, 9)
    before = rows.copy()
    assert twice(globals_.ctypes.data) == (0.5 - 6) + 10 * (0.5 - 6 - 7)
    assert rows[1].tolist() == (-7, 0, -12.5, (1 << 63) + 3, 2) and globals_["n"][0] == 2
    assert (rows[[0, 2]] == before[[0, 2]]).all()


def test_short_integers_are_read_as_long_ones() -> None:
    row, _ = row_at("test_inner", INNER)
    assert [str(row.seen(name)) for name in ("count", "weight", "key")] == ["int64", "float64", "uint64"]

    @compiled(signature)
    def beyond(address: int) -> float:
        one = inner(owner_at(address), 2)
        return one.count * 1024

    rows, globals_ = tables()
    rows["count"] = np.iinfo(np.int32).max
    assert beyond(globals_.ctypes.data) == 1024 * (2**31 - 1)


def test_a_misspelt_field() -> None:
    @compiled(signature)
    def wrong(address: int) -> float:
        return owner_at(address).number

    with pytest.raises(TypingError, match="number"):
        wrong(tables()[1].ctypes.data)


@pytest.mark.parametrize(("size", "words"), [*((size, 1) for size in (8, 16, 24, 32, 56, 88)), (32, 4), (64, 4)])
def test_so_many_bytes_of_a_row_are_copied(size: int, words: int) -> None:
    wide = np.dtype([(name, np.int64) for name in "abcdefghijkl"])
    copy, (_, row_of) = copies(size, words), row_at("test_wide", wide)

    @compiled("void(int64, int64)")
    def second_to_third(address: int, moved: int) -> None:
        first = row_of(address)
        third = row_after(first, 2)
        third.a = 77
        copy(third, row_after(first, 1))
        third.b += moved

    rows = np.arange(36).reshape(3, 12)
    before = rows.copy()
    second_to_third(rows.ctypes.data, 1000)
    words = size // 8
    before[2, :words] = before[1, :words]
    before[2, 1] += 1000
    assert (rows == before).all()


RECORDS = {name: kind for name, kind in vars(state).items() if isinstance(kind, np.dtype)}


@pytest.mark.parametrize("name", RECORDS)
def test_rows_lie_at_multiples_of_eight_bytes(name: str) -> None:
    record = RECORDS[name]
    assert record.itemsize % 8 == 0 and record.fields is not None
    assert all(offset % kind.itemsize == 0 for kind, offset, *_ in record.fields.values())


@pytest.mark.parametrize(("bytes_", "stays"), [(LARGE, True), (LARGE // 2, False)])
def test_a_longer_table_keeps_its_rows_and_a_large_one_stays_where_it_is(bytes_: int, stays: bool) -> None:
    count = bytes_ // (2 * INNER.itemsize)
    rows = np.zeros((count - 1, 2), INNER)
    rows["v"][-1] = [5, 6]
    first = longer(rows, 65)
    second = longer(first, 128)
    third = longer(second, SPARE // (2 * INNER.itemsize))
    assert (first.ctypes.data == second.ctypes.data) == stays and second.ctypes.data != third.ctypes.data
    for table, more in (first, 64), (second, 192), (third, 192 + SPARE // (2 * INNER.itemsize)):
        assert (table.dtype, table.shape, table.ctypes.data % CACHE_LINE) == (INNER, (count + more, 2), 0)
        assert table["v"][count - 2].tolist() == [5, 6]
        assert not table[: count - 2].view(np.uint8).any() and not table[count - 1 :].view(np.uint8).any()
