"""Whence the requests of a compiled play come: chunks of the load, clients, planned requests and whom they bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsys import draws
from simsys.engines.agenda import Agenda
from simsys.engines.clock import ARRIVAL
from simsys.engines.given import Given
from simsys.engines.kernel import state
from simsys.engines.kernel.state import NOBODY
from simsys.engines.layout import Foreseen, Layout
from simsys.engines.model import EVENTS, Brings, Event
from simsys.engines.rooms import Array
from simsys.engines.rows import Luck
from simsys.measure.log import BROUGHT, FROM_EVENT

ROWS_AT_ONCE = 1 << 16
"""Requests of a closed loop whose columns are drawn together."""


class Arrivals:
    """Gives the kernel requests with their `columns`, those up to `stop` (s; infinite where there is none)."""

    def __init__(
        self, layout: Layout, agenda: Agenda, workload: Any, columns: tuple[str | float, ...], luck: Luck, stop: float
    ) -> None:
        self.layout, self.agenda, self.workload, self.columns = layout, agenda, workload, columns
        self.g, self.given, self.luck, self.stop = layout.g, Given(layout), luck, stop
        self.needed = frozenset(name for name in columns if isinstance(name, str))
        self.chunks = iter(()) if workload.clients else workload.chunks(needed=self.needed)

    def begin(self) -> None:
        """The first requests of the load."""
        if self.workload.clients:
            self._clients()
        else:
            self.g["more"] = 1
            self.next_chunk()

    def _table(self, columns: Any, indices: Array, op: Array, kept: dict[object, Array] | None = None) -> Array:
        """Columns and foreseen draws side by side: a row per request. What is not among the columns is `kept`, too."""
        table = np.empty((len(indices), int(self.g["width"])))
        for place, what in enumerate((*self.columns, *self.layout.foreseen)):
            if isinstance(what, str):
                table[:, place] = columns[what]
            elif kept is None:
                table[:, place] = self._drawn(what, columns, indices, op)
            else:
                if what not in kept:
                    kept[what] = self._drawn(what, columns, indices, op)
                table[:, place] = kept[what]
        return table

    def _drawn(self, what: float | Foreseen, columns: Any, indices: Array, op: Array) -> Array:
        return self._foreseen(what, indices, op) if isinstance(what, Foreseen) else self._above(what, columns, indices)

    def _foreseen(self, draw: Foreseen, indices: Array, op: Array) -> Array:
        """The draws of the requests that ask for them."""
        ops = self.workload.ops
        if draw.ops.issuperset(ops):
            return draw.variate.draws(draw.stream, indices, draw.visit)
        asked = np.isin(op, [number for number, name in enumerate(ops) if name in draw.ops])
        values = np.full(len(indices), np.nan)
        values[asked] = draw.variate.draws(draw.stream, indices[asked], draw.visit)
        return values

    def _above(self, followers: float, columns: Any, indices: Array) -> Array:
        """How many of those that each user follows have so many followers."""
        following = columns["following"].astype(np.int64)
        return draws.counts_below(self.luck.stream("followed"), indices, following, self.luck.edge_share(followers))

    def next_chunk(self) -> None:
        """The next requests of the load, or none."""
        g = self.g
        g["position"] = g["chunk"] = 0
        for chunk in self.chunks:
            count = int(np.searchsorted(chunk.arrival, self.stop, side="right"))
            if count:
                self.layout.put("arrival", np.asarray(chunk.arrival, np.float64))
                self.layout.put("op", np.asarray(chunk.op, np.int64))
                indices = np.arange(chunk.first, chunk.first + len(chunk.arrival))
                self.given.put("given", self._table(chunk.columns, indices, chunk.op, chunk.besides))
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
        self.next_rounds()
        self.layout.enlarge_ring(2 * clients)
        self.layout.enlarge_heap(2 * clients)
        waiting = self.layout.tables["ring"][:clients]
        waiting["what"], waiting["who"] = state.CLIENT_STARTS, np.arange(clients)
        g["ring_tail"] = clients

    def next_rounds(self) -> None:
        """The next requests of every client."""
        g = self.g
        first, rounds = self.layout.tables["rounds"], int(g["rounds"])
        turns = first[:, None] + np.arange(rounds)
        indices = (np.arange(len(first))[:, None] + turns * len(first)).ravel()
        rows = self.workload.rows(indices, needed=self.needed)
        self.layout.put("rounds_from", first.copy())
        self.layout.put("asked_op", np.asarray(rows.op, np.int64))
        self.given.put("asked_given", self._table(rows.columns, indices, rows.op))

    # -- planned requests -------------------------------------------------------------------------------------------

    def plan(self, number: int, event: Event) -> None:
        """A request that comes when an event says, with what it says of it."""
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

    def bring(self, number: int, brings: Brings, parent: int) -> None:
        """The readers of an event's post are told of it."""
        first = EVENTS * (number + 2)
        indices = np.arange(first, first + brings.count, dtype=np.int64)
        delays = brings.after.draws(self.luck.stream("brought"), indices, 0)
        order = np.argsort(delays, kind="stable")
        columns = self._rows(indices[order], brings.op)
        about = (brings.op, BROUGHT, parent, NOBODY, 0)
        self._stream(float(self.g["now"]) + delays[order], indices[order], columns, about)

    def _rows(self, indices: Array, op: str) -> dict[str, Array]:
        return dict(self.workload.rows(indices, self.workload.ops.index(op), needed=self.needed).columns)

    def _stream(self, times: Array, indices: Array, columns: Any, about: tuple[Any, ...], always: bool = False) -> None:
        """Requests that come later, in order: the first of them becomes an event."""
        op, cause, parent, brings, delivered = about
        layout, tables = self.layout, self.layout.tables
        place, number = len(tables["later"]), len(tables["streams"])
        layout.put("later", np.concatenate([tables["later"], times]))
        layout.put("later_index", np.concatenate([tables["later_index"], indices]))
        number_of_op = self.workload.ops.index(op)
        given = self._table(columns, indices, np.full(len(indices), number_of_op))
        self.given.put("later_given", np.concatenate([tables["later_given"], given]))
        row = (place, place + len(times), number_of_op, cause, parent, brings, delivered)
        layout.put("streams", np.concatenate([tables["streams"], np.array([row], state.STREAM)]))
        if len(times) and (always or times[0] <= self.stop):
            self.agenda.tell(float(times[0]), ARRIVAL, int(indices[0]), state.ARRIVES, number)
