"""
One step of an import: some lines of a file are checked and filed, and the place behind them, in one transaction.

A bad line is reported and kept in the journal; it never holds up the others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import structlog
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from hie.errors import HieError, Unavailable, fault
from hie.fhir.bulk.fetching import fetch
from hie.fhir.bulk.filing_lines import Batch, Line, Refusal, file_batch, read_line, refuse
from hie.fhir.bulk.job import File, Job, Progress
from hie.fhir.bulk.jobs import Chunk, Lost
from hie.fhir.bulk.staging import OVERLONG, Staging
from hie.fhir.services import FhirServices
from records.errors import Conflict, Issue, RecordError

BATCH_LINES = 200
FETCH_ATTEMPTS = 3
# Nothing is wrong with the line. A write of an import has no condition: a conflict means that somebody else writes the
# same just now, or that a killed process left a transaction behind, which the database ends after a minute.
PASSING = (Lost, PyMongoError, Unavailable, Conflict)
_log = structlog.get_logger("hie.bulk")


@dataclass(frozen=True, slots=True)
class Intake:
    """Works on imports for one process."""

    services: FhirServices

    async def step(self, job: Job) -> Job:
        """Do the next piece; returns the job behind it. Lost where another process did it."""
        done = job.progress
        if done.at >= len(job.inputs):
            return await self._finish(job)
        if not done.staged:
            return await self._stage(job)
        chunk = await self.services.bulk.chunk(job, done.cursor, done.chunk)
        if chunk is None:
            return await self._next(job)
        batch = await self._batch(job, chunk)
        try:
            return await self._file(job, batch)
        except PASSING:
            raise
        except Exception as error:
            return await self._one_by_one(job, batch, error)

    async def _next(self, job: Job) -> Job:
        """The file is done; its lines need not be kept any longer."""
        following = await self._write(job, _next_input(job.progress))
        await self.services.bulk.drop(job, job.progress.cursor)
        return following

    async def _one_by_one(self, job: Job, batch: Batch, error: Exception) -> Job:
        """The line that the others suffer from is found by filing each alone."""
        if len(batch.lines) <= 1:
            return await self._file(job, _all_refused(batch, error))
        for alone in batch.singles():
            try:
                job = await self._file(job, alone)
            except PASSING:
                raise
            except Exception as own:
                job = await self._file(job, _all_refused(alone, own))
        return job

    # Files

    async def _stage(self, job: Job) -> Job:
        """Fetch a file under a name of its own: a process that lost the job meanwhile writes into none of ours."""
        done, settings = job.progress, self.services.settings
        name = f"input-{done.at}-{uuid.uuid4().hex}"
        staging = Staging(self.services.bulk, job, name, settings.fhir_max_bytes, settings.bulk_import_bytes)
        try:
            await staging.take(fetch(job.inputs[done.at].url, settings))
        except httpx.HTTPError as error:
            if done.failures + 1 < FETCH_ATTEMPTS:
                await asyncio.sleep(done.failures + 1)
                return await self._write(job, replace(done, failures=done.failures + 1))
            return await self._unfetched(job, f"The file could not be fetched ({type(error).__name__}).")
        except (HieError, RecordError) as error:
            return await self._unfetched(job, error.text)
        return await self._write(job, replace(done, staged=True, cursor=name, failures=0))

    async def _unfetched(self, job: Job, text: str) -> Job:
        refused = Refusal(0, b"", (Issue("", text, "not-found"),))
        progress, chunks = _with_errors(job.progress, [refused])
        return await self._write(job, _next_input(progress), chunks)

    # Lines

    async def _batch(self, job: Job, chunk: Chunk) -> Batch:
        """The next lines, as many as make a transaction; each id at most once, for the later line comes later."""
        start = job.progress.line
        lines, refused, seen, end = list[Line](), list[Refusal](), set[tuple[str, str]](), start
        for text, row in list(zip(chunk.lines, chunk.rows, strict=True))[start : start + BATCH_LINES]:
            number = chunk.first + end
            if row == OVERLONG:
                refused.append(Refusal(number, text, (Issue("", "The line is too long.", "too-costly"),)))
            elif text.strip():
                found = await read_line(self.services, job, number, text.strip())
                if isinstance(found, Refusal):
                    refused.append(found)
                elif found.key in seen:
                    break
                else:
                    seen.add(found.key)
                    lines.append(found)
            end += 1
        return Batch(tuple(lines), tuple(refused), chunk.first, end, whole=end >= len(chunk.lines))

    async def _file(self, job: Job, batch: Batch) -> Job:
        # Kept before the place moves on: the journal knows the same bytes again, and keeps them once.
        await refuse(self.services, job, batch.refused)

        async def work(session: AsyncClientSession) -> Job:
            filed = await file_batch(self.services, job, batch, session)
            progress, chunks = _with_errors(filed, batch.refused)
            return await self.services.bulk.advance(job, _behind(progress, batch), chunks, session=session)

        return await self.services.store.in_transaction(work)

    async def _write(self, job: Job, progress: Progress, chunks: Sequence[Chunk] = (), **fields: object) -> Job:
        jobs = self.services.bulk
        return await self.services.store.in_transaction(
            lambda session: jobs.advance(job, progress, chunks, session=session, **fields)
        )

    async def _finish(self, job: Job) -> Job:
        expires = self.services.clock() + timedelta(hours=self.services.settings.bulk_keep_hours)
        return await self._write(job, job.progress, state="complete", expires=expires)


def _all_refused(batch: Batch, error: Exception) -> Batch:
    """Nothing of it can be filed, for this reason."""
    if not isinstance(error, HieError | RecordError):
        _log.error("line failed", error=type(error).__name__, exc_info=error)
    issues = fault(error).issues
    found = tuple(Refusal(line.number, line.text, issues) for line in batch.lines)
    return replace(batch, lines=(), refused=(*batch.refused, *found))


def _next_input(progress: Progress) -> Progress:
    return replace(progress, at=progress.at + 1, staged=False, cursor="", chunk=0, line=0, failures=0)


def _behind(progress: Progress, batch: Batch) -> Progress:
    if batch.whole:
        return replace(progress, chunk=progress.chunk + 1, line=0, failures=0)
    return replace(progress, line=batch.end, failures=0)


def _with_errors(progress: Progress, refused: Sequence[Refusal]) -> tuple[Progress, list[Chunk]]:
    """The error file of the input grows by these."""
    if not refused:
        return progress, []
    name = f"errors-{progress.at + 1}"
    before = next((one for one in progress.files if one.name == name), None)
    file = before or File(name, "OperationOutcome", "error", of=progress.at)
    lines = [one.line() for one in refused]
    grown = replace(
        file, rows=file.rows + len(lines), size=file.size + sum(map(len, lines)) + len(lines), chunks=file.chunks + 1
    )
    files = (*(one for one in progress.files if one.name != name), grown)
    chunk = Chunk(name, file.chunks, lines, [("", ())] * len(lines))
    return replace(progress, files=files, refused=progress.refused + len(refused)), [chunk]
