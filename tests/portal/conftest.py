"""A portal for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from portal_world import World, world


@pytest.fixture
async def portal(tmp_path: Path, mongo_uri: str, database_prefix: str, anyio_backend: str) -> AsyncIterator[World]:
    """Nobody is signed in."""
    async with world(tmp_path, mongo_uri, database_prefix) as found:
        yield found


@pytest.fixture
async def visited(portal: World) -> World:
    """The resident is signed in."""
    await portal.sign_in()
    return portal
