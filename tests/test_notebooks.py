"""The notebooks, played again: the same text comes out, and every figure of the prose is in it.

`python tests/test_notebooks.py` (`make notebooks`) plays them and keeps what comes out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[1]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
_FIGURE = re.compile(r"\d[\d,.]*\d|\d")


def played(path: Path) -> Any:
    """The notebook with what its cells print and draw, and nothing that another machine would not say too."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, startup_timeout=300, kernel_name="python3", record_timing=False)
    client.execute(cwd=str(path.parent), env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec",)} | {"language_info": {"name": "python"}}
    return notebook


def printed(notebook: Any) -> list[tuple[str, str]]:
    """(kind, text) of every output; of a picture that there is one."""
    return list(_printed(notebook))


def _printed(notebook: Any) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                yield output.name, output.text
            else:
                yield ",".join(sorted(output.data)), ""


def figures(text: str) -> set[str]:
    """The numbers of a text, without commas."""
    return {found.replace(",", "").rstrip(".") for found in _FIGURE.findall(text)}


def unheard(notebook: Any) -> list[str]:
    """The figures of the prose that neither the code nor what it prints knows."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code").replace("_", "")
    known = figures(code + "\n".join(text for _, text in printed(notebook)))
    prose = [figure for cell in notebook.cells if cell.cell_type == "markdown" for figure in figures(cell.source)]
    return sorted(set(prose) - known)


def test_there_are_four() -> None:
    assert len(NOTEBOOKS) == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_is_kept(path: Path) -> None:
    kept = nbformat.read(path, as_version=4)
    outputs = printed(kept)
    assert {kind for kind, _ in outputs} == {"stdout", "image/png,text/plain"}, "text and pictures, no warnings"
    assert printed(played(path)) == outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_of_the_prose_comes_from_a_cell(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert unheard(notebook) == []
    notebook.cells[0].source += "\nIt is 87.3% faster."
    assert unheard(notebook) == ["87.3"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_tells_nothing_of_the_machine(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(
        r"/home/|/root/|/tmp/|site-packages|\b20\d\d-\d\d-\d\d", re.sub(r'"image/png": ".*?"', "", text)
    )
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == list(
        range(1, 1 + sum(cell.cell_type == "code" for cell in notebook.cells))
    )
    assert 8 <= len(notebook.cells) <= 16


if __name__ == "__main__":
    for path in NOTEBOOKS:
        nbformat.write(played(path), path)
