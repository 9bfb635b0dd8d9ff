"""Plays on a Dask cluster: the same bytes as here, whatever dies; and who is refused."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_cli import TINY, Call, call, tiny  # noqa: F401  (fixtures)
from test_sweep import VARY, files_of

from simsys.experiment import cluster as clusters
from simsys.experiment.cluster import NoCluster, cluster
from simsys.experiment.evaluate import evaluate
from simsys.experiment.setting import settings
from simsys.experiment.workers import WorkerError
from simsys.report.files import to_json, told
from simsys.scenario import load_scenario

pytest.importorskip("distributed", reason="the extra simsys[cluster] is not installed")

START = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host=sys.argv[1]) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
PRELOADED = """
import os, signal, time
from pathlib import Path
from simsys.experiment import received

HERE = Path(FOLDER)
play_job, code = vars(received).setdefault("real", (received.play_job, received.code))  # Dask may load this twice

def played(job):
    with (HERE / "played").open("a") as file:
        file.write(f"{job.key}\\n")
    if (HERE / "slow").exists():
        time.sleep(0.3)
    if job.replication == 1 and (HERE / "deadly").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if job.replication == 1 and (HERE / "once").exists():
        (HERE / "once").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if job.replication == 1 and (HERE / "failing").exists():
        raise ValueError("no such luck")
    return play_job(job)

received.play_job = played
received.code = lambda: "0" * 64 if (HERE / "other").exists() else code()
"""


class Elsewhere(NamedTuple):
    """A cluster, and a folder in which a file makes its workers do what its name says."""

    address: str
    folder: Path
    process: subprocess.Popen[str]

    @property
    def played(self) -> list[str]:
        """The keys of the jobs that were begun since it was asked last, sorted."""
        file = self.folder / "played"
        keys = sorted(file.read_text().splitlines()) if file.exists() else []
        file.unlink(missing_ok=True)
        return keys


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Elsewhere]]:
    """Starts clusters of two processes."""
    started = []

    def begin(host: str = "127.0.0.1") -> Elsewhere:
        folder = tmp_path_factory.mktemp("elsewhere")
        (folder / "start.py").write_text(START)
        (folder / "preloaded.py").write_text(PRELOADED.replace("FOLDER", repr(str(folder))))
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        dask = {
            "DASK_DISTRIBUTED__WORKER__PRELOAD": f'["{folder / "preloaded.py"}"]',
            "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "120s",  # or one that starts again slowly is ended
        }
        process = subprocess.Popen(
            [sys.executable, folder / "start.py", host], cwd=folder, env=os.environ | {"PYTHONPATH": path} | dask,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(folder / "log").open("w"),
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        return Elsewhere(process.stdout.readline().strip(), folder, process)

    yield begin
    for process in started:
        process.communicate()


@pytest.fixture(scope="module")
def there(start: Callable[..., Elsewhere]) -> Elsewhere:
    return start()


@pytest.fixture
def elsewhere(there: Elsewhere) -> Iterator[Elsewhere]:
    """The cluster of all tests, whose workers do nothing odd."""
    there.played  # noqa: B018  (forgets)
    yield there
    for name in ("slow", "deadly", "once", "failing", "other"):
        (there.folder / name).unlink(missing_ok=True)


def played(scenarios: Any, by: Elsewhere | None = None) -> list[str]:
    """What is told of the results."""
    if by is None:
        return [to_json(told(result)) for result in evaluate(scenarios, 1, engine="simpy")]
    with cluster(by.address) as there:
        return [to_json(told(result)) for result in evaluate(scenarios, engine="simpy", players=there.play)]


def test_a_sweep_gives_the_same_bytes(elsewhere: Elsewhere, tiny: Path, call: Call) -> None:  # noqa: F811
    assert call("sweep", "tiny.yaml", *VARY, "--jobs", 1, "--out", "here").status == 0
    assert not elsewhere.played
    done = call("sweep", "tiny.yaml", *VARY, "--cluster", elsewhere.address, "--out", "there")
    assert done.status == 0 and "9 of them different" in done.err, done.err
    assert files_of(tiny / "there") == files_of(tiny / "here")
    assert len(elsewhere.played) == 9, "each play once, and none of them here"


@pytest.mark.long
def test_shards_and_a_cluster_go_together(elsewhere: Elsewhere, tiny: Path, call: Call) -> None:  # noqa: F811
    assert call("sweep", "tiny.yaml", *VARY, "--jobs", 1, "--out", "here").status == 0
    for n in (1, 2):
        words = ("--shard", f"{n}/2", "--cluster", elsewhere.address)
        assert call("sweep", "tiny.yaml", *VARY, *words).status == 0
    assert call("merge", *(f"results/tiny-sweep-{n}-of-2" for n in (1, 2)), "--out", "merged").status == 0
    assert files_of(tiny / "merged") == files_of(tiny / "here") and len(elsewhere.played) == 9


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("tune", "--vary", "stations.slow.servers=1..3"),
        ("doubt", "--vary", "stations.slow.servers=1..3"),
        ("size",),
        ("run",),
    ],
)
def test_other_commands(words: tuple[str, ...], elsewhere: Elsewhere, tiny: Path, call: Call) -> None:  # noqa: F811
    command = (words[0], "tiny.yaml", *words[1:], "--engine", "simpy", "--out")
    here = call(*command, "here")
    assert not elsewhere.played
    there = call(*command, "there", "--cluster", elsewhere.address)
    assert (there.status, there.out) == (here.status, here.out) and elsewhere.played
    assert files_of(tiny / "there") == files_of(tiny / "here")


TRACED = """
load: {trace: {file: trace.csv, time: t_ms, op: op, columns: [followers]}}
stations:
  disk: {servers: 1, ops: {get: {quantiles: {file: times.csv}}}}
strategies: [{flow: {name: one, get: [{visit: disk.get}], put: [{visit: disk.get, n: 2}]}}]
run: {replications: 2}
"""


def traced(folder: Path) -> Any:
    """A scenario that reads two files, which stand in folders of their own."""
    (folder / "trace.csv").write_text(
        "t_ms,op,followers\n" + "".join(f"{3 * n},{'put' if n % 3 else 'get'},{n}\n" for n in range(300))
    )
    (folder / "times.csv").write_text("u,value\n0,0.001\n0.5,0.002\n1,0.009\n")
    (folder / "traced.yaml").write_text(TRACED)
    return load_scenario(folder / "traced.yaml")


def test_what_is_in_files_travels_along(elsewhere: Elsewhere, tmp_path: Path) -> None:
    here = played([traced(tmp_path)])
    scenario = load_scenario(tmp_path / "traced.yaml")
    text, files = clusters._told(scenario)
    assert [name for name, _ in files] == ["0-trace.csv", "1-times.csv"] and str(tmp_path) not in text
    assert played([scenario], elsewhere) == here


def test_large_files_are_read_where_they_are(
    elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "TRAVELS", 20)
    here = played([traced(tmp_path)])
    assert played([load_scenario(tmp_path / "traced.yaml")], elsewhere) == here
    (tmp_path / "changed").mkdir()
    scenario = traced(tmp_path / "changed")
    assert settings(scenario)[0].identity
    (tmp_path / "changed" / "times.csv").write_text("u,value\n0,0.001\n0.5,0.002\n1,0.008\n")
    with pytest.raises(WorkerError, match="reads something else in a file of the scenario than is read here"):
        played([scenario], elsewhere)


def test_a_worker_that_dies_loses_only_its_own_job(elsewhere: Elsewhere) -> None:
    scenario = load_scenario(TINY, ["run.replications=4"])
    here = played([scenario])
    (elsewhere.folder / "once").touch()
    assert played([scenario], elsewhere) == here
    begun = elsewhere.played
    assert len(begun) == 9 and len(set(begun)) == 8, "one of eight was begun twice"


def test_a_job_whose_worker_dies_twice_is_marked_and_the_rest_goes_on(elsewhere: Elsewhere) -> None:
    (elsewhere.folder / "deadly").touch()
    with cluster(elsewhere.address) as there:
        (result,) = evaluate([load_scenario(TINY)], engine="simpy", players=there.play)
    failed = "replication 1 failed: its worker died"
    assert [str(each) for each in result.failed] == [f"wide: {failed}", f"narrow: {failed}"]
    begun = elsewhere.played
    assert sorted(map(begun.count, set(begun))) == [1, 1, 1, 1, 2, 2]


def test_a_play_that_fails_says_why(elsewhere: Elsewhere) -> None:
    (elsewhere.folder / "failing").touch()
    with cluster(elsewhere.address) as there:
        (result,) = evaluate([load_scenario(TINY)], engine="simpy", players=there.play)
    assert str(result.failed[0]) == "wide: replication 1 failed: no such luck" and len(elsewhere.played) == 6


def test_workers_with_another_version_are_refused(elsewhere: Elsewhere, tiny: Path, call: Call) -> None:  # noqa: F811
    (elsewhere.folder / "other").touch()
    done = call("run", "tiny.yaml", "--engine", "simpy", "--cluster", elsewhere.address)
    assert (done.status, done.out) == (1, "") and not elsewhere.played
    assert "has another version of simsys, whose figures are not to be mixed with those from here" in done.err


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://10.1.2.3:8786", "neither encrypted nor does it ask who is there"),
        ("10.1.2.3:8786", "say --insecure-cluster in a network that you trust"),
        ("tcp://[2001:db8::1]:8786", "neither encrypted"),
        ("tcp://localhost.example.org:8786", "neither encrypted"),
        ("tcp://user@127.0.0.1.example.org:8786", "neither encrypted"),
        ("tls://10.1.2.3:8786", "tls:// needs certificates: ca-file and client.cert"),
        ("ws://127.0.0.1:8786", "expected tcp://HOST:PORT or tls://HOST:PORT, not 'ws://127.0.0.1:8786'"),
        ("127.0.0.1", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:port", "expected tcp://HOST:PORT"),
        ("", "expected tcp://HOST:PORT"),
    ],
)
def test_who_is_refused(address: str, message: str, tiny: Path, call: Call) -> None:  # noqa: F811
    done = call("run", "tiny.yaml", "--cluster", address)
    assert (done.status, done.out) == (2, "") and message in done.err
    assert not (tiny / "results").exists()


@pytest.mark.parametrize(
    ("address", "insecure", "full"),
    [
        ("127.0.0.1:1", False, "tcp://127.0.0.1:1"),
        ("tcp://127.8.8.8:1", False, "tcp://127.8.8.8:1"),
        ("tcp://[::1]:1", False, "tcp://[::1]:1"),
        ("localhost:1", False, "tcp://localhost:1"),
        ("tls://dask.example.org:1", False, "tls://dask.example.org:1"),
        ("tcp://10.1.2.3:1", True, "tcp://10.1.2.3:1"),
    ],
)
def test_who_is_not(address: str, insecure: bool, full: str) -> None:
    assert clusters._checked(address, insecure) == full


def test_insecurity_that_is_asked_for(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_is_loopback", lambda host: False)
    with pytest.raises(NoCluster), cluster(elsewhere.address):
        pass
    with cluster(elsewhere.address, insecure=True) as there:
        there.workers()


def test_without_dask(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = call("run", "tiny.yaml", "--cluster", "127.0.0.1:8786")
    told = "--cluster: a cluster needs Dask, which is not installed: pip install 'simsys[cluster]'\n"
    assert done == (2, "", told)


@pytest.mark.parametrize("words", [("--jobs", "2"), ("--limit", "1m")])
def test_limits_of_this_machine(words: tuple[str, str], tiny: Path, call: Call) -> None:  # noqa: F811
    done = call("run", "tiny.yaml", "--cluster", "127.0.0.1:8786", *words)
    assert done.status == 2 and f"{words[0]} is for this machine" in done.err


def test_nobody_answers(tiny: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(clusters, "CONNECT", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = call("run", "tiny.yaml", "--cluster", address)
    assert (done.status, done.out) == (1, "") and f"no scheduler answers at tcp://{address}" in done.err


def swept_slowly(elsewhere: Elsewhere, folder: Path) -> subprocess.Popen[str]:
    """A sweep in a process of its own, of which two plays are done."""
    (folder / "tiny.yaml").write_text(TINY)
    (elsewhere.folder / "slow").touch()
    command = [sys.executable, "-m", "simsys", "sweep", "tiny.yaml", *VARY, "--cluster", elsewhere.address]
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: (elsewhere.folder / "played").exists() and len((elsewhere.folder / "played").read_text().split()) > 3)
    return process


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.long
def test_a_scheduler_that_goes_is_said_and_what_is_done_is_kept(
    start: Callable[..., Elsewhere],
    tiny: Path,  # noqa: F811
    call: Call,  # noqa: F811
) -> None:
    elsewhere = start()
    process = swept_slowly(elsewhere, tiny)
    elsewhere.process.kill()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1] == f"simsys: the scheduler at {elsewhere.address} is gone; what is done is kept"
    assert call("sweep", "tiny.yaml", *VARY, "--jobs", 1, "--out", "whole").status == 0
    assert call("sweep", "tiny.yaml", *VARY, "--jobs", 1).status == 0
    assert files_of(tiny / "results" / "tiny-sweep") == files_of(tiny / "whole")


@pytest.mark.long
def test_ctrl_c_takes_back_what_is_not_done(elsewhere: Elsewhere, tiny: Path) -> None:  # noqa: F811
    process = swept_slowly(elsewhere, tiny)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - began < 5
    assert "plays done; the same command goes on from there" in err and "Traceback" not in err
    from distributed import Client

    with Client(elsewhere.address, set_as_default=False) as client:
        until(lambda: not any(client.processing().values()))
    assert len(elsewhere.played) < 9


@pytest.mark.long
def test_the_compiled_engine(elsewhere: Elsewhere) -> None:
    scenarios = [
        load_scenario("celebrity", ["run.duration=1s", "run.replications=2", f"load.rate={n}/s"]) for n in (50, 100)
    ]
    with cluster(elsewhere.address) as there:
        results = evaluate(scenarios, engine="compiled", players=there.play)
    here = evaluate(scenarios, 1, engine="compiled")
    assert [to_json(told(result)) for result in results] == [to_json(told(result)) for result in here]


@pytest.mark.long
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_with_the_certificates_of_dasks_configuration(
    start: Callable[..., Elsewhere], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=dask", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    for name in ("SCHEDULER", "WORKER", "CLIENT"):
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}__CERT", str(cert))
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}__KEY", str(key))
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", str(cert))
    elsewhere = start("tls://127.0.0.1")
    assert elsewhere.address.startswith("tls://")
    command = [sys.executable, "-m", "simsys", "run", "tiny.yaml", "--engine", "simpy", "--json"]
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = [
        subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        for words in (["--cluster", elsewhere.address], [])
    ]
    assert done[0].stdout == done[1].stdout and done[0].returncode == done[1].returncode, done[0].stderr
    assert len(elsewhere.played) == 6
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT", str(tmp_path / "none.pem"))
    done = [subprocess.run([*command, "--cluster", elsewhere.address], cwd=tmp_path, capture_output=True, text=True)]
    assert done[0].returncode == 2 and "the certificates of Dask's configuration" in done[0].stderr
