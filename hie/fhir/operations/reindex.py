"""
$reindex: have resources indexed again, and see how far it is; a job that survives every restart.

As HAPI FHIR has it: `POST [base]/$reindex` with Parameters `url`, `type` or `everything`; the job is found at the
address in Content-Location. https://hapifhir.io/hapi-fhir/docs/server_jpa/search.html
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.operations.parameters import parameters, taken, truth
from hie.fhir.search_parameters import telling
from hie.fhir.search_parameters.rights import TYPE, allow_reindexing
from records.definitions import definitions
from records.errors import Invalid, NotFound
from records.reindexing import Job
from records.stored import decode, encode

EVERYTHING = "everything"


async def reindex(call: Call) -> Answer:
    """`POST [base]/$reindex`: 202, and where the job is told of."""
    await _permit(call)
    asked = taken("reindex", parameters(call), ("url", "type", EVERYTHING), repeats=("type",))
    types, url = await _covered(call, asked.get("url", ""), asked.get("type", ""), asked.get(EVERYTHING, "false"))
    return await _asked(call, types, url)


async def reindex_parameter(call: Call) -> Answer:
    """`POST [base]/SearchParameter/[id]/$reindex`: the same for one parameter."""
    await _permit(call)
    taken("reindex", parameters(call), ())
    resource = decode((await call.services.store.read(TYPE, call.path[1])).text)
    return await _asked(call, [], str(resource.get("url", "")))


async def reindex_jobs(call: Call) -> Answer:
    """`GET [base]/$reindex`, `?url=...`: the newest jobs."""
    await _permit(call)
    asked = taken("reindex", parameters(call), ("url",))
    found = await call.services.store.parameters.jobs.newest([asked["url"]] if "url" in asked else ())
    return Answer(200, encode(telling.several(found)), interaction="operation")


async def reindex_status(call: Call) -> Answer:
    """`GET [base]/$reindex/[job]`."""
    await _permit(call)
    return _told(call, await call.services.store.parameters.jobs.read(call.path[1]))


async def reindex_cancel(call: Call) -> Answer:
    """`DELETE [base]/$reindex/[job]`: it ends where it is; what waited for it stays unanswered."""
    return await _steered(call, "cancelled")


async def reindex_pause(call: Call) -> Answer:
    """`POST [base]/$reindex/[job]/$pause`: until it is told to go on."""
    return await _steered(call, "paused")


async def reindex_resume(call: Call) -> Answer:
    """`POST [base]/$reindex/[job]/$resume`: on from where it was."""
    return await _steered(call, "waiting")


async def _permit(call: Call) -> None:
    await call.visibility(TYPE, "reindex")
    allow_reindexing(call.caller)


async def _covered(call: Call, url: str, types: str, everything: str) -> tuple[list[str], str]:
    """Types, or the address of one parameter; exactly one way to say it."""
    if (url != "") + (types != "") + (everything != "false") != 1:
        raise Invalid("$reindex takes one of url, type and everything.", status=400)
    if truth("reindex", EVERYTHING, everything):
        return await call.services.store.types(), ""
    named = types.split(",") if types else _type_in(url)
    if not named:
        return [], url
    if unknown := [one for one in named if one not in definitions().resource_types]:
        raise NotFound(f"This server knows no resource type {unknown[0][:64]!r}.")
    return named, ""


def _type_in(url: str) -> list[str]:
    """`Patient?`, as HAPI FHIR writes it, is a type; any other address is that of a search parameter."""
    kind, asked, query = url.partition("?")
    if not asked or "/" in kind:
        return []
    if query:
        raise Invalid("$reindex covers whole types: nothing may follow the question mark.", status=400)
    return [kind]


async def _asked(call: Call, types: list[str], url: str) -> Answer:
    job = await call.services.store.parameters.ask(types, url)
    answer = _told(call, await call.services.store.parameters.jobs.read(job))
    where = f"{call.base}/$reindex/{job}"
    return Answer(202, answer.body, {"Content-Location": where}, interaction="operation")


async def _steered(call: Call, state: str) -> Answer:
    await _permit(call)
    return _told(call, await call.services.store.parameters.steer(call.path[1], state))


def _told(call: Call, job: Job) -> Answer:
    headers = {"X-Progress": f"{job.state} {job.percent} %"} if job.unfinished else {}
    return Answer(200, encode(telling.one(job)), headers, interaction="operation")


__all__ = [
    "reindex", "reindex_cancel", "reindex_jobs", "reindex_parameter", "reindex_pause", "reindex_resume",
    "reindex_status",
]  # fmt: skip
