"""What the plays of a strategy depend on, as one number: the same number, the same summaries.

All that has no part in a play is left out: prices, promises, words, other strategies, and stations and caches that the
plans do not name. So what was played once need not be played again when only such a thing has changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import simsys
from simsys.scenario import Scenario
from simsys.scenario.write import plain_strategy, with_files
from simsys.sources import sources
from simsys.strategies import Strategy

_NO_PART = {
    "question", "drawing", "sources", "surprise", "strategies", "slo", "prices", "sizes", "retention", "size",
    "sweep",
}  # fmt: skip
_NO_PART_OF_RUN = {"replications", "precision", "most_replications"}
_BILLED = {"vcpu", "bytes", "replicated"}
"""What only the bill asks of stations and their operations."""
_OF_REQUESTS = {"load", "population", "events", "run"}
"""What says who asks for what and when."""
_TELLS = ("cli", "report", "money")
"""Rooms that no play enters."""


@cache
def code() -> str:
    """What simsys itself is made of: a hash of every file that a play may enter."""
    told = sha256()
    for name, text in sources(Path(simsys.__file__).parent).items():
        if name.split("/")[0] not in _TELLS:
            told.update(f"{name} {_hash(text)}\n".encode())
    return told.hexdigest()


def identity(scenario: Scenario, strategy: Strategy, stations: Collection[str], caches: Collection[str]) -> str:
    """The number of the plays of a strategy that names these stations and caches."""
    told = dict(_told(scenario))
    told["stations"] = {name: _unbilled(told.get("stations", {})[name]) for name in sorted(stations)}
    told["caches"] = {name: told.get("caches", {})[name] for name in sorted(caches)}
    told["strategy"] = _unkept(plain_strategy(scenario, strategy))
    return sha256(json.dumps([code(), told], sort_keys=True).encode()).hexdigest()


def load_identity(scenario: Scenario) -> str:
    """The number of what the requests depend on."""
    told = {key: value for key, value in _told(scenario).items() if key in _OF_REQUESTS}
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _told(scenario: Scenario) -> dict[str, Any]:
    """What a scenario says about plays, worked out once."""
    if "told" not in scenario.worked_out:
        told = scenario.model_dump(mode="json", by_alias=True, exclude=_NO_PART)
        told["run"] = {key: value for key, value in told["run"].items() if key not in _NO_PART_OF_RUN}
        scenario.worked_out["told"] = with_files(told, lambda file: _content(scenario.folder / file))
    found: dict[str, Any] = scenario.worked_out["told"]
    return found


def _unbilled(station: dict[str, Any]) -> dict[str, Any]:
    ops = {op: {k: v for k, v in service.items() if k not in _BILLED} for op, service in station["ops"].items()}
    return {key: value for key, value in station.items() if key not in _BILLED} | {"ops": ops}


def _unkept(strategy: dict[str, Any]) -> dict[str, Any]:
    """A flow without what it keeps."""
    return {name: {k: v for k, v in told.items() if k != "keeps"} if name == "flow" else told
            for name, told in strategy.items()}  # fmt: skip


def _content(file: Path) -> str:
    """What is in a file, instead of where it is."""
    return _hash(file.read_bytes())


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
