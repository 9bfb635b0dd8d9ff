"""The forms of a flow: each a mapping with one word of the vocabulary, read into a function that yields that step.

A step that gives False ends its list with False, unless the form says what to do then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from simsys.steps import All, Chance, Drop, Each, Fill, Hold, Join, Key, Lookup, Mark, Start, Visit, Within
from simsys.strategies.values import Reader, condition, parse_value
from simsys.units import parse_duration, parse_share

Doing: TypeAlias = Generator[Any, Any, Any]
Form: TypeAlias = Callable[[Any], Doing]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAMED = "a name is a small letter, then letters, digits, _ and -"


class Forms:
    """A list of forms as a plan: one after the other, until one gives False."""

    def __init__(self, name: str, forms: list[Form]) -> None:
        self.__name__, self.forms = name, forms

    def __call__(self, row: Any) -> Doing:
        for form in self.forms:
            done = yield from form(row)
            if done is False:
                return False
        return True


def read_plan(reader: Reader, data: Any, path: tuple[Any, ...], name: str) -> Forms:
    if not isinstance(data, list):
        reader.wrong(path, "expected a list of steps, as in [{visit: api.read}]")
        return Forms(name, [])
    forms = [_form(reader, item, (*path, i), f"{name}.{i}") for i, item in enumerate(data)]
    return Forms(name, [form for form in forms if form is not None])


def _form(reader: Reader, data: Any, path: tuple[Any, ...], name: str) -> Form | None:
    words = [word for word in data if word in FORMS] if isinstance(data, dict) else []
    if len(words) != 1:
        wrong = next((w for w in data if w not in FORMS), None) if isinstance(data, dict) and not words else None
        reader.wrong(
            (*path, wrong) if wrong else path, f"a step has one word of: {', '.join(FORMS)}", wrong, tuple(FORMS)
        )
        return None
    allowed, make = FORMS[words[0]]
    for extra in data:
        if extra != words[0] and extra not in allowed:
            reader.wrong((*path, extra), f"'{words[0]}' does not take this", str(extra), allowed)
    fields = Fields(reader, data, path, name)
    return make(fields, data[words[0]])


class Fields:
    """The fields of one form, read with errors that say where."""

    def __init__(self, reader: Reader, data: dict[str, Any], path: tuple[Any, ...], name: str) -> None:
        self.reader, self.data, self.path, self.name = reader, data, path, name

    def plan(self, word: str, needed: bool = True) -> Forms | None:
        if word not in self.data:
            if needed:
                self.reader.wrong(self.path, f"'{word}' is missing: the steps to take")
            return None
        return read_plan(self.reader, self.data[word], (*self.path, word), f"{self.name}.{word}")

    def number(self, word: str, default: float = 1.0) -> Callable[[Any], Any]:
        if word not in self.data:
            return lambda row: default
        return self.reader.read((*self.path, word), parse_value, self.data[word], lambda row: default)

    def batch(self) -> Callable[[Any], Any]:
        if self.data.get("batch") == 0:
            self.reader.wrong((*self.path, "batch"), "expected at least one in a batch")
        return self.number("batch")

    def constant(self, word: str) -> int | None:
        value = self.data.get(word)
        if value is not None and (not isinstance(value, int) or value < 1):
            self.reader.wrong((*self.path, word), "expected a whole number of at least 1")
        return value

    def shards(self, word: str) -> int:
        if word in self.data and self.data.get("key") in ("spread", "any"):
            self.reader.wrong((*self.path, word), "expected the key that these shards have: a column or a number")
        return self.constant(word) or 1

    def key(self) -> Callable[[Any], Any]:
        key = self.data.get("key")
        if key is None:
            return lambda row: None
        if key in ("spread", "any"):
            return lambda row: Key(key)
        return self.reader.read((*self.path, "key"), parse_value, key, lambda row: None)

    def cache_key(self) -> Callable[[Any], Any]:
        if self.data.get("key") in ("spread", "any"):
            self.reader.wrong((*self.path, "key"), "a cache knows one key at a time: expected a column or a number")
        return self.key()

    def copy(self) -> Callable[[Any], Any]:
        if self.data.get("at", "any") == "any":
            return lambda row: None
        return self.reader.read((*self.path, "at"), parse_value, self.data["at"], lambda row: None)

    def name_of(self, word: str) -> str:
        value = self.data[word]
        if not isinstance(value, str) or not value:
            self.reader.wrong((*self.path, word), "expected a name")
            return ""
        return value

    def quantity(self, word: str, parse: Callable[[Any], float]) -> float:
        return self.reader.read((*self.path, word), parse, self.data[word], 0.0)


def _visit(f: Fields, what: Any) -> Form:
    station, _, op = f.name_of("visit").partition(".")
    if station and not op:
        f.reader.wrong((*f.path, "visit"), "expected station.operation, as in api.read")
    n, key, refused = f.number("n"), f.key(), f.plan("refused", needed=False)
    of, over = f.shards("of"), f.shards("over")
    if "of" in f.data and "over" in f.data:
        f.reader.wrong((*f.path, "over"), "a visit goes to one shard `of` several, or `over` all of them")

    def form(row: Any) -> Doing:
        served = yield Visit(station, op, n(row), key(row), refused is not None, of, over)
        if refused is not None and not served:
            return (yield from refused(row))
        return True

    return form


def _hold(f: Fields, what: Any) -> Form:
    station, plan, key = f.name_of("hold"), f.plan("do") or Forms(f.name, []), f.key()
    refused = f.plan("refused", needed=False)

    def form(row: Any) -> Doing:
        done = yield Hold(station, plan, key(row), ask=refused is not None)
        if done:
            return True
        return (yield from refused(row)) if refused is not None else False

    return form


def _all(f: Fields, what: Any) -> Form:
    if not isinstance(what, list):
        f.reader.wrong((*f.path, "all"), "expected a list of lists of steps")
        what = []
    plans = [read_plan(f.reader, item, (*f.path, "all", i), f"{f.name}.all.{i}") for i, item in enumerate(what)]

    def form(row: Any) -> Doing:
        return bool((yield All(*plans)))

    return form


def _each(f: Fields, what: Any) -> Form:
    n, plan = f.number("each"), f.plan("do") or Forms(f.name, [])
    batch, width = f.batch(), f.constant("width")

    def form(row: Any) -> Doing:
        return bool((yield Each(plan, n(row), batch(row), width)))

    return form


def _start(f: Fields, what: Any) -> Form:
    plan, n, batch = f.plan("start") or Forms(f.name, []), f.number("n"), f.batch()

    def form(row: Any) -> Doing:
        yield Start(plan, n(row), batch(row))
        return True

    return form


def _mark(f: Fields, what: Any) -> Form:
    name, n = f.name_of("mark"), f.number("n")
    whom = f.number("whom") if "whom" in f.data else lambda row: None
    if name and not NAME.fullmatch(name):
        f.reader.wrong((*f.path, "mark"), NAMED)

    def form(row: Any) -> Doing:
        yield Mark(name, n(row), whom(row))
        return True

    return form


def _lookup(f: Fields, what: Any) -> Form:
    cache, key, at = f.name_of("lookup"), f.cache_key(), f.copy()
    nothing = Forms(f.name, [])
    hit, miss = f.plan("hit", needed=False) or nothing, f.plan("miss", needed=False) or nothing

    def form(row: Any) -> Doing:
        found = yield Lookup(cache, key(row), at(row))
        return (yield from (hit if found else miss)(row))

    return form


def _keyed(word: str, step: type[Fill | Drop]) -> Callable[[Fields, Any], Form]:
    """The maker of forms that only tell a cache something about a key."""

    def make(f: Fields, what: Any) -> Form:
        cache, key, at = f.name_of(word), f.cache_key(), f.copy()

        def form(row: Any) -> Doing:
            yield step(cache, key(row), at(row))
            return True

        return form

    return make


def _join(f: Fields, what: Any) -> Form:
    batch, plan = f.name_of("join"), f.plan("do") or Forms(f.name, [])

    def form(row: Any) -> Doing:
        return bool((yield Join(batch, plan)))

    return form


def _within(f: Fields, what: Any) -> Form:
    limit, plan = f.quantity("within", parse_duration), f.plan("do") or Forms(f.name, [])
    also, otherwise = f.plan("also", needed=False), f.plan("else", needed=False)

    def form(row: Any) -> Doing:
        in_time = yield Within(limit, plan, also)
        if in_time:
            return True
        return (yield from otherwise(row)) if otherwise is not None else False

    return form


def _when(f: Fields, what: Any) -> Form:
    holds: Callable[[Any], Any] = f.reader.read((*f.path, "when"), condition, what, lambda row: True)
    nothing = Forms(f.name, [])
    then, otherwise = f.plan("then", needed=False) or nothing, f.plan("else", needed=False) or nothing

    def form(row: Any) -> Doing:
        chosen = then if holds(row) else otherwise
        return (yield from chosen(row))

    return form


def _chance(f: Fields, what: Any) -> Form:
    p, name = f.quantity("chance", parse_share), f.name
    nothing = Forms(f.name, [])
    then, otherwise = f.plan("then", needed=False) or nothing, f.plan("else", needed=False) or nothing

    def form(row: Any) -> Doing:
        return (yield from (then if (yield Chance(p, name)) else otherwise)(row))

    return form


FORMS: dict[str, tuple[tuple[str, ...], Callable[[Fields, Any], Form]]] = {
    "visit": (("n", "key", "of", "over", "refused"), _visit),
    "hold": (("do", "key", "refused"), _hold),
    "all": ((), _all),
    "each": (("do", "batch", "width"), _each),
    "start": (("n", "batch"), _start),
    "lookup": (("key", "at", "hit", "miss"), _lookup),
    "fill": (("key", "at"), _keyed("fill", Fill)),
    "drop": (("key", "at"), _keyed("drop", Drop)),
    "join": (("do",), _join),
    "within": (("do", "also", "else"), _within),
    "when": (("then", "else"), _when),
    "chance": (("then", "else"), _chance),
    "mark": (("n", "whom"), _mark),
}
