"""What the parts of a scenario say about each other: names must exist, operations must have a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from simsys.measure.histogram import LONGEST_S
from simsys.scenario.defaults import default_uses
from simsys.scenario.errors import Problem, WordError, nearest
from simsys.scenario.guard import Node
from simsys.scenario.happenings import event_problems
from simsys.scenario.knobs import read_strategies
from simsys.scenario.model import Scenario
from simsys.scenario.paths import Path, PathError, Place, element_steps, find, parse_path, set_value
from simsys.scenario.promises import SloRule, resolved
from simsys.scenario.schema import allowed
from simsys.scenario.storage import unfit
from simsys.scenario.sweep import STEPS
from simsys.scenario.uses import KIND, Use, uses
from simsys.steps import MARKED
from simsys.strategies import Strategy
from simsys.structures.caches import ASKED_BY, SKETCHES
from simsys.units import printable, show_duration
from simsys.workload import Workload

MUCH_SHORTER = 5.0
"""A run this many times as long as the ttl does not feel how a cache began."""

UNLIKE = {
    "told": "plans fill it with what they have not asked it for",
    "beneath": "it lies beneath another cache",
    "placed": "plans say which of its copies they ask",
    "shared": "it keeps the lists of those that readers follow",
}
"""Why there is no law for what a cache holds."""


def checked(scenario: Scenario, tree: Node) -> tuple[Scenario, list[Problem]]:
    """The scenario with the subjects of its promises found, and all that does not fit together in it."""
    run = scenario.run
    try:
        load = Workload(
            scenario.load, scenario.population, seed=run.seed, duration=run.duration, requests=run.requests,
            folder=scenario.folder, events=tuple(e.request.op for e in scenario.events if e.request),
        )  # fmt: skip
    except ValueError as error:
        return scenario, [Place(tree, ("load",)).problem(str(error))]
    references = References(scenario, tree, load)
    problems = list(references.problems())
    return scenario.model_copy(update={"slo": tuple(references.promises)}), problems


class References:
    """A scenario looked at as a whole, from the place in the file of each of its parts."""

    def __init__(self, scenario: Scenario, tree: Node, load: Workload) -> None:
        self.scenario, self.tree, self.load = scenario, tree, load
        self.length = _length(scenario, load)
        self.used: set[Use] = set()
        self.unknown = False
        """Whether there is a plan of which nobody knows what it uses."""
        self.promises: list[SloRule] = []

    def problems(self) -> Iterator[Problem]:
        """All that does not fit together."""
        elements = find(self.tree, ("strategies",)).value
        assert isinstance(elements, list)
        for strategy, name in zip(self.scenario.strategies, element_steps(elements), strict=True):
            yield from self._strategy(strategy, self._at("strategies", name))
        yield from self._unused()
        yield from self._unasked()
        yield from self._peak()
        yield from self._clock()
        yield from self._moments()
        yield from event_problems(self.scenario, self.load, self.length, self._at)
        for number, rule in enumerate(self.scenario.slo):
            yield from self._promise(number, rule)
        for text in self.scenario.sweep.paths:
            yield from self._swept(self._at("sweep", text), text)
        for number, step in enumerate(self.scenario.sweep.steps):
            for text in step.set:
                yield from self._swept(self._at("sweep", STEPS, str(number), "set", text), text)

    def _at(self, *path: str) -> Place:
        return Place(self.tree, path)

    def _strategy(self, strategy: Strategy, place: Place) -> Iterator[Problem]:
        if why := unfit(self.scenario, strategy):
            yield place.problem(why)
        for op in self.load.ops:
            plan = strategy.plan(op)
            if plan is None:
                yield place.problem(f"it has no plan for the operation '{op}'")
                continue
            found = uses(strategy, op, (*self.load.columns, *strategy.counts))
            if isinstance(found, str):
                yield place.problem(found)
                continue
            self.unknown |= not found
            for use in found:
                if use in self.used:
                    continue
                problems = list(self._use(use, place))
                if not problems:
                    self.used.add(use)
                yield from problems

    def _use(self, use: Use, strategy: Place) -> Iterator[Problem]:
        scenario = self.scenario
        if use.kind == "mark":
            return
        if use.kind == "dropped":
            policy = scenario.caches[use.name].policy if use.name in scenario.caches else ""
            if policy in SKETCHES:
                place = self._at("caches", use.name, "policy")
                yield place.problem(f"a {policy} cannot drop a key, as keys share their bits; a plan does")
            return
        if use.kind in UNLIKE:
            if use.name in scenario.caches and scenario.caches[use.name].start == "warm":
                message = f"{UNLIKE[use.kind]}: what it holds in the long run is not known; say start: cold"
                yield self._at("caches", use.name, "start").problem(message)
            return
        nouns = {"station": scenario.stations, "cache": scenario.caches, "batch": scenario.batches}
        known: Iterable[str] = nouns[use.kind]  # type: ignore[assignment]
        if use.name not in known:
            message = f"there is no {use.kind} '{use.name}'"
            yield _mention(strategy, use).problem(message, nearest(use.name, known))
        elif use.kind == "station" and use.op and use.op not in scenario.stations[use.name].ops:
            ops = scenario.stations[use.name].ops
            message = f"the station '{use.name}' has no operation '{use.op}'"
            yield _mention(strategy, use).problem(message, nearest(use.op, ops))
        elif use.kind == "station" and not use.op and scenario.stations[use.name].servers == "unlimited":
            message = f"'{use.name}' has unlimited servers: there is none to hold"
            yield _mention(strategy, use).problem(message)
        elif use.kind == "cache":
            yield from self._start(use.name, self._at("caches", use.name))

    def _unused(self) -> Iterator[Problem]:
        """What nobody uses, and is nearly called as something that is used or has defaults: a slip."""
        scenario = self.scenario
        known = self.used.union(*(default_uses(strategy.family) for strategy in scenario.strategies))
        known |= {Use(use.kind, use.name) for use in known}
        nouns: dict[str, Mapping[str, object]] = {
            "stations": scenario.stations, "caches": scenario.caches, "batches": scenario.batches,
        }  # fmt: skip
        given: list[tuple[Use, Path]]
        given = [(Use(KIND[part], name), (part, name)) for part, names in nouns.items() for name in names]
        for name, station in scenario.stations.items():
            given += [(Use("station", name, op), ("stations", name, "ops", op)) for op in station.ops]
        for use, path in given:
            if use not in known:
                same = (u for u in known if u.kind == use.kind and bool(u.op) == bool(use.op))
                words = {u.op or u.name for u in same if not use.op or u.name == use.name}
                if hint := nearest(path[-1], words):
                    yield self._at(*path).problem(f"no strategy uses '{path[-1]}'", hint)

    def _unasked(self) -> Iterator[Problem]:
        """Numbers that nobody asks for where a cache deals with an expiry as it does; defaults go unsaid."""
        for name, cache in self.scenario.caches.items():
            for key, kinds in ASKED_BY.items():
                if getattr(cache, key) != type(cache).model_fields[key].default and cache.on_expiry not in kinds:
                    message = f"nobody asks for it with on_expiry: {cache.on_expiry}"
                    yield self._at("caches", name, key).problem(message, f"on_expiry: {kinds[0]}")

    def _start(self, name: str, place: Place) -> Iterator[Problem]:
        cache = self.scenario.caches[name]
        if cache.start == "warm" and not (self.load.popularity("user") or self.load.popularity("key")):
            yield place.problem("nobody says how popular the keys of this load are, so there is only start: cold")
        if cache.start is not None:
            return
        if cache.ttl is not None and self.length is not None and cache.ttl * MUCH_SHORTER <= self.length:
            return
        why = "it has no ttl"
        if cache.ttl is not None:
            run = "the run" if self.length is None else f"the run of {show_duration(self.length)}"
            why = f"its ttl of {show_duration(cache.ttl)} is not much shorter than {run}"
        yield place.problem(f"{why}, so it matters how it begins: say start: warm or start: cold")

    def _peak(self) -> Iterator[Problem]:
        size = self.scenario.size
        if size is not None and size.peak != 1 and self.scenario.load.kind == "trace":
            yield self._at("size", "peak").problem("a trace arrives as it was recorded: it has no peak to go to")

    def _clock(self) -> Iterator[Problem]:
        """Times are told apart to the nanosecond for so long only."""
        if self.length is not None and self.length > LONGEST_S:
            longest = f"at most {show_duration(LONGEST_S)} can be measured"
            yield self._at("run").problem(f"requests arrive for {show_duration(self.length)}; {longest}")
        for number, event in enumerate(self.scenario.events):
            if event.lasts > LONGEST_S:
                yield self._at("events", str(number), "for").problem(f"at most {show_duration(LONGEST_S)}")

    def _moments(self) -> Iterator[Problem]:
        """Moments must lie within the run, and shares of it need a length."""
        warmup = self.scenario.run.warmup
        moments = [(self._at("events", str(n), "at"), e.at) for n, e in enumerate(self.scenario.events)]
        if warmup != "auto":
            moments.append((self._at("run", "warmup"), warmup))
        for place, moment in moments:
            if moment.is_share and self.length is None:
                yield place.problem("a share of the run needs a run with a duration")
            elif self.length is not None and moment.seconds(self.length) > self.length:
                yield place.problem(f"the run is over after {show_duration(self.length)}")

    def _promise(self, number: int, rule: SloRule) -> Iterator[Problem]:
        try:
            stores = any(strategy.counts for strategy in self.scenario.strategies)
            rule = resolved(rule, self.load.ops, self.scenario.stations, self.scenario.caches, stores)
        except ValueError as error:
            hint = error.hint if isinstance(error, WordError) else ""
            yield self._at("slo", str(number)).problem(str(error), hint)
        marks = [use.name for use in self.used if use.kind == "mark"]
        name = rule.metric.removeprefix(MARKED)
        if name != rule.metric and name not in marks and not self.unknown:
            yield self._at("slo", str(number)).problem(f"no plan marks '{printable(name, 64)}'", nearest(name, marks))
        self.promises.append(rule)

    def _swept(self, place: Place, text: str) -> Iterator[Problem]:
        """A path of a sweep must lead to a key that could be set."""
        try:
            path = parse_path(text)
            changed = set_value(self.tree, path, Node(1, self.tree.source))
        except PathError as error:
            yield place.problem(str(error), error.hint)
            return
        if path[0] == "strategies":
            _, found = read_strategies(changed)
            yield from (place.problem(p.message, p.hint) for p in found if p.message == "unknown key")
        elif (keys := allowed(path[:-1])) and path[-1] not in keys:
            yield place.problem(f"there is no '{path[-1]}'", nearest(path[-1], keys))


def _length(scenario: Scenario, load: Workload) -> float | None:
    """How long requests arrive (s), as far as it is known without drawing them."""
    requests = scenario.run.requests
    if requests is None or scenario.load.kind == "clients":
        return load.stop
    return requests / load.mean_rate if load.mean_rate else None


def _mention(strategy: Place, use: Use) -> Place:
    """Where a flow speaks of the station or cache; else the strategy itself."""
    wanted = f"{use.name}.{use.op}" if use.op else use.name
    try:
        todo = [(strategy.path, find(strategy.tree, strategy.path))]
    except PathError:
        return strategy
    for path, node in todo:
        if node.value == wanted:
            return Place(strategy.tree, path)
        if isinstance(node.value, dict):
            todo += [((*path, key), child) for key, child in node.value.items()]
        elif isinstance(node.value, list):
            todo += [((*path, str(i)), child) for i, child in enumerate(node.value)]
    return strategy
