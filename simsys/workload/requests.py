"""Requests as NumPy columns: when they arrive, which operation, and what the plans may know about them.

Every column of a request is a function of seed, replication and the request's index; a user's traits
are a function of the user's number. So all strategies meet the same requests, whatever the chunk size
and the number of workers, and memory does not grow with the length of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsys.draws import request_token, stream, uniforms
from simsys.workload.arrivals import Times
from simsys.workload.columns import Chunk, Columns, Counted, Indices, Rows
from simsys.workload.graph import Graph
from simsys.workload.grid import POINTS, Grid, axis, point_weights
from simsys.workload.load import Load
from simsys.workload.mix import alone, drawn, repeated
from simsys.workload.popularity import zipf_keys
from simsys.workload.population import TRAITS, Population
from simsys.workload.schedule import Schedule
from simsys.workload.traces import TraceChunk, scan_trace, whole_trace

AUTHORED = "post"
"""The operation whose user is an author, drawn by activity; the users of all others are readers."""
KEPT = 64
"""Chunks of requests that are kept, of a workload that is played more than once."""


class Workload:
    """The requests of one replication.

    `duration` (s) and `requests` bound it; a load without an end of its own (a rate, clients) needs one
    of them. `events` are operations that come besides the load. Times are in seconds, sizes in bytes;
    users and keys are numbers from 0; a relative file name starts at `folder`. `counts` are columns that what
    `counted` makes, once per play, gives to each request in its order. A workload that `keeps` what it draws, as far as
    there is room, draws it once for all plays. Raises ValueError (of which TraceError)
    before anything is drawn.
    """

    def __init__(
        self,
        load: Load,
        population: Population | None = None,
        seed: int = 1,
        replication: int = 0,
        *,
        duration: float | None = None,
        requests: int | None = None,
        folder: Path = Path(),
        events: Iterable[str] = (),
        counts: tuple[str, ...] = (),
        counted: Callable[[], Counted] | None = None,
        keeps: bool = False,
    ) -> None:
        self.load, self.people = load, population
        self.seed, self.replication = seed, replication
        self.duration, self.requests, self.folder = duration, requests, folder
        self.clients = load.clients or 0
        self.counts, self._counted = counts, counted
        self.counted: Counted | None = None
        self._trace = scan_trace(load.trace, folder) if load.trace else None
        self._schedule = Schedule(load, self._trace, folder, seed, replication, duration, requests)
        self.shares = self._shares()
        self.shares |= {op: 0.0 for op in events if op not in self.shares}
        self.ops = tuple(self.shares)
        self._page, self._size = load.page.variate(), load.size.variate()
        self.think_law = load.think.variate() if load.think else None
        self._grids: dict[str, Grid] = {}
        self._room = KEPT if keeps else 0
        self._kept: dict[tuple[int, int], Chunk] = {}

    def _shares(self) -> dict[str, float]:
        if self._trace is not None and self._trace.ops:
            return {op: count / self._trace.requests for op, count in self._trace.ops.items()}
        return self.load.shares

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of every request, in order."""
        users = self.people.columns if self.people else ()
        key = ("key",) if self.load.keys or (self.load.trace and self.load.trace.key) else ()
        traced = self.load.trace.columns if self.load.trace else ()
        return (*users, *key, "size", "page", *traced, *self.counts)

    @property
    def mean_size(self) -> float:
        """Bytes of an entry, on average."""
        traced = self.load.trace is not None and self.load.trace.size is not None
        return float(self._lines.columns["size"].mean()) if traced else self._size.mean

    @property
    def traced_keys(self) -> Indices:
        """The keys of a trace, line by line."""
        return self._lines.columns["key"].astype(np.int64)

    # When

    @property
    def stop(self) -> float | None:
        """When arrivals stop (s); None for a closed loop that is bounded by its number of requests
        only.
        """
        return self._schedule.stop

    @property
    def expected_requests(self) -> float:
        """How many requests there will be on average; infinite for a closed loop without a number of
        requests.
        """
        return self._schedule.expected_requests

    @property
    def mean_rate(self) -> float:
        """Requests per second until arrivals stop; infinite if all come at once, NaN for a closed loop."""
        return self._schedule.mean_rate

    def rate(self, op: str) -> float:
        """Requests per second of one operation."""
        return self.mean_rate * self.shares[op] if self.shares[op] > 0 else 0.0

    # What

    @cached_property
    def graph(self) -> Graph | None:
        """Who follows whom, where that is known, with the posts and reads of each user per second (per request of the
        load where that has no rate).
        """
        if self.people is None or self.people.graph is None:
            return None
        rate = self.mean_rate if 0.0 < self.mean_rate < inf else 1.0
        return self.people.graph.at(rate * self.shares.get(AUTHORED, 0.0), rate * self.shares.get("read", 0.0))

    def chunks(self, size: int = 16384, needed: frozenset[str] | None = None) -> Iterator[Chunk]:
        """The requests of an open load in order of arrival, at most `size` at a time; the same whatever
        the size. Only the columns that are `needed` are drawn; None: all. `counted` is then who met them.
        """
        if self.clients:
            raise ValueError("a closed loop has no chunks: its clients ask when they are answered")
        first = 0
        counted = self.counted = self._counted() if self._counted is not None else None
        if counted is not None and needed is not None:
            needed |= counted.NEEDED
        for arrival, lines in self._schedule.arrivals(size):
            indices = np.arange(first, first + arrival.size)
            chunk = self._kept.get((first, arrival.size)) or self._begun(indices, arrival, lines)
            columns = self._with_drawn(chunk.columns, indices, chunk.op, needed)
            if counted is not None:
                columns |= counted.play(arrival, chunk.op, columns)
            yield chunk._replace(columns=columns)
            first += arrival.size

    def _begun(self, indices: Indices, arrival: Times, lines: TraceChunk | None) -> Chunk:
        """A chunk of which no column is drawn yet."""
        op = self._ops_of(lines, arrival.size) if lines and lines.op else self._drawn_ops(indices)
        given = lines.columns if lines is not None else {}
        columns = {name: values[: arrival.size] for name, values in given.items()}
        chunk = Chunk(int(indices[0]), arrival, op, columns)
        if len(self._kept) == self._room:
            return chunk
        return self._kept.setdefault((chunk.first, arrival.size), chunk._replace(besides={}))

    def rows(self, indices: Indices, op: int | None = None, needed: frozenset[str] | None = None) -> Rows:
        """Requests by index, all of the operation `op` if it is given: for whoever knows the time otherwise.
        Only the columns that are `needed` are drawn; None: all.

        With a trace, request i takes what line i says, and the lines start again after the last; they are
        then kept in memory.
        """
        indices = np.array(indices, np.int64)
        ops = np.full(indices.size, op) if op is not None else self._drawn_ops(indices)
        line = indices % self._trace.requests if self._trace else indices
        if op is None and self._trace is not None and self._trace.ops:
            ops = self._lines.op[line]
        columns = {name: values[line] for name, values in self._lines.columns.items()} if self._trace else {}
        return Rows(ops, self._with_drawn(columns, indices, ops, needed))

    @cached_property
    def _lines(self) -> Rows:
        assert self.load.trace is not None
        whole = whole_trace(self.load.trace, self.folder)
        return Rows(self._ops_of(whole, len(whole.op)), whole.columns)

    def _ops_of(self, lines: TraceChunk, count: int) -> Indices:
        numbers = {name: number for number, name in enumerate(self.ops)}
        return np.array([numbers[name] for name in lines.op[:count]], np.int64)

    def _drawn_ops(self, indices: Indices) -> Indices:
        if self._only is not None:
            return repeated(self._only, indices.size)
        return drawn(tuple(self.shares.values()), self._stream("op"), indices)

    @cached_property
    def _only(self) -> int | None:
        """The number of the operation that every request is, if there is one."""
        return alone(tuple(self.shares.values()))

    def _with_drawn(self, columns: Columns, indices: Indices, op: Indices, needed: frozenset[str] | None) -> Columns:
        """These columns and those that are drawn, as far as they are needed, in their order."""
        names = [name for name in self.columns if (needed is None or name in needed) and name not in self.counts]
        missing = set(names) - columns.keys()
        if "size" in missing:
            columns["size"] = self._size.draws(self._stream("size"), indices, 0)
        if "page" in missing:
            columns["page"] = np.rint(self._page.draws(self._stream("page"), indices, 0))
        if "key" in missing and self.load.keys is not None:
            keys = self.load.keys
            columns["key"] = zipf_keys(float(keys.count), keys.exponent, self._stream("key"), indices, 0)
        if self.people is not None and not missing.isdisjoint(("active", *TRAITS)):
            author = op == self.ops.index(AUTHORED) if AUTHORED in self.ops else np.zeros(op.size, np.bool_)
            columns |= self._users(indices, author, missing)
        return {name: columns[name] for name in names}

    def users(self, indices: Indices, op: str) -> Indices:
        """Whose requests of an operation these are, by their indices."""
        columns = self.rows(indices, self.ops.index(op), frozenset({"user"})).columns
        return columns["user"].astype(np.int64)

    def _users(self, indices: Indices, author: npt.NDArray[np.bool_], names: set[str]) -> Columns:
        """The columns of these names that tell of the users of requests."""
        assert self.people is not None
        if self.graph is not None:
            user = self.graph.drawn(uniforms(self._stream("user"), indices, 0), author)
            return self.graph.traits(user, names)
        columns = {"active": np.full(indices.size, self.people.active)} if "active" in names else {}
        if names.isdisjoint(TRAITS):
            return columns
        return columns | self.people.traits(uniforms(self._stream("user"), indices, 0), author, names)

    def _stream(self, name: str) -> int:
        return stream(self.seed, self.replication, f"load:{name}")

    @cached_property
    def think_stream(self) -> int:
        """The key of the draws of `think_law`."""
        return self._stream("think")

    def think(self, client: int, k: int) -> float:
        """Seconds that a client of a closed loop thinks before it asks for the k-th time: the draw of
        `think_law` from `think_stream` with the client as its token and visit k; 0 without a law.
        """
        return self.think_law.draw(self.think_stream, request_token(client), k) if self.think_law else 0.0

    @property
    def mean_think(self) -> float:
        """Seconds that a client thinks, on average."""
        return self.think_law.mean if self.think_law else 0.0

    # On average

    def grid(self, op: str) -> Grid:
        """A few thousand weighted requests that stand for all of one operation: for closed forms; worked out once.

        The columns of a trace, and counts, are averages over stretches of the requests of that operation. Where the
        edges are known, each user is a point, and the other columns are means.
        """
        if op not in self._grids:
            self._grids[op] = self._grid(op)
        return self._grids[op]

    def _grid(self, op: str) -> Grid:
        if self.graph is not None:
            return self.graph.grid(op == AUTHORED, self._means)
        columns = {"size": axis(2).means_of(self._size), "page": axis(3).means_of(self._page)}
        if self.load.keys is not None:
            points = np.arange(POINTS)
            columns["key"] = zipf_keys(float(self.load.keys.count), self.load.keys.exponent, 0, points, 0)
        if self.people is not None:
            author = op == AUTHORED
            columns |= self.people.grid(author, axis(0 if author else 1), axis(1 if author else 0))
        for op_of_all, known in self._known:
            of_op = op_of_all == self.ops.index(op)
            for name, values in known.items():
                columns[name] = axis(4).means_of_lines(values[of_op] if of_op.any() else values)
        return Grid(point_weights(), {name: columns[name] for name in self.columns})

    @property
    def _means(self) -> dict[str, float]:
        """The means of the columns that do not tell of users."""
        means = {name: float(values.mean()) for known in self._known for name, values in known.columns.items()}
        return {"size": self.mean_size, "page": self._page.mean} | means

    @property
    def _known(self) -> Iterator[Rows]:
        """What is known request by request: the lines of a trace, and counts."""
        if self._trace is not None:
            yield self._lines
        if self.counts:
            yield self._all_counts

    @cached_property
    def _all_counts(self) -> Rows:
        chunks = list(self.chunks(needed=frozenset()))
        counts = {name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in self.counts}
        return Rows(np.concatenate([chunk.op for chunk in chunks]), counts)

    def popularity(self, column: str) -> tuple[int, float] | None:
        """How many values a column has, 0 the most popular, and Zipf's exponent (0: uniform); None
        without such a law.

        For `user`: of the readers.
        """
        if column == "user" and self.people is not None:
            if self.graph is not None and len(set(self.graph.reads.tolist())) > 1:
                return None
            return self.people.online_users, 0.0
        if column == "key" and self.load.keys is not None:
            return self.load.keys.count, self.load.keys.exponent
        return None
