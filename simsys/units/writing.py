"""Writing quantities: `write_…` to the last bit for machines, `show_…` with three digits for people."""

import math
import re
from fractions import Fraction

from simsys.units.tables import (
    BYTES,
    DOLLARS_PER_MONTH,
    PER_SECOND,
    PERCENT,
    PIECES,
    PRICES,
    SECONDS,
    Units,
    complaint,
)

_UNPRINTABLE = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: str, width: int = 100) -> str:
    """Text that is safe to print on one line: control characters replaced, the far end cut off."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[: width + 1])
    return text if len(text) <= width else text[: width - 1] + "…"


def _decimal(exact: Fraction) -> str | None:
    """All digits of a fraction, without an exponent; None where they never end."""
    rest, places = exact.denominator, 0
    for prime in (2, 5):
        times = 0
        while rest % prime == 0:
            rest //= prime
            times += 1
        places = max(places, times)
    if rest != 1:
        return None
    digits = str(exact.numerator * 10**places // exact.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _write(value: float, units: Units) -> str:
    if not 0 <= value < math.inf:
        raise complaint(value, "a finite number, not negative")
    exact = Fraction(repr(float(value)))
    texts = ((_decimal(exact / unit), name) for name, unit in units.items())
    return min((digits + name for digits, name in texts if digits is not None), key=len)


def write_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back to the same bits."""
    return _write(seconds, SECONDS)


def write_size(size: float) -> str:
    """The shortest text that `parse_size` reads back to the same bits."""
    return _write(size, BYTES)


def write_rate(rate: float) -> str:
    """The shortest text that `parse_rate` reads back to the same bits."""
    return _write(rate, PER_SECOND)


def write_count(count: float) -> str:
    """The shortest text that `parse_count` reads back to the same bits."""
    return _write(count, PIECES)


def write_share(share: float) -> str:
    """The text that `parse_share` reads back to the same bits."""
    return _write(share, PERCENT)


def write_money(dollars: float) -> str:
    """The shortest text that `parse_money` reads back to the same bits."""
    return _write(dollars, DOLLARS_PER_MONTH)


def write_price(dollars: float, per: str) -> str:
    """The shortest text that `parse_price` reads back to the same bits."""
    return _write(dollars, PRICES[per])


def _show(value: float, units: Units, space: str) -> str:
    """Three significant digits in the largest of these units, given in order, that leaves at least 1."""
    if not math.isfinite(value):
        return str(value)
    numbers = {name: float(f"{value / float(unit):.2e}") for name, unit in units.items()}
    fitting = [name for name, number in numbers.items() if abs(number) >= 1]
    least = next(name for name, unit in units.items() if unit == 1 or value)
    name = fitting[-1] if fitting else least
    digits = f"{numbers[name]:,.0f}" if 1000 <= abs(numbers[name]) < 1e15 else f"{numbers[name]:.3g}"
    return f"{digits}{space}{name}"


def show_duration(seconds: float) -> str:
    """`3.12 ms`."""
    return _show(seconds, {name: SECONDS[name] for name in ("ns", "us", "ms", "s", "min", "h", "d")}, " ")


def show_size(size: float) -> str:
    """`67.1 MB`."""
    return _show(size, {name: BYTES[name] for name in ("B", "kB", "MB", "GB", "TB", "PB")}, " ")


def show_rate(rate: float) -> str:
    """`20k/s`."""
    return show_count(rate) + "/s"


def show_count(count: float) -> str:
    """`90M`."""
    return _show(count, PIECES, "")


def show_share(share: float) -> str:
    """`99.5%`, with four digits, so that 99.95% is not 100%."""
    return f"{100 * share:.4g}%"


def show_money(dollars: float) -> str:
    """`40k$/month`."""
    return show_count(dollars) + "$/month"
