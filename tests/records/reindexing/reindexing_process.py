"""A worker's reindexing in a process of its own, to be killed: address, prefix, resources a second, lease in ms."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from pymongo import AsyncMongoClient

from records.reindexing import Reindexer, jobs
from records.resource_store import ResourceStore


async def main(uri: str, prefix: str, rate: str, lease: str) -> None:
    jobs.LEASE_MS = int(lease)
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True, w="majority") as client:
        store = ResourceStore(client, prefix)
        async with store.parameters.kept():
            await Reindexer(store.collections, store.parameters, rate=int(rate)).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
