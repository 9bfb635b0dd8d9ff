"""Whether two logs are the same to the last bit, and where they first differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from worlds import logged

from simsys.experiment.setting import Setting
from simsys.measure.log import CacheCount, Log, Snapshot, StationLog

Array = Any
LEDGER = ("visits", "busy", "wait", "longest", "refused", "inside", "area", "sojourns", "held", "since")


def assert_equal(one: Log, other: Log) -> None:
    """AssertionError with the first difference, if there is one."""
    found = difference(one, other)
    assert found is None, found


def same_log(setting: Setting) -> Log:
    """What both engines write of a strategy. AssertionError with the first difference, if there is one."""
    one, other = logged(setting, "simpy"), logged(setting, "compiled")
    found = difference(one, other)
    assert found is None, f"{setting.label}: {found}"
    return one


def difference(one: Log, other: Log) -> str | None:
    """The first difference in words: what, both values; None if both logs are the same bit for bit."""
    ours, theirs = parts(one), parts(other)
    if list(ours) != list(theirs):
        return f"one log has {sorted(ours.keys() ^ theirs.keys())} and the other has not"
    for name, left in ours.items():
        right = theirs[name]
        if left.dtype != right.dtype or left.shape != right.shape:
            return f"{name}: {left.shape} of {left.dtype} against {right.shape} of {right.dtype}"
        if left.tobytes() != right.tobytes():
            return f"{name}: {_first(left, right)}"
    return None


def _first(left: Array, right: Array) -> str:
    """Where two arrays of one shape first differ: its place, and both values."""
    for place in np.ndindex(left.shape):
        a, b = left[place], right[place]
        if a.tobytes() != b.tobytes():
            fields = [f for f in left.dtype.names or () if a[f].tobytes() != b[f].tobytes()]
            values = "; ".join(f"{f} {a[f].item()!r} against {b[f].item()!r}" for f in fields)
            return f"at {', '.join(map(str, place))}: {values or f'{a.item()!r} against {b.item()!r}'}"
    raise AssertionError("the bytes differ, and no element does")


def parts(log: Log) -> dict[str, Array]:
    """All that a log holds, by name, in the order in which a reader wants to know of a difference."""
    found: dict[str, Array] = {}
    for number, batch in enumerate(log.batches):
        found[f"batch {number}, requests"] = batch.requests
        names = np.array([*log.names, ""])
        found[f"batch {number}, names of marks"] = names[batch.marks["name"]].astype("U40")
        marks = [batch.marks[field] for field in ("request", "time", "n")]
        found[f"batch {number}, marks (request, time, n)"] = np.array(marks).T
        found[f"batch {number}, paths (request, station, wait or service)"] = batch.paths
        found[f"batch {number}, settled and stop"] = np.array([batch.settled, batch.stop])
    for name, station in log.stations.items():
        found |= {f"station {name}, {part}": values for part, values in _station(station).items()}
    for name, counts in log.caches.items():
        found[f"cache {name}, counts ({', '.join(CacheCount._fields)})"] = np.array(counts, np.float64)
    found["work (operation, station)"] = log.work
    found["samples (time, inside each station)"] = np.array([(s.time, *s.inside) for s in log.samples], np.float64)
    found["operations"] = np.array(log.ops)
    for field in ("arrived", "area", "inside", "since", "begin", "stop", "end"):
        found[field] = np.array(getattr(log, field), np.float64)
    return found


def _station(station: StationLog) -> dict[str, Array]:
    found = {part: np.array(getattr(station, part), np.float64) for part in LEDGER}
    found["servers over time (time, there, paid)"] = np.array(station.fleet, np.float64)
    for field in Snapshot._fields:
        found[f"snapshots, {field}"] = np.array([getattr(s, field) for s in station.snapshots], np.float64)
    return found
