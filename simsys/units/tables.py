"""The units that people write, each with its exact size in the unit used inside, and the error."""

from fractions import Fraction

Units = dict[str, Fraction]


class UnitError(ValueError):
    """A quantity that cannot be read; the message says what was expected, with an example."""


def complaint(given: object, expected: str, why: str = "") -> UnitError:
    """The error to raise for what was given."""
    text = repr(given)
    if len(text) > 60:
        text = text[:60] + "…"
    return UnitError(f"{text}: expected {expected}{'; ' + why if why else ''}")


def _units(**factors: int | str) -> Units:
    return {name: Fraction(factor) for name, factor in factors.items()}


def _composed(first: Units, joint: str, last: Units) -> Units:
    """Every `first joint last`, meaning so many `first` in one `last`."""
    return {a + joint + b: x / y for a, x in first.items() for b, y in last.items()}


SECONDS = _units(s=1, ms="1e-3", us="1e-6", ns="1e-9", m=60, min=60, h=3600, d=86400)
SECONDS |= {"\u00b5s": SECONDS["us"], "\u03bcs": SECONDS["us"]}  # the micro sign, and the Greek letter
BYTES = _units(B=1, kB=10**3, MB=10**6, GB=10**9, TB=10**12, PB=10**15)
BYTES |= _units(KiB=2**10, MiB=2**20, GiB=2**30, TiB=2**40)
PIECES = {"": Fraction(1)} | _units(k=10**3, M=10**6, B=10**9)
PERIODS = {name: SECONDS[name] for name in ("s", "m", "min", "h", "d")}
MONTHS = {"month": Fraction(1), "h": Fraction(1, 730), "year": Fraction(12)}
PER_SECOND = _composed(PIECES, "/", PERIODS)
PERCENT = {"%": Fraction(1, 100)}
DOLLARS_PER_MONTH = _composed(PIECES, "$/", MONTHS)
PRICES = {
    "B/month": _composed(_composed(PIECES, "$/", BYTES), "/", MONTHS),
    "month": DOLLARS_PER_MONTH,
    "B": _composed(PIECES, "$/", BYTES),
    "1": _composed(PIECES, "$/", {name: PIECES[name] for name in "kMB"}),
}
del PRICES["1"]["$/B"]  # a dollar per byte
