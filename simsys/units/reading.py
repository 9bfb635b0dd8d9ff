"""Reading quantities that a person wrote, correctly rounded; a `UnitError` says what was expected."""

import math
import re
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache

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
from simsys.units.writing import write_share

A_DURATION = "a duration like 250us, 10ms or 1m30s"
A_SIZE = "a size like 512B, 20kB or 64MiB"
A_SIZE_RATE = "bytes per second like 20MB/s"
A_RATE = "a rate like 20k/s or 300/m"
A_COUNT = "a count like 5k, 90M or 1.5B, or a plain number"
A_SHARE = "a share like 99.5%, or plain 0 or 1"
A_MONEY = "money like 40k$/month"
A_PRICE = "a price like 4 $/GB/month, 12.5 $/month, 0.02 $/GB or 5 $/M"

UNITS: dict[str, Units] = {
    A_SIZE: BYTES,
    A_SIZE_RATE: {f"{unit}/s": size for unit, size in BYTES.items()},
    A_RATE: PER_SECOND,
    A_COUNT: PIECES,
    A_SHARE: PERCENT,
    A_MONEY: DOLLARS_PER_MONTH,
    A_PRICE: {name: size for units in PRICES.values() for name, size in units.items()},
}
"""The units of what is expected; no two prices share one."""
REMEMBERED = 4096  # the same few texts are read again and again: at every point of a sweep, say

NO_EXPONENTS = "exponents are not read, write 1000 or 1k"
NUMBER = r"\d+(?:\.\d+)?"
LONGEST = 400  # characters; enough for any float without an exponent


def _exact(number: str, unit: str, units: Units, given: str, expected: str) -> Fraction:
    if unit in units:
        return Fraction(number) * units[unit]
    if not unit:
        raise complaint(given, expected, "the unit is missing")
    if re.match(r"[eE][+-]?\d", unit):
        raise complaint(given, expected, NO_EXPONENTS)
    same = [name for name in units if name.casefold() == unit.casefold()]
    near = same or get_close_matches(unit, units, n=1)
    raise complaint(given, expected, f"no unit '{unit}'" + (f", did you mean '{near[0]}'?" if near else ""))


def _rounded(exact: Fraction, given: str, expected: str) -> float:
    try:
        return float(exact)
    except OverflowError:
        raise complaint(given, expected, "that is too large") from None


def _text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        raise complaint(value, expected, "the unit is missing" if number else "")
    if len(value) > LONGEST:
        raise complaint(value, expected, "that is too long")
    return value


def _parse(value: object, expected: str) -> float:
    return _read(_text(value, expected), expected)


@lru_cache(REMEMBERED)
def _read(given: str, expected: str) -> float:
    found = re.fullmatch(rf"({NUMBER})(.*)", given.strip(), re.ASCII | re.DOTALL)
    if not found:
        raise complaint(given, expected)
    unit = "".join(found[2].split())
    return _rounded(_exact(found[1], unit, UNITS[expected], given, expected), given, expected)


def parse_duration(value: object) -> float:
    """Seconds from `250us`, `10ms`, `1m30s`; a compound goes from the largest unit to the smallest."""
    return _seconds(_text(value, A_DURATION))


@lru_cache(REMEMBERED)
def _seconds(given: str) -> float:
    text = given.strip()
    parts = re.findall(rf"({NUMBER})\s*([^\d\s]*)", text, re.ASCII)
    if re.search(r"\d[eE][+-]?\d", text):
        raise complaint(given, A_DURATION, NO_EXPONENTS)
    if not parts or "".join(map("".join, parts)) != "".join(text.split()):
        raise complaint(given, A_DURATION)
    terms = [_exact(number, unit, SECONDS, given, A_DURATION) for number, unit in parts]
    sizes = [SECONDS[unit] for _, unit in parts]
    if sizes != sorted(set(sizes), reverse=True):
        raise complaint(given, A_DURATION, "each unit once, the largest first")
    if any("." in number for number, _ in parts[:-1]):
        raise complaint(given, A_DURATION, "only the last part may have a fraction")
    return _rounded(sum(terms, Fraction(0)), given, A_DURATION)


def parse_size(value: object) -> float:
    """Bytes from `512B`, `20kB`, `64MiB`."""
    return _parse(value, A_SIZE)


def parse_size_rate(value: object) -> float:
    """Bytes per second from `20MB/s`."""
    return _parse(value, A_SIZE_RATE)


def parse_rate(value: object) -> float:
    """Events per second from `20k/s`, `300/m`, `5/h`, `1M/d`."""
    return _parse(value, A_RATE)


def parse_count(value: object) -> float:
    """A number of pieces from `5k`, `90M`, `1.5B` (10**9) or a plain number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= 1.7976931348623157e308:
            raise complaint(value, A_COUNT, "it is finite and not negative")
        return float(value)
    return _parse(value, A_COUNT)


def parse_whole(value: object) -> int:
    """A whole number of pieces from `8`, `5k`, `90M`."""
    count = parse_count(value)
    if count != math.floor(count):
        raise complaint(value, "a whole number like 8, 5k or 90M")
    return int(count)


def parse_share(value: object) -> float:
    """A part of one from `99.5%`; of plain numbers only 0 and 1 are read."""
    if not isinstance(value, bool) and value in (0, 1, "0", "1"):
        return float(value)
    if isinstance(value, int | float) and 0 < value < 1 and not isinstance(value, bool):
        raise complaint(value, A_SHARE, f"write {write_share(value)}")
    share = _parse(value, A_SHARE)
    if share > 1:
        raise complaint(value, A_SHARE, "at most 100%")
    return share


def parse_money(value: object) -> float:
    """US dollars per month from `40k$/month` (or /year, or /h: a month has 730 hours)."""
    return _parse(value, A_MONEY)


def parse_price(value: object) -> tuple[float, str]:
    """US dollars and for what: "B/month", "month" (also from /h, /year), "B", "1" (a piece: `5 $/M`)."""
    unit = re.sub(rf"^{NUMBER}|\s", "", _text(value, A_PRICE).strip(), flags=re.ASCII)
    per = next((per for per, units in PRICES.items() if unit in units), "")
    return _parse(value, A_PRICE), per
