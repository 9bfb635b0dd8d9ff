"""How parts are called: as functions of C are, by value. Numba's own give their result through a pointer, and a code
that says what was raised; a part raises nothing, and half of its code would be about that.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.callconv import CPUCallConv
from numba.core.ir import Assign
from numba.core.lowering import Lower
from numba.core.runtime.context import NRTContext
from numba.core.typed_passes import NativeLowering

_parts: set[str] = set()
"""The names of parts in the machine's code."""


_convention: Any = CPUCallConv
_context: Any = BaseContext
_counter: Any = NRTContext
_metadata: Any = ir.values.MDValue


class PartConvention(_convention):  # type: ignore[misc]
    """`result name(arguments)`."""

    def get_function_type(self, result: Any, arguments: Any) -> Any:
        taken = self._get_arg_packer(arguments).argument_types
        return ir.FunctionType(ir.VoidType() if result == types.none else self.get_return_type(result).pointee, taken)

    def decorate_function(self, function: Any, names: Any, kinds: Any, noalias: bool = False) -> None:
        pass

    def get_arguments(self, function: Any) -> Any:
        return function.args

    def return_value(self, builder: Any, value: Any) -> None:
        if isinstance(builder.function.ftype.return_type, ir.VoidType):
            builder.ret_void()
        else:
            builder.ret(value)


class Loop(_metadata):  # type: ignore[misc]
    """What LLVM is told of a loop that is to stay as it is."""

    def __init__(self, module: Any) -> None:
        told = (["llvm.loop.unroll.runtime.disable"], ["llvm.loop.vectorize.enable", ir.IntType(1)(0)])
        values = [module.add_metadata(words) for words in told]
        super().__init__(module, values, name=str(len(module.metadata)))

    def descr(self, text: list[str]) -> None:
        text.append(f"distinct !{{ {', '.join(each.get_reference() for each in (self, *self.operands))} }}\n")


class VectorLower(Lower):
    """Makes code of a part; a variable is a value where it can be, and a place where it must. Nothing is counted."""

    def __init__(self, context: Any, library: Any, described: Any, code: Any, metadata: Any = None) -> None:
        _parts.add(described.mangled_name)
        super().__init__(context, library, described, code, metadata)  # type: ignore[no-untyped-call]

    @property
    def call_conv(self) -> Any:
        return PartConvention(self.context)

    def lower_inst(self, step: Any) -> None:
        """Numba writes every step out as text first, for a trace that nobody asks for."""
        if isinstance(step, Assign):
            self.storevar(self.lower_assign(self.typeof(step.target.name), step), step.target.name)  # type: ignore[no-untyped-call]
        else:
            super().lower_inst(step)  # type: ignore[no-untyped-call]

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))  # type: ignore[no-untyped-call]

    def alloca_lltype(self, name: str, lltype: Any, datamodel: Any = None) -> Any:
        return cgutils.alloca_once(self.builder, lltype, name=name)  # type: ignore[no-untyped-call]


class PartLower(VectorLower):
    """The same, for a part whose loops turn few times: they are left as they are."""

    def lower_function_body(self) -> Any:
        entry = super().lower_function_body()  # type: ignore[no-untyped-call]
        place = {block: number for number, block in enumerate(self.function.blocks)}
        for block, number in place.items():
            jump = block.terminator
            if jump is not None and any(place.get(to, number + 1) <= number for to in jump.operands):
                jump.set_metadata("llvm.loop", Loop(self.module))
        return entry


class VectorLowering(NativeLowering):
    """The pass that makes code of a part."""

    lowering_class: Any = VectorLower


class PartLowering(NativeLowering):
    """The same, for a part whose loops turn few times."""

    lowering_class: Any = PartLower


def part_call(described: Any, libraries: Any) -> Any:
    """Whatever numba calls to have a call of a part written."""

    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        part = context.declare_function(builder.module, described)
        given = builder.call(part, context.get_arg_packer(described.argtypes).as_arguments(builder, arguments))
        if described.restype == types.none:
            return context.get_dummy_value()
        return context.get_returned_value(builder, described.restype, given)

    told: Any = call
    told.signature, told.libs = described.argtypes, tuple(libraries)
    return told


_declare, _insert = _context.declare_function, _context.insert_user_function
_propagate, _raise = _convention.return_status_propagate, _convention.return_user_exc
_incref = _counter.incref


def _declare_function(context: Any, module: Any, described: Any) -> Any:
    if described.mangled_name not in _parts:
        return _declare(context, module, described)
    kind = PartConvention(context).get_function_type(described.restype, described.argtypes)
    part: Any = cgutils.get_or_insert_function(module, kind, described.mangled_name)  # type: ignore[no-untyped-call]
    if described.inline:
        part.attributes.add("alwaysinline")
    return part


def _insert_user_function(context: Any, function: Any, described: Any, libs: Any = ()) -> None:
    if described.mangled_name in _parts:
        call: Any = part_call(described, libs)
        context._defns[function].append(call, call.signature)
    else:
        _insert(context, function, described, libs)


def _end(builder: Any) -> None:
    """Should a part raise after all, the process ends."""
    builder.call(builder.module.declare_intrinsic("llvm.trap", (), ir.FunctionType(ir.VoidType(), ())), ())
    builder.unreachable()


def _return_status_propagate(convention: Any, builder: Any, status: Any) -> None:
    if builder.function.name in _parts:
        _end(builder)
    else:
        _propagate(convention, builder, status)


def _return_user_exc(convention: Any, builder: Any, *raised: Any, **about: Any) -> None:
    if builder.function.name in _parts:
        _end(builder)
    else:
        _raise(convention, builder, *raised, **about)


def _count_reference(counter: Any, builder: Any, kind: Any, value: Any) -> None:
    """Whoever calls a part holds what it is given until the part is over, and nothing in it lets go."""
    if builder.function.name not in _parts:
        _incref(counter, builder, kind, value)


_counter.incref = _count_reference
_context.declare_function, _context.insert_user_function = _declare_function, _insert_user_function
_convention.return_status_propagate, _convention.return_user_exc = _return_status_propagate, _return_user_exc
