"""Small mistakes in the compiled kernel: in the random worlds, each of them shows against the reference engine.

A kernel with a mistake is compiled anew, in a copy of simsys, half a minute each: a long test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ENGINE, CACHES = "engines/kernel/", "structures/kernel/"
MUTANTS = {
    "serials backwards": (ENGINE + "events.py", "return serial < other.serial", "return serial > other.serial"),
    "numbers backwards": (ENGINE + "events.py", "return key < other.key", "return key > other.key"),
    "the second event is not the first of two": (ENGINE + "events.py", "first_of_two(g, 1, g.events) if g.vacant",
                                                 "1 if g.vacant"),
    "nobody has traits": (ENGINE + "agents.py", "if g.has_traits:", "if g.has_traits > 1:"),
    "a service of no time": (ENGINE + "plain.py", "        end = nextafter(start, inf)\n", "        end = start\n"),
    "rounded once more": (ENGINE + "plain.py", "wait += start - now", "wait += (start - now) * 1.0000000000000002"),
    "begun, and still in line": (ENGINE + "plain.py", "shard.line >= shard.longest", "shard.line > shard.longest"),
    "the first draw again": (ENGINE + "values.py", "column + visit)", "column)"),
    "to the last shard twice": (ENGINE + "plain.py", " number = 0\n", " number = station.shards - 1\n"),
    "only the last branch counts": (ENGINE + "forks.py", "fork.done & agent.value", "agent.value"),
    "a crowd at one shard": (ENGINE + "crowds.py", "station.any_stream, station.shards", "station.any_stream, 1"),
    "the last of a crowd has drawn": (ENGINE + "crowds.py", "        g.foreseen = child.drawn = 0",
                                      "        g.foreseen = 0"),
    "a server too many": (ENGINE + "desks.py", "shard.users >= station.servers:\n        return\n    first",
                          "shard.users > station.servers:\n        return\n    first"),
    "a token for nothing": (ENGINE + "desks.py", "shard.tokens -= found", "shard.tokens -= 1.0"),
    "one shard of all goes down": (ENGINE + "desks.py", "outage.shard + outage.shards)", "outage.shard + 1)"),
    "room for one more": (CACHES + "table.py", "cache.length + 1 > cache.capacity", "cache.length > cache.capacity"),
    "alive at its end": (CACHES + "table.py", "if now >= one.expiry", "if now > one.expiry"),
    "who waited is told to load": (ENGINE + "leases.py", "hop(g, RESUMES, slot, 1)", "hop(g, RESUMES, slot, 0)"),
}  # fmt: skip
PLAY = """
from random_worlds import make
from same_log import difference

for seed in range(300):
    world = make(seed)
    found = difference(world.play("simpy"), world.play("compiled"))
    if found is not None:
        print(f"world {seed}: {found}")
        break
else:
    print("nobody noticed")
"""


@pytest.mark.long
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_in_the_kernel_shows(name: str, tmp_path: Path) -> None:
    place, old, new = MUTANTS[name]
    shutil.copytree(REPOSITORY / "simsys", tmp_path / "simsys", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "simsys" / place
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not once in {place}"
    file.write_text(text.replace(old, new))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{REPOSITORY / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", PLAY], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip
    assert done.stdout.startswith("world "), done.stdout + done.stderr
