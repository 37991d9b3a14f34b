"""The world of the report cards."""

from __future__ import annotations

from typing import Any

import pytest
from public_health_world import World
from pymongo import AsyncMongoClient


@pytest.fixture
async def region(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """Two hospitals, and nobody ill."""
    return await World(mongo, database_prefix).start()
