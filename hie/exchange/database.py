"""
The exchange's own database, with the write concern that an acknowledgement stands on.

https://www.mongodb.com/docs/manual/reference/write-concern/
"""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

DURABLE = WriteConcern(w="majority", j=True)


def exchange_database(client: Client, prefix: str) -> Database:
    """The database `{prefix}_exchange`; a write that returned is on the disks of a majority."""
    return client.get_database(f"{prefix}_exchange", write_concern=DURABLE)


def later(seconds: float) -> dict[str, Any]:
    """An expression: that long from now, by the clock of the database, which all processes share."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}
