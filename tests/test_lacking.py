"""Where it is known who follows whom: which reads lack a post, and which deliveries are lost or doubled, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import network
from hypothesis import given
from hypothesis import strategies as st
from worlds import logged

from simsys.experiment.jobs import play_once
from simsys.experiment.setting import settings
from simsys.measure.lacking import Deliveries, Followers, Lacking
from simsys.measure.log import DONE, REFUSED, REQUEST
from simsys.measure.marks import NONE, Marks
from simsys.scenario import load_scenario

READ, POST = 0, 1
FOLLOWERS = Followers(np.array([0, 2, 3, 3]), np.array([1, 2, 0]))
"""Users 1 and 2 follow 0, and 0 follows 1."""


def requests(*rows: tuple[int, int, float, float, float]) -> Any:
    """(op, user, arrival, end, age) by row; a user is told by the index."""
    made = np.zeros(len(rows), REQUEST)
    for row, (op, user, arrival, end, age) in zip(made, rows, strict=True):
        row["op"], row["index"], row["arrival"], row["end"], row["age"] = op, user, arrival, end, age
    made["status"] = DONE
    return made


def marks(*told: tuple[int, float, int]) -> Marks:
    """(row, time, whom)"""
    if not told:
        return NONE
    row, time, whom = zip(*told, strict=True)
    return Marks(np.array(row), np.array(time), np.ones(len(told)), np.array(whom))


def stale(rows: Any, delivered: Marks, batches: int = 1) -> float:
    """How many of the reads lack a post; the posts come first, the reads in several batches."""
    lacking = Lacking(FOLLOWERS, lambda indices, _: indices, POST)
    posts, reads = rows[rows["op"] == POST], rows[rows["op"] == READ]
    lacking.take(posts, np.zeros(0, int), delivered, 0.0)
    for part in np.array_split(np.sort(reads, order="arrival"), batches):
        lacking.take(part, np.arange(len(part)), NONE, float(part["arrival"].min(initial=np.inf)))
    lacking.take(rows[:0], np.zeros(0, int), NONE, np.inf)
    return lacking.stale


def test_a_read_lacks_a_post_until_its_own_delivery_has_come() -> None:
    """User 0 posts until 1 s; 1 has it at 2 s, 2 at 3 s. A read at 2 s has it, one of the author lacks nothing."""
    post, delivered = (POST, 0, 0.5, 1.0, 0.0), marks((0, 2.0, 1), (0, 3.0, 2))
    reads = {(1, 0.9): 0, (1, 1.0): 1, (1, 1.9): 1, (1, 2.0): 0, (2, 2.9): 1, (2, 3.0): 0, (0, 1.5): 0}
    for (user, at), lacks in reads.items():
        assert stale(requests(post, (READ, user, at, at, 0.0)), delivered) == lacks


def test_an_answer_that_is_older_than_a_post_lacks_it_if_its_reader_follows_the_author() -> None:
    post = (POST, 1, 0.5, 1.0, 0.0)
    for (user, at, age), lacks in {(0, 5.0, 4.5): 1, (0, 5.0, 4.0): 0, (0, 0.9, 0.9): 0, (2, 5.0, 4.5): 0}.items():
        assert stale(requests(post, (READ, user, at, at, age)), NONE) == lacks


def test_a_post_that_was_not_accepted_is_lacked_by_nobody() -> None:
    rows = requests((POST, 0, 0.5, 1.0, 0.0), (READ, 1, 1.5, 1.5, 0.0))
    rows["status"][0] = REFUSED
    assert stale(rows, marks((0, 2.0, 1))) == 0


def test_a_post_that_comes_twice_is_there_from_the_first_time_on() -> None:
    rows = requests((POST, 0, 0.5, 1.0, 0.0), (READ, 1, 2.5, 2.5, 0.0))
    assert stale(rows, marks((0, 2.0, 1), (0, 3.0, 1))) == 0


def test_a_post_that_is_lost_is_lacked_for_ever() -> None:
    rows = requests((POST, 0, 0.5, 1.0, 0.0), (READ, 1, 99.0, 99.0, 0.0), (READ, 2, 99.0, 99.0, 0.0))
    assert stale(rows, marks((0, np.inf, 1), (0, 2.0, 2)), 2) == 1


MOMENTS = st.integers(0, 12).map(float)


@given(
    st.lists(st.tuples(st.integers(0, 2), MOMENTS, st.lists(MOMENTS, min_size=2, max_size=2)), max_size=8),
    st.lists(st.tuples(st.integers(0, 2), MOMENTS, st.sampled_from([0.0, 0.5, 3.0])), min_size=1, max_size=12),
    st.integers(1, 3),
)
def test_lacking_is_as_looking_at_every_post_for_every_read(posts: Any, reads: Any, batches: int) -> None:
    """Posts end at a moment and reach each follower some time later."""
    rows, told, expected = [], [], 0
    follows = {0: [1, 2], 1: [0], 2: []}
    for number, (author, end, delays) in enumerate(posts):
        rows.append((POST, author, end, end, 0.0))
        told += [(number, end + delay, who) for who, delay in zip(follows[author], delays, strict=False)]
    for user, at, age in reads:
        rows.append((READ, user, at, at, age))
        on_its_way = any(who == user and posts[n][1] <= at < time for n, time, who in told)
        old = age > 0 and any(user in follows[author] and at - age < end <= at for author, end, _ in posts)
        expected += on_its_way or old
    assert stale(requests(*rows), marks(*told), batches) == expected


# Every delivery, one by one


def test_what_was_sent_came_once_or_is_counted_as_lost_or_doubled() -> None:
    """Of five sent one is lost, and one comes three times."""
    found = Deliveries()
    sent = Marks(np.array([0, 1]), np.array([0.0, 0.0]), np.array([3.0, 2.0]), np.array([-1, -1]))
    found.take(marks((0, 1.0, 5), (0, 2.0, 6), (0, 3.0, 6), (0, 4.0, 6), (1, 1.0, 5), (1, 1.0, 7)), sent)
    assert (found.sent, found.lost, found.doubled) == (5, 1, 2)


EDGES = [(f"r{k}", "star") for k in range(20)] + [("star", "r0")]


def counts(folder: Path, strategy: str, *sets: str) -> tuple[int, int, int]:
    """(sent, lost, doubled) of a play by each engine."""
    network(folder, EDGES, strategy, rate=200, ratio="3:1")
    (setting,) = settings(load_scenario(folder / "network.yaml", sets))
    found = []
    for engine in ("simpy", "compiled"):
        post = play_once(setting, 0, engine).ops["post"]
        found.append((post.sent, post.lost, post.doubled))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("strategy", ["push", "{hybrid: {celebrity: 25}}", "per_edge", "{push: {page: 3}}"])
def test_every_delivered_post_reaches_each_follower_exactly_once(tmp_path: Path, strategy: str) -> None:
    sent, lost, doubled = counts(tmp_path, strategy)
    assert sent > 100 and (lost, doubled) == (0, 0)


def test_deliveries_that_are_turned_away_are_lost(tmp_path: Path) -> None:
    """Mutant: no line before the timelines' shards, which take long: what finds no place is not delivered."""
    narrow = "stations.timelines={shards: 4, queue: 0, ops: {push: 5ms, range: 0s}}"
    sent, lost, doubled = counts(tmp_path, "push", narrow)
    assert 0 < lost < sent and doubled == 0


TWICE = """
- flow:
    name: twice
    read: [{visit: timelines.range}]
    post:
      - {mark: sent, n: followers}
      - {start: [{visit: timelines.push, key: follower}, {mark: fresh, whom: follower}], n: followers}
      - {start: [{chance: 50%, then: [{mark: fresh, whom: follower}]}], n: followers}
"""


def test_deliveries_that_are_made_again_are_doubled(tmp_path: Path) -> None:
    """Mutant: at least once, and half of it twice, as a flow."""
    network(tmp_path, EDGES, "push", rate=200)
    text = (tmp_path / "network.yaml").read_text(encoding="utf-8")
    (tmp_path / "network.yaml").write_text(text.replace("strategies: [push]", f"strategies:{TWICE}"), encoding="utf-8")
    (setting,) = settings(load_scenario(tmp_path / "network.yaml"))
    post = play_once(setting, 0, "compiled").ops["post"]
    assert post.lost == 0
    assert post.doubled / post.sent == pytest.approx(0.5, abs=3 * 0.5 / post.sent**0.5)


def test_the_stale_reads_of_a_play_are_those_that_a_look_at_its_log_finds(tmp_path: Path) -> None:
    slow = "stations.timelines={shards: 1, ops: {push: 2ms, range: 0s}}"
    network(tmp_path, EDGES, "push", rate=80)
    (setting,) = settings(load_scenario(tmp_path / "network.yaml", [slow]))
    load = setting.workload(0)
    log = logged(setting)
    posts = {r.number: r for r in log.requests if r.op == "post"}
    lacking = 0
    for read in (r for r in log.requests if r.op == "read"):
        user = int(load.users(np.array([read.index]), "read")[0])
        mine = (m for m in log.marks if m.name == "fresh" and m.whom == user)
        lacking += any(posts[m.request].end <= read.arrival < m.time for m in mine)
    assert lacking > 10
    assert play_once(setting, 0, "compiled").ops["read"].stale == lacking
