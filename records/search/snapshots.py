"""
One moment for all pages of a search: what was written meanwhile neither repeats a row nor hides one.

The database keeps moments for as long as `minSnapshotHistoryWindowInSeconds` says; behind that the pages go on from
where they stood, over what is there now. https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bson.timestamp import Timestamp
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from records.collections import Client

T = TypeVar("T")
# SnapshotTooOld, SnapshotUnavailable (a collection or index has only just been made).
GONE = (239, 246)

Work = Callable[[AsyncClientSession | None], Awaitable[T]]


async def at_one_moment(client: Client, at: Timestamp | None, work: Work[T]) -> tuple[T, Timestamp | None]:
    """Run `work` at the moment `at`, or at this one; returns its result and the moment that it saw, None for none."""
    try:
        async with client.start_session(snapshot=True) as session:
            # The driver names no public way to go on at an earlier moment.
            vars(session)["_snapshot_time"] = at
            return await work(session), vars(session)["_snapshot_time"]
    except OperationFailure as error:
        if error.code not in GONE:
            raise
        return await work(None), None
