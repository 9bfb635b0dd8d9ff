"""What a verdict hangs on, in words and as a table: the assumptions, their ranges, and where the winner changes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from simsys.experiment.assumptions import Assumption
from simsys.experiment.doubt import Doubt, Doubts
from simsys.experiment.work import Turn
from simsys.report.style import listed, short, three, two
from simsys.report.table import WIDTH
from simsys.report.words import answer


def page(doubts: Doubts) -> str:
    """The verdict, what it depends on, the table, the break-even, and who does the least work; 80 columns wide."""
    paragraphs = [answer(doubts.result), verdict(doubts)]
    below = [break_even(doubts), by_work(doubts), *_problems(doubts)]
    told = [*map(_wrapped, paragraphs), table(doubts), *map(_wrapped, filter(None, below))]
    return "\n\n".join(told) + "\n"


def verdict(doubts: Doubts) -> str:
    """Whether the winner stands, or what it depends on."""
    count = f"{len(doubts.doubts)} assumption{'s' * (len(doubts.doubts) != 1)}"
    if not doubts.doubts:
        return "No default of grade C or D is used: there is nothing to doubt."
    if not doubts.open:
        stands = f"{doubts.winner} wins" if doubts.winner else "nobody wins"
        return f"The verdict stands: {stands} wherever each of {count} lies in its range, one moved at a time."
    reasons = [f"{called(one.assumption)} ({_turns(one)})" for one in doubts.open]
    return f"Undecided: depends on {listed(reasons)}; {len(doubts.open)} of {count} can change the winner."


def table(doubts: Doubts) -> str:
    """A line per assumption, those first that change the winner."""
    lines = [_cells("assumption", "grade", "assumed", "range", "winner changes")]
    for one in sorted(doubts.doubts, key=lambda one: not one.turns):
        a = one.assumption
        span = f"× {three(a.low)}…{three(a.high)}{'' if a.stated else ' ?'}"
        first, *rest = [f"× {two(turn.factor)} {short(_who(turn), 12)}" for turn in one.turns] or ["–"]
        lines.append(_cells(short(called(a), 28), a.grade or "–", short(shown(a.value), 14), span, first))
        lines += [_cells("", "", "", "", more) for more in rest]
    if any(not one.assumption.stated for one in doubts.doubts):
        lines.append("?: nobody gave a range; half and twice are tried.")
    return "\n".join(lines)


def _cells(name: str, grade: str, value: str, span: str, turn: str) -> str:
    return f"{name:<28} {grade:<5} {value:<14} {span:<14} {turn}"


def break_even(doubts: Doubts) -> str:
    """Between which numbers of reads per post the winner wins; empty where nobody reads and posts."""
    if doubts.ratio is None:
        return ""
    a, turns = doubts.ratio.assumption, doubts.ratio.turns
    now = f"Break-even: {doubts.winner or 'nobody'} wins at {reads(a, 1.0)} reads per post"
    if not turns:
        return f"{now}, and at every number from {reads(a, a.low)} to {reads(a, a.high)}."
    return f"{now}; {listed([f'{_side(turn)} {reads(a, turn.factor, two)} {_who(turn)} does' for turn in turns])}."


def by_work(doubts: Doubts) -> str:
    """Who does the least work, and where another would; in closed form."""
    tips = [
        f"{turn.winner} {_side(turn)} × {three(turn.factor)} of {called(one.assumption)}"
        for one in doubts.doubts
        for turn in one.by_work
    ]
    if doubts.ratio is not None:
        a = doubts.ratio.assumption
        mix = doubts.ratio.by_work
        tips += [f"{turn.winner} {_side(turn)} {reads(a, turn.factor)} reads per post" for turn in mix]
    others = f"; less would be done by {listed(tips)}" if tips else ""
    return f"By work alone, server time whatever the promises, {doubts.least_work} does the least{others}."


def _side(turn: Turn) -> str:
    return "below" if turn.factor < 1 else "above"


def _who(turn: Turn) -> str:
    return turn.winner or "nobody"


def called(assumption: Assumption) -> str:
    """A path without the words that are always there."""
    return ".".join(step for step in assumption.path.split(".") if step not in ("stations", "ops"))


def shown(value: Any) -> str:
    """A value as it is written; a distribution by its mean, a service by its times."""
    while isinstance(value, dict):
        times = [shown(value[part]) for part in ("fixed", "per_item") if part in value]
        value = " + ".join(times) if times else value["mean"] if "mean" in value else next(iter(value.values()))
    return str(value)


def reads(assumption: Assumption, factor: float, digits: Callable[[float], str] = three) -> str:
    """Reads per post at a factor of the ratio."""
    return digits(float(str(assumption.value).partition(":")[0]) * factor)


def _turns(one: Doubt) -> str:
    return listed([_turn(one.assumption, turn) for turn in one.turns])


def _turn(assumption: Assumption, turn: Turn) -> str:
    whom = f"{turn.winner} wins" if turn.winner else "nobody keeps every promise"
    return f"{whom} {_side(turn)} × {two(turn.factor)}, {shown(assumption.at(float(f'{turn.factor:.2g}')))}"


def _problems(doubts: Doubts) -> Iterator[str]:
    for one in doubts.doubts:
        for probe in one.probes:
            if probe.problem:
                yield f"Not tried: {called(one.assumption)} × {three(probe.factor)}: {probe.problem}"


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH)
