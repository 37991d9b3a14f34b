"""What every test may ask for: a real MongoDB, and databases of its own in it."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymongo
import pytest
from free_ports import free_port
from pymongo import AsyncMongoClient

from hie.supervisor import mongod

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Every async test runs on asyncio: pymongo's async client knows no other loop."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The sample data beside the checkout; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the sample data folder is not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real replica set: HIE_TEST_MONGO_URI, else the embedded mongod, started once."""
    if given := os.environ.get("HIE_TEST_MONGO_URI"):
        yield given
        return
    server = mongod.start(tmp_path_factory.mktemp("mongo"), free_port(), cache_gb=0.5)
    yield server.uri
    server.stop()


@pytest.fixture
def database_prefix(mongo_uri: str) -> Iterator[str]:
    """A prefix for databases nobody else uses; they are dropped afterwards."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    yield prefix
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)


@pytest.fixture
async def mongo(mongo_uri: str, anyio_backend: str) -> AsyncIterator[AsyncMongoClient[dict[str, object]]]:
    """An async client, in the same loop as the test."""
    async with AsyncMongoClient[dict[str, object]](mongo_uri, tz_aware=True) as client:
        yield client
