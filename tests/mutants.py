"""Small mistakes in the reference engine: worlds in which both engines agree must tell each of them."""

from __future__ import annotations

import inspect
import textwrap
from importlib import import_module
from typing import Any, NamedTuple

import pytest


class Mutant(NamedTuple):
    """Text to put in the place of other text in the source of a function."""

    where: str
    old: str
    new: str

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the function be the mutant from now on; AssertionError where its text is not what it was."""
        module, _, path = self.where.partition(":")
        *owners, name = path.split(".")
        owner: Any = import_module(f"simsys.{module}")
        for one in owners:
            owner = getattr(owner, one)
        function = getattr(owner, name)
        text = textwrap.dedent(inspect.getsource(function))
        assert text.count(self.old) == 1, f"{self.old!r} is not once in {self.where}"
        made: dict[str, Any] = {}
        exec(text.replace(self.old, self.new), function.__globals__, made)
        monkeypatch.setattr(owner, name, made[name])


CLOCK, PLAYER, PLAY = "engines.clock:Clock.", "engines.reference:Player.", "engines.play:Play."
PLAIN, QUEUED, DELAY = (f"engines.servers:{kind}." for kind in ("Plain", "Queued", "Delay"))
FACILITY, CALENDAR, CACHE = "engines.facilities:Facility.", "engines.outages:Calendar.", "structures.caches:Cache."
POLICY, LEASES = "structures.policies:", "engines.leases:Leases."
ASKED, GATHERINGS = "engines.lookups:Lookups.", "engines.gatherings:Gatherings."
SKETCH = "structures.sketches:"
BACKWARDS = "(1 << 50) - number if kind == {} else number"
MUTANTS = {
    # simultaneity
    "ends in the order of the last": Mutant(CLOCK + "at", "| number", f"| ({BACKWARDS.format(1)})"),
    "arrivals in the order of the last": Mutant(CLOCK + "at", "| number", f"| ({BACKWARDS.format(2)})"),
    "timers in the order of the last": Mutant(CLOCK + "at", "| number", f"| ({BACKWARDS.format(3)})"),
    "arrivals before ends": Mutant(CLOCK + "at", "(kind << 62)", "((0, 2, 1, 3)[kind] << 62)"),
    "timers before arrivals": Mutant(CLOCK + "at", "(kind << 62)", "((0, 1, 3, 2)[kind] << 62)"),
    "wake-ups last": Mutant(CLOCK + "schedule", "(self._now + delay, 0,", "(self._now + delay, 9 << 62,"),
    "a queued service of no time": Mutant(
        CLOCK + "end_of", "max(start + seconds, nextafter(start, inf))", "start + seconds"
    ),
    "a plain service of no time": Mutant(PLAIN + "_admit", "end = nextafter(start, inf)", "pass"),
    "a time-out before an end": Mutant(PLAYER + "_within", "TIMER, agent.number)", "1, agent.number)"),
    "members go on backwards": Mutant("engines.gatherings:pass_on", "to.s", "to.callbacks.reverse(); to.s"),
    "a server given back without a hop": Mutant(
        QUEUED + "exit", ".release(request)", ".release(request); self.desks[shard]._trigger_put(None)"
    ),
    "thrown out backwards": Mutant(
        QUEUED + "_throw_out", "enumerate(self.desks)", "[*enumerate(self.desks)][::-1]"
    ),
    "all thrown out where one shard goes down": Mutant(QUEUED + "_throw_out", "if shard is None", "if True"),
    "a shard has the outages of all": Mutant(CALENDAR + "__init__", "in (None, shard)", "not in ()"),
    "a shard is spared what befalls all": Mutant(CALENDAR + "__init__", "(None, shard)", "(0 * shard, shard)"),
    "the last of the emptiest": Mutant(FACILITY + "_emptiest", "min(drawn,", "min(drawn[::-1],"),
    "the emptiest line": Mutant(QUEUED + "inside", "desk.count + len", "len"),
    # edges
    "the next edge": Mutant("workload.graph:Lists.one", "int(index) % count", "(int(index) + 1) % count"),
    "one list for all rules": Mutant("workload.graph:Graph.lists", "None if rule is None else rule.key()", "None"),
    "followers for followed": Mutant("engines.rows:Row.followed_where", '"following"', '"followers"'),
    "edges that nobody may follow": Mutant("engines.rows:Row.followed_above", ">= threshold", "> threshold"),
    # service times
    "items regrouped": Mutant(FACILITY + "pieces", "base + item * step.n)", "(base / step.n + item) * step.n)"),
    "items of a shard regrouped": Mutant(FACILITY + "pieces", "item * (step.n / count)", "item * step.n / count"),
    "spread from the first shard": Mutant(FACILITY + "pieces", "(first + i) % self.shards", "i"),
    "spread over too few": Mutant(FACILITY + "pieces", "ceil(step.n)", "max(1, int(step.n))"),
    "several shards from any on": Mutant(FACILITY + "pieces", "if key is not Key.SPREAD", "if False"),
    "one of all shards": Mutant(FACILITY + "shard", "_emptiest(home, min(of, self.shards)", "_emptiest(0, self.shards"),
    "one of several, but not its own": Mutant(FACILITY + "_emptiest", "home + (first + step)", "(first + step)"),
    "the same one drawn twice": Mutant(FACILITY + "_emptiest", "step += 1 +", "step +="),
    "nothing takes time": Mutant(PLAYER + "_visit", "step.n <= 0", "False"),
    # queues and outages
    "a place too many": Mutant(QUEUED + "_line_up", "standing >= self.room", "standing > self.room"),
    "who is granted stands in line": Mutant(
        QUEUED + "_line_up", "len(desk.queue) - max(0, desk.capacity - desk.count)", "len(desk.queue)"
    ),
    "a bucket without a bottom": Mutant(QUEUED + "_token", "tokens - found", "tokens"),
    "a bucket without a rim": Mutant(QUEUED + "_token", "min(self.limit.burst,", "max(0,"),
    "tokens come once": Mutant(QUEUED + "_token", "- found, now", "- found, asked"),
    "a token for nothing": Mutant(QUEUED + "_token", "tokens - found", "tokens - 1"),
    "no whole token": Mutant(QUEUED + "_token", ">= A_TOKEN", "> A_TOKEN + 1e-9"),
    "the token of another shard": Mutant(QUEUED + "_token", "self.tokens[shard] = ", "self.tokens[0] = "),
    "who finds no room takes a token": Mutant(
        QUEUED + "_line_up", "no_room or not self._token(shard, now)", "not self._token(shard, now) or no_room"
    ),
    "servers that nobody calls": Mutant(QUEUED + "resize", "range(come)", "range(0)"),
    "room for those who leave": Mutant(QUEUED + "_line_up", "max(0, desk.capacity - desk.count)",
                                       "(desk.capacity - desk.count)"),
    "down for a moment longer": Mutant(CALENDAR + "is_down", "now < o.end", "now <= o.end"),
    "down a moment later": Mutant(CALENDAR + "is_down", "o.begin <= now", "o.begin < now"),
    "slowed down regrouped": Mutant(
        CALENDAR + "finish", "(end - max(begin, now)) * speed", "(end * speed - max(begin, now) * speed)"
    ),
    "slowed down by twice as much": Mutant(CALENDAR + "finish", "+ left / speed", "+ left / speed**2"),
    "held during a stall": Mutant(PLAYER + "_hold", "if opens > granted", "if False"),
    "refused, and the server kept": Mutant(PLAYER + "_hold", "servers.exit(", "done and servers.exit("),
    "partly served is served": Mutant(PLAYER + "_visit", "served == len(pieces)", "served"),
    "charged for one piece": Mutant(PLAYER + "_visit", "served * pieces[0][1]", "pieces[0][1]"),
    "held regrouped": Mutant(QUEUED + "_serve", "+= end - start - seconds", "+= end - (start + seconds)"),
    "just come stand in line": Mutant(QUEUED + "_note", "len(line) - just_come", "len(line)"),
    "served at once stands in line": Mutant(PLAIN + "_admit", "if start > now", "if start >= now"),
    "who goes now stands in line": Mutant(PLAIN + "_admit", "line[0] <= now", "line[0] < now"),
    "a delay without rounding": Mutant(DELAY + "visit", "end - now", "seconds"),
    # caches
    "a hit at the expiry": Mutant(CACHE + "lookup", "now >= entry[1]:", "now > entry[1]:"),
    "no fill at the expiry": Mutant(CACHE + "fill", "now < entry[1]", "now <= entry[1]"),
    "the last goes": Mutant(POLICY + "Lru.victim", "iter(self.line)", "reversed(self.line)"),
    "fifo moves": Mutant(POLICY + "Fifo.hit", '"""Hits change nothing."""', "self.line.move_to_end(key)"),
    "lru does not move": Mutant(POLICY + "Lru.hit", "self.line.move_to_end(key)", "pass"),
    "the clock spares nobody": Mutant(POLICY + "Clock.victim", "if not self.line[key]", "if True"),
    "the clock moves at a hit": Mutant(
        POLICY + "Clock.hit", "self.line[key] = True", "self.line[key] = True\n    self.line.move_to_end(key)"
    ),
    "the clock counts the fill as a hit": Mutant(POLICY + "Clock.enter", "= False", "= True"),
    "the sieve spares nobody": Mutant(POLICY + "Sieve.victim", "if not self.ahead[key]", "if True"),
    "the sieve moves whom it spares": Mutant(POLICY + "Sieve.victim", "self.passed[key]", "self.ahead[key]"),
    "the sieve begins anew": Mutant(
        POLICY + "Sieve.leave", "self._turn()", "self.ahead, self.passed = self.passed | self.ahead, OrderedDict()"
    ),
    "the sieve goes backwards": Mutant(POLICY + "Sieve.victim", "iter(self.ahead)", "reversed(self.ahead)"),
    "other luck at random": Mutant(POLICY + "Random.victim", "number, 0", "number, 1"),
    "a random victim's place stays empty": Mutant(
        POLICY + "Random.leave", "place, last = self.places.pop(key), self.keys.pop()",
        "place, last = self.places.pop(key), key\n    self.keys.remove(key)\n"
        "    self.places.update((k, i) for i, k in enumerate(self.keys))",
    ),
    "an entry too many": Mutant(CACHE + "fill", "len(self.entries) + 1 >", "len(self.entries) >"),
    "a byte too few": Mutant(CACHE + "fill", "self.bytes + size > self", "self.bytes + size >= self"),
    "a fill of a live entry moves it": Mutant(
        CACHE + "fill", "not in self.due:\n", "not in self.due:\n        self.line.hit(key)\n"
    ),
    "a hit does not renew": Mutant(CACHE + "lookup", "if self.renews", "if False"),
    "cleared, but for the past": Mutant(CACHE + "clear", "self.past = None", "pass"),
    "filled while down": Mutant(CACHE + "fill", "if self.down", "if False"),
    "answers while down": Mutant(CACHE + "lookup", "if self.down", "if False"),
    "hears of a drop while down": Mutant(CACHE + "drop", "if not self.down and key", "if key"),
    "comes back warm": Mutant(PLAY + "_cache_outage", "if not outage.keeps", "if False"),
    "comes back cold": Mutant(PLAY + "_cache_outage", "if not outage.keeps", "if True"),
    "every entry of one byte": Mutant(ASKED + "fill", "self._size(agent.row)", "1.0"),
    "another process per step": Mutant(
        ASKED + "_copy", "agent.luck.token, 0)", "agent.luck.token, agent.luck.next(name))"
    ),
    "all in one process": Mutant(ASKED + "_copy", "int(u * copies)", "0"),
    "another copy than named": Mutant(ASKED + "_copy", "int(step.at) %", "(int(step.at) + 1) %"),
    # who is followed
    "all follow the same": Mutant("engines.rows:Row.followed", "int(self.index)", "0"),
    "whoever is followed": Mutant("engines.rows:Row.followed", "u * self._luck.edge_share(threshold)", "u"),
    # leases
    "nobody waits": Mutant(ASKED + "ask", "lease in self.leases.lines", "False"),
    "who waits is not counted": Mutant(ASKED + "ask", "self.loads[name].waits += 1", "pass"),
    "who waits loads in the end": Mutant(LEASES + "end", "succeed(True)", "succeed(False)"),
    "who waits goes on backwards": Mutant(
        LEASES + "end", "self.lines.pop(key, ())", "[*self.lines.pop(key, ())][::-1]"
    ),
    "a load ends no lease": Mutant(LEASES + "end", "pop(key, ())", "get(key, ())"),
    "a lease outlives its load": Mutant(LEASES + "_run_out", ".get(key) is not line", ".get(key) is None"),
    "the last in line loads": Mutant(LEASES + "_run_out", "popleft()", "pop()"),
    "the second lease has no end": Mutant(LEASES + "_run_out", "self._hold(", "None and self._hold("),
    "leases run out in the order of the last": Mutant(LEASES + "_hold", "TIMER, number", "TIMER, (1 << 50) - number"),
    "a filter forgets nothing": Mutant(SKETCH + "Bloom._age", "if now < self.due:", "if True:"),
    "a filter turns a moment later": Mutant(SKETCH + "Bloom._age", "now < self.due:", "now <= self.due:"),
    "a filter forgets all at once": Mutant(
        SKETCH + "Bloom._turn", "bytearray(self.places), self.young", "2 * (bytearray(self.places),)"
    ),
    "a filter with a key too many": Mutant(SKETCH + "Bloom.add", "== self.entries", "> self.entries"),
    "a full filter keeps its time": Mutant(SKETCH + "Bloom.add", "self.due = now + self.ttl", "pass"),
    "one bit is enough": Mutant(SKETCH + "Bloom.knows", "all(self.young", "any(self.young"),
    "a known key is added again": Mutant(SKETCH + "Bloom.add", "if self.knows(key, now):", "if self._age(now):"),
    "a rank too low": Mutant(SKETCH + "HyperLogLog.add", "* self.registers), 1", "* self.registers), 0"),
    "the last rank stays": Mutant(SKETCH + "HyperLogLog.add", "max(self.ranks[place], rank)", "rank"),
    # expiries
    "nothing stale is given": Mutant(CACHE + "lookup", "if over or not loading", "if True"),
    "what is stale never goes": Mutant(CACHE + "lookup", "now >= entry[1] + self.grace", "not self.grace"),
    "all are given what is stale": Mutant(CACHE + "lookup", "if over or not loading", "if over"),
    "nobody is early": Mutant(CACHE + "lookup", "self.early and", "False and"),
    "early on average": Mutant(CACHE + "_comes_early", "draws.log(", "-1.0 + 0 * ("),
    "other luck when early": Mutant(CACHE + "_comes_early", "lookups, 2", "lookups, 1"),
    "an early load changes nothing": Mutant(CACHE + "fill", " and key not in self.due", ""),
    "due for ever": Mutant(CACHE + "_remove", "self.due.discard(key)", "pass"),
    "renewed without jitter": Mutant(CACHE + "lookup", "now + self._lives()", "now + self.ttl"),
    "jitter only lengthens": Mutant(CACHE + "_lives", " - 1.0", ""),
    "seconds without end": Mutant("engines.leases:Loads.load", "int(now) != self.second", "False"),
    "the peak of all windows": Mutant(ASKED + "count", "told.peak = ", ""),
    "the oldest of all windows": Mutant(ASKED + "count", "cache.oldest = told", "told"),
    # forks, batches, time-outs
    "one more at a time": Mutant(
        PLAYER + "_side_by_side", "width if width and width > 0 else count)", "(width or count) + 1)"
    ),
    "one is enough": Mutant(PLAYER + "_side_by_side", "done and bool", "done or bool"),
    "luck by the index": Mutant(PLAYER + "_spawn", "plan_id, count)", "plan_id, index)"),
    "a batch is never full": Mutant(GATHERINGS + "join", "gathering.members == spec.size", "False"),
    "every batch is whole": Mutant("engines.reference:batches", "n - batch * (count - 1)", "batch"),
    "a batch does not know its size": Mutant(GATHERINGS + "_commit", "size=float(gathering.members), ", ""),
    "nothing begins at the limit": Mutant(PLAYER + "_within", "begin(step.also)", "pass"),
    "the way that led to the answer is lost": Mutant(PLAYER + "_within", "agent.go_on(path)", "pass"),
    "refused instead of timed out": Mutant(PLAYER + "_within", "agent.timed_out = True", "pass"),
    # arrivals and the window
    "none at the stop": Mutant(PLAY + "_feed", "arrival[0] > self.stop", "arrival[0] >= self.stop"),
    "brought too early": Mutant(PLAY + "_event", "if brings.delivered", "if not brings.delivered"),
    "one too many": Mutant(PLAY + "_client", "self.log.arrived >= cap", "self.log.arrived > cap"),
    "samples too often": Mutant("engines.play:next_sample", "0.05 *", "0.04 *"),
}
