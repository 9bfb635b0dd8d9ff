"""The table: 80 columns, aligned, rounded, with what is missing said."""

import re
from dataclasses import replace

import hand_made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsys.experiment.result import Audit, Row
from simsys.report import style
from simsys.report.style import figure, half_width
from simsys.report.table import WIDTH, table


def line(text: str, label: str) -> str:
    return next(one for one in text.splitlines() if one.strip().startswith(label))


def section(text: str, title: str) -> str:
    return text.split(f"\n{title}\n")[1].split("\n\n")[0]


@pytest.mark.parametrize(
    ("value", "metric", "unit", "shown"),
    [
        (0.003, "latency_p99", "s", "3.00 ms"),
        (0.00312, "latency_p99", "s", "3.12 ms"),
        (0.0123, "latency_p99", "s", "12.3 ms"),
        (0.9996, "latency_p99", "s", "1.00 s"),
        (0.0, "wait_mean", "s", "0 s"),
        (1650.0, "throughput", "/s", "1.65k/s"),
        (0.0908, "throughput", "/s", "0.091/s"),
        (0.00001, "throughput", "/s", "<0.001/s"),
        (1.83e12, "storage_bytes.ram", "B", "1.83 TB"),
        (32491.0, "cost", "$/month", "32.5k$/month"),
        (0.9995, "hit_ratio", "", "99.95%"),
        (0.99999, "hit_ratio", "", "99.99%"),
        (1.0, "hit_ratio", "", "100%"),
        (0.375, "hit_ratio", "", "37.5%"),
        (0.00317, "stale_ratio", "", "0.32%"),
        (0.00004, "stale_ratio", "", "<0.01%"),
        (3.0, "queue_max", "", "3"),
        (0.1236, "queue_mean", "", "0.124"),
        (180032.0, "queue_max", "", "180k"),
        (float("inf"), "utilization", "", "∞"),
    ],
)
def test_figures_have_three_digits_and_a_unit(value: float, metric: str, unit: str, shown: str) -> None:
    assert str(figure(value, metric, unit)) == shown


@given(st.floats(1e-9, 1e15), st.sampled_from([("latency_mean", "s"), ("cost", "$/month"), ("x", "B"), ("x", "/s")]))
def test_a_figure_is_within_half_a_percent(value: float, kind: tuple[str, str]) -> None:
    number, unit = figure(value, *kind)
    factor = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}
    factor |= {"": 1, "k": 1e3, "M": 1e6, "B": 1e9} if kind[1] in ("/s", "$/month") else {}
    factor |= {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15} if kind[1] == "B" else {}
    if number != "<0.001":
        shown = float(number.replace(",", "")) * factor[unit.strip().removesuffix("/s").removesuffix("$/month")]
        assert shown == pytest.approx(value, rel=0.0051, abs=0.0006)


def row(value: float | None, half: float | None, metric: str = "latency_p99", unit: str = "s") -> Row:
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    return Row("push", {}, "read", metric, value, low, high, unit, "")


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [(0.00312, 0.00004, "0.04"), (0.0123, 0.0015, "1.5"), (0.123, 0.002, "2"), (0.003, 0.05, "50.00"),
     (0.00312, 0.000001, ""), (0.00312, None, ""), (None, None, ""), (0.0, 0.0, "")],
)  # fmt: skip
def test_half_widths_share_unit_and_decimals(value: float | None, half: float | None, shown: str) -> None:
    assert half_width(row(value, half)) == shown


def test_the_table_of_a_run() -> None:
    text = table(hand_made.result())
    assert line(text, "latency p99 ").split() == (
        ["latency", "p99", "120", "ms", "±2", "40.1", "ms", "±0.6", "3.12", "ms", "±0.05", "3.00", "ms", "±0.04"]
    )
    assert line(text, "cost of the fleet").split()[-8::2] == ["3.21k$", "6.57k$", "32.5k$", "32.5k$"]
    assert line(text, "cost of the fleet") + line(text, "as given") != ""
    assert line(text, "feed").split() == ["feed", "–", "37.5%", "±0.6", "–", "–"]
    assert line(text, "read p99").split()[-4:] == ["undecided", "kept", "kept", "kept"]
    assert line(text, "post fresh_p99").split()[-4:] == ["kept", "kept", "missed", "kept"]
    assert "refused" not in text, "nothing was refused: no line of zeros"
    assert "* The run has events" in text


def test_sections_stand_in_order() -> None:
    text = table(hand_made.result())
    titles = ["read", "post", "stations: utilization", "stations: queue mean (where anybody waited)",
              "stations: queue max (where anybody waited)", "stations: wait mean (where anybody waited)",
              "caches: hit ratio", "system: bytes kept, cost per month", "promises"]  # fmt: skip
    places = [text.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert "api" in section(text, "stations: utilization")
    assert "api" not in section(text, "stations: queue mean (where anybody waited)")


def test_the_busiest_shard_has_a_line_where_it_is_busier_than_the_others() -> None:
    title, rows = "stations: utilization of the busiest shard", hand_made.rows()
    busiest = [r._replace(metric="utilization_max", value=0.9) for r in rows if r.metric == "utilization" and r.value]
    text = table(hand_made.result(rows=(*rows, *busiest)))
    assert section(text, title).split() == ["timelines", "–", "–", "90.0%", "±0.4", "90.0%", "±0.1"]
    even = tuple(replace(p, shards={}) for p in hand_made.result().played)
    assert title not in table(hand_made.result(rows=(*rows, *busiest), played=even))


def test_columns_are_aligned() -> None:
    text = table(hand_made.result())
    heads = next(one for one in text.splitlines() if "cached_pull" in one)
    starts = [heads.index(name) for name in hand_made.STRATEGIES]
    assert starts == [21, 36, 51, 66]
    for one in section(text, "read").splitlines():
        for start in starts:
            assert one[start - 1] == " ", one
            assert re.match(r" *([<\d.,]+|–)", one[start : start + 15]), one


def test_nulls_are_dashes_with_footnotes() -> None:
    text = table(hand_made.result())
    assert "–¹" in line(text, "latency p99.9")
    assert "\n¹ fewer than 10 observations beyond it\n" in text
    assert text.count("¹") == 2, "a note of a figure that is there is no footnote"


def test_a_metric_that_nobody_has_is_a_line_only_if_there_is_a_reason() -> None:
    (one, *_) = hand_made.rows()
    rows = (one, one._replace(metric="latency_mean"), one._replace(metric="latency_p99", value=None, note="saturated"),
            one._replace(metric="latency_p90", value=None))  # fmt: skip
    text = table(hand_made.result(rows=rows, slo=(), played=()))
    assert line(text, "latency p99").split()[2:] == ["–¹"] and "¹ saturated" in text
    assert "latency p90" not in text


@pytest.mark.parametrize("count", range(1, 10))
def test_never_wider_than_80_columns(count: int) -> None:
    names = [f"strategy-{i}(celebrity=10000, push=Push(batch=500, page=10000))" for i in range(count)]
    rows = [one._replace(strategy=name) for name in names for one in hand_made.rows() if one.strategy == "push"]
    rows += [
        rows[0]._replace(strategy=names[0], subject="a" * 64, metric=m, unit="") for m in ("utilization", "hit_ratio")
    ]
    text = table(hand_made.result(rows=tuple(rows), slo=(), played=()))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("latency p90") == -(-count // 4)
    assert line(text, "latency p90").count("1.77 ms") == min(count, 4)


def test_figures_are_kept_whole_where_the_interval_does_not_fit() -> None:
    wide = [
        one._replace(value=0.99995, low=0.0, high=1.0) if one.metric == "utilization" else one
        for one in hand_made.rows()
    ]
    text = table(hand_made.result(rows=tuple(wide)))
    assert line(section(text, "stations: utilization"), "api").split()[1::2] == ["99.99%"] * 4
    assert max(map(len, text.splitlines())) <= WIDTH


def test_colour_changes_no_letter() -> None:
    plain, painted = table(hand_made.result()), table(hand_made.result(), colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31mmissed" in painted and "\x1b[32mkept" in painted and "\x1b[33mundecided" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == plain


def test_a_broken_law_is_said_first_and_loudly() -> None:
    broken = Audit("little", "push", False, "2 = 3")
    text = table(hand_made.result(audits=(broken, Audit("flow", "pull", True, "1 = 1"))))
    assert text.startswith("DO NOT TRUST THIS RUN.") and "push breaks the law\n'little': 2 = 3" in text.replace(
        " '", "\n'"
    )
    assert "flow" not in text


def test_one_replication_says_so() -> None:
    assert "1 replication, no intervals" in table(hand_made.result(replications=1))


def test_an_edit_and_a_read() -> None:
    assert [style.a(op) for op in ("read", "edit", "order", "post")] == ["a read", "an edit", "an order", "a post"]


def test_who_waited_for_a_load_brings_in_what_loads_came_to() -> None:
    told = hand_made.result().rows
    asked = [Row("push", {}, "feed", "hit_ratio", 0.9, 0.9, 0.9, "", "")]
    loads = [Row("push", {}, "feed", "loads_per_fill", 1.5, 1.4, 1.6, "", ""),
             Row("push", {}, "feed", "age_max", 5.5, None, None, "s", "")]  # fmt: skip
    waited = [Row("push", {}, "feed", "waited", 0.02, 0.01, 0.03, "", "")]
    assert "loads per fill" not in table(hand_made.result(rows=(*told, *asked, *loads)))
    text = table(hand_made.result(rows=(*told, *asked, *loads, *waited)))
    titles = ("loads per fill", "waited", "oldest")
    lines = [line(section(text, f"caches: {title}"), "feed") for title in titles]
    assert [one.split()[1:] for one in lines] == [
        ["–", "–", "1.50", "±0.10", "–"], ["–", "–", "2.00%", "±1.00", "–"], ["–", "–", "5.50", "s", "–"]
    ]  # fmt: skip
