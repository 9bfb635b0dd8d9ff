"""How busy each shard of a station is, where one of them is much busier than the others."""

from __future__ import annotations

from typing import Any

from simsys.experiment.result import MOST_SHARDS, UNEVEN, Result
from simsys.report import style
from simsys.report.canvas import canvas


def uneven(result: Result) -> list[str]:
    """The stations of which one shard is much busier than they are on average, under some strategy."""
    found = {
        station: None
        for played in result.played
        for station, busy in played.shards.items()
        if max(busy) - sum(busy) / len(busy) >= UNEVEN
    }
    return list(found)


def shards(result: Result) -> Any:
    """How busy each shard of a station is, the busiest first, under every strategy that visits it."""
    drawn = uneven(result)
    seen = [(i, p, station) for i, p in enumerate(result.played) for station in drawn if station in p.shards]
    if not seen:
        return None
    figure, panels = canvas(8, 0.9 + 1.15 * len(seen), len(seen))
    for panel, (number, played, station) in zip(panels, seen, strict=True):
        busy = [100 * share for share in played.shards[station]]
        panel.bar(range(1, len(busy[:MOST_SHARDS]) + 1), busy[:MOST_SHARDS], width=0.8, color=style.colour(number))
        mean = sum(busy) / len(busy)
        panel.axhline(mean, color="#444444", linewidth=1.0, linestyle=(0, (3, 2)))
        beside = {"xycoords": ("axes fraction", "data"), "xytext": (4, 0), "textcoords": "offset points"}
        told = f"mean {style.figure(mean / 100, 'utilization', '')}"
        panel.annotate(told, (1, mean), **beside, va="center", fontsize=8, color="#444444")
        panel.set_ylim(0, 100)
        panel.set_yticks([0, 50, 100], ["0%", "50%", "100%"])
        panel.set_xlim(0.4, len(busy[:MOST_SHARDS]) + 0.6)
        panel.set_xticks([])
        panel.grid(axis="x", visible=False)
        head = f"{style.short(played.strategy)}: {len(busy)} shards of {style.short(station)}"
        panel.set_title(head, fontweight="normal", fontsize=10)
    panels[-1].set_xlabel("shards, from the busiest on (bar: share of the time that its servers are busy)")
    figure.suptitle("Which shard is busy?", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure
