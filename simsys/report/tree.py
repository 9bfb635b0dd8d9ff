"""A plan as a tree in plain text, and as a Mermaid flow chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import TypeAlias

from simsys.report.outline import Item


def text_tree(name: str, items: Sequence[Item]) -> str:
    """An outline as lines that hang on each other."""
    return "\n".join([name, *_branches(items, "")])


def _branches(items: Sequence[Item], indent: str) -> Iterator[str]:
    for i, item in enumerate(items):
        last = i == len(items) - 1
        yield f"{indent}{'└─' if last else '├─'} {item.label}"
        deeper = indent + ("   " if last else "│  ")
        for j, (how, inner) in enumerate(item.parts):
            final = j == len(item.parts) - 1
            yield f"{deeper}{'└╴' if final else '├╴'}{how}:"
            yield from _branches(inner, deeper + ("   " if final else "│  "))


def mermaid(name: str, items: Sequence[Item]) -> str:
    """An outline as a Mermaid flow chart; what runs beside the request hangs on dotted lines."""
    chart = _Chart()
    start = chart.node(name, "([", "])")
    chart.steps(items, [(start, "", False)])
    return "\n".join(["flowchart TD", *(f"    {line}" for line in chart.lines)])


Loose: TypeAlias = tuple[str, str, bool]
"""An arrow that still looks for its end: its node, its label, whether it is dotted."""


class _Chart:
    """Collects nodes and arrows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.numbers = count()

    def node(self, label: str, opening: str, closing: str) -> str:
        name = f"n{next(self.numbers)}"
        safe = label.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
        self.lines.append(f'{name}{opening}"{safe}"{closing}')
        return name

    def arrow(self, source: str, target: str, label: str, dotted: bool) -> None:
        arrow = "-.->" if dotted else "-->"
        self.lines.append(f"{source} {arrow}{f'|{label}|' if label else ''} {target}")

    def steps(self, items: Sequence[Item], ends: list[Loose]) -> list[Loose]:
        """Draw the steps after the loose ends, and give back those that are left."""
        for item in items:
            node = self.node(item.label, *("{", "}") if item.question else ("[", "]"))
            for source, label, dotted in ends:
                self.arrow(source, node, label, dotted)
            ends = self.answers(item, node) if item.question else self.beside(item, node)
        return ends

    def answers(self, item: Item, node: str) -> list[Loose]:
        parts = dict(item.parts)
        return [end for answer in ("yes", "no") for end in self.steps(parts.get(answer, ()), [(node, answer, False)])]

    def beside(self, item: Item, node: str) -> list[Loose]:
        for how, inner in item.parts:
            self.steps(inner, [(node, how, True)])
        return [(node, "", False)]
