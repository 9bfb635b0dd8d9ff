"""What README.md and docs/scenarios.md show is what happens.

Files that README shows (a block whose first line is a comment with a path) are written to a folder, and every
`$ command` is run there; it must print what is shown, where `…` stands for anything. Commands that take minutes or make
an environment are compared with the Makefile and with `results/`, which another test plays. Every line of YAML in the
grammar is read.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from kept import RESULTS

from simsys.scenario import load_scenario

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
GRAMMAR = (REPOSITORY / "docs" / "scenarios.md").read_text()
ELSEWHERE = {"make run", "make test", "pip install .", "simsys run celebrity", "simsys sweep threshold --quiet"}
"""Shown, and held by other tests: by `make`'s own list of what it would do, test_packaging, and test_results."""


class Block(NamedTuple):
    language: str
    text: str


class Command(NamedTuple):
    line: str
    shown: str


def blocks(document: str, *languages: str) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return [Block(*block) for block in found if block[0] in languages]


def commands(block: Block) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Command(line.partition("  #")[0].strip(), shown)


COMMANDS = [command for block in blocks(README, "console") for command in commands(block)]
PLAYED = [command for command in COMMANDS if command.line not in ELSEWHERE]


def shows(shown: str, printed: str) -> bool:
    """Whether the text is what was printed; a line `…` stands for any lines, `…` in a line for anything."""
    lines = shown.rstrip("\n").split("\n")
    patterns = (re.escape(line).replace("…", ".*") + "\n" if line != "…" else "(?:.*\n)*?" for line in lines)
    return re.fullmatch("".join(patterns), printed.rstrip("\n") + "\n") is not None


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [("a\nb", "a\nb", True), ("a\n", "a\nb\n", False), ("a.b\n", "axb\n", False), ("a\n…\nd\n", "a\nd\n", True),
     ("a\n…\nd\n", "a\nb\nc\nd\n", True), ("…\nb\n", "a\nb\n", True), ("a\n…\n", "a\nb\nc\n", True),
     ("a … c\n", "a bb c\n", True), ("a … c\n", "a bb d\n", False), ("a\n…\nd\n", "a\nb\nc\n", False),
     ("…\nb\n", "a\nb\nc\n", False)],
)  # fmt: skip
def test_what_shown_means(shown: str, printed: str, same: bool) -> None:
    assert shows(shown, printed) == same


def link(folder: Path, inside: str) -> None:
    """Fill a folder with links to the repository's folder of the same name."""
    (folder / inside).mkdir(exist_ok=True)
    for item in (REPOSITORY / inside).iterdir():
        place = folder / inside / item.name
        if item.name != "__pycache__" and not place.exists():
            place.symlink_to(item)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working copy that may be written to, with the files that README shows."""
    folder = tmp_path_factory.mktemp("copy")
    (folder / "scenarios").symlink_to(REPOSITORY / "scenarios")
    for inside in ("simsys/strategies/feed", "simsys/strategies", "simsys"):
        (folder / inside).mkdir(parents=True, exist_ok=True)
        link(folder, inside)
    for block in blocks(README, "yaml", "python"):
        named = re.match(r"# (\S+\.(?:yaml|py))\n", block.text)
        if named:
            (folder / named[1]).write_text(block.text)
    tools = folder / "bin"
    tools.mkdir()
    for name, what in (("simsys", "-m simsys"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {what} "$@"\n')
        (tools / name).chmod(stat.S_IRWXU)
    return folder


@pytest.mark.parametrize("command", PLAYED, ids=lambda command: command.line[:50])
def test_a_command_prints_what_is_shown(copy: Path, command: Command) -> None:
    environment = {**os.environ, "PATH": f"{copy / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(copy)}
    done = subprocess.run(
        ["sh", "-c", command.line], cwd=copy, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert shows(command.shown, done.stdout), done.stdout


def test_commands_that_are_not_run_are_there() -> None:
    assert {command.line for command in COMMANDS} >= ELSEWHERE
    for target, last in (("run", ".venv/bin/simsys run scenarios/celebrity.yaml"), ("test", '-m "not long"')):
        make = ["make", "--no-print-directory", "-n", target]
        would = subprocess.run(make, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert would.stdout.rstrip().endswith(last)


@pytest.mark.parametrize("block", blocks(README, ""), ids=lambda block: block.text[:20])
def test_what_celebrity_says_is_what_is_kept(block: Block) -> None:
    table = (RESULTS / "celebrity" / "table.txt").read_text()
    assert shows(f"…\n{block.text}…\n", table)


def test_what_the_sweep_says_is_what_is_kept() -> None:
    (shown,) = (command.shown for command in COMMANDS if command.line == "simsys sweep threshold --quiet")
    assert shows(shown, (RESULTS / "threshold-sweep" / "table.txt").read_text())


def test_the_answer_comes_first() -> None:
    table = (RESULTS / "celebrity" / "table.txt").read_text()
    assert table.startswith(blocks(README, "")[0].text + "\n")


def test_the_first_file_is_the_scenario() -> None:
    shown = yaml.safe_load(blocks(README, "yaml")[0].text)
    assert shown == yaml.safe_load((REPOSITORY / "scenarios" / "celebrity.yaml").read_text())


def test_ten_lines_are_ten() -> None:
    block = next(b for b in blocks(README, "python") if "/strategies/feed/" in b.text)
    lines = block.text.partition("\nclass ")[2].rstrip().splitlines()
    assert len(lines) <= 10


DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/scenarios.md", "docs/design.md",
             *(f"docs/designs/{file.name}" for file in (REPOSITORY / "docs" / "designs").glob("*.md")))  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    file = REPOSITORY / name
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text())
    assert [link for link in links if "://" not in link and not (file.parent / link).exists()] == []


def fragments() -> Iterator[tuple[str, str]]:
    """(heading, YAML) of every line of YAML in the grammar."""
    for part in re.split(r"^## ", GRAMMAR, flags=re.MULTILINE):
        for block in blocks(part, "yaml"):
            for line in block.text.splitlines():
                yield part.partition("\n")[0], line


WORLD = {
    "load": "{rate: 2k/s, mix: {read: 99.5%, post: 0.5%}}",
    "population": "{users: 10M, active: 20%, online: 3%, followers: {lognormal: {mean: 200, p99: 2k}}}",
    "stations": "{}",
    "caches": "{feed: {entries: 1M, ttl: 5s, start: warm}, own: {entries: 10k, ttl: 1s, copies: 8, start: cold},"
    " lists: {entries: 10k, ttl: 1s, copies: 8, start: cold}}",
    "batches": "{commit: {size: 10, linger: 5ms}}",
    "strategies": "[cached_pull, push]",
    "run": "{requests: 200k, replications: 2}",
}


def scenario(heading: str, line: str) -> str:
    """A scenario with this line of the grammar in its place."""
    key, value = line.split("  # ")[0].split(": ", 1)
    if heading.startswith("#"):
        key, value = "stations", f"{{database: {{ops: {{insert: {{{key}: {value}}}}}}}}}"
    elif line.startswith("- "):
        step = f"{key}: {value}".removeprefix("- ")
        flow = f"{{flow: {{name: mine, read: [{step}], post: [{{visit: database.insert}}]}}}}"
        key, value = "strategies", f"[cached_pull, push, {flow}]"
    elif key == "keeps":
        steps = "[{visit: database.insert}]"
        flow = f"{{flow: {{name: mine, read: {steps}, post: {steps}, keeps: {value}}}}}"
        key, value = "strategies", f"[cached_pull, push, {flow}]"
    world = WORLD | {key: value}
    if re.search(r"\b(ycsb|insert)\b", value if key == "load" else "") or "write_amplification" in line:
        world["strategies"] = "[lsm]"
    if re.search(r"\b(lsm|btree)\b", world["strategies"]):  # storage engines need keys
        world["load"] = value if key == "load" else "{rate: 2k/s, mix: {read: 50%, update: 50%}, keys: {count: 1k}}"
        del world["population"]
    return "\n".join(f"{name}: {text}" for name, text in world.items())


@pytest.mark.parametrize(("heading", "line"), list(fragments()), ids=lambda text: text[:40])
def test_a_line_of_the_grammar_can_be_played(heading: str, line: str) -> None:
    assert load_scenario(scenario(heading, line)).strategies


def test_a_line_that_is_wrong_would_be_found() -> None:
    with pytest.raises(ValueError, match="did you mean 'lognormal'"):
        load_scenario(scenario("# The grammar", "lognornal: {mean: 1ms, p99: 8ms}"))
    with pytest.raises(ValueError, match="a step has one word of"):
        load_scenario(scenario("strategies", "- {vist: api.read}"))
