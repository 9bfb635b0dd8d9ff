"""Jobs: what a play needs around it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from simsys.distributions import laws
from simsys.experiment.identity import load_identity
from simsys.experiment.jobs import Job, play_job, play_once
from simsys.experiment.setting import settings
from simsys.measure.encoding import encode
from simsys.scenario import load_scenario

WORLD = """
question: Ask one server, or ask it twice?
load: {rate: 50/s, mix: {get: 100%}, size: {exponential: {mean: 1kB}}}
stations:
  disk: {servers: 1, ops: {get: {fixed: {exponential: {mean: 5ms}}}}}
strategies:
  - flow: {name: once, get: [{visit: disk.get}]}
  - flow: {name: twice, get: [{visit: disk.get}, {visit: disk.get, n: size}]}
run: {requests: 100, replications: 2}
"""

SCRIPT = """
import resource
import numpy as np
from simsys.experiment.jobs import keep_pages

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        [np.ones(1 << 17) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

told = [(new_pages(), new_pages())[1]]
keep_pages()
told.append((new_pages(), new_pages())[1])
print(*told)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not that of glibc here")
def test_what_a_play_lets_go_of_it_gets_again_without_new_pages() -> None:
    before, after = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True).split()
    assert int(before) > 5000 and int(after) < 500


def test_plays_of_one_process_are_as_if_each_were_alone() -> None:
    """Those one after the other differ in law, seed, rate, more than one thing, and replication."""
    slower, later = ("stations.disk.ops.get.fixed.exponential.mean=7ms",), ("run.seed=2",)
    changes = ((), slower, later, (*later, "load.rate=60/s"), (*slower, "stations.disk.servers=2"))
    jobs = [
        Job(setting, replication, engine)
        for replication in range(2)
        for change in changes
        for setting in settings(load_scenario(WORLD, change, "world"))
        for engine in ("simpy", "compiled")
    ]
    told = [play_job(job) for job in jobs]
    assert told == [encode(play_once(*job)) for job in jobs]
    assert len(set(told)) == len(told) / 2


def test_the_next_strategy_meets_the_same_requests_without_another_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, int]] = []
    variates = laws.variates
    monkeypatch.setattr(laws, "variates", lambda *a: drawn.append((len(a[-2]), a[-1])) or variates(*a))
    once, twice = settings(load_scenario(WORLD, (), "world"))
    size, first, second = (100, 0), (100, 0), (100, 1)
    for setting, more in ((once, [first]), (twice, [size, second]), (once, [])):
        play_job(Job(setting, 7, "compiled"))
        assert drawn == more
        drawn.clear()


def test_what_the_requests_depend_on_has_a_number() -> None:
    def number(*changes: str) -> str:
        return load_identity(load_scenario("scenarios/celebrity.yaml", changes))

    same = ("stations.api.servers=9", "caches.feed.entries=1k", "strategies=[pull]", "prices.ram=1$/GB/month")
    other = ("load.rate=2k/s", "population.users=300M", "events=[]", "run.requests=9", "run.seed=1")
    assert {number(change) for change in same} == {number()}
    assert len({number(), *map(number, other)}) == 1 + len(other)
