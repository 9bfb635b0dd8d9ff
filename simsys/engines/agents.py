"""Who plays a plan: a request or one of its children; and the batches that children come in."""

from __future__ import annotations

from math import ceil
from typing import TypeAlias

from simsys.engines.facilities import Draws
from simsys.engines.rows import Row
from simsys.measure.log import Request

Path: TypeAlias = "list[float] | None"
"""The seconds of waiting and of service per station that led up to now; None if nobody waits for the answer."""


class Agent:
    """A request or one of its children while it plays its plan; `answers`: its plan is the one the requester
    waits for.
    """

    __slots__ = ("answers", "children", "luck", "number", "path", "request", "row", "timed_out")

    def __init__(self, request: Request, row: Row, token: int, number: int, path: Path, answers: bool) -> None:
        self.request, self.row, self.number, self.path, self.answers = request, row, number, path, answers
        self.luck, self.children = Draws(token), dict[str, int]()
        self.timed_out = False

    def fresh_path(self) -> Path:
        """The path of a child that is waited for."""
        return None if self.path is None else [0.0] * len(self.path)

    def go_on(self, path: Path) -> None:
        """What was waited for has ended, and this was its path."""
        if self.path is not None and path is not None:
            for i, seconds in enumerate(path):
                self.path[i] += seconds


def batches(n: float, batch: float) -> list[float]:
    """n items in batches of `batch` (of 1 where that is nothing): the sizes, the last one holding the rest."""
    if n <= 0:
        return []
    batch = batch if batch > 0 else 1.0
    count = ceil(n / batch)
    return [batch] * (count - 1) + [n - batch * (count - 1)]
