"""An exchange that listens on a real socket, with registered hospitals and a resident or two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from query_world import QueryWorld

from hie.app import build
from hie.settings import Settings


@pytest.fixture
async def asked(mongo_uri: str, database_prefix: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[QueryWorld]:
    """The exchange; `asked.ask(...)` sends a query over MLLP."""
    settings = Settings(
        mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path, lanes=8, mllp_port=0,
        mode="production", unknown_sender="quarantine",
    )  # fmt: skip
    async with build(settings) as services, QueryWorld.over(services) as world:
        yield world
