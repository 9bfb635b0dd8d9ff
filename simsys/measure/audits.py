"""Identities that every run must satisfy. One that does not hold is a defect of simsys, never of the scenario."""

from __future__ import annotations

from typing import NamedTuple

from simsys.measure.log import DONE, REFUSED, TIMED_OUT, Log
from simsys.measure.tallies import Tallies

TOLERANCE = 1e-9


class Check(NamedTuple):
    """One identity in one replication: left and right should be equal."""

    name: str
    left: float
    right: float

    @property
    def ok(self) -> bool:
        return abs(self.left - self.right) <= TOLERANCE * max(1.0, abs(self.left), abs(self.right))


def audits(log: Log, tallies: Tallies) -> list[Check]:
    """Flow balance, Little's law for the system and each station, and the utilization law, of a log and what its
    requests came to.

    Little: the area under the number inside, kept event by event, against the sum of the times spent inside, kept
    visit by visit. Utilization: the seconds in the stations' ledgers against those charged to operations.
    """
    out = sum(tallies.became(status) for status in (DONE, REFUSED, TIMED_OUT))
    area = log.area + log.inside * (log.end - log.since)
    checks = [
        Check("flow balance", log.arrived, out + log.inside),
        Check("little", area, tallies.lives(log.end)),
    ]
    for name, station in log.stations.items():
        if station.inside == 0:
            checks.append(Check(f"little {name}", station.area, station.sojourns))
        if station.inside == 0 and station.busy:
            charged = float(log.work[:, list(log.stations).index(name)].sum())
            checks.append(Check(f"utilization {name}", sum(station.busy) - station.held, charged))
    return checks
