"""The compiled engine: the kernel plays a program over tables; here is all that it leaves to Python.

That is seldom: a chunk of arrivals, more room for a table, a snapshot of the ledgers, a batch of settled requests.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from simsys.engines.clock import ARRIVAL, TIMER
from simsys.engines.kernel import state
from simsys.engines.kernel.entry import run, tell
from simsys.engines.kernel.state import NOBODY, TO_PYTHON
from simsys.engines.layout import Array, Layout
from simsys.engines.ledgers import booked
from simsys.engines.model import EVENTS, Model, default_key, next_sample, original
from simsys.engines.program import Program, program
from simsys.engines.rows import Luck
from simsys.engines.scaling import Hands, Scaler
from simsys.engines.stores import Stores
from simsys.engines.trace import trace
from simsys.measure.log import BROUGHT, FROM_EVENT, INSIDE, REQUEST, TRAITS, Batch, Log, Sample, StationLog, Take
from simsys.stations import Station

ROOMS = {
    state.AGENTS: "agents",
    state.FRAMES: "frames",
    state.REQUESTS: "requests",
    state.LINES: "lines",
    state.FORKS: "forks",
    state.GATHERINGS: "gatherings",
    state.LEASES: "leases",
}
ROWS_AT_ONCE = 1 << 16
"""Requests of a closed loop whose columns are drawn together."""


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
        self.model, self.workload, self.luck = model, workload, luck
        self.stop: float | None = workload.stop or None
        self.columns = needed_columns(program, workload)
        think = workload.think_law if workload.clients else None
        graph = getattr(workload, "graph", None)
        self.layout = layout = Layout(model, program, luck, self.columns, think, graph)
        self.g = layout.g
        layout.put("entry_nodes", np.array([program.entries.get(op, NOBODY) for op in workload.ops], np.int64))
        layout.put("work", np.zeros((len(workload.ops), len(model.stations))))
        self.stores = Stores(layout, dict(model.caches))
        ledgers = {name: StationLog(spec.shards) for name, spec in model.stations.items()}
        self.log = Log(workload.ops, ledgers, model.begin, take, list(program.marks))
        self.closed = False
        self.planned: list[Callable[[], None]] = []
        self.watching = 0
        self.chunks = iter(()) if workload.clients else workload.chunks(needed=frozenset(self.columns))
        self.answers: dict[int, Callable[[], None]] = {
            state.ROOM: self._room,
            state.FLUSH: self._flush,
            state.CHUNK: self._next_chunk,
            state.ROWS: self._next_rounds,
            state.SNAP: self._snap,
            state.CLOSE: self._close,
            state.SAMPLE: self._look,
            state.ACT: self._act,
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
        g, model, stop = self.g, self.model, self.stop
        g["stop"] = inf if stop is None else stop
        g["cap"] = NOBODY if self.workload.requests is None or not self.workload.clients else self.workload.requests
        for begin, row in self.layout.downs:
            self._tell(begin, TIMER, 0, state.THROWS_OUT, row)
        if model.begin > 0:
            self._tell(model.begin, TIMER, 0, TO_PYTHON + state.SNAP)
        else:
            self._snap()
        if stop is not None:
            self._tell(stop, TIMER, 1, TO_PYTHON + state.CLOSE)
        self._tell(0.0, TIMER, 3, TO_PYTHON + state.SAMPLE)
        self.watching = 1
        for number, (name, spec) in enumerate(model.stations.items()):
            if spec.autoscale is not None:
                self._scale(number, spec, self.log.stations[name])
        self._events()
        for down in model.cache_outages:
            self._cache_outage(down)
        if self.workload.clients:
            self._clients()
        else:
            g["more"] = 1
            self._next_chunk()

    def _tell(self, time: float, kind: int, number: int, what: int, who: int = 0) -> None:
        if self.g["events"] == self.g["heap_room"]:
            self.layout.enlarge_heap(1)
        tell(self.layout.address, time, kind, number, what, who)

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
        self.log.give(Batch(requests, paths.reshape(len(paths), len(self.model.stations), 2), marks, settled, stop))

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
            rows[name] = tables["columns"][slots, column] if column != NOBODY else np.nan
        departed = (left["status"] != INSIDE)[:, None]
        paths = np.where(departed, tables["answered"][slots], tables["paths"][left["agent"] * ~departed[:, 0]])
        requests, settled_paths = self._settled()
        self._give(np.concatenate([requests, rows]), np.concatenate([settled_paths, paths]), inf)
        log.work = tables["work"].copy()
        log.arrived, log.inside = int(g["arrived"]), int(g["inside"])
        log.area, log.since = float(g["area"]), float(g["since"])
        return log

    # -- arrivals ---------------------------------------------------------------------------------------------------

    def _table(self, columns: Any, indices: Array, op: Array) -> Array:
        """Columns and foreseen draws side by side: a row per request."""
        table = np.empty((len(indices), int(self.g["width"])))
        for place, name in enumerate(self.columns):
            table[:, place] = columns[name]
        ops = self.workload.ops
        for place, draw in enumerate(self.layout.foreseen, start=len(self.columns)):
            if draw.ops.issuperset(ops):
                table[:, place] = draw.variate.draws(draw.stream, indices, 0)
                continue
            asked = np.isin(op, [number for number, name in enumerate(ops) if name in draw.ops])
            table[:, place] = np.nan
            table[asked, place] = draw.variate.draws(draw.stream, indices[asked], 0)
        return table

    def _next_chunk(self) -> None:
        g = self.g
        g["position"] = g["chunk"] = 0
        for chunk in self.chunks:
            count = len(chunk.arrival)
            if self.stop is not None:
                count = int(np.searchsorted(chunk.arrival, self.stop, side="right"))
            if count:
                self.layout.put("arrival", np.asarray(chunk.arrival, np.float64))
                self.layout.put("op", np.asarray(chunk.op, np.int64))
                indices = np.arange(chunk.first, chunk.first + len(chunk.arrival))
                self.layout.put("given", self._table(chunk.columns, indices, chunk.op))
                g["first"], g["chunk"] = chunk.first, count
            if count < len(chunk.arrival):
                g["more"] = 0
            if count or not g["more"]:
                return
        g["more"] = 0

    def _clients(self) -> None:
        """Every client begins to think, one after the other."""
        g, clients = self.g, self.workload.clients
        g["clients"], g["rounds"] = clients, max(8, ROWS_AT_ONCE // clients)
        if self.workload.think_law is not None:
            g["think_stream"] = self.workload.think_stream
        self.layout.put("rounds", np.zeros(clients, np.int64))
        self._next_rounds()
        self.layout.enlarge_ring(2 * clients)
        self.layout.enlarge_heap(2 * clients)
        waiting = self.layout.tables["ring"][:clients]
        waiting["what"], waiting["who"] = state.CLIENT_STARTS, np.arange(clients)
        g["ring_tail"] = clients

    def _next_rounds(self) -> None:
        """The next requests of every client."""
        g = self.g
        first, rounds = self.layout.tables["rounds"], int(g["rounds"])
        turns = first[:, None] + np.arange(rounds)
        indices = (np.arange(len(first))[:, None] + turns * len(first)).ravel()
        rows = self.workload.rows(indices, needed=frozenset(self.columns))
        self.layout.put("rounds_from", first.copy())
        self.layout.put("asked_op", np.asarray(rows.op, np.int64))
        self.layout.put("asked_given", self._table(rows.columns, indices, rows.op))

    # -- events -----------------------------------------------------------------------------------------------------

    def _events(self) -> None:
        for number, event in enumerate(self.model.events):
            index = np.array([EVENTS + number], np.int64)
            columns = self._rows(index, event.op)
            for name, value in event.columns.items():
                if name in columns:
                    columns[name] = np.array([value])
            brings, delivered = NOBODY, 0
            if event.brings is not None:
                brings, delivered = number, int(event.brings.delivered)
            stream = (event.op, FROM_EVENT, NOBODY, brings, delivered)
            self._stream(np.array([event.at]), index, columns, stream, always=True)

    def _rows(self, indices: Array, op: str) -> dict[str, Array]:
        needed = frozenset(self.columns)
        return dict(self.workload.rows(indices, self.workload.ops.index(op), needed=needed).columns)

    def _stream(self, times: Array, indices: Array, columns: Any, about: tuple[Any, ...], always: bool = False) -> None:
        """Requests that come later, in order: the first of them becomes an event."""
        op, cause, parent, brings, delivered = about
        layout, tables = self.layout, self.layout.tables
        place, number = len(tables["later"]), len(tables["streams"])
        layout.put("later", np.concatenate([tables["later"], times]))
        layout.put("later_index", np.concatenate([tables["later_index"], indices]))
        number_of_op = self.workload.ops.index(op)
        given = self._table(columns, indices, np.full(len(indices), number_of_op))
        layout.put("later_given", np.concatenate([tables["later_given"], given]))
        row = (place, place + len(times), number_of_op, cause, parent, brings, delivered)
        layout.put("streams", np.concatenate([tables["streams"], np.array([row], state.STREAM)]))
        if len(times) and (always or self.stop is None or times[0] <= self.stop):
            self._tell(float(times[0]), ARRIVAL, int(indices[0]), state.ARRIVES, number)

    def _bring(self) -> None:
        """The readers of an event's post are told of it."""
        number, parent, now = int(self.g["need"]), int(self.g["amount"]), float(self.g["now"])
        brings = self.model.events[number].brings
        assert brings is not None
        first = EVENTS * (number + 2)
        indices = np.arange(first, first + brings.count, dtype=np.int64)
        delays = brings.after.draws(self.luck.stream("brought"), indices, 0)
        order = np.argsort(delays, kind="stable")
        columns = self._rows(indices[order], brings.op)
        self._stream(now + delays[order], indices[order], columns, (brings.op, BROUGHT, parent, NOBODY, 0))

    def _cache_outage(self, outage: Any) -> None:
        number = list(self.model.caches).index(outage.cache)

        def go_down() -> None:
            if not outage.keeps:
                self.stores.clear(number)
            self.stores.rows[number]["down"] = 1

        def come_back() -> None:
            self.stores.rows[number]["down"] = 0

        actions = [(outage.begin, lambda: self.stores.clear(number))]
        if not outage.empty:
            actions = [(outage.begin, go_down), (outage.end, come_back)]
        for time, action in actions:
            self._at(time, action)

    def _at(self, time: float, act: Callable[[], None]) -> None:
        self._tell(time, TIMER, 2, TO_PYTHON + state.ACT, len(self.planned))
        self.planned.append(act)

    def _act(self) -> None:
        self.planned[int(self.g["amount"])]()

    def _scale(self, number: int, spec: Station, log: StationLog) -> None:
        """Let the servers of a station follow its load."""
        g, row = self.g, self.layout.tables["stations"][number]
        assert spec.autoscale is not None and spec.servers != "unlimited"

        def area() -> float:
            return float(row["area"] + row["inside"] * (g["now"] - row["since"]))

        def watch(time: float, look: Callable[[], None]) -> None:
            self.watching += 1
            self._at(time, lambda: self._see(look))

        def resize(servers: int) -> None:
            come, row["servers"] = servers - int(row["servers"]), servers
            self.layout.enlarge_ring(max(come, 0))
            for _ in range(come):
                call = self.layout.tables["ring"][g["ring_tail"] & (g["ring_room"] - 1)]
                call["what"], call["who"], call["value"] = state.RELEASED, row["shard"], 0
                g["ring_tail"] += 1

        hands = Hands(lambda: float(g["now"]), area, self._goes_on, self._at, watch, resize)
        Scaler(spec.autoscale, spec.servers, log, hands)

    def _see(self, look: Callable[[], None]) -> None:
        self.watching -= 1
        look()

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
        self.watching -= 1
        if self._goes_on():
            self.watching += 1
            self._tell(next_sample(now, self.stop), TIMER, 3, TO_PYTHON + state.SAMPLE)

    def _goes_on(self) -> bool:
        """Whether anything but looks is still to happen."""
        return bool(self.g["events"] > self.watching or self.g["position"] < self.g["chunk"])

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


def needed_columns(program: Program, workload: Any) -> tuple[str, ...]:
    """The columns that the program or the log asks for: those of the program first, in its order."""
    wanted = [*program.columns, *TRAITS, "size"]
    return tuple(dict.fromkeys(name for name in wanted if name in workload.columns))
