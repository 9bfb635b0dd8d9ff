"""How fast simsys plays, beside SimPy by hand, other simulators and a C++ event loop: a table, not a test.

    python benchmarks/speed.py [--rounds N] [--only W1 …] [--write]

Every program plays in every round, in an order shuffled anew, in a process of its own, all on one core. Seconds are CPU
seconds of playing, without start-up and compilation; rates are medians over the rounds, ratios ratios of medians. The
figures of each row are compared with theory: a row that plays another system, or plays it wrong, says so, and the exit
status is 1. A row that is not installed says that.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import expected
import page

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench" / "bin" / "python"
LOOP = HERE.parent / "build" / "loop"
TITLES = {
    "W1": "W1: eight servers at 80 %",
    "W2": "W2: a cache in shards before a database",
    "W3": "W3: one post to a million followers",
}
FULL = {"W1": 1_000_000, "W2": 500_000, "W3": 1_000_000}
SHORT = {"W1": 100_000, "W2": 50_000, "W3": 100_000}
SIMPY, CPP = "SimPy, a process per request", "C++ event loop"
HEADER = ("program", "requests", "CPU s", "requests per CPU s", "× SimPy", "× C++", "drawing", "measuring", "figures")


@dataclass(frozen=True)
class Program:
    """A row: how it is called, before system, requests and seed (and options after), and how much it plays of what."""

    label: str
    call: tuple[str, ...]
    requests: dict[str, int]
    options: tuple[str, ...] = ()

    def run(self, system: str, seed: int) -> dict[str, Any]:
        """Its line of JSON. CalledProcessError, OSError or TimeoutExpired if there is none."""
        command = [*self.call, system, str(self.requests[system]), str(seed), *self.options]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
        line: dict[str, Any] = json.loads(done.stdout)
        return line


def script(name: str, python: str = sys.executable) -> tuple[str, str]:
    return python, str(HERE / f"by_{name}.py")


def programs() -> list[Program]:
    """All rows, in the order of the tables."""
    peers = str(PEERS)
    return [
        Program("simsys, compiled", script("simsys"), FULL, ("compiled",)),
        Program("simsys, reference", script("simsys"), SHORT, ("simpy",)),
        Program(SIMPY, script("simpy"), FULL),
        Program("SimPy, callbacks", script("callbacks"), FULL),
        Program("Cimba", script("cimba", peers), {"W1": 1_000_000}),
        Program("Ciw", script("ciw", peers), {"W1": 100_000}),
        Program("happysim", script("happysim", peers), {"W1": 100_000}),
        Program("salabim", script("salabim", peers), {"W1": 20_000}),
        Program(CPP, (str(LOOP),), FULL),
    ]


def build_loop() -> None:
    """Compile loop.cpp, where there is a compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    LOOP.parent.mkdir(exist_ok=True)
    if compiler is not None:
        subprocess.run([compiler, "-O3", "-march=native", "-o", LOOP, HERE / "loop.cpp"], check=True)


Job = tuple[Program, str]
Runs = dict[tuple[str, str], list[dict[str, Any]]]


def play_all(jobs: list[Job], rounds: int) -> tuple[Runs, dict[tuple[str, str], str]]:
    """The lines of every job, by label and system, and why there are none."""
    runs: Runs = defaultdict(list)
    missing: dict[tuple[str, str], str] = {}
    for number in range(1, rounds + 1):
        random.Random(number).shuffle(jobs)
        for program, system in jobs:
            if (program.label, system) in missing:
                continue
            print(f"\rround {number} of {rounds}: {system}, {program.label:30}", end="", file=sys.stderr, flush=True)
            try:
                runs[program.label, system].append(program.run(system, number))
            except (OSError, subprocess.SubprocessError) as error:
                missing[program.label, system] = reason(error)
    print(file=sys.stderr)
    return runs, missing


def reason(error: Exception) -> str:
    """Why a program gave nothing, in a line."""
    if isinstance(error, FileNotFoundError):
        return "not installed"
    last = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
    return "not installed" if last.startswith("ModuleNotFoundError") else f"failed: {last}"


def rate(lines: list[dict[str, Any]]) -> float:
    """Requests per CPU second, the median."""
    return median(line["requests"] / line["seconds"] for line in lines)


def rows(system: str, runs: Runs, missing: dict[tuple[str, str], str]) -> list[list[str]]:
    """The table of a system."""
    out = []
    for program in programs():
        lines = runs.get((program.label, system))
        if not lines:
            why = missing.get((program.label, system))
            out += [[program.label, why, *[""] * (len(HEADER) - 2)]] if why else []
            continue
        seconds = sorted(line["seconds"] for line in lines)
        ratios = [f"{rate(lines) / rate(runs[it, system]):.3g}" if runs.get((it, system)) else "" for it in (SIMPY, CPP)]
        shares = [
            f"{median(line[part] / line['seconds'] for line in lines):.0%}" if part in lines[0] else ""
            for part in ("drawing", "measuring")
        ]
        figures = "; ".join(said(figure) for figure in expected.figures(system, lines))
        spread = f"{median(seconds):.3g} ({seconds[0]:.3g}–{seconds[-1]:.3g})"
        out.append([program.label, f"{lines[0]['requests']:,}", spread, f"{rate(lines):,.0f}", *ratios, *shares, figures])
    return out


def said(figure: expected.Figure) -> str:
    """A figure in words: hit ratio 72.5 % (theory 72.5 %)."""

    def text(value: float) -> str:
        return f"{100 * value:.2f} %" if figure.name == "hit ratio" else f"{1000 * value:.4g} ms"

    verdict = "" if figure.agrees else f", **off by {figure.off:+.1f} standard errors**"
    return f"{figure.name} {text(figure.value)} (theory {text(figure.theory)}{verdict})"


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulators against each other, on one core.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    build_loop()
    runs, missing = play_all([(p, system) for p in programs() for system in given.only if system in p.requests], given.rounds)
    tables = {system: rows(system, runs, missing) for system in given.only}
    text = "\n\n".join(f"### {TITLES[system]}\n\n{page.table(HEADER, tables[system])}" for system in given.only)
    text = f"{page.machine()} Medians of {given.rounds} rounds (and the range).\n\n{text}"
    print(text)
    if given.write:
        page.write("speed", text)
    return int("**off by" in text or any(why != "not installed" for why in missing.values()))


if __name__ == "__main__":
    sys.exit(main())
