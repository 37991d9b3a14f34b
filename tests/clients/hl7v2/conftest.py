"""One exchange for each test, on sockets of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from peer_world import Peered, peered

from hie.app import build
from hie.settings import Settings


@pytest.fixture
async def exchange(mongo_uri: str, database_prefix: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Peered]:
    """Listeners, workers and feeds."""
    settings = Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path, lanes=8)
    async with build(settings) as services, peered(services, tmp_path) as running:
        yield running
