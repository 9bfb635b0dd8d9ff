"""The compiled engine: the kernel plays a program over tables; here is all that it leaves to Python.

That is seldom: a chunk of arrivals, more room for a table, a snapshot of the ledgers, a batch of settled requests.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from simsys.engines.agenda import Agenda, plan_outage, plan_servers
from simsys.engines.arrivals import Arrivals
from simsys.engines.clock import TIMER
from simsys.engines.compiler import program
from simsys.engines.kernel import state
from simsys.engines.kernel.entry import run
from simsys.engines.kernel.state import NOBODY
from simsys.engines.layout import Layout
from simsys.engines.ledgers import booked
from simsys.engines.model import Model, default_key, next_sample, original
from simsys.engines.program import Program
from simsys.engines.rooms import Array
from simsys.engines.rows import Luck
from simsys.engines.stores import Stores
from simsys.engines.trace import trace
from simsys.measure.log import INSIDE, REQUEST, TRAITS, Batch, Log, Sample, StationLog, Take

ROOMS = {
    state.AGENTS: "agents",
    state.FRAMES: "frames",
    state.REQUESTS: "requests",
    state.LINES: "lines",
    state.FORKS: "forks",
    state.GATHERINGS: "gatherings",
    state.LEASES: "leases",
}


def play(model: Model, workload: Any, luck: Luck, take: Take | None) -> Log:
    """Play `model` under the requests of `workload` and return the log. Untraceable if a plan cannot be traced."""
    ready = model.program or program_of(model, workload.columns)
    return CompiledPlay(model, ready, workload, luck, take).run()


def program_of(model: Model, columns: tuple[str, ...]) -> Program:
    """The program of a model's plans, of requests with these columns."""
    trees = {op: trace(plan, columns) for op, plan in model.plans.items()}
    caches = [original(name) for name in model.caches]
    return program(trees, model.stations, caches, list(model.batches), default_key(columns))


class CompiledPlay:
    """One play: answers the kernel until there is nothing more to happen."""

    def __init__(self, model: Model, program: Program, workload: Any, luck: Luck, take: Take | None) -> None:
        self.model, self.workload = model, workload
        self.stop: float | None = workload.stop or None
        columns = needed_columns(program, workload)
        think = workload.think_law if workload.clients else None
        self.layout = layout = Layout(model, program, luck, columns, think, workload.graph)
        self.g = layout.g
        layout.put("entry_nodes", np.array([program.entries.get(op, NOBODY) for op in workload.ops], np.int64))
        layout.put("work", np.zeros((len(workload.ops), len(model.stations))))
        self.stores = Stores(layout, dict(model.caches))
        ledgers = {name: StationLog(spec.shards) for name, spec in model.stations.items()}
        self.log = Log(workload.ops, ledgers, model.begin, take, list(program.marks))
        self.closed = False
        self.agenda = Agenda(layout)
        self.arrivals = Arrivals(layout, self.agenda, workload, columns, luck, inf if self.stop is None else self.stop)
        self.answers: dict[int, Callable[[], None]] = {
            state.ROOM: self._room,
            state.FLUSH: self._flush,
            state.CHUNK: self.arrivals.next_chunk,
            state.ROWS: self.arrivals.next_rounds,
            state.CLOSE: self._close,
            state.ACT: self.agenda.act,
            state.BRING: self._bring,
        }

    def run(self) -> Log:
        self._begin()
        address = self.layout.address
        while True:
            why = run(address)
            if why == state.OVER:
                break
            self.answers[why]()
            if self.model.cut and self.closed:
                break
        self._close()
        self.log.end = float(self.g["now"])
        self._snap()
        return self._finished()

    def _begin(self) -> None:
        """What is planned: the same events in the same order as in the reference engine."""
        g, model, agenda, stop = self.g, self.model, self.agenda, self.stop
        g["stop"] = inf if stop is None else stop
        g["cap"] = NOBODY if self.workload.requests is None or not self.workload.clients else self.workload.requests
        for begin, row in self.layout.downs:
            agenda.tell(begin, TIMER, 0, state.THROWS_OUT, row)
        if model.begin > 0:
            agenda.at(model.begin, self._snap, 0)
        else:
            self._snap()
        if stop is not None:
            agenda.at(stop, self._close, 1)
        agenda.watch(0.0, self._look, 3)
        for number, (name, spec) in enumerate(model.stations.items()):
            if spec.autoscale is not None:
                plan_servers(agenda, number, spec, self.log.stations[name])
        for number, event in enumerate(model.events):
            self.arrivals.plan(number, event)
        for outage in model.cache_outages:
            plan_outage(agenda, self.stores, list(model.caches).index(outage.cache), outage)
        self.arrivals.begin()

    def _bring(self) -> None:
        """The readers of the post of an event come."""
        number = int(self.g["need"])
        brings = self.model.events[number].brings
        assert brings is not None
        self.arrivals.bring(number, brings, int(self.g["amount"]))

    # -- room ------------------------------------------------------------------------------------------------------

    def _room(self) -> None:
        table, wanted = int(self.g["need"]), int(self.g["amount"])
        if table == state.CACHES:
            self.stores.enlarge(wanted)
        elif table == state.HEAP:
            self.layout.enlarge_heap(wanted)
        else:
            if table != state.RING:
                self.layout.enlarge(ROOMS[table], wanted)
            if table in (state.RING, state.AGENTS):
                self.layout.enlarge_ring(max(wanted, 2 * len(self.layout.tables["agents"])))

    # -- requests that leave ----------------------------------------------------------------------------------------

    def _flush(self) -> None:
        inside = self.layout.tables["requests"]
        settled = float(inside["arrival"][inside["open"] > 0].min(initial=inf))
        self._give(*self._settled(), settled)

    def _settled(self) -> tuple[Array, Array]:
        count, tables = int(self.g["out"]), self.layout.tables
        self.g["out"] = 0
        return tables["out"][:count], tables["out_paths"][:count]

    def _give(self, requests: Array, paths: Array, settled: float) -> None:
        marks = self.layout.tables["marks"][: int(self.g["marks"])]
        self.g["marks"] = 0
        if self.log.take is None:
            requests, paths, marks = requests.copy(), paths.copy(), marks.copy()
        stop = self.log.stop if self.closed else inf if self.stop is None else self.stop
        self.log.give(Batch(requests, paths.view(np.float64).reshape(*paths.shape, 2), marks, settled, stop))

    def _finished(self) -> Log:
        """Those still inside leave, too, by number; and the ledgers are closed."""
        tables, g, log = self.layout.tables, self.g, self.log
        (slots,) = np.nonzero(tables["requests"]["open"] > 0)
        slots = slots[np.argsort(tables["requests"]["number"][slots])]
        left, rows = tables["requests"][slots], np.zeros(len(slots), REQUEST)
        for name in REQUEST.names or ():
            if name not in TRAITS:
                rows[name] = left[name]
        for name, column in zip(TRAITS, tables["traits"].tolist(), strict=True):
            rows[name] = self.arrivals.given.columns(left, column) if column != NOBODY else np.nan
        departed = (left["status"] != INSIDE)[:, None]
        paths = np.where(departed, tables["answered"][slots], tables["paths"][left["agent"] * ~departed[:, 0]])
        requests, settled_paths = self._settled()
        self._give(np.concatenate([requests, rows]), np.concatenate([settled_paths, paths]), inf)
        log.work = tables["work"].copy()
        log.arrived, log.inside = int(g["requests"]), int(g["inside"])
        log.area, log.since = float(g["area"]), float(g["since"])
        return log

    # -- the books --------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """The arrivals are over: close the window, once."""
        if not self.closed:
            self.closed = True
            self.log.stop = float(self.g["now"])
            self._snap()

    def _look(self) -> None:
        """A sample of how many are inside every station, and when to take the next."""
        now = float(self.g["now"])
        self.log.samples.append(Sample(now, tuple(self.layout.tables["stations"]["inside"].tolist())))
        if self.agenda.goes_on():
            self.agenda.watch(next_sample(now, self.stop), self._look, 3)

    def _snap(self) -> None:
        """Write down where all ledgers stand."""
        now, tables = float(self.g["now"]), self.layout.tables
        for number, (row, ledger) in enumerate(zip(tables["stations"], self.log.stations.values(), strict=True)):
            shards = tables["shards"][row["shard"] : row["shard"] + row["shards"]]
            for name in ("visits", "busy", "wait", "longest"):
                setattr(ledger, name, shards[name].tolist())
            for name in ("refused", "inside", "area", "sojourns", "held", "since"):
                setattr(ledger, name, row[name].item())
            later = booked(self.layout, number, row, shards, now)
            ledger.snap(now, lambda _, later=later: later)  # type: ignore[misc]
            shards["longest"] = ledger.longest
        for name, count in self.stores.count(now).items():
            self.log.caches.setdefault(name, []).append(count)


def needed_columns(program: Program, workload: Any) -> tuple[str | float, ...]:
    """What the program or the log asks of a request: the columns of the program first, in its order."""
    wanted = [*program.columns, *TRAITS, *(["size"] if program.sized else [])]
    return tuple(dict.fromkeys(name for name in wanted if isinstance(name, float) or name in workload.columns))
