"""What each strategy costs at equal promises, stacked by what the money is spent on."""

from __future__ import annotations

from typing import Any

from simsys.experiment.fleets import KINDS
from simsys.report import style
from simsys.report.canvas import canvas
from simsys.report.size import CALLED, Sizes, question
from simsys.units import show_money


def chart(sizes: Sizes) -> Any:
    """A bar per strategy; hatched where no fleet keeps every promise."""
    from matplotlib.ticker import FuncFormatter

    sized = sizes.sized
    if not any(each.cost for each in sized):
        return None
    figure, (panel,) = canvas(8, 1.5 + 0.55 * len(sized))
    for number, each in enumerate(sized):
        left = 0.0
        for place, kind in enumerate(KINDS):
            value = each.value("system", f"cost.{kind}") or 0.0
            look = {"color": style.colour(place), "label": CALLED[kind] if number == 0 else None}
            panel.barh(number, value, left=left, height=0.62, hatch=None if each.keeps else "///",
                       edgecolor="white", linewidth=0.8, **look)  # fmt: skip
            left += value
        told = show_money(each.cost) + ("" if each.keeps else ", and misses a promise")
        panel.annotate(told, (left, number), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
    panel.set_yticks(range(len(sized)), [style.short(each.strategy) for each in sized])
    panel.invert_yaxis()
    panel.set_xlim(0, 1.35 * max(each.cost for each in sized))
    panel.grid(axis="y", visible=False)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: show_money(x).removesuffix("/month")))
    panel.set_xlabel("cost per month of the smallest fleet")
    panel.set_title(question(sizes.budget))
    panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    return figure
