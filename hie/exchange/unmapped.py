"""
The unmapped queue: what was kept but not translated, counted for the people who write mappings.

Each message lists its own unmapped parts in the journal, in the message's transaction; counts are rolled up from
there, exactly once, so that lanes never wait for each other's counters. What a site's profile resolves leaves the
queue at once; the messages that it was in can be replayed, and are counted anew when they are done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from adapters.hl7v2.site import Site
from hie.directory.resolving import resolves
from hie.exchange.database import DURABLE, Client, exchange_database

BATCH = 500
TO_COUNT, COUNTED = 1, 2
FIELDS = ("site", "kind", "location", "system", "code")
REPLAYABLE = ("committed", "kept", "dead")
# Codes asked for at once when messages are sought that hold them.
AT_ONCE = 100


def count_parts(entries: Sequence[Mapping[str, Any]]) -> tuple[Counter[tuple[str, ...]], dict[tuple[str, ...], str]]:
    """Count by (site, kind, location, system, code); also a display for each, where one was sent."""
    counts: Counter[tuple[str, ...]] = Counter()
    displays: dict[tuple[str, ...], str] = {}
    for entry in entries:
        for part in entry.get("unmapped", ()):
            key = (entry["site"], *(part[name] for name in FIELDS[1:]))
            counts[key] += 1
            if part.get("display"):
                displays[key] = part["display"]
    return counts, displays


class UnmappedQueue:
    """Collection `unmapped`: one document a (site, kind, location, system, code)."""

    def __init__(self, client: Client, prefix: str) -> None:
        database = exchange_database(client, prefix)
        self._client = client
        self._journal = database["journal"]
        self._collection = database["unmapped"]
        self._recounts = database["unmapped_recounts"]

    async def roll_up(self) -> int:
        """Count what is not counted yet; returns how many messages. Where another worker does it now, 0."""
        await self._recount_replayed()
        query = {"unmapped_state": TO_COUNT}
        entries = await self._journal.find(query, {"site": 1, "unmapped": 1}).limit(BATCH).to_list()
        if not entries:
            return 0
        async with self._client.start_session() as session:
            try:
                async with await session.start_transaction(write_concern=DURABLE):
                    return await self._count(entries, session)
            except OperationFailure as error:
                if error.has_error_label("TransientTransactionError"):
                    return 0
                raise

    async def _count(self, entries: Sequence[Mapping[str, Any]], session: AsyncClientSession) -> int:
        ids = [entry["_id"] for entry in entries]
        mine = {"_id": {"$in": ids}, "unmapped_state": TO_COUNT}
        marked = await self._journal.update_many(mine, {"$set": {"unmapped_state": COUNTED}}, session=session)
        if marked.modified_count != len(ids):
            await session.abort_transaction()
            return 0
        counts, displays = count_parts(entries)
        await self._collection.bulk_write(
            [_increment(key, n, displays.get(key, "")) for key, n in counts.items()], ordered=False, session=session
        )
        return len(ids)

    async def resolve(self, site: Site) -> list[dict[str, Any]]:
        """Take from the queue what the profile of the site resolves now; returns it, the most frequent first."""
        waiting = self._collection.find({"site": site.id}).sort([("count", -1), ("_id", 1)])
        found = [part async for part in waiting if resolves(site, part)]
        if found:
            await self._collection.bulk_write([DeleteOne({"_id": part.pop("_id")}) for part in found], ordered=False)
        return found

    async def affected(self, site: str, parts: Sequence[Mapping[str, Any]]) -> int:
        """How many messages hold one of these parts and can be replayed."""
        return sum([await self._journal.count_documents(query) async for query in _queries(site, parts)])

    async def replay(self, site: str, parts: Sequence[Mapping[str, Any]], *, by: str, at: Any) -> int:
        """Process the messages again that hold one of these parts; the site is counted anew when they are done."""
        released = 0
        async for query in _queries(site, parts):
            change = {"$set": {"state": "pending"}, "$push": {"released": {"by": by, "at": at}}}
            released += (await self._journal.update_many(query, change)).modified_count
        if released:
            await self._recounts.update_one({"_id": site}, {"$set": {"at": at}}, upsert=True)
        return released

    async def _recount_replayed(self) -> None:
        async for marked in self._recounts.find():
            site = marked["_id"]
            waits = await self._journal.find_one({"site": site, "state": "pending"}, {"_id": 1})
            if waits is None and await self.recount(site):
                await self._recounts.delete_one({"_id": site, "at": marked["at"]})

    async def recount(self, site: str) -> bool:
        """Make the counts of a site anew from its messages. False where it has to be tried again."""
        async with self._client.start_session() as session:
            try:
                async with await session.start_transaction(write_concern=DURABLE):
                    await self._recount(site, session)
                    return True
            except OperationFailure as error:
                if error.has_error_label("TransientTransactionError"):
                    return False
                raise

    async def _recount(self, site: str, session: AsyncClientSession) -> None:
        key = {name: f"$unmapped.{name}" for name in FIELDS[1:]}
        group = {"_id": key, "n": {"$sum": 1}, "display": {"$max": "$unmapped.display"}}
        query = {"site": site, "unmapped_state": COUNTED, "unmapped": {"$exists": True}}
        steps: list[dict[str, Any]] = [{"$match": query}, {"$unwind": "$unmapped"}, {"$group": group}]
        rows = await (await self._journal.aggregate(steps, session=session)).to_list()
        await self._collection.delete_many({"site": site}, session=session)
        if rows:
            named = [((site, *(str(row["_id"].get(name, "")) for name in FIELDS[1:])), row) for row in rows]
            writes = [_increment(key, row["n"], row["display"] or "") for key, row in named]
            await self._collection.bulk_write(writes, ordered=False, session=session)

    async def find(self, *, site: str | None = None, kind: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        """Most frequent first: {site, kind, location, system, code, display, count}."""
        query = {name: value for name, value in (("site", site), ("kind", kind)) if value}
        return await self._collection.find(query, {"_id": 0}).sort([("count", -1), ("_id", 1)]).limit(limit).to_list()


def _increment(key: tuple[str, ...], n: int, display: str) -> UpdateOne:
    fields = dict(zip(FIELDS, key, strict=True)) | ({"display": display} if display else {})
    return UpdateOne({"_id": "\x1f".join(key)}, {"$inc": {"count": n}, "$set": fields}, upsert=True)


async def _queries(site: str, parts: Sequence[Mapping[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Messages of a site that hold one of the parts; a message in two of the groups is released by the first."""
    named = [{name: part.get(name, "") for name in FIELDS[1:]} for part in parts]
    for at in range(0, len(named), AT_ONCE):
        held = {"$elemMatch": {"$or": named[at : at + AT_ONCE]}}
        yield {
            "site": site, "state": {"$in": list(REPLAYABLE)}, "unmapped": held, "pruned": {"$exists": False},
        }  # fmt: skip
