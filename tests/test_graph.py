"""Networks edge by edge: what a file of edges may say, who posts and reads, and where deliveries and questions go."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import PULL, PUSH, designs, network
from pydantic import ValidationError
from same_log import same_log
from worlds import logged

from simsys import draws
from simsys.expressions import EDGE
from simsys.scenario import ScenarioError, load_scenario
from simsys.workload import Load, Population, Workload

STAR = [("ann", "bob"), ("cid", "bob"), ("dee", "bob"), ("bob", "ann")]
"""Three follow bob, and bob follows ann."""
RATES = {"ann": (1, 6), "bob": (3, 2), "cid": (0, 2), "dee": (0, 0)}


def people(folder: Path, edges: str, rates: str | None = None, /, **more: Any) -> Population:
    (folder / "graph.csv").write_text(edges, encoding="utf-8")
    given: dict[str, Any] = {"path": "graph.csv"}
    if rates is not None:
        (folder / "rates.csv").write_text(rates, encoding="utf-8")
        given["rates"] = {"path": "rates.csv"}
    return Population.model_validate({"edges": given, **more}, context={"folders": (folder,)})


# What files say


def test_the_users_are_those_of_the_edges_in_their_order(tmp_path: Path) -> None:
    known = people(tmp_path, "follower,followed\nann,bob\ncid,bob\nbob,ann\n")
    assert known.users == 3
    assert known.graph is not None
    assert (known.graph.follower.tolist(), known.graph.author.tolist()) == ([0, 2, 1], [1, 1, 0])
    assert known.graph.followers.tolist() == [1, 2, 0]
    assert known.graph.following.tolist() == [1, 1, 1]
    assert known.mean_followers == known.mean_following == 1


def test_users_may_be_numbers_and_columns_have_other_names(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "g.csv.gz", "wt", encoding="utf-8") as file:
        file.write("since,to,from\r\n2011,7,12\r\n2012,12,7\r\n")
    edges = {"path": "g.csv.gz", "follower": "from", "followed": "to"}
    known = Population.model_validate({"edges": edges}, context={"folders": (tmp_path,)})
    assert known.graph is not None and known.graph.edges == 2 and known.users == 2


HEAD = "follower,followed\n"


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ("", "graph.csv, line 1: expected the column 'follower' once; the header is: missing"),
        (HEAD, "graph.csv has no edges below its header"),
        ("follower,follows\n1,2\n", "line 1: expected the column 'followed' once; the header is: follower, follows"),
        ("follower,followed,follower\n1,2,3\n", "line 1: expected the column 'follower' once"),
        (HEAD + "a,b\na\n", "graph.csv, line 3: expected 2 cells, as in the header; found 1"),
        (HEAD + "a,b\na,b,c\n", "line 3: expected 2 cells, as in the header; found 3"),
        (HEAD + "a,\n", "line 2, column 'followed': expected a word of 1 to 64 characters, not ''"),
        (HEAD + "a,\x1b[31m\n", "line 2, column 'followed': expected a word"),
        (HEAD + "a," + "b" * 65 + "\n", "line 2, column 'followed': expected a word"),
        (HEAD + "a,b\nb,b\n", "graph.csv, line 3: 'b' follows itself; expected two users"),
        (HEAD + "a,b\nb,a\na,b\n", "graph.csv, line 4: 'a' follows 'b' already, since line 2"),
        (HEAD + "a" * 5000, "graph.csv, line 2: expected at most 4,096 characters"),
        (HEAD + 'a,"b\n', "graph.csv cannot be read as CSV: unexpected end of data"),
        (HEAD + "a,\x00\n", "graph.csv"),
    ],
)
def test_a_file_that_says_no_network_is_refused(tmp_path: Path, edges: str, told: str) -> None:
    with pytest.raises(ValidationError) as error:
        people(tmp_path, edges)
    assert told in str(error.value)


def test_more_edges_than_can_be_played_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simsys.workload.edges.MOST_EDGES", 2)
    assert people(tmp_path, HEAD + "a,b\nb,a\n").users == 2
    with pytest.raises(ValidationError, match=r"graph\.csv, line 4: expected at most 2 edges"):
        people(tmp_path, HEAD + "a,b\nb,a\na,c\n")


def test_a_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    people(tmp_path, HEAD + "a,b\n")
    (tmp_path / "graph.csv").write_bytes(b"follower,followed\n\xff\xfe,b\n")
    with pytest.raises(ValidationError, match=r"graph\.csv cannot be read as CSV: 'utf-8' codec"):
        Population.model_validate({"edges": {"path": "graph.csv"}}, context={"folders": (tmp_path,)})


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ("user,posts\na,1\n", "rates.csv, line 1: expected the column 'reads' once; the header is: user, posts"),
        ("user,posts,reads\na,1,1\n", "rates.csv has no rates for 'b', who is a user of graph.csv"),
        ("user,posts,reads\na,1,1\nc,1,1\n", "line 3, column 'user': 'c' is no user of graph.csv"),
        ("user,posts,reads\na,1,1\na,1,1\n", "rates.csv, line 3: 'a' has its rates already, since line 2"),
        ("user,posts,reads\na,-1,1\nb,1,1\n", "line 2, column 'posts': expected a rate from 0 to 1e+30, not '-1'"),
        ("user,posts,reads\na,1,nan\nb,1,1\n", "line 2, column 'reads': expected a rate from 0 to 1e+30"),
        ("user,posts,reads\na,1,1e400\nb,1,1\n", "line 2, column 'reads': expected a rate from 0 to 1e+30"),
        ("user,posts,reads\na,1,0\nb,1,0\n", "the column 'reads' adds up to zero"),
    ],
)
def test_rates_that_cannot_be_meant_are_refused(tmp_path: Path, rates: str, told: str) -> None:
    with pytest.raises(ValidationError) as error:
        people(tmp_path, HEAD + "a,b\n", rates)
    assert told in str(error.value)


def test_edges_say_all_there_is_to_say(tmp_path: Path) -> None:
    for more in ({"followers": 1}, {"active": "50%"}, {"online": "50%"}, {"activity": {"exponent": 1}}):
        with pytest.raises(ValidationError, match="edges say who follows whom"):
            people(tmp_path, HEAD + "a,b\n", None, **more)
    assert people(tmp_path, HEAD + "a,b\n", None, users=2).users == 2
    with pytest.raises(ValidationError, match=r"users: there are 2 in graph\.csv, not 3"):
        people(tmp_path, HEAD + "a,b\n", None, users=3)
    with pytest.raises(ValidationError, match="'users' is missing"):
        Population.model_validate({"active": "50%"})


def test_who_an_event_is_about_is_drawn_too(tmp_path: Path) -> None:
    network(tmp_path, STAR, "push")
    text = (tmp_path / "network.yaml").read_text(encoding="utf-8")
    event = "{at: 50%, request: {op: post, followers: 2}, brings: {op: read, share: 1%, after: 1s}}"
    (tmp_path / "network.yaml").write_text(f"{text}events: [{event}]\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        load_scenario(tmp_path / "network.yaml")
    assert "events.0.request.followers: with edges, all that is known of a user is in their files" in str(error.value)
    assert "events.0.brings: with edges, readers come as often as they read: a post brings none" in str(error.value)


# Who posts and who reads


def drawn(people: Population, op: str, count: int = 100_000) -> dict[str, Any]:
    load = Load.model_validate({"rate": "10/s", "mix": {"read": "50%", "post": "50%"}})
    work = Workload(load, people, requests=10)
    return work.rows(np.arange(count), work.ops.index(op)).columns


def test_authors_come_as_often_as_they_post_and_readers_as_they_read(tmp_path: Path) -> None:
    text = "user,posts,reads\n" + "".join(f"{user},{p},{r}\n" for user, (p, r) in RATES.items())
    known = people(tmp_path, HEAD + "".join(f"{a},{b}\n" for a, b in STAR), text)
    posts, reads = drawn(known, "post"), drawn(known, "read")
    shares = np.bincount(posts["user"].astype(int), minlength=4) / 100_000
    assert shares == pytest.approx([0.25, 0.75, 0, 0], abs=3 * 0.5 / 100_000**0.5)
    shares = np.bincount(reads["user"].astype(int), minlength=4) / 100_000
    assert shares == pytest.approx([0.6, 0.2, 0.2, 0], abs=3 * 0.5 / 100_000**0.5)
    assert set(zip(posts["user"], posts["followers"], posts["active"], strict=True)) == {(0, 1, 1), (1, 3, 2 / 3)}
    assert set(zip(reads["user"], reads["following"], reads["reads"], strict=True)) == {(0, 1, 3), (1, 1, 1), (2, 1, 1)}
    assert (known.active_users, known.online_users) == (3, 3)
    assert known.activity_weighted_mean_followers == pytest.approx(0.25 * 1 + 0.75 * 3)


def test_without_rates_all_are_alike(tmp_path: Path) -> None:
    posts = drawn(people(tmp_path, HEAD + "a,b\nc,b\nd,b\n"), "post")
    assert np.bincount(posts["user"].astype(int)) / 100_000 == pytest.approx([0.25] * 4, abs=3 * 0.5 / 100_000**0.5)


# Edge by edge


DESIGNS = "{pull: {source: lists}}, push, {hybrid: {celebrity: 2}}, per_edge"
VARIANTS = "{push: {inactive: try}}, {push: {inactive: push}}, {push: {page: 2}}, {push: {lane: 2}}"


@pytest.mark.parametrize("strategies", [DESIGNS, VARIANTS])
def test_both_engines_play_the_same(tmp_path: Path, strategies: str) -> None:
    for setting in designs(tmp_path, STAR, strategies, RATES):
        assert len(same_log(setting).requests) > 500


def visits(log: Any, station: str) -> list[int]:
    return list(log.stations[station].visits)


def users(setting: Any, log: Any, op: str) -> Counter[int]:
    """How often each user asked for an operation in a play."""
    load = setting.workload(0)
    rows = load.rows(np.array([r.index for r in log.requests if r.op == op]), load.ops.index(op))
    return Counter(rows.columns["user"].astype(int).tolist())


def test_deliveries_go_to_the_shards_of_the_very_followers(tmp_path: Path) -> None:
    (push,) = designs(tmp_path, STAR, "{push: {inactive: push}}")
    log = logged(push)
    expected, reads = [0] * 4, users(push, log, "read")
    for author, posts in users(push, log, "post").items():
        for follower in push.first.graph.lists("followers").others[slice(*span(push, "followers", author))].tolist():
            expected[draws.shard_of(follower, 4)] += posts
    for reader, count in reads.items():
        expected[draws.shard_of(reader, 4)] += count
    assert visits(log, "timelines") == expected


def span(setting: Any, side: Any, user: int) -> tuple[int, int]:
    starts = setting.first.graph.lists(side).starts
    return int(starts[user]), int(starts[user + 1])


def test_questions_go_to_the_shards_of_the_very_authors(tmp_path: Path) -> None:
    (pull,) = designs(tmp_path, STAR, "{pull: {source: lists}}")
    log = logged(pull)
    expected = [0] * 4
    for reader, count in users(pull, log, "read").items():
        for author in pull.first.graph.lists("following").others[slice(*span(pull, "following", reader))].tolist():
            expected[draws.shard_of(author, 4)] += count
    assert visits(log, "authors") == expected


def test_who_follows_a_celebrity_is_known(tmp_path: Path) -> None:
    """bob has three followers: they ask for his posts at every read, and nobody else asks for anything."""
    (hybrid,) = designs(tmp_path, STAR, "{hybrid: {celebrity: 3}}", RATES)
    log = logged(hybrid)
    reads, posts = users(hybrid, log, "read"), users(hybrid, log, "post")
    assert sum(visits(log, "authors")) == reads[0] + reads[2]
    assert sum(visits(log, "timelines")) == sum(reads.values()) + posts[0]


@pytest.mark.parametrize(("inactive", "pushed", "tried"), [("skip", 2, 0), ("try", 2, 1), ("push", 3, 0)])
def test_those_who_never_read_have_no_timeline(tmp_path: Path, inactive: str, pushed: int, tried: int) -> None:
    """dee follows bob and never reads."""
    setting = designs(tmp_path, STAR, f"{{push: {{inactive: {inactive}}}}}", RATES)[0]
    log = logged(setting)
    bob = users(setting, log, "post")[1]
    marked = sum(mark.n for mark in log.marks if mark.name == "fresh")
    assert marked == pushed * bob + users(setting, log, "post")[0]
    assert sum(visits(log, "timelines")) == marked + tried * bob + sum(users(setting, log, "read").values())


def test_the_rule_per_edge_delivers_to_those_who_read_often_enough(tmp_path: Path) -> None:
    """Of 50 posts/s bob makes 37.5, and of 50 reads/s ann makes 30, cid and bob 10: at these costs of a push and a pull
    nobody should be sent bob's posts, and bob should ask for ann's 12.5. Were pulls dearer, ann would get what bob
    posts.
    """
    graph = designs(tmp_path, STAR, "push", RATES)[0].first.graph
    assert graph is not None
    assert (graph.posts.tolist(), graph.reads.tolist()) == ([12.5, 37.5, 0, 0], [30, 10, 10, 0])
    rule = EDGE.posts < PULL / PUSH * EDGE.reads
    assert graph.lists("followers", rule).counts(np.arange(4)).tolist() == [0, 0, 0, 0]
    rule = EDGE.posts < 1.3 * EDGE.reads
    assert graph.lists("followers", rule).counts(np.arange(4)).tolist() == [1, 1, 0, 0]
    assert graph.lists("followers", rule).one(1, 0) == 0


def test_a_distribution_does_not_know_who_follows_whom() -> None:
    text = "load: {rate: 1/s, read_write_ratio: 1:1}\npopulation: {users: 9, followers: 2}\nstrategies: [per_edge]\n"
    with pytest.raises(ScenarioError, match="who follows whom is not known: this needs a population with edges"):
        load_scenario(text + "run: {duration: 1s}\n")
