"""Who plays what a search asks for: many scenarios, one handful after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from simsys.cli.app import Engine
from simsys.cli.crew import Crew
from simsys.cli.terminal import progress

if TYPE_CHECKING:
    from simsys.experiment.journal import Journal
    from simsys.experiment.result import Result
    from simsys.scenario import Scenario

    Judge = Callable[[Sequence[Scenario]], list[Result]]


def judge(journal: Journal, who: Crew, engine: Engine, quiet: bool) -> Judge:
    """Plays scenarios, and what the journal holds not again. RunError if a play failed or a law was broken: a search
    must not be led by half a result.

    How many it will be nobody knows: the engine is compiled once the search has taken as long as that takes.
    """
    from simsys.experiment.engines import COMPILATION, compile_kernel, kernel_is_ready
    from simsys.experiment.evaluate import evaluate
    from simsys.experiment.run import RunError

    began = monotonic()

    def play(scenarios: Sequence[Scenario]) -> list[Result]:
        if engine is Engine.auto and monotonic() - began > COMPILATION and kernel_is_ready() is False:
            compile_kernel()
        show = None if quiet else progress()
        results = evaluate(scenarios, who.size, show, engine.value, journal, None, who.players)
        wrong = [str(failure) for result in results for failure in result.failed]
        wrong += [
            f"the audit '{audit.name}' of {audit.strategy} failed, the figures are not to be trusted: {audit.detail}"
            for result in results
            for audit in result.audits
            if not audit.ok
        ]
        if wrong:
            raise RunError("\n".join(dict.fromkeys(wrong)))
        return results

    return play
