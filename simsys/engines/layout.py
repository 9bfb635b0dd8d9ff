"""Lays out the tables of a play: a model and its program become rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

import numpy as np

from simsys.distributions import Variate
from simsys.distributions.variates import NO_TABLE
from simsys.draws.rows import longer, zeros
from simsys.engines.calendars import calendars
from simsys.engines.kernel.free import room
from simsys.engines.kernel.loop import UNCHECKED
from simsys.engines.kernel.state import (
    BATCHED,
    CHANCE,
    DELAY,
    NOBODY,
    PLAIN,
    QUEUED,
    SHARD,
    STATION,
    TABLES,
    TIMING,
    VARIATE,
)
from simsys.engines.model import Model
from simsys.engines.program import EDGE, EDGES, FOLLOWED, MOST_NAMES, Program
from simsys.engines.rooms import FIRST_ROOM, WITH, Array, Globals, empty, longer_ring
from simsys.engines.rows import Luck
from simsys.expressions import Untraceable
from simsys.measure.log import TRAITS
from simsys.stations import Service

LAW_WIDTH = NO_TABLE.shape[1]


class Foreseen(NamedTuple):
    """A draw that comes with every request of these operations, as if it were a column: the first by its name, or how
    many have been drawn before.
    """

    variate: Variate
    stream: int
    visit: int
    ops: frozenset[str]


class Layout:
    """The tables, by name, and the globals `g`, at `address`, in which the kernel finds their addresses."""

    def __init__(
        self,
        model: Model,
        program: Program,
        luck: Luck,
        columns: tuple[str | float, ...],
        think: Variate | None,
        graph: Any,
    ) -> None:
        self.tables: dict[str, Array] = {}
        self.names: dict[str, int] = {}
        self.variates: list[tuple[Any, ...]] = []
        self.laws: list[Array] = []
        self.luck, self.columns, self.asked = luck, columns, program.asked
        self.foreseen: list[Foreseen] = []
        self.g = Globals()
        self.address = self.g.address
        self._stations(model)
        self._program(model, program)
        self._edges(program, graph)
        self.g["think"] = NOBODY if think is None else self._variate(think)
        follows = bool((program.terms["code"] == FOLLOWED).any())
        self.g["authors"] = self._variate(Variate.from_table(luck.authors)) if follows else NOBODY
        self._globals(model, program)
        self.tables |= {
            "variates": np.array(self.variates or [(0,) * 6], VARIATE),
            "tables": np.concatenate([np.zeros((1, LAW_WIDTH)), *self.laws]),
        }
        self.tables |= empty(self.g)
        for name in TABLES:
            self.point(name)

    def put(self, name: str, table: Array) -> None:
        """A new table of this name."""
        self.tables[name] = np.ascontiguousarray(table)
        self.point(name)

    def point(self, name: str) -> None:
        self.g[f"at_{name}"] = self.tables[name].ctypes.data

    # -- stations --------------------------------------------------------------------------------------------------

    def _stations(self, model: Model) -> None:
        stations: list[dict[str, Any]] = []
        shards: list[tuple[int, float]] = []
        timings: list[dict[str, Any]] = []
        free: list[Array] = []
        for number, (name, spec) in enumerate(model.stations.items()):
            delay, limit = spec.servers == "unlimited", spec.rate_limit
            queued = not delay and (name in model.held or spec.queues or bool(model.outages.get(name)))
            servers = 0 if spec.servers == "unlimited" else spec.servers
            stations.append(
                {
                    "kind": DELAY if delay else QUEUED if queued else PLAIN,
                    "shards": spec.shards,
                    "servers": servers,
                    "choices": spec.choices or 1,
                    "room": NOBODY if spec.queue is None else spec.queue,
                    "rate": limit.rate if limit else 0.0,
                    "burst": limit.burst if limit else 0.0,
                    "shard": len(shards),
                    "free": sum(map(len, free)),
                    "stride": room(servers),
                    "spread_stream": self.luck.stream(f"{name} spread"),
                    "any_stream": self.luck.stream(f"{name} any"),
                    "spread_name": self._name(f"{name} spread"),
                    "any_name": self._name(f"{name} any"),
                }
            )
            shards += [(number, limit.burst if limit else 0.0)] * spec.shards
            if not (delay or queued):
                times = np.full((spec.shards, room(servers)), inf)
                times[:, :servers] = 0.0
                free.append(times.ravel())
            for op, service in spec.ops.items():
                timings.append(self._timing(len(timings), f"{name}.{op}", service))
        self.tables["stations"] = filled(STATION, stations)
        empty = {"ends_first": NOBODY, "last_come": -1.0}
        table = filled(SHARD, [{"station": s, "tokens": tokens, **empty} for s, tokens in shards])
        outages, spans, self.downs = calendars(model.stations, model.outages)
        table["outages"], table["downs"], table["downs_end"] = np.array(spans).reshape(-1, 3).T
        self.tables["shards"] = table
        self.tables["free"] = np.concatenate([np.zeros(0), *free])
        self.tables["outages"] = outages
        self.tables["timings"] = filled(TIMING, timings)

    def _timing(self, number: int, name: str, service: Service) -> dict[str, Any]:
        fixed = self._part(number, "fixed", f"{name}.fixed", service.fixed)
        return fixed | self._part(number, "item", name, service.per_item)

    def _part(self, number: int, part: str, name: str, distribution: Any) -> dict[str, Any]:
        variate = None if distribution is None else distribution.variate()
        if variate is None or variate.variance == 0:
            return {part: NOBODY, f"{part}_seconds": 0.0 if variate is None else variate.mean}
        stream = self.luck.stream(name)
        column, foreseen = self._foresee(number, variate, stream)
        return {
            part: self._variate(variate),
            f"{part}_stream": stream,
            f"{part}_name": self._name(name),
            f"{part}_column": column,
            f"{part}_foreseen": foreseen,
        }

    def _foresee(self, service: int, variate: Variate, stream: int) -> tuple[int, int]:
        """The first column of the draws that come with requests, and how many: as many as an operation may ask for."""
        first, count = len(self.columns) + len(self.foreseen), max(asked[service] for asked in self.asked.values())
        for visit in range(count):
            ops = frozenset(op for op, asked in self.asked.items() if asked[service] > visit)
            self.foreseen.append(Foreseen(variate, stream, visit, ops))
        return first, count

    def _variate(self, variate: Variate) -> int:
        first = 1 + sum(len(law) for law in self.laws)
        self.laws.append(variate.table)
        self.variates.append((variate.kind, first, first + len(variate.table), variate.a, variate.b, variate.c))
        return len(self.variates) - 1

    def _name(self, name: str) -> int:
        """The number of a name of draws."""
        if len(self.names) == MOST_NAMES and name not in self.names:
            raise Untraceable(f"there are more than {MOST_NAMES} names of draws")
        return self.names.setdefault(name, len(self.names))

    # -- plans, batches, columns -----------------------------------------------------------------------------------

    def _program(self, model: Model, program: Program) -> None:
        self.tables |= {"nodes": program.nodes, "plans": program.plans, "terms": program.terms.copy()}
        chances = [(self.luck.stream(name), self._name(name)) for name in program.chances]
        self.tables["chances"] = np.array(chances, CHANCE)
        self.tables["shares"] = np.array([self.luck.edge_share(x) for x in program.thresholds])
        self.tables["batches"] = filled(
            BATCHED, [{"size": b.size, "linger": b.linger, "current": NOBODY} for b in model.batches.values()]
        )
        places = {name: place for place, name in enumerate(self.columns)}
        self.tables["traits"] = np.array([places.get(name, NOBODY) for name in TRAITS])
        self.g["has_traits"] = not places.keys().isdisjoint(TRAITS)
        self.g["size_column"] = places.get("size", NOBODY)

    def _edges(self, program: Program, graph: Any) -> None:
        """Where each user's list begins and ends, and the lists, one after the other; a term's argument becomes where
        those of its side and rule begin.
        """
        tables: list[Array] = [np.zeros(1, np.int64)]
        for number, (side, rule) in enumerate(program.lists):
            lists, begin = graph.lists(side, rule), sum(map(len, tables))
            tables += [begin + len(lists.starts) + lists.starts, lists.others]
            terms = self.tables["terms"]
            mine = np.isin(program.terms["code"], (EDGES, EDGE)) & (program.terms["arg"] == number)
            terms["arg"][mine] = begin
        self.tables["edges"] = np.concatenate(tables)

    def _globals(self, model: Model, program: Program) -> None:
        shards = [1] + [spec.shards for spec in model.stations.values()]
        g: Mapping[str, Any] = {
            "resume": NOBODY,
            "turns": NOBODY,
            "author": self.luck.stream("author"),
            "names": max(len(self.names), 1),
            "plan_names": max(program.counters, 1),
            "width": len(self.columns) + len(self.foreseen),
            "places": len(model.stations),
            "margin": UNCHECKED * (64 + 2 * max(shards)),
        }
        for name, value in g.items():
            self.g[name] = value

    # -- more room --------------------------------------------------------------------------------------------------

    def enlarge(self, name: str, wanted: int) -> None:
        """Room for at least `wanted` more rows of a table whose free rows are linked."""
        old = self.tables[name]
        more = max(FIRST_ROOM, len(old), wanted)
        for table in (name, *WITH.get(name, ())):
            self.put(table, longer(self.tables[table], more))
        new = self.tables[name][len(old) :]
        new["link"] = np.arange(len(old) + 1, len(old) + more + 1)
        new["link"][-1] = self.g[f"{name}_free"]
        if name == "agents":
            new["role"] = NOBODY
        self.g[f"{name}_free"] = len(old)
        self.g[f"{name}_left"] += more

    def enlarge_heap(self, wanted: int) -> None:
        self.put("heap", longer(self.tables["heap"], max(len(self.tables["heap"]), wanted)))
        self.g["heap_room"] = len(self.tables["heap"])

    def enlarge_ring(self, wanted: int) -> None:
        """A longer ring, whose length is a power of two."""
        ring = longer_ring(self.tables["ring"], int(self.g["ring_head"]), int(self.g["ring_tail"]), wanted)
        self.put("ring", ring)
        self.g["ring_room"] = len(ring)


def filled(dtype: np.dtype[Any], rows: list[dict[str, Any]]) -> Array:
    """A table with these fields; the others are zero."""
    table = zeros((len(rows),), dtype)
    for row, fields in zip(table, rows, strict=True):
        for name, value in fields.items():
            row[name] = value
    return table
