"""Freshness: one count per delivery, from the arrival of a post to the moment that it was marked fresh."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simsys.measure.log import FROM_EVENT
from simsys.measure.marks import Marks, some
from simsys.measure.windows import Windows

Array = npt.NDArray[Any]


class Freshness:
    """The freshness of one operation's requests; those that mark nothing are visible to their followers when they end.

    `width` is that of the windows (s). What is never marked has no freshness, but for a post.
    """

    def __init__(self, is_post: bool, width: float) -> None:
        self._told, self._width = is_post, width
        self._marked, self._plain = Windows(width), Windows(width)

    def take(self, requests: Array, chosen: Array, marks: Marks) -> None:
        """Settled requests and their marks; only the chosen rows count."""
        mine = np.zeros(len(requests), dtype=np.bool_)
        mine[chosen] = True
        row, time, n, _ = some(marks, mine[marks.row])
        if len(row):
            self._told = True
            arrival = requests["arrival"][row]
            self._marked.add(arrival, time - arrival, np.rint(n))
            mine[row] = False
        plain = np.flatnonzero(mine)
        arrival = requests["arrival"][plain]
        audience = requests["followers"][plain] * requests["active"][plain]
        audience = np.where(np.isnan(requests["followers"][plain]), 1.0, audience)
        self._plain.add(arrival, requests["end"][plain] - arrival, np.rint(audience))

    def told(self) -> Windows:
        """All delays (s) by window of arrival; nothing if there is nothing to tell."""
        both = Windows(self._width)
        if self._told:
            both.merge(self._marked)
            both.merge(self._plain)
        return both


class LastFresh:
    """When the last delivery of each event's post came."""

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        """Since the post, by the event's index."""

    def take(self, requests: Array, marks: Marks) -> None:
        """Settled requests and their marks."""
        of_event = requests["cause"][marks.row] == FROM_EVENT
        row, time = marks.row[of_event], marks.time[of_event]
        for one in np.unique(row).tolist():
            self.seconds[int(requests["index"][one])] = float(time[row == one].max() - requests["arrival"][one])
