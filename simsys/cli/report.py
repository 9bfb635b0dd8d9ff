"""simsys report: a results folder as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simsys.cli.app import IN_USE, WRONG, Quiet, Stop
from simsys.cli.terminal import say


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that a run, sweep or search wrote.")],
    quiet: Quiet = False,
) -> None:
    """Make one page, DIR/report.html, of a folder of results: charts to zoom, tables to sort, no network."""
    from simsys.report import files
    from simsys.report.html.page import NoPlotly, page
    from simsys.report.html.searches import read
    from simsys.units import printable

    try:
        content = page(read(folder)).encode()
        with files.reserved(folder) as ours:
            files.add(ours, files.PAGE, content)
    except files.InUse as error:
        raise Stop(IN_USE, f"simsys: {error}") from None
    except (files.NotResults, NoPlotly) as error:
        raise Stop(WRONG, f"simsys: {error}") from None
    except OSError as error:
        raise Stop(WRONG, f"simsys: {folder / files.PAGE} cannot be written: {error.strerror}") from None
    if not quiet:
        say(f"{printable(str(folder / files.PAGE), 2000)}: {len(content) / 1e6:.1f} MB, to be opened in a browser\n")
