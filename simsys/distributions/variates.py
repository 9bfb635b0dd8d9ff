"""`Variate`: a law that can be drawn from."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsys.distributions import laws
from simsys.distributions.tables import QuantileTable
from simsys.draws import exps
from simsys.draws.arithmetic import Array

NO_TABLE: Array = np.empty((0, 8))
LOG_TAIL: Array = np.linspace(-34.5, 0.0, 501)


@dataclass(frozen=True, slots=True, eq=False)
class Variate:
    """A law with its numbers (see `laws.py`); in the unit of whoever made it."""

    kind: int
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    table: Array = field(default_factory=lambda: NO_TABLE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variate) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    @property
    def _numbers(self) -> tuple[object, ...]:
        return self.kind, self.a, self.b, self.c, self.table.tobytes()

    @staticmethod
    def from_table(table: QuantileTable) -> "Variate":
        """The law of this table."""
        return Variate(laws.TABLE, table=table.prepared)

    def draw(self, stream: int, token: int, visit: int) -> float:
        """The draw of this token at this visit."""
        return laws.variate(self.kind, self.a, self.b, self.c, self.table, stream, token, visit)

    def draws(self, stream: int, tokens: NDArray[np.int64], visit: int) -> Array:
        """`draw` of each token: the same bits."""
        return laws.variates(self.kind, self.a, self.b, self.c, self.table, stream, tokens, visit)

    @property
    def mean(self) -> float:
        """E[X]."""
        return self._moments()[0]

    @property
    def variance(self) -> float:
        """E[X²] − E[X]²."""
        return self._moments()[1]

    def quantile(self, u: ArrayLike) -> Array:
        """The quantile of each u in (0, 1)."""
        u = np.atleast_1d(np.ascontiguousarray(u, np.float64))
        return laws.quantiles(self.kind, self.a, self.b, self.c, self.table, u)

    def quantile_table(self) -> QuantileTable:
        """This law as a table; exact but for smooth laws, which agree to about 1e-6."""
        if self.kind == laws.TABLE:
            return QuantileTable(np.ascontiguousarray(self.table[:, :4]))
        if self.kind in (laws.CONSTANT, laws.UNIFORM):
            x = [self.a, self.a if self.kind == laws.CONSTANT else self.b]
            return QuantileTable.from_points([0.0, 1.0], x, straight=True)
        return _smooth(self.kind, self.a, self.b, self.c)

    def _moments(self) -> tuple[float, float]:
        if self.kind == laws.TABLE:
            table = self.quantile_table()
            return table.mean, table.variance
        return laws.mean_and_variance(self.kind, self.a, self.b, self.c)


@lru_cache(maxsize=64)
def _smooth(kind: int, a: float, b: float, c: float) -> QuantileTable:
    """The table of a law without one."""
    tail = exps(LOG_TAIL) / 2.0  # probabilities from 5e-16 to a half
    u = np.concatenate((tail, 1.0 - tail[-2::-1]))
    return QuantileTable.from_law(Variate(kind, a, b, c).quantile, u)
