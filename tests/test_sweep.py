"""simsys sweep and merge: the same bytes for any number of workers and shards, killed or not."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_cli import Call, call, tiny  # noqa: F401  (fixtures)

from simsys.experiment import jobs as playing
from simsys.experiment.points import points_of, scenarios_at
from simsys.experiment.result import Row
from simsys.experiment.sweep import difference
from simsys.report.files import reserved

VARY = ("--vary", "stations.slow.servers=1,2", "--engine", "simpy")
LONGER = ("--set", "run.requests=4k")
SIMSYS = [sys.executable, "-m", "simsys"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


def test_a_table_per_strategy_and_tidy_rows(tiny: Path, call: Call) -> None:  # noqa: F811
    done = call("sweep", "tiny.yaml", *VARY, "--jobs", 2)
    assert done.status == 0
    told = "tiny: 2 points × 2 strategies × 3 replications = 12 plays, 9 of them different, about "
    assert done.err.startswith(told) and "written to " in done.err
    assert "\nwide" in done.out and "at every point" in done.out
    (line,) = (line for line in done.out.splitlines() if line.startswith("servers 2"))
    assert "▼" in line, "two servers are surely quicker than one"
    assert max(map(len, done.out.splitlines())) <= 80
    folder = tiny / "results" / "tiny-sweep"
    assert set(files_of(folder)) == {
        "scenario.yaml", "rows.csv", "differences.csv", "metrics.json", "table.txt", "sweep.svg", "sweep.png",
        "replications.csv",
    }  # fmt: skip
    assert (folder / "table.txt").read_text() == done.out
    with (folder / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["point"] for row in rows} == {json.dumps({"stations.slow.servers": n}) for n in (1, 2)}
    data = json.loads(call("sweep", "tiny.yaml", *VARY, "--json").out, parse_constant=pytest.fail)
    assert data == json.loads((folder / "metrics.json").read_text())
    assert len(data["rows"]) == len(rows) and data["points"] == [{"stations.slow.servers": n} for n in "12"]
    again = call("sweep", folder / "scenario.yaml", "--engine", "simpy", "--out", "again", "--quiet")
    assert again.status == 0 and (tiny / "again" / "rows.csv").read_bytes() == (folder / "rows.csv").read_bytes()


def test_a_point_is_the_run_of_its_scenario(tiny: Path, call: Call) -> None:  # noqa: F811
    swept = json.loads(call("sweep", "tiny.yaml", *VARY, "--json").out)["rows"]
    alone = json.loads(call("run", "tiny.yaml", "--set", "stations.slow.servers=2", "--json").out)["rows"]
    point = {"stations.slow.servers": 2}
    assert [row for row in swept if row["point"] == point] == [{**row, "point": point} for row in alone]


def test_the_same_bytes_for_any_workers_and_shards(tiny: Path, call: Call) -> None:  # noqa: F811
    for jobs in (1, 2, 8):
        assert call("sweep", "tiny.yaml", *VARY, "--jobs", jobs, "--out", f"by{jobs}").status == 0
    for n in range(1, 6):
        assert call("sweep", "tiny.yaml", *VARY, "--shard", f"{n}/5", "--jobs", 1).status == 0
    shards = [f"results/tiny-sweep-{n}-of-5" for n in (3, 1, 2, 5, 4)]
    assert set(os.listdir(shards[0])) == {"manifest.json", "scenario.yaml", "plays.sqlite"}
    done = call("merge", *shards, "--out", "merged")
    assert done.status == 0 and done.out == (tiny / "by1" / "table.txt").read_text()
    whole = files_of(tiny / "by1")
    assert files_of(tiny / "by2") == files_of(tiny / "by8") == files_of(tiny / "merged") == whole
    done = call("merge", *shards[1:], "--out", "less")
    assert (done.status, done.out) == (2, "") and "shard 3/5 lacks 2 plays" in done.err
    assert not (tiny / "less").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sweep", "tiny.yaml"), "nothing is varied"),
        (("sweep", "tiny.yaml", "--vary", "lod.rate=1/s"), "did you mean"),
        (("sweep", "tiny.yaml", "--vary", "load.rate=1/s,5"), "load.rate: 5: expected a rate"),
        (("sweep", "tiny.yaml", "--vary", "load.rate=1/s,2/s", "--vary", "run.seed=1", "--zip"), "as many values"),
        (("sweep", "tiny.yaml", *VARY, "--shard", "6/5"), "expected a shard as 1/5"),
        (("sweep", "tiny.yaml", *VARY, "--set", "run.precision={p50: 5%}", "--shard", "1/2"), "give run.replications"),
        (("sweep", "tiny.yaml", *VARY, "--limit", "5"), "neither a time like 10m nor a size like 4GB"),
        (("sweep", "tiny.yaml", *VARY, "--limit", "0s"), "--limit: '0s' leaves nothing to play in"),
        (("sweep", "tiny.yaml", *VARY, "--limit", "1h", "--limit", "0B"), "--limit: '0B' leaves nothing to play in"),
        (("merge", "results", "--out", "x"), "is not the folder of a shard"),
        (("merge", "--out", "x"), "Missing argument"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_played(
    tiny: Path, call: Call, words: tuple[str, ...], told: str  # noqa: F811
) -> None:
    done = call(*words)
    assert (done.status, done.out) == (2, "") and told in done.err and "Traceback" not in done.err


def test_a_dry_run_says_where_it_is_saturated(tiny: Path, call: Call) -> None:  # noqa: F811
    done = call("sweep", "tiny.yaml", "--vary", "load.rate=100/s,400/s,500/s", "--dry-run")
    assert done.status == 0 and not (tiny / "results").exists()
    assert "narrow is saturated, as slow cannot carry the load, at rate 400/s; rate 500/s\n" in done.out


def test_failed_points_are_left_out_named_and_tried_again(
    tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    play = playing.play_once

    def moody(setting, replication, engine, load):  # type: ignore[no-untyped-def]
        if setting.scenario.stations["slow"].servers == 2 and setting.label == "narrow" and replication == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return play(setting, replication, engine, load)

    with monkeypatch.context() as patch:
        patch.setattr(playing, "play_once", moody)
        done = call("sweep", "tiny.yaml", *VARY, "--jobs", 2)
    assert done.status == 1 and "1 plays failed: narrow: replication 1 failed: its worker was killed" in done.err
    table = (tiny / "results" / "tiny-sweep" / "table.txt").read_text()
    assert table == done.out and "at servers 2: narrow: replication 1 failed" in " ".join(table.split())
    assert call("sweep", "tiny.yaml", *VARY).status == 0, "what failed is not in the journal"


def test_folders_that_cannot_be_used(tiny: Path, call: Call) -> None:  # noqa: F811
    with reserved(tiny / "results" / "tiny-sweep"):
        assert call("sweep", "tiny.yaml", *VARY).status == 5
    (tiny / "results" / ".tiny-sweep.journal").write_text("mine\n" * 500)
    done = call("sweep", "tiny.yaml", *VARY)
    assert (done.status, done.out) == (2, "") and ".tiny-sweep.journal is damaged" in done.err
    assert (tiny / "results" / ".tiny-sweep.journal").read_text() == "mine\n" * 500


def children(pid: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def killed_until_done(folder: Path, kills: int) -> None:
    """Start the same sweep again and again, kill its parent at a random moment, and let the last one end."""
    command = [*SIMSYS, "sweep", "tiny.yaml", *VARY, "--jobs", "2", "--quiet", *LONGER, "--out", "out"]
    chance = random.Random(4)
    for _ in range(kills):
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as parent:
            journal = folder / ".out.journal-wal"
            limit = time.monotonic() + 60
            while not journal.exists() and parent.poll() is None and time.monotonic() < limit:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 1))
            workers = children(parent.pid) if parent.poll() is None else []
            parent.kill()
        limit = time.monotonic() + 5
        while any(map(alive, workers)) and time.monotonic() < limit:
            time.sleep(0.01)
        assert not any(map(alive, workers)), "an orphan"
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.long)])
def test_kill_9_of_the_parent_loses_nothing(tiny: Path, call: Call, kills: int) -> None:  # noqa: F811
    call("sweep", "tiny.yaml", *VARY, *LONGER, "--out", "undisturbed")
    killed_until_done(tiny, kills)
    assert files_of(tiny / "out") == files_of(tiny / "undisturbed")


def test_points_next_to_each_other_meet_the_same_luck(tiny: Path, call: Call) -> None:  # noqa: F811
    """The interval of a difference in pairs is much narrower than that of two figures apart."""
    means = ",".join(f"{{exponential: {{mean: {mean}}}}}" for mean in ("1ms", "1.1ms"))
    call("sweep", "tiny.yaml", "--vary", f"stations.slow.ops.get={means}", "--set", "run.replications=5")
    data = json.loads((tiny / "results" / "tiny-sweep" / "metrics.json").read_text())
    (apart,) = (d for d in data["differences"] if d["metric"] == "latency_mean" and d["strategy"] == "narrow"
                and d["less_strategy"] == "narrow")  # fmt: skip
    widths = [row["high"] - row["low"] for row in data["rows"] if row["strategy"] == "narrow"
              and row["metric"] == "latency_mean"]  # fmt: skip
    assert apart["low"] > 0 and apart["high"] - apart["low"] < 0.5 * min(widths)


def test_a_difference_of_what_cannot_be_paired_has_no_interval() -> None:
    one = Row("a", {}, "get", "latency_p99", 3.0, 2.0, 4.0, "s", "", (0.1, -0.1))
    other = one._replace(strategy="b", value=1.0, deviations=(0.1, 0.0, -0.1))
    assert difference(one, other).sign == 0 and difference(one, other).value is None
    told = difference(one, other._replace(deviations=(0.1, -0.1)))
    assert (told.value, told.low, told.high, told.sign) == (2.0, 2.0, 2.0, 1)


def test_scenarios_at_points_are_in_order(tiny: Path) -> None:  # noqa: F811
    made = scenarios_at("tiny.yaml", [], points_of({"stations.slow.servers": ["3", "1"]}))
    assert [each.stations["slow"].servers for each in made] == [3, 1]


def test_what_goes_in_step_is_kept_so_and_swept_again(tiny: Path, call: Call) -> None:  # noqa: F811
    both = (*VARY, "--vary", "load.rate=10/s,20/s", "--zip", "--quiet")
    assert call("sweep", "tiny.yaml", *both).status == 0
    folder = tiny / "results" / "tiny-sweep"
    told = json.loads((folder / "metrics.json").read_text())["points"]
    assert [tuple(point.values()) for point in told] == [("1", "10/s"), ("2", "20/s")]
    assert "zip: true" in (folder / "scenario.yaml").read_text()
    again = call("sweep", folder / "scenario.yaml", "--engine", "simpy", "--out", "again", "--quiet")
    assert again.status == 0, again.err
    assert (tiny / "again" / "rows.csv").read_bytes() == (folder / "rows.csv").read_bytes()
    alone = call("sweep", folder / "scenario.yaml", *VARY, "--quiet", "--json")  # other paths are combined
    assert len(json.loads(alone.out)["points"]) == 2


def test_zip_is_true_or_not_there(tiny: Path, call: Call) -> None:  # noqa: F811
    wrong = {
        "sweep={zip: 3, load.rate: [1/s]}": "sweep.zip: expected true, or nothing",
        "sweep={load.rate: true}": 'sweep."load.rate": expected a mapping of keys to values or a list, not True',
    }
    for said, wanted in wrong.items():
        done = call("sweep", "tiny.yaml", "--set", said)
        assert done.status == 2 and wanted in done.err and done.out == ""
