"""Traced plans as one table of instructions: what the compiled engine plays.

A tree becomes rows of `NODE`; a plan that several steps run is there once. What differs between scenarios is data, so
that one kernel plays them all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

END, IF, VISIT, HOLD, FORK, START, LOOKUP, FILL, DROP, JOIN, WITHIN, CHANCE, MARK = range(13)
CONSTANT, COLUMN, SIZE, INDEX, OUTCOME, COMPUTED, SPREAD, ANY = range(8)
"""What an operand is: a number, a column of the request, the child's own size or index, the outcome of an earlier step,
an expression; for keys also the two that are none."""
OPERATORS = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "least", "most")
STOP, VALUE, EDGES, EDGE, FOLLOWED = 100, 101, 102, 103, 104
NOBODY = -1
MOST_OUTCOMES, MOST_STACK, MOST_NAMES = 62, 60, 62

INT, FLOAT = np.int64, np.float64
OPERANDS = ("n", "key", "batch")
NODE = np.dtype(
    [(name, INT) for name in ("code", "next", "other", "bit", "what", "timing", "plan", "plans", "width", "ask")]
    + [(name, INT) for name in ("of", "over", "ahead")]
    + [(f"{name}_{part}", INT) for name in OPERANDS for part in ("kind", "arg")]
    + [(f"{name}_value", FLOAT) for name in OPERANDS]
)
"""A step, branch or end; `what` is the place of a station, cache, batch, chance or mark, `bit` that of its outcome.
`ahead` is the step of a cache that comes after a visit, or after several, if its entry can be told by then; else 0.
"""
PLAN = np.dtype([("root", INT), ("name", INT), ("counter", INT)])
TERM = np.dtype([("code", INT), ("kind", INT), ("arg", INT), ("value", FLOAT)])
"""Expressions in postfix order, each ended by STOP."""


@dataclass
class Program:
    """The plans of one strategy, ready to be played."""

    nodes: npt.NDArray[Any]
    plans: npt.NDArray[Any]
    terms: npt.NDArray[Any]
    entries: dict[str, int]
    """The first node of each operation's plan."""
    chances: list[str]
    marks: list[str]
    thresholds: list[float]
    """Those of `followed`."""
    lists: list[tuple[str, Any]]
    """The side and the rule of edges that are counted or followed."""
    counters: int
    """How many names the plans of children have."""
    columns: tuple[str | float, ...]
    """What some step asks of the request: a column, or how many of the followed have so many followers."""
    asked: dict[str, Counter[int]]
    """How often each operation's own plan asks for each service, at the most."""

    @property
    def sized(self) -> bool:
        """Whether some step asks how large a request is, or fills a cache with it."""
        kinds = [self.terms["kind"][self.terms["code"] == VALUE], *(self.nodes[f"{name}_kind"] for name in OPERANDS)]
        return bool((np.concatenate(kinds) == SIZE).any() or (self.nodes["code"] == FILL).any())


def ahead(nodes: npt.NDArray[Any], row: Any) -> int:
    """What `ahead` of a row is."""
    number = 0
    while row["code"] == VISIT:
        number = int(row["next"])
        row = nodes[number]
    told = row["code"] in (LOOKUP, FILL, DROP) and row["key_kind"] == COLUMN and row["plans"] == 0
    return number if told else 0
