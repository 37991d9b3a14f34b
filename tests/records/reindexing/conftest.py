"""One region a test."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import AsyncMongoClient
from reindexing_world import Region


@pytest.fixture
async def region(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> Region:
    """Databases of its own, empty."""
    found = Region(mongo, database_prefix)
    await found.store.ensure_indexes()
    return found
