"""Staleness in tiny worlds, where the answer can be counted."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import Arrivals, run_plan, station

from simsys.draws import exp
from simsys.measure.log import BROUGHT, FROM_EVENT, MARK, REFUSED, Batch, Log
from simsys.measure.marks import Marks, Waiting, never
from simsys.measure.staleness import Following, Posts, Reads, Staleness
from simsys.steps import Mark, Start, Visit

FOLLOWING = Following(users=1000.0, mean=10.0, rate=0.0)
STATIONS = {"store": station(1, put="1s"), "db": station("unlimited", insert="1s")}


def deliver(b: Any) -> Any:
    yield Visit("store", "put")
    yield Mark("fresh", n=b.size)


def plan(r: Any) -> Any:
    """Posts have followers; reads have none and do nothing."""
    yield Visit("db", "insert", n=r.followers > 0)
    yield Start(deliver, n=r.followers, batch=50)


def world(posts: list[float], cause: int = 0) -> tuple[Log, Posts]:
    """Posts to 100 followers each at these times: one at 0 is accepted at 1, and delivered in halves at 2 and 3."""
    columns = {"followers": [100.0] * len(posts), "following": [10.0] * len(posts)}
    log = run_plan(plan, STATIONS, Arrivals(posts, **columns), plain=False)
    (batch,) = log.batches
    batch.requests["cause"] = cause
    known = Posts(FOLLOWING)
    known.take(batch.requests, Waiting("fresh").settle(batch, log.names))
    return log, known


def reads(arrival: list[float], age: float = 0.0, following: float = 10.0, parent: int = -1) -> Reads:
    return Reads(np.array(arrival), *(np.full(len(arrival), each) for each in (age, following, parent)))


def stale(posts: Posts, asked: Reads) -> list[float]:
    return posts.shares(asked)[0].tolist()


def test_a_reader_lacks_what_is_accepted_and_not_yet_delivered() -> None:
    _, posts = world([0.0])
    shares, unfound = posts.shares(reads([0.5, 1.5, 2.5, 3.5]))
    assert shares.tolist() == pytest.approx([0, 1 - exp(-0.1), 1 - exp(-0.05), 0], abs=1e-12)
    assert unfound.tolist() == [0, 0, 0, 0]


def test_a_delivery_at_the_moment_of_the_read_has_come() -> None:
    """A mutant that looks just before finds nothing under way at 1 and all of it at 2."""
    _, posts = world([0.0])
    assert stale(posts, reads([1.0, 2.0, 3.0])) == pytest.approx([1 - exp(-0.1), 1 - exp(-0.05), 0], abs=1e-12)


def test_a_cached_answer_lacks_what_an_event_posted_since_even_at_that_moment() -> None:
    """At 1 the post is over: all who follow its author lack it on their lists, and once more in an older answer."""
    _, posts = world([0.0], FROM_EVENT)
    asked = [reads([1.0], age) for age in (0.0, 0.5)]
    assert [stale(posts, each) for each in asked] == [[pytest.approx(1 - exp(-lacks))] for lacks in (0.1, 0.2)]


def half_lost(r: Any) -> Any:
    """The first half of the followers has it a second later; the other half, never."""
    yield Visit("db", "insert")
    yield Start(once, n=1)


def once(b: Any) -> Any:
    yield Visit("db", "insert")
    yield Mark("fresh", n=50)
    yield Mark("lost", n=50)


def gone(r: Any) -> Any:
    """Nobody ever has it."""
    yield Visit("db", "insert")
    yield Mark("fresh", n=0)
    yield Mark("lost", n=100)


def lost_world(plan: Any, cause: int = 0) -> Posts:
    """A post to 100 followers at 0, accepted at 1."""
    log = run_plan(plan, STATIONS, Arrivals([0.0], followers=[100.0], following=[10.0]), plain=False)
    (batch,) = log.batches
    batch.requests["cause"] = cause
    fresh, lost = (Waiting(name).settle(batch, log.names) for name in ("fresh", "lost"))
    known = Posts(FOLLOWING)
    known.take(batch.requests, never(fresh, lost))
    return known


def test_what_is_lost_is_lacked_for_ever() -> None:
    assert stale(lost_world(half_lost), reads([1.5, 2.5, 1e6])) == pytest.approx([1 - exp(-0.1), *[1 - exp(-0.05)] * 2])
    assert stale(lost_world(gone), reads([1.5, 1e6])) == pytest.approx([1 - exp(-0.1)] * 2)


def test_who_is_brought_by_a_post_that_is_lost_does_not_find_it() -> None:
    for plan, share in ((half_lost, 0.5), (gone, 1.0)):
        _, unfound = lost_world(plan, FROM_EVENT).shares(reads([1e6], parent=0))
        assert unfound.tolist() == [share]


def test_who_follows_twice_as_many_lacks_twice_as_many() -> None:
    _, posts = world([0.0])
    assert stale(posts, reads([1.5], following=20.0)) == pytest.approx([1 - exp(-0.2)])


def test_two_posts_under_way_are_lacked_together() -> None:
    """The second, at 0.5, is delivered after the first: at 4 and 5."""
    _, posts = world([0.0, 0.5])
    assert stale(posts, reads([1.25, 1.75, 3.5])) == pytest.approx([1 - exp(-0.1), 1 - exp(-0.2), 1 - exp(-0.1)])


def test_a_cached_answer_lacks_what_came_since_it_was_made() -> None:
    posts = Posts(Following(users=1000.0, mean=10.0, rate=0.25))
    assert stale(posts, reads([10.0], age=4.0)) == pytest.approx([1 - exp(-1.0)])


@pytest.mark.parametrize(("age", "lacks"), [(8.5, 0.0), (9.5, 0.1)])
def test_a_cached_answer_from_before_an_event_lacks_its_post(age: float, lacks: float) -> None:
    """Accepted at 1, and long delivered at 10; only an answer made before 1 lacks it."""
    _, posts = world([0.0], FROM_EVENT)
    assert stale(posts, reads([10.0], age=age)) == pytest.approx([1 - exp(-lacks)], abs=1e-12)


def test_a_brought_reader_does_not_find_what_has_not_reached_it() -> None:
    _, posts = world([0.0], FROM_EVENT)
    assert posts.shares(reads([0.5, 1.5, 2.5, 3.5], parent=0))[1].tolist() == [0.0, 1.0, 0.5, 0.0]
    assert posts.shares(reads([3.5, 3.5], age=2.6, parent=0))[1].tolist() == [1.0, 1.0]


def test_what_is_forgotten_has_been_delivered() -> None:
    """Nobody asks about the time before 2 any more; a mutant forgets the level that was reached by then, too."""
    _, posts = world([0.0, 0.5])
    later = reads([2.0, 2.5, 3.5, 4.5, 6.0])
    before = stale(posts, later)
    posts.forget(2.0)
    assert stale(posts, later) == before != [0.0] * 5


def test_a_brought_reader_who_finds_the_post_may_lack_others() -> None:
    """Every second reader lacks the event's post, and of the rest those that are stale for what is under way."""
    _, posts = world([0.0, 0.25], FROM_EVENT)
    share, unfound = posts.shares(reads([2.5], parent=0))
    assert unfound.tolist() == [0.5]
    assert share.tolist() == pytest.approx([1 - 0.5 * exp(-0.15)])


def test_what_is_delivered_before_it_is_accepted_is_never_lacked() -> None:
    """Delivered at 1.25, accepted at 1.5; a mutant lets it make up for the other post, which is under way until 2."""
    rows = world([0.0, 0.5])[0].batches[0].requests
    posts = Posts(FOLLOWING)
    posts.take(rows, Marks(np.array([0, 1]), np.array([2.0, 1.25]), np.array([100.0, 100.0]), np.array([-1, -1])))
    assert stale(posts, reads([1.375, 1.75, 2.5])) == pytest.approx([1 - exp(-0.1)] * 2 + [0], abs=1e-12)


def test_a_post_that_was_refused_is_lacked_by_nobody() -> None:
    rows = world([0.0])[0].batches[0].requests
    rows["status"] = REFUSED
    posts = Posts(FOLLOWING)
    posts.take(rows, Marks(np.array([0]), np.array([2.0]), np.array([100.0]), np.array([-1])))
    assert stale(posts, reads([1.5])) == [0.0]


def test_what_is_still_under_way_when_the_past_is_forgotten_counts_beside_later_posts() -> None:
    """Half of the first post is under way at 2.5, and all of the second, which settles after that was asked for."""
    rows = world([0.0, 1.25])[0].batches[0].requests
    posts = Posts(FOLLOWING)
    posts.take(rows[:1], Marks(np.array([0, 0]), np.array([2.0, 3.0]), np.array([50.0, 50.0]), np.array([-1, -1])))
    posts.forget(2.125)
    posts.take(rows[1:], Marks(np.array([0]), np.array([4.0]), np.array([100.0]), np.array([-1])))
    assert stale(posts, reads([2.5, 3.5, 4.5])) == pytest.approx([1 - exp(-0.15), 1 - exp(-0.1), 0], abs=1e-12)


# The stream: posts and reads settle in any order, and come in any batches


def settled(order: list[int], rows: Any, cuts: set[int]) -> list[Batch]:
    """Rows of requests in the order of settling, cut into batches behind these places; marks come as they are made."""
    marks = run_plan(plan, STATIONS, POSTS, plain=False).batches[0].marks
    batches, begin = [], 0
    for end in sorted({*cuts, len(order)}):
        inside = rows["arrival"][order[end:]]
        part = rows[order[begin:end]]
        batches.append(Batch(part, np.zeros((len(part), 0, 2)), marks, inside.min(initial=inf), 20.0))
        marks, begin = marks[:0], end
    return batches


POSTS = Arrivals([0.0, 0.5, 0.75], followers=[100.0, 50.0, 500.0], following=[10.0] * 3)
READS = 24


def requests() -> Any:
    """Three posts, the second of an event, and reads all along, some of which the event brought or a cache answered."""
    rows = np.resize(run_plan(plan, STATIONS, POSTS, plain=False).batches[0].requests, 3 + READS).copy()
    rows["number"] = np.arange(3 + READS)
    rows["cause"][1] = FROM_EVENT
    later = rows[3:]
    later["arrival"] = np.arange(READS) * 0.25 + 0.125
    later["end"], later["cause"], later["parent"] = later["arrival"], 0, -1
    later["cause"][3::3], later["parent"][3::3] = BROUGHT, 1
    later["age"][::2] = later["arrival"][::2] / 2
    return rows


@given(st.permutations(range(3 + READS)), st.sets(st.integers(0, 3 + READS)))
def test_reads_are_judged_alike_however_they_settle(order: list[int], cuts: set[int]) -> None:
    """Mutants: a read is judged when it settles; a base level without a delivery; a batch's posts after its reads."""
    rows = requests()
    known = Posts(FOLLOWING)
    known.take(rows, Waiting("fresh").settle(settled(list(range(len(rows))), rows, set())[0], ["fresh"]))
    expected = known.shares(Reads(*(rows[3:][name].copy() for name in Reads._fields)))
    stream, waiting = Staleness(FOLLOWING), Waiting("fresh")
    for batch in settled(order, rows, cuts):
        read = np.flatnonzero(batch.requests["number"] >= 3)
        stream.take(batch.requests, read, waiting.settle(batch, ["fresh"]), batch.settled)
    assert stream.stale == pytest.approx(expected[0].sum(), abs=1e-12) and stream.stale > 1
    assert stream.unfound == pytest.approx(expected[1].sum(), abs=1e-12) and stream.unfound > 0.1
    assert stream.brought == READS / 3 - 1


def test_what_is_added_up_is_exact() -> None:
    """A million times a tenth: 64 bits of 2**-60 would hold sixteen, and a sum of floats ends in other digits."""
    stream, one = Staleness(Following(1.0, 1.0, 1.0)), requests()[3:4]
    one["age"], one["following"], one["parent"] = 1.0, 0.1, -1
    none = Waiting("fresh").settle(Batch(one, np.zeros((1, 0, 2)), np.zeros(0, MARK), inf, inf), ["fresh"])
    many = np.repeat(one, 1_000_000)
    stream.take(many, np.arange(len(many)), none, inf)
    assert stream.stale == pytest.approx(1e6 * (1 - exp(-0.1)), rel=1e-15)
