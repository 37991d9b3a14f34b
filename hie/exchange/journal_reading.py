"""
Reading the journal: counts for `hie status`, the list of the message monitor, the bytes as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from hie.exchange.bodies import Bodies
from hie.exchange.entries import Document, to_message
from hie.exchange.ids import Clock
from hie.exchange.inbound import InboundMessage

STATES = ("pending", "committed", "kept", "dead", "quarantined", "rejected", "paused")
WITHOUT_BODY = {"raw": 0, "answer": 0}


class JournalReading:
    """Questions to the journal."""

    def __init__(self, collection: AsyncCollection[Document], bodies: Bodies, clock: Clock) -> None:
        self.collection = collection
        self._bodies = bodies
        self._clock = clock

    async def counts(self) -> dict[str, Any]:
        """
        How many were received and how many are in each state, the age of the oldest pending one in seconds, and
        `by_site`: for each site the counts by state.
        """
        group = {"$group": {"_id": {"site": "$site", "state": "$state"}, "n": {"$sum": 1}}}
        steps: list[dict[str, Any]] = [{"$sort": {"site": 1, "state": 1}}, group]
        by_site: dict[str, dict[str, int]] = {}
        totals = dict.fromkeys(STATES, 0)
        async for row in await self.collection.aggregate(steps):
            state, site = row["_id"]["state"], row["_id"]["site"] or "unknown"
            by_site.setdefault(site, {})[state] = row["n"]
            totals[state] += row["n"]
        oldest = await self.oldest_pending()
        age = max((self._clock() - oldest).total_seconds(), 0.0) if oldest else 0.0
        return {"received": sum(totals.values()), **totals, "oldest_pending_seconds": age, "by_site": by_site}

    async def oldest_pending(self) -> datetime | None:
        """When the oldest pending message came."""
        found = await self.collection.find_one({"state": "pending"}, {"received": 1}, sort=[("_id", 1)])
        return found["received"] if found else None

    async def pending(self, *, limit: int = 0) -> int:
        """How many wait; cheaper than all counts. With a limit no more than that are counted."""
        options: dict[str, Any] = {"limit": limit} if limit else {}
        return await self.collection.count_documents({"state": "pending"}, **options)

    async def last_pending_lane(self) -> int:
        """The highest lane in which something waits, -1 where nothing does."""
        found = await self.collection.find_one({"state": "pending"}, {"lane": 1}, sort=[("lane", -1)])
        return int(found["lane"]) if found else -1

    async def get(self, message_id: str) -> InboundMessage | None:
        """One entry with its bytes, None where there is none."""
        found = await self.collection.find_one({"_id": message_id}, {"raw": 0})
        if found is None:
            return None
        return replace(to_message(found), raw=await self.raw(message_id))

    async def raw(self, message_id: str) -> bytes:
        """The bytes as they came over the wire; b"" where there is no such entry."""
        found = await self.collection.find_one({"_id": message_id}, {"raw": 1, "file": 1}) or {}
        if found.get("file") is not None:
            return await self._bodies.get(found["file"])
        return bytes(found.get("raw") or b"")

    async def answer(self, message_id: str) -> bytes:
        """What the sender was told."""
        found = await self.collection.find_one({"_id": message_id}, {"answer": 1}) or {}
        return bytes(found.get("answer") or b"")

    async def search(
        self,
        *,
        state: str | None = None,
        site: str | None = None,
        type: str | None = None,  # noqa: A002 - the standard's word
        control_id: str | None = None,
        message_id: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[InboundMessage]:
        """Entries without their bytes, newest first; `before` is the id where the page before ended."""
        named = {"state": state, "site": site, "type": type, "control": control_id, "_id": message_id}
        query: dict[str, Any] = {name: value for name, value in named.items() if value}
        if before and not message_id:
            query["_id"] = {"$lt": before}
        found = self.collection.find(query, WITHOUT_BODY).sort("_id", -1).limit(limit).max_time_ms(5000)
        return [to_message(document) async for document in found]

    async def details(self, message_id: str) -> Mapping[str, Any]:
        """Everything the journal knows of one message but its bytes: unmapped parts, remarks, releases."""
        return await self.collection.find_one({"_id": message_id}, WITHOUT_BODY) or {}
