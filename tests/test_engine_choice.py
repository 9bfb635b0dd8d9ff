"""Who plays: the figures are the same, `auto` takes the sooner, and what cannot be compiled is said."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from simsys import cli
from simsys.experiment import engines as choice
from simsys.experiment import jobs as playing
from simsys.experiment.engines import NotCompiled, summed_up
from simsys.experiment.estimate import estimate
from simsys.experiment.run import run
from simsys.experiment.setting import settings
from simsys.report import charts, files
from simsys.report.page import page
from simsys.scenario import load_scenario
from simsys.steps import Visit
from simsys.strategies import Strategy


class OddPages(Strategy):
    """Asks for a whole number of Python's own, which no symbol is."""

    def post(self, r: Any) -> Any:
        yield Visit("api", "post")

    def read(self, r: Any) -> Any:
        yield Visit("api", "read", n=1 + int(r.page) % 2)


FEW = ["run.requests=600", "run.replications=2"]
BOTH = ["strategies=[pull, odd_pages]", *FEW]


def small(*sets: str) -> Any:
    return load_scenario("small", list(sets))


def written(scenario: Any, engine: Any, jobs: int = 1) -> dict[str, bytes]:
    """All that a run writes, but for the manifest, and what its charts are drawn from instead of them."""
    result = run(scenario, jobs, engine=engine)
    drawn = [("drawn", repr(result.played).encode())]
    return dict(files.contents(result, "", page(scenario, result), drawn))


@pytest.mark.parametrize("sets", [FEW, BOTH, [*FEW, "strategies=[push, hybrid]", "run.replications=1"]])
def test_who_played_leaves_no_trace(sets: list[str]) -> None:
    one = written(small(*sets), "simpy")
    assert one == written(small(*sets), "auto", jobs=2)
    assert b"compiled" not in b"".join(one.values())


@pytest.mark.parametrize("kept", [True, False, None])
@pytest.mark.parametrize("requests", ["1k", "3M"])
def test_auto_takes_the_sooner(kept: bool | None, requests: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "kept", lambda _: kept)
    plan = estimate(small(f"run.requests={requests}"), 1)
    expected = "compiled" if kept or requests == "3M" else "simpy"
    assert set(plan.engines) == {expected}
    assert plan.compiles == (expected == "compiled" and not kept)


def test_jobs_count_for_who_is_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes SimPy 20 s of one core and 2 s of ten is not worth 12 s of compilation on ten."""
    monkeypatch.setattr(choice, "kept", lambda _: False)
    scenario = load_scenario("mm4", ["run.requests=50k"])
    assert [estimate(scenario, jobs).engines for jobs in (1, 10)] == [("compiled",), ("simpy",)]


def test_compilation_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {}
    for kept in (True, False):
        monkeypatch.setattr(choice, "kept", lambda _, kept=kept: kept)
        seconds[kept] = estimate(small(), 1, "compiled").seconds
    assert seconds[False] - seconds[True] == pytest.approx(choice.COMPILATION)


def test_what_cannot_be_traced_is_played_by_simpy_and_said() -> None:
    scenario = small(*BOTH)
    for wanted in ("auto", "simpy"):
        assert estimate(scenario, 1, wanted).engines[1] == "simpy"
    result = run(scenario, 1)
    assert any(note.startswith("odd_pages: its plan cannot be traced (") and "slower" in note for note in result.notes)
    assert result.engine in ("simpy", "compiled (pull), simpy (odd_pages)")


def test_a_plan_that_the_kernel_has_no_room_for_is_played_by_simpy(monkeypatch: pytest.MonkeyPatch) -> None:
    from simsys.engines import compiler

    monkeypatch.setattr(compiler, "MOST_STACK", 0)
    scenario = small("strategies=[push]", *FEW)
    reason = "an expression is too long"
    assert settings(scenario)[0].program == reason and settings(scenario)[0].demands
    assert estimate(scenario, 1).engines == ("simpy",)
    assert f"push: SimPy plays it, which is slower: {reason}" in run(scenario, 1).notes


@pytest.mark.parametrize(("engine", "before"), [("simpy", []), ("compiled", ["compiled"])])
def test_the_kernel_is_compiled_once_and_before_workers_are_forked(
    engine: Any, before: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fork = playing.side_by_side
    monkeypatch.setattr(playing, "compile_kernel", lambda: done.append("compiled"))
    monkeypatch.setattr(playing, "side_by_side", lambda *a: done.append("forked") or fork(*a))
    run(small(*FEW), 2, engine=engine)
    assert done == [*before, "forked"]


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that says how the kernel is compiled, on two cores without any kept code."""
    monkeypatch.setattr(choice, "kept", lambda _: False)
    monkeypatch.setattr(choice, "cores", lambda: 2)
    monkeypatch.setattr(choice, "_doors", lambda: [choice])
    return lambda how: monkeypatch.setattr(choice, "prepare", how)


def test_another_process_compiles_the_kernel_while_the_scenario_is_read(compiling: Any, tmp_path: Path) -> None:
    def compiles(_: object) -> None:
        time.sleep(0.5 if os.getpid() != parent else 0.0)
        with (tmp_path / "who").open("a") as file:
            file.write(f"{os.getpid() == parent} ")

    parent = os.getpid()
    compiling(compiles)
    with choice.compiling_ahead("compiled"):
        choice.compile_kernel()
    assert (tmp_path / "who").read_text() == "False True ", "who waits then loads what is kept"
    assert choice._ahead == []


def test_it_stops_when_simpy_is_to_play(compiling: Any) -> None:
    compiling(lambda _: time.sleep(60))
    with choice.compiling_ahead("auto"):
        (process,) = choice._ahead
        assert set(estimate(small("run.requests=1k"), 2).engines) == {"simpy"}
        process.join(30)
        assert process.exitcode == -signal.SIGKILL


def test_what_goes_wrong_there_goes_wrong_here_too_and_is_said_here(
    compiling: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    compiling(lambda _: 1 / 0)
    with choice.compiling_ahead("compiled"), pytest.raises(ZeroDivisionError):
        choice.compile_kernel()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("wanted", "cores", "kept"), [("simpy", 2, False), ("auto", 1, False), ("auto", 2, True), ("auto", 2, None)]
)
def test_nobody_compiles_what_need_not_be_or_cannot_be_kept(
    wanted: Any, cores: int, kept: bool | None, compiling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "kept", lambda _: kept)
    monkeypatch.setattr(choice, "cores", lambda: cores)
    with choice.compiling_ahead(wanted):
        assert choice._ahead == []


def test_the_compiled_engine_asked_for_in_vain() -> None:
    with pytest.raises(NotCompiled, match="cannot play 'odd_pages': "):
        run(small(*BOTH), 1, engine="compiled")


@pytest.mark.parametrize(
    ("engines", "word"),
    [
        (("simpy", "simpy"), "simpy"),
        (("compiled",) * 2, "compiled"),
        (("simpy", "compiled"), "simpy (a), compiled (b)"),
    ],
)
def test_one_word_for_all_engines(engines: tuple[str, ...], word: str) -> None:
    assert summed_up(["a", "b"], engines) == word


# The command line


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(charts, "charts", lambda *_: iter(()))
    monkeypatch.setattr(sys, "argv", ["simsys", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return (int(end.value.code or 0), *capsys.readouterr())


RUN = ["run", "small", "--jobs", "1", "--set", "run.requests=600", "--set", "run.replications=2"]
ODD = ["--set", "strategies=[pull, odd_pages]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_in_vain_is_2_with_one_line_and_nothing_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = call(capsys, monkeypatch, *RUN, *ODD, "--engine", "compiled")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("simsys: --engine compiled cannot play 'odd_pages': ")
    assert os.listdir(folder) == []


def test_check_explain_and_run_say_what_only_simpy_plays(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "odd_pages: SimPy plays it, which is slower: "
    assert line in call(capsys, monkeypatch, "check", "small", *ODD)[1]
    assert "Its plans cannot be traced: " in call(capsys, monkeypatch, "explain", "small", *ODD)[1]
    assert line in call(capsys, monkeypatch, *RUN, *ODD)[2]
    assert call(capsys, monkeypatch, *RUN, *ODD, "--quiet")[2] == ""
    assert line not in call(capsys, monkeypatch, *RUN)[2]


def test_the_engine_stands_in_json_and_the_manifest_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ("simpy", "compiled"):
        data = json.loads(call(capsys, monkeypatch, *RUN, "--engine", engine, "--json", "--quiet")[1])
        kept = folder / "results" / "small"
        assert data["engine"] == engine == json.loads((kept / "manifest.json").read_text())["engine"]
        del data["engine"]
        assert data == json.loads((kept / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("kept", "words"),
    [(False, "compiling the engine, once: about 12 s"), (True, None),
     (None, "compiling the engine, in every run, as its cache cannot be written: about 12 s")],
)  # fmt: skip
def test_compilation_is_said_once_and_not_to_the_quiet(
    kept: bool | None,
    words: str | None,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "kept", lambda _: kept)
    err = call(capsys, monkeypatch, *RUN, "--engine", "compiled")[2]
    assert [line for line in err.splitlines() if "compiling" in line] == ([words] if words else [])
    assert call(capsys, monkeypatch, *RUN, "--engine", "compiled", "--quiet")[2] == ""
    assert "compiling" not in call(capsys, monkeypatch, *RUN, "--engine", "simpy")[2]
    dry = call(capsys, monkeypatch, *RUN, "--engine", "compiled", "--dry-run")[1]
    assert f"\nengine: compiled{'' if kept else ', when it is compiled'}\n" in dry
