"""What simsys itself is made of: whatever is kept of its work must not outlive a change of it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def sources(package: Path) -> dict[str, bytes]:
    """What is in the files of a package, by name in order; in folders that are links, too."""
    walk = os.walk(package, followlinks=True)
    found = (os.path.join(folder, name) for folder, _, names in walk for name in names if name.endswith(".py"))
    return {path[len(str(package)) + 1 :]: _content(path) for path in sorted(found)}


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
