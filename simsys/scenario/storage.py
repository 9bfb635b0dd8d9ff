"""What a scenario must say so that a storage engine can be played in it."""

from __future__ import annotations

from simsys.scenario.model import Scenario
from simsys.strategies import Strategy
from simsys.units import show_count

MOST_KEYS = 20_000_000
"""Keys of a storage engine that fit into memory, some dozen bytes each and as many again while runs are merged."""


def unfit(scenario: Scenario, strategy: Strategy) -> str:
    """Why a strategy cannot be played with such keys; empty if it can."""
    load, scale = scenario.load, scenario.run.scale or 1
    if not strategy.counts:
        asked = {"which key is the latest": load.keys and load.keys.latest,
                 "in which order keys are": load.keys and load.keys.order}  # fmt: skip
        return next((f"{what} only a storage engine knows" for what, is_asked in asked.items() if is_asked), "")
    if load.kind == "clients":
        return "a storage engine meets requests in the order in which they arrive: that of clients is not known before"
    if any(event.request is not None for event in scenario.events):
        return "a storage engine meets the requests of the load alone: events bring it none"
    if load.trace is not None and load.trace.key is not None:
        return ""
    if load.keys is None:
        return "a storage engine needs keys, as in keys: {count: 1M, popularity: {zipf: 0.99}}"
    if load.keys.count > MOST_KEYS * scale:
        keys, most = show_count(load.keys.count / scale), show_count(MOST_KEYS)
        return f"a storage engine of {keys} keys is too large to be played, at most {most}: say run: {{scale: 100}}"
    return ""
