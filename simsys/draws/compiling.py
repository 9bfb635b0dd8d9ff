"""One way to compile: numba with the signature given, kept in numba's cache where that can be written."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(*signatures: Any) -> Callable[[Function], Function]:
    """A decorator that compiles a function at once, for these numba signatures and no others.

    No fast-math, so the bits are the same on every processor; the interpreter's lock is released. Where
    numba's cache cannot be written, the function is compiled afresh in every process and works all the same.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

    def decorate(function: Function) -> Function:
        try:
            dispatcher = numba.njit(list(signatures), cache=True, **options)(function)
        except (RuntimeError, OSError):
            dispatcher = numba.njit(list(signatures), **options)(function)
        return cast(Function, dispatcher)

    return decorate
