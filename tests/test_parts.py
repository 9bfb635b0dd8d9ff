"""Parts: compiled into those that call them, whatever numba does with its libraries; never called from Python."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.compiler_lock import global_compiler_lock

from simsys.draws import compiled, parts
from simsys.draws.compiling import prepare
from simsys.draws.parts import apart, part, vectors

SCRIPT = """
from concurrent.futures import ThreadPoolExecutor
from simsys.draws import compiled, parts

@parts.apart
def shared(x):
    return 3 * x + 1

@parts.apart
def deepest(x):
    return shared(x) - 1

@parts.part
def deep(x):
    return 2 * deepest(x)

@parts.apart
def never(x):
    return shared(x) if x != x else x

@compiled("int64(int64)")
def doubled(x):
    return 2 * x

@compiled("int64(int64)")
def one(x):
    return deep(x) + never(x) + doubled(x)

@compiled("int64(int64)")
def other(x):
    return one(x) - deep(x) + max(x, 0)
"""
WITHOUT = """
from numba.core.codegen import CPUCodeLibrary, JITCPUCodegen
CPUCodeLibrary.finalize, JITCPUCodegen.set_env = parts._whole, parts._set_env
"""


def printed(folder: Path, code: str) -> str:
    """What a Python of its own prints; a wrong link would end it."""
    path = folder / "script.py"
    if not path.exists():
        path.write_text(SCRIPT)
    command = [sys.executable, "-c", "from script import *\n" + code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("patch", ["", WITHOUT], ids=["linked once", "as numba does"])
def test_a_part_in_a_part_in_a_compiled_function(tmp_path: Path, patch: str) -> None:
    assert printed(tmp_path, patch + "print(one(7), other(7), doubled(7))") == "63 28 14\n"


def test_what_is_kept_holds_its_parts(tmp_path: Path) -> None:
    assert printed(tmp_path, "print(one(7))") == "63\n"
    found = "print(one(7), sum(one.stats.cache_hits.values()), len(deepest.overloads))"
    assert printed(tmp_path, found) == "63 1 0\n"


def test_what_is_kept_knows_its_functions_by_name_and_has_no_code_but_the_machines(tmp_path: Path) -> None:
    assert printed(tmp_path, "one(7)") == ""
    found = """
one(7)
(kept,) = [each.library._get_module_for_linking() for each in one.overloads.values()]
print({sum(1 for block in function.blocks for _ in block.instructions) for function in kept.functions})
"""
    assert printed(tmp_path, found) == "{1}\n"


def test_what_is_kept_is_loaded_without_what_only_a_compiler_needs(tmp_path: Path) -> None:
    code = "import sys; print(one(7), 'numba.np.linalg' in sys.modules, other(7), 'numba.np.linalg' in sys.modules)"
    assert printed(tmp_path, "one(7)") == ""
    assert printed(tmp_path, code) == "63 False 28 True\n"


def test_threads_compile_one_after_the_other(tmp_path: Path) -> None:
    code = """
with ThreadPoolExecutor(4) as threads:
    print([each.result() for each in [threads.submit(f, 7) for f in (other, one, doubled, other)]])
    print(parts._in_a_part, parts._calls)
"""
    assert printed(tmp_path, code) == "[28, 63, 14, 28]\nFalse None\n"


def test_who_finds_nothing_compiled_a_moment_too_early_gets_what_another_has_compiled() -> None:
    """Numba asks for a function to be compiled when it has found none for these arguments, and only then waits."""

    @compiled("float64(float64)")
    def halved(x: float) -> float:
        return x / 2.0

    prepare(halved)
    late: Any = halved
    assert late._compile_for_args(7)(7) == 3.5
    with pytest.raises(TypeError, match="No matching definition"):
        halved("seven")  # type: ignore[arg-type]


def test_nobody_compiles_while_another_has_the_lock() -> None:
    halved: Any = part(lambda x: x / 2.0)

    with ThreadPoolExecutor(1) as other:
        with global_compiler_lock:
            waiting = other.submit(halved.compile, "float64(float64)")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1.0)
            assert not parts._in_a_part
        waiting.result(timeout=20)


def test_a_compiled_function_is_the_same_in_a_part_and_from_python() -> None:
    @compiled("float64(float64)")
    def third(x: float) -> float:
        return x / 3.0

    @part
    def halved(x: float) -> float:
        return third(x) / 2.0

    @compiled("float64(int64)")
    def sixth(x: int) -> float:
        return halved(x)

    assert (sixth(7), third(7.0)) == (7 / 3 / 2, 7 / 3)
    assert [str(one.args[0]) for one in third.nopython_signatures] == ["float64"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [part, apart])
@pytest.mark.parametrize("already", [False, True])
def test_a_part_refuses_python(kind: object, already: bool) -> None:
    @kind  # type: ignore[operator, untyped-decorator]
    def inner(x: int) -> int:
        return x + 1

    @compiled("int64(int64)")
    def outer(x: int) -> int:
        return inner(x)  # type: ignore[no-any-return]

    if already:
        prepare(outer)
    with pytest.raises(TypeError, match="inner is a part"):
        inner(1)
    assert outer(1) == 2


def code(of_a_part: Any) -> str:
    """What LLVM is given of a part."""
    (one,) = of_a_part.overloads.values()
    return str(one.library.get_llvm_str())


def test_parts_are_called_by_value() -> None:
    told = np.zeros(1)

    @apart
    def divided(x: int, y: int) -> tuple[int, int]:
        return x // y, x % y

    @apart
    def is_odd(x: int) -> bool:
        return x % 2 == 1

    @apart
    def tell(seen: Any, x: int) -> None:
        seen[0] += x

    @compiled("float64(float64[::1], int64)")
    def outer(seen: Any, x: int) -> float:
        tell(seen, x)
        tell(seen, 1)
        whole, rest = divided(x, 10)
        return whole + rest / 10 + (100 if is_odd(x) else 0)

    assert (outer(told, 47), outer(told, 36), told[0]) == (104.7, 3.6, 85.0)
    for one, kind in ((is_odd, "i8"), (tell, "void"), (divided, "[2 x i64]")):
        assert f"define {kind} @" in code(one)


def test_the_loops_of_parts_are_left_as_they_are_unless_they_turn_often() -> None:
    def added(seen: Any) -> float:
        total = 0.0
        for x in seen:
            total += x
        return total

    short, long = part(added), vectors(added)

    @compiled("float64(float64[::1])")
    def outer(seen: Any) -> float:
        return short(seen) + 10.0 * long(seen)

    assert outer(np.arange(9.0)) == 396.0
    assert "llvm.loop.vectorize.enable" in code(short) and "llvm.loop" not in code(long)


def test_a_part_that_raises_after_all_ends_the_process(tmp_path: Path) -> None:
    script = """
from simsys.draws import compiled, parts

@parts.part
def steps(n, step):
    total = 0
    for i in range(0, n, step):
        total += i
    return total

@compiled("int64(int64, int64)")
def outer(n, step):
    return steps(n, step)

print(outer(7, 3), flush=True)
outer(7, 0)
"""
    path = tmp_path / "raises.py"
    path.write_text(script)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("9\n", -signal.SIGILL)


def test_what_a_part_is_given_is_let_go_of() -> None:
    @apart
    def at(table: Any, row: int) -> float:
        return table[row][0] + table[row][1]

    @compiled("float64(float64[:, ::1])")
    def outer(table: Any) -> float:
        return at(table, 0) + at(table, 1)

    table = np.arange(4.0).reshape(2, 2).copy()
    before = sys.getrefcount(table)
    assert (outer(table), outer(table), sys.getrefcount(table)) == (6.0, 6.0, before)


def test_a_part_makes_no_array_for_itself() -> None:
    @part
    def kept(n: int) -> float:
        return np.zeros(n)[0]

    @part
    def given(n: int) -> Any:
        return np.zeros(n)

    @compiled("float64(int64)")
    def keeps(n: int) -> float:
        return kept(n)

    @compiled("float64(int64)")
    def gives(n: int) -> float:
        return given(n)[0]

    assert gives(3) == 0.0
    with pytest.raises(TypeError, match="kept is a part, and makes an array for itself"):
        keeps(3)


def test_vectors_are_as_wide_as_the_processors_in_what_simsys_compiles_and_nothing_else() -> None:
    def added(seen: Any) -> float:
        return 2.0 * seen[0]

    short = part(added)

    @compiled("float64(float64[::1])")
    def mine(seen: Any) -> float:
        return short(seen)

    others = numba.njit("float64(float64[::1])")(added)
    assert mine(np.ones(3)) == others(np.ones(3)) == 2.0
    wide = '"prefer-vector-width"="512"'
    assert wide in code(short) and all(wide in text for text in mine.inspect_llvm().values())
    assert not any(wide in text for text in others.inspect_llvm().values())
