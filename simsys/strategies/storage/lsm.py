"""A log-structured merge tree: changes are written in order, and sorted together later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log
from typing import Annotated, Any, Literal

from pydantic import Field

from simsys import theory
from simsys.steps import Each, Hold, Join, Start, Visit
from simsys.strategies import Keep, Strategy, World
from simsys.strategies.storage.device import BLOCK, PIECE, Device, kept, visit
from simsys.structures.compactions import Fifo, Leveled, Leveling, Tiering, Universal
from simsys.structures.lsm import Compaction
from simsys.structures.lsm import Lsm as Tree
from simsys.structures.storage import ACCESS, Data, Storage
from simsys.structures.storage.lsm import LsmStorage
from simsys.theory.storage import PER_BIT
from simsys.units import Size

Compacting = Literal["leveling", "leveled", "tiering", "universal", "fifo"]
AtLeastTwo = Annotated[int, Field(ge=2)]


class Lsm(Strategy):
    """Take a change into memory and into a log; write the memory out as a sorted run when it is full, and merge runs
    in the background. A read asks run after run, the newest first.

    Wins where writes are many; pays with merges that share the device with reads, and with several places to look.
    Writers are slowed down while many merges are due; and who fills the memory waits, and all writers behind it, while
    there is no room for another one: a write stall.

    Demand per read or scan: so many seeks of a stretch of blocks each. Per change: a share of a sync of the log; of one
    that fills the memory, in the background, the blocks that are written out, and those that merges read and write.

    Source: O'Neil, Cheng, Gawlick and O'Neil, The log-structured merge-tree, Acta Informatica 1996; RocksDB's wiki.
    """

    operations = tuple(ACCESS)
    counts = LsmStorage.COUNTS

    device: Device = "ssd"  # what lies beneath: a station of this name
    memtable: Size = 64 * 2.0**20  # changes in memory, until they are written out
    compaction: Compacting = "leveled"  # when which runs become one
    ratio: AtLeastTwo = 10  # of the sizes of neighbouring levels; runs per level when tiering
    trigger: AtLeastTwo = 4  # runs in level 0, or of the whole tree when universal, from which on they are merged
    first: Size = 256 * 2.0**20  # leveled: level 1
    file: Size = 64 * 2.0**20  # leveled: what is merged at a time
    limit: Size = 2.0**30  # fifo: what is kept
    bits: Annotated[float, Field(ge=0, le=100)] = 10  # of the Bloom filters, per key
    filters: Literal["uniform", "optimal"] = "uniform"  # the same bits for each key; or more where runs are small
    block: Size = BLOCK  # read at a time
    cache: Size = 64 * 2.0**20  # blocks in memory
    log: bool = True  # a change is acknowledged when it is in the log

    # -- what a request does ---------------------------------------------------------------------------------------

    def read(self, r: Any) -> Iterator[Any]:
        yield Visit("cpu", "read")
        yield from self.fetch(r)

    def update(self, r: Any) -> Iterator[Any]:
        yield Visit("cpu", "write")
        if self.log:
            yield Join("commit", self.sync)
        yield Hold("memtable", self.take)

    def modify(self, r: Any) -> Iterator[Any]:
        yield from self.read(r)
        yield from self.update(r)

    scan = read
    post = insert = delete = update

    def fetch(self, r: Any) -> Iterator[Any]:
        """Read the blocks that are not in memory, one run after the other."""
        if r.seeks > 1:
            yield Each(self.seek, n=r.seeks, width=1)
        else:
            yield from self.seek(r)

    def seek(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "read", b.stretch * (self.block / BLOCK))

    def sync(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "sync")

    def take(self, r: Any) -> Iterator[Any]:
        """Put the change into memory, slower while many merges are due; who fills it waits for room for another one."""
        if not (yield Visit("brake", "pass", ask=True)):
            yield Visit("pace", "write", n=r.size)
        if r.flushed > 0:
            yield Visit("room", "wait")
            yield Start(self.flush)

    # -- in the background -----------------------------------------------------------------------------------------

    def flush(self, b: Any) -> Iterator[Any]:
        yield Hold("room", self.write_out)

    def write_out(self, b: Any) -> Iterator[Any]:
        """Write the memory out; the room is free again when few enough merges are due."""
        yield Each(self.write_piece, n=b.flushed * (self.block / BLOCK), batch=PIECE, width=1)
        if b.merged + b.rewritten > 0:
            yield Visit("debt", "wait")
            yield Start(self.compact)

    def compact(self, b: Any) -> Iterator[Any]:
        yield Hold("debt", self.be_due)

    def be_due(self, b: Any) -> Iterator[Any]:
        yield Hold("slack", self.on_the_brake)

    def on_the_brake(self, b: Any) -> Iterator[Any]:
        """Writers are slowed down when as many do so as may; a merge that comes just as one of them passes does not."""
        if not (yield Hold("brake", self.in_turn, ask=True)):
            yield from self.in_turn(b)

    def in_turn(self, b: Any) -> Iterator[Any]:
        yield Hold("compactors", self.merge)

    def merge(self, b: Any) -> Iterator[Any]:
        yield Each(self.read_piece, n=b.merged * (self.block / BLOCK), batch=PIECE, width=1)
        yield Each(self.write_piece, n=b.rewritten * (self.block / BLOCK), batch=PIECE, width=1)

    def read_piece(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "read", b.size)

    def write_piece(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "write", b.size)

    # -- what it keeps ---------------------------------------------------------------------------------------------

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from kept(world)

    def storage(self, data: Data) -> Storage:
        memtable = data.entries(self.memtable)
        tree = Tree(memtable, self._compaction(data), self._bits(memtable, data))
        return LsmStorage(tree, data, self.block, self.cache, self.log)

    def _compaction(self, data: Data) -> Compaction:
        if self.compaction == "leveling":
            return Leveling(self.ratio)
        if self.compaction == "tiering":
            return Tiering(self.ratio)
        if self.compaction == "universal":
            return Universal(self.trigger)
        if self.compaction == "fifo":
            return Fifo(data.entries(self.limit))
        return Leveled(data.entries(self.first), data.entries(self.file), self.ratio, self.trigger)

    def _bits(self, memtable: int, data: Data) -> Callable[[int], float]:
        """Bits per key by level."""
        sizes = [float(memtable * self.ratio)]
        if self.compaction == "leveled":
            sizes = [float(memtable * self.trigger), float(data.entries(self.first))]
        while sum(sizes) < len(data.keys) and self.compaction not in ("universal", "fifo"):
            sizes.append(sizes[-1] * self.ratio)
        bits = [self.bits] * len(sizes)
        if self.filters == "optimal" and len(sizes) > 1:
            bits = [-log(wrong) / PER_BIT for wrong in theory.optimal_filters(sizes, self.bits)]
        return lambda level: bits[min(level, len(bits) - 1)]
