"""The whole scenario file as one model: every key, in the nouns of the other rooms."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, InstanceOf, PrivateAttr, WithJsonSchema

from simsys.money import Prices
from simsys.scenario.promises import Promise
from simsys.scenario.run import Event, Run
from simsys.scenario.sizing import Sizing
from simsys.scenario.sweep import Sweep
from simsys.stations import Batch, Station
from simsys.strategies import Strategy
from simsys.strategies.flow import Flow
from simsys.structures.caches import CacheSpec
from simsys.units import Duration, Name, Size, Spec
from simsys.workload.load import Load
from simsys.workload.population import Population


@cache
def usual_prices() -> Prices:
    """The prices of a scenario that names none."""
    return Prices()


class Retention(Spec):
    """How long posts are kept (s): `posts` for good, `hot` in memory, and after `disk` in the object store."""

    posts: Duration
    hot: Duration
    disk: Duration | None = None


class Scenario(Spec):
    """One question, and all that is needed to play it. Seconds, bytes, US dollars per month."""

    question: str = Field(default="", description="what the scenario is to find out")
    drawing: str = Field(default="", description="the system as text")
    sources: str | tuple[str, ...] = Field(default=(), description="where the figures come from")
    surprise: str = Field(default="", description="what nobody expected")
    load: Load = Field(description="how many requests, when, of which operations")
    population: Population | None = Field(default=None, description="who reads and who writes")
    stations: dict[Name, Station] = Field(default={}, description="what differs from the family's defaults")
    caches: dict[Name, CacheSpec] = Field(default={}, description="caches by name")
    batches: dict[Name, Batch] = Field(default={}, description="group commits by name")
    strategies: Annotated[tuple[InstanceOf[Strategy], ...], WithJsonSchema({"type": "array"})]
    events: tuple[Event, ...] = Field(default=(), description="what happens on the way")
    slo: tuple[Promise, ...] = Field(default=(), description="promises, such as read p99 < 100ms")
    run: Run = Field(description="how long, how often, which seed")
    prices: Prices = Field(default_factory=usual_prices, description="US dollars, dated and sourced")
    sizes: dict[Name, Size] = Field(default={}, description="bytes of what is kept")
    retention: Retention = Field(description="how long posts are kept")
    size: Sizing | None = Field(default=None, description="what a fleet is sized for")
    sweep: Sweep = Field(default=Sweep(), description="values to try, by path; steps; and whether the paths go in step")

    _name: str = PrivateAttr(default="scenario")
    _folder: Path = PrivateAttr(default_factory=Path)
    _worked_out: dict[str, Any] = PrivateAttr(default_factory=dict)

    def name_it(self, name: str, folder: Path) -> None:
        """Say what it is called, and where its file names start."""
        self._name, self._folder = name, folder

    @property
    def name(self) -> str:
        """What reports and results are called by."""
        return self._name

    @property
    def folder(self) -> Path:
        """Where relative file names start."""
        return self._folder

    @property
    def flows(self) -> dict[str, Any]:
        """The flows as they were written, by name."""
        return {each.name: each.written.data for each in self.strategies if isinstance(each, Flow)}

    @property
    def worked_out(self) -> dict[str, Any]:
        """What others have worked out from it, so that it is done once; a changed copy begins anew."""
        if self._worked_out.get("scenario") is not self:
            self._worked_out = {"scenario": self}
        return self._worked_out

    @property
    def transient(self) -> bool:
        """A run that never settles: with events, stages, or all at once. Nothing is dropped as warm-up."""
        return bool(self.events) or self.load.kind in ("stages", "at_once")

    @property
    def has_rate(self) -> bool:
        """Whether there is such a thing as requests per second."""
        return self.load.kind != "at_once"

    def disturbed(self, stop: float | None) -> float | None:
        """When the first event happens or the first stage ends (s), from which the time to recover counts."""
        moments = [event.time(stop or 0.0) for event in self.events]
        if self.load.stages is not None and len(self.load.stages) > 1:
            moments.append(self.load.stages[0].length)
        return min(moments, default=None)
