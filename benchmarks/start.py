"""How long simsys takes to start: help, a small run, and the first run ever, which compiles.

    python benchmarks/start.py [--rounds N] [--write]

Seconds on the clock from calling `simsys` to its end, medians. A first run has an empty cache of compiled code: left to
itself, simsys plays so few requests with SimPy; what it takes by the compiled engine beyond a warm run is the one-time
compilation. Python keeps its byte code, as after an installation.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import page

W1 = Path(__file__).parent / "w1.yaml"


def call(*arguments: str, cache: str | None = None) -> float:
    """Seconds of one `simsys …`; CalledProcessError if it fails."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "simsys", *arguments], env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def figures(rounds: int) -> dict[str, float]:
    """The rows of the table: what, and seconds."""
    with TemporaryDirectory() as folder:
        new = (str(Path(folder, f"out{number}")) for number in count())  # what is played is not played again

        def run(cache: str, *more: str) -> float:
            short = ("--set", "run.requests=10k", "--set", "run.warmup=10%", "--quiet", "--out", next(new))
            return call("run", str(W1), *short, *more, cache=str(Path(folder, cache)))

        first = run("new")
        compiled = partial(run, "cache", "--engine", "compiled")
        compiling = compiled()
        warm = median(compiled() for _ in range(rounds))
        asked = [("--help",), ("list",), ("check", str(W1)), ("explain", str(W1))]
        told = {f"`simsys {words[0]}`": median(call(*words) for _ in range(rounds)) for words in asked}
    return told | {
        "10,000 requests, warm cache": warm,
        "10,000 requests, the first run ever": first,
        "the same by the compiled engine": compiling,
        "of that the one-time compilation": compiling - warm,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="How long simsys takes to start.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    rows = [[what, f"{seconds:.2f}"] for what, seconds in figures(given.rounds).items()]
    text = f"{page.machine()}\n\n{page.table(('what', 's'), rows)}"
    print(text)
    if given.write:
        page.write("start", text)


if __name__ == "__main__":
    main()
