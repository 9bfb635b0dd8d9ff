"""Two small scenarios, and what is wrong with changed ones."""

from __future__ import annotations

from simsys.scenario import Problem, ScenarioError, load_scenario

FEED = """\
question: Who should pay?
load: {rate: 2k/s, mix: {read: 99.5%, post: 0.5%}}
population: {users: 10M, active: 20%, online: 3%, followers: {lognormal: {mean: 200, p99: 2k}}}
stations:
  database: {servers: 32, ops: {insert: 1ms}}
caches:
  feed: {ttl: 5s}
strategies: [pull, {hybrid: {celebrity: 10k}}]
slo: ["read p99 < 100ms", "cost < 40k$/month"]
run: {duration: 60s, seed: 7}
"""
FLOW = """\
load: {rate: 300/s, mix: {read: 100%}, keys: {count: 100k, popularity: {zipf: 0.99}}}
stations:
  api: {servers: 8, ops: {read: {exponential: {mean: 1ms}}}}
  database: {servers: 10, ops: {query: 5ms}}
caches: {hot: {entries: 1k, ttl: 1s}}
strategies:
  - flow:
      name: cache-aside
      read: [{hold: api, do: [{visit: api.read}, {lookup: hot, miss: [{visit: database.query}, {fill: hot}]}]}]
run: {duration: 60s}
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with pieces replaced, each of which must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems(text: str, *sets: str) -> list[str]:
    """`line:column: path: message (hint)` of all that is wrong; nothing wrong is an empty list."""
    try:
        load_scenario(text, sets)
    except ScenarioError as error:
        return [short(problem) for problem in error.problems]
    return []


def short(problem: Problem) -> str:
    file = "" if problem.file == "scenario" else f"{problem.file} "
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{file}{problem.line}:{problem.column}: {problem.path}: {problem.message}{hint}"


def cases(table: str) -> list[tuple[str, ...]]:
    """The cases of a table: lines as they are, then what is expected, indented, on one line or more."""
    rows = [block.split("\n") for block in table.strip("\n").split("\n\n")]
    told = [" ".join(line.strip() for line in row if line.startswith("  ")) for row in rows]
    return [(*(line for line in row if not line.startswith("  ")), end) for row, end in zip(rows, told, strict=True)]
