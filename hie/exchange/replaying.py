"""
Replaying: messages of the journal are processed again, a few or very many, each lane in its order.

A replay changes nothing that is right already: ids come from the content, and older facts never replace newer ones.
https://openhim.org/docs/user-guide/transaction-list/ (rerun)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.errors import NotUnderstood
from adapters.hl7v2 import parser
from hie.exchange.database import durably
from hie.exchange.entries import Document
from hie.exchange.journal import Journal, since_until
from hie.exchange.lane_count import lane_count
from hie.exchange.lanes import lanes_of

REPLAYABLE = ("dead", "committed", "kept")
BATCH = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages: by id, or by everything else together; what is not said does not narrow."""

    ids: tuple[str, ...] = ()
    states: tuple[str, ...] = REPLAYABLE
    site: str = ""
    sender: str = ""
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> dict[str, Any]:
        """For the journal. A message that was pruned cannot be replayed."""
        query: dict[str, Any] = {"state": {"$in": list(self.states)}, "pruned": {"$exists": False}}
        query |= {name: value for name in ("site", "sender", "type") if (value := getattr(self, name))}
        if self.ids:
            query["_id"] = {"$in": list(self.ids)}
        return query | since_until(self.since, self.until)


class Replaying:
    """`run` may be cut off at any moment, and run again."""

    def __init__(self, journal: Journal, *, batch: int = BATCH) -> None:
        self._journal, self._batch = journal, batch

    async def counts(self, selection: Selection) -> dict[str, int]:
        """How many messages of each state would be replayed, and `pruned`: how many cannot be any more."""
        query = selection.query()
        steps: list[dict[str, Any]] = [{"$match": query}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
        found = {row["_id"]: row["n"] async for row in await self._journal.collection.aggregate(steps)}
        gone = query | {"pruned": {"$exists": True}}
        return {**dict(sorted(found.items())), "pruned": await self._journal.collection.count_documents(gone)}

    async def run(
        self, selection: Selection, *, by: str, changes: dict[str, Any] | None = None,
        tell: Callable[[int], None] = lambda _: None,
    ) -> int:  # fmt: skip
        """
        Put the messages back into their lanes, the oldest first; returns how many.

        Each once: what comes in meanwhile, or is done again meanwhile, is not taken twice.
        """
        lanes = await lane_count(self._journal.collection.database)
        end, after, released = self._journal.next_id(), "", 0
        while True:
            span = {"_id": {"$gt": after, "$lt": end}}
            query = {"$and": [selection.query(), span]}
            last, done = await self._release(query, by, changes or {}, lanes)
            if last is None:
                return released
            after, released = last, released + done
            tell(released)

    async def _release(
        self, query: dict[str, Any], by: str, changes: dict[str, Any], lanes: int
    ) -> tuple[str | None, int]:
        """One batch becomes visible to the workers as a whole: none of it before what is older in its lane."""

        async def release(session: AsyncClientSession) -> tuple[str | None, int]:
            wanted = {"sender": 1, "lanes": 1, "state": 1}
            found = self._journal.collection.find(query, wanted, session=session).sort("_id", 1).limit(self._batch)
            documents = await found.to_list()
            if not documents:
                return None, 0
            writes = [await self._write(one, by, changes, lanes) for one in documents]
            done = await self._journal.collection.bulk_write(writes, session=session)
            return str(documents[-1]["_id"]), done.modified_count

        return await durably(self._journal.collection.database.client, release)

    async def _write(self, document: Document, by: str, changes: dict[str, Any], lanes: int) -> UpdateOne:
        change: dict[str, Any] = {"$set": {"state": "pending", **changes}}
        if lanes and document.get("lanes", 0) not in (0, lanes):
            change = await self._in_lanes(document, lanes, change["$set"])
        change["$push"] = {"released": {"by": by, "at": self._journal.now()}}
        return UpdateOne({"_id": document["_id"], "state": document["state"]}, change)

    async def _in_lanes(self, document: Document, lanes: int, change: dict[str, Any]) -> dict[str, Any]:
        """Its lane among the lanes of today, so that it is in order with what comes now."""
        try:
            header = parser.read_header(await self._journal.raw(document["_id"]))
        except NotUnderstood:
            return {"$set": change}
        lane, other = lanes_of(header, document["sender"], lanes)
        change |= {"lane": lane, "lanes": lanes}
        if other is None:
            return {"$set": change, "$unset": {"also": ""}}
        return {"$set": {**change, "also": other}}


def selected(ids: Sequence[str]) -> Selection:
    """These, whatever became of them."""
    return replace(Selection(), ids=tuple(ids))
