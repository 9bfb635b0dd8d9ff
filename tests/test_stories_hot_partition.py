"""Hot partitions: what each shard is asked for, from the mass of each key and where it lies; and what copies change.

A key lies on the shard of its hash and, where it has copies, on those that follow. The oracle adds up Zipf's law over
the shards; that of two lines of which the shorter is joined solves the Markov chain of both lengths.
"""

from __future__ import annotations

import numpy as np
import pytest
from bands import holds
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve
from worlds import Arrivals, run_plan, station

from simsys import draws
from simsys.experiment.jobs import play_once
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.report.outline import outline
from simsys.scenario import load_scenario
from simsys.steps import Visit

SHARDS, KEYS, EXPONENT, RATE, SERVICE = 8, 1_000, 1.2, 13_000, 250e-6
PUT = 0.1
HOTTEST = 1.0 / sum(rank**-EXPONENT for rank in range(1, KEYS + 1))

WORLD = """
load: {{rate: {rate}/s, mix: {{get: 90%, put: 10%}}, keys: {{count: {keys}, popularity: {{zipf: {exponent}}}}}}}
stations: {{store: {{shards: {shards}, servers: 1, ops: {{get: 250us, put: 250us}}}}}}
strategies: [{{flow: {{name: hot, get: [{get}], put: [{put}]}}}}]
run: {{requests: 40k, warmup: 10%, replications: 10, seed: 5}}
"""


def asked(copies: int, everywhere: int = 0) -> list[float]:
    """Share of its time that each shard is busy, if a key lies on so many shards and the first keys on all."""
    mass = np.arange(1, KEYS + 1) ** -EXPONENT * HOTTEST
    load = np.zeros(SHARDS)
    for key in range(KEYS):
        count = SHARDS if key < everywhere else copies
        here = [(draws.shard_of(float(key), SHARDS) + i) % SHARDS for i in range(count)]
        load[here] += mass[key] * ((1 - PUT) / count + PUT)
    return list(load * RATE * SERVICE)


def busy(get: str, put: str) -> list[list[float]]:
    """The same as played, per shard and replication."""
    text = WORLD.format(rate=RATE, keys=KEYS, exponent=EXPONENT, shards=SHARDS, get=get, put=put)
    setting = settings(load_scenario(text))[0]
    plays = [play_once(setting, r, "compiled").stations["store"].utilization for r in range(10)]
    return [list(shard) for shard in zip(*plays, strict=True)]


def told(get: str, put: str) -> dict[str, float | None]:
    """The rows of single shards."""
    text = WORLD.format(rate=RATE, keys=KEYS, exponent=EXPONENT, shards=SHARDS, get=get, put=put)
    rows = run(load_scenario(text, ["run.requests=20k", "run.replications=2"]), jobs=1).rows
    return {row.metric: row.value for row in rows if "." in row.metric and row.subject == "store"}


HOT = "{{when: key < 1, then: [{}], else: [{}]}}"
BY_KEY = ("{visit: store.get, key: key}", "{visit: store.put, key: key}")
COPIES = ("{visit: store.get, key: key, of: 3}", "{visit: store.put, key: key, n: 3, over: 3}")
EVERYWHERE = (
    HOT.format("{visit: store.get, key: any}", BY_KEY[0]),
    HOT.format("{visit: store.put, key: spread, n: 8}", BY_KEY[1]),
)
WAYS = {"copies": (COPIES, asked(3)), "everywhere": (EVERYWHERE, asked(1, everywhere=1))}


def agrees(found: list[list[float]], wanted: list[float]) -> None:
    """Every shard to two hundredths of its time; the busiest as closely as the replications tell."""
    assert [float(np.mean(one)) for one in found] == pytest.approx(wanted, abs=0.02)
    hottest = int(np.argmax(wanted))
    holds(found[hottest], wanted[hottest], 0.02)


@pytest.mark.parametrize("way", WAYS)
def test_every_shard_is_as_busy_as_the_mass_of_its_keys(way: str) -> None:
    (get, put), wanted = WAYS[way]
    agrees(busy(get, put), wanted)


@pytest.mark.parametrize(
    "mutant",
    [BY_KEY, (COPIES[0], BY_KEY[1]), (BY_KEY[0], COPIES[1]), ("{visit: store.get, key: any}", COPIES[1])],
    ids=["no copies", "one copy is written", "one copy is read", "any shard is read"],
)
def test_without_any_part_of_the_copies_some_shard_is_not(mutant: tuple[str, str]) -> None:
    found = busy(*mutant)
    with pytest.raises(AssertionError):
        agrees(found, asked(3))


def test_shards_are_told_one_by_one_where_one_is_much_busier() -> None:
    found, loads = told(*BY_KEY), asked(1)
    assert list(found) == [f"{metric}.{shard}" for shard in range(SHARDS) for metric in ("utilization", "throughput")]
    values = [found[f"utilization.{shard}"] for shard in range(SHARDS)]
    assert values == pytest.approx(loads, abs=0.05)
    assert told("{visit: store.get, key: any}", "{visit: store.put, key: any}") == {}


def test_the_hottest_key_leaves_its_shard_seven_eighths_of_its_reads_lighter() -> None:
    """Of all requests 23 % are for it, and its shard is twice as busy as all are on average."""
    hottest, asked_for = draws.shard_of(0.0, SHARDS), asked(1)
    assert round(HOTTEST, 2) == 0.23 and max(asked_for) == asked_for[hottest] > 2 * np.mean(asked_for)
    lighter = (1 - PUT) * HOTTEST * 7 / 8 * RATE * SERVICE
    assert asked_for[hottest] - asked(1, everywhere=1)[hottest] == pytest.approx(lighter)
    found = [float(np.mean(busy(*way)[hottest])) for way in (BY_KEY, EVERYWHERE)]
    assert found[0] - found[1] == pytest.approx(lighter, abs=0.02)


# -- the shorter of two lines -----------------------------------------------------------------------------------------

PAIR = """
load: {{rate: 1.4/s, mix: {{get: 100%}}, keys: {{count: 1}}}}
stations: {{store: {{shards: {shards}, servers: 1, choices: {choices}, ops: {{get: {{exponential: {{mean: 1s}}}}}}}}}}
strategies: [{{flow: {{name: pair, get: [{{visit: store.get, key: key, of: 2}}]}}}}]
run: {{requests: 150k, warmup: 10%, replications: 10}}
"""


def shorter_of_two(load: float, different: bool = True, most: int = 60) -> float:
    """Mean time inside (service times) where the shorter of two lines is joined, `load` per server; if the two that
    are looked at need not be `different`, every second one looks at a single line.
    """
    rate, states = 2 * load, [(a, b) for a in range(most) for b in range(most)]
    place = {state: i for i, state in enumerate(states)}
    flow = lil_matrix((len(states), len(states)))
    for (a, b), i in place.items():
        left = 0.5 if a == b else float(a < b)
        left = left if different else 0.5 * left + 0.25
        for other, speed in (((a + 1, b), rate * left), ((a, b + 1), rate * (1 - left)),
                             ((a - 1, b), 1.0), ((a, b - 1), 1.0)):  # fmt: skip
            if other in place:
                flow[place[other], i] += speed
                flow[i, i] -= speed
    flow[0, :] = 1.0
    share = spsolve(flow.tocsr(), np.eye(1, len(states)).ravel())
    return float(share @ np.sum(states, axis=1)) / rate


def times(choices: int, shards: int = 2) -> list[float]:
    setting = settings(load_scenario(PAIR.format(choices=choices, shards=shards)))[0]
    return [play_once(setting, r, "compiled").ops["get"].latency.mean or 0.0 for r in range(10)]


def test_the_shorter_line_of_two_copies() -> None:
    """2.11 service times at 70 %; 3.33 without a choice. Two looks at the same line would make it more."""
    exact, same = shorter_of_two(0.7), shorter_of_two(0.7, different=False)
    assert exact == pytest.approx(2.11, abs=0.01) and same > 1.1 * exact
    found = times(2)
    holds(found, exact, 0.03 * exact)
    with pytest.raises(AssertionError):
        holds(found, same, 0.03 * exact)


def test_more_choices_than_copies_are_as_many_and_other_shards_are_not_looked_at() -> None:
    holds(times(4, shards=8), shorter_of_two(0.7), 0.06)


# -- where a visit goes -----------------------------------------------------------------------------------------------


def visited(n: float = 1.0, **among: int) -> list[int]:
    """How often each of five shards was visited by 60 requests for a key that lies on shard 3, and on."""
    key = next(k for k in range(99) if draws.shard_of(float(k), 5) == 3)

    def get(r):  # type: ignore[no-untyped-def]
        yield Visit("store", "get", n=n, key=r.key, **among)

    log = run_plan(get, {"store": station(shards=5, get="1ms")}, Arrivals(range(60), key=[key] * 60))
    return list(log.stations["store"].visits)


def test_a_visit_of_several_goes_to_one_of_those_that_follow_its_own() -> None:
    assert visited() == [0, 0, 0, 60, 0]
    one_of_three = visited(of=3)
    assert sum(one_of_three) == 60 and one_of_three[1:3] == [0, 0] and min(one_of_three[i] for i in (3, 4, 0)) > 10
    assert min(visited(of=99)) > 3, "of all, where there are not so many"


def test_a_visit_over_several_goes_to_all_of_them_as_far_as_its_units_reach() -> None:
    assert visited(3, over=3) == [60, 0, 0, 60, 60]
    assert visited(1.5, over=3) == [0, 0, 0, 60, 60]
    assert visited(1, over=3) == [0, 0, 0, 60, 0]
    assert visited(9, over=99) == [60, 60, 60, 60, 60]


def test_it_says_so() -> None:
    text = WORLD.format(rate=1, keys=9, exponent=1, shards=4, get=COPIES[0], put=COPIES[1])
    trees = settings(load_scenario(text))[0].trees
    assert isinstance(trees, dict)
    assert outline(trees["get"])[0].label == "visit store.get, by key, at one of 3 shards"
    assert outline(trees["put"])[0].label == "visit store.put × 3, by key, over 3 shards"
