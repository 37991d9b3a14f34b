"""
The collections of the stores: one a resource type, made when the first resource of the type comes; and `history`.

No index spans two arrays, and none is unique but the id: the same holds on a sharded cluster.
https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel, UpdateOne, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from records.documents import Document
from records.placement import DATABASES, database_of
from records.search import paging
from records.search.order import ordered, usual

Client = AsyncMongoClient[dict[str, Any]]
Collection = AsyncCollection[Document]
LOCK_SECONDS = 300
DURABLE = WriteConcern(w="majority", j=True)

# What every region stores on its first day.
USUAL = (
    "AllergyIntolerance", "CarePlan", "Claim", "Condition", "Coverage", "DiagnosticReport", "DocumentReference",
    "Encounter", "ExplanationOfBenefit", "Goal", "ImagingStudy", "Immunization", "Location", "MedicationDispense",
    "MedicationRequest", "Observation", "Organization", "Practitioner", "Procedure", "Provenance", "RelatedPerson",
    "ServiceRequest", "Specimen",
)  # fmt: skip

HISTORY_INDEXES = [
    IndexModel([("r", ASCENDING), ("i", ASCENDING), ("v", DESCENDING)]),
    IndexModel([("r", ASCENDING), ("t", DESCENDING), ("i", ASCENDING), ("v", DESCENDING)]),
    IndexModel([("t", DESCENDING), ("_id", ASCENDING)]),
]


def indexes(resource_type: str) -> list[IndexModel]:
    """
    By search key, by patient, and by date of change; each in the usual order of the type.

    What is asked for by one key comes out of the index in that order, so that a page reads no more than its rows.
    """
    order = [(name, ASCENDING) for name, _ in paging.order(usual(resource_type))]
    dated = [IndexModel([(f"s.{code}", ASCENDING), ("_id", ASCENDING)]) for code in ordered(resource_type)]
    return [
        IndexModel([("k", ASCENDING), *order]),
        IndexModel([("p", ASCENDING), *order]),
        IndexModel([("t", ASCENDING), ("_id", ASCENDING)]),
        *dated,
    ]


class Unprepared(Exception):
    """A collection has to be made before the transaction that writes into it begins."""

    def __init__(self, resource_types: frozenset[str]) -> None:
        super().__init__()
        self.resource_types = resource_types


class Collections:
    """Finds the collection of a type, and knows which are ready."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._databases: dict[str, AsyncDatabase[Document]] = {
            name: client.get_database(f"{prefix}_{name}", write_concern=DURABLE) for name in DATABASES
        }
        self._locks = self._databases["exchange"]["conditional_locks"]
        self.secrets = self._databases["exchange"]["secrets"]
        self.key_sets = self._databases["exchange"]["key_sets"]
        self._ready: set[str] = set()
        self._found: dict[str, Collection] = {}

    def of(self, resource_type: str) -> Collection:
        """The current versions of a type."""
        found = self._found.get(resource_type)
        if found is None:
            found = self._found[resource_type] = self._databases[database_of(resource_type)][resource_type]
        return found

    def history_of(self, resource_type: str) -> Collection:
        """The past versions of the database that a type is in."""
        return self._databases[database_of(resource_type)]["history"]

    async def existing(self) -> list[str]:
        """The types that have a collection, sorted."""
        found: list[str] = []
        for database in self._databases.values():
            names = await database.list_collection_names()
            found += [name for name in names if name[:1].isupper() and database_of(name) in database.name]
        return sorted(found)

    async def ensure_indexes(self) -> None:
        """Make what is missing for `history` and for every type that is stored already."""
        await asyncio.gather(
            self._locks.create_index([("at", ASCENDING)], expireAfterSeconds=LOCK_SECONDS),
            *(database["history"].create_indexes(HISTORY_INDEXES) for database in self._databases.values()),
            *map(self.prepare, {*await self.existing(), "AuditEvent", "Patient", "Person"}),
        )

    async def prepare_usual(self) -> None:
        """Make the collections that will be wanted first, so that no first writer waits for them."""
        await asyncio.gather(*map(self.prepare, USUAL))

    async def prepare(self, resource_type: str) -> None:
        """Make the collection of a type and its indexes."""
        if resource_type not in self._ready:
            await self.of(resource_type).create_indexes(indexes(resource_type))
            self._ready.add(resource_type)

    async def lock(self, keys: Iterable[str], at: datetime, session: AsyncClientSession) -> None:
        """Write named locks: of two transactions that write one, the later has to start anew."""
        operations = [UpdateOne({"_id": key}, {"$set": {"at": at}}, upsert=True) for key in sorted(keys)]
        if not operations:
            return
        try:
            await self._locks.bulk_write(operations, session=session)
        except BulkWriteError as error:
            # Another made the lock since this transaction began.
            raise DuplicateKeyError("a lock is taken") from error

    def require(self, resource_types: frozenset[str]) -> None:
        """Raise Unprepared where one of these is not ready: indexes cannot be made inside a transaction that waits."""
        if missing := resource_types - self._ready:
            raise Unprepared(missing)
