"""Tables in Markdown, the machine they were measured on, and their places in README.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).parent / "README.md"


def machine() -> str:
    """The processor, and the versions that matter."""
    try:
        names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        names = []
    packages = ", ".join(f"{name} {version(name)}" for name in ("simpy", "numpy", "numba"))
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}."


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write(name: str, text: str) -> None:
    """Put a text between the marks of that name in README.md."""
    page = README.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2]
    if not after:
        raise ValueError(f"README.md has no place for {name}")
    README.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
