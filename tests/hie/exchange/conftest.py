"""What the tests of the message store share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from store_world import StoreWorld


@pytest.fixture
async def message_store(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> StoreWorld:
    """Nothing was received yet."""
    one = StoreWorld(mongo, database_prefix)
    await one.journal.ensure_indexes()
    await one.store.ensure_indexes()
    return one


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Ask until the answer is yes: the database writes its files when it likes."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(40):
            while not await condition():
                await asyncio.sleep(0.5)

    return wait
