"""The whole road of scenarios/celebrity.yaml: what its plays consist of, and how long `simsys run` takes.

    python benchmarks/road.py [--requests N] [--replications N] [--write]

A play is the kernel, drawing (the workload, and service times), measuring (histograms, ledgers, audits), and what else
Python does around them. As in a worker, the strategies of a replication are played one after the other, with the draws
that they share; figures are medians over replications.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory

import page
from by_simsys import listen, timed

from simsys.engines import compiled
from simsys.engines.arrivals import Arrivals
from simsys.experiment.engines import compile_kernel
from simsys.experiment.evaluate import Plays, shared_plan
from simsys.experiment.jobs import play_job
from simsys.experiment.journal import Journal
from simsys.experiment.setting import settings
from simsys.measure.meter import Meter
from simsys.scenario import load_scenario

PARTS = {
    "kernel": (compiled, ("run",)),
    "drawing": (Arrivals, ("next_chunk",)),
    "measuring": (Meter, ("take", "summary")),
}
HEADER = ("strategy", "whole, CPU s", *PARTS, "else", "(drawing + measuring) / kernel")
RUN_HEADER = ("`simsys run celebrity`", "s on the clock", "CPU s", "largest process, MB")


def plays(requests: int, replications: int) -> list[list[str]]:
    """A row per strategy."""
    spent: dict[str, list[float]] = {part: [] for part in PARTS}
    for part, (owner, methods) in PARTS.items():
        for method in methods:
            setattr(owner, method, listen(getattr(owner, method), spent[part]))
    scenario = load_scenario("celebrity", [f"run.requests={requests}"])
    compile_kernel()
    lines: dict[str, list[dict[str, float]]] = {setting.label: [] for setting in settings(scenario)}
    for job in Plays(shared_plan([scenario], 2, "compiled"), Journal()).jobs(scenario, 1 + replications):
        for seconds in spent.values():
            seconds.clear()
        whole, _ = timed(partial(play_job, job))
        lines[job.setting.label].append({"whole": whole} | {part: sum(each) for part, each in spent.items()})
    return [[strategy, *cells(played[1:])] for strategy, played in lines.items()]  # the first warms up


def cells(played: list[dict[str, float]]) -> list[str]:
    """A row, but for its name."""
    whole, *parts = (median(line[what] for line in played) for what in ("whole", *PARTS))
    ratio = median((line["drawing"] + line["measuring"]) / line["kernel"] for line in played)
    return [*(f"{seconds:.2f}" for seconds in (whole, *parts, whole - sum(parts))), f"{ratio:.2f}"]


def run(requests: int) -> list[str]:
    """The row of a run of ten replications by two workers."""
    with TemporaryDirectory() as folder:
        sets = ("--set", f"run.requests={requests}", "--set", "run.replications=10")
        command = [sys.executable, "-m", "simsys", "run", "celebrity", *sets, "--jobs", "2", "--quiet", "--out", folder]
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    told = f"{requests:,} requests × 4 strategies × 10 replications, two workers"
    return [told, f"{seconds:.1f}", f"{cpu:.1f}", f"{peak / 1e6:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a play consists of, and how long a run takes.")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--replications", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    given = parser.parse_args()
    parts = page.table(HEADER, plays(given.requests, given.replications))  # first, as it compiles what the run needs
    text = f"{page.machine()}\n\n{parts}\n\n{page.table(RUN_HEADER, [run(given.requests)])}"
    print(text)
    if given.write:
        page.write("road", text)


if __name__ == "__main__":
    main()
