"""What the files of the shipped scenarios say about themselves: question, drawing, sources, and what surprised.

Every figure in the last paragraph is a row of `results/`, as it is printed, or a fact of the scenario.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from kept import RESULTS, rows
from realdata import real
from told import unchecked, wrong

from simsys.experiment.along import expected_work
from simsys.experiment.points import axes_of
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.report.style import figure, text
from simsys.scenario import Scenario, load_scenario, shipped
from simsys.structures.caches import CacheSpec
from simsys.structures.traces import belady, replay

REPOSITORY = Path(__file__).parents[1]
RAWS = REPOSITORY / "scenarios" / "raw"
RAW = RAWS / "celebrity-raw.yaml"
TRACED = RAWS / "cluster52-raw.yaml"
TRACE = "cache_twitter_cluster52_first1m.csv.xz"
CSV = "followers_twitter_2017_celebrities_bots.csv.gz"
SWEEP = RESULTS / "threshold-sweep" / "table.txt"
FILES = [*shipped().values(), RAW, TRACED]

FIGURES = {
    "celebrity": """
        1.16k$/month        pull system cost
        5.49 ms             pull read work
        56.4%               pull database utilization
        2.94%               cached_pull feed hit_ratio
        3.10 ms             push read latency_mean
        5.97 ms             pull read latency_mean
        14.6 s              push post fresh_max
        6.85 ms             push read latency_p99
        2.89 ms             hybrid read latency_p99
        10.9 TB             push system storage_bytes.ram
        15.2k$/month        hybrid system cost
        21.3%               hybrid system edges_pulled""",
    "count-once": """
        2.15%               window-10s view marked.again
        0.05%               window-2m view marked.again
        3.84 MB             window-2m seen-2m bytes
        0.01%               bloom-20 view marked.again
        320 kB              bloom-20 filter-20 bytes
        10.7 ms             bloom-20 view latency_p99
        11.3 ms             window-2m view latency_p99
        99.57%              bloom-10 view marked.counted
        150k                hyperloglog sketch occupancy
        12.3 kB             hyperloglog sketch bytes""",
    "per-edge": """
        16.8 ms             push system edge_work
        20.7 ms             hybrid system edge_work
        21.0 ms             pull system edge_work
        5.60 ms             per_edge system edge_work
        5.54 ms             per_edge system edge_work_least
        39.1%               per_edge system edges_pulled
        0.17%               per_edge read stale_ratio
        0.31%               push read stale_ratio""",
    "batch-pipeline": """
        7.37%               naive record marked.again
        4.16%               checked record marked.again
        7.59%               at-most-once record refused
        1.84 s              transactional record latency_p99
        9.16%               refusing record refused
        5.54k               transactional buffer queue_max""",
    "unfollow": """
        16.0%               clean unfollow marked.seen
        0.23%               clean read marked.seen
        0.23% of all        at-next-read read marked.seen
        17.8%               filter read marked.hidden
        0.40%               hide-then-clean read marked.hidden
        3.06 ms             clean unfollow work
        2.01 ms             filter unfollow work
        1.12 ms             filter read work
        1.11 ms             clean read work
        2.01 ms instead     filter delete work
        4.22 ms             clean delete work""",
    "crossing": """
        6.46%               sharp read marked.doubled
        6.36%               sharp read marked.missed
        5.00%               band gain marked.crossed
        20.0%               sharp gain marked.crossed
        2.71%               band read marked.doubled
        2.71% each          band read marked.missed
        27.1 ms             band post work
        21.8 ms             sharp post work
        6.36% of the reads  by-id read marked.extra
        1.02 ms             by-id read work
        1.02 ms per read    sharp read work""",
    "lossy": """
        92.4%               all timelines utilization_max
        60.2%               all timelines utilization
        180 ms              all entry fresh_p99
        153 ms              all read latency_p99
        42.0%               lossy timelines utilization_max
        38.2 ms             lossy entry fresh_p99
        30.4 ms             lossy read latency_p99
        35.9%               lossy entry marked.lost
        46.1%               gathered entry marked.gathered
        26.2 ms             gathered read latency_p99
        150$/month          gathered system cost
        100$/month          lossy system cost""",
    "cold-users": """
        4.45%               at-read open marked.cold
        434 ms              at-read open latency_p99
        301 ms              at-read open latency_p50
        692 ms              at-read open fresh_p99
        5.51 ms             ahead open work
        5.54 ms             at-read open work
        303 ms              ahead open latency_p99
        421 ms              ahead open fresh_p99
        344 ms              first-page open fresh_p99
        6.03 ms             first-page open work
        5.00 s              ahead join latency_p99
        5.35 s              at-read join latency_p99
        1.09 ms             for-ever open work
        2.74 TB             for-ever system storage_bytes.ram
        2.05 TB             ahead system storage_bytes.ram
        14.8k$/month        for-ever system cost
        11.2k$/month        ahead system cost""",
    "batch-size": """
        22.4 ms             tens@200/s record latency_p99
        22.5 ms             thousands@200/s record latency_p99
        7.55 ms             singles@200/s record latency_p99
        9.50 ms             forties@9k/s record latency_p99
        10.0k/s             forties@12k/s record throughput
        7.20 ms             thousands-soon@200/s record latency_p99
        9.65 ms             thousands-soon@9k/s record latency_p99
        13.4k/s             thousands-soon@16k/s record throughput
        38.6 ms             thousands@16k/s record latency_p99""",
    "stragglers": """
        15.3 min            after-400s sort latency_mean
        21.4 min            wait sort latency_mean
        15.1 min            after-300s sort latency_mean
        19.4 min            after-800s sort latency_mean""",
    "checkpoints": """
        1.20 d              checkpointed@40m job latency_mean
        1.17 d              checkpointed@80m job latency_mean
        1.20 d              checkpointed@2h job latency_mean
        1.55 d              checkpointed@10m job latency_mean
        1.68 d              checkpointed@8h job latency_mean
        1.32 d              checkpointed@40m job latency_p99
        1.38 d              checkpointed@80m job latency_p99
        1.51 d              checkpointed@2h job latency_p99""",
    "cqrs": """
        40.0 s              eager rebuild latency_mean
        164 ms              eager read latency_p99_worst
        14.4 ms             blind read latency_p99_worst
        17.3 ms             gentle read latency_p99_worst
        1.76 min            gentle rebuild latency_mean
        22.2 s              beside rebuild latency_mean
        2.06%               blind read marked.wrong
        0.72%               eager read marked.wrong
        0.75%               beside read marked.wrong
        1.43%               gaps read marked.wrong
        4.98 s              blind order fresh_max""",
    "hot-counter": """
        5.33k/s             one-row system backlog_growth
        338 us              parts like latency_p99
        120 us              one-row read work
        260 us              parts read work
        50.4 ms             summed like fresh_p50
        101 ms              summed like fresh_max
        50.2 ms             batched like fresh_p50
        16.1%               batched counters utilization_max
        101%                sampled like marked.counted
        2                   ± sampled like marked.counted""",
    "hot-partition": """
        200$/month          more-shards system cost
        26.6%               more-shards double utilization
        95.1%               more-shards double utilization_max
        521 us              split get work
        250 us              by-key get work
        82.6%               copies store utilization_max
        4.44 ms             copies get latency_p99
        1.76 ms             two-choices get latency_p99
        3.09 ms             ten-everywhere get latency_p99
        1.07 ms             ten-everywhere put work""",
    "cache-down": """
        3.00 min            cache-aside get recovery
        25.8%               cache-aside get timed_out
        81.7%               cache-aside database utilization
        50.3 s              shed get recovery
        7.75%               shed get refused
        41.0 s              warm get recovery
        7.39%               warm get refused
        24.0 s              gutter get recovery""",
    "metastable": """
        4.00 min            retry get recovery
        80.0%               retry get timed_out
        22.0 ms             retry get latency_p99
        37.0 s              budget get recovery
        30.0 s              patient get recovery
        13.0 s              shed get recovery
        2.96%               shed get refused""",
    "million-writes": """
        15.8 ms             batched put latency_p99
        37.5$/month         batched system cost
        125$/month          straight system cost
        143 us              queued put latency_p99
        19.0 s              queued put fresh_max
        62.5$/month         queued system cost
        3.96 s              straight put latency_p99
        248%                again put marked.written
        73.7%               again put timed_out
        100%                keyed put marked.written
        61.6%               keyed put timed_out
        213 ms              shed put latency_p99
        189 ms              limited put latency_p99
        73.9%               shed put refused
        77.7%               limited put refused
        5.71 s              scaled put latency_p99
        161$/month          scaled system cost""",
    "miss-ratio": """
        94.4%               read-through@200@lru database utilization
        82.7 ms             read-through@200@lru get latency_p99
        76.2%               read-through@200@sieve database utilization
        25.3 ms             read-through@200@sieve get latency_p99
        59.3%               read-through@500@sieve objects hit_ratio
        58.6%               read-through@1000@lru objects hit_ratio
        53.9%               read-through@1000@fifo objects hit_ratio
        54.0%               read-through@1000@random objects hit_ratio""",
    "materialised-view": """
        64.4%               locked database utilization
        82.8%               query database utilization
        188 ms              locked order latency_p99
        241 ms              concurrent order latency_p99
        693 ms              locked leaderboard latency_p99
        1.20 ms             locked leaderboard latency_p50
        796 ms              on-read leaderboard latency_p99
        14.9 s              on-read answers age_mean
        1.04 s              incremental order fresh_p99
        75.9 ms             incremental order latency_p99
        75.4%               trigger totals utilization
        6.02 s              locked@10s order fresh_p50
        250 ms              locked@10s order latency_p99
        46.0 s              locked@90s order fresh_p50
        83.9 ms             locked@90s order latency_p99""",
    "kept-lists": """
        819$/month          hybrid system cost
        25.2%               hybrid system edges_pulled
        88.9%               hybrid lists hit_ratio
        1.85%               hybrid read stale_ratio""",
    "leaderboard": """
        500 us              batched top latency_p99_worst
        771 ms              batched@[]@400/s score fresh_p50
        43.6 ms             batched@[]@1.6k/s score latency_p99
        20.6 ms             ranges@[]@1.6k/s score latency_p99
        42.6%               batched@[]@1.6k/s sets utilization
        55.1%               ranges@[]@1.6k/s sets utilization
        2.80 s              ranges top latency_p99_worst
        300 MB              one-set system storage_bytes.ram
        315 GB              batched system storage_bytes.object""",
    "llm-monitor": """
        18.2%               batched@[]@500/s store utilization
        79.2%               rows@[]@500/s store utilization
        49.2 ms             batched@[]@500/s call latency_p99
        78.8 ms             rows@[]@500/s call latency_p99
        20.7 s              rows call recovery
        6.33 s              batched call recovery
        200 us              early call latency_max
        5.06 s              early call fresh_max
        331$/month          batched system cost
        696$/month          rows system cost""",
    "million-at-once": """
        11.6 s              line@[]@10k/s press latency_max
        90.6%               again@[]@10k/s press timed_out
        282%                again@[]@10k/s press marked.done
        81.3%               shed@[]@10k/s press refused
        193 ms              batched@[]@10k/s press latency_p99
        2.13 s              batched press latency_p99
        548 us              ticket press latency_p99
        13.6 s              ticket press fresh_max""",
    "mm4": """
        80.3%               mm4 server utilization
        17.6 ms             mm4 get latency_mean
        10.0 ms             mm4 get work
        70.5 ms             mm4 get latency_p99
        48 stood            mm4 server queue_max
        7.0 ms              ± mm4 get latency_p99""",
    "openers": """
        26.6%               one-list authors utilization_max
        578 ms              one-list read latency_p99_worst
        568 ms              one-list browse latency_p99_worst
        3.44 ms             one-list@posted@2% read latency_p99_worst
        1.65%               in-process authors utilization_max
        1.42%               in-process read not_found_ratio
        20.7%               fan-out read not_found_ratio
        14.3 s              fan-out post fresh_max
        0%                  fan-out@delivered@4% read not_found_ratio""",
    "partition-key": """
        1.47 ms             by-author read work
        132 us              by-reader read work
        105 us              by-time read work
        53.0%               by-time zone-b utilization_max
        6.63%               by-time zone-b utilization
        11.8%               by-reader read refused
        44.3%               by-author read refused
        44.3% lacking       partial read marked.lacking
        11.9%               by-author post refused
        44.5%               by-reader post refused
        1.77 ms             twice post work
        885 us              by-reader post work""",
    "read-path": """
        186 ms              replica edit fresh_p50
        4.88 s              replica edit fresh_p99
        97.7%               replica edit marked.missed
        98.3%               sticky edit marked.missed
        20.6%               primary edit marked.missed
        17.9%               primary primary utilization
        10.4%               replica primary utilization
        1.48%               drop-again edit marked.missed
        3.49%               drop-again replica utilization
        3.40%               primary replica utilization
        79.6%               primary cdn hit_ratio
        93.9%               primary cache hit_ratio""",
    "resharding": """
        14.7%               ring database utilization
        9.35 ms             ring get latency_p99_worst
        3.75k               modulo database queue_max
        3.78 s              modulo get latency_max
        17.8%               shared get marked.missed
        5.50%               ring get marked.missed
        20.7%               modulo get marked.missed
        2.26 s              shared get latency_p99_worst""",
    "small": """
        25.4$/month         pull system cost
        63.8$/month         push system cost
        63.8$/month         hybrid system cost
        1.47 ms             push read latency_mean
        1.47 ms             hybrid read latency_mean
        1.58 ms             pull read latency_mean
        85.1%               cached_pull feed hit_ratio
        27.3%               cached_pull read stale_ratio
        0.20%               pull api utilization""",
    "spike": """
        49.6%               pull database utilization
        3.54k               pull database queue_max
        4.82 s              pull read latency_p99
        20.6 s              pull read recovery
        4.82 s (p99)        pull post fresh_p99
        3.57 s              cached_pull read latency_p99
        8.92%               cached_pull feed hit_ratio
        2.51 ms             push read latency_p99""",
    "photo-feed": """
        5.05 PB             on-demand system storage_bytes.object
        5.80 PB             cdn system storage_bytes.object
        106k$/month         on-demand system cost
        122k$/month         cdn system cost
        150$/month          cdn system cost.cpu
        1.24k               on-demand resizers queue_max
        6.33 s              on-demand view latency_p99_worst
        191 ms              cdn view latency_p99_worst
        72.9%               cdn@[]@400/s edge hit_ratio
        8.54%               cdn@[]@400/s uplink utilization
        31.5%               cached@[]@400/s uplink utilization
        5.52 ms             cdn@[]@400/s view latency_p50
        49.4 ms             cached@[]@400/s view latency_p50""",
    "profile-change": """
        1.04 ms             copied read work
        1.21 ms             fetched read work
        1.04 s              copied rename work
        2.12 ms             fetched rename work
        0.04%               copied read marked.old
        1.32 TB             copied system storage_bytes.ram
        57.5 GB             fetched system storage_bytes.ram
        7.38k$/month        copied system cost
        807$/month          fetched system cost""",
    "stampede": """
        99.28%              everybody database utilization
        48.7%               everybody get marked.load
        5.47k/s             everybody all loads_peak
        100/s               single-flight one loads_peak
        91.8%               jitter database utilization
        1.99%               single-flight one waited
        117 ms              single-flight get latency_p99
        10.6 s              stale old age_max
        10.0 s              single-flight one age_max
        2.50                early soon loads_per_fill""",
    "storage-growth": """
        127 TB              pull system storage_bytes_year
        135 TB              push system storage_bytes_year
        734 TB              pull system storage_bytes.object
        8.34 TB             push system storage_bytes.ram
        44.5k$/month        push system cost.ram
        21.0k$/month        push system cost.disk
        496k$/month         push@128.7B system cost
        292k$/month         push@22.8B system cost
        22.0 TB             push(inactive=push) system storage_bytes.ram
        378k$/month         push(inactive=push) system cost
        202k$/month         pull system cost
        45.2 ms             pull read latency_p99""",
    "ten-million": """
        27.2k$/month        pull system cost
        46.6 ms             pull read latency_p99
        2.51 ms             push read latency_p99
        38.3k$/month        push system cost
        29.9%               pull read refused
        14.8%               cached_pull read refused
        0%                  push read refused
        369 GB              push system storage_bytes.ram
        72.1 TB             push system storage_bytes.ssd""",
    "threshold": """
        16.8k$/month        hybrid@10000 system cost
        21.3%               hybrid@10000 system edges_pulled
        16.7k$/month        hybrid@316000 system cost
        11.2%               hybrid@316000 system edges_pulled
        3.38 ms             hybrid@316000 read latency_p99_worst
        21.7 ms             hybrid@3160000 read latency_p99_worst
        12.9 s              hybrid@100000000 post fresh_max
        40.1 ms             hybrid@316000 post fresh_max
        18.9k$/month        hybrid@100 system cost""",
    "timeline-2012": """
        0.18%               push timelines utilization
        83.4 GB             push system storage_bytes.ram
        3.63k$/month        push system cost
        2.00k$/month        pull system cost
        42.0%               pull database utilization
        46.5 ms             pull read latency_p99
        2.52 ms             push read latency_p99""",
    "under-100ms": """
        293 ms              web@workers-first get latency_p99
        299 ms              web@as-it-is get latency_p99
        312$/month          web@workers-first system cost
        269$/month          web@as-it-is system cost
        8.21%               web@hedge-first get marked.again
        24.1 ms             web@hedge-first replica wait_mean
        271 ms              web@hedge-first get latency_p99
        48.5 ms             web@as-it-is get latency_mean
        26.4 ms             web@index get latency_mean
        275 ms              web@index get latency_p99
        86.7 ms             web@hedge get latency_p99
        38.3 ms             ± web@hedge get latency_p99
        297$/month          web@hedge system cost
        39.5 ms             web@payload get latency_p99
        60.1%               web@cache pages hit_ratio
        32.1 ms             web@cache get latency_p99
        18.0%               web@cache database utilization
        45.5%               web@payload database utilization
        32.5 ms             web@half get latency_p99
        235$/month          web@half system cost""",
    "url-shortener": """
        71.4 ms             cached@[]@500/s redirect latency_p99
        103 ms              cached redirect latency_p99_worst
        17.0%               database redirect refused
        7.99%               cached redirect refused
        19.0%               cached shorten refused
        5.56 ms             edge@[]@500/s redirect latency_p50
        46.5 ms             cached@[]@500/s redirect latency_p50
        72.2%               edge@[]@500/s redirect marked.uncounted
        2.37 TB             cached system storage_bytes.ssd
        5.00 MB             cached system storage_bytes.ram""",
    "view-counter": """
        99.97%              rows@[]@1k/s counters utilization_max
        78.9%               rows@[]@1k/s counters utilization
        99.64%              cached@[]@1k/s counters utilization_max
        13.9%               log@[]@2k/s counters utilization_max
        4.94 s              rows view latency_p99_worst
        35.5 ms             log view latency_p99_worst
        12.5%               log page marked.blank
        10.6 s              log view fresh_max
        30.0 MB             log system storage_bytes.ssd
        394 GB              log system storage_bytes.object""",
    "web-cache-db": """
        46.3%               held web utilization
        12.5%               held cpu utilization
        56.5 us             held web wait_mean
        19 stood            held web queue_max
        3.77 ms             held get latency_mean
        3.74 ms             not-held get latency_mean
        238 us              held cache wait_mean
        253 us              not-held cache wait_mean""",
    "storage-ratio": """
        189 us              btree scan latency_mean
        202 us              lsm scan latency_mean
        658 us              lsm(compaction=tiering) scan latency_mean
        8.61%               btree ssd utilization
        6.70%               lsm ssd utilization
        18.1 bytes          btree storage write_amplification
        3.71                lsm storage write_amplification
        1.87                lsm(compaction=tiering) storage write_amplification
        7.98%               btree@scan-20 ssd utilization
        8.72%               lsm(compaction=tiering)@scan-20 ssd utilization
        7.26%               btree@scan-1 ssd utilization
        1.20%               lsm(compaction=tiering)@scan-1 ssd utilization
        8.84%               btree@scan-99 ssd utilization
        8.77%               lsm@scan-99 ssd utilization
        2.50%               lsm(compaction=tiering)@read-99 ssd utilization
        2.42%               lsm@read-99 ssd utilization
        3.34%               btree@read-99 ssd utilization
        1.59%               lsm(compaction=tiering)@read-50 ssd utilization
        1.71%               lsm@read-50 ssd utilization
        5.41%               btree@read-50 ssd utilization
        3.04%               btree@scan-1 storage life_used""",
    "write-path": """
        13.0 ms             dual post latency_p99
        0.50%               dual post marked.lost
        1.91%               dual post marked.doubled
        16.0 s              idempotent post fresh_max
        496 posts           idempotent workers queue_max
        2.65k               idempotent places queue_max
        3.05k               dual workers queue_max
        3.00 ms             queue-first post latency_p99
        11.6%               queue-first post refused
        2.91 s              queue-first post fresh_max
        2.94 s              synchronous post latency_p99
        13.9%               synchronous post refused""",
}  # fmt: skip

FACTS: dict[str, dict[str, Callable[[Scenario], bool]]] = {
    "per-edge": {"at no threshold is": lambda s: least_at_a_threshold(s) >= along_edges(s, "push")},
    "unfollow": {
        "800 objects": lambda _: "{visit: objects.get, n: 800, key: spread}" in shipped()["unfollow"].read_text(),
        "up to 160 pages": lambda _: 160 < break_even("unfollow", "clean", "filter", "unfollow") < 170,
    },
    "materialised-view": {
        "at 10 s": lambda s: "10s" in axes_of(s, ())["batches.changes.linger"],
        "at 90 s": lambda s: "90s" in axes_of(s, ())["batches.changes.linger"],
    },
    "lossy": {
        "78% of those": lambda _: round(100 * marked("lossy", "lost") / marked("gathered", "gathered")) == 78,
        "the 50 who": lambda _: "when: key < 50" in shipped()["lossy"].read_text(),
        "of the 50 is": lambda _: "chance: 0.5%" in shipped()["lossy"].read_text(),
        "as 17 others": lambda s: round(9_000 * s.stations["database"].ops["newest"].mean(1)
        / s.stations["timelines"].ops["range"].mean(1)) == 17,
    },
    "cold-users": {
        "is 300 ms": lambda s: s.stations["app"].ops["start"].mean(1) == 0.3,
        "takes 5 s": lambda s: s.stations["app"].ops["choose"].mean(1) == 5,
    },
    "kept-lists": {
        "2,000 followers is wanted 3.6 times": lambda s: f"{2000 * settings(s)[0].rate('read') / 500e3:.1f}" == "3.6",
        "is 1,010 followers": lambda _: (
            "every promise is celebrity 1.01k," in (RESULTS / "kept-lists-sweep" / "table.txt").read_text()
        ),
        "At 1,000 followers": lambda s: getattr(s.strategies[0], "celebrity", 0) == 1000,
    },
    "leaderboard": {"at 1.6k/s": lambda s: "1.6k/s" in axes_of(s, ())["load.rate"]},
    "batch-pipeline": {
        "lost answers make 0.5%": lambda _: shipped()["batch-pipeline"].read_text().count("chance: 0.5%") == 8,
        "loses only 0.33%": lambda _: f"{1 - written('at-most-once'):.2%}" == "0.33%",
        "p99 1.84 s, as its": lambda _: late("refusing") == late("transactional") == "1.84 s",
    },
    "batch-size": {
        "At 200/s": lambda s: "200/s" in axes_of(s, ())["load.rate"],
        "at 200/s": lambda s: "200/s" in axes_of(s, ())["load.rate"],
        "at 9k/s, until": lambda s: "9k/s" in axes_of(s, ())["load.rate"],
        "at 9k/s, as": lambda s: "9k/s" in axes_of(s, ())["load.rate"],
        "for 5 ms": lambda s: s.batches["soon"].linger == 0.005,
        "of 20 ms": lambda s: s.batches["thousands"].linger == 0.02,
        "at 16k/s": lambda s: "16k/s" in axes_of(s, ())["load.rate"],
    },
    "stragglers": {
        "49 of 4,000 tasks": lambda _: round(copies("after-400s")) == 49,
        "391 copies": lambda _: round(copies("after-300s")) == 391,
        "891 s": lambda _: "backup tasks (891 s)" in shipped()["stragglers"].read_text(),
        "after 800 s": lambda _: "within: 800s" in shipped()["stragglers"].read_text(),
    },
    "checkpoints": {
        f"every {every}": lambda s, at=at: at in axes_of(s, ())["strategies.checkpointed.every"]
        for every, at in (("10 min", "10m"), ("40 min", "40m"), ("80 min", "80m"), ("2 h", "2h"), ("8 h", "8h"))
    },
    "view-counter": {"1,000/s": lambda s: "1k/s" in axes_of(s, ())["load.rate"]},
    "cqrs": {"the 32 under way": lambda _: "width: 32" in shipped()["cqrs"].read_text()},
    "celebrity": {
        "200 authors": lambda s: s.population is not None and s.population.mean_following == 200,
    },
    "count-once": {
        "for 10 s": lambda s: s.caches["seen-10s"].ttl == 10,
        "20 bits": lambda s: s.caches["filter-20"].bits == 20,
        "10 bits": lambda s: s.caches["filter-10"].bits == 10,
    },
    "miss-ratio": {
        "200 objects, first in first out leaves the database more than it can carry": lambda _: (
            rows("miss-ratio")["read-through@200@fifo", "database", "utilization"].value == 1.0
        ),
        "500 objects": lambda s: "500" in axes_of(s, ())["caches.objects.entries"],
        "1,000 objects": lambda s: "1k" in axes_of(s, ())["caches.objects.entries"],
        "cluster52-raw": lambda _: TRACED.exists(),
    },
    "mm4": {"30,000 requests": lambda s: s.run.requests == 30_000},
    "openers": {
        "110%": lambda s: f"{100 * 4 / 100 * 1.8e6 / 30 * s.stations['authors'].ops['recent'].mean(1):.0f}%" == "110%",
        "31 others": lambda s: s.stations["authors"].shards == 32,
        "At 2 %": lambda s: "2%" in axes_of(s, ())["events.0.brings.share"],
        "40 processes": lambda s: s.caches["lists"].copies == 40,
    },
    "stampede": {"3.11% busy": lambda s: f"{100 * foreseen(s, 'database'):.2f}%" == "3.11%"},
    "read-path": {"15.6%": lambda s: f"{100 * too_early(s):.1f}%" == "15.6%"},
    "profile-change": {
        "14% of its work": lambda _: round(100 * (1 - work("copied", "read") / work("fetched", "read"))) == 14,
        "more than 6,000 pages": lambda _: 6_000 < break_even("profile-change", "copied", "fetched", "rename") < 6_500,
    },
    "threshold": {
        "10,000 followers": lambda s: tried(s, "10000"),
        "3,160,000 followers": lambda s: tried(s, "3160000"),
        "is 316,000 followers": lambda _: "every promise is celebrity 316k," in SWEEP.read_text(),
        "316,000": lambda s: tried(s, "316000"),
        "at 100 followers": lambda s: tried(s, "100"),
    },
    "timeline-2012": {"32 database cores": lambda s: s.stations["database"].capacity == 32},
}


def written(strategy: str) -> float:
    return rows("batch-pipeline")[strategy, "record", "marked.written"].value or 0.0


def copies(strategy: str) -> float:
    return rows("stragglers")[strategy, "sort", "marked.copied"].value or 0.0


def late(strategy: str) -> str:
    return text(rows("batch-pipeline")[strategy, "record", "latency_p99"])


def work(strategy: str, op: str, name: str = "profile-change") -> float:
    return rows(name)[strategy, op, "work"].value or 0.0


def break_even(name: str, writes: str, reads: str, op: str) -> float:
    """How many reads there are to one write where a design that pays at the write does as much as one that does not."""
    return (work(writes, op, name) - work(reads, op, name)) / (work(reads, "read", name) - work(writes, "read", name))


def along_edges(scenario: Scenario, strategy: str) -> float:
    """Seconds of service per second that a strategy asks for along edges."""
    return next(expected_work(s) for s in settings(scenario) if s.label == strategy)


def least_at_a_threshold(scenario: Scenario) -> float:
    """The least work along edges at any threshold of followers, that of the shipped scenario in its place."""
    graph = settings(scenario)[0].first.graph
    assert graph is not None
    places = [0.0, *np.unique(graph.followers), 1e9]
    return min(
        along_edges(load_scenario("per-edge", [f"strategies.hybrid.celebrity={x:g}"]), "hybrid") for x in places
    )


def marked(strategy: str, mark: str) -> float:
    return rows("lossy")[strategy, "entry", f"marked.{mark}"].value or 0.0


def foreseen(scenario: Scenario, station: str) -> float:
    """The utilization of a station under the first strategy, before anything is played."""
    return next(load.utilization for load in settings(scenario)[0].loads if load.station == station)


def tried(scenario: Scenario, threshold: str) -> bool:
    return threshold in axes_of(scenario, ())["strategies.hybrid.celebrity"]


def too_early(scenario: Scenario) -> float:
    """Of three looks, each after a pause, how many come before the write has reached the replica."""
    stations = scenario.stations
    lag, pause = stations["replication"].ops["lag"].per_item, stations["author"].ops["pause"].per_item
    assert lag is not None and pause is not None
    x = lag.variate().quantile((np.arange(20_000) + 0.5) / 20_000) / pause.variate().mean
    return float(np.mean(3 - np.exp(-x) * (3 + 2 * x + x * x / 2)))


def header(file: Path) -> list[str]:
    """The paragraphs of the comment that a file opens with."""
    comment, _, _ = file.read_text().partition("\nquestion:")
    lines = comment.split("\n")
    assert all(line.startswith("#") for line in lines), "the comment comes first, then the question"
    return "\n".join(line.removeprefix("#").removeprefix(" ").rstrip() for line in lines).split("\n\n")


def surprise(file: Path) -> str:
    return " ".join(header(file)[-1].split())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_opens_with_question_drawing_sources_and_what_surprised(file: Path) -> None:
    question, drawing, *_, sources, surprised = header(file)
    assert "?" in question
    assert drawing.startswith("  ") and re.search(r"[─▁]", drawing)
    assert sources.startswith("Sources: ")
    assert surprised.startswith("What surprised: ")
    assert max(map(len, file.read_text().splitlines())) <= 120


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_figures_of_what_surprised_are_those_of_the_results(name: str) -> None:
    assert wrong(surprise(shipped()[name]), FIGURES[name], rows(name)) == []


@pytest.mark.parametrize("name", sorted(shipped()))
def test_no_figure_of_what_surprised_is_left_unchecked(name: str) -> None:
    told, scenario = surprise(shipped()[name]), load_scenario(name)
    for fact, holds in FACTS.get(name, {}).items():
        assert fact in told and holds(scenario), fact
        told = told.replace(fact, "")
    assert unchecked(told.replace("at 80 %", ""), FIGURES[name]) == []


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The scenario beside its CSV file, which is not shipped."""
    (tmp_path / "data").mkdir()
    shutil.copy(real(CSV), tmp_path / "data")
    return Path(shutil.copy(RAW, tmp_path))


def csv_column(file: Path) -> list[float]:
    with gzip.open(file, "rt", newline="") as lines:
        return [float(row["followers"]) for row in csv.DictReader(lines)]


def test_the_raw_scenario_plays_real_rows(raw: Path) -> None:
    result = run(load_scenario(raw, ["run.duration=2s", "run.replications=2"]), jobs=1)
    assert all(audit.ok for audit in result.audits)
    active, shards = 0.2, 32
    last = result.value("push", "post", "fresh_max")
    assert last is not None and 0 < last - 1e6 * active * 5.2e-6 / shards < 0.01
    by_table = settings(load_scenario("celebrity"))[-1].edges_pulled
    pulled = result.value("hybrid", "system", "edges_pulled")
    assert pulled is not None and by_table is not None
    for value in (pulled, by_table):
        assert str(figure(value, "edges_pulled", "")) in surprise(raw)
    millions = [n for n in csv_column(raw.parent / "data" / CSV) if n >= 1e6]
    assert f"{len(millions)} accounts" in surprise(raw)
    assert sum(millions) / 200e6 / 200 / pulled == pytest.approx(2 / 3, abs=0.02)


def test_without_its_file_the_raw_scenario_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match=f"no such file: .*scenarios/raw/data/{CSV}"):
        load_scenario(RAW)


def test_the_raw_trace_hits_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(real(TRACE), tmp_path / "data")
    file, found = shutil.copy(TRACED, tmp_path), []
    for query in ("0s", "5ms"):
        result = run(load_scenario(file, ["run.requests=20k", f"stations.database.ops.query={query}"]), jobs=1)
        assert all(audit.ok for audit in result.audits)
        found.append(result.value("read-through", "objects", "hit_ratio"))
    with lzma.open(real(TRACE)) as file:
        keys, sizes = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(1, 2), unpack=True)
    keys = keys.astype(np.int64)

    def hits(policy: str, room: str) -> float:
        spec = CacheSpec.model_validate({"bytes": room, "policy": policy, "start": "cold"})
        return 1.0 - float(replay(spec, keys, sizes).mean())

    told = surprise(TRACED)
    for policy in ("sieve", "lru", "fifo"):
        assert f"{100 * hits(policy, '1MiB'):.1f}%" in told
    assert f"{100 * (1.0 - belady(2**20, keys, sizes).mean()):.1f}%" in told
    assert abs(hits("sieve", "16MiB") - hits("lru", "16MiB")) < 0.001
    keys, sizes = keys[:20_000], sizes[:20_000]
    assert found[0] == pytest.approx(hits("sieve", "1MiB"), abs=1e-4)
    assert found[1] < found[0] - 0.01  # who asks again before the database has answered misses, too
