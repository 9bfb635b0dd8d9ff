"""Bytes and money: published figures, and every term a formula that says what it gives."""

import re
from importlib import resources

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simsys.money import FIGURES, SECONDS_PER_MONTH, Machines, Prices, Store, Term, Traffic, bill, total
from simsys.units import parse_count, parse_price, parse_share, parse_size

PRICES = Prices()
ACTIVE, ENTRIES = 150e6, 800.0
LIST_OF_PAYLOADS, LIST_OF_IDS, SORTED_SET = 22.75, 8380 / 800, 128.7  # bytes per entry in Redis


def timelines(bytes_per_entry: float, copies: int = 3) -> Store:
    return Store("timelines", "ram", ACTIVE * ENTRIES, bytes_per_entry, copies)


def test_a_couple_of_terabytes_per_replica():
    assert timelines(20, copies=1).bytes == pytest.approx(2.40e12, rel=0.01)


@pytest.mark.parametrize(
    ("bytes_per_entry", "terabytes", "dollars"),
    [
        (20, 7.2, None),
        (LIST_OF_PAYLOADS, 8.19, 43_700),
        (LIST_OF_IDS, 3.77, 20_100),
        (SORTED_SET, 46.3, 247_000),
    ],
)
def test_the_data_type_of_a_timeline_decides_the_bill(bytes_per_entry, terabytes, dollars):
    store = timelines(bytes_per_entry)
    assert store.bytes == pytest.approx(terabytes * 1e12, rel=0.001)
    terms = bill([], [store], [], PRICES)
    assert [term.kind for term in terms] == ["ram"]
    if dollars:
        assert total(terms) == pytest.approx(dollars, rel=0.001)
    full = total(bill([], [store], [], Prices.model_validate({"usable": "100%"})))  # mutant: full to the brim
    assert full == pytest.approx(0.75 * total(terms))


def test_a_logical_gigabyte_in_a_replicated_cache():
    assert total(bill([], [Store("x", "ram", 1e9, 1.0, PRICES.copies)], [], PRICES)) == pytest.approx(16.0)


def test_traffic_between_zones():
    rate = 30e9 / 86400 * 120
    assert rate * SECONDS_PER_MONTH == pytest.approx(109.5e12, rel=0.001)
    (term,) = bill([], [], [Traffic("push", rate, PRICES.crossings(copies=3))], PRICES)
    assert (term.kind, round(term.dollars, -2)) == ("network", 5800)
    assert term.formula == "push: 110 TB × 2.67 zone crossings × 0.02 $/GB = 5.84k$/month"


def test_the_bill_is_at_the_peak():
    assert PRICES.provision == 6.0
    assert (
        Prices.model_validate({"zones": 2, "max_utilization": "40%", "peak_to_mean": 2.6}).provision == 13.0
    )


def test_every_term():
    fleet = [Machines("api", 64, 1, 1.0), Machines("timelines", 1, 32, 2.0), ("network", "unlimited", 1, 1.0)]
    stores = [
        timelines(LIST_OF_PAYLOADS),
        Store("posts", "ssd", 1e9, 398),
        Store("old", "object", 1e9, 398, 2),
    ]
    terms = bill([*fleet, ("workers", 64, 1, 0.0)], stores, [("reads", 1e6, 2 / 3)], PRICES)
    assert terms == [
        Term("cpu", "api: 64 servers × 1 vCPU × 12.5 $/month = 800$/month", 800.0),
        Term("cpu", "timelines: 32 shards × 2 vCPU × 12.5 $/month = 800$/month", 800.0),
        Term("ram", "timelines: 8.19 TB / 75% usable × 4 $/GB/month = 43.7k$/month", pytest.approx(43_680)),
        Term("disk", "posts: 398 GB × 0.08 $/GB/month = 31.8$/month", pytest.approx(31.84)),
        Term("disk", "old: 796 GB × 0.021 $/GB/month = 16.7$/month", pytest.approx(16.716)),
        Term(
            "network", "reads: 2.63 TB × 0.667 zone crossings × 0.02 $/GB = 35$/month", pytest.approx(35.04)
        ),
    ]
    kinds = {kind: total(terms, kind) for kind in ("ram", "cpu", "disk", "network")}
    assert kinds["cpu"] == 1600
    assert sum(kinds.values()) == pytest.approx(total(terms))
    assert stores[0].formula == "120B items × 22.8 B × 3 copies = 8.19 TB"
    assert stores[1].formula == "1B items × 398 B = 398 GB"


def test_nothing_costs_nothing():
    assert bill([], [Store("empty", "ram", 0.0, 20.0)], [("none", 0.0, 1.0)], PRICES) == []
    assert total([]) == 0.0
    with pytest.raises(ValueError, match="timelines: expected quantities that are not negative"):
        bill([], [timelines(-1.0)], [], PRICES)


amounts = st.floats(0, 1e12)


@given(amounts, amounts, st.integers(1, 5), st.sampled_from(["ram", "ssd", "object"]))
def test_twice_as_much_costs_twice_as_much(items, size, copies, medium):
    def dollars(items, copies):
        return total(bill([], [Store("x", medium, items, size, copies)], [], PRICES))

    assert dollars(2 * items, copies) == pytest.approx(2 * dollars(items, copies))
    assert dollars(items, 2 * copies) == pytest.approx(2 * dollars(items, copies))


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.floats(0.1, 96))
def test_a_formula_gives_its_dollars(servers, shards, vcpu):
    (term,) = bill([("x", servers, shards, vcpu)], [], [], PRICES)
    product = 1.0
    for number in re.findall(r"([\d.]+(?:e\+?\d+)?) (?:servers|shards|vCPU|\$)", term.formula.split("=")[0]):
        product *= float(number)
    assert product == pytest.approx(term.dollars, rel=1e-5)


# ---- prices


def test_a_scenario_overrides_a_price():
    prices = Prices.model_validate({"ram": "1.73 $/GiB/month", "vcpu": "0.0408 $/h", "copies": 2})
    assert prices.ram == pytest.approx(1.73 / 2**30)
    assert prices.vcpu == pytest.approx(29.784)
    assert (prices.copies, prices.ssd) == (2, 0.08e-9)
    assert Prices.model_validate(prices.model_dump(mode="json")) == prices


@pytest.mark.parametrize(
    ("name", "value"),
    [("ram", 4), ("ram", "4 $/GB"), ("ram", "-4 $/GB/month"), ("vcpu", "4 $/GB/month"),
     ("cross_zone", "12.5 $/month"), ("usable", "0%"), ("usable", 0.75), ("copies", 0), ("copies", 1.5),
     ("zones", 1), ("peak_to_mean", 0.5), ("max_utilization", "120%"), ("rams", "4 $/GB/month")],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(ValidationError):
        Prices.model_validate({name: value})


def test_a_price_says_what_was_expected():
    with pytest.raises(ValidationError, match="expected a price like 4 \\$/GB/month"):
        Prices.model_validate({"ram": "4 $/GB"})


READ = {"usable": parse_share, "max_utilization": parse_share} | dict.fromkeys(
    ("copies", "zones", "peak_to_mean"), parse_count
)


def test_every_price_has_a_source_a_date_a_grade_and_lies_in_its_range():
    assert FIGURES.keys() == Prices.model_fields.keys()
    for name, figure in FIGURES.items():
        read = READ.get(name, lambda text: parse_price(text)[0])
        low, high = map(read, figure.range)
        assert low <= getattr(PRICES, name) == read(figure.value) <= high, name
        assert len(figure.source) > 10
        assert figure.grade in "ABCD"
        assert re.fullmatch(r"20\d\d(-\d\d-\d\d)?", figure.date)


def test_the_sizes_that_are_shipped_are_those_of_the_bill():
    text = (resources.files("simsys.strategies") / "feed/defaults.yaml").read_text(encoding="utf-8")
    entry = yaml.safe_load(text)["sizes"]["timeline_entry"]
    sizes = [parse_size(each) for each in (entry["value"], *entry["range"])]
    assert sizes == pytest.approx([LIST_OF_PAYLOADS, LIST_OF_IDS, SORTED_SET], rel=0.003)
