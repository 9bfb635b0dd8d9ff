"""One way to compile: numba, at the first call, for the signatures given; kept in numba's cache where that can be."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock

from simsys.draws.parts import level

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
            with global_compiler_lock, level(0):
                if dispatcher.__dict__.pop("compile", None) is not None:
                    _compile(dispatcher, signatures)
            return dispatcher

        dispatcher.compile = compile_declared
        return cast(Function, dispatcher)

    return decorate


def _compile(dispatcher: Any, signatures: tuple[Any, ...]) -> None:
    try:
        dispatcher.enable_caching()
        with suppress(AttributeError):  # should numba keep its stamp elsewhere one day
            kept = dispatcher._cache._cache_file
            kept._source_stamp = (kept._source_stamp, _stamp())
        for signature in signatures:
            dispatcher.compile(signature)
    except (RuntimeError, OSError):
        dispatcher._cache = NullCache()
        for signature in signatures:
            dispatcher.compile(signature)
    dispatcher.disable_compile()


@cache
def _stamp() -> bytes:
    """A hash of every file in those folders of the package that hold compiled code.

    Numba's own stamp is that of the function's file, but its machine code holds that of what it calls as well.
    """
    package = Path(__file__).parents[1]
    files = sorted((path.relative_to(package).as_posix(), path.read_bytes()) for path in package.rglob("*.py"))
    folders = {name.partition("/")[0] for name, text in files if b"compiled(" in text}
    stamp = blake2b()
    for name, text in files:
        if name.partition("/")[0] in folders:
            stamp.update(f"{name} {len(text)} ".encode() + text)
    return stamp.digest()
