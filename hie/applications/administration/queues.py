"""
What waits and what failed, asked of the journal's indexes: by state, by site, never over all messages.

https://www.mongodb.com/docs/manual/core/query-optimization/#covered-query
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hie.applications.administration.counting import id_at, site_of
from hie.exchange.inbound import State
from hie.exchange.journal import Journal
from hie.feeds.registry import Feed, Feeds

# A figure above this is "so many and more": nobody reads it more exactly, and counting it takes time.
MOST = 100_000
FAILED: tuple[State, ...] = ("dead", "rejected")


@dataclass(frozen=True, slots=True)
class SiteQueue:
    """What waits of one site: how many, since when, and its dead letters."""

    waiting: int = 0
    oldest: datetime | None = None
    dead: int = 0


@dataclass(frozen=True, slots=True)
class FeedQueue:
    """What waits for one receiver: when and how it acknowledged `last`, and for what `reason` the first one waits."""

    feed: Feed
    waiting: int
    oldest: datetime | None
    dead: int
    last: datetime | None
    code: str = ""
    reason: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Queues:
    """Questions to the journal and to the feeds."""

    journal: Journal
    feeds: Feeds

    async def sites(self) -> list[str]:
        """Every site that a stored message is of; the index skips from one to the next."""
        return sorted(filter(None, await self.journal.collection.distinct("site")))

    async def counts(self, *states: State) -> dict[str, int]:
        """How many are in these states now."""
        return {one: await self.journal.collection.count_documents({"state": one}, limit=MOST) for one in states}

    async def of_site(self, site: str) -> SiteQueue:
        """One site's queue."""
        pending: dict[str, Any] = {"site": site, "state": {"$in": ["pending", "paused"]}}
        first = await self.journal.collection.find_one(pending, {"received": 1}, sort=[("_id", 1)])
        dead = await self.journal.collection.count_documents({"site": site, "state": "dead"}, limit=MOST)
        waiting = await self.journal.collection.count_documents(pending, limit=MOST) if first else 0
        return SiteQueue(waiting, first["received"] if first else None, dead)

    async def failed(self, start: datetime) -> Counter[str]:
        """What came since then and did not get in, by site."""
        steps: list[dict[str, Any]] = [
            {"$match": {"state": {"$in": list(FAILED)}, "_id": {"$gte": id_at(start)}}},
            {"$limit": MOST},
            {"$group": {"_id": {"site": "$site", "sender": "$sender"}, "n": {"$sum": 1}}},
        ]
        found: Counter[str] = Counter()
        async for row in await self.journal.collection.aggregate(steps):
            found[site_of(row["_id"]["site"], row["_id"]["sender"])] += row["n"]
        return found

    async def of_feeds(self) -> list[FeedQueue]:
        """Every feed's queue."""
        return [await self.of_feed(feed) for feed in await self.feeds.all()]

    async def of_feed(self, feed: Feed) -> FeedQueue:
        """One feed's queue: its ends, and how long it is."""
        messages = self.feeds.messages
        waiting, dead, sent = ({"feed": feed.name, "state": one} for one in ("waiting", "dead", "sent"))
        first = await messages.find_one(waiting, sort=[("_id", 1)]) or {}
        last = await messages.find_one(sent, {"settled": 1, "code_told": 1}, sort=[("_id", -1)]) or {}
        return FeedQueue(
            feed, await messages.count_documents(waiting, limit=MOST) if first else 0, first.get("at"),
            await messages.count_documents(dead, limit=MOST), last.get("settled"), str(last.get("code_told") or ""),
            str(first.get("reason") or ""), int(first.get("tries") or 0),
        )  # fmt: skip


def most_waiting(queues: Iterable[SiteQueue]) -> datetime | None:
    """Since when the oldest of all waits."""
    return min((one.oldest for one in queues if one.oldest), default=None)
