"""What a comparison says: how the second differs from the first, surely or not, best ratio first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from simsys import __version__
from simsys.experiment.compare import Compared
from simsys.report import style
from simsys.report.style import figure
from simsys.report.table import OF_OPERATIONS, OF_SYSTEM

WIDTH = 80
SHOWN = {*OF_OPERATIONS, *OF_SYSTEM, "utilization", "hit_ratio"} - {"latency_max", "fresh_max"}
"""Metrics whose lines are printed; JSON has all."""
SAID = ("latency_p99", "latency_mean", "fresh_p99", "cost")
"""What the first sentence is about, where it is there."""


class Pair(NamedTuple):
    """Two strategies, as they are called, and their figures."""

    first: str
    second: str
    figures: tuple[Compared, ...]


def page(pairs: Sequence[Pair]) -> str:
    """A sentence and a table per pair, at most 80 columns wide."""
    parts = []
    for pair in pairs:
        parts += [textwrap.fill(answer(pair), WIDTH, break_on_hyphens=False), "\n".join(_table(pair))]
    return "\n\n".join(parts) + "\n"


def answer(pair: Pair) -> str:
    """The figures that matter most, then how many differ surely."""
    told = [each for metric in SAID for each in pair.figures if each.metric == metric]
    said = "; ".join(f"{named(each)} {_how(each)}" for each in told[:4])
    shown = _shown(pair)
    counts = {word: sum(each.verdict == word for each in shown) for word in ("less", "more", "same", "cannot tell")}
    words = {"less": "surely less", "more": "surely more", "same": "the same", "cannot tell": "cannot be told apart"}
    tally = ", ".join(f"{count} {words[word]}" for word, count in counts.items() if count)
    how = "in pairs" if all(each.paired for each in shown) else "not in pairs, as the replications are not the same"
    said = said or "no figure in common"
    return f"{pair.second} against {pair.first}: {said}. Of {len(shown)} figures {tally or 'none'} ({how})."


def _shown(pair: Pair) -> list[Compared]:
    """The figures of operations and of the system, and how busy the stations are; without those that are 0 twice."""
    ops = {each.subject for each in pair.figures if each.metric == "latency_mean"}
    some = [each for each in pair.figures if each.metric in SHOWN and (each.first or each.second)]
    return [each for each in some if each.metric != "throughput" or each.subject in ops]


def _how(each: Compared) -> str:
    if each.verdict == "same":
        return f"is the same ({_text(each, each.second)})"
    to = f"({_text(each, each.second)} instead of {_text(each, each.first)})"
    times = "not 0" if each.ratio is None else f"{each.ratio:.3g} times as large"
    return f"is {times} {to}" if each.verdict != "cannot tell" else f"cannot be told apart {to}"


def named(each: Compared) -> str:
    name = "cost" if each.metric == "cost" else style.name(each.metric)
    return name if each.subject == "system" else f"{each.subject} {name}"


def _text(each: Compared, value: float) -> str:
    return str(figure(value, each.metric, each.unit))


def _table(pair: Pair) -> Iterator[str]:
    """A line per figure, the best ratio first."""
    lines = [["", "first", "second", "ratio", "difference", ""], *map(_line, _shown(pair))]
    widths = [max(len(line[n]) for line in lines) for n in range(5)]
    for label, *cells, verdict in lines:
        aligned = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield f"{label:<{min(widths[0], 24)}}  {aligned}  {verdict}".rstrip()


def _line(each: Compared) -> list[str]:
    ratio = "–" if each.ratio is None else f"{each.ratio:.3g}"
    label = style.short(named(each), 24)
    return [label, _text(each, each.first), _text(each, each.second), ratio, difference(each), each.verdict]


def difference(each: Compared) -> str:
    """The difference and half its interval, in the unit of the difference."""
    sign = "-" if each.value < 0 else "+"
    size = figure(abs(each.value), each.metric, each.unit)
    if each.low is None or each.high is None or each.low == each.high or not each.value:
        return f"{sign}{size}" if each.value else "0"
    number = size.number.replace(",", "").lstrip("<")
    half = (each.high - each.low) / 2 * float(number) / abs(each.value)
    return f"{sign}{size} ±{half:,.0f}" if half >= 10 else f"{sign}{size} ±{half:.2g}"


def told(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "version": __version__,
        "pairs": [
            {"first": p.first, "second": p.second, "figures": [each._asdict() for each in p.figures]} for p in pairs
        ],
    }  # fmt: skip
