"""
One unit of work is one MongoDB transaction over all stores: everything of it, or nothing.

https://www.mongodb.com/docs/manual/core/transactions/
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from records.collections import DURABLE, Client, Collections, Unprepared
from records.errors import Conflict

T = TypeVar("T")
DUPLICATE = 11000
ATTEMPTS = 12
# So long a transaction begins again where others come between.
PATIENCE_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.5
TRANSIENT, UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"


async def in_transaction(
    client: Client, collections: Collections, work: Callable[[AsyncClientSession], Awaitable[T]]
) -> T:
    """
    Run `work` in a transaction, and again from its start where another writer came between.

    Raises what `work` raises; Conflict where other writers never let it through.
    """
    failures, begun = 0, time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        try:
            return await once(client, work)
        except Unprepared as missing:
            for resource_type in missing.resource_types:
                await collections.prepare(resource_type)
        except DuplicateKeyError:
            # Two made the same thing at once: what is read next time tells which came first.
            failures += 1
            await _pause(failures)
        except PyMongoError as error:
            if not error.has_error_label(TRANSIENT):
                raise
            failures += 1
            await _pause(failures)
    raise Conflict("Other writers change the same resources; try again.")


async def once(client: Client, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
    """Run `work` in a transaction; raises what came between, PyMongoError with its label or Unprepared."""
    async with client.start_session() as session:
        await session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=DURABLE, read_preference=ReadPreference.PRIMARY
        )
        try:
            result = await work(session)
        except BaseException:
            if session.in_transaction:
                await session.abort_transaction()
            raise
        if session.in_transaction:
            await _commit(session)
        return result


async def _commit(session: AsyncClientSession) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await session.commit_transaction()
            return
        except PyMongoError as error:
            # Committing twice is the same as once: the server knows the transaction by its number.
            if not error.has_error_label(UNKNOWN) or attempt == ATTEMPTS:
                raise
            await _pause(attempt)


async def _pause(failures: int) -> None:
    await asyncio.sleep(min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE) * (0.5 + random.random()))


def repeats_a_key(error: BulkWriteError) -> bool:
    """Whether one of several writes was refused for a key that exists already."""
    return any(one.get("code") == DUPLICATE for one in (error.details or {}).get("writeErrors", ()))
