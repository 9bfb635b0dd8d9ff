"""Closed forms for sketches: how often a Bloom filter errs, and how far off a HyperLogLog is."""

from __future__ import annotations

import math

from simsys.theory.solve import within


def bloom_false_positives(bits: float, hashes: int) -> float:
    """The share of new keys that a filter with `bits` per key takes for old ones, as many bits of each key as `hashes`.

    Source: Bloom, Space/time trade-offs in hash coding with allowable errors, CACM 1970.
    """
    within(bits > 0 and hashes >= 1, "a filter needs bits > 0 and hashes ≥ 1")
    return float((-math.expm1(-hashes / bits)) ** hashes)


def hyperloglog_error(registers: int) -> float:
    """The standard error of its estimate, as a share of what there is.

    Source: Flajolet, Fusy, Gandouet and Meunier, HyperLogLog, AofA 2007.
    """
    within(registers >= 16, "the law holds from 16 registers on")
    return 1.04 / math.sqrt(registers)
