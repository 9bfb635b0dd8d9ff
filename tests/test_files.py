"""The results folder: whole or not at all, ours alone, the same bytes again, and safe to open."""

import csv
import fcntl
import json
import math
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import hand_made
import pytest

from simsys.report import charts, files
from simsys.report.files import InUse, NotResults, reserved, write

HOLD = """
import sys, time
from pathlib import Path
from simsys.report.files import reserved
with reserved(Path(sys.argv[1])):
    print("mine", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_what_is_written_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    with reserved(tmp_path / "deep" / "celebrity") as folder:
        write(folder, {"table.txt": b"new"})
        write(folder, {"table.txt": b"newer", "rows.csv": b"x"})
    assert names(tmp_path / "deep") == ["celebrity"]
    assert names(folder) == ["rows.csv", "table.txt"] and (folder / "table.txt").read_bytes() == b"newer"


def test_a_file_of_the_last_run_does_not_stay(tmp_path: Path) -> None:
    with reserved(tmp_path / "x") as folder:
        write(folder, {"backlog.svg": b"old", "table.txt": b"old"})
        write(folder, {"table.txt": b"new"})
    assert names(folder) == ["table.txt"]


def test_until_the_last_byte_the_old_results_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reserved(tmp_path / "x") as folder:
        write(folder, {"table.txt": b"old", "rows.csv": b"old"})

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            write(folder, {"table.txt": b"new", "rows.csv": b"new"})
        monkeypatch.undo()
    assert names(folder) == ["rows.csv", "table.txt"] and (folder / "table.txt").read_bytes() == b"old"
    with reserved(folder):
        assert names(tmp_path) == [".x.lock", "x"], "what was half written is gone"


def test_results_set_aside_by_a_killed_process_come_back(tmp_path: Path) -> None:
    (tmp_path / ".x.old").mkdir()
    (tmp_path / ".x.old" / "table.txt").write_text("old")
    (tmp_path / ".x.new").mkdir()
    with reserved(tmp_path / "x") as folder:
        assert (folder / "table.txt").read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("foreign", ["thesis.txt", ".git", "notes"])
def test_other_peoples_folders_are_refused(tmp_path: Path, foreign: str) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "table.txt").write_text("mine")
    (folder / foreign).mkdir()
    with pytest.raises(NotResults, match=foreign), reserved(folder):
        pass
    assert names(folder) == sorted(["table.txt", foreign]) and names(tmp_path) == ["home"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(NotResults, match="is a file"), reserved(tmp_path / "x"):
        pass


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with reserved(tmp_path / "link") as folder:
        write(folder, {"table.txt": b"x"})
    assert (tmp_path / "link").is_symlink() and names(tmp_path / "real") == ["table.txt"]


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    """And a process that is killed leaves no lock behind."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "x")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "mine\n"
        with pytest.raises(InUse, match=r"another run writes to .*x"), reserved(tmp_path / "x"):
            pass
        with reserved(tmp_path / "y"):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    with reserved(tmp_path / "x"):
        assert names(tmp_path) == [".x.lock"]
    assert names(tmp_path) == []


def test_a_forked_worker_keeps_no_lock(tmp_path: Path) -> None:
    with reserved(tmp_path / "x"):
        child = os.fork()
        if child == 0:
            os._exit(len(files._held))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        handle = os.open(tmp_path / ".x.lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)


def test_json_is_the_contract_and_has_no_nan() -> None:
    rows = (*hand_made.rows()[:1], hand_made.rows()[0]._replace(value=math.nan, low=-math.inf, high=math.inf))
    data = json.loads(files.to_json(files.told(hand_made.result(rows=rows))), parse_constant=pytest.fail)
    assert list(data) == ["scenario", "version", "engine", "seed", "notes", "saturated", "audits", "slo", "rows"]
    assert data["slo"][0] == {"rule": "read p99 < 100ms", "strategy": "pull", "verdict": "undecided", "value": 0.12}
    assert data["audits"][0] == {"name": "little", "strategy": "push", "ok": True, "detail": "L = λW within 1e-9"}
    assert data["rows"][0] == {
        "strategy": "pull", "point": {}, "subject": "read", "metric": "throughput", "value": 1650.0,
        "low": 1625.25, "high": 1674.75, "unit": "/s", "note": "",
    }  # fmt: skip
    assert [data["rows"][1][key] for key in ("value", "low", "high")] == [None, None, None]


def test_csv_reads_back_to_the_last_bit() -> None:
    table = list(csv.DictReader(StringIO(files.to_csv(hand_made.result().rows))))
    assert len(table) == len(hand_made.rows())
    for cells, row in zip(table, hand_made.rows(), strict=True):
        assert (float(cells["value"]) if cells["value"] else None) == row.value
        assert (float(cells["low"]) if cells["low"] else None) == row.low
        assert (cells["strategy"], cells["metric"], cells["note"]) == (row.strategy, row.metric, row.note)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    row = hand_made.rows()[0]._replace(strategy=text, value=-1.5, note='a, "b"\nc')
    (cells,) = csv.DictReader(StringIO(files.to_csv((row,)), newline=""))
    assert cells["strategy"] == "'" + text and cells["value"] == "-1.5" and cells["note"] == 'a, "b"\nc'


def test_a_carriage_return_starts_no_row() -> None:
    row = hand_made.rows()[0]._replace(note="a\rb")
    (cells,) = csv.DictReader(StringIO(files.to_csv((row,)), newline=""))
    assert cells["note"] == "a b"


def test_only_the_manifest_knows_when_and_where() -> None:
    from datetime import UTC, datetime

    result = hand_made.result()
    one, two = (dict(files.contents(result, "load: {}\n", "table\n", charts.charts(result))) for _ in range(2))
    assert one == two and set(one) | {"manifest.json"} < files.NAMES
    manifest = json.loads(files.manifest(["simsys", "run", "x"], datetime.now(UTC), "simpy", one))
    assert set(manifest) == {"command", "started", "engine", "seconds", "machine", "versions", "sha256"}
    assert manifest["command"] == ["simsys", "run", "x"] and set(manifest["sha256"]) == set(one)
    year = str(datetime.now(UTC).year).encode()
    assert not any(
        year in content for name, content in one.items() if name.endswith((".csv", ".json", ".txt", ".yaml"))
    )
