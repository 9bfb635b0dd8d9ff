"""Parts: functions that are compiled into those that call them, and are never called from Python.

Numba optimises every function together with all that it calls, and makes machine code of it: with parts within parts
that is work in proportion to the square of their depth. A part is typed and linked, no more; what calls it from Python
is optimised once, with all its parts in it. Should numba work otherwise one day, parts are compiled as others are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

import numba
from numba.core import sigutils, types

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_parts = 0
"""How many parts are being compiled, one for the other."""


@contextmanager
def level(parts: int) -> Iterator[None]:
    """Compile what follows as a part (1), or whole (0)."""
    global _parts
    before, _parts = _parts, parts
    try:
        yield
    finally:
        _parts = before


def part(function: Function) -> Function:
    """A part whose code is put into every place that calls it."""
    return _as_part(function, True)


def apart(function: Function) -> Function:
    """A part that is called, because its code is long or seldom needed."""
    return _as_part(function, False)


def _as_part(function: Function, inline: bool) -> Function:
    dispatcher = numba.njit(forceinline=inline, **OPTIONS)(function)
    compile_now = dispatcher.compile

    def compile_part(signature: Any) -> Any:
        arguments, _ = sigutils.normalize_signature(signature)  # type: ignore[no-untyped-call]
        with level(1):
            return compile_now(tuple(types.unliteral(argument) for argument in arguments))  # type: ignore[no-untyped-call]

    dispatcher.compile = compile_part
    return cast(Function, dispatcher)


with suppress(ImportError, AttributeError):
    from numba.core.codegen import CPUCodeLibrary, JITCPUCodegen

    _whole, _set_env = CPUCodeLibrary.finalize, JITCPUCodegen.set_env

    def _finalize(library: Any) -> None:
        if not _parts:
            _whole(library)  # type: ignore[no-untyped-call]
            return
        library._raise_if_finalized()
        for other in dict.fromkeys(library._linking_libraries):
            library._reload_init.update(other._reload_init)
            library._final_module.link_in(other._get_module_for_linking(), preserve=True)
        library._finalize_dynamic_globals()
        library._finalized = True

    def _set_env_of_whole(codegen: Any, name: str, env: Any) -> None:
        if not _parts:
            _set_env(codegen, name, env)  # type: ignore[no-untyped-call]

    CPUCodeLibrary.finalize = _finalize  # type: ignore[method-assign]
    JITCPUCodegen.set_env = _set_env_of_whole  # type: ignore[method-assign]
