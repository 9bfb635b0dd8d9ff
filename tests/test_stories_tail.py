"""The tail at scale: a request that asks many is as slow as the slowest of them, and what a second question costs.

Sources: Dean and Barroso, The tail at scale, CACM 2013 (TAIL-1, TAIL-4); the mean of the largest of n exponential
times is the n-th harmonic number (Q-15); Tene, How not to measure latency, 2013 (coordinated omission, Q-17).
"""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from bands import holds

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.measure.histogram import Histogram
from simsys.scenario import load_scenario

PLAYS = 10

ASK = """
load: {{rate: 100/s, mix: {{get: 100%}}}}
stations: {{leaf: {{servers: unlimited, ops: {{ask: {law}}}}}}}
strategies: [{{flow: {{name: ask, get: [{steps}]}}}}]
run: {{requests: {requests}, warmup: 0s, replications: 10}}
"""


def latencies(law: str, steps: str, requests: int) -> list[Histogram]:
    setting = settings(load_scenario(ASK.format(law=law, steps=steps, requests=requests)))[0]
    return [play_once(setting, r, "compiled").ops["get"].latency for r in range(PLAYS)]


def share_above(histogram: Histogram, seconds: float) -> float:
    x, above = histogram.ccdf()
    return float(np.append(above, 1.0)[np.searchsorted(x, seconds, side="right") - 1])


@pytest.mark.parametrize(
    ("slow", "leaves", "requests"), [(1e-2, 100, 14_000), pytest.param(1e-4, 2_000, 10_000, marks=pytest.mark.long)]
)
def test_tail_1_one_slow_leaf_makes_a_request_slow(slow: float, leaves: int, requests: int) -> None:
    """1 % of slow leaves make 63.4 % of slow requests of 100, one in 10,000 makes 18.1 % of those of 2,000."""
    law = f"{{mixture: [{{share: {100 * (1 - slow)}%, constant: 1ms}}, {{share: {100 * slow}%, constant: 1s}}]}}"
    leaf = "{visit: leaf.ask}"
    theory = 1 - (1 - slow) ** leaves
    many = latencies(law, f"{{each: {leaves}, do: [{leaf}]}}", requests)
    holds([share_above(one, 0.5) for one in many], theory, 0.005)
    alone = latencies(law, leaf, 2_000)
    assert all(share_above(one, 0.5) < 0.1 * theory for one in alone), "a mutant that asks only one"


@pytest.mark.parametrize("second", ["else", "also"])
@pytest.mark.parametrize(
    ("law", "p95"),
    [("{exponential: {mean: 10ms}}", 0.01 * log(20)), ("{uniform: {low: 1ms, high: 21ms}}", 0.02)],
    ids=["exponential", "uniform"],
)
def test_tail_4_a_second_question_after_the_p95_costs_5_percent(law: str, p95: float, second: str) -> None:
    """Whatever the law, 1.05 questions come to the leaves for each request, whether the first goes on in vain or in a
    race; after half of the p95 more do (a mutant).
    """

    def extra(after: float) -> list[float]:
        steps = f"{{within: {after}s, do: [{{visit: leaf.ask}}], {second}: [{{visit: leaf.ask}}]}}"
        setting = settings(load_scenario(ASK.format(law=law, steps=steps, requests=8_000)))[0]
        plays = [play_once(setting, r, "compiled") for r in range(PLAYS)]
        return [play.stations["leaf"].served / play.ops["get"].offered - 1 for play in plays]

    holds(extra(p95), 0.05, 0.003)
    assert min(extra(p95 / 2)) > 0.1


def test_tail_4_a_hedge_shortens_the_tail_and_a_race_more() -> None:
    """After 20 ms of an exponential 10 ms: P(T > 30 ms) is e^-3 alone, e^-2 e^-1 with a second that takes its place,
    and e^-2 e^-2 where either may answer.
    """
    leaf, after = "{visit: leaf.ask}", "{within: 20ms, do: [{visit: leaf.ask}], "
    for steps, exponent in ((leaf, 3), (f"{after}else: [{leaf}]}}", 3), (f"{after}also: [{leaf}]}}", 4)):
        found = [share_above(one, 0.03) for one in latencies("{exponential: {mean: 10ms}}", steps, 8_000)]
        holds(found, exp(-exponent), 0.1 * exp(-exponent))


@pytest.mark.parametrize(("n", "times"), [(10, 2.929), pytest.param(100, 5.187, marks=pytest.mark.long)])
def test_q_15_the_largest_of_many_exponential_times(n: int, times: float) -> None:
    many = latencies("{exponential: {mean: 10ms}}", f"{{each: {n}, do: [{{visit: leaf.ask}}]}}", 4_000)
    means = [one.mean or 0.0 for one in many]
    assert sum(1 / k for k in range(1, n + 1)) == pytest.approx(times, abs=1e-3)
    holds(means, 0.01 * sum(1 / k for k in range(1, n + 1)), 0.01 * 0.01 * times)
    one_by_one = latencies("{exponential: {mean: 10ms}}", f"{{each: {n}, width: 1, do: [{{visit: leaf.ask}}]}}", 500)
    assert min(one.mean or 0.0 for one in one_by_one) > 0.009 * n, "a mutant that asks one after the other"


STALL = """
load: {load}
stations: {{server: {{servers: 1, ops: {{get: 1ms}}}}}}
strategies: [{{flow: {{name: stall, get: [{{visit: server.get}}]}}}}]
events: [{{at: 100s, stall: server, for: 100s}}]
run: {{duration: 200s, replications: 1}}
"""


def test_q_17_who_waits_for_a_stalled_server_is_counted_from_his_arrival() -> None:
    """100 s at 1 ms, then 100 s of nothing, 100 requests a second: the mean is 25.0 s, the p75 50 s, p99.99 100 s."""
    open_loop = settings(load_scenario(STALL.format(load="{rate: 100/s, arrivals: regular, mix: {get: 100%}}")))[0]
    told = play_once(open_loop, 0, "compiled").ops["get"].latency
    # Those of the stall wait until it ends, and then for all who came before: 1 ms each, where 10 ms lie between two.
    waits = [100 - 0.01 * k + 0.001 * (k + 1) for k in range(10_000)]
    truth = np.sort(np.array([0.001] * 10_000 + waits))
    assert told.count == 20_000
    assert told.mean == pytest.approx(truth.mean(), rel=1e-3)
    for q in (0.5, 0.75, 0.9999):
        assert told.quantile(q) == pytest.approx(truth[int(np.ceil(q * 20_000)) - 1], rel=2e-3)
    clients = "{clients: 1, think: 9ms, mix: {get: 100%}}"
    closed = play_once(settings(load_scenario(STALL.format(load=clients)))[0], 0, "compiled").ops["get"].latency
    assert closed.quantile(0.999) == pytest.approx(0.001, rel=1e-3), "measured in a closed loop, nothing is seen"
