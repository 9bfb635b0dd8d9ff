"""W4: scenarios/celebrity.yaml whole, a replication of each strategy, by the engine named.

    python benchmarks/celebrity.py compiled|simpy [large]

`large` is 50,000 reads a second. Prints a line of JSON per strategy: requests, CPU seconds of playing and measuring,
and a digest of all latencies and deliveries, which must not depend on the engine.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from hashlib import blake2b

from by_simsys import timed, whole

from simsys.experiment.setting import settings
from simsys.measure.summary import Summary
from simsys.scenario import load_scenario

LARGE = ("load.rate=50k/s", "stations.api.servers=200", "stations.database.servers=400")


def digest(came: Summary) -> str:
    """A hash of every histogram."""
    histograms = [(name, h) for name, op in came.ops.items() for h in (op.latency, op.fresh)]
    text = repr([(name, h.buckets.tolist(), h.counts.tolist(), h.total_ps) for name, h in histograms])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def main(engine: str, sets: tuple[str, ...]) -> None:
    for setting in settings(load_scenario("celebrity", [*sets, "run.duration=200ms", "events.0.request.followers=1k"])):
        whole(setting, engine)  # warms up
    for setting in settings(load_scenario("celebrity", sets)):
        setting.scope(), setting.model(0, setting.workload(0))
        seconds, came = timed(partial(whole, setting, engine))
        requests = sum(op.offered for op in came.ops.values())
        line = {"strategy": setting.label, "requests": requests, "seconds": seconds, "digest": digest(came)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], LARGE if sys.argv[2:] == ["large"] else ())
