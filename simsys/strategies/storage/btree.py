"""A B-tree: a change is made in its page, which is read first and written where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from simsys.steps import Each, Hold, Join, Start, Visit
from simsys.strategies import AtLeastOne, Keep, Strategy, World
from simsys.strategies.storage.device import BLOCK, PIECE, Device, kept, visit
from simsys.structures.storage import ACCESS, Data, Storage
from simsys.structures.storage.btree import BtreeStorage, Rules
from simsys.units import Size


class Btree(Strategy):
    """Keep entries in order in pages, a change in the log and in its page in memory; write changed pages where the pool
    needs their room, and at checkpoints, so that the log since the oldest of them stays short.

    Wins where reads are many: one page holds the answer, and those above it are in memory. Pays for a change with a
    page that is read and one that is written, twice where torn pages are feared. Who makes the log too long while pages
    of its beginning are still being written waits, and all writers behind it.

    Demand per read, scan or change: the pages that are not in memory, one after the other, and before that those
    written to make room. Per change: a share of a sync of the log; and in the background what a checkpoint writes.

    Source: Mohan et al., ARIES, ACM TODS 1992; Graefe, Modern B-tree techniques, 2011; MySQL's manual on InnoDB.
    """

    operations = tuple(ACCESS)
    counts = BtreeStorage.COUNTS

    device: Device = "ssd"  # what lies beneath: a station of this name
    page: Size = 16 * 1024.0  # read and written at a time (innodb_page_size); two entries at least
    pool: Size = 128 * 2.0**20  # pages in memory, who was used last stays (innodb_buffer_pool_size)
    link: Annotated[float, Field(gt=0)] = 64  # B of a key and the page it leads to, above the leaves
    fill: Annotated[float, Field(gt=0, le=1)] = 0.9375  # of the last leaf, when a greater key splits it (InnoDB 15/16)
    redo: Size = 100 * 2.0**20  # of the log, until what was changed since is written (innodb_redo_log_capacity)
    checkpoint: Literal["fuzzy", "sharp"] = "fuzzy"  # each page when it is due, or all changed pages at once
    at_once: AtLeastOne = 8  # pages that a sharp checkpoint writes at a time
    double: bool = True  # a page is first written elsewhere, lest a crash leave half of it (innodb_doublewrite)
    log: bool = True  # a change is acknowledged when it is in the log

    # -- what a request does ---------------------------------------------------------------------------------------

    def read(self, r: Any) -> Iterator[Any]:
        yield Visit("cpu", "read")
        yield from self.fetch(r)

    def update(self, r: Any) -> Iterator[Any]:
        yield from self.fetch(r)
        yield from self.change(r)

    def modify(self, r: Any) -> Iterator[Any]:
        yield from self.read(r)
        yield from self.change(r)

    scan = read
    post = insert = delete = update

    def fetch(self, r: Any) -> Iterator[Any]:
        """Make room for the pages that are not in memory, and read them."""
        if r.evicted > 0:
            yield Each(self.write_back, n=r.evicted, width=1)
        if r.missed > 1:
            yield Each(self.read_page, n=r.missed, width=1)
        else:
            yield from visit(self.device, "read", r.missed * (self.page / BLOCK))

    def change(self, r: Any) -> Iterator[Any]:
        yield Visit("cpu", "write")
        if self.log:
            yield Join("commit", self.sync)
        yield Hold("redo", self.take)

    def sync(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "sync")

    def take(self, r: Any) -> Iterator[Any]:
        """Let the log grow; who makes it too long waits until pages can be written for it."""
        if r.flushed > 0:
            yield Visit(self.flusher, "wait")
            yield Start(self.flush)

    def read_page(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "read", self.page / BLOCK)

    def write_back(self, b: Any) -> Iterator[Any]:
        """Write a page, with a double write at two places."""
        if self.double:
            yield from visit(self.device, "write", self.page / BLOCK)
        yield from self.write_page(b)

    def write_page(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "write", self.page / BLOCK)

    # -- in the background -----------------------------------------------------------------------------------------

    @property
    def flusher(self) -> str:
        """The station that is held by who writes the pages of a checkpoint."""
        return "room" if self.checkpoint == "sharp" else "cleaners"

    def flush(self, b: Any) -> Iterator[Any]:
        yield Hold(self.flusher, self.write_out)

    def write_out(self, b: Any) -> Iterator[Any]:
        """Write the pages of a checkpoint, with a double write first all in a row."""
        if self.double:
            yield Each(self.write_piece, n=b.flushed * (self.page / BLOCK), batch=PIECE, width=1)
        yield Each(self.write_page, n=b.flushed, width=self.at_once if self.checkpoint == "sharp" else 1)

    def write_piece(self, b: Any) -> Iterator[Any]:
        yield from visit(self.device, "write", b.size)

    # -- what it keeps ---------------------------------------------------------------------------------------------

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from kept(world)

    def storage(self, data: Data) -> Storage:
        entry = max(1, round(data.entry))
        page = max(round(self.page), 2 * entry)
        rules = Rules(
            page, max(1, round(self.pool / page / data.scale)), entry, max(1, round(self.redo / data.scale)),
            max(1, round(self.link)), self.checkpoint == "fuzzy", 2 if self.double else 1, log=self.log, fill=self.fill,
        )  # fmt: skip
        return BtreeStorage(data.keys, rules)
