"""The three systems that every program here plays, and how a program reports.

W1  Eight servers at 80 % (M/M/8); one million requests.
W2  16 API servers, then 8 cache shards by hash of the key (Zipf 0.99 over 100,000 keys, LRU of 10,000), and on a miss
    32 database connections and a fill; 500,000 requests.
W3  One post to a million followers: 16 workers, each held while its batch of 500 is written, every follower by a
    write of its own to one of 32 shards at random.

Arrivals are Poisson, services exponential, lines first come, first served. A program is called with a system, a number
of requests (W3: followers) and a seed, and prints a line of JSON: `requests`, CPU `seconds` of playing, `latency` (mean
seconds of 20 consecutive stretches of requests), `hits` of `lookups` in the second half (W2), and the time of the
`last` delivery (W3). Standard library only: peers bring their own environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import fmean
from typing import Any

W1_RATE, W1_SERVERS, W1_SERVICE = 640.0, 8, 10e-3
W2_RATE, W2_API, W2_SHARDS, W2_DATABASE = 10_000.0, 16, 8, 32
W2_API_SERVICE, W2_CACHE_SERVICE, W2_DATABASE_SERVICE = 1e-3, 0.1e-3, 5e-3
W2_KEYS, W2_EXPONENT, W2_ENTRIES = 100_000, 0.99, 10_000
W3_WORKERS, W3_SHARDS, W3_BATCH, W3_WRITE = 16, 32, 500, 5e-6
STRETCHES = 20


@dataclass
class Played:
    """What one play came to: a latency (s) per request, or means of many in a row; the rest as in the line of JSON."""

    latencies: list[float] = field(default_factory=list)
    lookups: int = 0
    hits: int = 0
    last: float = 0.0

    def figures(self) -> dict[str, Any]:
        """As they are printed."""
        latency = stretches(self.latencies)
        return {"latency": latency, "lookups": self.lookups, "hits": self.hits, "last": self.last}


Play = Callable[[int, int], Played]


def main(plays: dict[str, Play]) -> None:
    """Play what the command line asks for, after a small one that warms up, and print the line."""
    name, requests, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    plays[name](1000, seed)
    begin = time.process_time()
    played = plays[name](requests, seed)
    seconds = time.process_time() - begin
    print(json.dumps({"requests": requests, "seconds": seconds} | played.figures()))


def stretches(values: list[float]) -> list[float]:
    """Means of 20 consecutive parts; of fewer where there are not so many values."""
    edges = [len(values) * i // STRETCHES for i in range(STRETCHES + 1)]
    return [fmean(values[a:b]) for a, b in pairwise(edges) if b > a]


def shard(key: int) -> int:
    """The shard of a key in W2 (Fibonacci hashing)."""
    return (key * 0x9E3779B9 & 0xFFFFFFFF) >> 29


def popularity() -> list[float]:
    """The share of each key of W2."""
    weights = [(k + 1) ** -W2_EXPONENT for k in range(W2_KEYS)]
    total = sum(weights)
    return [weight / total for weight in weights]


def key_table() -> list[float]:
    """Cumulative shares of the keys of W2: a uniform number's place is a key."""
    return list(accumulate(popularity()))
