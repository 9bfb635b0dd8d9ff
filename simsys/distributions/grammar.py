"""The laws as a scenario writes them: each a mapping of its numbers.

Generic in the quantity: `Duration` (s), `Size` (B) or `Count`. `variate()` gives the law to draw from.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, PrivateAttr, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsys.distributions import laws
from simsys.distributions.files import find_file, read_columns
from simsys.distributions.tables import QuantileTable
from simsys.distributions.variates import Variate
from simsys.draws import exp, log
from simsys.draws.arithmetic import Array
from simsys.units import Count, Duration, Size, Spec, Whole

Quantity = TypeVar("Quantity", bound=float)
Positive = Annotated[Count, Field(gt=0)]
Above = Annotated[Quantity, Field(gt=0)]

Z99 = 2.32634787404084  # the standard normal quantile of 0.99
WIDEST = 14.968488362247662  # exp(Z99²/2): what p99 / mean of a log-normal law is at most, at sigma = Z99
LEVEL = r"min|max|p\d+(\.\d+)?"


class Grammar(Spec, Generic[Quantity]):
    """A noun that is written in a quantity, and named after it: `Lognormal of Duration`."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        names = {Duration: "Duration", Size: "Size", Count: "Count"}
        return f"{cls.__name__} of {names.get(params[0], 'Quantity')}"


class Exponential(Grammar[Quantity], Generic[Quantity]):
    """Memoryless times: cv 1."""

    mean: Above[Quantity]

    def variate(self) -> Variate:
        return Variate(laws.EXPONENTIAL, self.mean)


class Lognormal(Grammar[Quantity], Generic[Quantity]):
    """By its mean and either its p99 (of the two possible laws, the one with the smaller sigma) or its cv."""

    mean: Above[Quantity]
    p99: Above[Quantity] | None = None
    cv: Positive | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.p99 is None) == (self.cv is None):
            raise ValueError("give either p99 or cv, as in {mean: 1ms, p99: 8ms} or {mean: 1ms, cv: 2}")
        if self.p99 is not None and not 1.0 <= self.p99 / self.mean <= WIDEST:
            raise ValueError(
                f"p99 is {self.p99 / self.mean:.4g} times the mean; expected 1 to 14.97 times, "
                "which is all a log-normal law can do"
            )
        return self

    def variate(self) -> Variate:
        if self.cv is not None:
            sigma = math.sqrt(log(1.0 + self.cv * self.cv))
        else:
            assert self.p99 is not None
            sigma = Z99 - math.sqrt(max(0.0, Z99 * Z99 - 2.0 * log(self.p99 / self.mean)))
        if sigma <= 0.0:
            return Variate(laws.CONSTANT, self.mean)
        return Variate(laws.LOGNORMAL, self.mean * exp(-0.5 * sigma * sigma), sigma)


class Uniform(Grammar[Quantity], Generic[Quantity]):
    """Evenly between low and high."""

    low: Quantity
    high: Quantity

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.low < self.high:
            raise ValueError("expected low < high, as in {low: 1ms, high: 3ms}")
        return self

    def variate(self) -> Variate:
        return Variate(laws.UNIFORM, self.low, self.high)


class Erlang(Grammar[Quantity], Generic[Quantity]):
    """The sum of k exponential stages: cv 1 / sqrt(k)."""

    mean: Above[Quantity]
    k: Annotated[Whole, Field(ge=1, le=1000)]

    def variate(self) -> Variate:
        return Variate(laws.ERLANG, self.mean / self.k, float(self.k))


class Hyperexponential(Grammar[Quantity], Generic[Quantity]):
    """Two exponentials with balanced means, each with half of the total: cv above 1."""

    mean: Above[Quantity]
    cv: Annotated[Count, Field(gt=1)]

    def variate(self) -> Variate:
        square = self.cv * self.cv
        rare = 1.0 / ((square + 1.0) * (1.0 + math.sqrt((square - 1.0) / (square + 1.0))))  # (1 − root) / 2
        return Variate(laws.HYPEREXPONENTIAL, rare, self.mean / (2.0 * rare), self.mean / (2.0 * (1.0 - rare)))


class Pareto(Grammar[Quantity], Generic[Quantity]):
    """P(X > x) falls as x**-tail up to max, where it is cut; the least value follows from the mean."""

    mean: Above[Quantity]
    tail: Annotated[Count, Field(gt=0, le=100)]
    max: Above[Quantity]

    @model_validator(mode="after")
    def _cut_above_the_mean(self) -> Self:
        if not self.mean < self.max <= 1e30 * self.mean:
            raise ValueError("expected mean < max, as in {mean: 200, tail: 1.1, max: 90M}")
        return self

    def variate(self) -> Variate:
        return Variate.from_table(QuantileTable.from_pareto(self.mean, self.tail, self.max))


def _level(name: str) -> float:
    """p50 is 0.5, p99.9 and p999 are 0.999."""
    if name in ("min", "max"):
        return float(name == "max")
    if not re.fullmatch(LEVEL, name):
        raise ValueError(f"{name!r}: expected min, max, or a level like p50, p99.9 or p999")
    digits = name[1:]
    level = float(digits if "." in digits or len(digits) < 3 else f"{digits[:2]}.{digits[2:]}") / 100.0
    if not 0.0 < level < 1.0:
        raise ValueError(f"{name!r}: expected a level between p0 and p100; write min or max for the ends")
    return level


class Quantiles(Grammar[Quantity], Generic[Quantity]):
    """Points of the quantile function, or a file of them.

    Between points given here log x is linear in u (x itself from a point at 0); below the first the value
    stays as it is there. A file has a column `u` from 0 to 1 and one of values, joined by straight lines;
    `unit` is what a 1 in the file stands for (1 s, 1 B or 1 if left out).
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Quantity]

    file: str | None = None
    unit: Above[Quantity] | None = None
    _found: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        points = self.__pydantic_extra__
        if (self.file is None) == (not points):
            raise ValueError("give either points, as in {p50: 1ms, p99: 8ms, max: 20ms}, or {file: table.csv}")
        if self.file is not None:
            self._found = find_file(self.file, info.context)
        self.quantile_table()
        return self

    def quantile_table(self) -> QuantileTable:
        """The table of these points, or of the file's."""
        if self._found is None:
            return _from_points(self.__pydantic_extra__)
        u, x = read_columns(self._found, ("u", None))
        return _from_file(u, x * (self.unit or 1.0))

    def variate(self) -> Variate:
        return Variate.from_table(self.quantile_table())

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        model = handler.resolve_ref_schema(schema)
        model["patternProperties"] = {f"^({LEVEL})$": model["additionalProperties"]}
        model["additionalProperties"] = False
        return schema


def _from_points(points: Mapping[str, float]) -> QuantileTable:
    at = sorted((_level(name), value) for name, value in points.items())
    if at[-1][0] != 1.0:
        raise ValueError("expected the largest value too, as in {p50: 1ms, p99: 8ms, max: 20ms}")
    if at[0][0] != 0.0:
        at.insert(0, (0.0, at[0][1]))
    u, x = zip(*at, strict=True)
    if list(x) != sorted(x) or len(set(u)) < len(u):
        raise ValueError("expected each level once, and values that do not fall from level to level")
    return QuantileTable.from_points(u, x)


def _from_file(u: Array, x: Array) -> QuantileTable:
    if u[0] != 0.0 or u[-1] != 1.0 or (u[1:] < u[:-1]).any() or (x[1:] < x[:-1]).any():
        raise ValueError("expected a column u from 0 to 1, and values; neither may fall from row to row")
    return QuantileTable.from_points(u, x, straight=True)


class File(Grammar[Quantity], Generic[Quantity]):
    """Raw rows: a value is that of a row chosen at random.

    `activity` names a column of weights, which whoever draws rows jointly asks `rows` for; `unit` is what a 1
    in the file stands for (1 s, 1 B or 1 if left out).
    """

    path: str
    column: str
    activity: str | None = None
    unit: Above[Quantity] | None = None
    _found: Path = PrivateAttr()

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        self._found = find_file(self.path, info.context)
        _, activity = self.rows()
        if activity is not None and not math.fsum(activity) > 0.0:
            raise ValueError(f"the column {self.activity!r} adds up to zero")
        return self

    def rows(self) -> tuple[Array, Array | None]:
        """(values, activities) row by row, as they stand in the file."""
        names = (self.column,) if self.activity is None else (self.column, self.activity)
        values, *activity = read_columns(self._found, names)
        return values * (self.unit or 1.0), activity[0] if activity else None

    def variate(self) -> Variate:
        return Variate.from_table(QuantileTable.from_rows(self.rows()[0]))
