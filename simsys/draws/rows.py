"""Rows of tables in compiled code: records found by address, as in C.

A row is no more than its address; its fields are those of a NumPy dtype. Numba's own records would do the same, but
spell out all their fields in the name of every function they are given to, which triples the time of compilation.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core.imputils import lower_setattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_getattr_generic, models, register_model

WORD = ir.IntType(64)
NOBODY = -1
"""The number of no row."""
WHOLE = np.dtype([("v", np.int64)])
CACHE_LINE = 64
LARGE, SPARE = 1 << 21, 1 << 26
"""A table that becomes longer and has so many bytes, which the system may give at once, has so many to spare."""


def record(*names: str) -> np.dtype[Any]:
    """Integers, floats and short integers in turn; padded, so that every row begins at a multiple of eight bytes."""
    kinds = (np.int64, np.float64, np.int32)
    fields = [(name, kinds[i % 3]) for i, group in enumerate(names) for name in group.split()]
    odd = sum(kind is np.int32 for _, kind in fields) % 2
    return np.dtype(fields + [("padding", np.int32)] * odd)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], spare: int = 0) -> npt.NDArray[Any]:
    """A table that begins with a cache line, and takes up no memory until it is written to, nor do the spare bytes."""
    size = prod(shape) * dtype.itemsize
    room = np.zeros(size + spare + CACHE_LINE, np.uint8)
    first = -room.ctypes.data % CACHE_LINE
    return room[first : first + size].view(dtype).reshape(shape)


def longer(table: npt.NDArray[Any], more: int) -> npt.NDArray[Any]:
    """A whole table with so many more rows: where it was, if the bytes to spare are enough, or a copy."""
    shape = (len(table) + more, *table.shape[1:])
    size, room = prod(shape) * table.itemsize, table.base
    if isinstance(room, np.ndarray) and room.dtype == np.uint8:
        first = table.ctypes.data - room.ctypes.data
        if first + size <= room.nbytes:
            return room[first : first + size].view(table.dtype).reshape(shape)
    new = zeros(shape, table.dtype, SPARE if size >= LARGE else 0)
    new.reshape(-1).view(np.uint8)[: table.nbytes] = table.reshape(-1).view(np.uint8)  # records would go by fields
    return new


class RowType(types.Type):
    """The type of a row with the fields of a dtype."""

    def __init__(self, name: str, dtype: np.dtype[Any]) -> None:
        super().__init__(name=f"row_{name}")
        self.dtype = dtype

    def field(self, name: str) -> tuple[Any, int]:
        """The type and the offset of a field."""
        assert self.dtype.fields is not None
        dtype, offset = self.dtype.fields[name][:2]
        return numba.from_dtype(dtype), offset

    def seen(self, name: str) -> Any:
        """The type of a field for those who read it: short integers are stored so, and read as others."""
        kind, _ = self.field(name)
        return types.int64 if kind == types.int32 else kind


@register_model(RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager: Any, row: RowType) -> None:
        super().__init__(manager, row, WORD)


@infer_getattr
class _Fields(AttributeTemplate):
    key = RowType

    def generic_resolve(self, row: RowType, name: str) -> Any:  # type: ignore[override]
        return row.seen(name) if name in (row.dtype.names or ()) else None


def _place(context: Any, builder: Any, row: RowType, address: Any, name: str) -> Any:
    kind, offset = row.field(name)
    return builder.inttoptr(builder.add(address, WORD(offset)), context.get_value_type(kind).as_pointer())


def tagged(builder: Any, row: RowType, name: str, access: Any) -> Any:
    """Tell LLVM that a field of a table is never another field, or a field of another table (type-based aliases).

    Without a name it is a part of the row, and may be any field of it.
    """
    module = builder.module
    kind = module.add_metadata([row.name, module.add_metadata(["simsys"]), WORD(0)])
    if name:
        kind = module.add_metadata([f"{row.name}.{name}", kind, WORD(0)])
    access.set_metadata("tbaa", module.add_metadata([kind, kind, WORD(0)]))
    return access


@lower_getattr_generic(RowType)
def _get(context: Any, builder: Any, row: RowType, address: Any, name: str) -> Any:
    value = tagged(builder, row, name, builder.load(_place(context, builder, row, address, name)))
    return context.cast(builder, value, row.field(name)[0], row.seen(name))


@lower_setattr_generic(RowType)
def _set(context: Any, builder: Any, signature: Any, arguments: Any, name: str) -> None:
    row, kind = signature.args
    address, value = arguments
    value = context.cast(builder, value, kind, row.field(name)[0])
    tagged(builder, row, name, builder.store(value, _place(context, builder, row, address, name)))


@intrinsic
def _prefetch(typing: Any, row: Any, offset: Any) -> Any:
    """Bring the line of memory `offset` bytes into a row near, before it is needed."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        short, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, short, short, short])
        call = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        place = builder.inttoptr(builder.add(*arguments), pointer)
        builder.call(call, [place, short(0), short(3), short(1)])
        return context.get_dummy_value()

    return types.void(row, types.int64), code


prefetch: Any = _prefetch


def copies(end: int, words: int = 1, begin: int = 0) -> Any:
    """An intrinsic: the bytes of a row from `begin` to `end` become those of another, so many words at once.

    Wider moves have to wait until what was just written word by word is in memory; so that LLVM makes none of it, a
    single word is read at once ("unordered").
    """
    kind = WORD if words == 1 else ir.VectorType(WORD, words)

    def read(builder: Any, at: Any) -> Any:
        return builder.load_atomic(at, "unordered", 8) if words == 1 else builder.load(at, align=8)

    @intrinsic
    def copy(typing: Any, to: Any, source: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            for offset in range(begin, end, 8 * words):
                onto, at = (builder.inttoptr(builder.add(row, WORD(offset)), kind.as_pointer()) for row in arguments)
                moved = tagged(builder, source, "", read(builder, at))
                tagged(builder, to, "", builder.store(moved, onto, align=8))
            return context.get_dummy_value()

        return types.void(to, source), code

    return copy


def row_at(name: str, dtype: np.dtype[Any]) -> tuple[RowType, Any]:
    """The type of a row, and the intrinsic that gives the row at an address."""
    row = RowType(name, dtype)

    @intrinsic
    def at(typing: Any, address: Any) -> Any:
        return row(types.int64), lambda context, builder, signature, arguments: arguments[0]

    return row, at


def table_of(owner: RowType, field: str, name: str, dtype: np.dtype[Any]) -> Any:
    """An intrinsic: row number `index` of the table whose address, the same for a whole call, is a field of `owner`."""
    row = RowType(name, dtype)
    _, offset = owner.field(field)

    @intrinsic
    def one(typing: Any, g: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, number = arguments
            table = builder.load(builder.inttoptr(builder.add(base, WORD(offset)), WORD.as_pointer()))
            table.set_metadata("invariant.load", builder.module.add_metadata([]))
            return builder.add(table, builder.mul(number, WORD(dtype.itemsize)))

        return row(owner, types.int64), code

    return one


@intrinsic
def _row_after(typing: Any, row: Any, count: Any) -> Any:
    """The row that comes so many rows after another."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.add(arguments[0], builder.mul(arguments[1], WORD(row.dtype.itemsize)))

    return row(row, types.int64), code


row_after: Any = _row_after
