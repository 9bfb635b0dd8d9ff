"""Who plays: the processes of this machine, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from simsys.cli.app import FAULT, WRONG, Stop

if TYPE_CHECKING:
    from simsys.experiment.jobs import Players


class Crew(NamedTuple):
    """How many play side by side (None: as many as there are cores), and who, if not processes of this machine."""

    size: int | None
    players: Players | None


@contextmanager
def crew(address: str | None, insecure: bool, jobs: int | None, limit: list[str] | None = None) -> Iterator[Crew]:
    """The workers of the cluster at an address, or so many processes of this machine if there is none."""
    if address is None:
        yield Crew(jobs, None)
        return
    from simsys.experiment.cluster import NoCluster, cluster
    from simsys.experiment.workers import WorkerError

    if jobs is not None or limit:
        told = "--limit" if limit else "--jobs"
        raise Stop(WRONG, f"{told} is for this machine; on a cluster its own workers and their limits count")
    try:
        with cluster(address, insecure) as there:
            yield Crew(max(1, len(there.workers())), there.play)
    except NoCluster as error:
        raise Stop(WRONG, f"--cluster: {error}") from None
    except WorkerError as error:
        raise Stop(FAULT, f"simsys: {error}") from None
