"""Batches that plans join in the reference engine: until one is full or its linger is over."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

from simpy import Event, Process

from simsys.engines.agents import Agent
from simsys.engines.clock import TIMER, Clock
from simsys.stations import Batch
from simsys.steps import Join


class Gathering:
    """A batch that members join."""

    def __init__(self, done: Event, path: list[float]) -> None:
        self.done, self.path, self.members, self.begun = done, path, 0, False
        self.begin: Callable[[Event | None], None]


class Gatherings:
    """Those that gather now, by the name of their batch. `spawn` begins a child's plan; paths are so long."""

    def __init__(self, batches: Mapping[str, Batch], clock: Clock, path: int, spawn: Callable[..., Process]) -> None:
        self.batches, self.clock, self.path, self.spawn = batches, clock, path, spawn
        self.now = dict[str, Gathering]()

    def join(self, step: Join, agent: Agent) -> Generator[Event, Any, Any]:
        spec = self.batches[step.batch]
        gathering = self.now.get(step.batch)
        if gathering is None:
            gathering = self.now[step.batch] = Gathering(Event(self.clock), [0.0] * self.path)
            begin = partial(self._commit, step, agent, gathering)
            if spec.size > 1:
                self.clock.at(self.clock.now + spec.linger, TIMER, agent.number).callbacks.append(begin)
            gathering.begin = begin
        gathering.members += 1
        if gathering.members == spec.size:
            gathering.begin(None)
        done = yield gathering.done
        agent.go_on(gathering.path)
        return done

    def _commit(self, step: Join, agent: Agent, gathering: Gathering, _: Event | None) -> None:
        """The first member's plan begins, once for all."""
        if gathering.begun:
            return
        gathering.begun = True
        del self.now[step.batch]
        commit = self.spawn(step.plan, agent, size=float(gathering.members), path=gathering.path)
        commit.callbacks.append(partial(pass_on, gathering.done))


def pass_on(to: Event, ended: Event) -> None:
    to.succeed(ended.value)
