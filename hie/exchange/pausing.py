"""
Pausing a site: its messages are received and acknowledged, and wait until somebody lets them go on.

The flag decides: workers leave a site alone as long as it stands. Its waiting messages are put aside ("paused") only
so that workers need not look at them, and they are all back before the flag goes, so that none overtakes another.
OpenHIM and interface engines call it stopping a channel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from hie.exchange.database import Client, durably, exchange_database
from hie.exchange.ids import Clock, now

BATCH = 1000
CACHE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Paused:
    """A paused site: who paused it when and why; `resuming` while its messages are put back."""

    site: str
    by: str
    at: datetime
    reason: str = ""
    resuming: bool = False
    waiting: int = 0


class Pausing:
    """Collection `paused_sites`, one document a site."""

    def __init__(
        self, client: Client, prefix: str, *, clock: Clock = now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        database = exchange_database(client, prefix)
        self._client, self._clock, self._monotonic = client, clock, monotonic
        self._flags, self._journal = database["paused_sites"], database["journal"]
        self._events = database["site_pauses"]
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    async def sites(self) -> frozenset[str]:
        """The sites that workers leave alone, known for a moment."""
        if self._monotonic() - self._read_at > CACHE_SECONDS:
            self._known = frozenset([flag["_id"] async for flag in self._flags.find({}, {"_id": 1})])
            self._read_at = self._monotonic()
        return self._known

    async def listed(self) -> list[Paused]:
        """Every paused site and how many of its messages wait."""
        found = []
        async for flag in self._flags.find().sort("_id", 1):
            waiting = await self._journal.count_documents(
                {"site": flag["_id"], "state": {"$in": ["paused", "pending"]}}
            )
            resuming = flag["state"] == "resuming"
            found.append(Paused(flag["_id"], flag["by"], flag["at"], flag["reason"], resuming, waiting))
        return found

    async def held(self) -> Mapping[str, Paused]:
        """The same by site."""
        return {one.site: one for one in await self.listed()}

    async def pause(self, site: str, *, by: str, reason: str = "") -> bool:
        """Workers finish what they have in hand of it. False where it was paused already."""
        flag = {"state": "paused", "by": by, "at": self._clock(), "reason": reason}
        done = await self._flags.update_one({"_id": site}, {"$setOnInsert": flag}, upsert=True)
        paused = done.upserted_id is not None
        if not paused:
            # Paused again while its messages are put back: they stop where they are.
            again = await self._flags.update_one({"_id": site, "state": "resuming"}, {"$set": flag})
            paused = again.modified_count == 1
        if paused:
            await self._note(site, "paused", by, reason)
        return paused

    async def resume(self, site: str, *, by: str) -> bool:
        """Put its messages back at their old places, and let workers at them. False where it is not paused."""
        done = await self._flags.update_one({"_id": site}, {"$set": {"state": "resuming", "resumed_by": by}})
        if done.matched_count == 0:
            return False
        await self._note(site, "resumed", by, "")
        await self._put_back(site)
        return True

    async def _note(self, site: str, what: str, by: str, reason: str) -> None:
        """Who did what: kept for good."""
        await self._events.insert_one({"site": site, "what": what, "by": by, "at": self._clock(), "reason": reason})

    async def settle(self) -> None:
        """Housekeeping of any worker: what came meanwhile is put aside; a resume that was cut off is finished."""
        async for flag in self._flags.find():
            if flag["state"] == "resuming":
                await self._put_back(flag["_id"])
            else:
                while await self._moved(flag["_id"], "paused", "pending", "paused") == BATCH:
                    pass

    async def _put_back(self, site: str) -> None:
        while await self._moved(site, "resuming", "paused", "pending"):
            pass
        left = {"site": site, "state": "paused"}
        if await self._journal.find_one(left, {"_id": 1}) is None:
            await self._flags.delete_one({"_id": site, "state": "resuming"})

    async def _moved(self, site: str, flag: str, before: str, after: str) -> int:
        """
        Move a batch, the oldest first, as long as the flag stands as it does; returns how many.

        In one transaction that touches the flag: whoever changes it at the same moment makes the other try again.
        """

        async def move(session: AsyncClientSession) -> int:
            touched = await self._flags.update_one(
                {"_id": site, "state": flag}, {"$inc": {"turns": 1}}, session=session
            )
            if touched.matched_count == 0:
                return 0
            found = self._journal.find({"site": site, "state": before}, {"_id": 1}, session=session)
            ids = [document["_id"] async for document in found.sort("_id", 1).limit(BATCH)]
            change: dict[str, Any] = {"$set": {"state": after}}
            done = await self._journal.update_many({"_id": {"$in": ids}, "state": before}, change, session=session)
            return int(done.modified_count)

        try:
            return await durably(self._client, move)
        except OperationFailure as error:
            if error.has_error_label("TransientTransactionError"):
                return 0
            raise
