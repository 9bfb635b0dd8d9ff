"""What planned events do to a station's clock: stalls, slow-downs and outages, all known before the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Outage:
    """From `begin` to `end` (s) a station works at `speed` times its pace (0: it stalls), or is down and refuses; or
    only this `shard` of it.
    """

    begin: float
    end: float
    speed: float = 0.0
    down: bool = False
    shard: int | None = None


class Calendar:
    """Of the outages of a station those that a shard has, in order of time and not overlapping."""

    def __init__(self, outages: Sequence[Outage], shard: int) -> None:
        own = sorted((o for o in outages if o.shard in (None, shard)), key=lambda o: o.begin)
        self.outages, self.downs = [o for o in own if not o.down], [o for o in own if o.down]
        for one, other in zip(self.outages, self.outages[1:], strict=False):
            if other.begin < one.end:
                raise ValueError("stalls and slow-downs of one shard must not overlap")

    def is_down(self, now: float) -> bool:
        return any(o.begin <= now < o.end for o in self.downs)

    def opens(self, now: float) -> float:
        """The first moment from `now` on at which work can begin."""
        for outage in self.outages:
            if outage.speed == 0 and outage.begin <= now < outage.end:
                now = outage.end
        return now

    def finish(self, start: float, seconds: float) -> float:
        """When `seconds` of work begun at `start` are done."""
        now, left = start, seconds
        for begin, end, speed in self._stretches(start):
            if left <= 0:
                break
            done = (end - max(begin, now)) * speed if end < inf else inf
            if done >= left:
                return max(begin, now) + left / speed
            left -= done
            now = end
        return now

    def _stretches(self, start: float) -> list[tuple[float, float, float]]:
        stretches, now = [], start
        for outage in self.outages:
            if outage.end <= start:
                continue
            if outage.begin > now:
                stretches.append((now, outage.begin, 1.0))
            stretches.append((max(now, outage.begin), outage.end, outage.speed))
            now = outage.end
        return [*stretches, (now, inf, 1.0)]
