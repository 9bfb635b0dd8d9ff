"""What parts are compiled without, though numba does it for what it compiles."""

from __future__ import annotations

import math
from typing import Any

import pytest
from numba.core.errors import UnsupportedError

from simsys.draws import compiled, parts
from simsys.draws.parts import apart, part


def test_a_part_unpacks_no_tuple_into_another() -> None:
    @part
    def longer(x: int) -> tuple[int, ...]:
        return x, *(x, x)

    @compiled("int64(int64)")
    def third(x: int) -> int:
        return longer(x)[2]

    with pytest.raises(UnsupportedError, match="list_to_tuple"):
        third(1)


def test_an_attribute_is_looked_up_once_and_what_numba_brings_along_is_called_by_parts_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def attribute(context: Any, kind: Any, name: str) -> Any:
        asked.append(name)
        return look_up(context, kind, name)

    look_up = parts._attribute
    monkeypatch.setattr(parts, "_attribute", attribute)

    @apart
    def larger(x: float) -> float:
        return max(x, math.tau)

    @apart
    def turns(x: float) -> float:
        return larger(x) / math.tau

    @compiled("float64(float64)")
    def at_least_one(x: float) -> float:
        return turns(x)

    assert at_least_one(0.0) == 1.0
    assert asked.count("tau") == 1
    (whole,) = (each.library for each in at_least_one.overloads.values())
    brought = {function.name for library in whole._linking_libraries for function in library.get_defined_functions()}
    assert any("ol_max" in name for name in brought)
    assert not any(name.startswith(("cfunc", "cpython")) for name in brought)
