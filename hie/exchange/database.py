"""
The exchange's own database, with the write concern that an acknowledgement stands on.

https://www.mongodb.com/docs/manual/reference/write-concern/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

DURABLE = WriteConcern(w="majority", j=True)
T = TypeVar("T")


def exchange_database(client: Client, prefix: str) -> Database:
    """The database `{prefix}_exchange`; a write that returned is on the disks of a majority."""
    return client.get_database(f"{prefix}_exchange", write_concern=DURABLE)


async def durably(client: Client, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
    """Run `work` in a transaction of its own, again where another writer came between; durable when this returns."""
    async with client.start_session() as session:
        return await session.with_transaction(work, write_concern=DURABLE)


def later(seconds: float) -> dict[str, Any]:
    """An expression: that long from now, by the clock of the database, which all processes share."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}
