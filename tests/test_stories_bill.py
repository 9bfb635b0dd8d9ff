"""A story: the bill of the big feed of 2012, and which dial moves it: the data type, not the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simsys.experiment import accounts
from simsys.experiment.setting import Setting, settings
from simsys.money import SECONDS_PER_MONTH, total
from simsys.scenario import load_scenario

POSTS = 400e6 / 86_400
"""400 million a day, each to 75 active followers: 30 billion deliveries."""
FEED = f"""
load: {{rate: {300_000 + POSTS:.4f}/s, read_write_ratio: "300000:{POSTS:.4f}"}}
population: {{users: 400M, active: 37.5%, followers: {{lognormal: {{mean: 200, p99: 2500}}}}, following: 200}}
strategies: [push]
run: {{requests: 10, replications: 1}}
"""
TYPES = [
    ("20B", 7.2e12, 38_400),
    ("22.75B", 8.19e12, 43_700),
    ("10.475B", 3.77e12, 20_100),
    ("128.7B", 46.3e12, 247_000),
]
"""An entry: its payload, in a list, ids only in a list, in a sorted set; B in all copies; $ a month in memory."""


def feed(sets: Sequence[str] = ()) -> Setting:
    return settings(load_scenario(FEED, ["prices.usable=75%", "prices.ram=4 $/GB/month", *sets]))[0]


def memory(setting: Setting) -> tuple[float, float]:
    """Bytes of all timelines, and what they cost a month."""
    (store,) = [each.store for each in accounts.stores(setting, {}) if each.store.name == "timelines"]
    return store.bytes, total(accounts.terms(setting, [store], set()), "ram")


@pytest.mark.parametrize(("entry", "kept", "dollars"), TYPES)
def test_s9_the_data_type_of_a_timeline_is_the_bill(entry: str, kept: float, dollars: float) -> None:
    found, cost = memory(feed([f"sizes.timeline_entry={entry}"]))
    assert (found, cost) == (pytest.approx(kept, rel=2e-3), pytest.approx(dollars, rel=2e-3))
    full, once = (memory(feed([f"sizes.timeline_entry={entry}", mutant]))[1] for mutant in MUTANTS)
    assert (full, once) == (pytest.approx(0.75 * dollars, rel=2e-3), pytest.approx(dollars / 3, rel=2e-3))


MUTANTS = ("prices.usable=100%", "prices.copies=1")
"""Memory full to the brim, and a single copy."""


def test_s9_deliveries_between_zones() -> None:
    setting = feed()
    sent = accounts.bytes_per_second(setting)["timelines", "push"]
    assert sent == pytest.approx(347_222 * 120, rel=0.01)
    assert sent * SECONDS_PER_MONTH == pytest.approx(109.5e12, rel=0.01)
    assert network(setting) == pytest.approx(5_800, rel=0.02)
    assert network(feed(["prices.copies=1"])) == pytest.approx(1_460, rel=0.02)  # mutant: replicas get nothing


def network(setting: Setting) -> float:
    stores = [each.store for each in accounts.stores(setting, {})]
    return sum(
        term.dollars for term in accounts.terms(setting, stores, set()) if term.formula.startswith("timelines.push")
    )


def test_s9_the_data_type_is_a_bigger_dial_than_the_threshold() -> None:
    """From 10,000 followers to all, the threshold moves less than a sixth of what the entry's type moves.

    Not so from 1,000 on: there each of 300,000 reads a second asks for so many lists that they cost what memory does.
    """
    least, usual, most = (kept_and_sent(feed([HYBRID.format(x)])) for x in (1_000, 10_000, 10**9))
    types = [memory(feed([f"sizes.timeline_entry={entry}"]))[1] for entry, *_ in TYPES]
    moved = max(types) - min(types)
    assert 0.1 * moved < usual - most < moved / 6
    assert least - most > 0.8 * moved


HYBRID = "strategies=[{{hybrid: {{celebrity: {}}}}}]"


def kept_and_sent(setting: Setting) -> float:
    stores = [each.store for each in accounts.stores(setting, {})]
    return total(accounts.terms(setting, stores, set()))


def test_s9_the_fleet_is_bought_for_the_peak() -> None:
    prices = feed(["prices.peak_to_mean=2", "prices.max_utilization=50%", "prices.zones=3"]).scenario.prices
    assert prices.provision == 2 / 0.5 * 3 / 2 == 6
