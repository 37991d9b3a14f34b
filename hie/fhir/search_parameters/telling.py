"""
A reindexing job in FHIR's words: Parameters that say what it covers, how far it is, and what went wrong.

https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from records.documents import instant
from records.reindexing import Job
from records.stored import Json


def one(job: Job) -> Json:
    """The answer about one job."""
    return {"resourceType": "Parameters", "parameter": list(_of(job))}


def several(jobs: Iterable[Job]) -> Json:
    """The answer about the newest jobs, newest first; FHIR knows no empty list."""
    found: list[Json] = [{"name": "job", "part": list(_of(job))} for job in jobs]
    return {"resourceType": "Parameters", **({"parameter": found} if found else {})}


def _of(job: Job) -> Iterator[Json]:
    yield {"name": "jobId", "valueString": job.id}
    yield {"name": "state", "valueCode": job.state}
    if job.state == "running":
        yield {"name": "phase", "valueCode": job.phase}
    yield {"name": "reason", "valueCode": job.reason}
    yield from ({"name": "url", "valueUri": url} for url in job.urls)
    yield {"name": "percent", "valueInteger": job.percent}
    yield from _counts(job)
    yield from _times(job)
    if job.processes:
        yield {"name": "waitingForProcesses", "valueInteger": job.processes}
    yield {"name": "errors", "valueInteger": job.errors}
    yield from ({"name": "failed", "valueString": reference} for reference in job.failed)
    yield from (_type(job, name) for name in job.types)


def _counts(job: Job) -> Iterator[Json]:
    yield {"name": "total", "valueInteger": job.total}
    yield {"name": "done", "valueInteger": job.done}
    yield {"name": "changed", "valueInteger": job.changed}
    if job.existing:
        # What the database counted at the end: resources there are, and how many of them are indexed anew.
        yield {"name": "existing", "valueInteger": job.existing}
        yield {"name": "current", "valueInteger": job.current}


def _times(job: Job) -> Iterator[Json]:
    named: tuple[tuple[str, datetime | None], ...] = (
        ("created", job.created), ("started", job.started), ("ended", job.ended),
    )  # fmt: skip
    yield from ({"name": name, "valueInstant": instant(at)} for name, at in named if at is not None)
    if job.rate:
        yield {"name": "perSecond", "valueDecimal": job.rate}
    if job.seconds_left is not None:
        yield {"name": "secondsLeft", "valueInteger": round(job.seconds_left)}


def _type(job: Job, name: str) -> Json:
    parts: list[Json] = [{"name": "name", "valueCode": name}]
    if found := job.progress.get(name):
        parts += [
            {"name": "total", "valueInteger": found.total},
            {"name": "done", "valueInteger": found.done},
            {"name": "changed", "valueInteger": found.changed},
        ]
    return {"name": "type", "part": parts}
