"""One store with the population of these tests, for all of them: they only read."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

sys.path.insert(0, str(Path(__file__).parent))
from search_population import POPULATION
from search_store import Store

from records.resource_store import ResourceStore
from records.stored import Write


@pytest.fixture(scope="session")
async def population(mongo_uri: str, anyio_backend: str) -> AsyncIterator[Store]:
    """The population, stored once."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    async with AsyncMongoClient[dict[str, object]](mongo_uri, tz_aware=True) as client:
        store = ResourceStore(client, prefix, base="http://127.0.0.1:8080/fhir")
        await store.ensure_indexes()
        await store.apply([Write("update", one["resourceType"], one["id"], resource=one) for one in POPULATION])
        yield Store(store)
        for name in await client.list_database_names():
            if name.startswith(prefix):
                await client.drop_database(name)
