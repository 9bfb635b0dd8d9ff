"""What the pages of the designs say in words: every number in words and every judgement is one that holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from kept import rows
from test_designs import DESIGNS, FIGURES, PAGES, given, kept, page
from told import number, sources

from simsys.measure.windows import WINDOW
from simsys.scenario import Scenario, load_scenario
from simsys.units import parse_count, parse_duration, parse_rate, parse_share, parse_size

JUDGED = re.compile(
    r"\b(?:half|halves|twice|thrice|doubles?|thirds?|quarters?|tenths?|hundredths?|dozens?|two|three|four|five|six|"
    r"seven|eight|nine|ten|hundreds?|thousands?|millions?|several|nearly|hardly|(?<!at )most|mostly|few|fewest|fewer|"
    r"little|tiny|quicker|slower|faster|cheaper|cheapest|stronger|as often|as late|as much|by far)\b",
    re.IGNORECASE,
)
Value = Callable[[str], float]
"""The number that stands at a place of the results or of the scenario, as in `FIGURES`."""
Claim = Callable[[Value], bool]
COUNTED = {"Three": 3, "four": 4, "Five": 5}


def about(x: float, y: float, error: float = 0.1) -> bool:
    return abs(x - y) <= error * abs(y)


CLAIMS: dict[str, dict[str, Claim]] = {
    "leaderboard": {
        "mostly the same as before": lambda v: v("strategies/1/flow/score/2/chance") <= 0.1,
        "holds a million players": lambda v: v("strategies/0/flow/keeps/order/items") == 1e6
        and v("one-set system storage_bytes.ram") / 3 < 1e9,
    },
    "llm-monitor": {
        "nearly all is written and nearly nothing read": lambda v: v("load/mix/dashboard") < 0.01,
        "`batched` hardly notices": lambda v: v("batched@[]@2k/s store utilization")
        < 1.05 * v("batched@[]@500/s store utilization"),
        "has little left to catch up with": lambda v: 1 - v("rows@[]@500/s store utilization") < 0.25,
        "makes the store several times as strong": lambda v: v("rows@[]@500/s store utilization")
        > 3 * v("batched@[]@500/s store utilization"),
        "the bill is mostly bytes": lambda v: v("batched system cost.cpu") < v("batched system cost") / 2,
    },
    "million-at-once": {
        "A million users": lambda v: v("load/stages/0/rate") * v("load/stages/0/for") == 1e6 / 100,
        "A million at once": lambda v: v("load/stages/0/rate") * v("load/stages/0/for") == 1e6 / 100,
        "A hundredth of everything": lambda v: v("load/stages/0/rate") * v("load/stages/0/for") == 1e6 / 100,
        "twice at most": lambda v: v("strategies/1/flow/press/0/else/0/else/0/within") == 1,
        "its orders are done as late": lambda v: about(
            v("ticket@[]@10k/s press fresh_max"), v("line@[]@10k/s press latency_max"), 0.01
        ),
        "half a second after the first press": lambda v: v("events/0/at") == 0.5,
        "three times the crowd": lambda v: v("sweep/load.stages.0.rate/2") == 3 * v("load/stages/0/rate"),
        "The rows are little": lambda v: v("line system storage_bytes.ssd") < 1e9,
        "this hundredth": lambda v: v("strategies/0/flow/keeps/orders/items") == 1e6 / 100,
        "I do everything three times": lambda v: about(v("again@[]@10k/s press marked.done"), 3),
    },
    "photo-feed": {
        "sees a quarter of the views, and as much of their bytes": lambda v: about(
            1 - v("cdn@[]@400/s edge hit_ratio"), 0.25
        )
        and about(v("cdn@[]@400/s uplink utilization") / v("cached@[]@400/s uplink utilization"), 0.25),
        "an edge hit as often": lambda v: about(
            v("cdn@[]@400/s edge hit_ratio"), v("cached@[]@400/s hot hit_ratio"), 0.001
        ),
        "takes most of the views": lambda v: v("cdn@[]@400/s edge hit_ratio") > 0.5,
        "few photos are most of what is seen": lambda v: v("caches/edge/entries") <= v("load/keys/count") / 10
        and v("cdn@[]@400/s edge hit_ratio") > 0.5,
        "Ten years of photos": lambda v: v("strategies/0/flow/keeps/photos/for") == 3650 * 86400,
    },
    "ten-million": {
        "but it is slower": lambda v: v("pull read latency_mean") > v("small:pull read latency_mean"),
        "people follow ten times as many": lambda v: v("population/following/lognormal/mean")
        == 10 * v("small:population/following/lognormal/mean"),
        "half of the pages are in the cache": lambda v: about(v("cached_pull feed hit_ratio"), 0.5),
        "nobody has millions of followers": lambda v: biggest("ten-million") < 1e6,
        "the fewest parts": lambda v: parts("pull") < min(parts("cached_pull"), parts("push")),
        "With ten million": lambda v: v("population/users") == 10e6,
        "outnumber posts by far": lambda v: number("load/read_write_ratio", {}, given("ten-million")) == "20:1",
    },
    "url-shortener": {
        "with a tenth of the links": lambda v: v("caches/hot/entries") == v("load/keys/count") / 10,
        "at twice the load": lambda v: v("sweep/load.rate/1") == 2 * v("load/rate"),
        "at four times": lambda v: v("sweep/load.rate/2") == 4 * v("load/rate"),
        "read a hundred times": lambda v: about(1 / v("load/mix/shorten"), 100),
        "few links get most of the clicks": lambda v: v("caches/hot/entries") <= v("load/keys/count") / 10
        and v("cached@[]@500/s hot hit_ratio") > 0.5,
        "three quarters of the reads": lambda v: about(v("cached@[]@500/s hot hit_ratio"), 0.75),
    },
    "view-counter": {
        "views are of few videos": lambda v: zipf_share(0.01, int(v("load/keys/count")), 0.99) > 0.5,
        "The counters are tiny": lambda v: v("log system storage_bytes.ssd") < 1e9,
        "a thousand times a second": lambda v: v("sweep/load.rate/2") * v("load/mix/view") == 1000,
        "one write in five seconds": lambda v: v("batches/sums/linger") == 5,
    },
}
ANYWHERE: dict[str, Callable[[Scenario], bool]] = {
    "the worst ten seconds": lambda s: WINDOW == 10,
    "in three copies": lambda s: s.prices is not None and s.prices.copies == 3,
    "through two outages": lambda s: len({event.at for event in s.events if event.down is not None}) == 2,
}


def biggest(name: str) -> float:
    """Followers of the author who has most."""
    people = load_scenario(name).population
    assert people is not None
    return float(people.followers.variate().quantile([1 - 0.5 / people.users])[0])


def parts(strategy: str) -> int:
    """Stations that a strategy visits, at 500 users."""
    return sum(metric == "utilization" and mine == strategy for mine, _, metric in rows("small"))


def zipf_share(first: float, count: int, exponent: float) -> float:
    """Of all requests, those for this part of the keys."""
    weights = [k**-exponent for k in range(1, count + 1)]
    return sum(weights[: int(first * count)]) / sum(weights)


def value(name: str) -> Value:
    played, said = kept(name), given(name)

    def at(where: str) -> float:
        if len(words := where.split()) == 3:
            found = played[words[0], words[1], words[2]].value
            assert found is not None, where
            return found
        return amount(number(where, played, said))

    return at


def amount(text: str) -> float:
    for parse in (parse_rate, parse_duration, parse_share, parse_size, parse_count):
        with suppress(ValueError):
            return parse(text)
    raise ValueError(text)


def percentiles(told: str, name: str) -> list[str]:
    """`half of … 771 ms` is a median, `nearly all after 1.26 s` a p99: as a figure of the page says."""
    metrics = {said: where.rpartition("_")[2] for said, where in sources(FIGURES[name])}
    found = []
    for start, metric in (("[Hh]alf of", "p50"), ("nearly all after", "p99")):
        for match in re.finditer(rf"{start}[^.;]*?(?=\d)(\d[\d.]* ?[mu]?s)\b", told):
            if metrics.get(match[1]) == metric:
                found.append(match[0])
    return found


def unheld(told: str, name: str) -> list[str]:
    """Claims of the page that are not told, or do not hold."""
    v, scenario = value(name), load_scenario(name)
    found = [said for said, holds in CLAIMS[name].items() if said not in told or not holds(v)]
    found += [said for said, holds in ANYWHERE.items() if said in told and not holds(scenario)]
    designs = re.findall(r"\b(Three|four|Five) designs\b", told)
    return found + [word for word in designs if COUNTED[word] != len(scenario.strategies)]


def unjudged(told: str, name: str) -> list[str]:
    """Numbers in words, and judgements, that no claim answers for."""
    told = re.sub(r"```.*?```|\]\([^)]*\)|`simsys [^`]*`", "", told)
    for said in sorted([*CLAIMS[name], *ANYWHERE, *percentiles(told, name)], key=len, reverse=True):
        told = told.replace(said, "")
    told = re.sub(r"\b(Three|four|Five) designs\b", "", told)
    return [told[max(0, m.start() - 30) : m.end() + 20] for m in JUDGED.finditer(told)]


@pytest.mark.parametrize("name", PAGES)
def test_every_judgement_of_a_page_holds(name: str) -> None:
    told = " ".join(page(name).split())
    assert unheld(told, name) == []
    assert unjudged(told, name) == []


def test_what_the_list_of_pages_says_is_said_there() -> None:
    told = " ".join((DESIGNS / "README.md").read_text().split())
    rest = re.sub(r"\[[^\]]*\]\([^)]*\)", "", told)
    claims = {"nearly all is written, nearly nothing read": "llm-monitor", "read a hundred times": "url-shortener"}
    for said, name in claims.items():
        assert said in rest
        rest = rest.replace(said, "")
        assert unheld(" ".join(page(name).split()), name) == []
    assert [m[0] for m in JUDGED.finditer(rest)] == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("url-shortener", "with a tenth of", "with a third of"),
        ("url-shortener", "at four times", "at three times"),
        ("photo-feed", "Half of the views take 5.52 ms", "Half of the views take 146 ms"),
        ("leaderboard", "nearly all after 1.26 s", "nearly all after 771 ms"),
        ("llm-monitor", "several times as strong", "ten times as strong"),
        ("million-at-once", "Five designs", "Three designs"),
    ],
)
def test_a_word_that_is_wrong_or_from_nowhere_is_found(name: str, old: str, new: str) -> None:
    """Mutants of the pages."""
    told = " ".join(page(name).split())
    assert old in told
    told = told.replace(old, new)
    assert unheld(told, name) + unjudged(told, name) != []


def test_a_claim_that_does_not_hold_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    told = " ".join(page("url-shortener").split())
    wrong: Claim = lambda v: v("sweep/load.rate/2") == 2 * v("load/rate")  # noqa: E731
    monkeypatch.setitem(CLAIMS["url-shortener"], "at twice the load", wrong)
    assert unheld(told, "url-shortener") == ["at twice the load"]
