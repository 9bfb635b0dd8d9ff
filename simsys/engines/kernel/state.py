"""What the kernel works on: tables of records, and the globals that say where they are.

Every table is a NumPy array with room to spare; whoever is about to need more than is left goes back to Python, which
enlarges it and calls again. A record that is free is linked to the next free one by `link`.
"""

from __future__ import annotations

import numpy as np

from simsys.draws.rows import NOBODY as NOBODY
from simsys.draws.rows import record
from simsys.measure.log import REQUEST, TRAITS

INT, FLOAT, KEY = np.int64, np.float64, np.uint64
REMEMBERS = 1 << 62
"""Beside the names that an agent has drawn by: it needs one of the fields of `SELDOM`."""
CROWD = 64
"""Children of a crowd whose first draws are made together."""
LEASE_CHAINS = 4096

# Why the kernel goes back to Python
OVER, ROOM, FLUSH, CHUNK, ROWS, CLOSE, ACT, BRING = range(8)
# Tables that may need more room
AGENTS, FRAMES, REQUESTS, HEAP, RING, LINES, FORKS, GATHERINGS, LEASES, CACHES = range(10)
# What a heap event does
VISIT_ENDS, LINE_ENDS, ARRIVES, CLIENT_ASKS, WITHIN_ENDS, LINGER_ENDS, OPENS, THROWS_OUT, LEASE_ENDS = range(9)
TO_PYTHON = 100
# What a wake-up does
STARTS, ENDED, RESUMES, GRANTED, RELEASED, COMMITTED, CLIENT_STARTS, BEGIN = range(8)
# Whose agent it is
ROOT, BRANCH, BACKGROUND, LIMITED, COMMIT, PIECE = range(6)
# How a station serves
DELAY, PLAIN, QUEUED = range(3)
# What an agent has to do with a server
AWAY, IN_LINE, GRANTED_IN_LINE, TURNED_OUT, IN_SERVICE = range(5)


TABLES = (
    "nodes", "plans", "terms", "timings", "variates", "tables", "chances", "shares", "entry_nodes", "stations",
    "shards", "free", "outages", "agents", "seldom", "counts", "children", "paths", "frames", "requests",
    "answered", "heap", "ring", "lines", "begins", "forks", "gatherings", "leases", "chains", "batches",
    "caches", "streams", "arrival", "op", "given", "later", "later_index", "later_given", "asked_op", "asked_given",
    "rounds_from", "rounds", "work", "out", "out_paths", "marks", "traits", "scratch", "edges", "crowd_tokens",
    "crowd_seconds", "crowd_shards", "crowd_child",
)  # fmt: skip
GLOBALS = record(
    "serial agents requests ring_head ring_tail events vacant resume answer turns out marks need amount who"
    " agents_free agents_left frames_free frames_left requests_free requests_left lines_free lines_left forks_free"
    " forks_left gatherings_free gatherings_left leases_free leases_left position chunk first more margin unchecked"
    " foreseen sure"
    " inside cap clients think think_stream rounds author authors size_column has_traits"
    " names plan_names width places"
    " ring_room heap_room marks_room " + " ".join(f"at_{name}" for name in TABLES),
    "now area since stop",
)
EVENT = np.dtype([("time", INT), ("key", KEY), ("serial", INT), ("told", INT)])
"""`time` is the bits of a float that is never below zero: a whole number, as that is sooner compared. `told` is what it
does, and to whom: one word, as an event is moved soon after it was written.
"""
BITS = 32
WHO = (1 << BITS) - 1
"""The lower bits of that word: whom an event concerns."""
HOP = record("", "", "what who value")
AGENT = record(
    "token number drawn outcomes",
    "arrived seconds came size",
    "link pc request role group frame desk tracked station shard pieces served timed_out value index client",
)
"""128 bytes: two cache lines."""
SELDOM = record("begun drawn_twice requested", "since")
"""What few agents need."""
FRAME = record("outcomes", "arrived since", "link node shard")
SETTLED = [field for field in REQUEST.descr if field[0] not in TRAITS]
"""What of a request in flight is written as it is when the request leaves: it stands first in both."""
BEGUN = INT().itemsize * [name for name, *_ in SETTLED].index("status")
"""Bytes of it that are known at its arrival: long before it leaves, so that they are moved two words at a time."""
REQUEST_IN_FLIGHT = np.dtype(SETTLED + record("columns", "", "link open agent brings delivered client").descr)
PATH = record("", "waited served", "")
"""What a plan has spent at a station (s)."""
LINE = record("", "", "link")
BLOCK = 16
"""Those who stand in one piece of a line, by when they begin (s)."""
FORK = record(
    "token agents first", "size batch", "link node parent left done next count references role request tracked"
)
GATHERING = record("link batch first last members child value references")
LEASE = record("key", "", "link cache first last over")
BATCHED = record("size current", "linger")
STATION = record(
    "kind shards servers choices room shard free stride inside refused spread_stream any_stream spread_name any_name",
    "area since sojourns held rate burst",
)
SHARD = record(
    "visits longest line",
    "busy wait last_come tokens asked",
    "line_first line_last begun station queue_first queue_last queue users standing just_come ends_first ends_last"
    " outages downs downs_end",
)
"""128 bytes; the first half is what most visits need."""
OUTAGE = record("", "begin end speed", "shard shards")
TIMING = record(
    "fixed fixed_stream fixed_name fixed_column fixed_foreseen item item_stream item_name item_column item_foreseen",
    "fixed_seconds item_seconds",
)
VARIATE = record("kind first last", "a b c")
CHANCE = record("stream name")
STREAM = record("position end op cause parent brings delivered")
