"""How long simsys takes to start: help, a small run, and the first run ever, which compiles.

    python benchmarks/start.py [--rounds N] [--write]

Seconds on the clock from calling `simsys` to its end, medians. The first run has an empty cache of compiled code; what
it takes beyond a warm run is the one-time compilation.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import page

W1 = Path(__file__).parent / "w1.yaml"


def call(*arguments: str, cache: str | None = None) -> float:
    """Seconds of one `simsys …`; CalledProcessError if it fails."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "simsys", *arguments], env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def figures(rounds: int, engine: str | None) -> list[list[str]]:
    """The rows of the table."""
    rows = [["`simsys --help`", f"{median(call('--help') for _ in range(rounds)):.2f}"]]
    with TemporaryDirectory() as folder:
        cache, out = str(Path(folder, "cache")), str(Path(folder, "out"))
        run = ["run", str(W1), "--set", "run.requests=10k", "--set", "run.warmup=10%", "--quiet", "--out", out]
        run += ["--engine", engine] if engine else []
        first = call(*run, cache=cache)
        warm = median(call(*run, cache=cache) for _ in range(rounds))
    rows.append(["10,000 requests, warm cache", f"{warm:.2f}"])
    rows.append(["10,000 requests, the first run ever", f"{first:.2f}"])
    rows.append(["of that the one-time compilation", f"{first - warm:.2f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="How long simsys takes to start.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", help="as of `simsys run`; its own choice where it is left out")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    text = f"{page.machine()}\n\n{page.table(('what', 's'), figures(given.rounds, given.engine))}"
    print(text)
    if given.write:
        page.write("start", text)


if __name__ == "__main__":
    main()
