"""Units where people read and write: 250us, 64MiB, 20k/s, 90M, 99.5%, 40k$/month, 4 $/GB/month.

Inside, everything is a float in seconds, bytes, per second, pieces, parts of one, and US dollars per month
(of 730 hours). `parse_…` reads what a person wrote, correctly rounded; `write_…` gives the shortest text that
reads back to the very same float; `show_…` gives three significant digits for people. `k M B` and
`kB MB GB TB PB` are decimal, `KiB MiB GiB TiB` binary. A bare number where a unit is needed is an error.
Every error is a `UnitError` and says what was expected, with an example. `Duration`, `Size` … are these
quantities as fields of a `Spec`.
"""

from simsys.units.fields import LARGEST, Count, Duration, Money, Name, Notation, Rate, Share, Size, Spec, Whole
from simsys.units.reading import (
    parse_count,
    parse_duration,
    parse_money,
    parse_price,
    parse_rate,
    parse_share,
    parse_size,
    parse_size_rate,
    parse_whole,
)
from simsys.units.tables import UnitError
from simsys.units.writing import (
    printable,
    show_count,
    show_duration,
    show_money,
    show_rate,
    show_share,
    show_size,
    write_count,
    write_duration,
    write_money,
    write_price,
    write_rate,
    write_share,
    write_size,
)

__all__ = [
    "LARGEST", "Count", "Duration", "Money", "Name", "Notation", "Rate", "Share", "Size", "Spec", "UnitError", "Whole",
    "parse_count", "parse_duration", "parse_money", "parse_price", "parse_rate", "parse_share", "parse_size",
    "parse_size_rate", "parse_whole", "printable", "show_count", "show_duration", "show_money", "show_rate",
    "show_share", "show_size", "write_count", "write_duration", "write_money", "write_price", "write_rate",
    "write_share", "write_size",
]  # fmt: skip
