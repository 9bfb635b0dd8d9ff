"""Identities that every run must satisfy. One that does not hold is a defect of simsys, never of the scenario."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from simsys.measure.log import DONE, INSIDE, REFUSED, TIMED_OUT, Log

TOLERANCE = 1e-9


class Check(NamedTuple):
    """One identity in one replication: left and right should be equal."""

    name: str
    left: float
    right: float

    @property
    def ok(self) -> bool:
        return abs(self.left - self.right) <= TOLERANCE * max(1.0, abs(self.left), abs(self.right))


def audits(log: Log) -> list[Check]:
    """Flow balance, Little's law for the system and each station, and the utilization law.

    Little: the area under the number inside, kept event by event, against the sum of the times spent inside, kept
    visit by visit. Utilization: the seconds in the stations' ledgers against those charged to operations.
    """
    checks = [_flow(log), _little(log)]
    for name, station in log.stations.items():
        if station.inside == 0:
            checks.append(Check(f"little {name}", station.area, station.sojourns))
        if station.inside == 0 and station.busy:
            charged = float(log.work[:, list(log.stations).index(name)].sum())
            checks.append(Check(f"utilization {name}", sum(station.busy) - station.held, charged))
    return checks


def _flow(log: Log) -> Check:
    became = Counter(r.status for r in log.requests)
    out = became[DONE] + became[REFUSED] + became[TIMED_OUT]
    return Check("flow balance", log.arrived, out + log.inside)


def _little(log: Log) -> Check:
    inside = sum(log.end - r.arrival for r in log.requests if r.status == INSIDE)
    over = sum(r.end - r.arrival for r in log.requests if r.status != INSIDE)
    return Check("little", log.area + log.inside * (log.end - log.since), over + inside)
