"""What a cache holds "as in the long run": at time 0, under Poisson look-ups, each miss filled at once.

Two laws per key, λ its look-up rate:

- *Last touch.* The time since the last look-up is exponential with mean 1/λ. The content of an LRU cache of
  C entries is exactly the C keys touched last (a re-fill touches too, so that a ttl does not change it).
- *Last fill.* Fills of an entry that lives for T and is filled again at the next look-up form a renewal
  process of cycle T + Exp(λ): it is live with probability λT/(1 + λT), its age then uniform on (0, T) (Cox,
  Renewal Theory, 1962). FIFO is the same with T the time in the queue, T solving Σ λT/(1 + λT) = C (Martina,
  Garetto and Leonardi, A unified approach to the performance analysis of caching systems, 2014, after Che,
  Tung and Wang, 2002). A random victim's time in the cache is exponential with that mean, which changes the ages of
  the entries, not who is in (Gelenbe, A unified approach to the evaluation of a class of replacement algorithms, 1973).

Where an entry stays only while the gaps between its look-ups are below τ (LRU: the characteristic time; a
renewed ttl: that ttl), the time from its fill to its last touch is a geometric sum of short gaps: zero with
its exact probability, else drawn as an exponential of its exact mean (Rényi's limit).

All draws are `draws.uniform(stream, key, visit)`: a key's state does not depend on which keys were asked
before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsys import draws

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]
Past = tuple[float, float]
"""(fill time, expiry) of an entry; a fill before time 0 is negative."""

FOREVER = 1e9
"""Seconds (32 years): the age of content that nothing ever replaced, finite so that 0 times it is 0."""
SIX_SIGMA = 6.0
TOUCH, FILL, RUN = 0, 1, 2


class Popularity(NamedTuple):
    """Keys 0, 1, 2 …, so many, whose shares of the look-ups fall as 1/(key + 1)**zipf; zipf 0: all alike."""

    keys: int
    zipf: float = 0.0

    def shares(self) -> Floats:
        """Share of each key, shape (keys,); shape (1,), good for every key, where all are alike."""
        if self.zipf == 0.0:
            return np.array([1.0 / self.keys])
        weights = draws.powers(np.arange(1, self.keys + 1, dtype=np.float64), -self.zipf)
        return np.asarray(weights / weights.sum())


class Law(NamedTuple):
    """How a cache of `capacity` entries keeps them: ttl (s; inf: for ever), policy, renewed by hits."""

    capacity: float
    ttl: float
    policy: str
    renew: bool


class LongRun:
    """The long-run content of a cache whose capacity does not bind, drawn key by key when asked for.

    Needs no memory per key but for the keys that were taken out again (`forget`).
    """

    def __init__(self, law: Law, popularity: Popularity, rate: float, stream: int) -> None:
        self.ttl = law.ttl
        self.renew = law.renew
        self.popularity = popularity
        self._rate = rate
        self.top = rate * float(popularity.shares()[0])
        self.stream = stream
        self._forgotten: set[int] = set()

    def entry(self, key: int) -> Past | None:
        """The entry of `key` at time 0, perhaps expired already; None if none, or if it was taken out."""
        keys, zipf = self.popularity
        if not 0 <= key < keys or key in self._forgotten:
            return None
        there, fill, expiry = past_entry(key, zipf, self.top, self.ttl, self.renew, self.stream)
        return (fill, expiry) if there else None

    def forget(self, key: int) -> None:
        self._forgotten.add(key)

    def expected(self, now: float) -> float:
        """Mean number of entries live at `now` whose key nobody asked for since time 0; work ∝ keys."""
        if now >= self.ttl:
            return 0.0
        rates = self._rate * self.popularity.shares()
        unasked = draws.exps(-rates * now)
        if self.ttl == np.inf:
            live = np.ones_like(unasked)
        elif self.renew:
            live = 1.0 - draws.exps(-rates * (self.ttl - now))
        else:
            load = rates * self.ttl
            live = load / (1.0 + load) * (1.0 - now / self.ttl)
        return float((unasked * live).mean()) * self.popularity.keys


@draws.compiled("Tuple((boolean, float64, float64))(int64, float64, float64, float64, boolean, int64)")
def past_entry(
    key: int, zipf: float, top: float, ttl: float, renew: bool, stream: int
) -> tuple[bool, float, float]:  # fmt: skip
    """Whether a key had an entry at time 0, when it was filled and expires; `top` is the look-up rate of key 0."""
    if ttl == np.inf:
        return True, -FOREVER, np.inf
    rate = top * draws.power(key + 1.0, -zipf) if zipf != 0.0 else top
    u = draws.uniform(stream, key, TOUCH)
    if renew:
        touched = -draws.log(u) / rate
        run = _lasting_run(rate, ttl, draws.uniform(stream, key, RUN))
        return True, -min(touched + run, FOREVER), ttl - touched
    live = rate * ttl / (1.0 + rate * ttl)
    age = ttl * (u / live)
    return u < live, -age, ttl - age


@draws.compiled("float64(float64, float64, float64)")
def _lasting_run(rate: float, gap: float, u: float) -> float:
    load = rate * gap
    leave = draws.exp(-min(load, 600.0))
    stay = max(1.0 - leave, 1e-16)
    short = gap / 2.0 if load < 1e-4 else 1.0 / rate - gap * leave / stay
    tail = min((1.0 - u) / stay, 1.0)  # 1, a run of 0, where u < leave
    return -draws.log(tail) * short / leave


@draws.compiled("float64[::1](float64[::1], float64, float64[::1])")
def _lasting_runs(rates: Floats, gap: float, u: Floats) -> Floats:
    out = np.empty(rates.size)
    for i in range(rates.size):
        out[i] = _lasting_run(rates[i], gap, u[i])
    return out


def binds(law: Law, popularity: Popularity, rate: float) -> bool:
    """Whether entries are evicted that are still live, up to six standard deviations of their number.

    LRU evicts one only where more keys than it has room for are asked for within a ttl; FIFO where more are
    live.
    """
    if popularity.keys <= law.capacity:
        return False
    if law.ttl == np.inf:
        return True
    load = rate * popularity.shares() * law.ttl
    held = load / (1.0 + load) if law.policy == "fifo" else 1.0 - draws.exps(-load)
    each = popularity.keys / held.size
    mean, variance = each * held.sum(), each * (held * (1.0 - held)).sum()
    return bool(mean + SIX_SIGMA * np.sqrt(variance) >= law.capacity)


def content(law: Law, popularity: Popularity, rate: float, stream: int) -> tuple[Keys, Floats, Floats]:
    """The long-run content where the capacity binds: (keys, fill times, expiries), first in line first."""
    keys = np.arange(popularity.keys, dtype=np.int64)
    rates = rate * popularity.shares()
    room = int(law.capacity)
    if law.policy == "random":
        life = fifo_time(rates, popularity.keys / rates.size, room)
        kept, _ = newest(keys, draws.uniforms(stream, keys, FILL) * (1.0 + 1.0 / (rates * life)), room)
        ages = -life * draws.logs(draws.uniforms(stream, kept, RUN))
        return kept, -ages, np.full(room, np.inf)
    if law.policy == "fifo":
        life = min(law.ttl, fifo_time(rates, popularity.keys / rates.size, room))
        ages = since_fill(rates, life, draws.uniforms(stream, keys, FILL))
        kept, ages = newest(keys, ages, room)
        return kept, -ages, law.ttl - ages
    touched = -draws.logs(draws.uniforms(stream, keys, TOUCH)) / rates
    if law.ttl == np.inf or law.renew:
        kept, touches = newest(keys, touched, room)
        expiries = law.ttl - touches
    else:
        fills = since_fill(rates, law.ttl, draws.uniforms(stream, keys, FILL))
        late = fills >= law.ttl  # asked for at the fill, and last within the ttl that followed
        touched = np.where(late, fills - law.ttl + np.minimum(touched, law.ttl), np.minimum(touched, fills))
        kept, touches = newest(keys, touched, room)
    rates = np.broadcast_to(rates, keys.shape)[kept]
    runs = lasting_run(rates, float(touches[0]), draws.uniforms(stream, kept, RUN))
    ages = touches + runs
    if not (law.ttl == np.inf or law.renew):
        ages = np.where(runs < law.ttl, ages, fills[kept])  # a longer run was filled again on the way
        expiries = law.ttl - ages
    return kept, -np.minimum(ages, FOREVER), expiries


def newest(keys: Keys, ages: Floats, room: int) -> tuple[Keys, Floats]:
    """The `room` keys of least age and their ages, the oldest first."""
    chosen = np.argpartition(ages, room - 1)[:room]
    order = chosen[np.lexsort((chosen, -ages[chosen]))]
    return keys[order], ages[order]


def since_fill(rates: Floats, life: float, u: Floats) -> Floats:
    """Time since the last fill of entries that live for `life` s and are filled again at the next look-up."""
    load = rates * life
    live = load / (1.0 + load)
    waiting = life - draws.logs(np.minimum((1.0 - u) * (1.0 + load), 1.0)) / rates
    return np.where(u < live, life * (u / live), waiting)


def fifo_time(rates: Floats, each: float, room: int) -> float:
    """Seconds that an entry stays in a FIFO cache of `room` entries: Newton from below on a concave sum."""
    time = room / float(each * rates.sum())
    while True:
        load = rates * time
        missing = room - float(each * (load / (1.0 + load)).sum())
        if missing <= 1e-9 * room:
            return time
        time += missing / float(each * (rates / (1.0 + load) ** 2).sum())


def lasting_run(rates: Floats, gap: float, u: Floats) -> Floats:
    """Time from an entry's fill to its last touch, where it would have left at the first gap of `gap` s."""
    each, shares = np.broadcast_arrays(rates, u)
    return _lasting_runs(np.ascontiguousarray(each), gap, np.ascontiguousarray(shares))
