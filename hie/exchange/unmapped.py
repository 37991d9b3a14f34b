"""
The unmapped queue: what was kept but not translated, counted for the people who write mappings.

Each message lists its own unmapped parts in the journal, in the message's transaction; counts are rolled up from
there, exactly once, so that lanes never wait for each other's counters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from hie.exchange.database import DURABLE, Client, exchange_database

BATCH = 500
TO_COUNT, COUNTED = 1, 2
FIELDS = ("site", "kind", "location", "system", "code")


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

    async def roll_up(self) -> int:
        """Count what is not counted yet; returns how many messages. Where another worker does it now, 0."""
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

    async def find(self, *, site: str | None = None, kind: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        """Most frequent first: {site, kind, location, system, code, display, count}."""
        query = {name: value for name, value in (("site", site), ("kind", kind)) if value}
        return await self._collection.find(query, {"_id": 0}).sort([("count", -1), ("_id", 1)]).limit(limit).to_list()


def _increment(key: tuple[str, ...], n: int, display: str) -> UpdateOne:
    fields = dict(zip(FIELDS, key, strict=True)) | ({"display": display} if display else {})
    return UpdateOne({"_id": "\x1f".join(key)}, {"$inc": {"count": n}, "$set": fields}, upsert=True)
