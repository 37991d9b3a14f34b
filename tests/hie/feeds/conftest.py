"""A hospital on a real socket, and an exchange with everything real behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from feed_hospital import Hospital
from feed_world import FeedWorld, engine

from hie.app import Services, build
from hie.settings import Settings


@pytest.fixture
def settings(mongo_uri: str, database_prefix: str, tmp_path: Path) -> Settings:
    """An exchange of its own."""
    return Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path, lanes=8)


@pytest.fixture
async def services(settings: Settings, anyio_backend: str) -> AsyncIterator[Services]:
    """One process, without workers."""
    async with build(settings) as services:
        yield services


@pytest.fixture
async def resting(services: Services) -> AsyncIterator[FeedWorld]:
    """An exchange without workers, and a hospital."""
    async with Hospital.open() as hospital:
        yield FeedWorld(services, hospital)


@pytest.fixture
async def world(resting: FeedWorld) -> AsyncIterator[FeedWorld]:
    """The same with a worker."""
    async with engine(resting.services):
        yield resting
