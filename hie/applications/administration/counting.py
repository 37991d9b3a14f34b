"""
Counters of the traffic: how many messages came in each minute and hour from each site, counted once and kept.

What came in a minute never changes, so each is counted when it is over, and a look at the monitor adds the little
that came since. A minute is counted again once, for a message that was slow to be kept. Any process may count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReplaceOne

from hie.directory.senders import slug
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import RANDOM_BITS, Clock, encode, now

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Counted at once; a minute that ended just now may still be written.
STEP, SETTLED, AGAIN = timedelta(hours=1), timedelta(seconds=20), 2 * MINUTE
REACH = timedelta(days=8)
KEPT = {"traffic_minutes": 2 * 86_400, "traffic_hours": 40 * 86_400}
# How the journal's reader names what had no sender that could be read.
UNKNOWN = "unknown"
Counts = dict[datetime, Counter[str]]


def id_at(moment: datetime) -> str:
    """The smallest journal id of a moment: a range of ids is a range of time, in every index that ends with them."""
    return encode(int(moment.timestamp() * 1000) << (RANDOM_BITS + 1))


def site_of(site: str, sender: str) -> str:
    """A message that was refused has no site yet: it is its sender's."""
    return site or (f"site-{slug(sender)}" if sender.strip("|") else UNKNOWN)


def floor(moment: datetime, step: timedelta) -> datetime:
    """The beginning of the step that a moment is in."""
    return moment - timedelta(seconds=moment.timestamp() % step.total_seconds())


class TrafficCounts:
    """Collections `traffic_minutes` and `traffic_hours`; `traffic_place` says how far is counted."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now) -> None:
        database = exchange_database(client, prefix)
        self._journal, self._place = database["journal"], database["traffic_place"]
        self._minutes, self._hours = database["traffic_minutes"], database["traffic_hours"]
        self._clock, self._ready = clock, False

    async def catch_up(self, steps: int = 48) -> None:
        """Count what is over, at most so many hours of it."""
        for _ in range(steps):
            if not await self.roll_up():
                return

    async def roll_up(self) -> bool:
        """Count the next hour, or what of it is over; False where there is nothing to count."""
        await self._ensure_indexes()
        until = await self.until()
        end = min(floor(self._clock() - SETTLED, MINUTE), until + STEP)
        if end <= until:
            return False
        counted = await self._count(until - AGAIN, end)
        if counted:
            await self._minutes.bulk_write([_row(at, sites) for at, sites in counted.items()], ordered=False)
            for hour in {floor(at, HOUR) for at in counted}:
                sums = await self._sum(self._minutes, hour, hour + HOUR)
                await self._hours.bulk_write([_row(hour, sums)])
        await self._place.update_one({"_id": "until"}, {"$max": {"at": end}}, upsert=True)
        return True

    async def until(self) -> datetime:
        """How far is counted."""
        found = await self._place.find_one({"_id": "until"})
        if found is None:
            found = await self._journal.find_one({}, {"at": "$received"}, sort=[("received", 1)])
        begin: datetime = found["at"] if found else self._clock() - HOUR
        return floor(max(begin, self._clock() - REACH), MINUTE)

    async def minutes(self, start: datetime) -> Counts:
        """What came in each minute since, the running one included."""
        found: Counts = {}
        async for row in self._minutes.find({"_id": {"$gte": start}}):
            found[row["_id"]] = Counter({one["site"]: one["n"] for one in row["sites"]})
        return found | await self._since(start)

    async def received(self, start: datetime) -> Counter[str]:
        """How many came from each site since the beginning of an hour."""
        found = await self._sum(self._hours, start, self._clock() + HOUR)
        place = await self.until()
        for at, sites in (await self._since(start)).items():
            found.update(sites if at >= place else {})
        return found

    async def _since(self, start: datetime) -> Counts:
        """What is not counted yet, of the last hour at most."""
        begin = max(await self.until(), start, floor(self._clock() - HOUR, MINUTE))
        return await self._count(begin, self._clock() + MINUTE)

    async def _sum(self, collection: Any, start: datetime, end: datetime) -> Counter[str]:
        steps: list[dict[str, Any]] = [
            {"$match": {"_id": {"$gte": start, "$lt": end}}},
            {"$unwind": "$sites"},
            {"$group": {"_id": "$sites.site", "n": {"$sum": "$sites.n"}}},
        ]
        return Counter({row["_id"]: row["n"] async for row in await collection.aggregate(steps)})

    async def _count(self, start: datetime, end: datetime) -> Counts:
        """By the index over the time of reception."""
        unnamed = {"$cond": [{"$eq": ["$site", ""]}, "$sender", ""]}
        minute = {"$dateTrunc": {"date": "$received", "unit": "minute"}}
        steps: list[dict[str, Any]] = [
            {"$match": {"received": {"$gte": start, "$lt": end}}},
            {"$group": {"_id": {"minute": minute, "site": "$site", "sender": unnamed}, "n": {"$sum": 1}}},
        ]
        found: Counts = {}
        async for row in await self._journal.aggregate(steps):
            key = row["_id"]
            found.setdefault(key["minute"], Counter())[site_of(key["site"], key["sender"])] += row["n"]
        return found

    async def _ensure_indexes(self) -> None:
        if self._ready:
            return
        for collection in (self._minutes, self._hours):
            kept = KEPT[collection.name]
            await collection.create_indexes([IndexModel([("at", ASCENDING)], expireAfterSeconds=kept)])
        self._ready = True


def _row(at: datetime, sites: Mapping[str, int]) -> ReplaceOne[dict[str, Any]]:
    listed = [{"site": site, "n": n} for site, n in sorted(sites.items())]
    return ReplaceOne({"_id": at}, {"at": at, "sites": listed}, upsert=True)


def by_site(counts: Iterable[tuple[datetime, Mapping[str, int]]]) -> Counter[str]:
    """The sum of several minutes."""
    total: Counter[str] = Counter()
    for _at, sites in counts:
        total.update(sites)
    return total
