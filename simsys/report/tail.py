"""Where the slowest 1 % spent their time: a sentence per operation, then waiting and being served at each station."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from simsys.experiment.result import Played, Result
from simsys.measure.anatomy import Anatomy
from simsys.report import style
from simsys.report.style import figure, listed
from simsys.report.table import ABREAST, WIDTH, Cell, Line, Section, block

MATTERS, MOST, LEAST = 0.05, 6, 0.005
"""A place is named where it takes this share of somebody's time, and no more than so many are; less is a dash."""
WAITING, SERVED, PASSING, ELSEWHERE = "waiting at ", "being served at ", "at ", "elsewhere"
_SHORT = {WAITING: ": wait", SERVED: ": served", PASSING: "", ELSEWHERE: ELSEWHERE}

Place = tuple[str, str]
"""What requests do, and the station where they do it; at a delay they only are."""


def tail(result: Result, colour: bool = False) -> str:
    """The text, at most 80 columns wide; empty if no operation has enough requests."""
    told = ops(result)
    if not told:
        return ""
    parts = ["Where the slowest 1 % spent their time"]
    parts += [textwrap.fill(sentence(result, op), WIDTH) for op in told]
    for first in range(0, len(result.played), ABREAST):
        abreast = result.played[first : first + ABREAST]
        sections = [Section(op, list(_lines(result, abreast, op))) for op in told]
        parts.append(block([p.strategy for p in abreast], sections, colour))
    return "\n\n".join(parts)


def ops(result: Result) -> list[str]:
    """The operations whose slowest are known, and took any time."""
    names = dict.fromkeys(op for played in result.played for op in played.time | played.tail)
    return [op for op in names if any(p.tail[op].latency for p in result.played if op in p.tail)]


def sentence(result: Result, op: str) -> str:
    """What takes the largest part of the time of the slowest, strategy by strategy."""
    alike: dict[tuple[str, str], list[str]] = {}
    for played in result.played:
        if op in played.tail and played.tail[op].latency:
            seconds = spent(played.tail[op], style.delays(result))
            (doing, station), most = max(seconds.items(), key=lambda item: item[1])
            where = doing + station if station else "at no station"
            alike.setdefault((f"{most / played.tail[op].latency:.0%}", where), []).append(f"{played.strategy}'s")
    (share, where), whose = next(iter(alike.items()))
    parts = [f"{listed(whose)} slowest 1 % of {op} requests spend {share} of their time {where}"]
    parts += [f"{listed(whose)} {share} {where}" for (share, where), whose in list(alike.items())[1:]]
    return f"{'; '.join(parts)}."


def spent(anatomy: Anatomy, delays: set[str]) -> dict[Place, float]:
    """Seconds by place."""
    seconds: dict[Place, float] = {}
    for station, (waiting, served) in anatomy.stations.items():
        seconds |= {(WAITING, station): waiting, (PASSING if station in delays else SERVED, station): served}
    return seconds | {(ELSEWHERE, ""): anatomy.elsewhere}


def places(anatomies: Sequence[Anatomy], delays: set[str]) -> list[Place]:
    """The places that matter to some of these, those that matter most first."""
    share: dict[Place, float] = {}
    for anatomy in anatomies:
        for place, seconds in spent(anatomy, delays).items():
            share[place] = max(share.get(place, 0.0), seconds / anatomy.latency if anatomy.latency else 0.0)
    named = [place for place in share if share[place] >= MATTERS and place[0] != ELSEWHERE]
    return sorted(named, key=lambda place: -share[place])[:MOST]


def divided(anatomy: Anatomy, named: Sequence[Place], delays: set[str]) -> dict[Place, float]:
    """Seconds at the places that are named, and all the rest as elsewhere."""
    seconds = spent(anatomy, delays)
    kept = {place: seconds.get(place, 0.0) for place in named}
    return kept | {(ELSEWHERE, ""): max(0.0, anatomy.latency - sum(kept.values()))}


def called(place: Place) -> str:
    """A place in a table or a legend: `database: wait`."""
    doing, station = place
    return station + _SHORT[doing]


def _lines(result: Result, abreast: Sequence[Played], op: str) -> Iterator[Line]:
    delays = style.delays(result)
    named = places([p.tail[op] for p in result.played if op in p.tail], delays)
    parts = [divided(p.tail[op], named, delays) if op in p.tail else {} for p in abreast]
    wholes = [sum(part.values()) for part in parts]
    yield Line("time, mean", [_cell(whole, 1.0 if whole else 0.0) for whole in wholes])
    for place in [*named, (ELSEWHERE, "")]:
        seconds = [part.get(place, 0.0) for part in parts]
        shares = [s / whole if whole else 0.0 for s, whole in zip(seconds, wholes, strict=True)]
        if max(shares) >= LEAST:
            yield Line(called(place), [_cell(*both) for both in zip(seconds, shares, strict=True)])


def _cell(seconds: float, share: float) -> Cell:
    if share < LEAST:
        return Cell("–")
    number, unit = figure(seconds, "latency_mean", "s")
    return Cell(number, unit, f"{share:>4.0%}" if share < 1 else "")
