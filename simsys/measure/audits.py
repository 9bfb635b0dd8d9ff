"""Identities that every run must satisfy. One that does not hold is a defect of simsys, never of the scenario."""

from __future__ import annotations

from typing import NamedTuple

from simsys.measure.log import DONE, REFUSED, TIMED_OUT, Log
from simsys.measure.tallies import Tallies

TOLERANCE, ROUNDING = 1e-9, 2.0**-53


class Check(NamedTuple):
    """One identity in one replication: left and right should be equal, but for what so many additions can round off."""

    name: str
    left: float
    right: float
    additions: int = 0

    @property
    def ok(self) -> bool:
        off = TOLERANCE + self.additions * ROUNDING
        return abs(self.left - self.right) <= off * max(1.0, abs(self.left), abs(self.right))


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
        Check("little", area, tallies.lives(log.end), 2 * log.arrived),
    ]
    for name, station in log.stations.items():
        if station.inside == 0:
            checks.append(Check(f"little {name}", station.area, station.sojourns, 2 * sum(station.visits)))
        if station.inside == 0 and station.busy:
            charged = float(log.work[:, list(log.stations).index(name)].sum())
            checks.append(Check(f"utilization {name}", sum(station.busy) - station.held, charged, sum(station.visits)))
    return checks
