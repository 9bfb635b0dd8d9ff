"""What a scenario will do, before anything is played: plans, demand in closed form, load, stores and bill."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import isinf

from simsys.experiment import accounts
from simsys.experiment.engines import summed_up
from simsys.experiment.estimate import Estimate
from simsys.experiment.result import Load
from simsys.experiment.setting import Setting, settings
from simsys.money import PAID_IN, Term, total
from simsys.report.outline import outline
from simsys.report.style import figure
from simsys.report.tree import mermaid, text_tree
from simsys.scenario import Figure, Scenario, figures
from simsys.strategies.flow import Flow
from simsys.units import show_count, show_duration, show_money, show_size

WIDTH = 80
_GRADES = {"C": "second hand", "D": "judgement"}


def explain(scenario: Scenario) -> str:
    """The strategies one after the other, then the figures that the answer rests on."""
    ready = settings(scenario)
    kinds = {term.kind for setting in ready for term in _terms(setting)}
    parts = [scenario.question, *map(_strategy, ready), grades(scenario, _stations(ready), kinds)]
    return "\n\n".join(part for part in parts if part) + "\n"


def dry_run(scenario: Scenario, plan: Estimate) -> str:
    """What a run would take, who would play it, and the analytic load of every station."""
    lines = [
        f"{scenario.name}: {show_count(plan.requests)} requests in each of {plan.plays} plays, about "
        f"{about(plan.seconds)}, {show_size(plan.memory)} of memory",
        f"engine: {summed_up([s.label for s in plan.settings], plan.engines)}"
        f"{', when it is compiled' if plan.compiles else ''}",
    ]
    for setting in settings(scenario):
        known = _load_lines(setting.loads) or ["  no analytic load: its plans cannot be traced"]
        lines += ["", setting.label, *known]
        if setting.saturated:
            lines.append(f"  saturated: {', '.join(setting.saturated)} cannot carry this load")
    return "\n".join(lines) + "\n"


def slower(scenario: Scenario) -> Iterator[str]:
    """A line for every strategy that only SimPy can play."""
    for setting in settings(scenario):
        if isinstance(setting.program, str):
            yield f"{setting.label}: SimPy plays it, which is slower: {setting.program}"


def about(seconds: float) -> str:
    """A time as one would say it: seconds up to two minutes, then minutes."""
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def grades(scenario: Scenario, stations: Collection[str], kinds: Collection[str]) -> str:
    """The defaults of grade C and D at these stations and in these kinds of cost; empty if there are none."""
    weak = [figure for figure in figures(scenario) if figure.grade in _GRADES and rests_on(figure, stations, kinds)]
    lines = []
    for grade, meaning in _GRADES.items():
        names = ", ".join(called(f) for f in weak if f.grade == grade)
        if names:
            lines += textwrap.wrap(f"Grade {grade}, {meaning}: {names}.", WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def rests_on(figure: Figure, stations: Collection[str], kinds: Collection[str]) -> bool:
    """Whether a default shows in a result with these stations and these kinds of cost."""
    room, name = figure.path[0], figure.path[1]
    if room == "stations":
        return name in stations
    if room == "prices":
        return any(kind in kinds for kind in PAID_IN.get(name, ()))
    return not {"ram", "disk"}.isdisjoint(kinds)


def called(figure: Figure) -> str:
    """The path of a default, as short as people say it."""
    return ".".join(step for step in figure.path if step not in ("stations", "ops"))


def _stations(ready: Sequence[Setting]) -> list[str]:
    return [name for setting in ready for demand in setting.demands.values() for name in demand.stations]


def _strategy(setting: Setting) -> str:
    named = not isinstance(setting.strategy, Flow)
    summary = (inspect.getdoc(type(setting.strategy)) or "").partition("\n\n")[0] if named else ""
    parts = [f"{setting.label}\n{'=' * len(setting.label)}\n{summary}".rstrip()]
    if isinstance(setting.trees, str):
        return "\n\n".join([*parts, f"Its plans cannot be traced: {setting.trees}."])
    outlines = {op: outline(tree) for op, tree in setting.trees.items()}
    parts += [text_tree(op, items) for op, items in outlines.items()]
    if isinstance(setting.program, str):
        parts.append(f"SimPy plays it, which is slower: {setting.program}.")
    parts += [_demand(setting), _load(setting), *_events(setting), *_money(setting)]
    parts += [f"```mermaid\n{mermaid(op, items)}\n```" for op, items in outlines.items()]
    return "\n\n".join(parts)


def _demand(setting: Setting) -> str:
    """Visits and units of every operation at every station, per request."""
    lines = [f"{'demand per request, on average':<50}{'visits':>12}{'units':>12}"]
    for op, demand in setting.demands.items():
        for (station, service), visits in demand.visits.items():
            units = "" if service == "hold" else _three(demand.units[station, service])
            lines.append(f"  {op + ': ' + station + '.' + service:<48}{_three(visits):>12}{units:>12}")
        lines += [f"  {f'{op}: look-ups of {cache}':<48}{_three(n):>12}" for cache, n in demand.lookups.items()]
        lines.append(f"  {f'{op}: time to the answer if nobody waits':<48}{show_duration(demand.time):>12}")
    for cache, ratio in setting.hit_ratios.items():
        lines.append(f"  hit ratio of {cache} in the long run: {100 * ratio:.1f}%")
        if not setting.layers[cache].warm:
            lines.append("    less if it keeps its keys for little longer than the cache that is asked before it")
    return "\n".join(lines)


def _load(setting: Setting) -> str:
    """Seconds for which a request of each operation keeps a server of a station, and how busy it is."""
    ops = list(setting.demands)
    rates = ", ".join(f"{op} {_three(setting.rate(op))}/s" for op in ops)
    lines = [f"load, in seconds of a server per request ({rates})"]
    lines.append(f"  {'station':<20}{'servers':>8}" + "".join(f"{op:>12}" for op in ops) + f"{'busy':>12}")
    for load in setting.loads:
        seconds = [show_duration(setting.demands[op].busy(load.station)) for op in ops]
        if not isinf(load.servers):
            row = f"  {load.station:<20}{load.servers:>8,.0f}" + "".join(f"{s:>12}" for s in seconds)
            lines.append(f"{row}{_busy(load):>12}")
    return "\n".join(lines)


def _events(setting: Setting) -> Iterator[str]:
    """How long the work of each planned request keeps the station busy of which it asks most."""
    for event in setting.scenario.events:
        request = event.request
        needed = setting.event_demand(request.op, dict(request.columns)) if request is not None else None
        if request is None or needed is None:
            continue
        told = ", ".join(f"{name} {show_count(value)}" for name, value in request.columns.items())
        which = f"event: {request.op}{f' ({told})' if told else ''}"
        if not needed.stations:
            yield f"{which}: no work"
            continue
        servers = {name: setting.scenario.stations[name].capacity for name in needed.stations}
        station = max(servers, key=lambda name: needed.busy(name) / servers[name])
        work, each = needed.busy(station), servers[station]
        sum_ = f"{work:,.3g} s of work / {each:,.0f} servers of {station} = {show_duration(work / each)}"
        yield f"{which}: {sum_}"


def _load_lines(loads: Iterable[Load]) -> list[str]:
    return [
        f"  {load.station:<20}{load.servers:>8,.0f} servers{_busy(load):>10} busy"
        for load in loads
        if not isinf(load.servers)
    ]


def _money(setting: Setting) -> Iterator[str]:
    """What is kept and what a month costs, every term with its formula; caches are taken as full."""
    kept = accounts.stores(setting, dict(_full(setting)))
    if kept:
        lines = [
            f"  {each.store.name} ({each.store.medium}): {each.formula}: {each.store.formula}"
            f"{each.growth and f'; {each.growth}'}"
            for each in kept
        ]
        yield "\n".join(["kept (caches as full as they get)", *_wrapped(lines)])
    terms = _terms(setting)
    lines = [f"  {term.kind}: {term.formula}" for term in terms]
    yield "\n".join([f"the fleet as given costs {show_money(total(terms))}", *_wrapped(lines)])


def _terms(setting: Setting) -> list[Term]:
    visited = {station for demand in setting.demands.values() for station in demand.stations}
    kept = accounts.stores(setting, dict(_full(setting)))
    return accounts.terms(setting, [each.store for each in kept], visited)


def _full(setting: Setting) -> Iterator[tuple[str, float]]:
    for name, spec in setting.scenario.caches.items():
        room = spec.entries if spec.entries is not None else (spec.bytes or 0.0) / setting.first.mean_size
        yield name, float(room)


def _wrapped(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="      ")]


def _busy(load: Load) -> str:
    return str(figure(load.utilization, "utilization", ""))


def _three(value: float) -> str:
    return str(figure(value, "", ""))
