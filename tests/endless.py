"""A run in a process of its own whose first replication is done, and whose two workers then play for ever."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, time
from simsys.cli import entry, results
from simsys.experiment import jobs

play_once = jobs.play_once

def endless(setting, replication, engine, load):
    if replication == 0:
        return play_once(setting, replication, engine, load)
    print("plays", flush=True)
    time.sleep(60)

jobs.play_once = endless
{}
entry.main()
"""


def endless(*words: str, more: str = "") -> subprocess.Popen[str]:
    """The run of tiny.yaml with these words, both workers playing; `more` is done before it begins."""
    command = [sys.executable, "-c", SCRIPT.format(more), "run", "tiny.yaml", "--engine", "simpy", "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--set", "run.replications=3", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    assert "plays, about" in process.stderr.readline()
    assert [process.stdout.readline() for _ in range(2)] == ["plays\n"] * 2
    return process
