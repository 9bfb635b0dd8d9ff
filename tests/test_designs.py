"""The pages of the designs: the same five questions; every figure is a row of `results/` or a value of the scenario."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kept import rows
from told import sources, unchecked, wrong

from simsys.experiment.result import Row
from simsys.scenario import load_scenario, shipped

DESIGNS = Path(__file__).parents[1] / "docs" / "designs"
PAGES = sorted(file.stem for file in DESIGNS.glob("[a-z]*.md"))
QUESTIONS = [
    "Does it scale?",
    "What happens when a part fails?",
    "What was traded away?",
    "Which store, and how much of it?",
    "How to explain it in a minute",
]

FIGURES = {
    "leaderboard": """
        400/s               load/rate
        50%                 load/mix/score
        1s                  batches/tick/linger
        1s                  caches/board/ttl
        3s                  events/0/for
        3s                  events/2/for
        4                   stations/sets/shards
        800/s               sweep/load.rate/1
        1.6k/s              sweep/load.rate/2
        60.0%               one-set@[]@400/s set utilization
        100%                one-set@[]@800/s set utilization
        13.8%               ranges@[]@400/s sets utilization
        55.1%               ranges@[]@1.6k/s sets utilization
        42.6%               batched@[]@1.6k/s sets utilization
        20.0%               batched@[]@400/s ranker utilization
        20.8%               batched@[]@1.6k/s ranker utilization
        2.96 s              one-set top latency_p99_worst
        2.80 s              ranges top latency_p99_worst
        500 us              batched top latency_p99_worst
        500 us              batched rank latency_p99_worst
        2.91 s              batched score latency_p99_worst
        4.27 s              batched score fresh_max
        771 ms              batched@[]@400/s score fresh_p50
        1.26 s              batched@[]@400/s score fresh_p99
        3.43 ms             one-set@[]@400/s score fresh_p50
        43.6 ms             batched@[]@1.6k/s score latency_p99
        20.6 ms             ranges@[]@1.6k/s score latency_p99
        100B                strategies/0/flow/keeps/order/size
        1M                  strategies/0/flow/keeps/order/items
        16B                 strategies/2/flow/keeps/ranking/size
        50B                 strategies/0/flow/keeps/history/size
        365d                strategies/0/flow/keeps/history/for
        300 MB              one-set system storage_bytes.ram
        300 MB              batched system storage_bytes.ssd
        64.0 MB             batched system storage_bytes.ram
        315 GB              batched system storage_bytes.object
        119$/month          batched system cost
        108$/month          ranges system cost
        70.7$/month         one-set system cost""",
    "llm-monitor": """
        500/s               load/rate
        0.2%                load/mix/dashboard
        100                 batches/piece/size
        20ms                batches/piece/linger
        5s                  events/0/for
        79.2%               rows@[]@500/s store utilization
        100%                rows@[]@2k/s store utilization
        18.2%               batched@[]@500/s store utilization
        18.9%               batched@[]@2k/s store utilization
        33.1%               batched@[]@8k/s store utilization
        2k/s                sweep/load.rate/1
        8k/s                sweep/load.rate/2
        18.4 ms             batched@[]@500/s call latency_p50
        17.2 ms             batched@[]@2k/s call latency_p50
        12.8 ms             batched@[]@8k/s call latency_p50
        2.52k               rows store queue_max
        20.7 s              rows call recovery
        6.33 s              batched call recovery
        4.91 s              batched call latency_p99_worst
        200 us              early call latency_max
        5.06 s              early call fresh_max
        6.46 ms             rows@[]@500/s call latency_p50
        49.8 ms             early@[]@500/s call fresh_p99
        3.00 ms             batched@[]@500/s dashboard latency_p50
        103 ms              rows@[]@500/s dashboard latency_p50
        2kB                 strategies/0/flow/keeps/rows/size
        400B                strategies/1/flow/keeps/columns/size
        30d                 strategies/1/flow/keeps/columns/for
        365d                strategies/1/flow/keeps/archive/for
        7.76 TB             rows system storage_bytes.ssd
        696$/month          rows system cost
        1.55 TB             batched system storage_bytes.ssd
        6.29 TB             batched system storage_bytes.object
        331$/month          batched system cost
        75.0$/month         batched system cost.cpu
        4.18k$/month        batched@[]@8k/s system cost""",
    "million-at-once": """
        20us                stations/log/ops/append
        16                  stations/orders/servers
        20ms                stations/orders/ops/insert/exponential/mean
        100                 batches/write/size
        50ms                batches/write/linger
        400                 stations/guarded/queue
        10k/s               load/stages/0/rate
        20/s                load/stages/1/rate
        1s                  strategies/1/flow/press/0/within
        2s                  events/0/for
        30k/s               sweep/load.stages.0.rate/2
        11.6 s              line@[]@10k/s press latency_max
        36.8 s              line@[]@30k/s press latency_max
        193 ms              batched@[]@10k/s press latency_p99
        183 ms              batched@[]@30k/s press latency_p99
        3.17%               batched@[]@10k/s orders utilization
        4.35%               batched@[]@30k/s orders utilization
        548 us              ticket@[]@10k/s press latency_p99
        548 us              ticket press latency_p99
        1.68 ms             ticket@[]@30k/s press latency_p99
        2.13 s              batched press latency_p99
        13.6 s              line press latency_max
        13.6 s              ticket press fresh_max
        90.6%               again@[]@10k/s press timed_out
        282%                again@[]@10k/s press marked.done
        577 ms              shed@[]@10k/s press latency_p99
        81.3%               shed@[]@10k/s press refused
        93.7%               shed@[]@30k/s press refused
        1kB                 strategies/0/flow/keeps/orders/size
        30.0 MB             line system storage_bytes.ssd
        400$/month          batched system cost
        413$/month          ticket system cost""",
    "photo-feed": """
        400/s               load/rate
        2%                  load/mix/upload
        800/s               sweep/load.rate/1
        1.6k/s              sweep/load.rate/2
        3                   strategies/0/flow/keeps/thumbnails/items
        5s                  events/0/for
        5s                  events/2/for
        3600s               caches/edge/ttl
        72.9%               cached@[]@400/s hot hit_ratio
        72.9%               cdn@[]@400/s edge hit_ratio
        31.5%               cached@[]@400/s uplink utilization
        100%                cached@[]@1.6k/s uplink utilization
        8.54%               cdn@[]@400/s uplink utilization
        34.1%               cdn@[]@1.6k/s uplink utilization
        53.9%               on-demand@[]@400/s resizers utilization
        99.95%              on-demand@[]@800/s resizers utilization
        12.3%               cdn@[]@400/s resizers utilization
        24.3%               cdn@[]@800/s resizers utilization
        191 ms              cached view latency_p99_worst
        191 ms              cdn view latency_p99_worst
        6.33 s              on-demand view latency_p99_worst
        1.24k               on-demand resizers queue_max
        8.10%               cdn view refused
        15.9%               cdn upload refused
        601 ms              cdn@[]@400/s upload fresh_p50
        441 ms              on-demand@[]@400/s upload fresh_p50
        230 ms              on-demand@[]@400/s view latency_p99
        146 ms              cdn@[]@400/s view latency_p99
        5.52 ms             cdn@[]@400/s view latency_p50
        49.4 ms             cached@[]@400/s view latency_p50
        2MB                 strategies/0/flow/keeps/photos/size
        100kB               strategies/0/flow/keeps/thumbnails/size
        3650d               strategies/0/flow/keeps/photos/for
        10k                 caches/edge/entries
        5.80 PB             cdn system storage_bytes.object
        5.05 PB             on-demand system storage_bytes.object
        122k$/month         cdn system cost
        106k$/month         on-demand system cost
        150$/month          cdn system cost.cpu
        1.00 GB             cached system storage_bytes.ram""",
    "ten-million": """
        500                 small:population/users
        10M                 population/users
        40k/s               load/rate
        2/s                 small:load/rate
        20:1                load/read_write_ratio
        10k                 strategies/3/hybrid/celebrity
        300ms               events/0/for
        1.58 ms             small:pull read latency_mean
        1.47 ms             small:push read latency_mean
        0.20%               small:pull api utilization
        5.70 ms             pull read latency_mean
        46.6 ms             pull read latency_p99
        1.42 ms             push read latency_mean
        2.51 ms             push read latency_p99
        256                 stations/database/servers
        45.8%               pull database utilization
        0.03%               push database utilization
        29.9%               pull read refused
        14.8%               cached_pull read refused
        0%                  push read refused
        0%                  hybrid read refused
        30.3%               push post refused
        1.47 ms             push post work
        1.03 ms             pull post work
        22.1%               cached_pull read stale_ratio
        63.8$/month         small:push system cost
        25.4$/month         small:pull system cost
        3.59 GB             small:pull system storage_bytes_year
        72.1 TB             pull system storage_bytes_year
        369 GB              push system storage_bytes.ram
        38.3k$/month        push system cost
        27.2k$/month        pull system cost""",
    "url-shortener": """
        500/s               load/rate
        1%                  load/mix/shorten
        300s                caches/edge/ttl
        3.13%               cached@[]@500/s api utilization
        83.0%               database@[]@500/s database utilization
        1k/s                sweep/load.rate/1
        100%                database@[]@1k/s database utilization
        72.8%               cached@[]@500/s hot hit_ratio
        23.4%               cached@[]@500/s database utilization
        46.8%               cached@[]@1k/s database utilization
        93.6%               cached@[]@2k/s database utilization
        5s                  events/0/for
        71.4 ms             cached@[]@500/s redirect latency_p99
        103 ms              cached redirect latency_p99_worst
        17.0%               database redirect refused
        7.99%               cached redirect refused
        19.0%               cached shorten refused
        5.56 ms             edge@[]@500/s redirect latency_p50
        46.5 ms             cached@[]@500/s redirect latency_p50
        72.2%               edge@[]@500/s redirect marked.uncounted
        500B                strategies/0/flow/keeps/links/size
        3650d               strategies/0/flow/keeps/links/for
        2.37 TB             cached system storage_bytes.ssd
        40B                 strategies/0/flow/keeps/clicks/size
        365d                strategies/0/flow/keeps/clicks/for
        624 GB              cached system storage_bytes.object
        861 GB              cached system storage_bytes_year
        5.00 MB             cached system storage_bytes.ram
        202$/month          cached system cost.disk
        452$/month          cached system cost
        427$/month          edge system cost""",
    "view-counter": """
        500/s               load/rate
        50%                 load/mix/view
        100                 batches/piece/size
        5s                  batches/sums/linger
        5s                  events/0/for
        4                   stations/counters/shards
        10s                 caches/numbers/ttl
        100ms               strategies/2/flow/page/2/miss/0/within
        1k/s                sweep/load.rate/1
        2k/s                sweep/load.rate/2
        40.8%               rows@[]@500/s counters utilization
        55.3%               rows@[]@500/s counters utilization_max
        99.97%              rows@[]@1k/s counters utilization_max
        78.9%               rows@[]@1k/s counters utilization
        99.64%              cached@[]@1k/s counters utilization_max
        12.9%               log@[]@500/s counters utilization_max
        13.9%               log@[]@2k/s counters utilization_max
        16.7%               log@[]@500/s log utilization
        20.0%               log@[]@2k/s log utilization
        4.94 s              rows view latency_p99_worst
        4.93 s              cached view latency_p99_worst
        11.3 s              rows view recovery
        11.3 s              cached view recovery
        35.5 ms             log view latency_p99_worst
        10.6 s              log view fresh_max
        12.5%               log page marked.blank
        2.95 s              log@[]@500/s view fresh_p50
        5.58 s              log@[]@500/s view fresh_p99
        7.66 ms             rows@[]@500/s view fresh_p50
        7.66 ms             rows@[]@500/s view latency_p50
        133$/month          log system cost
        100$/month          rows system cost
        16.4 ms             log@[]@500/s view latency_p50
        1.51%               log@[]@500/s page marked.blank
        100B                strategies/0/flow/keeps/counters/size
        100k                strategies/0/flow/keeps/counters/items
        30.0 MB             log system storage_bytes.ssd
        50B                 strategies/2/flow/keeps/views/size
        365d                strategies/2/flow/keeps/views/for
        394 GB              log system storage_bytes.object""",
}  # fmt: skip


def page(name: str) -> str:
    return (DESIGNS / f"{name}.md").read_text()


def given(name: str) -> dict[str, Any]:
    """What the scenario says; what others say that it is compared with, as `small:load`."""
    texts = [(of, yaml.load(file.read_text(), yaml.BaseLoader)) for of, file in compared(name)]
    return {f"{of}{key}": value for of, text in texts for key, value in text.items()}


def kept(name: str) -> dict[tuple[str, str, str], Row]:
    """The rows of the results, and those of others, as `small:pull`."""
    return {(f"{of}{key[0]}", *key[1:]): row for of, file in compared(name) for key, row in rows(file.stem).items()}


def compared(name: str) -> list[tuple[str, Path]]:
    """The scenario of the page, and those it is compared with, with what stands before their figures."""
    others = {where.partition(":")[0] for _, where in sources(FIGURES[name]) if ":" in where}
    return [("", shipped()[name]), *((f"{other}:", shipped()[other]) for other in sorted(others))]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_answers_the_same_five_questions(name: str) -> None:
    text = page(name)
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == QUESTIONS
    title, drawing, answer = text.split("\n\n")[:3]
    assert title.startswith("# ") and drawing.startswith("```\n") and re.search("[─▁]", drawing)
    assert answer.startswith("**In a sentence**: ")
    assert len(text.splitlines()) <= 60 and max(map(len, text.splitlines())) <= 140


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_which_commands_give_its_figures(name: str) -> None:
    assert all(f"`simsys run {file.stem}`" in page(name) for _, file in compared(name))
    assert f"`simsys sweep {name}`" in page(name) or not load_scenario(name).sweep


@pytest.mark.parametrize("name", PAGES)
def test_the_figures_of_a_page_are_those_of_the_results(name: str) -> None:
    told = " ".join(page(name).split())
    assert wrong(told, FIGURES[name], kept(name), given(name)) == []
    assert unchecked(told, FIGURES[name]) == []


def test_a_figure_that_is_wrong_or_from_nowhere_is_found() -> None:
    """Mutants."""
    figures, here, said = "71.4 ms  cached@[]@500/s redirect latency_p99", rows("url-shortener"), {"for": ["5s"]}
    assert wrong("a p99 of 71.4 ms", figures, here) == unchecked("a p99 of 71.4 ms", figures) == []
    assert len(wrong("a p99 of 71.5 ms", figures, here)) == 1
    assert len(wrong("a p99 of 71.5 ms", figures.replace("71.4", "71.5"), here)) == 1
    assert unchecked("a p99 of 71.4 ms at 3k/s", figures) == ["3"]
    assert unchecked("4 of 47", "4  shards") == ["47"]
    assert wrong("for 5s", "5s  for/0", here, said) == []
    assert len(wrong("for 55s", "55s  for/0", here, said)) == 1
