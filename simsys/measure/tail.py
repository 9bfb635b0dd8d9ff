"""Anatomy of the tail: where the slowest requests spent their time.

While a run is played, the seconds at every station are added up by bucket of latency, 64 buckets to a doubling (at most
1.6 % wide); which of them hold the slowest is asked when all replications are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.measure.anatomy import Anatomy
from simsys.measure.histogram import BUCKETS as FINE_BUCKETS
from simsys.measure.histogram import rank_of
from simsys.measure.runlength import enough_samples

COARSER = 4
"""A bucket here is 2**4 buckets of a histogram."""
BUCKETS = FINE_BUCKETS >> COARSER
SLOWEST = 0.01

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Tail:
    """Requests and their seconds by bucket of latency.

    `counts` has shape (buckets,), `latency` (buckets,), `paths` (buckets, stations, 2): waiting and service on the way
    to the answer.
    """

    stations: tuple[str, ...]
    buckets: Array
    counts: Array
    latency: Array
    paths: Array

    def slowest(self, share: float = SLOWEST) -> Anatomy | None:
        """The anatomy of this share of the requests; None if fewer than ten are that slow.

        The bucket that holds the first of them counts in proportion.
        """
        total = int(self.counts.sum())
        if not enough_samples(total, 1.0 - share):
            return None
        count = total - rank_of(1.0 - share, total)
        slower = np.concatenate([np.cumsum(self.counts[::-1])[::-1][1:], [0]])
        part = np.clip((count - slower) / self.counts, 0.0, 1.0)
        return self._anatomy(part, count)

    def whole(self) -> Anatomy | None:
        """The anatomy of all requests; None if there are none."""
        total = int(self.counts.sum())
        return self._anatomy(np.ones(len(self.counts)), total) if total else None

    def _anatomy(self, part: Array, count: int) -> Anatomy:
        """The means of that part of the requests of each bucket."""
        latency = float((part * self.latency).sum()) / count
        means = (part[:, None, None] * self.paths).sum(axis=0) / count
        named = {name: (float(w), float(s)) for name, (w, s) in zip(self.stations, means, strict=True)}
        return Anatomy(count, latency, named, max(0.0, latency - float(means.sum())))


def pooled(tails: Sequence[Tail]) -> Tail:
    """The tails of several replications as one."""
    buckets, place = np.unique(np.concatenate([tail.buckets for tail in tails]), return_inverse=True)
    parts = []
    for name in ("counts", "latency", "paths"):
        values = np.concatenate([getattr(tail, name) for tail in tails])
        parts.append(np.zeros((len(buckets), *values.shape[1:]), dtype=values.dtype))
        np.add.at(parts[-1], place, values)
    return Tail(tails[0].stations, buckets, *parts)
