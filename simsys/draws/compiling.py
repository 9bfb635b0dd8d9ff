"""One way to compile: numba, at the first call, for the signatures given; kept in numba's cache where that can be."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite.binding import add_symbol, parse_assembly
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache

from simsys.draws.parts import as_part, compiling
from simsys.sources import sources

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

        def compile_declared(*_: object, **__: object) -> object:
            with compiling(a_part=False):
                if dispatcher._can_compile:
                    _compile(dispatcher, signatures)
            return dispatcher  # numba calls it once more; a thread that came too early finds what another has compiled

        dispatcher.compile = dispatcher._compile_for_args = compile_declared
        inner = as_part(function, inline, signatures, vectors=True)
        dispatcher.get_call_template, dispatcher.get_overload = inner.get_call_template, inner.get_overload
        dispatcher.declared = signatures
        return cast(Function, dispatcher)

    return decorate


def prepare(function: object) -> None:
    """Compile a function, or load it from numba's cache, now and not at its first call."""
    dispatcher: Any = function
    dispatcher.compile(None)


def kept(function: object) -> bool | None:
    """Whether a function needs no compiler: it is compiled, or in numba's cache. None if it can be kept nowhere."""
    dispatcher: Any = function
    if not dispatcher._can_compile:
        return True
    try:
        found, codegen = _Kept(dispatcher.py_func), dispatcher.targetctx.codegen()
        return all(found.has(signature, codegen) for signature in dispatcher.declared)
    except RuntimeError:
        return None
    except Exception:  # what is kept cannot be read, or numba keeps it otherwise one day
        return False


def _compile(dispatcher: Any, signatures: tuple[Any, ...]) -> None:
    compile_one = type(dispatcher).compile
    try:
        dispatcher._cache = _Kept(dispatcher.py_func)
        for signature in signatures:
            compile_one(dispatcher, signature)
    except Exception:  # nowhere to keep it, a full disk, a file that is damaged; a fault of the function shows again
        dispatcher._cache = NullCache()
        for signature in signatures:
            compile_one(dispatcher, signature)
    dispatcher.disable_compile()


class _Code(CompileResultCacheImpl):
    """A compiled function as it is kept: without the globals of all that it calls, which nothing asks for, and whose
    modules would be imported to find them again.
    """

    def reduce(self, cres: Any) -> Any:
        *code, _ = super().reduce(cres)  # type: ignore[no-untyped-call]
        return (*code, ())


class _Kept(FunctionCache):
    """Numba's cache of a function. RuntimeError where no folder can be written.

    What it holds is loaded as it is: numba would first learn all that it can compile, and import scipy for it.
    """

    _impl_class = _Code
    _cache_file: Any

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        with suppress(AttributeError):  # should numba keep its stamp elsewhere one day
            self._cache_file._source_stamp = (self._cache_file._source_stamp, _stamp())
            self._clear()

    def _clear(self) -> None:
        """Delete code that no index names.

        Numba writes first that there is code, and then the code: what is left of an older one would be taken for it by
        the next process if this one were killed in between.
        """
        files = self._cache_file
        if not files._load_index():
            folder, pattern = os.path.split(files._data_path(files._data_name(0)))
            for old in Path(folder).glob(escape(pattern).replace(".0.nbc", ".*.nbc")):
                old.unlink(missing_ok=True)

    def has(self, signature: Any, codegen: Any) -> bool:
        """Whether it holds the code for a signature."""
        files, key = self._cache_file, self._index_key(signature, codegen)  # type: ignore[no-untyped-call]
        name = files._load_index().get(key)
        return name is not None and os.path.exists(files._data_path(name))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Beside the machine code numba keeps what LLVM made it of, for others to be linked with.

        Those are linked with the part; for the machine code it is enough to know what functions there are.
        """
        names = (each.name for each in data.library.get_defined_functions())
        code = "".join(f'define void @"{name}"() {{ unreachable }}\n' for name in names)
        data.library._shared_module = parse_assembly(code)
        super().save_overload(sig, data)  # type: ignore[no-untyped-call]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        _name_runtime()
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]


@cache
def _name_runtime() -> None:
    """Tell LLVM where numba's runtime is, which makes arrays and gives them back. What counts them is in the code that
    is loaded; numba would compile that anew.
    """
    from numba.core.runtime import _nrt_python  # type: ignore[attr-defined]  # (here, should it be elsewhere one day)

    for name, address in _nrt_python.c_helpers.items():
        add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


@cache
def _stamp() -> bytes:
    """A hash of every file in those folders of the package that hold compiled code.

    Numba's own stamp is that of the function's file, but its machine code holds that of what it calls as well.
    """
    files = sources(Path(__file__).parents[1])
    folders = {name.partition("/")[0] for name, text in files.items() if b"compiled(" in text}
    stamp = sha256()
    for name, text in files.items():
        if name.partition("/")[0] in folders:
            stamp.update(f"{name} {len(text)} ".encode() + text)
    return stamp.digest()
