"""Units: what people write, to the last bit; what is refused, and with which words."""

import math
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simsys import units
from simsys.units import Count, Duration, Money, Rate, Share, Size, Spec, UnitError, Whole

READ = [
    (units.parse_duration, "250us", 250e-6),
    (units.parse_duration, "250µs", 250e-6),
    (units.parse_duration, "250μs", 250e-6),
    (units.parse_duration, "1.9us", 1.9e-6),
    (units.parse_duration, "60ns", 60e-9),
    (units.parse_duration, " 10 ms ", 0.01),
    (units.parse_duration, "1m30s", 90.0),
    (units.parse_duration, "2 h 30 min", 9000.0),
    (units.parse_duration, "1d12h0.5s", 129600.5),
    (units.parse_duration, "0s", 0.0),
    (units.parse_size, "512B", 512.0),
    (units.parse_size, "1.5kB", 1500.0),
    (units.parse_size, "2 PB", 2e15),
    (units.parse_size, "1KiB", 1024.0),
    (units.parse_size, "64MiB", 67108864.0),
    (units.parse_size, "4GiB", 4294967296.0),
    (units.parse_size, "1TiB", 1099511627776.0),
    (units.parse_rate, "20k/s", 20000.0),
    (units.parse_rate, "300/m", 5.0),
    (units.parse_rate, "300 / min", 5.0),
    (units.parse_rate, "1/h", 1 / 3600),
    (units.parse_rate, "1M/d", 1e6 / 86400),
    (units.parse_count, "90M", 9e7),
    (units.parse_count, "1.5B", 1.5e9),
    (units.parse_count, "12", 12.0),
    (units.parse_count, 12, 12.0),
    (units.parse_count, 0.37, 0.37),
    (units.parse_whole, "5k", 5000),
    (units.parse_share, "99.5%", 0.995),
    (units.parse_share, "0.1 %", 0.001),
    (units.parse_share, 0, 0.0),
    (units.parse_share, "1", 1.0),
    (units.parse_money, "40k$/month", 40000.0),
    (units.parse_money, "480k$/year", 40000.0),
    (units.parse_money, "0.1 $/h", 73.0),
    (units.parse_price, "4 $/GB/month", (4e-9, "B/month")),
    (units.parse_price, "0.125 $/GB/h", (0.125 * 730 / 1e9, "B/month")),
    (units.parse_price, "12.5 $/month", (12.5, "month")),
    (units.parse_price, "0.02 $/GB", (2e-11, "B")),
    (units.parse_price, "1$/B", (1.0, "B")),
    (units.parse_price, "5 $/M", (5e-6, "1")),
]


@pytest.mark.parametrize(("parse", "text", "value"), READ)
def test_reads(parse, text, value):
    assert parse(text) == value


REFUSED = [
    (units.parse_duration, "100", "expected a duration like 250us, 10ms or 1m30s; the unit is missing"),
    (units.parse_duration, 100, "the unit is missing"),
    (units.parse_duration, "1e3s", "exponents are not read, write 1000 or 1k"),
    (units.parse_duration, "10MS", "no unit 'MS', did you mean 'ms'?"),
    (units.parse_duration, "3s1m", "each unit once, the largest first"),
    (units.parse_duration, "1s1s", "each unit once"),
    (units.parse_duration, "1m60min", "each unit once"),
    (units.parse_duration, "1.5m3s", "only the last part may have a fraction"),
    (units.parse_duration, "1 s x", "expected a duration"),
    (units.parse_duration, "1:30", "no unit ':'"),
    (units.parse_duration, "-3s", "expected a duration"),
    (units.parse_duration, "nan", "expected a duration"),
    (units.parse_duration, "", "expected a duration"),
    (units.parse_duration, "٣s", "expected a duration"),
    (units.parse_duration, True, "expected a duration"),
    (units.parse_duration, None, "expected a duration"),
    (units.parse_duration, ["1s"], "expected a duration"),
    (units.parse_duration, "9" * 399 + "s", "too large"),
    (units.parse_duration, "9" * 5000 + "s", "too long"),
    (units.parse_size, "64mib", "no unit 'mib', did you mean 'MiB'?"),
    (units.parse_size, "5k", "expected a size like 512B, 20kB or 64MiB; no unit 'k', did you mean 'kB'?"),
    (units.parse_rate, "20k", "expected a rate like 20k/s or 300/m"),
    (units.parse_rate, 20, "the unit is missing"),
    (units.parse_count, "1e3", "expected a count like 5k, 90M or 1.5B, or a plain number; exponents are not"),
    (units.parse_count, "90m", "did you mean 'M'?"),
    (units.parse_count, "1,000", "no unit ',000'"),
    (units.parse_count, "1 000", "no unit '000'"),
    (units.parse_count, -1, "not negative"),
    (units.parse_count, math.nan, "finite"),
    (units.parse_count, math.inf, "finite"),
    (units.parse_count, True, "expected a count"),
    (units.parse_count, 10**400, "finite"),
    (units.parse_whole, "1.5", "expected a whole number"),
    (units.parse_share, 0.995, "expected a share like 99.5%, or plain 0 or 1; write 99.5%"),
    (units.parse_share, "101%", "at most 100%"),
    (units.parse_share, 2, "the unit is missing"),
    (units.parse_share, True, "expected a share"),
    (units.parse_money, "40k$", "expected money like 40k$/month"),
    (units.parse_price, "4 $/gb/month", "did you mean '$/GB/month'?"),
    (units.parse_price, "4", "expected a price like 4 $/GB/month"),
]


@pytest.mark.parametrize(("parse", "text", "words"), REFUSED)
def test_refuses(parse, text, words):
    with pytest.raises(UnitError, match=re.escape(words)) as error:
        parse(text)
    assert len(str(error.value)) < 250


PAIRS = [
    (units.parse_duration, units.write_duration),
    (units.parse_size, units.write_size),
    (units.parse_rate, units.write_rate),
    (units.parse_count, units.write_count),
    (units.parse_money, units.write_money),
]
PRICED = ["B/month", "month", "B", "1"]


@pytest.mark.parametrize(("parse", "write"), PAIRS)
@given(st.floats(0, 1e308) | st.integers(0, 10**18).map(float) | st.floats(1e-9, 1e9))
def test_what_is_written_reads_back_to_the_same_bits(parse, write, value):
    assert parse(write(value)) == value
    assert not re.search("[0-9]e", write(value))


@given(st.floats(0, 1))
def test_shares_read_back(value):
    assert units.parse_share(units.write_share(value)) == value


@given(st.floats(0, 1e12), st.sampled_from(PRICED))
def test_prices_read_back(value, per):
    assert units.parse_price(units.write_price(value, per)) == (value, per)


@given(st.integers(1, 9999), st.sampled_from(["ns", "us", "ms", "s", "m", "h", "d"]))
def test_writing_is_never_longer_than_what_was_read(number, unit):
    text = f"{number}{unit}"
    assert len(units.write_duration(units.parse_duration(text))) <= len(text)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_nothing_nonsensical_is_written(value):
    with pytest.raises(UnitError, match="finite"):
        units.write_duration(value)


@given(st.text("0123456789.eEkMBsmudhniµKGT/$%-+ ", max_size=12))
def test_any_text_is_a_number_or_a_unit_error(text):
    for parse, _ in [*PAIRS, (units.parse_share, None), (units.parse_price, None)]:
        try:
            value = parse(text)
        except UnitError:
            continue
        number = value[0] if isinstance(value, tuple) else value
        assert 0 <= number < math.inf


def test_shows_three_digits():
    durations = [0.00312, 0.0, 0.9996, 0.99949, 90, 59.99, 1e-10, -0.02, 400 * 86400, 1e6 * 86400, 1e293, math.inf]
    assert [units.show_duration(x) for x in durations] == [
        "3.12 ms", "0 s", "1 s", "999 ms", "1.5 min", "1 min", "0.1 ns", "-20 ms", "400 d",
        "1,000,000 d", "1.16e+288 d", "inf",
    ]  # fmt: skip
    assert [units.show_count(x) for x in (0, 999, 999.9, 12345, 9e7, 1e13, 0.005)] == [
        "0", "999", "1k", "12.3k", "90M", "10,000B", "0.005",
    ]  # fmt: skip
    assert units.show_size(2**26) == "67.1 MB"
    assert units.show_rate(20_000) == "20k/s"
    assert [units.show_share(x) for x in (0.995, 0.9995, 1)] == ["99.5%", "99.95%", "100%"]
    assert units.show_money(247_000) == "247k$/month"


class Everything(Spec):
    duration: Duration = 0.0
    size: Size = 0.0
    rate: Rate = 0.0
    count: Count = 0.0
    whole: Whole = 0
    share: Share = 0.0
    money: Money = 0.0
    none: Duration | None = None


GIVEN = {
    "duration": "1m30s", "size": "64MiB", "rate": "300/m", "count": "5k", "whole": 8, "share": "99.5%",
    "money": "40k$/month",
}  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_fields_read_units_and_write_them():
    everything = Everything.model_validate(GIVEN)
    assert everything.duration == 90.0
    assert everything.whole == 8 and isinstance(everything.whole, int)
    assert everything.model_dump() == {
        "duration": "90s", "size": "64MiB", "rate": "5/s", "count": "5k", "whole": 8, "share": "99.5%",
        "money": "40k$/month", "none": None,
    }  # fmt: skip
    assert Everything.model_validate(everything.model_dump()) == everything
    assert Everything.model_validate_json(everything.model_dump_json()) == everything


@pytest.mark.filterwarnings("error")
@given(st.floats(0, 1e30) | st.integers(0, 10**12).map(float))
def test_count_fields_read_back(value):
    written = Everything(count=value).model_dump()["count"]
    assert Everything.model_validate({"count": written}).count == value
    assert isinstance(written, str | int | float) and Everything(count=8.0).model_dump()["count"] == 8


def test_fields_are_strict():
    with pytest.raises(ValidationError, match="expected a duration like 250us") as error:
        Everything.model_validate({"duration": 5})
    assert error.value.errors()[0]["loc"] == ("duration",)
    with pytest.raises(ValidationError, match="Extra inputs"):
        Everything.model_validate({"durations": "5s"})
    with pytest.raises(ValidationError, match="frozen"):
        Everything().duration = 1.0


@given(
    st.sampled_from(list(GIVEN)),
    st.from_regex(r"\A[0-9]{1,3}(\.[0-9])? ?(k|M)?(ms|s|m|h|B|kB|MiB|\$|%)?(/s|/min|/month)?\Z")
    | st.integers(-2, 2)
    | st.floats(-2, 2)
    | st.sampled_from(list(GIVEN.values())),
)
def test_the_schema_accepts_what_the_parser_accepts(field, value):
    try:
        Everything.model_validate({field: value})
        accepted = True
    except ValidationError as error:
        accepted = False
        within_schema = {"at most 100%", "whole number"}
        if any(words in str(error) for words in within_schema):
            return
    schema = Everything.model_json_schema()
    assert jsonschema.Draft202012Validator(schema).is_valid({field: value}) == accepted


def test_the_schema_accepts_compounds_and_texts():
    schema = jsonschema.Draft202012Validator(Everything.model_json_schema())
    assert schema.is_valid(GIVEN)
    assert all(schema.is_valid({"duration": text}) for text in ("1m30s", " 2 h 30 min", "250µs"))


def test_the_schema_offers_an_example_that_reads():
    for name, schema in Everything.model_json_schema()["properties"].items():
        for option in (schema, *schema.get("anyOf", ())):
            for example in option.get("examples", ()):
                assert Everything.model_validate({name: example})
                assert re.fullmatch(option["pattern"], example)
