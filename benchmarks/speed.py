"""How fast simsys plays, beside SimPy by hand, other simulators and a C++ event loop: a table, not a test.

    python benchmarks/speed.py [--rounds N] [--only W1 …] [--write]

Every program plays in every round, in an order shuffled anew, in a process of its own, all on one core. A machine has
quick and slow minutes: who is done in a moment plays `OFTEN` times in a round, and meets both, as the slow programs do.
Seconds are CPU seconds of playing, without start-up and compilation; rates are medians, ratios ratios of medians. The
figures of each row are compared with theory: a row that plays another system, or plays it wrong, says so, and the exit
status is 1. A row that is not installed says that. W4 is the shipped scenario `celebrity`, by both engines, which must
come to the same.
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
from collections.abc import Sequence
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
    "W4": "W4: celebrity.yaml, whole",
}
FULL = {"W1": 1_000_000, "W2": 500_000, "W3": 1_000_000}
SHORT = {"W1": 50_000, "W2": 50_000, "W3": 50_000}
OFTEN = 5
SIMPY, CPP = "SimPy, a process per request", "C++ event loop"
HEADER = ("program", "requests", "CPU s", "requests per CPU s", "× SimPy", "× C++", "drawing", "measuring", "figures")
W4_HEADER = ("strategy", "requests", "SimPy, CPU s", "compiled, CPU s", "ratio", "same", "at 50k/s", "compiled, CPU s")
OFF, DIFFERS, FAILED = "**off by", "**no**", "**failed**"


@dataclass(frozen=True)
class Program:
    """A row: how it is called, before system, requests and seed (and options after), and how much it plays of what."""

    label: str
    call: tuple[str, ...]
    requests: dict[str, int]
    options: tuple[str, ...] = ()
    often: int = 1

    def run(self, system: str, seed: int) -> dict[str, Any]:
        """Its line of JSON; what is raised if there is none, as by `lines_of`."""
        return lines_of([*self.call, system, str(self.requests[system]), str(seed), *self.options])[0]


def script(name: str, python: str = sys.executable) -> tuple[str, str]:
    return python, str(HERE / f"by_{name}.py")


def programs() -> list[Program]:
    """All rows, in the order of the tables."""
    peers = str(PEERS)
    return [
        Program("simsys, compiled", script("simsys"), FULL, ("compiled",), OFTEN),
        Program("simsys, reference", script("simsys"), SHORT, ("simpy",)),
        Program(SIMPY, script("simpy"), FULL),
        Program("SimPy, callbacks", script("callbacks"), FULL),
        Program("Cimba", script("cimba", peers), {"W1": 1_000_000}, often=OFTEN),
        Program("Ciw", script("ciw", peers), {"W1": 100_000}),
        Program("happysim", script("happysim", peers), {"W1": 50_000}),
        Program("salabim", script("salabim", peers), {"W1": 10_000}),
        Program(CPP, (str(LOOP),), FULL, often=OFTEN),
    ]


def build_loop() -> None:
    """Compile loop.cpp, where there is a compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    LOOP.parent.mkdir(exist_ok=True)
    if compiler is not None:
        subprocess.run([compiler, "-O3", "-march=native", "-o", LOOP, HERE / "loop.cpp"], check=True)


def lines_of(command: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of JSON that a command prints. CalledProcessError, OSError or TimeoutExpired if there are none."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return [json.loads(line) for line in done.stdout.splitlines()]


Job = tuple[Program, str]
Runs = dict[tuple[str, str], list[dict[str, Any]]]


def play_all(jobs: list[Job], rounds: int) -> tuple[Runs, dict[tuple[str, str], str]]:
    """The lines of every job, by label and system, and why there are none; the turns of a round are the same play."""
    runs: Runs = defaultdict(list)
    missing: dict[tuple[str, str], str] = {}
    for number in range(1, rounds + 1):
        turns = [job for job in jobs for _ in range(job[0].often)]
        random.Random(number).shuffle(turns)
        for program, system in turns:
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
    return "not installed" if last.startswith("ModuleNotFoundError") else f"{FAILED}: {last}"


def rate(lines: list[dict[str, Any]]) -> float:
    """Requests per CPU second, the median."""
    return median(line["requests"] / line["seconds"] for line in lines)


def rows(system: str, runs: Runs, missing: dict[tuple[str, str], str]) -> list[list[str]]:
    """The table of a system."""
    out = []
    for program in programs():
        key = program.label, system
        if key in missing:
            out.append([program.label, missing[key], *[""] * (len(HEADER) - 2)])
        elif key in runs:
            out.append([program.label, *cells(program, system, runs)])
    return out


def cells(program: Program, system: str, runs: Runs) -> list[str]:
    """One row, but for its name."""
    lines = runs[program.label, system]
    seconds = sorted(line["seconds"] for line in lines)
    spread = f"{median(seconds):.3g} ({seconds[0]:.3g}–{seconds[-1]:.3g})"
    others = [runs.get((label, system)) for label in (SIMPY, CPP)]
    ratios = [f"{rate(lines) / rate(other):.3g}" if other else "" for other in others]
    shares = [share(part, lines) for part in ("drawing", "measuring")]
    figures = "; ".join(said(figure) for figure in expected.figures(system, lines[:: program.often]))
    return [f"{lines[0]['requests']:,}", spread, f"{rate(lines):,.0f}", *ratios, *shares, figures]


def share(part: str, lines: list[dict[str, Any]]) -> str:
    """The seconds of a part, as a share of those of the simulation."""
    return f"{median(line[part] / line['seconds'] for line in lines):.0%}" if part in lines[0] else ""


def said(figure: expected.Figure) -> str:
    """A figure in words: hit ratio 72.5 % (theory 72.5 %)."""

    def text(value: float) -> str:
        return f"{100 * value:.2f} %" if figure.name == "hit ratio" else f"{1000 * value:.4g} ms"

    verdict = "" if figure.agrees else f", {OFF} {figure.off:+.1f} standard errors**"
    return f"{figure.name} {text(figure.value)} (theory {text(figure.theory)}{verdict})"


def celebrity(rounds: int) -> str:
    """The table of W4: each strategy by both engines, and the enlarged one by the compiled engine."""
    call = [sys.executable, str(HERE / "celebrity.py")]
    print(f"{TITLES['W4']} …", file=sys.stderr)
    try:
        compiled = [lines_of([*call, "compiled"]) for _ in range(rounds)]
        large, simpy = lines_of([*call, "compiled", "large"]), lines_of([*call, "simpy"])
    except (OSError, subprocess.SubprocessError) as error:
        return reason(error)
    table = []
    for number, (by_simpy, enlarged) in enumerate(zip(simpy, large, strict=True)):
        seconds = median(lines[number]["seconds"] for lines in compiled)
        same = {lines[number]["digest"] for lines in compiled} == {by_simpy["digest"]}
        table.append([
            by_simpy["strategy"], f"{by_simpy['requests']:,}", f"{by_simpy['seconds']:.1f}", f"{seconds:.3g}",
            f"{by_simpy['seconds'] / seconds:.3g}", "yes" if same else DIFFERS,
            f"{enlarged['requests']:,}", f"{enlarged['seconds']:.3g}",
        ])  # fmt: skip
    return page.table(W4_HEADER, table)


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulators against each other, on one core.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    build_loop()
    runs, missing = play_all([(p, it) for p in programs() for it in given.only if it in p.requests], given.rounds)
    tables = {it: page.table(HEADER, rows(it, runs, missing)) for it in given.only if it in FULL}
    if "W4" in given.only:
        tables["W4"] = celebrity(given.rounds)
    text = "\n\n".join(f"### {TITLES[it]}\n\n{table}" for it, table in tables.items())
    text = f"{page.machine()} Medians of {given.rounds} rounds (and the range).\n\n{text}"
    print(text)
    if given.write:
        page.write("speed", text)
    return int(any(word in text for word in (OFF, DIFFERS, FAILED)))


if __name__ == "__main__":
    sys.exit(main())
