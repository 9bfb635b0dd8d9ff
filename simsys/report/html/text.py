"""Text that somebody else wrote, made safe: to stand in HTML, in an attribute, and in a label of plotly."""

from __future__ import annotations

from html import escape

from simsys.report.style import short
from simsys.units import printable

LONGEST, NAME = 20_000, 64


def text(said: str, longest: int = LONGEST) -> str:
    """One line that is only text: no markup, no control characters, no letters that turn round those beside them."""
    return escape(printable(said, longest))


def name(said: str) -> str:
    """A name, a long one without its middle."""
    return text(short(said, NAME))


def label(said: str, most: int = 32) -> str:
    """A name for plotly, which reads a few tags of HTML in it, and nothing else once `<` and `&` are written out."""
    return text(short(said, most)).replace("&quot;", '"').replace("&#x27;", "'")


def lines(said: str) -> str:
    """Text of several lines, for a `<pre>`."""
    return "\n".join(map(text, said.splitlines()))
