"""What the kernel calls Python back for at its time: samples, caches that go down, servers that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simsys.engines.clock import TIMER
from simsys.engines.kernel import state
from simsys.engines.kernel.entry import tell
from simsys.engines.layout import Layout
from simsys.engines.model import CacheOutage
from simsys.engines.scaling import Hands, Scaler
from simsys.engines.stores import Stores
from simsys.measure.log import StationLog
from simsys.stations import Station

Act = Callable[[], None]


class Agenda:
    """Acts by number, each until it is done, as events of the kernel; the looks among them keep nothing going."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.g = layout, layout.g
        self.acts: dict[int, Act] = {}
        self.planned = self.looks = 0

    def tell(self, time: float, kind: int, number: int, what: int, who: int = 0) -> None:
        """Tell the kernel of an event."""
        if self.g["events"] == self.g["heap_room"]:
            self.layout.enlarge_heap(1)
        tell(self.layout.address, time, kind, number, what, who)

    def at(self, time: float, act: Act, number: int = 2) -> None:
        """Plan an act."""
        self.tell(time, TIMER, number, state.TO_PYTHON + state.ACT, self.planned)
        self.acts[self.planned] = act
        self.planned += 1

    def watch(self, time: float, look: Act, number: int = 2) -> None:
        """Plan a look."""

        def see() -> None:
            self.looks -= 1
            look()

        self.looks += 1
        self.at(time, see, number)

    def act(self) -> None:
        """Do what is due."""
        self.acts.pop(int(self.g["amount"]))()

    def goes_on(self) -> bool:
        """Whether anything but looks is still to happen."""
        return bool(self.g["events"] > self.looks or self.g["position"] < self.g["chunk"])


def plan_outage(agenda: Agenda, stores: Stores, number: int, outage: CacheOutage) -> None:
    """Empty a cache, or let it go down and come back."""

    def go_down() -> None:
        if not outage.keeps:
            stores.clear(number)
        stores.rows[number]["down"] = 1

    def come_back() -> None:
        stores.rows[number]["down"] = 0

    if outage.empty:
        agenda.at(outage.begin, lambda: stores.clear(number))
    else:
        agenda.at(outage.begin, go_down)
        agenda.at(outage.end, come_back)


def plan_servers(agenda: Agenda, number: int, spec: Station, log: StationLog) -> None:
    """Let the servers of a station follow its load."""
    layout, g = agenda.layout, agenda.g
    row: Any = layout.tables["stations"][number]
    assert spec.autoscale is not None and spec.servers != "unlimited"

    def area() -> float:
        return float(row["area"] + row["inside"] * (g["now"] - row["since"]))

    def resize(servers: int) -> None:
        come, row["servers"] = servers - int(row["servers"]), servers
        layout.enlarge_ring(max(come, 0))
        for _ in range(come):
            call = layout.tables["ring"][g["ring_tail"] & (g["ring_room"] - 1)]
            call["what"], call["who"], call["value"] = state.RELEASED, row["shard"], 0
            g["ring_tail"] += 1

    hands = Hands(lambda: float(g["now"]), area, agenda.goes_on, agenda.at, agenda.watch, resize)
    Scaler(spec.autoscale, spec.servers, log, hands)
