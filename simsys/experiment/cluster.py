"""Plays on a Dask cluster: the very same jobs, sent as text and numbers, and their summaries as bytes.

Dask carries; who plays what is decided here: one job at a time for each process of the cluster, so that one that dies
takes nothing along but its own.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simsys.experiment.identity import code
from simsys.experiment.jobs import Job
from simsys.experiment.received import play_received
from simsys.experiment.workers import TRIES, Failed, WorkerError
from simsys.scenario import Scenario, write_scenario

if TYPE_CHECKING:
    from distributed import Client, Future, Security

CONNECT, PATIENCE, GLANCE = 4.0, 30.0, 0.5
"""Seconds until an address is unreachable, a cluster without workers is given up, and workers are counted again."""
TRAVELS = 1_000_000
"""Bytes of the files that are sent along with a play; larger ones are read where they are, by the workers."""


class NoCluster(ValueError):
    """A cluster that is asked for in a way that is refused: no such address, not safe, or Dask is not here."""


class Cluster:
    """The workers of a Dask cluster, as long as the scheduler can be reached. WorkerError when it is gone."""

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address

    def workers(self) -> list[str]:
        """The addresses of the processes that can play."""
        with suppress(OSError, TimeoutError, RuntimeError, ValueError):
            if self._client.status == "running":
                return sorted(self._client.nthreads())
        raise WorkerError(f"the scheduler at {self._address} is gone; what is done is kept")

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, bytes | Failed]]:
        """See `Players`. WorkerError if the cluster is gone, or plays something else than what is here."""
        waiting = deque((job, 1) for job in jobs)
        busy: dict[str, _Sent] = {}
        lost: list[_Sent] = []
        done: SimpleQueue[_Sent] = SimpleQueue()
        last_seen = time.monotonic()
        while waiting or busy or lost:
            here = self.workers()
            lost += [busy.pop(worker) for worker in busy.keys() - set(here)]
            for sent in lost:
                sent.future.cancel()
                if sent.tries < TRIES:
                    waiting.appendleft((sent.job, sent.tries + 1))
                else:
                    yield sent.job, Failed("its worker died")
            lost.clear()
            for worker in here:
                if waiting and worker not in busy:
                    busy[worker] = _Sent(self._client, worker, *waiting.popleft(), done)
            last_seen = time.monotonic() if here else last_seen
            if time.monotonic() - last_seen > PATIENCE:
                raise WorkerError(f"the cluster at {self._address} has no workers; what is done is kept")
            over = _next(done)
            if over is not None and busy.get(over.worker) is over:
                del busy[over.worker]
                answer = over.answer()
                if answer is None:
                    lost.append(over)
                else:
                    yield over.job, answer


def _next(done: SimpleQueue[_Sent]) -> _Sent | None:
    with suppress(Empty):
        return done.get(timeout=GLANCE)
    return None


class _Sent:
    """A job that a worker has; it puts itself among those `done` in the end."""

    _numbers = count()

    def __init__(self, client: Client, worker: str, job: Job, tries: int, done: SimpleQueue[_Sent]) -> None:
        self.worker, self.job, self.tries = worker, job, tries
        text, files = _told(job.setting.scenario)
        number = job.setting.scenario.strategies.index(job.setting.strategy)
        self.future: Future[Any] = client.submit(
            play_received, code(), text, files, number, job.replication, job.engine, job.key,
            key=f"simsys-{client.id}-{next(self._numbers)}", workers=[worker], allow_other_workers=False, pure=False,
        )  # fmt: skip
        self.future.add_done_callback(lambda _: done.put(self))

    def answer(self) -> bytes | Failed | None:
        """What came of it; None if it is lost, with its worker or on the way."""
        from distributed.scheduler import KilledWorker

        if self.future.status == "error":
            error = self.future.exception()
            if isinstance(error, KilledWorker):
                return Failed("its worker died")
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise WorkerError(f"{self.worker} cannot play (is simsys there, and the same?): {said}")
        try:
            kind, content = self.future.result(timeout=PATIENCE)
        except Exception:
            return None
        if kind == "refused":
            raise WorkerError(f"{self.worker} {content}")
        answer: bytes | Failed = Failed(content) if kind == "failed" else content
        return answer


@contextmanager
def cluster(address: str, insecure: bool = False) -> Iterator[Cluster]:
    """The cluster whose scheduler listens at an address, tcp://HOST:PORT or tls://HOST:PORT; it is left at the end,
    and with it all that it was given to play and has not played.

    Whoever reaches a Dask scheduler runs what they like on its workers, and what workers send runs here: so tcp, where
    anybody may listen and speak, is refused (NoCluster) beyond this machine unless it is to be `insecure`; tls takes
    certificates from Dask's configuration (`distributed.comm.tls`). WorkerError if nobody answers.
    """
    where = _checked(address, insecure)
    try:
        from distributed import Client
    except ImportError:
        raise NoCluster("a cluster needs Dask, which is not installed: pip install 'simsys[cluster]'") from None
    security = _security(where)
    if not os.environ.get("SIMSYS_TRACEBACK"):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(where, timeout=CONNECT, security=security, set_as_default=False)
    except (OSError, TimeoutError, RuntimeError) as error:
        said = " ".join(str(error).split())[:300]
        raise WorkerError(f"no scheduler answers at {where}: {said}") from None
    try:
        yield Cluster(client, where)
    finally:
        client.close(timeout=2.0)


def _checked(address: str, insecure: bool) -> str:
    """The address in full. NoCluster if it is none, or not safe."""
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if scheme not in ("tcp", "tls") or not host or not port:
        raise NoCluster(f"expected tcp://HOST:PORT or tls://HOST:PORT, not {address!r}")
    if scheme == "tcp" and not insecure and not _is_loopback(host):
        raise NoCluster(
            f"{address} is neither encrypted nor does it ask who is there, and whoever reaches a Dask scheduler can run"
            " anything on its workers and here: use tls:// (distributed.comm.tls in Dask's configuration), or say"
            " --insecure-cluster in a network that you trust"
        )
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _security(address: str) -> Security:
    """The certificates that Dask is configured with. NoCluster if there are none for tls, or they cannot be read."""
    from distributed import Security

    security = Security()
    try:
        context = security.get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:
        raise NoCluster(
            f"the certificates of Dask's configuration (distributed.comm.tls) are no use: {error}"
        ) from None
    if address.startswith("tls:") and context is None:
        raise NoCluster("tls:// needs certificates: ca-file and client.cert under distributed.comm.tls in Dask's"
                        " configuration")  # fmt: skip
    return security


def _told(scenario: Scenario) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """The text of a scenario, and what is in its files, worked out once."""
    if "sent" not in scenario.worked_out:
        files: list[tuple[str, bytes]] = []

        def packed(name: str) -> str:
            path = (scenario.folder / name).resolve()
            if path.stat().st_size > TRAVELS:
                return str(path)
            sent = f"{len(files)}-{path.name}"
            files.append((sent, path.read_bytes()))
            return sent

        text = write_scenario(scenario, renamed=packed)
        scenario.worked_out["sent"] = text, tuple(files)
    told: tuple[str, tuple[tuple[str, bytes], ...]] = scenario.worked_out["sent"]
    return told
