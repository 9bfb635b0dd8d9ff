"""One way to compile: numba, at the first call, for the signatures given; kept in numba's cache where that can be."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(*signatures: Any, inline: bool = False) -> Callable[[Function], Function]:
    """A decorator that compiles a function for these numba signatures and no others.

    It is compiled when it is first called, or when another that calls it is compiled; `inline` puts its code
    into those that call it, so that their loops become vector instructions. No fast-math, so the bits are the
    same on every processor; the interpreter's lock is released. Where numba's cache cannot be written, the
    function is compiled afresh in every process and works all the same.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "forceinline": inline}

    def decorate(function: Function) -> Function:
        dispatcher = numba.njit(**options)(function)

        def compile_declared(_: object) -> object:
            with global_compiler_lock:
                if dispatcher.__dict__.pop("compile", None) is not None:
                    _compile(dispatcher, signatures)
            return dispatcher

        dispatcher.compile = compile_declared
        return cast(Function, dispatcher)

    return decorate


def _compile(dispatcher: Any, signatures: tuple[Any, ...]) -> None:
    try:
        dispatcher.enable_caching()
        for signature in signatures:
            dispatcher.compile(signature)
    except (RuntimeError, OSError):
        dispatcher._cache = NullCache()
        for signature in signatures:
            dispatcher.compile(signature)
    dispatcher.disable_compile()
