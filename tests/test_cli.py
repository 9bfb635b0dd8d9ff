"""The command line: what is printed where, which status it ends with, and that nothing ends in a traceback."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from endless import endless

from simsys import __version__, cli
from simsys.cli import terminal
from simsys.experiment import run as running
from simsys.experiment.result import Audit
from simsys.report import charts, files
from simsys.report.files import reserved

TINY = """\
question: Does a short line stay short?
load: {rate: 300/s, mix: {get: 100%}}
stations:
  server: {servers: 4, vcpu: 1, ops: {get: {exponential: {mean: 1ms}}}}
  slow: {servers: 1, vcpu: 1, ops: {get: {exponential: {mean: 3ms}}}}
strategies:
  - flow: {name: wide, get: [{visit: server.get}]}
  - flow: {name: narrow, get: [{visit: slow.get}]}
slo: [get p50 < 2ms]
run: {requests: 400, replications: 3, seed: 1}
"""


class Done(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """The command line in this process."""
    monkeypatch.setattr(charts, "charts", lambda *_: iter(()))  # they take seconds; those who look at them draw them
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["simsys", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    yield call
    for number, handler in before:
        signal.signal(number, handler)


def play(*words: object) -> tuple[object, ...]:
    return ("run", "tiny.yaml", "--jobs", 1, *words)


def test_help_and_version(call: Call) -> None:
    done = call("--help")
    assert done.status == 0 and all(name in done.out for name in ("run", "check", "explain", "list", "schema"))
    assert call("--version") == Done(0, f"simsys {__version__}\n", "")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted there")
def test_numpy_starts_no_threads() -> None:
    """However many cores there are: nothing is left to them (`test_no_sum_is_left_to_blas`)."""
    script = """
import os, sys
from simsys.cli import entry
def main():
    import numpy
    print(len(os.listdir("/proc/self/task")))
    sys.exit()
entry.main = main
entry.command()
"""
    free = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", script], env=free, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


DRAW = charts.charts


def test_a_run_says_first_how_long_then_answers_and_writes(
    tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "charts", DRAW)
    done = call(*play())
    assert done.status == 0
    assert done.err.splitlines()[0].startswith("tiny: 2 strategies × 3 replications = 6 plays, about ")
    answer = "wide wins: it alone surely keeps the promise, at 50.0$/month. Missed: get p50 <\n2ms by narrow ("
    assert done.out.startswith(answer)
    folder = tiny / "results" / "tiny"
    written = set(os.listdir(folder))
    assert {"scenario.yaml", "rows.csv", "metrics.json", "table.txt", "manifest.json"} <= written <= files.NAMES
    assert {"utilization.svg", "utilization.png", "who-pays.svg", "who-pays.png"} <= written & set(charts.NAMES)
    assert (folder / "table.txt").read_text() == done.out, "no colour where nobody looks"
    assert json.loads((folder / "manifest.json").read_text())["command"][1:] == ["run", "tiny.yaml", "--jobs", "1"]
    assert max(map(len, done.out.splitlines())) <= 80


def test_run_again_all_but_the_manifest_is_the_same_for_any_jobs(tiny: Path, call: Call) -> None:
    one = call(*play("--out", "one"))
    two = call("run", "tiny.yaml", "--jobs", 2, "--out", "two")
    assert one.out == two.out
    for name in sorted(set(os.listdir("one")) - {"manifest.json"}):
        assert (tiny / "one" / name).read_bytes() == (tiny / "two" / name).read_bytes(), name


def test_the_resolved_scenario_gives_the_same_rows(tiny: Path, call: Call) -> None:
    call(*play("--set", "load.rate=200/s", "--seed", 5))
    again = call("run", "results/tiny/scenario.yaml", "--jobs", 1, "--out", "again")
    assert again.status == 0
    assert (tiny / "again" / "rows.csv").read_bytes() == (tiny / "results" / "tiny" / "rows.csv").read_bytes()


def test_json_alone_goes_to_standard_output(tiny: Path, call: Call) -> None:
    done = call(*play("--json", "--quiet"))
    assert done.err == "" and done.status == 0
    data = json.loads(done.out, parse_constant=pytest.fail)
    assert data["scenario"] == "tiny" and data["seed"] == 1 and data.pop("engine") in ("simpy", "compiled")
    assert data == json.loads((tiny / "results" / "tiny" / "metrics.json").read_text())


def test_the_seed_changes_the_luck(tiny: Path, call: Call) -> None:
    one, two, same = (json.loads(call(*play("--json", "--seed", seed)).out) for seed in (1, 2, 1))
    assert one == same and one["rows"] != two["rows"] and two["seed"] == 2


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 0), (("--require", "wide"), 0), (("--require", "narrow"), 99), (("--set", 'slo=["get p50 < 1us"]'), 99),
     (("--set", "slo=[]"), 0), (("--set", "slo=[]", "--require", "narrow"), 0), (("--set", "run.replications=1"), 99)],
)  # fmt: skip
def test_the_status_is_the_verdict(tiny: Path, call: Call, words: tuple[str, ...], status: int) -> None:
    done = call(*play(*words))
    assert done.status == status and done.out
    assert (tiny / "results" / "tiny" / "table.txt").exists(), "a missed promise is a result"


def test_what_no_server_can_carry_is_a_result(tiny: Path, call: Call) -> None:
    done = call(*play("--set", "load.rate=600/s", "--set", "slo=[]", "--json"))
    assert done.status == 0 and json.loads(done.out)["saturated"] == ["narrow"]


@pytest.mark.parametrize(
    "words",
    [
        (), ("bogus",), ("run",), ("run", "tiny.yaml", "--bogus"), ("run", "nowhere.yaml"), ("check", "nowhere"),
        ("explain", "nowhere"), ("run", "."), ("run", "tiny.yaml", "--jobs", "0"), ("run", "tiny.yaml", "--seed", "-1"),
        ("run", "tiny.yaml", "--engine", "fast"), ("run", "tiny.yaml", "--set", "load.rate=5"),
        ("run", "tiny.yaml", "--set", "lod.rate=5/s"), ("run", "tiny.yaml", "--set", "slo=[get p98 < 1s]"),
        ("run", "tiny.yaml", "--set", "load.mix={get: 99%}"), ("run", "tiny.yaml", "--require", "pull"),
        ("run", "tiny.yaml", "--out", "tiny.yaml"), ("run", "tiny.yaml", "--out", "tiny.yaml/x"),
        ("run", "tiny.yaml", "--out", "kept"), ("run", "bad.yaml"), ("run", "x\0y"), ("run", "tiny.yaml", "--set", "="),
    ],
)  # fmt: skip
def test_what_is_wrong_ends_with_2_and_writes_nothing(tiny: Path, call: Call, words: tuple[str, ...]) -> None:
    (tiny / "bad.yaml").write_bytes(b"load: [\xff\x00")
    (tiny / "kept").mkdir()
    (tiny / "kept" / "thesis.txt").write_text("mine")
    before = sorted(tiny.rglob("*"))
    done = call(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err and "Traceback" not in done.err and "internal fault" not in done.err
    assert sorted(tiny.rglob("*")) == before or sorted(tiny.rglob("*")) == sorted([*before, tiny / "results"])


def test_a_typo_is_shown_where_it_is(tiny: Path, call: Call) -> None:
    (tiny / "typo.yaml").write_text(TINY.replace("servers: 4", "servrs: 4"))
    done = call("run", "typo.yaml")
    assert done.status == 2 and "typo.yaml:4:" in done.err and "did you mean 'servers'?" in done.err


def test_a_folder_in_use_ends_with_5(tiny: Path, call: Call) -> None:
    with reserved(tiny / "results" / "tiny"):
        done = call(*play())
    assert (done.status, done.out) == (5, "") and "another run writes to" in done.err
    assert call(*play()).status == 0


def test_a_dry_run_plays_nothing(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "run", None)
    done = call("run", "tiny.yaml", "--dry-run")
    assert done.status == 0 and not (tiny / "results").exists()
    assert "400 requests in each of 6 plays, about " in done.out and " of memory" in done.out
    assert re.search(r"slow +1 servers +90\.0% busy", done.out)


def test_an_unexpected_exception_is_one_line(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("two\nlines")

    monkeypatch.setattr(running, "run", broken)
    done = call(*play("--quiet"))
    assert (done.status, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1 and done.err.startswith("simsys: internal fault: KeyError: ")
    assert not (tiny / "results" / "tiny").exists()
    monkeypatch.setenv("SIMSYS_TRACEBACK", "1")
    assert "Traceback" in call(*play("--quiet")).err


def test_a_killed_worker_and_a_full_disk_are_faults(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (running.RunError("a worker process was killed"), OSError(28, "No space left on device")):

        def broken(*_: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(running, "run", broken)
            done = call(*play("--quiet"))
        assert (done.status, done.out, done.err) == (1, "", f"simsys: {error}\n")


def test_a_broken_audit_is_a_fault_that_is_shown(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    play_it = running.run
    broken = (Audit("little", "wide", False, "2 = 3"),)
    monkeypatch.setattr(running, "run", lambda *a: replace(play_it(*a), audits=broken))
    done = call(*play())
    assert done.status == 1 and "DO NOT TRUST THIS RUN" in done.out and "audit failed" in done.err


def test_list_names_every_shipped_scenario_and_its_question(call: Call, repository: Path) -> None:
    done = call("list")
    names = [line.split()[0] for line in done.out.splitlines() if not line.startswith(" ")]
    assert names == sorted(path.stem for path in (repository / "scenarios").glob("*.yaml")) and done.status == 0
    assert "How long do four servers at 80 % let you wait?" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_schema_check_and_explain(tiny: Path, call: Call) -> None:
    assert "$schema" in json.loads(call("schema").out)
    assert call("check", "tiny.yaml") == Done(0, "tiny: can be played; 2 strategies, 1 promise\n", "")
    assert call("check", "tiny.yaml", "--set", "load.rate=1").status == 2
    done = call("explain", "tiny.yaml", "--set", "load.rate=100/s")
    assert done.status == 0 and "get\n└─ visit slow.get\n" in done.out and "(get 100/s)" in done.out


SIMSYS = [sys.executable, "-m", "simsys"]


def test_report_makes_a_page_of_what_a_run_wrote(tiny: Path, call: Call) -> None:
    assert call("run", "tiny.yaml", "--quiet").status == 0
    done = call("report", "results/tiny")
    page = (tiny / "results" / "tiny" / "report.html").read_text()
    assert done.status == 0 and done.out.startswith("results/tiny/report.html: ") and "wide wins" in page
    assert call("run", "tiny.yaml", "--quiet").status == 0, "a folder with a page is still one of results"
    assert not (tiny / "results" / "tiny" / "report.html").exists(), "and the page of the last run does not stay"


def test_report_of_no_results_says_so(tiny: Path, call: Call) -> None:
    assert call("report", "nowhere") == Done(2, "", "simsys: nowhere: there is no such folder of results\n")
    done = call("report", ".")
    assert done.status == 2 and "is not a folder of results: it has no metrics.json" in done.err
    assert sorted(path.name for path in tiny.iterdir()) == ["tiny.yaml"]
    call("run", "tiny.yaml", "--quiet")
    with reserved(tiny / "results" / "tiny"):
        assert call("report", "results/tiny").status == 5
    assert not (tiny / "results" / "tiny" / "report.html").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_at_once_and_leaves_what_was_there(tiny: Path, call: Call, number: int, status: int) -> None:
    call(*play())
    before = {path: path.read_bytes() for path in (tiny / "results" / "tiny").iterdir()}
    with endless("--seed", "2") as process:
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, out) == (status, "")
    assert err == "stopped with 8 plays done; the same command goes on from there\n"
    assert {path: path.read_bytes() for path in (tiny / "results" / "tiny").iterdir()} == before
    assert sorted(os.listdir(tiny / "results")) == [".tiny.journal", "tiny"]


def test_a_reader_who_leaves_is_no_fault(tiny: Path) -> None:
    command = f"{sys.executable} -m simsys schema | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n" and done.stderr == ""


def at_a_terminal(*words: str, **environment: str) -> str:
    """What a person at a terminal sees."""
    seen = b""
    child, master = pty.fork()
    if child == 0:
        os.environ.update(environment)
        os.execv(sys.executable, [*SIMSYS, *words])
    try:
        while data := os.read(master, 65536):
            seen += data
    except OSError:
        pass
    finally:
        os.close(master)
        os.waitpid(child, 0)
    return seen.decode()


@pytest.mark.long
def test_colour_and_progress_are_for_terminals(tiny: Path) -> None:
    seen = at_a_terminal("run", "tiny.yaml", "--jobs", "1", TERM="xterm")
    assert "\x1b[1mget\x1b[0m" in seen and " 5 of 6 plays, " in seen
    seen = at_a_terminal("run", "tiny.yaml", "--jobs", "1", "--quiet", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in seen and "plays" not in seen


@pytest.mark.parametrize(
    ("is_terminal", "environment", "painted"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"NO_COLOR": ""}, True),
     (True, {"TERM": "dumb"}, False)],
)  # fmt: skip
def test_who_sees_colour(
    is_terminal: bool, environment: dict[str, str], painted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert terminal.colour() == painted


def test_progress_is_counted_on_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal.progress() is None, "nobody looks"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert terminal.progress() is None, "it cannot go back on the line"
    monkeypatch.setenv("TERM", "xterm")
    show = terminal.progress()
    assert show is not None
    show(1, 2)
    show(2, 2)
    bar = "█" * 10 + "░" * 10
    assert capsys.readouterr().err == f"\r{bar} 1 of 2 plays, 1 s left\x1b[K\r\x1b[K"


@pytest.mark.long
def test_any_encoding_will_do(tiny: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [*SIMSYS, "run", "tiny.yaml", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0 and b"latency p50" in done.stdout
