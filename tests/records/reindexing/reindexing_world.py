"""Stores over one database, each as a process of its own knows it."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient

from records.reindexing import Job, Reindexer
from records.resource_store import ResourceStore
from records.stored import Json, Write

EYES = "http://example.org/eye-colour"


class Region:
    """A database, and shorthands for what is done with it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.client, self.prefix = client, prefix
        self.store = self.process()

    def process(self) -> ResourceStore:
        """A store as another process has it: it shares nothing but the database."""
        return ResourceStore(self.client, self.prefix, base="http://127.0.0.1:8080/fhir")

    async def put(self, *resources: Json, store: ResourceStore | None = None) -> None:
        writes = [Write("update", one["resourceType"], one["id"], resource=one) for one in resources]
        await (store or self.store).apply(writes)

    async def job(self) -> Job:
        """The newest job."""
        return (await self.store.parameters.jobs.newest())[0]

    async def work(self, rate: int = 0, store: ResourceStore | None = None) -> None:
        """Carry out everything that waits."""
        reindexer = self.reindexer(store, rate=rate)
        while await reindexer.turn(asyncio.Event()):
            pass

    def reindexer(self, store: ResourceStore | None = None, rate: int = 0) -> Reindexer:
        store = store or self.store
        return Reindexer(store.collections, store.parameters, rate=rate)

    async def found(self, query: str, store: ResourceStore | None = None, kind: str = "Patient") -> list[str]:
        """Ids, sorted."""
        asked = [tuple(pair.split("=", 1)) for pair in query.split("&")]
        page = await (store or self.store).search(kind, [*asked, ("_count", "1000")])  # type: ignore[list-item]
        return sorted(row.id for row in page.matches)

    def rows(self, kind: str = "Patient") -> Any:
        """The documents themselves."""
        return self.store.collections.of(kind)


def eyes(identity: str, colour: str = "brown") -> Json:
    """A patient whose source says what the colour of the eyes is."""
    return {
        "resourceType": "Patient", "id": identity, "extension": [{"url": EYES, "valueString": colour}],
        "name": [{"family": "王"}],
    }  # fmt: skip


def parameter(code: str = "eye-colour", **elements: Any) -> Json:
    """A search parameter that looks into that extension."""
    return {
        "resourceType": "SearchParameter", "id": code, "url": f"http://example.org/SearchParameter/{code}",
        "name": code.replace("-", "_"), "status": "active", "description": "For the tests.", "code": code,
        "base": ["Patient"], "type": "string", "expression": f"Patient.extension('{EYES}').value.ofType(string)",
        **elements,
    }  # fmt: skip
