"""What a storage engine has done so far, in bytes and counts that two engines share."""

from __future__ import annotations

from typing import NamedTuple

STORAGE = "storage"
"""The subject of what a storage engine did."""


class StorageTotals(NamedTuple):
    """Counters since the data were there: `accesses` that look something up, the blocks or pages that these `touched`,
    in memory or not, and `fetched` from the device; bytes of changes `received`, of the `log`, of what was `read` and
    `written` besides it. And as it stands: bytes `kept` on the device, of entries that are `live`, and of `memory`.
    """

    accesses: float = 0.0
    touched: float = 0.0
    fetched: float = 0.0
    received: float = 0.0
    log: float = 0.0
    read: float = 0.0
    written: float = 0.0
    kept: float = 0.0
    live: float = 0.0
    memory: float = 0.0

    def since(self, begin: StorageTotals) -> StorageTotals:
        """What was done since then; and as it stands now."""
        names = [name for name in self._fields if name not in ("kept", "live", "memory")]
        return self._replace(**{name: getattr(self, name) - getattr(begin, name) for name in names})
