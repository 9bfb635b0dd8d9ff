"""What a sweep says: the best point, what is as good, and which of work, sharing or a promise puts it there."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from simsys.experiment.curves import Axis, Curve, alike, axis, cheapest, curves, in_the_way, rows
from simsys.experiment.points import quantity
from simsys.experiment.sweep import Sweep
from simsys.experiment.threshold import Theory
from simsys.report.style import listed, text, three
from simsys.theory import Threshold, read_twice, threshold

BINDS = {
    "work": "Work puts it there: beyond, a push costs more than the pulls it saves; before, less.",
    "sharing": "Sharing puts it there: beyond, a push costs more than the pulls that processes make for all their"
    " readers; before, less.",
}
"""What puts the cheapest threshold where it is, if no promise does."""


def sentences(sweep: Sweep) -> Iterator[str]:
    """For every curve on which the cost moves where the best point is; for a follower threshold why, and which way it
    would move; then who keeps its promises nowhere.
    """
    along = axis(sweep)
    lines = [curve for curve in curves(sweep, along) if len(curve.at) > 1]
    lost = [curve.name for curve in lines if sweep.results[0].slo and cheapest(sweep, curve) is None]
    for curve in lines:
        best, costs = cheapest(sweep, curve), rows(sweep, curve, "system", "cost")
        if best is not None and len(alike(costs, best)) < len(costs):
            yield " ".join([_best(sweep, along, curve, best), *_why(sweep, along, curve, best)])
    if lost:
        yield f"At no {along.path.rsplit('.', 1)[-1]} that was tried is every promise surely kept by {listed(lost)}."


def value(sweep: Sweep, along: Axis, curve: Curve, place: int) -> str:
    """The value of the axis at a place of a curve, as people write it."""
    given = sweep.points[curve.at[place]][along.path]
    return three(float(given)) if given.isdigit() else given


def _best(sweep: Sweep, along: Axis, curve: Curve, best: int) -> str:
    name, costs = along.path.rsplit(".", 1)[-1], rows(sweep, curve, "system", "cost")
    same = alike(costs, best)
    ends = " to ".join(value(sweep, along, curve, place) for place in (same[0], same[-1]))
    also = f" (from {ends} the cost is the same to half a percent)" if len(same) > 1 else ""
    row = costs[best]
    told = f", {text(row)}" if row is not None else ""
    what = "that surely keeps every promise" if sweep.results[0].slo else "of all"
    return f"{curve.name}: the cheapest {what} is {name} {value(sweep, along, curve, best)}{told}{also}."


def _why(sweep: Sweep, along: Axis, curve: Curve, best: int) -> Iterator[str]:
    """What puts the best point where it is."""
    broken = in_the_way(sweep, curve)
    found = sweep.theory.get(curve.strategy)
    if found is None:
        if broken:
            yield f"What would cost less breaks {listed(list(broken))}."
        return
    if any(" fresh" in rule for rule in broken):
        yield f"Freshness puts it there: what would cost less breaks {listed(list(broken))}."
    elif broken:
        yield f"A promise puts it there: what would cost less breaks {listed(list(broken))}."
    else:
        yield _drawn(sweep, along, curve, best, threshold(found.by_traffic))
    yield theory(found)


def _drawn(sweep: Sweep, along: Axis, curve: Curve, best: int, closed: Threshold) -> str:
    """Whether the closed form lies among the points that cost as much as the best, or beside them; or beyond an end."""
    numbers = [quantity(sweep.points[n][along.path]) or 0.0 for n in curve.at]
    same = alike(rows(sweep, curve, "system", "cost"), best)
    low, high = max(same[0] - 1, 0), min(same[-1] + 1, len(numbers) - 1)
    if numbers[low] <= closed.followers <= numbers[high]:
        return BINDS[closed.binds]
    above = closed.followers > numbers[high]
    if same[-1] == high if above else same[0] == low:
        return f"The end of what was tried puts it there: {closed.binds} would put it {'above' if above else 'below'}."
    return "What is sent would put it elsewhere: the servers and the memory that are paid for at each point decide."


def theory(found: Theory) -> str:
    """The closed forms of a follower threshold, and which way reads would move it."""
    now, then = threshold(found.by_traffic, found.promise), read_twice(found.by_traffic, found.promise)
    bounds = [
        f"by traffic {_followers(found.by_traffic.by_work())}",
        f"by server time {_followers(found.by_service.by_work())}",
    ]
    if found.by_traffic.by_sharing() < inf:
        bounds.append(f"by sharing {_followers(found.by_traffic.by_sharing())}")
    if found.promise is not None:
        bounds.append(f"by freshness {_followers(found.promise.by_freshness())}")
    moves = "stay" if then.followers == now.followers else f"move {'up' if then.followers > now.followers else 'down'}"
    where = f", to {_followers(then.followers)}" if then.followers not in (now.followers, inf) else ""
    told = f"In closed form the threshold is, in followers, {listed(bounds)}; {now.binds} binds."
    return f"{told} If everybody read twice as much, it would {moves}{where}."


def _followers(number: float) -> str:
    return "none (push all)" if number == inf else three(number)
