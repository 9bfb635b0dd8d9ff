"""A summary comes back from its bytes as it was, and what is no summary is refused."""

from __future__ import annotations

import zlib
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings as settings_of
from simsys.measure.audits import Check
from simsys.measure.encoding import NotASummary, decode, encode
from simsys.measure.histogram import Histogram
from simsys.measure.summary import CacheSummary, OpSummary, StationSummary, Summary
from simsys.measure.tail import Tail
from simsys.scenario import load_scenario

numbers, floats = st.integers(-(2**80), 2**80), st.floats(allow_nan=False)
names = st.text(max_size=5)
few = {"max_size": 3}


@st.composite
def histograms(draw: Any) -> Histogram:
    histogram = Histogram()
    histogram.add(draw(st.lists(st.floats(0, 1e6), **few)))
    return histogram


@st.composite
def tails(draw: Any) -> Tail:
    n, stations = draw(st.integers(0, 3)), tuple(draw(st.lists(names, **few)))
    paths = draw(st.lists(floats, min_size=n * len(stations) * 2, max_size=n * len(stations) * 2))
    column = np.array(draw(st.lists(floats, min_size=n, max_size=n)), dtype=np.float64)
    counts = np.array(draw(st.lists(st.integers(-(2**9), 2**18), min_size=n, max_size=n)), dtype=np.int64)
    return Tail(stations, np.arange(n), counts, column, np.array(paths).reshape(n, len(stations), 2))


some = st.none() | floats
windows = st.dictionaries(st.integers(-1, 2**40), histograms(), **few)
ops = st.builds(
    OpSummary, numbers, numbers, numbers, numbers, numbers, histograms(), histograms(), windows, windows, floats,
    floats, some, *[numbers] * 4, floats, st.dictionaries(names, numbers, **few), some,
    st.lists(floats, **few).map(tuple), tails(),
)  # fmt: skip
lists = st.lists(floats, **few)
stations = st.builds(
    StationSummary, lists, lists, numbers, floats, floats, numbers, st.tuples(numbers, numbers), st.booleans()
)
summaries = st.builds(
    Summary,
    floats,
    st.dictionaries(names, ops, max_size=2),
    st.dictionaries(names, stations, max_size=2),
    st.dictionaries(names, st.builds(CacheSummary, *[numbers] * 8, *[floats] * 3, some), max_size=2),
    st.dictionaries(names, st.dictionaries(names, floats, **few), **few),
    st.tuples(lists, st.dictionaries(names, lists, **few)),
    st.lists(st.builds(Check, names, floats, floats, numbers), **few),
    st.dictionaries(numbers, floats, **few),
    floats,
)


def plain(value: Any) -> Any:
    """All that is in a value, with its types."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(key, plain(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return type(value), [plain(getattr(value, field.name)) for field in fields(value)]
    return type(value), repr(value)


@given(summaries)
@settings(deadline=None, max_examples=60)
def test_any_summary_comes_back(summary: Summary) -> None:
    assert plain(decode(encode(summary))) == plain(summary)


def test_a_play_comes_back() -> None:
    for setting in settings_of(load_scenario("small", ["run.requests=300"])):
        summary = play_once(setting, 0)
        back = decode(encode(summary))
        assert plain(back) == plain(summary) and back.ops["read"].latency == summary.ops["read"].latency


@given(st.binary(max_size=60))
def test_what_is_no_summary_is_refused(content: bytes) -> None:
    for bytes_ in (content, zlib.compress(content), zlib.compress(len(content).to_bytes(8, "little") + content)):
        with pytest.raises(NotASummary):
            decode(bytes_)


def test_half_a_summary_is_refused() -> None:
    (setting, *_) = settings_of(load_scenario("mm4", ["run.requests=50"]))
    content = encode(play_once(setting, 0))
    for broken in (content[:-1], content[: len(content) // 2], content + b"x", b"\x00" + content[1:]):
        with pytest.raises(NotASummary):
            decode(broken)
    raw = zlib.decompress(content)
    for old, new in ((b'"|u1"', b'"|O1"'), (b'"<f8"', b'"<U8"'), (b"[[", b"{[")):
        with pytest.raises(NotASummary):
            decode(zlib.compress(raw.replace(old, new, 1)))
