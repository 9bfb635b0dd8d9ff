"""What a run measured, and how far it may be trusted: histograms, intervals, and how long is long enough."""

from simsys.measure.histogram import Histogram
from simsys.measure.intervals import Interval, interval, paired, ratio, section, t_quantile
from simsys.measure.runlength import enough_samples, mser5, run_length_needed

__all__ = [
    "Histogram",
    "Interval",
    "enough_samples",
    "interval",
    "mser5",
    "paired",
    "ratio",
    "run_length_needed",
    "section",
    "t_quantile",
]
