"""How often the intervals that a run prints hold the truth: M/M/1 at 50 %, whose mean and p99 are known."""

from __future__ import annotations

import pytest

from simsys.experiment.run import run
from simsys.scenario import load_scenario
from simsys.theory import MMc

RUNS = 200
QUEUE = """
question: M/M/1 at 50 %
load: {rate: 50/s, mix: {get: 100%}}
stations: {server: {servers: 1, ops: {get: {exponential: {mean: 10ms}}}}}
strategies: [{flow: {name: one, get: [{visit: server.get}]}}]
run: {requests: 4445, replications: 10}
"""


@pytest.mark.long
def test_the_printed_intervals_hold_the_truth_as_often_as_they_say() -> None:
    theory = MMc(1, 50.0, 0.010)
    truth = {"latency_mean": theory.sojourn, "latency_p99": theory.sojourn_quantile(0.99)}
    held = dict.fromkeys(truth, 0)
    for seed in range(RUNS):
        result = run(load_scenario(QUEUE, [f"run.seed={seed}"]), jobs=2)
        for metric, value in truth.items():
            row = result.row("one", "get", metric)
            assert row is not None and row.low is not None and row.high is not None
            held[metric] += row.low <= value <= row.high
    assert all(0.92 <= count / RUNS <= 0.98 for count in held.values()), held
