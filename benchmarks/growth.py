"""How time and memory grow with the number of requests: the whole road, played and measured, each in its own process.

    python benchmarks/growth.py [--requests 10000 100000 …] [--engine simpy] [--write]

Time should grow in proportion, memory not at all.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import page
from by_simsys import timed, whole

from simsys.experiment.setting import settings
from simsys.scenario import load_scenario

SCENARIO = Path(__file__).parent / "growth.yaml"
HEADER = ("requests", "CPU s", "µs per request", "peak memory, MB")


def one(requests: int, engine: str) -> None:
    """Play so many in this process, after a few that warm up, and print a line of JSON."""
    for n in (1000, requests):
        setting = settings(load_scenario(SCENARIO, [f"run.requests={n}"]))[0]
        seconds, _ = timed(partial(whole, setting, engine))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "peak": peak}))


def row(requests: int, engine: str) -> list[str]:
    command = [sys.executable, __file__, "--one", "--requests", str(requests), "--engine", engine]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    line = json.loads(done.stdout)
    per_request = 1e6 * line["seconds"] / requests
    return [f"{requests:,}", f"{line['seconds']:.2f}", f"{per_request:.3g}", f"{line['peak'] / 1e6:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of the whole road, by number of requests.")
    parser.add_argument("--requests", type=int, nargs="+", default=[10**n for n in range(4, 9)])
    parser.add_argument("--engine", choices=("compiled", "simpy"), default="compiled")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        return one(given.requests[0], given.engine)
    text = f"{page.machine()}\n\n{page.table(HEADER, [row(n, given.engine) for n in given.requests])}"
    print(text)
    if given.write:
        page.write("growth", text)


if __name__ == "__main__":
    main()
