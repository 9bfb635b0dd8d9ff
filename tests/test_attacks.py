"""What was found by attacking: bad input is said with its place, and whatever is killed leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from endless import endless
from scenario_texts import FEED, changed, problems

from simsys import cli
from simsys.experiment import estimate as estimating
from simsys.experiment import jobs as working
from simsys.experiment import run as running
from simsys.experiment.estimate import estimate
from simsys.experiment.result import Result
from simsys.experiment.run import RunError, run
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import WorkerError
from simsys.measure.summary import Summary
from simsys.report import files
from simsys.report.charts import charts
from simsys.scenario import Problem, load_scenario, write_scenario
from simsys.workload import Workload

TINY = """\
load: {rate: 300/s, mix: {get: 100%}, keys: {count: 100}}
stations:
  server: {servers: 4, ops: {get: 1ms}}
  wire: {servers: unlimited, ops: {send: 1ms}}
caches: {c: {entries: 10, start: cold}}
strategies: [{flow: {name: f, get: [{visit: server.get}]}}]
run: {requests: 100, replications: 2}
"""
VISIT = "get: [{visit: server.get}]"
SIMSYS = [sys.executable, "-m", "simsys"]


def nested(levels: int) -> str:
    """A list of many steps, the last of which has such a list."""
    last = f", {{all: [{nested(levels - 1)}]}}" if levels > 1 else ""
    return f"[{', '.join(['{all: [[{visit: server.get}]]}'] * 150)}{last}]"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def ends(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[object, str, str]:
    """Status, standard output and standard error of the command line, in this process."""
    monkeypatch.setattr(sys, "argv", ["simsys", *words])
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit) as end:
        cli.main()
    for number, handler in before:
        signal.signal(number, handler)
    return (end.value.code, *capsys.readouterr())


# What a scenario says


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        ("[{visit: server.}]", "6:45: strategies.f.get.0.visit: expected station.operation, as in api.read"),
        ("[{visit: server.get, n: 1e18}]", "6:60: strategies.f.get.0.n: at most 1,000,000,000,000 are counted"),
        ("[{mark: fresh, n: 2 * 1000B}]", "6:54: strategies.f.get.0.n: at most 1,000,000,000,000 are counted"),
        (
            "[{each: 5, batch: 0, do: []}]",
            "6:54: strategies.f.get.0.batch: expected at least one in a batch",
        ),
        (
            "[{start: [], n: 5, batch: 0}]",
            "6:62: strategies.f.get.0.batch: expected at least one in a batch",
        ),
        (
            "[{hold: wire, do: []}]",
            "6:44: strategies.f.get.0.hold: 'wire' has unlimited servers: there is none to hold",
        ),
        *(
            (
                f"[{{{word}: c, key: {key}}}]",
                f"6:{48 + len(word)}: strategies.f.get.0.key: "
                "a cache knows one key at a time: expected a column or a number",
            )
            for word, key in (("lookup", "any"), ("fill", "spread"), ("drop", "any"))
        ),
        (
            f"[{', '.join(['{visit: server.get}'] * 201)}]",
            "6:21: strategies.f: its plan for 'get' is too large: more than 200 steps, one after the other",
        ),
        (
            nested(4),
            "6:21: strategies.f: its plan for 'get' is too large: its steps are nested too deep",
        ),
        (
            f"[{', '.join(['{lookup: c, miss: [{fill: c}]}'] * 13)}]",
            "6:21: strategies.f: its plan for 'get' is too large: the plan has more than 4,096 paths",
        ),
    ],
)  # fmt: skip
def test_what_no_flow_can_do(flow: str, expected: str) -> None:
    assert problems(changed(TINY, (VISIT, f"get: {flow}"))) == [expected]


def test_a_cache_that_is_only_filled_is_there() -> None:
    for word in ("fill", "drop"):
        text = changed(TINY, (VISIT, f"get: [{{{word}: c, key: key}}, {{visit: server.get}}]"))
        assert run(load_scenario(text), jobs=1).value("f", "get", "throughput") > 0


@pytest.mark.parametrize("name", ["=cmd", "[/red]", "a.b", "A", "$x_{"])
def test_the_operation_of_a_station_has_a_name(name: str) -> None:
    (problem,) = problems(changed(TINY, ("ops: {get: 1ms}", f"ops: {{get: 1ms, '{name}': 1ms}}")))
    assert problem.startswith("3:40: stations.server.ops") and "expected a name: a small letter" in problem


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("stations.server.vcpu=1e308", "must be at most 1e+06"),
        ("prices.ram=2{0}{0} $/GB/month", "must be at most 1e+30"),
        ("run.requests=1000001B", "must be at most 1e+15"),
        ("load.clients=1000001", "must be at most 1e+06"),
        ("load.rate=2{0}/s", "must be at most 1e+30"),
        ("load.size=2{0}B", "equal to 1000000000000000000000000000000"),
        ("load.page=1e300", "equal to 1000000000000000000000000000000"),
        ("stations.server={servers: 1000, shards: 100000, ops: {get: 1ms}}", "at most 10,000,000 servers"),
    ],
)
def test_numbers_have_bounds(option: str, expected: str) -> None:
    (problem,) = problems(TINY, option.replace("{0}", "0" * 30))
    assert expected in problem


def test_the_largest_numbers_are_written_and_read_again() -> None:
    largest = ["load.at_once=1000000B", f"load.page=1{'0' * 30}", "prices.zones=1000000B", "caches.c.entries=1000000B"]
    scenario = load_scenario(TINY, largest)
    again = load_scenario(write_scenario(scenario))
    assert again.load == scenario.load and again.prices == scenario.prices and again.caches == scenario.caches


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("run.duration=105d", "run: requests arrive for 105 d; at most 104 d can be measured"),
        ("events=[{at: 0s, stall: server, for: 105d}]", "--set events 1:31: events.0.for: at most 104 d"),
    ],
)
def test_a_clock_is_exact_for_so_long_only(option: str, expected: str) -> None:
    (problem,) = problems(TINY, option)
    assert expected in problem
    assert problems(TINY, "load.rate=1/d") == [], "100 days"


def test_what_takes_too_long_to_measure_is_no_internal_fault() -> None:
    sets = ["load={at_once: 1, mix: {get: 100%}}", "stations.server.ops.get=1000d"]
    for jobs in (1, 2):
        with pytest.raises(RunError, match="failed: a latency"):
            run(load_scenario(TINY, sets), jobs)


def test_a_path_of_thousands_of_steps() -> None:
    (problem,) = problems(TINY, f"{'.'.join(['a'] * 5000)}=1")
    assert "a path such as load.rate is needed" in problem


def test_no_control_character_reaches_the_terminal() -> None:
    problem = str(Problem("f\x1b", 1, 1, "strategies.a\n\x1b[31m", "the header is: \u202e\x07"))
    assert problem == "f\N{REPLACEMENT CHARACTER}:1:1: strategies.a\ufffd\ufffd[31m: the header is: \ufffd\ufffd"
    assert problems(changed(FEED, ("Who should pay?", '"a\\rb"'))) == [
        "1:11: : a control character is not allowed"
    ]


# Traces


@pytest.mark.parametrize("file", ["pipe", "pipe.gz", "/dev/zero", "."])
def test_a_trace_is_a_file(tiny: Path, file: str) -> None:
    os.mkfifo(tiny / "pipe")
    os.mkfifo(tiny / "pipe.gz")
    (problem,) = problems(TINY, f"load={{trace: {{file: '{file}', time: t_s}}, mix: {{get: 100%}}}}")
    assert problem.endswith("this is not a file")


@pytest.mark.parametrize("rows", ["5\n", "5\n5\n5\n"])
def test_one_moment_is_no_rate(tiny: Path, rows: str) -> None:
    (tiny / "t.csv").write_text("t_s\n" + rows)
    (problem,) = problems(TINY, "load={trace: {file: t.csv, time: t_s}, mix: {get: 100%}}")
    assert problem.endswith("a trace needs two times at least")


@pytest.mark.parametrize("column", ["a b", "child", "index", "=x", "__class__", "_luck"])
def test_a_column_is_a_word_for_plans(tiny: Path, column: str) -> None:
    (tiny / "t.csv").write_text(f"t_s,{column}\n1,1\n2,2\n")
    found = problems(TINY, f"load={{trace: {{file: t.csv, time: t_s, columns: ['{column}']}}, mix: {{get: 100%}}}}")
    assert any("load.trace.columns.0: plans see a column by its name" in problem for problem in found)


# Results


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with files.reserved(tmp_path / "out") as folder:
        files.write(folder, {"rows.csv": b"old"})

    def full(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"), files.reserved(tmp_path / "out") as folder:
        files.write(folder, {"rows.csv": b"new"})
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out" / "rows.csv").read_bytes() == b"old"


def test_neither_the_root_nor_a_loop_is_for_results(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for folder in (Path("/"), tmp_path / "loop"):
        with pytest.raises(files.NotResults), files.reserved(folder):
            pass
    assert os.listdir(tmp_path) == ["loop"]


# Processes


def two_plays() -> Result:
    return run(load_scenario(TINY), jobs=2, engine="simpy")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_worker_dies_and_nothing_is_lost(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if it is a signal that it must not take for the command line's."""
    whole, play_once, killed = two_plays(), working.play_once, tmp_path / "killed"

    def played(setting: Setting, replication: int, engine: str, load: Workload | None) -> Summary:
        if replication == 1 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), number)
        return play_once(setting, replication, engine, load)

    monkeypatch.setattr(working, "play_once", played)
    before = signal.signal(signal.SIGTERM, cli.entry._stopped)
    assert two_plays() == whole
    signal.signal(signal.SIGTERM, before)
    assert killed.exists()


def test_workers_die_with_their_parent(tiny: Path) -> None:
    with endless() as parent:
        parent.kill()
        assert parent.communicate(timeout=10) == ("", ""), "who lives holds the pipes open"


SLOW_END = """
def whisper(_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    finally:
        print("went on with the end")

results.whisper = whisper
"""


def test_a_second_signal_ends_at_once(tiny: Path) -> None:
    """It comes while the first one's end is not through yet."""
    with endless(more=SLOW_END) as parent:
        parent.send_signal(signal.SIGTERM)
        assert parent.communicate(timeout=10) == ("", "")
    assert parent.returncode == 143


def test_workers_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none)
    with pytest.raises(WorkerError, match=r"workers cannot be started: Resource temporarily unavailable"):
        two_plays()


# The command line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--set", "load.rate=1000000B/s", "--set", "run.requests=1000000B"), "requests per play need about"),
        (("--set", "load={clients: 1M, mix: {get: 100%}}", "--jobs", "2"), "requests per play need about"),
        (("--set", "strategies.f.get=[{each: 1000B, do: [{visit: server.get}]}]"), "requests per play need about"),
        (("--jobs", "10000"), "--jobs"),
        (("--require", "\x1b[31m"), "there is no strategy '\N{REPLACEMENT CHARACTER}[31m' here"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_is_not_begun(
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setattr(estimating, "memory", lambda: 5e8)
    monkeypatch.setattr(running, "run", None)
    code, out, err = ends(capsys, monkeypatch, "run", "tiny.yaml", *words)
    assert (code, out) == (2, "") and expected in err and "\x1b" not in err
    assert os.listdir(tiny) == ["tiny.yaml"]


def test_clients_take_memory_before_they_ask() -> None:
    for engine, costs in estimating.COSTS.items():
        sets = [f"load={{clients: {n}, mix: {{get: 100%}}}}" for n in ("1", "1M")]
        few, many = (estimate(load_scenario(TINY, [each]), 1, engine) for each in sets)
        assert many.memory - few.memory == 999_999 * costs.bytes


def test_out_of_memory_is_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(running, "run", exhausted)
    assert ends(capsys, monkeypatch, "run", "tiny.yaml", "--quiet")[1:] == ("", "simsys: out of memory\n")


@pytest.mark.parametrize(
    ("redirected", "words", "expected"),
    [
        (">&-", "--version", "0\n"),
        ("2>&-", "check nowhere", "2\n"),
        ("2>/dev/full", "check nowhere", "2\n"),
        (">/dev/full", "--version", "simsys: cannot print: No space left on device\n1\n"),
    ],
)
def test_streams_that_are_closed_or_full(redirected: str, words: str, expected: str) -> None:
    script = f'"$0" -m simsys {words} {redirected}; echo $? >&3'
    done = subprocess.run(
        ["bash", "-c", f"{{ {script}; }} 3>&2", sys.executable], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("", expected)


def test_charts_need_no_screen_and_no_home(tiny: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "no-such-screen", "HOME": "/proc", "XDG_CONFIG_HOME": "/proc"}
    done = subprocess.run(
        [*SIMSYS, "run", "tiny.yaml", "--quiet", "--jobs", "1"],
        env=environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"") and (tiny / "results" / "tiny" / "utilization.svg").exists()


@pytest.mark.filterwarnings("error")
def test_names_as_long_as_they_may_be() -> None:
    long = "x" * 64
    text = TINY.replace("get", long).replace("name: f", f"name: {long}")
    result = run(load_scenario(text), jobs=1)
    assert {name for name, _ in charts(result)} >= {"utilization.svg", "utilization.png"}


def test_setting_of_a_cache_that_is_down_but_never_asked() -> None:
    text = changed(TINY, (VISIT, "get: [{fill: c, key: key}, {visit: server.get}]"))
    scenario = load_scenario(text, ["events=[{at: 0s, empty: c}]"])
    assert settings(scenario)[0].layers == {} and run(scenario, jobs=1).value("f", "get", "throughput") > 0
