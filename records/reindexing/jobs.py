"""
The jobs of reindexing, in the database: made in the transaction that needs them, held by one process at a time.

All times are the database's own ($$NOW). https://www.mongodb.com/docs/manual/reference/aggregation-variables/
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from records.errors import Conflict, NotFound
from records.reindexing.formats import VERSION
from records.reindexing.job import CLAIMABLE, UNFINISHED, Job, to_document, to_job

LEASE_MS = 30_000
INDEXES = [IndexModel([("state", ASCENDING), ("_id", ASCENDING)]), IndexModel([("urls", ASCENDING)])]
SHOWN = 50


class Jobs:
    """Collection `reindex_jobs`; ids sort by generation."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._jobs = database["reindex_jobs"]

    async def ensure_indexes(self) -> None:
        """Make what is missing."""
        await self._jobs.create_indexes(INDEXES)

    async def add(
        self,
        generation: int,
        types: Sequence[str],
        reason: str,
        session: AsyncClientSession,
        *,
        parameters: Sequence[str] = (),
        urls: Sequence[str] = (),
    ) -> str:
        """A new job; unfinished ones for the same parameters end, and what they covered is covered by this one."""
        covered = dict.fromkeys(types)
        for number in parameters:
            older = {"parameters": [number], "state": {"$in": list(UNFINISHED)}}
            async for one in self._jobs.find(older, {"types": 1}, session=session):
                covered |= dict.fromkeys(one["types"])
            await self._jobs.update_many(
                older, [{"$set": {"state": "superseded", "ended": "$$NOW", "owner": None}}], session=session
            )
        job = Job(
            f"{generation:010d}-{uuid.uuid4().hex[:8]}", generation, tuple(covered), reason, tuple(parameters),
            tuple(urls), VERSION,
        )  # fmt: skip
        await self._jobs.insert_one(to_document(job), session=session)
        await self._jobs.update_one({"_id": job.id}, [{"$set": {"created": "$$NOW"}}], session=session)
        return job.id

    # Reading

    async def read(self, job_id: str) -> Job:
        """One job; NotFound."""
        found = await self._jobs.find_one({"_id": job_id})
        if found is None:
            raise NotFound("There is no such job.")
        return to_job(found)

    async def newest(self, urls: Sequence[str] = (), count: int = SHOWN) -> list[Job]:
        """The newest jobs, of these parameters where some are named."""
        asked: dict[str, Any] = {"urls": {"$in": list(urls)}} if urls else {}
        return [to_job(one) async for one in self._jobs.find(asked).sort("_id", -1).limit(count)]

    async def unfinished(self) -> list[Job]:
        """What waits, runs or is paused, oldest first."""
        asked = {"state": {"$in": list(UNFINISHED)}}
        return [to_job(one) async for one in self._jobs.find(asked).sort("_id", 1)]

    async def latest_for(self, parameter: str) -> Job | None:
        """The newest job for a SearchParameter resource."""
        found = await self._jobs.find_one({"parameters": parameter}, sort=[("_id", -1)])
        return to_job(found) if found else None

    # Steering

    async def steer(self, job_id: str, state: str) -> Job:
        """`paused`, `waiting` (go on) or `cancelled`; Conflict where the job has ended."""
        ended = {"ended": "$$NOW"} if state == "cancelled" else {}
        found = await self._jobs.find_one_and_update(
            {"_id": job_id, "state": {"$in": list(UNFINISHED)}},
            [{"$set": {"state": state, "owner": None, **ended}}],
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            await self.read(job_id)
            raise Conflict("The job has ended.")
        return to_job(found)

    # Working

    async def claim(self, owner: str) -> Job | None:
        """The oldest job that waits or was left; None where there is none, or another process is at it."""
        asked = {"state": {"$in": list(CLAIMABLE)}, "version": {"$lte": VERSION}}
        oldest = await self._jobs.find_one(asked, {"_id": 1}, sort=[("_id", 1)])
        if oldest is None:
            return None
        free = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
        mine = {"$or": [{"owner": None}, {"owner": owner}, {"$expr": free}]}
        change = {
            "owner": owner, "until": _until(), "state": "running", "epoch": {"$add": ["$epoch", 1]},
            "started": {"$ifNull": ["$started", "$$NOW"]},
        }  # fmt: skip
        found = await self._jobs.find_one_and_update(
            {"_id": oldest["_id"], **asked, **mine}, [{"$set": change}], return_document=ReturnDocument.AFTER
        )
        return to_job(found) if found else None

    async def advance(
        self, job: Job, fields: Mapping[str, Any], session: AsyncClientSession | None = None
    ) -> Job | None:
        """Write down where the job is and keep it; None where it was taken away, paused or ended meanwhile."""
        literal = {name: {"$literal": value} for name, value in fields.items()}
        found = await self._jobs.find_one_and_update(
            {"_id": job.id, "owner": job.owner, "epoch": job.epoch, "state": "running"},
            [{"$set": {**literal, "until": _until()}}],
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return to_job(found) if found else None

    async def end(self, job: Job, state: str, fields: Mapping[str, Any], session: AsyncClientSession) -> bool:
        """The job is completed or failed; False where it was taken away meanwhile."""
        kept = await self.advance(job, fields, session)
        if kept is not None:
            change = [{"$set": {"state": state, "ended": "$$NOW", "owner": None}}]
            await self._jobs.update_one({"_id": job.id}, change, session=session)
        return kept is not None

    async def moment(self) -> datetime:
        """The database's clock."""
        found = await self._jobs.database.command("hello")
        at: datetime = found["localTime"]
        return at

    async def release(self, job: Job) -> None:
        """Let another process go on at once: a clean end."""
        await self._jobs.update_one({"_id": job.id, "owner": job.owner}, {"$set": {"owner": None}})


def _until() -> dict[str, Any]:
    return {"$add": ["$$NOW", LEASE_MS]}
