"""
How many lanes there are: one number for all processes, that is changed only while nothing waits.

A patient's lane is a hash over the number of lanes. With another number new messages would go to other lanes than those
that wait, and overtake them: so an exchange with a backlog does not start with another number, and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo.errors import DuplicateKeyError, PyMongoError

from hie.errors import Unavailable
from hie.exchange.database import Client, Database, exchange_database, later
from records.background import background

USE_SECONDS = 15.0
WAITING = ("pending", "paused")
_LANES = {"_id": "lanes"}


async def lane_count(database: Database) -> int:
    """The number in force; 0 where no process has started yet."""
    found = await database["lane_count"].find_one(_LANES)
    return int(found["count"]) if found else 0


class LaneCount:
    """Collections `lane_count` (the number) and `lane_users` (live processes, each with the number that it uses)."""

    def __init__(self, client: Client, prefix: str, lanes: int, *, seconds: float = USE_SECONDS) -> None:
        self._database = exchange_database(client, prefix)
        self._number, self._users = self._database["lane_count"], self._database["lane_users"]
        self._journal = self._database["journal"]
        self._lanes, self._seconds = lanes, seconds
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Use the number as long as this lasts. Raises Unavailable where another one is in use."""
        await self._announce()
        try:
            # Announced first: of two that start at once with other numbers, at least one sees the other.
            await self._agree()
            async with background(self._keep()):
                yield
        finally:
            with contextlib.suppress(PyMongoError):
                await self._users.delete_one({"_id": self._owner})

    async def _announce(self) -> None:
        change = [{"$set": {"count": self._lanes, "until": later(self._seconds)}}]
        await self._users.update_one({"_id": self._owner}, change, upsert=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 4)
            with contextlib.suppress(PyMongoError):
                await self._announce()

    async def _agree(self) -> None:
        known = await lane_count(self._database)
        if known == self._lanes:
            return
        if known == 0:
            with contextlib.suppress(DuplicateKeyError):
                await self._number.insert_one({**_LANES, "count": self._lanes})
                return
            known = await lane_count(self._database)
        if known != self._lanes:
            await self._change(known)

    async def _change(self, known: int) -> None:
        live = {"count": {"$ne": self._lanes}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        if await self._users.find_one(live) is not None:
            raise Unavailable(
                f"HIE_LANES is {self._lanes}, and other processes of this exchange use {known}: stop all of them first."
            )
        waiting = await self._journal.count_documents({"state": {"$in": list(WAITING)}}, limit=100_000)
        if waiting:
            raise Unavailable(
                f"HIE_LANES is {self._lanes}, and {waiting} messages wait in {known} lanes: a change now would let new "
                f"messages overtake them. Start with HIE_LANES={known}, wait for `hie drain`, then change it."
            )
        done = await self._number.update_one({**_LANES, "count": known}, {"$set": {"count": self._lanes}})
        if done.matched_count == 0:
            raise Unavailable("Another process changed the number of lanes at the same moment; start again.")
