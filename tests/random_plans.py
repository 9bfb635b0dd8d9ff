"""Random plans, written as Python: a world that fails can be read, cut down, and copied into a test."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from simsys import steps
from simsys.expressions import EDGE, least, most

DEEPEST = 3
"""Plans within plans; `Start` and `Each` of many items count twice, so that a request has at most some 50 children."""
NUMBERS = ("0", "1", "1", "2", "3", "r.page", "r.page", "2 * r.page", "r.page / 2", "least(r.size, 3)", "1.5")
TRAITED = (
    "least(r.followers, 4)",
    "r.active * r.followers",
    "least(r.followed_above(2), 3)",
    "most(r.following - 1, 0)",
)
"""Numbers that want a population."""
RULES = ("", "EDGE.posts < EDGE.reads", "EDGE.followers >= 2", "1.5 * EDGE.reads > EDGE.posts + 1")
ALONG = tuple(f"r.{side}_where({rule})" for side in ("followers", "following") for rule in RULES)
"""Numbers that want a population with edges."""


class Writer:
    """Writes the plans of a world for its stations, caches and batches.

    `columns` are those of the load, `stations` the operations of each station, `holds` those of them that may be held.
    """

    def __init__(
        self,
        rng: random.Random,
        columns: Sequence[str],
        stations: dict[str, Sequence[str]],
        holds: Sequence[str],
        caches: Sequence[str],
        batches: Sequence[str],
        ticks: Callable[[int, int], float],
    ) -> None:
        self.rng, self.stations, self.caches, self.batches, self.ticks = rng, stations, caches, batches, ticks
        self.holds = holds
        self.numbers = NUMBERS + (TRAITED if "followers" in columns else ()) + (ALONG if "posts" in columns else ())
        self.by_edge = "posts" in columns
        self.keys = ["None", "None", *(f"r.{name}" for name in ("user", "key") if name in columns), "r.page", "r.size"]
        own = ("", " crowds", " drops")
        self.follows, self.crowds, self.drops = (random.Random(f"{columns} {stations}{what}") for what in own)
        """Generators of their own, so that all else in a world stayed as it was."""
        self.plans: list[str] = []
        self.inner: list[tuple[str, int, bool]] = []
        self.is_child = False
        self.outcomes = 0
        self.forms: dict[Callable[[int, list[str]], list[str]], float] = {
            self._visit: 6, self._hold: 2 * bool(holds), self._all: 1, self._each: 1.5, self._start: 1.5,
            self._cached: 3.5 * bool(caches), self._read_through: 1.5 * bool(caches),
            self._fill_or_drop: 1.5 * bool(caches), self._join: 1.2 * bool(batches),
            self._within: 1.5, self._chance: 1, self._mark: 1, self._if: 2,
        }  # fmt: skip

    def write(self, ops: Sequence[str]) -> str:
        """The source of all plans; those of the operations are called by their names."""
        for op in ops:
            self._plan(op, 0, self.rng.randint(2, 6))
        return "\n".join(self.plans)

    # -- plans and blocks ------------------------------------------------------------------------------------------

    def _plan(self, name: str, depth: int, length: int) -> None:
        lines = self._block(depth, [], length)
        if not any("yield" in line for line in lines):
            lines = [*lines, "return", "yield"]
        end = self.rng.choice(["", "", "", "return True", "return False", f"return {self._condition([])}"])
        asked = [line.split(" = ")[0] for line in lines if line.startswith("o") and " = yield" in line]
        if asked and self.rng.random() < 0.3:
            end = f"return {self.rng.choice(asked)}"
        self.plans.append(f"def {name}(r):\n" + "".join(f"    {line}\n" for line in [*lines, end] if line))

    def _inner(self, depth: int, child: bool = True) -> str:
        """A plan for a step to run: a new one, one with the name of another, or one that is there already.

        `child`: it knows its index.
        """
        known = [name for name, deep, asks in self.inner if deep >= depth and child >= asks]
        if known and self.rng.random() < 0.25:
            return self.rng.choice(known)
        name, outer = f"plan{len(self.inner)}", self.is_child
        self.inner.append((name, depth, child))
        self.is_child = child
        self._plan(name, depth, self.rng.randint(1, 3))
        self.is_child = outer
        if self.rng.random() < 0.15:
            self.plans[-1] += f"{name}.__name__ = '{self.rng.choice(self.inner)[0]}'\n"
        return name

    def _block(self, depth: int, outcomes: list[str], length: int) -> list[str]:
        forms = [form for form in self.forms if depth < DEEPEST or form not in self._deep]
        lines: list[str] = []
        for _ in range(length):
            form = self.rng.choices(forms, [self.forms[form] for form in forms])[0]
            lines += form(depth, outcomes)
        return lines

    @property
    def _deep(self) -> tuple[Any, ...]:
        return self._hold, self._all, self._each, self._start, self._join, self._within, self._if

    def _yield(self, step: str, outcomes: list[str], often: float = 0.5) -> list[str]:
        """A step, its outcome kept to be asked for later, or not."""
        if self.rng.random() >= often:
            return [f"yield {step}"]
        self.outcomes += 1
        outcomes.append(f"o{self.outcomes}")
        return [f"{outcomes[-1]} = yield {step}"]

    # -- values ----------------------------------------------------------------------------------------------------

    def _number(self, outcomes: Sequence[str] = ()) -> str:
        asked = [f"1 + {self.rng.choice(outcomes)}"] if outcomes else []
        return self.rng.choice([*self.numbers, *["r.index + 1", "r.index"] * self.is_child, *asked])

    def _key(self) -> str:
        computed = [f"2 * {self._column_key()} + 1", f"{self._column_key()} - 2"]
        keys = [*self.keys, "SPREAD", "SPREAD", "ANY", *computed]
        if self.by_edge and self.is_child:
            keys += [f"r.{one}_where({self.rng.choice(RULES)})" for one in ("follower", "followed") * 3]
        return self.rng.choice(keys)

    def _column_key(self) -> str:
        return self.rng.choice(self.keys[2:])

    def _cache_key(self) -> str:
        key = self.rng.choice([*self.keys[1:4], f"{self._column_key()} / 2", f"{self._column_key()} - 1"])
        followed = self.is_child and "r.following" in "".join(self.numbers) and self.follows.random() < 0.3
        return self.follows.choice(["r.followed(2)", "r.followed(5)"]) if followed else key

    def _at(self) -> str:
        return self.rng.choice(["", "", "", f", at={self._column_key()}", ", at=-2"])

    def _condition(self, outcomes: list[str]) -> str:
        rng = self.rng
        compare, column = rng.choice(["<", "<=", ">", ">=", "==", "!="]), rng.choice(["r.page", "r.size"])
        kinds = [f"{self._number()} {compare} {column}"]
        if outcomes:
            one, other = rng.choice(outcomes), rng.choice(outcomes)
            kinds += [one, f"not {one}", f"{one} and {kinds[0]}"] * 2 + [f"{one} == {other}"]
        return rng.choice(kinds)

    def _ask(self) -> str:
        return ", ask=True" if self.rng.random() < 0.3 else ""

    # -- steps -----------------------------------------------------------------------------------------------------

    def _visit(self, depth: int, outcomes: list[str]) -> list[str]:
        station = self.rng.choice(list(self.stations))
        op, ask = self.rng.choice(self.stations[station]), self._ask()
        n = f", n={self._number(outcomes)}" if self.rng.random() < 0.5 else ""
        where = f"key={self._key()}{self._among()}{ask}"
        return self._yield(f"Visit('{station}', '{op}'{n}, {where})", outcomes, 0.8 if ask else 0.05)

    def _among(self) -> str:
        """One shard of several, or all of them."""
        return self.rng.choice([""] * 4 + [", of=2", ", of=3", ", over=2", ", over=3"])

    def _hold(self, depth: int, outcomes: list[str]) -> list[str]:
        ask, inner = self._ask(), self._inner(depth + 1, self.is_child)
        step = f"Hold('{self.rng.choice(self.holds)}', {inner}, key={self._key()}{ask})"
        return self._yield(step, outcomes)

    def _all(self, depth: int, outcomes: list[str]) -> list[str]:
        plans = ", ".join(self._inner(depth + 1) for _ in range(self.rng.randint(1, 3)))
        return self._yield(f"All({plans})", outcomes)

    def _many(self, depth: int) -> str:
        """Plan, number of items and size of a batch: few items, or no forks within, and seldom a crowd."""
        if self.rng.random() < 0.3:
            return f"{self._inner(depth + 1)}, n={self.rng.randint(0, 2)}"
        batch = self.rng.choice(["", "", ", batch=2", ", batch=1.5", ", batch=r.page"])
        plan, n = self._inner(depth + 2), self._number()
        if self.crowds.random() < 0.3:
            n = str(self.crowds.randint(16, 70))
        return f"{plan}, n={n}{batch}"

    def _each(self, depth: int, outcomes: list[str]) -> list[str]:
        width = self.rng.choice(["", ", width=1", ", width=2"])
        return self._yield(f"Each({self._many(depth)}{width})", outcomes)

    def _start(self, depth: int, outcomes: list[str]) -> list[str]:
        return [f"yield Start({self._many(depth)})"]

    def _cached(self, depth: int, outcomes: list[str]) -> list[str]:
        cache, key = self.rng.choice(self.caches), self._cache_key() + self._at()
        look = self._yield(f"Lookup('{cache}', {key})", outcomes, 1.0)
        if self.rng.random() < 0.3:
            return [*look, f"yield Drop('{cache}', {key})"] if self.drops.random() < 0.5 else look
        visit = self._visit(depth, [])
        return [*look, f"if not {outcomes[-1]}:", f"    {visit[0]}", f"    yield Fill('{cache}', {key})"]

    def _read_through(self, depth: int, outcomes: list[str]) -> list[str]:
        """Several keys, each filled if it is not there, at once: what moves a policy."""
        cache, column = self.rng.choice(self.caches), self._column_key()
        keys = [f"{column} + {plus}" for plus in self.rng.sample(range(5), self.rng.randint(2, 4))]
        return [f"yield {step}('{cache}', {key})" for key in keys for step in ("Lookup", "Fill")]

    def _fill_or_drop(self, depth: int, outcomes: list[str]) -> list[str]:
        step = self.rng.choice(["Fill", "Fill", "Drop"])
        return [f"yield {step}('{self.rng.choice(self.caches)}', {self._cache_key()}{self._at()})"]

    def _join(self, depth: int, outcomes: list[str]) -> list[str]:
        return self._yield(f"Join('{self.rng.choice(self.batches)}', {self._inner(depth + 1)})", outcomes)

    def _within(self, depth: int, outcomes: list[str]) -> list[str]:
        limit = self.rng.choice([repr(self.ticks(0, 5))] * 5 + ["r.page / 4"])
        plans = [self._inner(depth + 1) for _ in range(self.rng.choice([1, 1, 1, 2]))]
        return self._yield(f"Within({', '.join([limit, *plans])})", outcomes, 0.8)

    def _chance(self, depth: int, outcomes: list[str]) -> list[str]:
        p, name = self.rng.choice(["0.3", "0.5", "0.8", "r.page / 4"]), self.rng.choice(["coin", "luck"])
        return self._yield(f"Chance({p}, '{name}')", outcomes, 1.0)

    def _mark(self, depth: int, outcomes: list[str]) -> list[str]:
        name, n = self.rng.choice(["seen", "fresh"]), self._number(outcomes)
        whom = ", whom=r.follower_where()" if self.by_edge and self.is_child else ""
        return [f"yield Mark('{name}', n={n}{whom})"]

    def _if(self, depth: int, outcomes: list[str]) -> list[str]:
        lines = [f"if {self._condition(outcomes)}:"]
        lines += [f"    {line}" for line in self._block(depth + 1, list(outcomes), self.rng.randint(1, 2))]
        if self.rng.random() < 0.2:
            lines.append(f"    return {self.rng.choice(['True', 'False', *outcomes])}")
        if self.rng.random() < 0.5:
            lines.append("else:")
            lines += [f"    {line}" for line in self._block(depth + 1, list(outcomes), 1)]
        return lines


def plans_of(source: str) -> dict[str, Any]:
    """The functions that a source defines, by the names they are defined with."""
    words = {step.__name__: step for step in steps.STEPS} | {"least": least, "most": most}
    names: dict[str, Any] = {**words, "SPREAD": steps.SPREAD, "ANY": steps.ANY, "EDGE": EDGE}
    exec(source, names)
    return names
