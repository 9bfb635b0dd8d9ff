"""Values that a plan computes with: numbers while it is played, expressions while it is traced.

An `Expression` is a small immutable tree over columns and constants. It knows + − *, division by a constant, the six
comparisons, `least` and `most`; whatever else would look into the request is `Untraceable`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

Value: TypeAlias = "float | npt.NDArray[np.float64]"
Number: TypeAlias = "float | Expression"
Decide: TypeAlias = "Callable[[Expression], bool]"

_APPLY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "least": np.minimum,
    "most": np.maximum,
}
ONE_OF = {"followers": "follower", "following": "followed"}
"""What one of those on either side of the edges is called."""
FOLLOWED = {"above": "followed_above", "followed": "followed"}
"""The functions of a row and a number of followers, as a plan calls them."""
_STRENGTH = {"*": 3, "/": 3, "+": 2, "-": 2}


class Untraceable(Exception):
    """A plan does something with a row that no expression can stand for; it can still be played by SimPy."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A column, a function of the row, or an operation on two values.

    `kind` is an operator of the table above, "column" (args: its name), "outcome" (args: the number of the step
    whose boolean it stands for), "above" (args: the threshold: how many followed authors have at least that many
    followers), "followed" (the same: which author this child asks for, one of them), "edges" (args: a side and a rule:
    how many followers, or followed, along edges for which it holds) or "edge" (the same: that one of them whose place
    is the row's index).
    """

    kind: str
    args: tuple[Any, ...]
    decide: Decide | None = field(default=None, repr=False)

    def __add__(self, other: Number) -> Expression:
        return _binary("+", self, other)

    def __radd__(self, other: Number) -> Expression:
        return _binary("+", other, self)

    def __sub__(self, other: Number) -> Expression:
        return _binary("-", self, other)

    def __rsub__(self, other: Number) -> Expression:
        return _binary("-", other, self)

    def __mul__(self, other: Number) -> Expression:
        return _binary("*", self, other)

    def __rmul__(self, other: Number) -> Expression:
        return _binary("*", other, self)

    def __truediv__(self, other: Number) -> Expression:
        if isinstance(other, Expression) or other == 0:
            raise Untraceable("a plan may divide by a constant that is not zero, and by nothing else")
        return _binary("/", self, other)

    def __lt__(self, other: Number) -> Expression:
        return _binary("<", self, other)

    def __le__(self, other: Number) -> Expression:
        return _binary("<=", self, other)

    def __gt__(self, other: Number) -> Expression:
        return _binary(">", self, other)

    def __ge__(self, other: Number) -> Expression:
        return _binary(">=", self, other)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("==", self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("!=", self, other)

    def __bool__(self) -> bool:
        if self.decide is None:
            raise Untraceable(f"the truth of `{self}` is known only while a plan is played or traced")
        return self.decide(self)

    def _refuse(self, *_: Any) -> NoReturn:
        raise Untraceable(f"`{self}` is not a number yet: a plan must not look into it")

    __hash__ = __index__ = __int__ = __float__ = __iter__ = __len__ = _refuse

    def __str__(self) -> str:
        if self.kind == "column":
            return str(self.args[0])
        if self.kind == "outcome":
            return f"outcome {self.args[0]}"
        if self.kind in FOLLOWED:
            return f"{FOLLOWED[self.kind]}({_text(self.args[0], 0)})"
        if self.kind in ("edges", "edge"):
            side, rule = self.args
            which = side if self.kind == "edges" else ONE_OF[side]
            return which if rule is None else f"{which} where {rule}"
        if self.kind in ("least", "most"):
            return f"{self.kind}({_text(self.args[0], 0)}, {_text(self.args[1], 0)})"
        strength = _STRENGTH.get(self.kind, 1)
        return f"{_text(self.args[0], strength)} {self.kind} {_text(self.args[1], strength + 1)}"

    def key(self) -> tuple[Any, ...]:
        """What two expressions must share to be the same value of one row."""
        return (self.kind, *(arg.key() if isinstance(arg, Expression) else arg for arg in self.args))


def column(name: str, decide: Decide | None = None) -> Expression:
    return Expression("column", (name,), decide)


class _Edge:
    """The columns of an edge, for rules about edges: `posts` of its author and `reads` of its follower (both as often
    as the load says), `followers` of its author, and `following` of its follower.
    """

    posts = column("posts")
    reads = column("reads")
    followers = column("followers")
    following = column("following")


EDGE = _Edge()


def least(a: Any, b: Any) -> Any:
    """The smaller of two values of a plan."""
    return _binary("least", a, b) if _symbolic(a, b) else min(a, b)


def most(a: Any, b: Any) -> Any:
    """The larger of two values of a plan."""
    return _binary("most", a, b) if _symbolic(a, b) else max(a, b)


def evaluate(
    value: Any,
    columns: Mapping[str, Value],
    above: Callable[[float], Value] | None = None,
    edges: Callable[..., Value] | None = None,
) -> Any:
    """The value of a number or expression for one row or for arrays of rows; `above` answers `followed_above`, and
    `edges` how many edges of a side follow a rule.
    """
    if not isinstance(value, Expression):
        return value
    if value.kind == "column":
        return columns[value.args[0]]
    if value.kind == "above" and above is not None:
        return above(value.args[0])
    if value.kind == "edges" and edges is not None:
        return edges(*value.args)
    if value.kind not in _APPLY:
        raise Untraceable(f"`{value}` has no value outside a run")
    left, right = (evaluate(arg, columns, above, edges) for arg in value.args)
    return _APPLY[value.kind](left, right)


def _binary(kind: str, left: Any, right: Any) -> Expression:
    for side in (left, right):
        if not isinstance(side, (int, float, Expression)):
            raise Untraceable(f"a plan computes with numbers, not with {type(side).__name__}")
    decide = left.decide if isinstance(left, Expression) else right.decide
    return Expression(kind, (left, right), decide)


def _symbolic(a: Any, b: Any) -> bool:
    return isinstance(a, Expression) or isinstance(b, Expression)


def _text(value: Any, strength: int) -> str:
    if isinstance(value, Expression):
        own = _STRENGTH.get(value.kind, 1 if value.kind in _APPLY and value.kind not in ("least", "most") else 9)
        return f"({value})" if own < strength else str(value)
    return (
        f"{value:g}" if isinstance(value, float) and value < 1e6 else f"{value:,.0f}" if value >= 10_000 else f"{value}"
    )
