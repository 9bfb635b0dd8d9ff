"""A cache as a row, and its entries as a table: what the compiled code works on."""

from __future__ import annotations

from simsys.draws.rows import NOBODY as NOBODY
from simsys.draws.rows import WHOLE, record, row_at, table_of

POLICIES = ("lru", "fifo", "clock", "sieve", "random", "bloom", "hyperloglog")
LRU, FIFO, CLOCK, SIEVE, RANDOM, BLOOM, HYPERLOGLOG = range(len(POLICIES))
IN_CACHE, FORGOTTEN, FREE = range(3)
"""An entry is in the cache, or one of a warm start's that was taken out again, or nobody's."""
CACHE = record(
    "at_entries at_slots used free first last hand mask by_bytes policy renew down lookups hits stale fills"
    " evictions loads peak waits burst second drawn"
    " past keys past_keys past_renew stream luck length room places span hashes young in_young in_old",
    "capacity ttl jitter lease grace early bytes ages oldest past_size past_ttl zipf top due",
)
ENTRY = record("key link before", "fill expiry size", "state seen due")
"""`link` and `before` are an entry's neighbours in line. Where the policy is random, the `link` of row i is the entry
at place i, and `before` the place of an entry. Free entries are linked by `before`.
"""
STORE, cache_at = row_at("caches", CACHE)
entry = table_of(STORE, "at_entries", "entries", ENTRY)
slots = table_of(STORE, "at_slots", "slots", WHOLE)
