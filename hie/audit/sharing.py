"""
The sets of search keys that events name, stored before the first event that names them; each process knows its own.

A set that cannot be named any more, because there are too many, costs only room: the event has its keys itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from pymongo import UpdateOne

from hie.audit.assembly import Event
from hie.exchange.database import Database
from records.search.key_sets import KeySet

# A search for what sets hold asks for their names: there must not be many.
MOST = 4_000


class SharedKeys:
    """Keeps sets and says what an event is found by."""

    def __init__(self, database: Database, most: int = MOST) -> None:
        self._collection = database["key_sets"]
        self._most = most
        self._kept: set[str] = set()
        self._full = False

    async def keep(self, events: Iterable[Event]) -> None:
        """Store the sets of events; they are durable when this returns."""
        fresh = {one.name: one for event in events for one in event.sets if one.name not in self._kept}
        if not fresh or self._full:
            return
        if await self._collection.estimated_document_count() + len(fresh) > self._most:
            self._full = True
            return
        await self._collection.bulk_write([_stored(one) for one in fresh.values()], ordered=False)
        self._kept |= fresh.keys()

    def keys(self, event: Event) -> list[str]:
        """The keys of an event's document: its own and the names of its sets, or what they hold."""
        found = list(event.keys)
        for one in event.sets:
            if one.name in self._kept:
                found.append(one.name)
            else:
                found += (key for key in one.keys if key not in found)
        return found


def _stored(one: KeySet) -> UpdateOne:
    # Another process may store the same set at the same time.
    return UpdateOne({"_id": one.name}, {"$setOnInsert": {"k": list(one.keys)}}, upsert=True)
