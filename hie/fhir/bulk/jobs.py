"""
The jobs and the pieces of their files, in the exchange's own database: any web process can show what any worker wrote.

A step's pieces and the job's new progress commit together, or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.access.caller import Caller
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now
from hie.fhir.bulk.job import Document, Job, Progress, State, to_document, to_job
from hie.fhir.bulk.lines import pack, unpack
from records.errors import NotFound
from records.search.dictionary import NO_DICTIONARY, Dictionary

# Who the lines of a chunk are about is kept beside them, so that a file can be shown in part.
Row = tuple[str, tuple[str, ...]]
ABANDONED = timedelta(hours=1)


class Lost(Exception):
    """Another process took the job, or it was cancelled: what this one did is dropped."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: its lines, and for each line the id and the patients of its resource."""

    file: str
    number: int
    lines: Sequence[bytes]
    rows: Sequence[Row] = ()
    first: int = 0


class Jobs:
    """Collections `bulk_jobs` and `bulk_chunks`."""

    def __init__(
        self, client: Client, prefix: str, *, dictionary: Dictionary = NO_DICTIONARY, clock: Clock = now
    ) -> None:
        database = exchange_database(client, prefix)
        self._jobs, self._chunks = database["bulk_jobs"], database["bulk_chunks"]
        self.dictionary, self._clock = dictionary, clock

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self._jobs.create_indexes([
            IndexModel([("state", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("owner", ASCENDING), ("state", ASCENDING)]),
            IndexModel([("expires", ASCENDING)]),
        ])  # fmt: skip
        await self._chunks.create_index([("job", ASCENDING), ("file", ASCENDING), ("number", ASCENDING)])

    # What a requester does

    async def add(self, job: Job, most: int) -> bool:
        """Keep a new job; False where its owner has `most` already that are not done."""
        await self._jobs.insert_one(to_document(job))
        waiting = await self._jobs.count_documents({"owner": job.owner, "state": {"$in": ["receiving", "open"]}})
        if waiting > most:
            # Two that ask at once may both be sent away; more than `most` are never kept.
            await self._jobs.delete_one({"_id": job.id})
            return False
        return True

    async def of(self, job_id: str, caller: Caller) -> Job:
        """The job of this caller; NotFound where it is another's, was cancelled, or its time is over."""
        found = await self._jobs.find_one({"_id": job_id, "owner": owner_of(caller), "state": {"$ne": "cancelled"}})
        if found is None:
            raise NotFound("There is no such job.")
        job = to_job(found)
        if job.expires is not None and job.expires <= self._clock():
            raise NotFound("There is no such job.")
        return job

    async def cancel(self, job: Job) -> None:
        """End it and drop its files; a step under way finds that it may no longer write."""
        await self._jobs.update_one({"_id": job.id}, {"$set": {"state": "cancelled", "expires": self._clock()}})
        await self._chunks.delete_many({"job": job.id})

    async def change(self, job: Job, **fields: Any) -> None:
        """Write fields of a job that no step is at."""
        await self._jobs.update_one({"_id": job.id}, {"$set": fields})

    async def touch(self, job: Job) -> None:
        """Say that its upload goes on."""
        await self.change(job, touched=self._clock())

    # What a worker does

    async def open(self) -> list[str]:
        """Ids of the jobs that are to be worked on."""
        return [row["_id"] async for row in self._jobs.find({"state": "open"}, {"_id": 1}).sort("_id", 1)]

    async def read(self, job_id: str) -> Job:
        """An open job; Lost where it is open no longer."""
        found = await self._jobs.find_one({"_id": job_id, "state": "open"})
        if found is None:
            raise Lost
        return to_job(found)

    async def advance(
        self,
        job: Job,
        progress: Progress,
        chunks: Sequence[Chunk] = (),
        *,
        session: AsyncClientSession,
        **fields: Any,
    ) -> Job:
        """Write a step: its pieces, the progress behind it, further fields; Lost where another step came first."""
        progress = replace(progress, turn=job.progress.turn + 1)
        done = await self._jobs.update_one(
            {"_id": job.id, "state": "open", "progress.turn": job.progress.turn},
            {"$set": {"progress": _plain(progress), "touched": self._clock(), **fields}},
            session=session,
        )
        if done.matched_count == 0:
            raise Lost
        await self.keep(job, chunks, session=session)
        return replace(job, progress=progress, **fields)

    async def keep(self, job: Job, chunks: Sequence[Chunk], *, session: AsyncClientSession | None = None) -> None:
        """Write pieces of files."""
        if chunks:
            await self._chunks.insert_many([_document(job, one) for one in chunks], session=session)

    async def end(self, job: Job, state: State, expires: datetime, problem: str = "", status: int = 0) -> None:
        """Give a job up that cannot be done."""
        change = {"state": state, "expires": expires, "problem": problem, "status": status}
        await self._jobs.update_one({"_id": job.id, "state": "open"}, {"$set": change})

    async def failed(self, job: Job) -> int:
        """Count an attempt that failed; returns how many in a row."""
        change = {"$inc": {"progress.failures": 1}}
        await self._jobs.update_one({"_id": job.id, "progress.turn": job.progress.turn}, change)
        return job.progress.failures + 1

    async def clean(self) -> int:
        """Drop what is over: files first, then jobs, so that a stop in between leaves nothing behind."""
        at = self._clock()
        over: Mapping[str, Any] = {
            "$or": [{"expires": {"$lte": at}}, {"state": "receiving", "touched": {"$lte": at - ABANDONED}}]
        }
        count = 0
        async for row in self._jobs.find(over, {"_id": 1}):
            await self._chunks.delete_many({"job": row["_id"]})
            count += (await self._jobs.delete_one({"_id": row["_id"]})).deleted_count
        return count

    # Files

    async def chunk(self, job: Job, file: str, number: int) -> Chunk | None:
        """One piece, or None behind the last."""
        found = await self._chunks.find_one({"job": job.id, "file": file, "number": number})
        return _chunk(found) if found else None

    async def chunks(self, job: Job, file: str, count: int) -> AsyncIterator[Chunk]:
        """The first `count` pieces in order, each by a query of its own: no cursor waits for a slow reader."""
        for number in range(count):
            found = await self.chunk(job, file, number)
            if found is None:
                raise NotFound("The files of this job are gone.")
            yield found

    async def drop(self, job: Job, file: str) -> None:
        """Remove what there is of a file."""
        await self._chunks.delete_many({"job": job.id, "file": file})


def owner_of(caller: Caller) -> str:
    """Who may ask about a job: the same account at the same client."""
    return f"{caller.client}\x1f{caller.subject}"


def _plain(progress: Progress) -> Document:
    found: Document = msgspec.to_builtins(progress, builtin_types=(datetime,))
    return found


def _document(job: Job, chunk: Chunk) -> Document:
    return {
        "_id": f"{job.id}/{chunk.file}/{chunk.number}", "job": job.id, "file": chunk.file, "number": chunk.number,
        "data": pack(chunk.lines), "rows": [[one, list(patients)] for one, patients in chunk.rows],
        "first": chunk.first,
    }  # fmt: skip


def _chunk(found: Document) -> Chunk:
    rows = [(str(one), tuple(patients)) for one, patients in found["rows"]]
    return Chunk(found["file"], found["number"], unpack(bytes(found["data"])), rows, found["first"])
