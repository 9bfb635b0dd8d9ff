"""simsys: the scenarios beside this file, played by the engine that the fourth argument names (compiled, simpy).

`seconds` is the simulation: the engine, with arrivals and variates drawn. Beside it stand the seconds of `drawing` the
workload alone, which are part of it, and of `measuring` (histograms, ledgers, audits), which come after it.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

from systems import Played

from simsys.engines.play import play
from simsys.engines.rows import Luck
from simsys.experiment.run import no_collector
from simsys.experiment.setting import Setting, settings
from simsys.measure.log import Log
from simsys.measure.summary import Summary, summarise
from simsys.scenario import load_scenario

HERE = Path(__file__).parent


def read(name: str, requests: int, seed: int) -> Setting:
    """A system, with so many requests (W3: followers)."""
    text, sets = (HERE / f"{name.lower()}.yaml").read_text(encoding="utf-8"), [f"run.seed={seed}"]
    if name == "W3":
        text = text.replace("n: 1M", f"n: {requests}")
    else:
        sets.append(f"run.requests={requests}")
    return settings(load_scenario(text, sets, name.lower()))[0]


def simulate(setting: Setting, engine: str) -> Log:
    """Play the first replication."""
    load = setting.workload(0)
    model, luck = setting.model(0, load), Luck(setting.scenario.run.seed, 0, setting.edge_share)
    with no_collector():
        return play(model, load, luck, **({} if engine == "simpy" else {"engine": engine}))


def summary(setting: Setting, log: Log) -> Summary:
    return summarise(log, setting.scope(), {name: spec.capacity for name, spec in setting.scenario.stations.items()})


def played(name: str, came: Summary) -> Played:
    """The figures of a summary as the other programs give them."""
    if name == "W3":
        return Played(last=came.ops["post"].fresh.max or 0.0)
    caches = came.caches.values()
    return Played(list(came.ops["get"].series), sum(c.lookups for c in caches), sum(c.hits for c in caches))


def main(name: str, requests: int, seed: int, engine: str) -> None:
    for n in (1000, requests):  # the first warms up
        setting = read(name, n, seed)
        setting.model(0, setting.workload(0))
        times = [time.process_time()]
        log = simulate(setting, engine)
        times.append(time.process_time())
        came = summary(setting, log)
        times.append(time.process_time())
        for _ in setting.workload(0).chunks():
            pass
        times.append(time.process_time())
    seconds = dict(zip(("seconds", "measuring", "drawing"), (b - a for a, b in pairwise(times)), strict=True))
    print(json.dumps({"requests": requests} | seconds | played(name, came).figures()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
