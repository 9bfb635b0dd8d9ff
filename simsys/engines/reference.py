"""The reference engine: SimPy plays the plans, and that is what they mean.

A request, and every child it starts, is a SimPy process that drives its plan and takes the steps it yields.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from math import inf
from typing import Any

from simpy import Event, Process

from simsys import draws
from simsys.engines.agents import Agent, Path, batches
from simsys.engines.clock import TIMER, Clock
from simsys.engines.facilities import Facility
from simsys.engines.gatherings import Gatherings
from simsys.engines.lookups import Lookups
from simsys.engines.model import Model
from simsys.engines.rows import Luck, Row
from simsys.measure.log import DONE, NOBODY, REFUSED, TIMED_OUT, Log, Request, Sample, Take
from simsys.measure.writer import Writer
from simsys.steps import (
    All,
    Chance,
    Drop,
    Each,
    Fill,
    Hold,
    Join,
    Lookup,
    Mark,
    Plan,
    Start,
    Visit,
    Within,
    plan_name,
)  # fmt: skip

Doing = Generator[Event, Any, Any]


class Player:
    """Plays plans on a clock and writes the log."""

    def __init__(
        self,
        model: Model,
        luck: Luck,
        default_key: str | None,
        ops: tuple[str, ...],
        stop: float | None,
        take: Take | None = None,
    ) -> None:
        self.clock, self.model, self.luck, self.default_key = Clock(), model, luck, default_key
        self.facilities = {
            name: Facility(name, 2 * i, spec, name in model.held, model.outages.get(name, ()), self.clock, luck)
            for i, (name, spec) in enumerate(model.stations.items())
        }
        self.lookups = Lookups(model.caches, self.clock, luck, self._key)
        self.log = Log(ops, {name: f.log for name, f in self.facilities.items()}, model.begin, take)
        self.book = Writer(self.log, stop)
        self.gatherings = Gatherings(model.batches, self.clock, 2 * len(self.facilities), self._spawn)
        self.settled: dict[int, Callable[[float], None]] = {}
        self._numbers = 0
        self._plan_ids: dict[str, int] = {}
        self._timed: dict[type, Callable[[Any, Agent], Doing]] = {
            Visit: self._visit,
            Hold: self._hold,
            All: self._all,
            Each: self._each,
            Join: self.gatherings.join,
            Within: self._within,
            Lookup: self.lookups.ask,
        }
        self._instant: dict[type, Callable[[Any, Agent], bool]] = {
            Start: self._start,
            Fill: self.lookups.fill,
            Drop: self.lookups.drop,
            Chance: self._chance,
            Mark: self._mark,
        }

    # -- requests and children -------------------------------------------------------------------------------------

    def arrive(self, request: Request, row: Row) -> Process:
        """Let a request begin; the process ends when its plan does."""
        self.book.arrive(request, self.clock.now)
        agent = self._agent(request, row, draws.request_token(request.index), request.path, answers=True)
        return Process(self.clock, self._serve(agent))

    def _serve(self, agent: Agent) -> Doing:
        request = agent.request
        done = yield from self._play(self.model.plans[request.op], agent)
        self.book.depart(request, self.clock.now, DONE if done else TIMED_OUT if agent.timed_out else REFUSED)
        self._close(request)
        return done

    def _agent(self, request: Request, row: Row, token: int, path: Path, answers: bool = False) -> Agent:
        self._numbers += 1
        request.open += 1
        return Agent(request, row, token, self._numbers, path, answers)

    def _close(self, request: Request) -> None:
        request.open -= 1
        if request.open == 0:
            self.book.settle(request)
            if request.number in self.settled:
                self.settled.pop(request.number)(self.clock.now)

    def _spawn(
        self, plan: Plan, parent: Agent, index: int = 0, size: float | None = None, path: Path = None
    ) -> Process:
        name = plan_name(plan)
        plan_id = self._plan_ids.get(name)
        if plan_id is None:
            plan_id = self._plan_ids[name] = draws.name_id(name)
        count = parent.children.get(name, 0)
        parent.children[name] = count + 1
        row = parent.row.child(index, size)
        child = self._agent(parent.request, row, draws.child_token(parent.luck.token, plan_id, count), path)
        return Process(self.clock, self._live(plan, child))

    def _live(self, plan: Plan, child: Agent) -> Doing:
        done = yield from self._play(plan, child)
        self._close(child.request)
        return done

    def _play(self, plan: Plan, agent: Agent) -> Doing:
        """Drive a plan to its end: True, or False where it says so or was refused."""
        steps = plan(agent.row)
        answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as stop:
                return stop.value is None or bool(stop.value)
            kind = type(step)
            instant = self._instant.get(kind)
            if instant is not None:
                answer = instant(step, agent)
                continue
            answer = yield from self._timed[kind](step, agent)
            if answer is None:
                steps.close()
                return False

    # -- steps that take time; None: refused, the plan ends ----------------------------------------------------------

    def _visit(self, step: Visit, agent: Agent) -> Doing:
        if step.n <= 0:
            return True
        facility = self.facilities[step.station]
        pieces = facility.pieces(step, self._key(step.key, agent), agent.luck)
        came = self.clock._now
        served = yield from facility.servers.visit(pieces, agent.number)
        took = self.clock._now - came
        self._waited(agent, facility.place, took, max(0.0, took - pieces[0][1]) if served else took)
        if served and facility.occupies:
            self.book.charge(agent.request, step.station, served * pieces[0][1])
        if served == len(pieces):
            return True
        return False if step.ask else None

    def _hold(self, step: Hold, agent: Agent) -> Doing:
        facility = self.facilities[step.station]
        servers: Any = facility.servers
        shard = facility.shard(self._key(step.key, agent), agent.luck)
        arrived = self.clock.now
        request = yield from servers.enter(shard)
        if request is None:
            self._waited(agent, facility.place, self.clock.now - arrived, self.clock.now - arrived)
            return False if step.ask else None
        granted = self.clock.now
        opens = servers.calendars[shard].opens(granted)
        if opens > granted:
            yield self.clock.at(opens, TIMER, agent.number)
        waited = self.clock.now - arrived
        self._waited(agent, facility.place, waited, waited)
        done = yield from self._play(step.plan, agent)
        facility.log.held += self.clock.now - granted
        servers.exit(shard, request, arrived)
        return done

    @staticmethod
    def _waited(agent: Agent, place: int, took: float, waited: float) -> None:
        """Of the seconds that a step took at a station, so many were spent in line."""
        if agent.answers:
            agent.request.wait += waited
        if agent.path is not None:
            agent.path[place] += waited
            agent.path[place + 1] += took - waited

    def _all(self, step: All, agent: Agent) -> Doing:
        begin = (partial(self._spawn, plan, agent) for plan in step.plans)
        return (yield from self._side_by_side(agent, begin, len(step.plans), None))

    def _each(self, step: Each, agent: Agent) -> Doing:
        sizes = batches(step.n, step.batch)
        begin = (partial(self._spawn, step.plan, agent, i, size) for i, size in enumerate(sizes))
        return (yield from self._side_by_side(agent, begin, len(sizes), step.width))

    def _side_by_side(self, agent: Agent, begin: Any, count: int, width: int | None) -> Doing:
        """A child's path goes on from that of the child whose end let it begin; the last one's leads to the answer."""
        if count == 0:
            return True
        last, left, done = Event(self.clock), count, True

        def ended(path: Path, child: Event) -> None:
            nonlocal left, done
            left, done = left - 1, done and bool(child.value)
            if left == 0:
                agent.go_on(path)
                last.succeed(done)
            else:
                _begin_next(path)

        def _begin_next(path: Path) -> None:
            start = next(begin, None)
            if start is not None:
                own = None if path is None else list(path)
                start(path=own).callbacks.append(partial(ended, own))

        for _ in range(min(count, width if width and width > 0 else count)):
            _begin_next(agent.fresh_path())
        return (yield last)

    def _within(self, step: Within, agent: Agent) -> Doing:
        answer = Event(self.clock)

        def begin(plan: Plan) -> None:
            path = agent.fresh_path()
            self._spawn(plan, agent, path=path).callbacks.append(partial(ended, path))

        def ended(path: Path, child: Event) -> None:
            if not answer.triggered:
                agent.go_on(path)
                answer.succeed(bool(child.value))

        def limit_is_over(_: Event) -> None:
            if answer.triggered:
                return
            if step.also is not None:
                begin(step.also)
            else:
                agent.timed_out = True
                answer.succeed(False)

        begin(step.plan)
        if step.limit < inf:
            self.clock.at(self.clock.now + step.limit, TIMER, agent.number).callbacks.append(limit_is_over)
        return (yield answer)

    # -- steps that take none ------------------------------------------------------------------------------------------

    def _start(self, step: Start, agent: Agent) -> bool:
        for i, size in enumerate(batches(step.n, step.batch)):
            self._spawn(step.plan, agent, i, size)
        return True

    def _chance(self, step: Chance, agent: Agent) -> bool:
        stream, visit = self.luck.stream(step.name), agent.luck.next(step.name)
        return bool(draws.uniform(stream, agent.luck.token, visit) < step.p)

    def _mark(self, step: Mark, agent: Agent) -> bool:
        whom = NOBODY if step.whom is None else int(step.whom)
        self.book.mark(step.name, agent.request, self.clock.now, float(step.n), whom)
        return True

    def _key(self, key: Any, agent: Agent) -> Any:
        if key is not None or self.default_key is None:
            return 0.0 if key is None else key
        return getattr(agent.row, self.default_key)

    # -- the books -----------------------------------------------------------------------------------------------------

    def snap(self) -> None:
        """Write down where all ledgers stand."""
        now = self.clock.now
        for facility in self.facilities.values():
            facility.log.snap(now, facility.servers.state)
        for name, count in self.lookups.count(now).items():
            self.log.caches.setdefault(name, []).append(count)

    def sample(self) -> None:
        """Write down how many are inside every station."""
        self.log.samples.append(Sample(self.clock.now, tuple(f.log.inside for f in self.facilities.values())))
