"""Distributions: how a scenario writes them, and the laws to draw from.

`5ms` is a constant; else a mapping names one law: `exponential`, `lognormal`, `uniform`, `erlang`,
`hyperexponential`, `pareto`, `quantiles`, `file`, or a `mixture` of them with shares. Each has `variate()`.
"""

from simsys.distributions.choice import (
    Component,
    CountDistribution,
    Distribution,
    DurationDistribution,
    SizeDistribution,
    parse_distribution,
)
from simsys.distributions.files import FileError
from simsys.distributions.laws import variate, variates
from simsys.distributions.mixtures import mixture
from simsys.distributions.tables import QuantileTable
from simsys.distributions.variates import Variate

__all__ = [
    "Component", "CountDistribution", "Distribution", "DurationDistribution", "FileError", "QuantileTable",
    "SizeDistribution", "Variate", "mixture", "parse_distribution", "variate", "variates",
]  # fmt: skip
