"""What a flow keeps, as a scenario describes it: stores by name, with a medium, a size, and how many or of what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from simsys.money import MEDIA, Medium
from simsys.strategies import Keep, World
from simsys.strategies.values import Reader
from simsys.units import parse_count, parse_duration, parse_size

WORDS = ("medium", "size", "items", "of", "for", "after", "copies")


class Stored(NamedTuple):
    """`items` things of `size` bytes; with `of`, so many for each such operation, kept for `lasts` seconds, from
    `after` s on.
    """

    name: str
    medium: Medium
    size: float
    items: float
    of: str
    lasts: float
    after: float
    copies: int | None

    def keep(self, world: World) -> Keep:
        """The store as a formula over the world."""
        if not self.of:
            return Keep(self.name, self.medium, self.items, self.size, self.copies)
        grows = world.rate(self.of) if self.items == 1 else world.rate(self.of) * self.items
        return Keep(self.name, self.medium, grows * self.lasts, self.size, self.copies, grows, self.after)


def stored(reader: Reader, data: Any, ops: Mapping[str, Any]) -> Iterator[Stored]:
    """The stores of `keeps: {NAME: {medium: ssd, size: 1kB, of: post, for: 365d}}`; `reader` is told what is wrong."""
    if not isinstance(data, dict):
        reader.wrong(("keeps",), "expected stores by name, as in {posts: {medium: ssd, size: 1kB, items: 1M}}")
        return
    for name, store in data.items():
        path = ("keeps", str(name))
        if not isinstance(store, dict):
            reader.wrong(path, "expected {medium: …, size: …, items: …}")
            continue
        for word in store:
            if word not in WORDS:
                reader.wrong((*path, word), "a store does not take this", str(word), WORDS)
        yield _stored(reader, path, str(name), store, ops)


def _stored(reader: Reader, path: tuple[Any, ...], name: str, store: dict[Any, Any], ops: Mapping[str, Any]) -> Stored:
    def read(word: str, parse: Callable[[Any], float], default: float) -> float:
        return reader.read((*path, word), parse, store[word], default) if word in store else default

    medium, of, copies = store.get("medium"), store.get("of", ""), store.get("copies")
    if medium not in MEDIA:
        reader.wrong((*path, "medium"), f"expected one of: {', '.join(MEDIA)}", str(medium), MEDIA)
    if of and of not in ops:
        reader.wrong((*path, "of"), "no such operation", str(of), tuple(ops))
    if copies is not None and (not isinstance(copies, int) or isinstance(copies, bool) or not 1 <= copies <= 1000):
        reader.wrong((*path, "copies"), "expected a whole number from 1 to 1000")
    needed = ("size", "for") if of else ("size", "items")
    for word in needed:
        if word not in store:
            reader.wrong(path, f"'{word}' is missing")
    for word in ("for", "after"):
        if word in store and not of:
            reader.wrong((*path, word), "only what an operation leaves is kept for a time: 'of' is missing")
    size, items = read("size", parse_size, 1.0), read("items", parse_count, 1.0)
    lasts, after = read("for", parse_duration, 0.0), read("after", parse_duration, 0.0)
    known: Medium = medium if medium in MEDIA else "ssd"
    return Stored(name, known, size, items, str(of), lasts, after, copies if isinstance(copies, int) else None)
