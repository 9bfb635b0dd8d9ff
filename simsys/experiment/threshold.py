"""Where theory puts a follower threshold: by what a push and a pull cost, read off the plans at the ends of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from simsys.engines.caching import shared
from simsys.experiment import accounts
from simsys.experiment.demand import Demand
from simsys.experiment.setting import Setting, settings
from simsys.scenario import Scenario
from simsys.theory import Feed, Promise

Price = Callable[[Setting, Demand], float]
"""What one operation that asks for so much costs: in seconds of service, or in dollars of traffic."""


class Theory(NamedTuple):
    """A feed in dollars of traffic (a month, per event a second) and in seconds of service; and what is promised."""

    by_traffic: Feed
    by_service: Feed
    promise: Promise | None


def theory(scenarios: Sequence[Scenario], strategy: str) -> Theory | None:
    """The closed form of a strategy that pushes more at one point of a sweep than at another; None of any other."""
    found = [setting for scenario in scenarios for setting in settings(scenario) if setting.label == strategy]
    known = [s for s in found if s.edges_pulled is not None and {"read", "post"} <= s.demands.keys()]
    if not known:
        return None
    low, high = (choose(known, key=lambda s: s.edges_pulled or 0.0) for choose in (max, min))
    by_traffic, by_service = (_feed(low, high, price) for price in (traffic, service))
    if by_traffic is None or by_service is None:
        return None
    return Theory(by_traffic, by_service, _promise(low, high))


def service(setting: Setting, needed: Demand) -> float:
    """Seconds of service per operation."""
    return sum(needed.seconds.values())


def traffic(setting: Setting, needed: Demand) -> float:
    """Dollars a month of what one operation a second sends between zones."""
    kept = [each.store for each in accounts.stores(setting, dict.fromkeys(setting.scenario.caches, 0.0))]
    return accounts.dollars_sent(setting, needed, kept)


def _feed(low: Setting, high: Setting, price: Price) -> Feed | None:
    """Push and pull from the two ends: what more deliveries cost a post, and more pulled authors a read."""
    people = low.first.people
    if people is None or people.activity_exponent is None:
        return None
    delivered = _marks(high) - _marks(low)
    pulled = people.mean_following * ((low.edges_pulled or 0.0) - (high.edges_pulled or 0.0))
    if min(delivered, pulled) <= 0:
        return None
    kept = _shared(low)
    post, read = ([price(each, _alone(each, kept, op)) for each in (low, high)] for op in ("post", "read"))
    pushing, pulling = (post[1] - post[0]) / delivered, (read[0] - read[1]) / pulled
    scale = low.rate("post") / people.users / people.mean_activity * _reached(high)
    if min(pushing, pulling, scale) <= 0:
        return None
    reads = low.rate("read") / people.users
    return Feed(pushing, pulling, reads, scale, people.activity_exponent, _pulls(low, kept))


def _shared(setting: Setting) -> list[str]:
    """The caches in which a process keeps the lists of authors, for all its readers."""
    return sorted(set().union(*map(shared, setting.trees.values()))) if isinstance(setting.trees, dict) else []


def _alone(setting: Setting, kept: list[str], op: str) -> Demand:
    """What an operation would ask for if these caches never hit, and every reader asked for itself."""
    return setting.demands_where(dict.fromkeys(kept, 0.0))[op] if kept else setting.demands[op]


def _pulls(setting: Setting, kept: list[str]) -> float:
    """How often an author's list is asked for at most, per second, if its readers are many: by each of the processes
    when it has kept it for its time.
    """
    caches = [setting.scenario.caches[name] for name in kept]
    return min((cache.copies / cache.ttl for cache in caches if cache.ttl), default=inf)


def _marks(setting: Setting) -> float:
    return float(setting.demands["post"].marks.get("fresh", 0.0))


def _reached(setting: Setting) -> float:
    """The share of the followers to whom a post is delivered, of authors whose posts are."""
    weights, columns = setting.first.grid("post")
    marked = setting.demands["post"].marked["fresh"]
    return float(marked.sum() / (weights * columns["followers"])[marked > 0].sum())


def _promise(low: Setting, high: Setting) -> Promise | None:
    """What is promised of the last delivery, and the station that deliveries keep busiest."""
    limits = [r.value for r in low.scenario.slo if (r.metric, r.op) == ("fresh_max", "<")]
    delivered = _marks(high) - _marks(low)
    if not limits:
        return None
    more = {s: high.demands["post"].seconds[s] - low.demands["post"].seconds[s] for s in high.demands["post"].stations}
    each = {s: seconds / low.scenario.stations[s].capacity for s, seconds in more.items()}
    station = max(each, key=lambda s: each[s])
    busy = high.rate("read") * high.demands["read"].seconds[station]
    servers = low.scenario.stations[station].capacity
    return Promise(min(limits), servers, more[station] / delivered * _reached(high), busy)
