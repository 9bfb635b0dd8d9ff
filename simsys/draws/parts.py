"""Parts: functions that are compiled into those that call them, and are never called from Python.

Numba optimises every function together with all that it calls, and makes machine code of it: with parts within parts
that is work in proportion to the square of their depth. A part is typed, no more; what is called from Python is linked
with all its parts, and optimised once. Should numba work otherwise one day, parts are compiled as others are.

A part calls other parts, `compiled` functions and what numba has of its own; it raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from graphlib import TopologicalSorter
from typing import Any, NoReturn, TypeVar, cast

import numba
from numba.core import sigutils, types
from numba.core.compiler_lock import global_compiler_lock

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "no_rewrites": True,
}  # fmt: skip
COMPILERS: dict[bool, dict[str, Any]] = {True: {}, False: {}}
"""How parts are compiled, with loops of vector instructions and without."""
with suppress(ImportError, AttributeError):
    from simsys.draws.pipeline import PartCompiler, VectorCompiler

    COMPILERS = {True: {"pipeline_class": VectorCompiler}, False: {"pipeline_class": PartCompiler}}

_in_a_part = False
"""Whether a part is being compiled; read and written by whoever has numba's lock, as is `_calls`."""
_calls: dict[Any, Any] | None = None
"""While anything is compiled with all its parts: the signatures of calls, by function and arguments, and the types of
attributes, by their owner's type and name.
"""


@contextmanager
def compiling(a_part: bool) -> Iterator[None]:
    """Compile what follows as a part, or whole."""
    global _in_a_part, _calls
    with global_compiler_lock:
        before = _in_a_part, _calls
        _in_a_part, _calls = a_part, {} if _calls is None else _calls
        try:
            yield
        finally:
            _in_a_part, _calls = before


def part(function: Function) -> Function:
    """A part whose code is put into every place that calls it."""
    return cast(Function, as_part(function, True))


def apart(function: Function) -> Function:
    """A part that is called, because its code is long or seldom needed."""
    return cast(Function, as_part(function, False))


def vectors(function: Function) -> Function:
    """A part that is called, and whose loops turn so often that they become vector instructions."""
    return cast(Function, as_part(function, False, vectors=True))


def as_part(function: Callable[..., Any], inline: bool, signatures: tuple[Any, ...] = (), vectors: bool = False) -> Any:
    """A part for these signatures and no others; if none are given, for whatever it is called with."""
    dispatcher: Any = numba.njit(forceinline=inline, **OPTIONS, **COMPILERS[vectors])(function)

    def compile_part(signature: Any) -> None:
        for wanted in signatures or (signature,):
            arguments, result = sigutils.normalize_signature(wanted)  # type: ignore[no-untyped-call]
            arguments = tuple(types.unliteral(argument) for argument in arguments)  # type: ignore[no-untyped-call]
            if arguments not in dispatcher.overloads:
                with compiling(a_part=True), dispatcher._compiling_counter:
                    dispatcher.overloads[arguments] = dispatcher._compiler.compile(arguments, result)

    def refuse(*_: Any) -> NoReturn:
        raise TypeError(f"{function.__name__} is a part: it is called by compiled functions only")

    dispatcher.compile, dispatcher._compile_for_args = compile_part, refuse
    return dispatcher


with suppress(ImportError, AttributeError):
    from numba.core.codegen import CPUCodeLibrary, JITCPUCodegen

    _whole, _set_env = CPUCodeLibrary.finalize, JITCPUCodegen.set_env
    _optimize = CPUCodeLibrary._optimize_functions

    def _linked(library: Any) -> list[Any]:
        """All that a library calls, directly or through its parts: whoever calls comes before what it calls.

        LLVM links in what is called by what it has linked in already, and passes over all else.
        """
        calls: TopologicalSorter[Any] = TopologicalSorter()
        left, met = [library], {library}
        while left:
            caller = left.pop()
            for other in caller._linking_libraries:
                calls.add(other, caller)
                if other not in met:
                    met.add(other)
                    left.append(other)
        return [other for other in calls.static_order() if other is not library]

    def _finalize(library: Any) -> None:
        if _in_a_part:
            library._raise_if_finalized()
            library._finalize_dynamic_globals()
            library._finalized = True
        else:
            library._linking_libraries = _linked(library)
            _whole(library)  # type: ignore[no-untyped-call]

    def _optimize_whole(library: Any, module: Any) -> None:
        if _in_a_part:
            module.data_layout = library._codegen._data_layout
        else:
            _optimize(library, module)  # type: ignore[no-untyped-call]

    def _set_env_of_whole(codegen: Any, name: str, env: Any) -> None:
        if not _in_a_part:
            _set_env(codegen, name, env)  # type: ignore[no-untyped-call]

    CPUCodeLibrary.finalize = _finalize  # type: ignore[method-assign]
    CPUCodeLibrary._optimize_functions = _optimize_whole  # type: ignore[method-assign]
    JITCPUCodegen.set_env = _set_env_of_whole  # type: ignore[method-assign]

with suppress(ImportError, AttributeError):
    from numba.core import base

    base._has_loc = cache(base._has_loc)

with suppress(ImportError, AttributeError):
    from numba.core.typing.templates import _OverloadFunctionTemplate

    _decorator = _OverloadFunctionTemplate._get_jit_decorator

    def _decorator_of_parts(template: Any) -> Any:
        """What numba compiles its own functions with: those that a part calls are called by nobody else."""
        given = _decorator(template)  # type: ignore[no-untyped-call]
        return partial(given, no_cpython_wrapper=True, no_cfunc_wrapper=True) if _in_a_part else given

    _OverloadFunctionTemplate._get_jit_decorator = _decorator_of_parts  # type: ignore[method-assign]

with suppress(ImportError, AttributeError):
    from numba.core.typing.context import BaseContext

    _attribute = BaseContext.resolve_getattr

    def _attribute_once(context: Any, kind: Any, name: str) -> Any:
        """The type of an attribute, which numba looks for at every place that reads it."""
        if _calls is None:
            return _attribute(context, kind, name)  # type: ignore[no-untyped-call]
        if (kind, name) not in _calls:
            _calls[kind, name] = _attribute(context, kind, name)  # type: ignore[no-untyped-call]
        return _calls[kind, name]

    BaseContext.resolve_getattr = _attribute_once  # type: ignore[method-assign]

with suppress(ImportError, AttributeError):
    from numba.core.types.functions import BaseFunction

    _call_type = BaseFunction.get_call_type

    def _call_type_once(function: Any, context: Any, arguments: Any, named: Any) -> Any:
        """The signature of a call; numba tries all that it knows by that name, for each of a thousand sums anew."""
        if _calls is None or named:
            return _call_type(function, context, arguments, named)
        call = function, arguments
        if call not in _calls:
            _calls[call] = _call_type(function, context, arguments, named)
        return _calls[call]

    BaseFunction.get_call_type = _call_type_once  # type: ignore[assignment,method-assign]

with suppress(ImportError, AttributeError):
    from numba.core.cpu import CPUContext

    _lowered = CPUContext.post_lowering

    def _lowered_wide(context: Any, module: Any, library: Any) -> None:
        """Vectors may be as wide as the processor's: LLVM halves the widest, in case they slow down all else."""
        if _calls is not None:
            for function in module.functions:
                set.add(function.attributes, '"prefer-vector-width"="512"')  # llvmlite knows attributes without a value
        _lowered(context, module, library)  # type: ignore[no-untyped-call]

    CPUContext.post_lowering = _lowered_wide  # type: ignore[method-assign]
