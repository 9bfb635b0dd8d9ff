"""Makes up network.csv and network-rates.csv, and computes followers.csv from the three data sets that README.md names.

    python scenarios/tables/make.py            the network and its rates
    python scenarios/tables/make.py FOLDER     the followers: the folder that holds the .csv.gz files

The table says how many followers the user at quantile u has, on a site of 200 M users who follow 200 others
on average. Between the rows stand straight lines.
"""

import csv
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USERS = 200e6
MEAN = 200.0  # follow edges per user: so many follow, so many are followed
BODY_ENDS = 1e-3  # share of users above which the body's sample is too thin: 14 of its rows
TAIL_BEGINS = 1e-4  # share of users above which the tail speaks; between the two a straight line on log paper
SLOPE_ROWS = 1000  # communities whose sizes give the tail's slope
BEND_RANK = 30  # the account, besides the first, that the tail passes through
PER_DECADE = 20  # rows of the table per decade of its tail


def read(path: Path, column: str, zero: str = "") -> Floats:
    """One column, largest first; of the rows where the column `zero` is 0, if one is named."""
    with gzip.open(path, "rt", newline="") as text:
        values = [float(row[column]) for row in csv.DictReader(text) if not zero or row[zero] == "0"]
    falling: Floats = -np.sort(-np.array(values))
    return falling


def body(sample: Floats, share: Floats) -> Floats:
    """The count that a share of the sample exceeds; a count of k is spread over k ± 1/2."""
    counts, rows = np.unique(sample, return_counts=True)
    above = 1 - np.cumsum(rows) / len(sample)
    exceeded: Floats = np.interp(-share, [-1.0, *-above], [0.0, *(counts + 0.5)])
    return exceeded


def hill(largest: Floats) -> float:
    """Hill's estimate of the exponent of a Pareto tail; the last value is the threshold."""
    return float(1 / np.mean(np.log(largest[:-1] / largest[-1])))


def tail(celebrities: Floats, exponent: float, rank: Floats) -> Floats:
    """Zipf–Mandelbrot, first · ((1 + q) / (rank + q))^(1/exponent), through the accounts 1 and 30."""
    first, other = celebrities[0], celebrities[BEND_RANK - 1]
    ratio = float(other / first) ** exponent
    q = (ratio * BEND_RANK - 1) / (1 - ratio)
    size: Floats = first * ((1 + q) / (rank + q)) ** (1 / exponent)
    return size


def mean(share: Floats, followers: Floats) -> float:
    """Mean of the law; `share` falls, from 1 at the first row to 0 at the last."""
    return float(np.sum(-np.diff(share) * (followers[1:] + followers[:-1]) / 2))


def table(ordinary: Floats, celebrities: Floats, exponent: float) -> tuple[Floats, Floats, float]:
    """(share of users above the row, followers, the body's factor), with a mean of 200."""
    many = np.concatenate([np.linspace(1, 0.05, 20), np.geomspace(0.04, BODY_ENDS, 30)])
    some = np.geomspace(BODY_ENDS, TAIL_BEGINS, PER_DECADE + 1)[1:-1]
    few = np.geomspace(TAIL_BEGINS, 0.5 / USERS, round(PER_DECADE * np.log10(TAIL_BEGINS * USERS / 0.5)) + 1)
    share = np.concatenate([many, some, few, [0.0]])
    shape, top = body(ordinary, many), tail(celebrities, exponent, few * USERS + 0.5)

    def followers(factor: float) -> Floats:
        ends = np.log([top[0], factor * shape[-1]])
        between = np.exp(np.interp(np.log(some), np.log([TAIL_BEGINS, BODY_ENDS]), ends))
        return np.concatenate([factor * shape, between, top, top[-1:]])

    low, high = 0.0, float(top[0] / shape[-1])
    while high - low > 1e-9:
        factor = (low + high) / 2
        low, high = (factor, high) if mean(share, followers(factor)) < MEAN else (low, factor)
    return share, followers(low), low


def above(share: Floats, followers: Floats, threshold: float) -> tuple[float, float]:
    """(share of users, share of follow edges) with at least so many followers."""
    users = float(np.interp(threshold, followers, share))
    more = followers > threshold
    edges = mean(np.array([users, *share[more]]), np.array([threshold, *followers[more]]))
    return users, edges / mean(share, followers)


PEOPLE = 400  # users of the made-up network
FOLLOWED = 12  # whom each of them follows
FAME = 0.9  # the user of rank r draws followers as r to the power of minus this
NEVER = 0.25  # share of the users that never reads
SPREAD = 1.6  # sigma of the log-normal laws of how often users post and read


def network(seed: int = 2010) -> Iterator[tuple[str, str]]:
    """(follower, followed): everybody follows some of the others, the famous more than the rest."""
    luck = np.random.default_rng(seed)
    fame = np.cumsum(np.arange(1, PEOPLE + 1.0) ** -FAME)
    for user in range(PEOPLE):
        followed: dict[int, None] = {}
        while len(followed) < FOLLOWED:
            other = int(np.searchsorted(fame, luck.random() * fame[-1]))
            if other != user:
                followed[other] = None
        yield from ((f"u{user}", f"u{other}") for other in followed)


def rates(seed: int = 2011) -> Iterator[tuple[str, str, str]]:
    """(user, posts, reads): how often, compared with the others; whoever posts much need not read much."""
    luck = np.random.default_rng(seed)
    for user in range(PEOPLE):
        posts, reads = np.exp(SPREAD * np.array([normal(luck), normal(luck)]))
        yield f"u{user}", f"{posts:.3g}", f"{reads:.3g}" if luck.random() >= NEVER else "0"


def normal(luck: np.random.Generator) -> float:
    """A draw of the normal law, by Box and Muller."""
    radius, angle = np.sqrt(-2 * np.log(1 - luck.random())), 2 * np.pi * luck.random()
    return float(radius * np.cos(angle))


def make_network() -> None:
    """Writes both files beside this one."""
    files = {"network.csv": ("follower,followed", network()), "network-rates.csv": ("user,posts,reads", rates())}
    for name, (header, rows) in files.items():
        text = "".join(",".join(row) + "\n" for row in rows)
        (Path(__file__).parent / name).write_text(f"{header}\n{text}", encoding="utf-8")


def main(folder: Path) -> None:
    """Writes the table beside this file and prints what is said of it in README.md."""
    ordinary = read(folder / "followers_github_spain_2017.csv.gz", "followers")
    celebrities = read(folder / "followers_twitter_2017_celebrities_bots.csv.gz", "followers", zero="is_bot")
    communities = read(folder / "members_reddit_2024_top25k.csv.gz", "members")
    exponent = hill(communities[1 : SLOPE_ROWS + 2])  # not the first, which everybody joins by default
    share, followers, factor = table(ordinary, celebrities, exponent)
    followers[:-2] = [float(f"{x:.4g}") if x >= 1000 else round(x, 1) for x in followers[:-2]]
    rows = [f"{1 - s:.10f},{x:.10g}\n" for s, x in zip(share, followers, strict=True)]
    (Path(__file__).parent / "followers.csv").write_text("u,followers\n" + "".join(rows), encoding="utf-8")

    print(f"tail exponent {exponent:.4f}, body times {factor:.3f}, {len(rows)} rows")
    print(f"mean {mean(share, followers):.3f}, max {followers[-1]:,.0f}")
    for threshold in (1e3, 1e4, 1e5, 1e6, 1e7):
        users, edges = above(share, followers, threshold)
        line = f"{users:.3g} of users, {edges:.2%} of edges, {edges * MEAN:.1f} followed"
        print(f"from {threshold:10,.0f}: {line}")


if __name__ == "__main__":
    main(Path(sys.argv[1])) if sys.argv[1:] else make_network()
