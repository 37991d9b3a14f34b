"""One store a test."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import AsyncMongoClient
from records_world import World

from records.resource_store import ResourceStore


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """A store in databases of its own."""
    store = ResourceStore(mongo, database_prefix, base="http://127.0.0.1:8080/fhir")
    await store.ensure_indexes()
    return World(store)
