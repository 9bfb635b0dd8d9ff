"""What sizing says: who is the cheapest at equal promises, the fleets and their cost, what binds them, and the knee."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simsys.experiment.fleets import KINDS, servers
from simsys.experiment.knee import Knee
from simsys.experiment.size import Sized
from simsys.experiment.standings import SAME
from simsys.report.style import figure, listed
from simsys.report.table import ABREAST, Cell, Line, Section, block
from simsys.scenario import Scenario, SloRule
from simsys.units import show_count, show_duration, show_money, show_rate, show_share

WIDTH = 80
CALLED = {"ram": "RAM", "cpu": "CPU", "disk": "disk", "network": "network"}


class Sizes(NamedTuple):
    """Every strategy, sized, and the knee of its fleet as given; with a budget ($/month) the promise that it is spent
    on, and the limit of it (s) that each strategy gets for the money.
    """

    sized: tuple[Sized, ...]
    knees: tuple[Knee | None, ...]
    budget: float | None = None
    rule: SloRule | None = None
    limits: tuple[float | None, ...] = ()


def page(scenario: Scenario, sizes: Sizes) -> str:
    """The text of a sizing, the answer first, at most 80 columns wide."""
    said = [answer(sizes), conditions(scenario), binding(scenario, sizes.sized)]
    paragraphs = [textwrap.fill(" ".join(filter(None, said)), WIDTH)]
    for first in range(0, len(sizes.sized), ABREAST):
        abreast = range(first, min(first + ABREAST, len(sizes.sized)))
        names = [sizes.sized[n].strategy for n in abreast]
        paragraphs.append(block(names, list(_sections(scenario, sizes, abreast))))
    paragraphs += ["\n".join(_holds(scenario, sizes.sized)), "\n".join(_notes(sizes.sized))]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def question(budget: float | None) -> str:
    """What the chart of the costs answers."""
    promise = "to keep the same promises" if budget is None else "to keep the tightest promise that the money buys"
    return f"What does it cost {promise}?"


def answer(sizes: Sizes) -> str:
    """Who is the cheapest, or who gets the tightest promise for the money; and what no fleet keeps."""
    first = _for_the_money(sizes) if sizes.rule is not None else _cheapest(sizes.sized)
    return " ".join([first, *_never(sizes.sized), *_too_dear(sizes.sized)])


def _cheapest(sized: Sequence[Sized]) -> str:
    order = sorted(sized, key=lambda each: (not each.keeps, each.cost))
    keepers = [each for each in order if each.keeps]
    if not keepers:
        costs = ", ".join(f"{each.strategy} {show_money(each.cost)}" for each in order)
        return f"No strategy keeps every promise, whatever its fleet; for those that can be kept: {costs}."
    best = [each for each in keepers if each.cost <= keepers[0].cost * (1 + SAME)]
    others = ", ".join(f"{each.strategy} {show_money(each.cost)}" for each in keepers if each not in best)
    money = show_money(best[0].cost) + (f" ({others})" if others else "")
    if len(sized) == 1:
        return f"{best[0].strategy} surely keeps every promise for {money}."
    if len(best) > 1:
        return f"At equal promises {listed([each.strategy for each in best])} cost the same, {money}."
    alone = "" if others else "; it alone can keep them all"
    return f"At equal promises {best[0].strategy} is the cheapest, {money}{alone}."


def _for_the_money(sizes: Sizes) -> str:
    assert sizes.rule is not None and sizes.budget is not None
    known = [(limit, each) for limit, each in zip(sizes.limits, sizes.sized, strict=True) if limit is not None]
    none = [each for limit, each in zip(sizes.limits, sizes.sized, strict=True) if limit is None]
    what = sizes.rule.text.partition(" <")[0]
    order = sorted(known, key=lambda pair: pair[0])
    told = [f"{each.strategy} {show_duration(limit)} (at {show_money(each.cost)})" for limit, each in order]
    sentences = [f"For {show_money(sizes.budget)} {what} is surely below: {', '.join(told)}."] if told else []
    if none:
        costs = listed([f"{each.strategy} ({show_money(each.cost)})" for each in none])
        sentences.append(f"No limit of {what} brings the fleet of {costs} within {show_money(sizes.budget)}.")
    return " ".join(sentences)


def _never(sized: Sequence[Sized]) -> Iterator[str]:
    """The promises that no fleet keeps, and by whom; and who is saturated with any fleet."""
    stuck = [each.strategy for each in sized if each.result.saturated]
    if stuck:
        yield f"Saturated with any fleet that was tried: {listed(stuck)}."
    by_rule: dict[str, list[str]] = {}
    for each in sized:
        for verdict in each.never:
            rule = next((r for r in each.result.slo if r.rule == verdict.rule), verdict)
            by_rule.setdefault(verdict.rule, []).append(f"{each.strategy} ({_evidence(each, rule.rule)})")
    if by_rule:
        told = "; ".join(f"{rule} by {listed(whom)}" for rule, whom in by_rule.items())
        yield f"Never surely kept, with any fleet: {told}."


def _evidence(sized: Sized, rule: str) -> str:
    verdict = next(v for v in sized.result.slo if v.rule == rule)
    words = rule.split()
    metric = words[-3]
    row = next((r for r in sized.result.rows if r.value == verdict.value and metric in r.metric), None)
    return "no figure" if row is None or row.value is None else str(figure(row.value, row.metric, row.unit))


def _too_dear(sized: Sequence[Sized]) -> Iterator[str]:
    """Promises about money that the smallest fleet does not keep."""
    for each in sized:
        rules = [v.rule for v in each.result.slo if v.verdict != "kept" and v.rule not in {n.rule for n in each.never}]
        if rules and not each.result.saturated:
            yield f"{each.strategy} keeps the others at {show_money(each.cost)} only, so not {listed(rules)}."


def conditions(scenario: Scenario) -> str:
    """What the fleets are sized for."""
    asked = scenario.size
    if asked is None:
        return "Sized for the load as given: no peak, no ceiling, no zone to lose, as no size: asks for them."
    parts = [f"{asked.peak:g} times the load"] if asked.peak != 1 else ["the load as given"]
    if asked.max_utilization < 1:
        parts.append(f"no station above {show_share(asked.max_utilization)} busy")
    if asked.survive:
        parts.append(f"{asked.survive} of {asked.zones} zones lost")
    return f"Sized for {', '.join(parts)}."


def binding(scenario: Scenario, sized: Sequence[Sized]) -> str:
    """The station and the promise that the fleet of each strategy hangs on."""
    by_why: dict[str, list[str]] = {}
    for each in sized:
        if each.binding:
            by_why.setdefault(f"{_why(scenario, each, each.binding)} at {each.binding}", []).append(each.strategy)
    return f"What binds: {'; '.join(f'{listed(names)} by {why}' for why, names in by_why.items())}." if by_why else ""


def _why(scenario: Scenario, sized: Sized, station: str) -> str:
    """What keeps a station from being smaller."""
    if sized.holds[station]:
        return listed(list(sized.holds[station]))
    ceiling = scenario.size is not None and scenario.size.max_utilization < 1
    return "no less than one" if sized.fleet[station] == 1 else "the ceiling" if ceiling else "its load"


def _sections(scenario: Scenario, sizes: Sizes, abreast: Sequence[int]) -> Iterator[Section]:
    sized = [sizes.sized[n] for n in abreast]
    stations = dict.fromkeys(station for each in sized for station in each.fleet)
    lost = scenario.size is not None and scenario.size.survive
    left = "those left are" if lost else "they are"
    yield Section(
        f"servers to buy, and how busy {left} at the peak",
        [Line(station, [_servers(scenario, sizes, n, station) for n in abreast]) for station in stations],
    )
    money = [Line("all", [_money(each, "cost") for each in sized])]
    money += [Line(CALLED[kind], [_money(each, f"cost.{kind}") for each in sized]) for kind in KINDS]
    yield Section("cost per month", money)
    if sizes.rule is not None:
        limits = [sizes.limits[n] for n in abreast]
        bought = [Cell("–") if limit is None else _cell(show_duration(limit)) for limit in limits]
        yield Section(f"for {show_money(sizes.budget or 0.0)}", [Line(sizes.rule.text.partition(" <")[0], bought)])
    if any(sizes.knees[n] is not None for n in abreast):
        yield Section("the fleet as given", [Line("highest rate", [_knee(sizes.knees[n]) for n in abreast])])
    yield Section("promises", list(_promises(sized)))


def _promises(sized: Sequence[Sized]) -> Iterator[Line]:
    verdicts = [{v.rule: v.verdict for v in each.result.slo} for each in sized]
    for rule in dict.fromkeys(rule for own in verdicts for rule in own):
        yield Line(rule, [Cell(own.get(rule, "–")) for own in verdicts])


def _servers(scenario: Scenario, sizes: Sizes, number: int, station: str) -> Cell:
    each = sizes.sized[number]
    if station not in each.bought:
        return Cell("–")
    busy = each.value(station, "utilization")
    count = servers(scenario, number, station, each.bought[station])
    return Cell(show_count(count), "", "" if busy is None else str(figure(busy, "utilization", "")))


def _money(sized: Sized, metric: str) -> Cell:
    found = figure(sized.value("system", metric) or 0.0, metric, "$/month")
    return Cell(found.number, found.unit.removesuffix("/month"))


def _cell(text: str) -> Cell:
    number, _, unit = text.partition(" ")
    return Cell(number, f" {unit}")


def _knee(knee: Knee | None) -> Cell:
    return Cell("–") if knee is None or knee.rate is None else Cell(show_rate(knee.rate))


def _holds(scenario: Scenario, sized: Sequence[Sized]) -> Iterator[str]:
    """Per strategy what keeps each station from being smaller by one."""
    yield "Why not one less:"
    for each in sized:
        by_reason: dict[str, list[str]] = {}
        for station in each.holds:
            by_reason.setdefault(_why(scenario, each, station), []).append(station)
        told = "; ".join(f"{reason} ({', '.join(stations)})" for reason, stations in by_reason.items())
        yield from textwrap.wrap(f"{each.strategy}: {told}", WIDTH, initial_indent="  ", subsequent_indent="    ")


def _notes(sized: Sequence[Sized]) -> Iterator[str]:
    for note in dict.fromkeys(note for each in sized for note in each.result.notes):
        yield from textwrap.wrap(note, WIDTH, initial_indent="* ", subsequent_indent="  ")
