"""Many scenarios at once: every play that they need, each of them once, and a result for each scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from simsys import __version__
from simsys.experiment.engines import Wanted, summed_up
from simsys.experiment.estimate import Estimate, estimate
from simsys.experiment.jobs import Job, Players, local
from simsys.experiment.journal import Journal, JournalError
from simsys.experiment.outcome import result_of
from simsys.experiment.result import Failure, Result
from simsys.experiment.rows import merged
from simsys.experiment.setting import Setting, settings
from simsys.experiment.workers import Failed, Limits, cores
from simsys.measure.encoding import NotASummary, decode
from simsys.measure.intervals import section
from simsys.measure.summary import Summary
from simsys.scenario import Scenario

Progress = Callable[[int, int], None]


def evaluate(
    scenarios: Sequence[Scenario],
    jobs: int | None = None,
    progress: Progress | None = None,
    engine: Wanted = "auto",
    journal: Journal | None = None,
    limits: Limits | None = None,
    players: Players | None = None,
) -> list[Result]:
    """Play every strategy of every scenario in every replication, and say what came of each scenario.

    What several scenarios have in common (a strategy that a change does not touch) is played once, and what the
    journal holds is not played again. The figures depend neither on `jobs`, the number of plays side by side (all
    cores by default), nor on the engine, the journal, or who the `players` are (processes of this machine by
    default). `progress` is told how many plays are done, and of how many.

    A play that fails (its worker died twice, it took more than the limits) leaves out its strategy in the results
    that need it: `Result.failed` and a note name it. NotCompiled if the engine that is asked for cannot play a
    strategy, WorkerError if no worker can be started, JournalError if the journal cannot be written.
    """
    plan = shared_plan(scenarios, jobs, engine)
    play = players or local(jobs or cores(), limits or plan.limits)
    plays = Plays(plan, Journal() if journal is None else journal)
    counts = [scenario.run.replications or 10 for scenario in scenarios]
    unsure = list(range(len(scenarios)))
    notes = [""] * len(scenarios)
    while unsure:
        plays.play([job for n in unsure for job in plays.jobs(scenarios[n], counts[n])], play, progress)
        missed = {n: plays.too_wide(scenarios[n], counts[n]) for n in unsure}
        unsure = [n for n in unsure if missed[n] and counts[n] < scenarios[n].run.most_replications]
        for n in missed.keys() - unsure:
            if missed[n]:
                notes[n] = f"the precision asked for was not reached after {counts[n]} replications: {missed[n]}"
        for n in unsure:
            counts[n] += 5
    return [plays.result(*each) for each in zip(scenarios, counts, notes, strict=True)]


def shared_plan(scenarios: Sequence[Scenario], jobs: int | None, engine: Wanted) -> Estimate:
    """The estimate; settings of the same plays share what is worked out, as they differ in prices and words only."""
    first: dict[str, Setting] = {}
    for setting in chain.from_iterable(map(settings, scenarios)):
        same = first.setdefault(setting.identity, setting)
        if same is setting:
            setting.scope(), setting.loads, setting.program, setting.edges_pulled  # once, here, not in every worker
        else:
            known = {name: value for name, value in same.__dict__.items() if name not in ("scenario", "strategy")}
            setting.__dict__.update(known)
    return estimate(scenarios, jobs, engine)


class Plays:
    """What is played already, and what failed."""

    def __init__(self, plan: Estimate, journal: Journal) -> None:
        self._engines = {s.identity: engine for s, engine in zip(plan.settings, plan.engines, strict=True)}
        self._lengths = {s.identity: length for s, length in zip(plan.settings, plan.lengths, strict=True)}
        self._journal = journal
        self._failed: dict[str, str] = {}

    def jobs(self, scenario: Scenario, count: int) -> list[Job]:
        """The jobs of a scenario, replication by replication, the longest first, so that all workers end together."""
        ready = sorted(settings(scenario), key=lambda setting: -self._lengths[setting.identity])
        return [Job(setting, r, self._engines[setting.identity]) for r in range(count) for setting in ready]

    def play(self, jobs: Iterable[Job], play: Players, progress: Progress | None) -> None:
        """Play those that are neither done nor failed."""
        different = {job.key: job for job in jobs}
        todo = [job for key, job in different.items() if key not in self._failed and key not in self._journal]
        for done, (job, answer) in enumerate(play(todo), start=1):
            if isinstance(answer, Failed):
                self._failed[job.key] = answer.reason
            else:
                self._journal[job.key] = answer
            if progress is not None:
                progress(done, len(todo))

    def summaries(self, setting: Setting, count: int) -> list[Summary]:
        """The summaries of a strategy, by replication."""
        keys = [Job(setting, r, "").key for r in range(count)]
        try:
            return [decode(self._journal[key]) for key in keys]
        except NotASummary as error:
            raise JournalError(f"the journal is damaged: {error}; move it away to begin anew") from None

    def failures(self, setting: Setting, count: int) -> Iterator[Failure]:
        """The plays of a strategy that failed."""
        for r in range(count):
            reason = self._failed.get(Job(setting, r, "").key)
            if reason is not None:
                yield Failure(setting.label, r, reason)

    def too_wide(self, scenario: Scenario, count: int) -> str:
        """The first figure whose interval is wider than the precision asked for; empty if none is."""
        wanted = scenario.run.precision
        if wanted is None:
            return ""
        if count < 2:
            return "one replication has no interval"
        for setting in self._whole(scenario, count):
            summaries = self.summaries(setting, count)
            for op in setting.ops:
                histograms = [summary.ops[op].latency for summary in summaries]
                for metric, target in wanted.items():
                    q = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}[metric]
                    relative = section(merged(histograms).quantile(q), [h.quantile(q) for h in histograms]).relative
                    if relative is not None and relative > target:
                        return f"{setting.label} {op} {metric} ± {100 * relative:.1f} %"
        return ""

    def _whole(self, scenario: Scenario, count: int) -> list[Setting]:
        """The strategies of which no play failed."""
        return [setting for setting in settings(scenario) if not list(self.failures(setting, count))]

    def result(self, scenario: Scenario, count: int, note: str) -> Result:
        """What came of a scenario."""
        ready = self._whole(scenario, count)
        failed = [failure for setting in settings(scenario) for failure in self.failures(setting, count)]
        played_by = summed_up([s.label for s in ready], [self._engines[s.identity] for s in ready])
        summaries = [self.summaries(setting, count) for setting in ready]
        return result_of(scenario, ready, summaries, __version__, played_by, note, failed)
