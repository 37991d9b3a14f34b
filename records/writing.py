"""
Writing: read what is there, keep it as history, put the new version in its place; a few round trips for any number.

https://hl7.org/fhir/R4/http.html#versioning
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError

from records.collections import Collections
from records.documents import Document, build, past, to_stored, tombstone
from records.errors import Conflict, NotFound
from records.stored import Stored, Write

DUPLICATE = 11000
CHANGED = "The resource is no longer at the version that was read; read it again."
Operation = InsertOne[Document] | ReplaceOne[Document]


class Writer:
    """Applies writes inside a transaction of the caller."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections

    async def apply(self, writes: Sequence[Write], at: datetime, session: AsyncClientSession) -> list[Stored]:
        """Write all; returns the new versions in the order of `writes`. Conflict and NotFound as Write says."""
        kinds = frozenset(write.type for write in writes)
        self._collections.require(kinds)
        done: dict[int, Stored] = {}
        for kind in sorted(kinds):
            numbered = [(number, write) for number, write in enumerate(writes) if write.type == kind]
            done |= await self._apply_type(kind, numbered, at, session)
        return [done[number] for number in range(len(writes))]

    async def _apply_type(
        self, kind: str, numbered: Sequence[tuple[int, Write]], at: datetime, session: AsyncClientSession
    ) -> dict[int, Stored]:
        current = await self._current(kind, [write for _, write in numbered], session)
        operations: list[Operation] = []
        history: list[Document] = []
        done: dict[int, Stored] = {}
        for number, write in numbered:
            before = current.get(write.id)
            document = _next(write, before, at)
            if before is None:
                operations.append(InsertOne(document))
            else:
                history.append(past(kind, before))
                operations.append(ReplaceOne({"_id": write.id}, document))
            current[write.id] = document
            done[number] = to_stored(kind, document)
        if history:
            await self._collections.history_of(kind).insert_many(history, session=session, ordered=False)
        await self._write(kind, operations, session)
        return done

    async def _current(self, kind: str, writes: Sequence[Write], session: AsyncClientSession) -> dict[str, Document]:
        """What stands under these ids; nothing is looked up for ids that are new."""
        ids = [write.id for write in writes if not _fresh(write)]
        if not ids:
            return {}
        found = self._collections.of(kind).find({"_id": {"$in": ids}}, session=session)
        return {document["_id"]: document async for document in found}

    async def _write(self, kind: str, operations: Sequence[Operation], session: AsyncClientSession) -> None:
        try:
            await self._collections.of(kind).bulk_write(operations, session=session, ordered=True)
        except BulkWriteError as error:
            errors = (error.details or {}).get("writeErrors", ())
            if any(one.get("code") == DUPLICATE for one in errors):
                raise Conflict("A resource of this id exists already.") from error
            raise


def _fresh(write: Write) -> bool:
    return write.interaction == "create"


def _next(write: Write, before: Mapping[str, Any] | None, at: datetime) -> Document:
    version = before["v"] if before else 0
    if write.if_version is not None and write.if_version != version:
        raise Conflict(CHANGED)
    if write.interaction != "delete":
        document = build(write, version + 1, at)
        if before is None or before["d"]:
            document["b"] = "POST" if _fresh(write) else "PUT"
        return document
    if before is None or before["d"]:
        raise NotFound("What is to be deleted does not exist.")
    return tombstone(before, at)
