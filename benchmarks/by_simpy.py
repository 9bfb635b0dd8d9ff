"""SimPy by hand, as its documentation teaches it: a process per request, and a `Resource` per station."""

from __future__ import annotations

from bisect import bisect
from collections import OrderedDict
from random import Random

import simpy
import systems as s
from systems import Played


def w1(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    servers = simpy.Resource(env, s.W1_SERVERS)

    def request():
        arrived = env.now
        with servers.request() as turn:
            yield turn
            yield env.timeout(random.expovariate(1 / s.W1_SERVICE))
        played.latencies.append(env.now - arrived)

    def arrivals():
        for _ in range(n):
            yield env.timeout(random.expovariate(s.W1_RATE))
            env.process(request())

    env.process(arrivals())
    env.run()
    return played


def w2(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    api, database = simpy.Resource(env, s.W2_API), simpy.Resource(env, s.W2_DATABASE)
    shards = [simpy.Resource(env) for _ in range(s.W2_SHARDS)]
    keys, cached = s.key_table(), OrderedDict()

    def visit(station, mean):
        with station.request() as turn:
            yield turn
            yield env.timeout(random.expovariate(1 / mean))

    def request(number):
        arrived, key = env.now, bisect(keys, random.random())
        yield from visit(api, s.W2_API_SERVICE)
        yield from visit(shards[s.shard(key)], s.W2_CACHE_SERVICE)
        hit = key in cached
        if number >= n // 2:
            played.lookups += 1
            played.hits += hit
        if hit:
            cached.move_to_end(key)
        else:
            yield from visit(database, s.W2_DATABASE_SERVICE)
            cached[key] = True
            cached.move_to_end(key)
            if len(cached) > s.W2_ENTRIES:
                cached.popitem(last=False)
        played.latencies.append(env.now - arrived)

    def arrivals():
        for number in range(n):
            yield env.timeout(random.expovariate(s.W2_RATE))
            env.process(request(number))

    env.process(arrivals())
    env.run()
    return played


def w3(n: int, seed: int) -> Played:
    env, random, played = simpy.Environment(), Random(seed), Played()
    workers = simpy.Resource(env, s.W3_WORKERS)
    shards = [simpy.Resource(env) for _ in range(s.W3_SHARDS)]

    def write():
        with random.choice(shards).request() as turn:
            yield turn
            yield env.timeout(random.expovariate(1 / s.W3_WRITE))
        played.latencies.append(env.now)

    def deliver(size):
        with workers.request() as turn:
            yield turn
            yield env.all_of([env.process(write()) for _ in range(size)])

    for first in range(0, n, s.W3_BATCH):
        env.process(deliver(min(s.W3_BATCH, n - first)))
    env.run()
    played.last = env.now
    return played


if __name__ == "__main__":
    s.main({"W1": w1, "W2": w2, "W3": w3})
