"""Fan-out on read: a reader's feed is gathered when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from simsys.steps import SPREAD, Each, Visit
from simsys.strategies import AtLeastOne, Keep, Strategy, World


class Pull(Strategy):
    """Gather the posts of everyone the reader follows at read time; a post is one row.

    Wins where posts are many and readers few; pays at every read, in proportion to the number of followed.

    Demand per read, f followed: source `rows`: one visit to the database of f · history rows, scanned and sorted;
    `index`: one visit of f index look-ups; `lists`: the list of the f followed, their f cached author lists,
    scattered over the shards (each at its author's, where it is known who that is), and one page of posts. Per post:
    one insert and its flush. The upkeep of the author lists, one entry per post, is not charged. Source: Silberstein
    et al., Feeding Frenzy, SIGMOD 2010 (pull); service times in defaults.yaml.
    """

    source: Literal["rows", "index", "lists"] = "index"  # sort all rows, newest of each by index, or cached lists
    history: AtLeastOne = 100  # rows per followed author that `rows` scans
    recent: AtLeastOne = 10  # posts of an author that `lists` keeps

    def post(self, r: Any) -> Iterator[Visit]:
        yield Visit("api", "post")
        yield from self.insert()

    def insert(self) -> Iterator[Visit]:
        yield Visit("network", "same_zone")
        yield Visit("database", "insert")
        yield Visit("wal", "flush")

    def read(self, r: Any) -> Iterator[Any]:
        yield Visit("api", "read")
        yield from self.gather(r)

    def gather(self, r: Any) -> Iterator[Any]:
        yield Visit("network", "same_zone")
        if self.source == "rows":
            yield Visit("database", "gather", n=r.following * self.history)
        elif self.source == "index":
            yield Visit("database", "newest", n=r.following)
        else:
            yield Visit("graph", "following", n=r.following, key=r.user)
            yield from self.along(r) if r.by_edge else self.authors(r.following)
            yield from self.hydrate(r)

    def authors(self, n: Any) -> Iterator[Visit]:
        """Ask for the newest posts of `n` authors, on all shards at once."""
        yield Visit("network", "same_zone")
        yield Visit("authors", "recent", n=n, key=SPREAD)

    def along(self, r: Any, rule: Any = None) -> Iterator[Any]:
        """Ask for the newest posts along the edges for which a rule holds, all at once, each at its author's shard."""

        def ask_one(b: Any) -> Iterator[Visit]:
            yield Visit("authors", "recent", key=b.followed_where(rule))

        yield Visit("network", "same_zone")
        yield Each(ask_one, n=r.following_where(rule))

    def hydrate(self, r: Any) -> Iterator[Visit]:
        """Fetch the posts of one page by their ids."""
        yield Visit("network", "same_zone")
        yield Visit("objects", "get", n=r.page, key=SPREAD)

    def keeps(self, world: World) -> Iterator[Keep]:
        yield from self.rows(world)
        if self.source == "lists":
            yield Keep("author lists", "ram", world.users * self.recent, "author_entry", grows=world.rate("post"))
            yield from self.objects(world)

    def rows(self, world: World) -> Iterator[Keep]:
        """What every design keeps: the posts and who follows whom."""
        posted = world.rate("post")
        yield Keep("posts", "ssd", world.posts, "post_row", grows=posted)
        yield Keep("old posts", "object", world.old_posts, "post_row", grows=posted, after=world.disk)
        yield Keep("follows", "ssd", world.edges, "follow_edge")

    def objects(self, world: World) -> Iterator[Keep]:
        """The posts by their ids, as long as they are asked for."""
        yield Keep("objects", "ram", world.hot_posts, "object", copies=1, grows=world.rate("post"))
