"""
What a request was about, for the audit trail: one entry a patient, refusals as well, durable before the answer leaves.

https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlencode

import structlog

from hie.access.policy import Denied
from hie.audit.events import Entry
from hie.errors import HieError, Unavailable
from hie.fhir.call import Answer, Call, Params, parse_form
from hie.fhir.router import route
from records.errors import NotUnderstood, RecordError
from records.stored import EVERYTHING, Stored

# What a handler is called, in the words of the trail.
SEARCHES = ("search_by_post", "search_compartment", "search_system", "search_system_by_post")
NAMES = {**dict.fromkeys(SEARCHES, "search"), "bundle": "batch", "validate": "operation", "import_files": "import"}
NAMES["process_message"] = "operation"
NAMES |= dict.fromkeys(("expand", "lookup", "subsumes", "translate_code", "validate_code"), "operation")
REINDEXING = ("", "_jobs", "_status", "_cancel", "_pause", "_resume", "_parameter")
NAMES |= {f"reindex{one}": "operation" for one in REINDEXING}
# Parameters by which a search names whose record it looks into.
NAMING = frozenset({"patient", "subject", "patient:Patient", "subject:Patient"})
# One resource is what was done to; the other interactions are written down as the request that was made.
SINGLE = frozenset({"read", "vread", "create", "update", "patch", "delete"})
_ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")
_log = structlog.get_logger("hie.fhir")


async def audit(call: Call, answer: Answer) -> None:
    """Write down an answer that is about to leave; Unavailable where it cannot be, and then nothing may leave."""
    interaction = NAMES.get(answer.interaction, answer.interaction) or asked(call)
    resource_type, resource_id = _named(call, answer)
    shared = Entry(
        interaction,
        call.caller,
        resource_type,
        resource_id,
        version=answer.rows[0].version if answer.rows and interaction in SINGLE else None,
        status=answer.status,
        query=query_of(call),
        request_id=call.request_id,
        address=call.address,
        reasons=await _reasons(call, resource_type, interaction),
    )
    if interaction in SINGLE and len(answer.rows) > 1:
        # A condition may select several: each is written down as if it had been named.
        await _record(call, answer, [*_each(shared, answer.rows)])
        return
    patients = await _patients(call, answer, resource_type, resource_id)
    await _record(call, answer, [replace(shared, patient=patient) for patient in patients or [""]])


def _each(shared: Entry, rows: Iterable[Stored]) -> Iterable[Entry]:
    for row in rows:
        for patient in row.patients or ("",):
            yield replace(shared, resource_id=row.id, version=row.version, patient=patient)


def asked(call: Call) -> str:
    """The interaction that a request asks for, also where it was refused."""
    found = route(call.method, call.path, bool(call.query))
    name = found.handler.__name__.removeprefix("conditional_") if found else "operation"
    return NAMES.get(name, name)


def query_of(call: Call) -> str:
    """The request as sent, with the parameters of a search by POST; kept in the trail and nowhere else."""
    params = call.query
    if call.path[-1:] == ("_search",):
        params = (*params, *_form(call.body))
    path = "/".join(part for part in call.path if part != "_search")
    return f"{path}?{urlencode(params)}" if params else path


def _form(body: bytes) -> Params:
    try:
        return parse_form(body)
    except NotUnderstood:
        return ()


def _named(call: Call, answer: Answer) -> tuple[str, str]:
    resource_type = answer.resource_type or _part(call, 0)
    resource_id = answer.resource_id or _part(call, 1)
    if not resource_id and answer.interaction in SINGLE and answer.rows:
        resource_id = answer.rows[0].id
    return resource_type, resource_id


def _part(call: Call, position: int) -> str:
    found = call.path[position] if len(call.path) > position else ""
    return found if found[:1] not in ("", "_", "$") else ""


async def _reasons(call: Call, resource_type: str, interaction: str) -> tuple[str, ...]:
    """The codes of the decision, once more: it was made where it was needed, and it costs no query."""
    if not call.caller.subject or interaction in ("batch", "transaction", "operation"):
        return ()
    if interaction == "export" and not resource_type:
        # Of the whole system: each type was decided by itself.
        return ()
    try:
        return (await call.services.gate.decide(call.caller, resource_type or "*", interaction)).reasons
    except Denied as denied:
        return (denied.reason,)
    except HieError:
        return ()


async def _patients(call: Call, answer: Answer, resource_type: str, resource_id: str) -> list[str]:
    """Whose record was shown or changed; where nothing was, whose was asked for."""
    found = [patient for row in answer.rows for patient in row.patients]
    if not found and call.caller.subject:
        found = [*_compartment(call), *await _searched(call)]
        if resource_type and resource_id and answer.status >= 400:
            found += await _refused_record(call, resource_type, resource_id)
    return list(dict.fromkeys(found))


def _compartment(call: Call) -> Iterable[str]:
    return (call.path[1],) if call.path[:1] == ("Patient",) and _part(call, 1) else ()


async def _searched(call: Call) -> list[str]:
    """Patients that the search named, e.g. `patient=Patient/a,Patient/b`."""
    params = (*call.query, *(_form(call.body) if call.path[-1:] == ("_search",) else ()))
    values = [one for name, value in params if name in NAMING for one in value.split(",")]
    patients = [value.removeprefix("Patient/") for value in values if not value.startswith("Person/")]
    for person in (value for value in values if value.startswith("Person/")):
        patients += await call.services.registry.expand(person)
    return [patient for patient in patients if _ID.match(patient)]


async def _refused_record(call: Call, resource_type: str, resource_id: str) -> list[str]:
    # Who tried in vain to see a record is shown to its resident too.
    try:
        row = await call.services.store.read(resource_type, resource_id, visibility=EVERYTHING)
    except (RecordError, HieError, KeyError):
        return []
    return list(row.patients)


async def _record(call: Call, answer: Answer, entries: list[Entry]) -> None:
    try:
        await call.services.audit.record(entries)
    except Unavailable as error:
        # A refusal shows nothing: it may leave though the trail is away, and the sender needs it.
        if answer.status < 400:
            raise
        _log.error("refusal not audited", error=type(error).__name__, request_id=call.request_id)
