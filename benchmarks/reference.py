"""How fast the reference engine plays: CPU seconds and peak memory of one play, per strategy of a shipped scenario.

    .venv/bin/python benchmarks/reference.py [SCENARIO ...]

Medians of three plays in one process each; a table, not a test: machines are noisy. `visits` counts every shard
visited.
"""

from __future__ import annotations

import platform
import resource
import statistics
import sys
import time
from multiprocessing import get_context

from simsys.experiment.run import play_once
from simsys.experiment.setting import settings
from simsys.scenario import find_scenario, load_scenario

ROUNDS = 3


def measure(name: str, number: int) -> tuple[str, int, int, float, float]:
    """Label, requests, visits, median CPU seconds and peak memory (MB) of one play."""
    setting = settings(load_scenario(find_scenario(name)))[number]
    seconds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        summary = play_once(setting, 0)
        seconds.append(time.process_time() - begin)
    requests = sum(op.offered for op in summary.ops.values())
    visits = round(sum(sum(s.throughput) for s in summary.stations.values()) * summary.length)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return setting.label, requests, visits, statistics.median(seconds), peak


def main(names: list[str]) -> None:
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, median of {ROUNDS}")
    print(f"{'scenario':16}{'strategy':14}{'requests':>10}{'visits':>12}{'CPU s':>8}{'visits/s':>12}{'MB':>8}")
    for name in names:
        for number in range(len(load_scenario(find_scenario(name)).strategies)):
            with get_context("spawn").Pool(1) as alone:
                label, requests, visits, seconds, peak = alone.apply(measure, (name, number))
            rate = visits / seconds
            print(f"{name:16}{label:14}{requests:10,}{visits:12,}{seconds:8.2f}{rate:12,.0f}{peak:8,.0f}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["mm4", "web-cache-db", "celebrity"])
