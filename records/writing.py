"""
Writing: read what is there, keep it as history, put the new version in its place; a few round trips for any number.

https://hl7.org/fhir/R4/http.html#versioning
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError

from records.collections import Collections
from records.documents import WITHOUT_KEYS, Document, build, past, to_stored, tombstone
from records.errors import Conflict, NotFound
from records.placement import database_of
from records.stored import Stored, Write
from records.transactions import repeats_a_key

CHANGED = "The resource is no longer at the version that was read; read it again."
Operation = InsertOne[Document] | ReplaceOne[Document]


class Writer:
    """Applies writes inside a transaction of the caller."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections

    async def apply(self, writes: Sequence[Write], at: datetime, session: AsyncClientSession) -> list[Stored]:
        """Write all; returns the new versions in the order of `writes`. Conflict and NotFound as Write says."""
        kinds = sorted({write.type for write in writes})
        self._collections.require(frozenset(kinds))
        done: dict[int, Stored] = {}
        history: list[tuple[str, Document]] = []
        operations: dict[str, list[Operation]] = {}
        for kind in kinds:
            numbered = [(number, write) for number, write in enumerate(writes) if write.type == kind]
            current = await self._current(kind, [write for _, write in numbered], session)
            operations[kind] = []
            for number, write in numbered:
                before = current.get(write.id)
                document = _next(write, before, at)
                operations[kind].append(_operation(document, before))
                history += [(kind, past(before))] if before else []
                done[number] = current[write.id] = to_stored(kind, document)
        await self._keep(history, session)
        for kind in kinds:
            await self._write(kind, operations[kind], session)
        return [done[number] for number in range(len(writes))]

    async def _current(self, kind: str, writes: Sequence[Write], session: AsyncClientSession) -> dict[str, Stored]:
        """What stands under these ids; nothing is looked up that is new, or that the caller has just read."""
        known = {write.id: write.replaces for write in writes if write.replaces is not None}
        if ids := [write.id for write in writes if not _fresh(write) and write.id not in known]:
            found = self._collections.of(kind).find({"_id": {"$in": ids}}, WITHOUT_KEYS, session=session)
            known |= {row["_id"]: to_stored(kind, row) for row in await found.to_list()}
        return known

    async def _keep(self, history: Sequence[tuple[str, Document]], session: AsyncClientSession) -> None:
        """One write for each database that has past versions to keep."""
        places = {database_of(kind): kind for kind, _ in history}
        for place, kind in places.items():
            rows = [row for one, row in history if database_of(one) == place]
            try:
                await self._collections.history_of(kind).insert_many(rows, session=session)
            except BulkWriteError as error:
                raise _understood(error) from error

    async def _write(self, kind: str, operations: Sequence[Operation], session: AsyncClientSession) -> None:
        try:
            done = await self._collections.of(kind).bulk_write(operations, session=session, ordered=True)
        except BulkWriteError as error:
            raise _understood(error) from error
        if done.matched_count != sum(isinstance(one, ReplaceOne) for one in operations):
            raise Conflict(CHANGED)


def _understood(error: BulkWriteError) -> Exception:
    if repeats_a_key(error):
        return Conflict("A resource of this id exists already.")
    return error


def _operation(document: Document, before: Stored | None) -> Operation:
    if before is None:
        return InsertOne(document)
    return ReplaceOne({"_id": before.id, "v": before.version}, document)


def _fresh(write: Write) -> bool:
    return write.interaction == "create"


def _next(write: Write, before: Stored | None, at: datetime) -> Document:
    version = before.version if before else 0
    if write.if_version is not None and write.if_version != version:
        raise Conflict(CHANGED)
    if write.interaction != "delete":
        document = build(write, version + 1, at)
        if before is None or before.deleted:
            document["b"] = "POST" if _fresh(write) else "PUT"
        return document
    if before is None or before.deleted:
        raise NotFound("What is to be deleted does not exist.")
    return tombstone(before, at)
