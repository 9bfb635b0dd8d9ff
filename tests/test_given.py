"""The tables that requests come in: kept while somebody reads them, and then let go of."""

from __future__ import annotations

import pytest
from same_log import same_log

from simsys.engines.given import FEW, Given
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario
from simsys.workload.requests import Workload

LATE = """
load: {rate: 100/s, mix: {get: 100%}, keys: {count: 1000}}
stations:
  slow: {servers: unlimited, ops: {think: {exponential: {mean: 1s}}}}
  cache: {shards: 8, ops: {get: {exponential: {mean: 10ms}}}}
strategies:
  - flow: {name: late, get: [{visit: slow.think}, {visit: cache.get, key: key}]}
run: {requests: 1000, replications: 1, warmup: 10%}
"""


def test_who_came_long_ago_still_reads_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, put, kept = Workload.chunks, Given.put, list[int]()

    def small(load, size=8, needed=None):
        return whole(load, 8, needed)

    def noted(given, name, table):
        put(given, name, table)
        kept.append(len(given.tables))

    monkeypatch.setattr(Workload, "chunks", small)
    monkeypatch.setattr(Given, "put", noted)
    (setting,) = settings(load_scenario(LATE))
    log = same_log(setting)
    assert len(log.requests) == 1000 and len(kept) == 125
    assert FEW < max(kept) < 80  # of 100 requests in flight, some few came 8 s ago

    monkeypatch.setattr(Given, "_forget", lambda given: None)
    same_log(setting)
    assert max(kept) == 125
