"""The best that SimPy's public interface gives: no processes, no `Resource`; one event per visit, and callbacks.

First come, first served, and services known at arrival: when a visit ends is known when it begins (Kiefer and
Wolfowitz, 1955). Nobody writes a model of any size like this.
"""

from __future__ import annotations

from bisect import bisect
from collections import OrderedDict
from functools import partial
from heapq import heapreplace
from random import Random

import simpy
import systems as s
from systems import Played


def visit(env, free, seconds, then):
    """Serve at the server that is free first, and call `then` at the end."""
    end = max(env.now, free[0]) + seconds
    heapreplace(free, end)
    env.timeout(end - env.now).callbacks.append(then)


def arrivals(env, random, rate, n, begin):
    """Call `begin` with the number of each request when it arrives."""

    def arrive(number, _):
        begin(number)
        if number + 1 < n:
            env.timeout(random.expovariate(rate)).callbacks.append(partial(arrive, number + 1))

    env.timeout(random.expovariate(rate)).callbacks.append(partial(arrive, 0))


def w1(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    servers = [0.0] * s.W1_SERVERS

    def begin(number):
        visit(env, servers, random.expovariate(1 / s.W1_SERVICE), partial(end, env.now))

    def end(arrived, _):
        played.latencies.append(env.now - arrived)

    arrivals(env, random, s.W1_RATE, n, begin)
    env.run()
    return played


def w2(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    api, database = [0.0] * s.W2_API, [0.0] * s.W2_DATABASE
    shards = [[0.0] for _ in range(s.W2_SHARDS)]
    keys, cached = s.key_table(), OrderedDict()

    def begin(number):
        key = bisect(keys, random.random())
        visit(env, api, random.expovariate(1 / s.W2_API_SERVICE), partial(ask, number, key, env.now))

    def ask(number, key, arrived, _):
        shard = shards[s.shard(key)]
        visit(env, shard, random.expovariate(1 / s.W2_CACHE_SERVICE), partial(look_up, number, key, arrived))

    def look_up(number, key, arrived, _):
        hit = key in cached
        if number >= n // 2:
            played.lookups += 1
            played.hits += hit
        if hit:
            cached.move_to_end(key)
            played.latencies.append(env.now - arrived)
        else:
            visit(env, database, random.expovariate(1 / s.W2_DATABASE_SERVICE), partial(fill, key, arrived))

    def fill(key, arrived, _):
        cached[key] = True
        cached.move_to_end(key)
        if len(cached) > s.W2_ENTRIES:
            cached.popitem(last=False)
        played.latencies.append(env.now - arrived)

    arrivals(env, random, s.W2_RATE, n, begin)
    env.run()
    return played


def w3(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    shards = [[0.0] for _ in range(s.W3_SHARDS)]
    batches = iter([min(s.W3_BATCH, n - first) for first in range(0, n, s.W3_BATCH)])

    def begin():
        """A worker takes the next batch, if there is one."""
        size = next(batches, 0)
        left = [size]
        for _ in range(size):
            visit(env, random.choice(shards), random.expovariate(1 / s.W3_WRITE), partial(end, left))

    def end(left, _):
        played.latencies.append(env.now)
        left[0] -= 1
        if left[0] == 0:
            begin()

    for _ in range(s.W3_WORKERS):
        begin()
    env.run()
    played.last = env.now
    return played


if __name__ == "__main__":
    s.main({"W1": w1, "W2": w2, "W3": w3})
