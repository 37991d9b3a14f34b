"""
$export of the system, of all patients, of a group: the kick-off request.

https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-kick-off-request
"""

from __future__ import annotations

import uuid

from hie.fhir.bulk import asked as reading
from hie.fhir.bulk.job import Job
from hie.fhir.bulk.jobs import owner_of
from hie.fhir.bulk.planning import plan
from hie.fhir.bundles import link
from hie.fhir.call import Answer, Call
from hie.fhir.outcome import informational, outcome
from records.documents import moment
from records.errors import Invalid, Issue

RETRY_SECONDS = "60"


async def export(call: Call) -> Answer:
    """`GET|POST [base]/$export`, `Patient/$export`, `Group/[id]/$export`."""
    require_async(call)
    asked = reading.read(call)
    at = moment(call.services.clock())
    remarks = asked.passed_over
    job = Job(
        str(uuid.uuid4()), owner_of(call.caller), call.caller, request_of(call), at,
        export=await plan(call, asked, at, remarks), remarks=tuple(remarks), touched=at,
    )  # fmt: skip
    return await begin(call, job, "export")


async def begin(call: Call, job: Job, interaction: str) -> Answer:
    """Keep the job: 202 with the address to ask, or 429 where this client has too many."""
    if not await call.services.bulk.add(job, call.services.settings.bulk_jobs):
        return too_many(interaction)
    return accepted(call, job, interaction)


def accepted(call: Call, job: Job, interaction: str) -> Answer:
    """202: the work has begun."""
    body = informational("The request was accepted; its state is at the address in Content-Location.")
    return Answer(202, body, {"Content-Location": address(call, job)}, interaction=interaction)


def too_many(interaction: str) -> Answer:
    """429: other jobs of this client have to be done first."""
    issue = Issue("", "This client has as many jobs as it may have; wait for one, or cancel one.", "throttled")
    return Answer(429, outcome([issue]), {"Retry-After": RETRY_SECONDS}, interaction=interaction)


def address(call: Call, job: Job) -> str:
    """Where the state of a job is told."""
    return f"{call.base}/_bulk/{job.id}"


def require_async(call: Call) -> None:
    """Refuse a request that waits for its answer: the work takes as long as there is data."""
    preferences = {part.strip().lower() for part in (call.header("prefer") or "").replace(";", ",").split(",")}
    if "respond-async" not in preferences:
        raise Invalid("This operation needs the header Prefer: respond-async.", status=400)


def request_of(call: Call) -> str:
    """The address that was asked, for the manifest."""
    return link(call.base, "/".join(call.path), call.query)


