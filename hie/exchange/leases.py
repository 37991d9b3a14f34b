"""
Leases: who works on what, until when; one that expires is taken over, so a killed worker holds nothing back.

All times are the database's own ($$NOW): clocks of machines may differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from hie.exchange.database import Client, exchange_database, later

LEASE_SECONDS = 10.0


class Leases:
    """
    The leases of one owner in one collection (`lanes`, `consumers`).

    `names` are all the things that can be leased; `balanced` shares them evenly among live owners.
    """

    def __init__(
        self, client: Client, prefix: str, collection: str, owner: str, *, seconds: float = LEASE_SECONDS
    ) -> None:
        database = exchange_database(client, prefix)
        self._leases = database[collection]
        self._owners = database[f"{collection}_owners"]
        self.owner = owner
        self.seconds = seconds

    async def hold(self, names: Sequence[int | str]) -> frozenset[int | str]:
        """Renew, claim what is free up to a fair share, and return what is held now."""
        live = await self._announce()
        held = await self._renew()
        share = math.ceil(len(names) / max(live, 1))
        if len(held) < share:
            held |= await self._claim([name for name in names if name not in held], share - len(held))
        return frozenset(held)

    async def surplus(self, names: Sequence[int | str], held: frozenset[int | str]) -> int:
        """How many of the held ones belong to newcomers by now."""
        live = await self._owners.count_documents({"$expr": {"$gt": ["$until", "$$NOW"]}})
        return max(len(held) - math.ceil(len(names) / max(live, 1)), 0)

    async def give_up(self, names: Sequence[int | str]) -> None:
        """Let others have these at once."""
        await self._leases.delete_many({"_id": {"$in": list(names)}, "owner": self.owner})

    async def leave(self) -> None:
        """Give up everything: a clean end."""
        await self._leases.delete_many({"owner": self.owner})
        await self._owners.delete_one({"_id": self.owner})

    async def _announce(self) -> int:
        await self._owners.update_one({"_id": self.owner}, [{"$set": {"until": later(self.seconds)}}], upsert=True)
        return await self._owners.count_documents({"$expr": {"$gt": ["$until", "$$NOW"]}})

    async def _renew(self) -> set[int | str]:
        await self._leases.update_many({"owner": self.owner}, [{"$set": {"until": later(self.seconds)}}])
        return {document["_id"] async for document in self._leases.find({"owner": self.owner}, {"_id": 1})}

    async def _claim(self, names: Sequence[int | str], wanted: int) -> set[int | str]:
        taken = self._leases.find({"_id": {"$in": list(names)}, "$expr": {"$gt": ["$until", "$$NOW"]}}, {"_id": 1})
        foreign = {document["_id"] async for document in taken}
        claimed: set[int | str] = set()
        for name in names:
            if len(claimed) == wanted:
                break
            if name not in foreign and await self._take(name):
                claimed.add(name)
        return claimed

    async def _take(self, name: int | str) -> bool:
        """Take a free or expired one; of two that try at once, one sees the other's name."""
        free = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
        change = [
            {
                "$set": {
                    "owner": {"$cond": [free, self.owner, "$owner"]},
                    "until": {"$cond": [free, later(self.seconds), "$until"]},
                }
            }
        ]
        try:
            lease = await self._leases.find_one_and_update(
                {"_id": name}, change, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            return False
        return lease is not None and lease["owner"] == self.owner
