"""The write path: a burst as a fluid, and what at-least-once means for who gets a post how often.

Between stretches of λ/s, a burst of Λ/s for B seconds meets workers for μ/s: D = (Λ − μ) B posts wait at its end, for
D / (μ − λ) seconds more, and the last one for D / μ.
"""

from __future__ import annotations

import pytest
from bands import holds

from simsys.experiment.jobs import play_once
from simsys.experiment.result import Result
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.scenario import load_scenario

CALM, BURST, WORKERS = 100.0, 300.0, 200.0
LASTS = 30.0
DEPTH = (BURST - WORKERS) * LASTS
DRAIN = DEPTH / (WORKERS - CALM)
SECONDS = 150.0
POSTS = 2 * 60 * CALM + LASTS * BURST
ROOM = 500

FLUID = """
load:
  arrivals: regular
  stages: [{for: 60s, rate: 100/s}, {for: 30s, rate: 300/s}, {for: 60s, rate: 100/s}]
  mix: {post: 100%}
stations:
  workers: {servers: 4, ops: {fan_out: 20ms}}
  guarded: {servers: 4, queue: 500, ops: {fan_out: 20ms}}
  places: {servers: 500}
  queue: {servers: 500, queue: 0, ops: {look: 0s}}
strategies:
  - flow: {name: queue, post: [{start: [{visit: workers.fan_out}, {mark: fresh}]}]}
  - flow: {name: bounded, post: [{start: [{hold: places, do: [{visit: workers.fan_out}]}, {mark: fresh}]}]}
  - flow:
      name: queue-first
      post:
        - visit: queue.look
        - start:
            - hold: queue
              do: [{visit: workers.fan_out}, {mark: fresh}]
              refused: [{mark: lost}, {mark: fresh, n: 0}]
  - flow: {name: line, post: [{visit: guarded.fan_out}, {mark: fresh}]}
run: {duration: 150s, replications: 1}
"""


def played(*changes: str) -> Result:
    return run(load_scenario(FLUID, list(changes), "write-path"), jobs=1, engine="compiled")


@pytest.fixture(scope="module")
def fluid() -> Result:
    return played()


def drain(result: Result) -> float:
    """Seconds from the end of the burst until nobody waits: the line over time is a triangle, and its mean is known."""
    mean, top = (result.value("queue", "workers", metric) for metric in ("queue_mean", "queue_max"))
    return 2 * (mean or 0.0) * SECONDS / (top or 1.0) - LASTS


def test_a_burst_is_a_fluid(fluid: Result) -> None:
    assert fluid.value("queue", "workers", "queue_max") == pytest.approx(DEPTH, abs=5)
    assert fluid.value("queue", "post", "fresh_max") == pytest.approx(DEPTH / WORKERS, rel=0.003)
    assert drain(fluid) == pytest.approx(DRAIN, rel=0.003)
    assert fluid.value("queue", "post", "latency_max") == 0.0


@pytest.mark.parametrize("mutant", ["stations.workers.servers=6", "load.stages.1.rate=200/s"])
def test_without_a_burst_beyond_the_workers_there_is_no_line(mutant: str) -> None:
    result = played(mutant)
    top = result.value("queue", "workers", "queue_max")
    assert top is not None and top < 5


def test_a_queue_with_places_leaves_the_rest_in_the_outbox_and_nobody_is_served_sooner(fluid: Result) -> None:
    """What waits at the workers and holds no server there fills the places, and the rest waits for one."""
    assert fluid.value("bounded", "workers", "queue_max") == ROOM - 4
    assert fluid.value("bounded", "places", "queue_max") == pytest.approx(DEPTH - ROOM + 4, abs=5)
    assert fluid.value("bounded", "post", "fresh_max") == pytest.approx(DEPTH / WORKERS, rel=0.003)


def test_a_line_for_so_many_refuses_the_rest_of_the_burst(fluid: Result) -> None:
    """It is full after ROOM / (Λ − μ); from then on the share (Λ − μ) / Λ is refused, and nobody waits for longer than
    the room and the servers take.
    """
    refused = (BURST - WORKERS) * (LASTS - ROOM / (BURST - WORKERS))
    assert fluid.value("line", "post", "refused") == pytest.approx(refused / POSTS, rel=0.005)
    assert fluid.value("line", "post", "latency_max") == pytest.approx((ROOM + 4) / WORKERS, rel=0.003)
    wider = played("stations.guarded.queue=4000")
    assert wider.value("line", "post", "refused") == 0.0


def test_who_answers_once_the_queue_accepts_refuses_the_same_and_makes_nobody_wait(fluid: Result) -> None:
    """The queue is full after ROOM / (Λ − μ); who has been accepted is served, and nobody is lost in between."""
    refused = (BURST - WORKERS) * (LASTS - ROOM / (BURST - WORKERS))
    assert fluid.value("queue-first", "post", "refused") == pytest.approx(refused / POSTS, rel=0.005)
    assert fluid.value("queue-first", "post", "latency_max") < 1e-9
    assert fluid.value("queue-first", "post", "fresh_max") == pytest.approx(ROOM / WORKERS, rel=0.003)
    assert fluid.value("queue-first", "post", "marked.lost") == 0.0


def test_without_an_end_of_the_queue_nobody_is_refused_and_all_wait() -> None:
    """Mutant: room for the whole burst."""
    wider = played("stations.queue.servers=4000")
    assert wider.value("queue-first", "post", "refused") == 0.0
    assert wider.value("queue-first", "post", "fresh_max") == pytest.approx(DEPTH / WORKERS, rel=0.003)


def test_who_answers_without_a_look_loses_what_finds_no_place() -> None:
    """Mutant: then nobody is refused, and what would have been is lost without a word to the writer."""
    blind = played("strategies.queue-first.post=[{start: [{hold: queue, do: [{visit: workers.fan_out}], "
                   "refused: [{mark: lost}, {mark: fresh, n: 0}]}]}]")  # fmt: skip
    assert blind.value("queue-first", "post", "refused") == 0.0
    assert blind.value("queue-first", "post", "marked.lost") == pytest.approx(2500 / POSTS, rel=0.005)


# -- who gets it how often ---------------------------------------------------------------------------------------------

FOLLOWERS, BATCH = 205, 50
LOST, AGAIN, PLAYS = 0.05, 0.1, 10
ONCE = """
load: {{rate: 100/s, mix: {{post: 100%}}, keys: {{count: 1B, popularity: uniform}}}}
stations:
  workers: {{servers: 8, ops: {{push: {{exponential: {{mean: 5ms}}}}}}}}
  broker: {{servers: unlimited, ops: {{again: 5s}}}}
caches: {{inbox: {{entries: 1M, ttl: {window}, start: cold}}}}
strategies:
  - flow:
      name: {name}
      post:
        - chance: {lost}
          then: [{{mark: lost, n: 205}}, {{mark: fresh, n: 0}}]
          else:
            - start:
                - {{visit: workers.push}}
                - {{fill: inbox}}
                - {{mark: delivered, n: size}}
                - {{mark: fresh, n: size}}
                - chance: {again}
                  then: [{{visit: broker.again}}, {consumer}]
              n: 205
              batch: 50
events: [{{at: 50%, request: {{op: post}}}}]
run: {{duration: 50s, replications: 10, seed: 3}}
"""
PUSH = "{visit: workers.push}, {mark: delivered, n: size}, {mark: doubled, n: size}"
INBOX = f"{{lookup: inbox, miss: [{PUSH}]}}"


def counts(lost: str = "5%", again: str = "10%", consumer: str = PUSH, window: str = "60s") -> dict[str, list[float]]:
    """Replication by replication what a post comes to: followers who got it, `lost` and `doubled`, per follower."""
    text = ONCE.format(name="outbox", lost=lost, again=again, consumer=consumer, window=window)
    one = settings(load_scenario(text))[0]
    found: dict[str, list[float]] = {"lost": [], "doubled": []}
    for replication in range(PLAYS):
        post = play_once(one, replication, "compiled").ops["post"]
        marked = post.marked
        assert post.fresh.count == FOLLOWERS * post.offered - marked["lost"], "once, or lost"
        assert marked["delivered"] == post.fresh.count + marked["doubled"], "once, or doubled"
        for name in found:
            found[name].append(marked[name] / (FOLLOWERS * post.offered))
    return found


def test_every_follower_gets_a_post_once_or_is_counted_as_lost_or_doubled() -> None:
    """A dual write loses all followers of a post, a consumer that does not acknowledge doubles those of its batch."""
    found = counts()
    holds(found["lost"], LOST, band=0.01)
    holds(found["doubled"], (1 - LOST) * AGAIN, band=0.01)


def test_an_outbox_loses_nothing_and_an_inbox_doubles_nothing() -> None:
    assert counts(lost="0%")["lost"] == [0.0] * PLAYS
    assert counts(consumer=INBOX)["doubled"] == [0.0] * PLAYS


@pytest.mark.parametrize("mutant", [{"window": "4s"}, {"consumer": PUSH}], ids=["it forgets too soon", "nobody looks"])
def test_without_a_part_of_the_inbox_they_are_doubled(mutant: dict[str, str]) -> None:
    holds(counts(**{"consumer": INBOX, **mutant})["doubled"], (1 - LOST) * AGAIN, band=0.01)


@pytest.mark.parametrize("mutant", [{"again": "0%"}, {"lost": "0%"}], ids=["all acknowledge", "both or none"])
def test_the_checks_tell_the_mechanisms_apart(mutant: dict[str, str]) -> None:
    found = counts(**mutant)
    assert found["lost" if "lost" in mutant else "doubled"] == [0.0] * PLAYS
    assert min(found["doubled" if "lost" in mutant else "lost"]) > 0.03
