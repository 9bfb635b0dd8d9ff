"""Where the slowest spent their time: the sentence, the table and the chart, of a run made by hand."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import hand_made
import numpy as np
import pytest
from matplotlib import rc_context

from simsys.experiment.result import Played, Result
from simsys.measure.anatomy import Anatomy
from simsys.measure.tail import Tail, pooled
from simsys.report import charts
from simsys.report.page import page
from simsys.report.tail import ELSEWHERE, SERVED, WAITING, divided, ops, places, sentence, tail
from simsys.scenario import load_scenario


def with_tails(*tails: Anatomy | None) -> Result:
    """The result made by hand, whose strategies have these tails of their reads; None: too few requests."""
    played = tuple(
        replace(p, tail={} if one is None else {"read": one})
        for p, one in zip(hand_made.result().played, tails, strict=False)
    )
    return hand_made.result(played=played)


def of(latency: float, elsewhere: float = 0.0, **stations: tuple[float, float]) -> Anatomy:
    return Anatomy(100, latency, stations, elsewhere)


def test_a_sentence_says_what_takes_most_of_the_time_strategy_by_strategy() -> None:
    waits, served = of(0.1, database=(0.062, 0.038)), of(0.1, database=(0.002, 0.098))
    passes, nowhere = of(0.1, api=(0.0, 0.01), network=(0.0, 0.09)), of(1.0, 0.7, api=(0.1, 0.2))
    assert sentence(with_tails(waits), "read") == (
        "pull's slowest 1 % of read requests spend 62% of their time waiting at database."
    )
    assert sentence(with_tails(waits, served, passes, nowhere), "read") == (
        "pull's slowest 1 % of read requests spend 62% of their time waiting at database; cached_pull's 98% being "
        "served at database; push's 90% at network; hybrid's 70% at no station."
    )
    assert sentence(with_tails(waits, None, waits, served), "read") == (
        "pull's and push's slowest 1 % of read requests spend 62% of their time waiting at database; hybrid's 98% "
        "being served at database."
    )


def test_the_table_has_the_places_that_matter_and_the_rest_as_elsewhere() -> None:
    text = tail(hand_made.result())
    assert text.startswith("Where the slowest 1 % spent their time\n\npull's and cached_pull's slowest 1 % of read ")
    assert text.endswith(
        """
                     pull           cached_pull    push           hybrid

read
  time, mean          200 ms         200 ms         200 ms         200 ms
  database: wait      124 ms  62%    124 ms  62%      –              –
  timelines: wait       –              –            124 ms  62%    124 ms  62%
  database: served   60.0 ms  30%   60.0 ms  30%      –              –
  timelines: served     –              –           60.0 ms  30%   60.0 ms  30%
  elsewhere          16.0 ms   8%   16.0 ms   8%   16.0 ms   8%   16.0 ms   8%"""
    )


def test_shares_add_up_whatever_is_named() -> None:
    many = of(2.0, 0.35, **{f"s{i}": (0.02 * i, 0.005 * i) for i in range(12)})
    named = places([many], set())
    assert named == [(WAITING, f"s{i}") for i in (11, 10, 9, 8, 7, 6)], "no more than six"
    parts = divided(many, named, set())
    assert sum(parts.values()) == pytest.approx(2.0) and parts[ELSEWHERE, ""] == pytest.approx(0.98)
    assert places([of(1.0, a=(0.049, 0.951))], set()) == [(SERVED, "a")], "less than 5 % does not matter"


def test_more_strategies_than_fit_abreast_stand_below() -> None:
    one = hand_made.result().played[0]
    result = hand_made.result(played=tuple(replace(one, strategy=f"strategy-{i}") for i in range(6)))
    text = tail(result)
    assert text.count("database: wait") == 2 and "strategy-5" in text
    assert max(map(len, text.splitlines())) <= 80


def test_hostile_names_stay_within_80_columns() -> None:
    name = "a-station-whose-name-goes-on-and-on-until-it-is-sixty-four-long0"
    result = with_tails(of(0.1, **{name: (0.06, 0.04)}))
    result = replace(result, played=tuple(replace(p, strategy=name) for p in result.played))
    assert max(map(len, tail(result).splitlines())) <= 80


NOTHING = [with_tails(), with_tails(None, None), with_tails(of(0.0, database=(0.0, 0.0)))]


@pytest.mark.parametrize("result", NOTHING, ids=["no strategies", "too few", "no time"])
def test_there_may_be_nothing_to_show(result: Result) -> None:
    assert (ops(result), tail(result), charts.tail(result)) == ([], "", None)
    assert "\n\n\n" not in page(load_scenario("small"), hand_made.result(played=result.played))


def bars(result: Result) -> dict[float, list[tuple[float, float]]]:
    """(left, width) of the pieces of every bar, by the place of its middle."""
    with rc_context(charts._settings()):
        (panel,) = charts.tail(result).axes
    found: dict[float, list[tuple[float, float]]] = {}
    for bar in panel.patches:
        middle = round(bar.get_y() + bar.get_height() / 2, 2)
        found.setdefault(middle, []).append((bar.get_x(), bar.get_width()))
    return found


def test_bars_are_the_shares_of_the_slowest_and_thin_ones_those_of_all() -> None:
    found = bars(hand_made.result())
    assert len(found) == 8
    widths = [width for _, width in found[-0.12]]
    assert [w for w in widths if w > 0] == pytest.approx([62.0, 30.0, 8.0])
    thin = [width for _, width in found[0.25]]
    assert [w for w in thin if w > 0] == pytest.approx([10.0, 50.0, 40.0]), "what is named is what the slowest do"
    for pieces in found.values():
        assert pieces[0][0] == 0 and sum(width for _, width in pieces) == pytest.approx(100.0)
        assert all(a + w == pytest.approx(b) for (a, w), (b, _) in pairwise(pieces))


def test_the_chart_says_how_long_and_names_every_place() -> None:
    with rc_context(charts._settings()):
        figure = charts.tail(hand_made.result())
    (panel,) = figure.axes
    assert {note.get_text() for note in panel.texts} == {"200 ms", "10.0 ms"}
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    expected = ["database: wait", "timelines: wait", "database: served", "timelines: served", "elsewhere"]
    assert named == expected
    figure.draw_without_rendering()
    assert not figure.legends[0].get_window_extent().overlaps(panel.bbox)


def test_a_station_keeps_its_colour_and_waiting_is_darker() -> None:
    def colours(result: Result) -> dict[str, Any]:
        with rc_context(charts._settings()):
            legend = charts.tail(result).legends[0]
        names = [text.get_text() for text in legend.get_texts()]
        return dict(zip(names, (patch.get_facecolor() for patch in legend.get_patches()), strict=True))

    seen = colours(hand_made.result())
    assert seen["database: wait"][:3] == seen["database: served"][:3] != seen["timelines: wait"][:3]
    assert seen["database: wait"][3] == 1.0 and seen["database: served"][3] < 0.6


def test_the_anatomy_of_all_is_their_mean() -> None:
    paths = np.array([[[1.0, 2.0]], [[0.0, 4.0]]])
    tails = [Tail(("a",), np.array([3, 9]), np.array([3, 1]), np.array([3.0, 5.0]), paths) for _ in range(2)]
    assert pooled(tails).whole() == Anatomy(8, 2.0, {"a": (0.25, 1.5)}, 0.25)
    nobody = Tail(("a",), np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros((0, 1, 2)))
    assert nobody.whole() is None


def test_both_engines_have_the_same_tail() -> None:
    from simsys.experiment.run import run

    def play(engine: Any) -> list[Played]:
        sets = ["run.requests=3k", "run.replications=1"]
        return list(run(load_scenario("web-cache-db", sets), jobs=1, engine=engine).played)

    simpy, compiled = play("simpy"), play("compiled")
    assert all(p.tail and p.whole for p in simpy)
    assert [(p.tail, p.whole) for p in simpy] == [(p.tail, p.whole) for p in compiled]
