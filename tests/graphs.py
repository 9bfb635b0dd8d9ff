"""Small networks for tests: edges and rates as text, and a scenario in which only edges cost anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simsys.experiment.setting import Setting, settings
from simsys.scenario import Scenario, load_scenario

PUSH, PULL = 5.2e-6, 3.5e-6
"""Seconds to push along an edge, and to pull along it."""
Edge = tuple[str, str]
"""(who follows, whom)"""

FREE = """
  api: {servers: unlimited, ops: {read: 0s, post: 0s}}
  network: {ops: {same_zone: 0s}}
  database: {servers: unlimited, ops: {insert: 0s}}
  wal: {ops: {flush: 0s}}
  graph: {ops: {following: 0s}}
  objects: {ops: {get: 0s}}"""
"""Stations at which nothing costs anything; what is left is what an edge costs."""

SCENARIO = """
load: {{rate: {rate}/s, read_write_ratio: {ratio}, page: 1}}
population: {{edges: {{path: graph.csv{rates}}}}}
stations: {free}
  timelines: {{shards: 4, ops: {{push: 5.2us, range: 0s}}}}
  authors: {{shards: 4, ops: {{recent: 3.5us}}}}
strategies: [{strategies}]
run: {{duration: {duration}, warmup: 0s, replications: 1}}
"""


def network(
    folder: Path,
    edges: Sequence[Edge],
    strategies: str,
    rates: Mapping[str, tuple[float, float]] | None = None,
    rate: float = 100.0,
    ratio: str = "1:1",
    duration: str = "10s",
) -> Scenario:
    """The scenario of a network; `rates` are (posts, reads) by user."""
    text = "follower,followed\n" + "".join(f"{who},{whom}\n" for who, whom in edges)
    (folder / "graph.csv").write_text(text, encoding="utf-8")
    if rates is not None:
        text = "user,posts,reads\n" + "".join(f"{user},{posts},{reads}\n" for user, (posts, reads) in rates.items())
        (folder / "rates.csv").write_text(text, encoding="utf-8")
    given = ", rates: {path: rates.csv}" if rates is not None else ""
    told = SCENARIO.format(
        rate=rate, ratio=ratio, rates=given, free=FREE, strategies=strategies, duration=duration
    )
    (folder / "network.yaml").write_text(told, encoding="utf-8")
    return load_scenario(folder / "network.yaml")


def designs(
    folder: Path, edges: Sequence[Edge], strategies: str, rates: Mapping[str, tuple[float, float]] | None = None
) -> list[Setting]:
    """The strategies of a network, ready to be played."""
    return settings(network(folder, edges, strategies, rates))
