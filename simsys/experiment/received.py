"""What a worker of a cluster does: it plays a job that it gets as text and numbers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Literal

from simsys.experiment.engines import compile_kernel
from simsys.experiment.identity import code
from simsys.experiment.jobs import Job, play_job
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import Failed, attempt
from simsys.scenario.load import read_scenario

_one_at_a_time = Lock()


def play_received(
    made_of: str, text: str, files: tuple[tuple[str, bytes], ...], number: int, replication: int, engine: str, key: str
) -> tuple[Literal["played"], bytes] | tuple[Literal["failed", "refused"], str]:
    """Play a strategy of the scenario with this text; its files are sent along, unless their names are absolute.

    The encoded summary, or why there is none: the play "failed", or it is "refused" as the code (`made_of`) or
    anything else that the play depends on (`key`) is not the same here.
    """
    if code() != made_of:
        return "refused", "has another version of simsys, whose figures are not to be mixed with those from here"
    with _one_at_a_time:
        try:
            setting, _ = _setting(text, files, number)
        except Exception as error:
            return "refused", f"cannot read the scenario: {error}"
        job = Job(setting, replication, engine)
        if job.key != key:
            return "refused", "reads something else in a file of the scenario than is read here"
        answer = attempt(_play, job)
    return ("failed", answer.reason) if isinstance(answer, Failed) else ("played", answer)


@lru_cache(maxsize=16)
def _setting(text: str, files: tuple[tuple[str, bytes], ...], number: int) -> tuple[Setting, TemporaryDirectory[str]]:
    """A strategy, ready to be played, and the folder of its files, which lasts as long."""
    folder = TemporaryDirectory(prefix="simsys-")
    for name, content in files:
        (Path(folder.name) / name).write_bytes(content)
    return settings(read_scenario(text, (), "sent", Path(folder.name)))[number], folder


def _play(job: Job) -> bytes:
    if job.engine == "compiled":
        compile_kernel()
    return play_job(job)
