"""simsys: the scenarios beside this file, played by the engine that the fourth argument names (compiled, simpy).

`seconds` is the simulation: the engine, with arrivals and variates drawn. Beside it stand the seconds of `drawing` the
workload alone, which are part of it, and those of `measuring` (histograms, ledgers, audits), which come on top.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from systems import Played

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import Setting, settings
from simsys.measure.meter import Meter
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario

HERE = Path(__file__).parent


def read(name: str, requests: int, seed: int, *sets: str) -> Setting:
    """A system, with so many requests (W3: followers), and changes as for `--set`."""
    text = (HERE / f"{name.lower()}.yaml").read_text(encoding="utf-8")
    if name == "W3":
        text = text.replace("n: 1M", f"n: {requests}")
    else:
        sets += (f"run.requests={requests}",)
    return settings(load_scenario(text, [f"run.seed={seed}", *sets], name.lower()))[0]


def whole(setting: Setting, engine: str) -> Summary:
    """Play the first replication, and measure."""
    return play_once(setting, 0, **({} if engine == "simpy" else {"engine": engine}))


def draw(setting: Setting) -> None:
    """Draw the workload of the first replication, all columns of it."""
    for _ in setting.workload(0).chunks():
        pass


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, and what came of it."""
    begin = time.process_time()
    done = do()
    return time.process_time() - begin, done


def listen(method: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """The method, which also notes the CPU seconds of each call."""

    @wraps(method)
    def heard(*arguments: Any) -> Any:
        seconds, done = timed(partial(method, *arguments))
        spent.append(seconds)
        return done

    return heard


def played(name: str, came: Summary) -> Played:
    """The figures of a summary as the other programs give them."""
    if name == "W3":
        return Played(last=came.ops["post"].fresh.max or 0.0)
    caches = came.caches.values()
    return Played(list(came.ops["get"].series), sum(c.lookups for c in caches), sum(c.hits for c in caches))


def main(name: str, requests: int, seed: int, engine: str) -> None:
    measuring: list[float] = []
    for method in ("take", "summary"):
        setattr(Meter, method, listen(getattr(Meter, method), measuring))
    for n in (1000, requests):  # the first warms up
        setting = read(name, n, seed)
        setting.scope(), setting.model(0, setting.workload(0))
        measuring.clear()
        seconds, came = timed(partial(whole, setting, engine))
        drawing, _ = timed(partial(draw, setting))
    times = {"seconds": seconds - sum(measuring), "drawing": drawing, "measuring": sum(measuring)}
    print(json.dumps({"requests": requests} | times | played(name, came).figures()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
