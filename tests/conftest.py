"""What every test may ask for: a real MongoDB, and databases of its own in it."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pymongo
import pytest
from free_ports import free_port
from hypothesis import settings
from pymongo import AsyncMongoClient
from xdist.scheduler import LoadScopeScheduling

from hie.supervisor import mongod

ROOM_BYTES = 4_000_000_000
# The same examples every time: what fails is what was changed. `--hypothesis-profile=default` looks for new ones.
settings.register_profile("repeated", derandomize=True)
settings.load_profile("repeated")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# What starts whole programs is in one process: they would take each other's time.
WHOLE_PROGRAMS = frozenset({"docker", "clients", "e2e", "benchmarks"})


class Together(LoadScopeScheduling):
    """Where several processes share the tests: a file stays in one of them, and so does what is dear to start."""

    def _split_scope(self, nodeid: str) -> str:
        _, *path = Path(nodeid.partition("::")[0]).parts
        if path[0] in WHOLE_PROGRAMS:
            return "programs"
        return "examples" if path[:2] == ["spec", "examples"] else "/".join(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Processes are given their tests in this way."""
    return Together(config, log)


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
    with _database_folder(tmp_path_factory) as folder:
        server = mongod.start(folder, free_port(), cache_gb=0.5)
        _forget_soon(server.uri)
        yield server.uri
        server.stop()


def _forget_soon(uri: str) -> None:
    """Files of dropped databases are kept open for minutes by default; hundreds of tests would use them all up."""
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        client.admin.command({"setParameter": 1, "minSnapshotHistoryWindowInSeconds": 3})
        client.admin.command({"setParameter": 1, "syncdelay": 5.0})


@contextmanager
def _database_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is room: every acknowledged write waits for a flush, and tests make many of them."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM_BYTES:
        yield tmp_path_factory.mktemp("mongo")
        return
    with tempfile.TemporaryDirectory(prefix="regional-hie-", dir=memory, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Sweeper:
    """Drops databases beside the tests: the server takes a tenth of a second for each, however small it is."""

    def __init__(self, uri: str) -> None:
        self._client = pymongo.MongoClient[dict[str, object]](uri)
        self._pool = ThreadPoolExecutor(4)
        # Not far behind the tests: what waits takes room.
        self._room = BoundedSemaphore(32)

    def sweep(self, prefix: str) -> None:
        """Drop what begins with this, soon."""
        for name in filter(lambda one: one.startswith(prefix), self._client.list_database_names()):
            self._room.acquire()
            self._pool.submit(self._drop, name)

    def _drop(self, name: str) -> None:
        try:
            self._client.drop_database(name)
        finally:
            self._room.release()

    def close(self) -> None:
        """Wait until all is gone."""
        self._pool.shutdown(wait=True)
        self._client.close()


@pytest.fixture(scope="session")
def sweeper(mongo_uri: str) -> Iterator[Sweeper]:
    """Clears away behind the tests."""
    one = Sweeper(mongo_uri)
    yield one
    one.close()


@pytest.fixture
def database_prefix(sweeper: Sweeper) -> Iterator[str]:
    """A prefix for databases nobody else uses; they are dropped afterwards."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    yield prefix
    sweeper.sweep(prefix)


@pytest.fixture
async def mongo(mongo_uri: str, anyio_backend: str) -> AsyncIterator[AsyncMongoClient[dict[str, object]]]:
    """An async client, in the same loop as the test."""
    async with AsyncMongoClient[dict[str, object]](mongo_uri, tz_aware=True) as client:
        yield client
