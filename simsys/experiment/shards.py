"""Shards: every N-th play of a sweep, for machines that know nothing of each other, and all of them together again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Self

from simsys.experiment.engines import Wanted
from simsys.experiment.evaluate import Plays, Progress, shared_plan
from simsys.experiment.jobs import Players, local
from simsys.experiment.journal import Journal
from simsys.experiment.workers import Limits, cores
from simsys.scenario import Scenario


class Shard(NamedTuple):
    """The shard of this number, from 1, of so many."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `2/5`. ValueError if it is anything else."""
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text, re.ASCII)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"expected a shard as 1/5, from 1/5 to 5/5, not '{text}'")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def part(self, keys: Sequence[str]) -> list[str]:
        """Its share of the keys: every N-th in their order, which has nothing to do with how long a play takes."""
        return sorted(keys)[self.number - 1 :: self.of]


def play_shard(
    scenarios: Sequence[Scenario],
    shard: Shard,
    jobs: int | None,
    progress: Progress | None,
    engine: Wanted,
    journal: Journal,
    limits: Limits | None = None,
    players: Players | None = None,
) -> list[str]:
    """Play the jobs of a shard into the journal, and say which failed. ValueError where `run.precision` would decide
    how many there are; else as `evaluate`.
    """
    if any(scenario.run.precision is not None for scenario in scenarios):
        raise ValueError("shards cannot know how many replications run.precision takes: give run.replications")
    plan = shared_plan(scenarios, jobs, engine)
    plays = Plays(plan, journal)
    mine = {job.key: job for scenario in scenarios for job in plays.jobs(scenario, _count(scenario))}
    part = [mine[key] for key in shard.part(list(mine))]
    plays.play(part, players or local(jobs or cores(), limits or plan.limits), progress)
    return [f"{job.setting.label}: replication {job.replication}" for job in part if job.key not in journal]


def lacking(scenarios: Sequence[Scenario], of: int, journal: Journal) -> dict[Shard, int]:
    """How many plays of each shard the journal lacks; those that lack none are left out."""
    plan = shared_plan(scenarios, None, "auto")
    keys = {job.key for s in scenarios for job in Plays(plan, journal).jobs(s, _count(s))}
    shards = [Shard(number, of) for number in range(1, of + 1)]
    counts = {shard: sum(key not in journal for key in shard.part(list(keys))) for shard in shards}
    return {shard: count for shard, count in counts.items() if count}


def _count(scenario: Scenario) -> int:
    return scenario.run.replications or 10
