"""How what is kept grows: a day, a month and a year of a tiny feed, and of a flow that says what it keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenario_texts import changed

from simsys.experiment import accounts
from simsys.experiment.accounts import DAY, Kept
from simsys.experiment.result import GROWTH
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.money import Store
from simsys.report.explain import explain
from simsys.report.growth import beneath
from simsys.scenario import ScenarioError, load_scenario

YEAR = 365 * DAY
FEED = """
load: {rate: 10/s, mix: {read: 90%, post: 10%}}
population: {users: 1k, active: 50%, followers: 20, following: 20}
retention: {posts: 1000d, hot: 2d, disk: 100d}
sizes: {post_row: 100B, follow_edge: 10B, timeline_entry: 1B, object: 50B}
prices: {copies: 2}
strategies: [push]
run: {requests: 100, replications: 1}
"""
LINKS = """
load: {rate: 10/s, mix: {shorten: 10%, visit: 90%}}
stations: {web: {servers: 1, ops: {get: 1ms}}}
strategies:
  - flow:
      name: links
      keeps:
        links: {medium: ssd, size: 500B, of: shorten, for: 100d, copies: 3}
        clicks: {medium: object, size: 40B, items: 2, of: visit, for: 200d, after: 10d}
        hot: {medium: ram, size: 1kB, items: 1k, copies: 1}
      shorten: [{visit: web.get}]
      visit: [{visit: web.get}]
run: {requests: 100, replications: 1}
"""


def kept(text: str, *sets: str) -> dict[str, Kept]:
    setting = settings(load_scenario(text, sets))[0]
    return {each.store.name: each for each in accounts.stores(setting, {})}


def test_a_post_a_second_goes_to_disk_and_after_a_hundred_days_to_the_object_store() -> None:
    """100 B each, two copies on disk, one in the object store; ten of twenty followers have a timeline."""
    stores = kept(FEED)
    posts, old, timelines = stores["posts"], stores["old posts"], stores["timelines"]
    assert posts.bytes_at(DAY) == pytest.approx(86_400 * 200)
    assert posts.bytes_at(YEAR) == posts.store.bytes == pytest.approx(100 * 86_400 * 200)
    assert old.bytes_at(100 * DAY) == 0
    assert old.bytes_at(YEAR) == pytest.approx(265 * 86_400 * 100)
    assert old.store.bytes == pytest.approx(900 * 86_400 * 100)
    assert timelines.bytes_at(100) == pytest.approx(100 * 10 * 2)
    assert timelines.bytes_at(DAY) == timelines.store.bytes == 500 * 800 * 2
    assert stores["follows"].bytes_at(0) == 1000 * 20 * 10 * 2


def test_without_a_limit_all_posts_stay_on_disk() -> None:
    stores = kept(FEED.replace(", disk: 100d", ""))
    assert "old posts" not in stores
    assert stores["posts"].store.bytes == pytest.approx(1000 * 86_400 * 200)


def test_the_rows_of_a_run_are_these_formulas() -> None:
    result = run(load_scenario(FEED, [], "feed"), jobs=1)
    stores = kept(FEED).values()
    for name, age in (("day", DAY), ("month", 30 * DAY), ("year", YEAR)):
        assert result.value("push", "system", f"storage_bytes_{name}") == pytest.approx(
            sum(each.bytes_at(age) for each in stores)
        )
    assert result.value("push", "system", "storage_bytes.object") == pytest.approx(900 * 86_400 * 100)
    (played,) = result.played
    assert played.growth.keys() == {"ram", "ssd", "object"}
    assert all(len(curve) == len(GROWTH) for curve in played.growth.values())
    assert "old posts (object): old_posts: 77.8M items × 100 B = 7.78 GB; grows by 8.64 MB" in explain(
        load_scenario(FEED)
    )


def test_a_flow_says_what_it_keeps() -> None:
    """One link a second, three copies; nine visits a second leave two clicks each, in the object store."""
    stores = kept(LINKS)
    assert stores["links"].bytes_at(DAY) == pytest.approx(86_400 * 1500)
    assert stores["links"].store.bytes == pytest.approx(100 * 86_400 * 1500)
    assert stores["clicks"].bytes_at(10 * DAY) == 0
    assert stores["clicks"].bytes_at(11 * DAY) == pytest.approx(86_400 * 18 * 40)
    assert stores["clicks"].store.copies == 1
    assert stores["hot"].bytes_at(0) == 1e6
    assert kept(LINKS, "prices.copies=5")["links"].store.copies == 3


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("medium: ssd", "medium: sdd", "did you mean 'ssd'?"),
        ("of: shorten", "of: shortn", "did you mean 'shorten'?"),
        ("size: 500B, of", "siz: 500B, of", "did you mean 'size'?"),
        ("size: 500B", "size: 500", "keeps.links.size"),
        (", for: 100d", "", "'for' is missing"),
        ("copies: 3", "copies: 0", "expected a whole number from 1 to 1000"),
        ("items: 1k, copies: 1", "copies: 1, for: 1d", "'of' is missing"),
        ("hot: {medium: ram, size: 1kB, items: 1k, copies: 1}", "hot: 1kB", "keeps.hot"),
    ],
)
def test_a_store_that_cannot_be_is_told_where(old: str, new: str, told: str) -> None:
    with pytest.raises(ScenarioError, match="links") as error:
        load_scenario(changed(LINKS, (old, new)))
    assert told in str(error.value)


@given(st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e8), st.lists(st.floats(0, 1e9), min_size=2, max_size=9))
def test_what_is_kept_never_shrinks_and_never_exceeds_what_it_comes_to(
    items: float, grows: float, after: float, ages: list[float]
) -> None:
    one = Kept(Store("x", "ssd", items, 1.0), "", grows, after)
    sizes = [one.bytes_at(age) for age in sorted(ages)]
    assert sizes == sorted(sizes)
    assert sizes[-1] <= one.store.bytes


def test_curves_that_no_eye_tells_apart_share_their_way() -> None:
    """Drawn one over the other, the second would hide the first; a mutant that looks for equal ones only does so."""
    curves = [(100.0, 200.0), (100.5, 201.0), (105.0, 200.0), ()]
    assert [beneath(curves, number) for number in range(4)] == [[0, 1], [0, 1], [2], [3]]
