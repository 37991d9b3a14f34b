"""
The status address: how far a job is, its manifest when it is done, and its end when it is no longer wanted.

https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-status-request
"""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime

from hie.fhir.bulk.export import address
from hie.fhir.bulk.job import File, Job
from hie.fhir.call import Answer, Call
from hie.fhir.formats import NotAcceptable, wanted
from hie.fhir.outcome import informational, outcome
from records.documents import instant
from records.errors import Issue
from records.stored import Json, encode

QUICK, SLOW = 2, 15
_QUICK_UNTIL = 20_000


async def status(call: Call) -> Answer:
    """`GET [base]/_bulk/[id]`: 202 while it runs, 200 with the manifest; NotFound for everybody else's job."""
    job = await call.services.bulk.of(call.path[1], call.caller)
    match job.state:
        case "complete":
            return _complete(call, job)
        case "failed":
            issue = Issue("", job.problem, "exception" if job.status >= 500 else "processing")
            return Answer(job.status or 500, outcome([issue]), interaction="operation")
        case _:
            wait = QUICK if job.progress.done < _QUICK_UNTIL else SLOW
            return Answer(202, b"", {"X-Progress": progress(job), "Retry-After": str(wait)}, interaction="operation")


async def cancel(call: Call) -> Answer:
    """`DELETE [base]/_bulk/[id]`: stops the job where it runs still, and drops its files."""
    job = await call.services.bulk.of(call.path[1], call.caller)
    await call.services.bulk.cancel(job)
    return Answer(202, informational("The job was cancelled."), interaction="operation")


def progress(job: Job) -> str:
    """A line for a person, of at most 100 characters and without health data."""
    done = job.progress
    if job.export is not None:
        return f"{done.done} resources; {done.at} of {len(job.export.parts)} passes"
    return f"{done.done + done.refused} lines; {done.at} of {len(job.inputs)} files"


def _complete(call: Call, job: Job) -> Answer:
    if wanted(dict(call.query).get("_format"), call.header("accept")).format != "json":
        raise NotAcceptable("A manifest is JSON; it is no FHIR resource.")
    headers = {"Content-Type": "application/json"}
    if job.expires is not None:
        headers["Expires"] = format_datetime(job.expires.astimezone(UTC), usegmt=True)
    return Answer(200, encode(manifest(job, address(call, job))), headers, interaction="operation")


def manifest(job: Job, base: str) -> Json:
    """What came of a job: the files, and how many lines each has."""
    shared: Json = {
        "transactionTime": instant(job.began),
        "request": job.request,
        "requiresAccessToken": True,
    }
    if job.export is None:
        return shared | _taken_in(job, base)
    found = shared | {"output": _files(job, "output", base), "error": _files(job, "error", base)}
    return found | ({"deleted": _files(job, "deleted", base)} if job.export.since else {})


def _files(job: Job, kind: str, base: str) -> list[Json]:
    return [_file(one, base) for one in job.progress.files if one.kind == kind]


def _file(one: File, base: str) -> Json:
    return {"type": one.type, "url": f"{base}/{one.name}", "count": one.rows}


def _taken_in(job: Job, base: str) -> Json:
    """The manifest of an import: what was stored of each input and type, and the lines that were not."""
    output = [
        {"type": one.type, "count": one.created + one.updated + one.unchanged}
        | _input(job, one.of)
        | {"extension": {"created": one.created, "updated": one.updated, "unchanged": one.unchanged}}
        for one in job.progress.tallies
    ]
    errors = [_file(one, base) | _input(job, one.of) for one in job.progress.files if one.kind == "error"]
    return {"output": output, "error": errors}


def _input(job: Job, number: int) -> Json:
    url = job.inputs[number].url if 0 <= number < len(job.inputs) else ""
    return {"inputUrl": url} if url else {}
